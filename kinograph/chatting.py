"""`kinograph chat`: a conversation opened or gone on with, on a terminal or in a pipe."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kinograph.arguments import (
    Aspect,
    Fallback,
    Fps,
    Guidance,
    Model,
    Series,
    Size,
    Steps,
    Takes,
    Topology,
    brief_text,
    size_of,
)
from kinograph.errors import BadInput
from kinograph.output import Json, put


def chat(
    words: Annotated[str | None, typer.Argument(help="What to film; with --resume the id of a session.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a session: the one named, or the last.")] = False,
    list_sessions: Annotated[bool, typer.Option("--list", help="List the sessions.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Render every storyboard without asking.")] = False,
    out: Annotated[Path | None, typer.Option(help="The session's own folder; new or empty.")] = None,
    model: Model = None,
    topology: Topology = None,
    seed: Annotated[str | None, typer.Option(help="Same seed, same film. 0 to 4294967295.")] = None,
    size: Size = None,
    aspect: Aspect = None,
    fps: Fps = None,
    frames: Annotated[str | None, typer.Option(help="Frames of every shot at first, instead of a length.")] = None,
    steps: Steps = None,
    guidance: Guidance = None,
    takes: Takes = None,
    reference: Annotated[list[Path] | None, typer.Option(help="Reference picture.")] = None,
    series: Series = None,
    fallback: Fallback = None,
    as_json: Json = False,
) -> None:
    """Make a film in conversation: say what to see, approve the storyboard, change it in words.

    Only the shots that a change touches are rendered again. In a pipe each line of standard input is a turn.
    Ctrl-C stops a render, not the session; kinograph chat --resume goes on after anything, kill -9 included.
    """
    from kinograph import pages
    from kinograph.chat import Chat
    from kinograph.chat_commands import COMMANDS, mind_line
    from kinograph.chat_lines import piped, typed
    from kinograph.studio import Studio

    studio = Studio()
    if list_sessions:
        kept = studio.sessions()
        rows = [
            {"id": k.session.id, "folder": k.session.folder, "title": k.title, "versions": k.versions} for k in kept
        ]
        put(rows if as_json else pages.sessions(kept))
        return
    id = words if resume else None
    if resume and id is None:
        if not (kept := studio.sessions()):
            raise BadInput("there is no session to resume; begin with: kinograph chat")
        id = kept[0].session.id
    width, height = size_of(size)
    wishes = {"model": model, "topology": topology, "seed": seed, "width": width, "height": height}
    wishes |= {"aspect": aspect, "fps": fps, "frames": frames, "steps": steps, "guidance": guidance, "takes": takes}
    wishes |= {"fallback": fallback, "series": series}
    if resume and (given := [name for name, value in wishes.items() if value is not None]):
        raise BadInput(f"a session that is resumed keeps its own {given[0]}; say what should be different instead")
    with studio.open(id, out=out, references=tuple(reference or ()), **wishes) as conversation:
        face = Chat(conversation, COMMANDS, yes=yes, as_json=as_json)
        on_terminal = sys.stdin.isatty() and sys.stdout.isatty() and not as_json
        if not as_json:
            print(mind_line(conversation.mind), file=sys.stderr)
        if words and not resume:
            face.say(brief_text(words))
        elif conversation.session is not None and not as_json and not conversation.unfinished:
            face.propose(conversation.session.proposal()) if conversation.session.record.head else None
        elif on_terminal:
            print("Say what to film; /help tells more.", file=sys.stderr)
        if on_terminal or not (words and not resume and sys.stdin.isatty()):
            history = studio.settings.home / "chat_history"
            face.run(typed(conversation, history, COMMANDS) if on_terminal else piped())
        if conversation.id and not as_json:
            print(f"kinograph: go on with: kinograph chat --resume {conversation.id}", file=sys.stderr)
    if face.status:
        raise typer.Exit(face.status)
