"""The commands of a chat, which begin with a slash: each looks at the session or says something in the user's place."""

from __future__ import annotations

import shlex

from kinograph.chat import Chat, Command, Leave
from kinograph.errors import BadInput
from kinograph.film import Usage

HELP = """Say what to film, then what should be different:
  swap 2 and 3 · move shot 3 to the beginning · remove the last shot · add a closing shot of the sea
  make shot 2 at night · shot 1 in the forest · zoom in on shot 3 · shot 1 warmer · slower · two seconds longer
  the ball should be blue everywhere · replace the ball with a cube · add a dog to shot 2 · the ball should spin
  another try of shot 2 · like the first try of shot 3 · seed 7 for shot 2 · make it noir · make it vertical
  undo · redo · go back to version 2
A storyboard waits for your yes; only shots whose picture would change are rendered.

  /show [VERSION]   the storyboard, and what it would cost      /versions        all versions and their films
  /takes SHOT       all takes of a shot                         /keep SHOT.TAKE  use that take, e.g. /keep 3.2
  /undo [N] /redo   step back, step forward                     /version NAME    go to a version; going on branches
  /seed [N]         show or set the film's seed                 /save [NAME]     name this version
  /models           what can render                             /cost            what was rendered and thought so far
  /export PATH      copy film, sheet and manifest               /mind            what the agents think with
  /help             this                                        /quit            leave; the session is kept
Ctrl-C stops a render, not the session. Ctrl-D leaves."""


def _show(chat: Chat, rest: str) -> None:
    session = chat.conversation.at
    if rest:
        version = session.find(rest)
        from kinograph import pages

        film = session.film_of(version)
        chat.tell(pages.storyboard(version.storyboard, film.takes if film else ()))
        return
    chat.propose(session.proposal())


def _takes(chat: Chat, rest: str) -> None:
    from kinograph import pages

    number, session = _number(rest, "/takes", "3"), chat.conversation.at
    shots = session.head.storyboard.shots
    if not 1 <= number <= len(shots):
        raise BadInput(f"shot {number} does not exist; there are {len(shots)}")
    found = session.takes(shots[number - 1].id)
    chat.tell(pages.takes(number, found, shots[number - 1].keep) if found else f"shot {number} has no take yet")


def _keep(chat: Chat, rest: str) -> None:
    shot, dot, take = rest.partition(".")
    if not (dot and shot.isdigit() and take.isdigit()):
        raise BadInput(f"{rest!r} is not SHOT.TAKE; say for example /keep 3.2")
    chat.say(f"use take {int(take)} of shot {int(shot)}")


def _seed(chat: Chat, rest: str) -> None:
    if rest:
        chat.say(f"seed {_number(rest, '/seed', '7')}")
        return
    head = chat.conversation.at.head
    own = [f"shot {n}: {shot.seed}" for n, shot in enumerate(head.storyboard.shots, 1) if shot.seed is not None]
    chat.tell("; ".join([f"seed {head.brief.seed}", *own]))


def _models(chat: Chat, rest: str) -> None:
    from kinograph import pages
    from kinograph.tools.backends import cards, ready

    session = chat.conversation.session
    chosen = session.head.decision.model if session and session.record.head else ""
    chat.tell(pages.models_in_brief(list(cards().values()), chosen, ready(chat.conversation.studio.settings.backends)))


def _cost(chat: Chat, rest: str) -> None:
    from kinograph import pages

    films = [one.film for one in chat.conversation.at.filmed()]
    made = [take for film in films for take in film.takes if not (take.reused or take.placeholder)]
    fresh = {take.request.digest: take.clip for take in made if take.clip}
    rendering, work = sum(clip.render_seconds for clip in fresh.values()), sum(film.seconds for film in films)
    chat.tell(f"{len(films)} films, {len(fresh)} takes rendered in {rendering:.1f} s, {work:.1f} s of work in all")
    used = [film.usage for film in films] + [chat.conversation.at.usage]
    thought = Usage(
        calls=tuple(call for one in used for call in one.calls),
        fallbacks=tuple(fallback for one in used for fallback in one.fallbacks),
    )
    if thought.calls or thought.fallbacks:
        chat.tell(pages.usage(thought))


def _export(chat: Chat, rest: str) -> None:
    try:
        place = " ".join(shlex.split(rest))
    except ValueError:
        place = ""
    if not place:
        raise BadInput("/export needs a place; say for example /export my-film.mp4")
    places = chat.conversation.export(place)
    chat.tell("\n".join(map(str, places)))


def _save(chat: Chat, rest: str) -> None:
    version = chat.conversation.save(rest or chat.conversation.at.head.storyboard.title)
    chat.tell(f"version {version.number} is now {version.name!r}")


def _versions(chat: Chat, rest: str) -> None:
    from kinograph import pages

    session = chat.conversation.at
    chat.tell(pages.versions(session.versions, session.record.head, [one.version.number for one in session.filmed()]))


def _version(chat: Chat, rest: str) -> None:
    if not rest:
        raise BadInput("/version needs a number or name; /versions lists them")
    found = chat.conversation.at.find(rest)
    chat.say(f"go back to version {found.number}")


def _undo(chat: Chat, rest: str) -> None:
    chat.say(f"undo {_number(rest, '/undo', '2')} times" if rest else "undo")


def _redo(chat: Chat, rest: str) -> None:
    chat.say(f"redo {_number(rest, '/redo', '2')}" if rest else "redo")


def _help(chat: Chat, rest: str) -> None:
    chat.tell(HELP)


def _mind(chat: Chat, rest: str) -> None:
    chat.tell(mind_line(chat.conversation.mind))


def _quit(chat: Chat, rest: str) -> None:
    raise Leave


def _number(said: str, command: str, example: str) -> int:
    if not said.isdigit():
        raise BadInput(f"{said!r} is no number; say for example {command} {example}")
    return int(said)


COMMANDS: dict[str, Command] = {
    "show": _show,
    "takes": _takes,
    "keep": _keep,
    "seed": _seed,
    "models": _models,
    "cost": _cost,
    "export": _export,
    "save": _save,
    "versions": _versions,
    "version": _version,
    "undo": _undo,
    "redo": _redo,
    "mind": _mind,
    "help": _help,
    "quit": _quit,
    "exit": _quit,
}


def mind_line(mind: str) -> str:
    """Which mind is on, in words."""
    if mind == "rules":
        return "mind: rules (no language model; edits in plain English are understood)"
    return f"mind: {mind}"
