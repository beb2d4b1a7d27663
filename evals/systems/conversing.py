"""A conversation as a sample: the brief and its turns are said, and what stands after each is rendered where asked."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kinograph.conversation import Conversation
from kinograph.evals.suites import Sample
from kinograph.evals.systems import Made
from kinograph.film import Film, Storyboard, Take
from kinograph.studio import Studio


def converse(studio: Studio, sample: Sample, wishes: Mapping[str, Any], folder: Path, rendered: bool = False) -> Made:
    """Says all turns; the storyboards that stood after each, None where there was none. `rendered`: every storyboard
    is approved, and the films are there as well."""
    from kinograph.evals.systems.filmed import shots_of, spent_on

    began, boards, films = time.monotonic(), list[Storyboard | None](), list[Film | None]()
    with studio.open(out=folder / "chat", **wishes) as conversation:
        for words in (sample.brief, *(turn.say for turn in sample.turns)):
            _say(conversation, words)
            boards.append(_board(conversation))
            films += [_film(conversation)] if rendered else []
        thought = conversation.at.usage
    made = list({film.id: film for film in films if film}.values())
    calls = [call for film in made for call in film.usage.calls]
    usage = thought.changed(calls=(*calls, *thought.calls))
    last = films[-1] if films else None
    return Made(
        shots=shots_of(studio, last) if last else (),
        film=Path(last.path) if last else None,
        sheet=Path(last.folder) / "contact_sheet.png" if last else None,
        boards=tuple(boards),
        films=tuple(film and shots_of(studio, film) for film in films),
        spent=spent_on(usage, _takes(made), time.monotonic() - began),
    )


def _say(conversation: Conversation, words: str) -> None:
    for _ in conversation.say(words):
        pass


def _board(conversation: Conversation) -> Storyboard | None:
    session = conversation.at
    return session.head.storyboard if session.record.head is not None else None


def _film(conversation: Conversation) -> Film | None:
    """The film of the storyboard that stands; one that is not there yet is approved and made."""
    session = conversation.at
    if session.record.head is None:
        return None
    if session.film_of(session.head) is None:
        _say(conversation, "yes")
    return session.film_of(session.head)


def _takes(films: Sequence[Film]) -> list[Take]:
    """All takes, each once: a film has those that it took over from the one before."""
    found = {(take.shot, take.request.digest, take.attempt): take for film in films for take in film.takes}
    return list(found.values())
