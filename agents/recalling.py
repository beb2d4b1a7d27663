"""What a shot is held to: the question and its answer, and pictures of a character that contradict each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from kinograph.film import Noun, Shot, Storyboard
from kinograph.memory.keyframe import Keyframe
from kinograph.tools import colors

REFERENCES = 2
"""Most keyframes of a character that a shot is held to."""
CONTRADICTION = 25.0
"""Degrees of CIELAB hue between two pictures of a character that cannot both be right: nearly another colour."""


class Recollection(Noun):
    """What the memory agent is asked: which of the remembered pictures a shot is held to."""

    shot: Shot
    storyboard: Storyboard
    found: tuple[Keyframe, ...]
    """Everything remembered of the shot's cast, place and predecessor, the earliest shot first; after what the film
    remembers, what its series does."""
    production: str = ""
    """Whose shot it is; keyframes of others are the series'."""


class Recalled(Noun):
    """The keyframes that a shot is held to."""

    keyframes: tuple[Keyframe, ...]
    reasons: tuple[str, ...] = ()
    """Why each of them was given, in their order."""
    left_out: int = 0
    """Keyframes that found no room in the budget."""


class RecallDraft(Noun):
    """What a language model hands back: the numbers of the pictures that count."""

    keep: tuple[str, ...] = Field(min_length=1, max_length=16)
    why: str = Field(max_length=200)


def ancestors(shot: Shot, storyboard: Storyboard) -> list[str]:
    """The shots that a shot needs, directly or not, in film order."""
    found, waiting = [], list(shot.needs)
    while waiting:
        id = waiting.pop(0)
        if id not in found:
            found.append(id)
            waiting += storyboard.shot(id).needs
    return sorted(found, key=[one.id for one in storyboard.shots].index)


def own(question: Recollection) -> list[Keyframe]:
    """Pictures of the shot's cast out of this film, in the looks that the shot shows."""
    cast = [question.storyboard.character(one.who) for one in question.shot.cast]
    here = [k for k in question.found if k.production == question.production and not k.given]
    return [k for k in here if any(k.shows(one) for one in cast)]


def held_to(question: Recollection, identities: Sequence[str]) -> tuple[Keyframe, ...]:
    """These keyframes, at most REFERENCES a character, and all that are none of a character's."""
    kept: dict[str, list[Keyframe]] = {}
    for keyframe in question.found:
        if keyframe.role == "identity" and keyframe.id in identities:
            kept.setdefault(keyframe.about, []).append(keyframe)
    few = [keyframe for found in kept.values() for keyframe in found[:REFERENCES]]
    return tuple(keyframe for keyframe in question.found if keyframe.role != "identity" or keyframe in few)


def doubtful_in(question: Recollection, hues: dict[str, float | None]) -> dict[str, list[Keyframe]]:
    """The characters that looked different in different shots of this film, and their keyframes."""
    by_who: dict[str, list[Keyframe]] = {}
    for keyframe in own(question):
        by_who.setdefault(keyframe.about, []).append(keyframe)
    return {who: found for who, found in by_who.items() if widest(found, hues) > CONTRADICTION}


def widest(keyframes: Sequence[Keyframe], hues: dict[str, float | None]) -> float:
    """The widest gap between the hues of keyframes, in degrees."""
    known = [hue for keyframe in keyframes if (hue := hues.get(keyframe.id)) is not None]
    return max((float(colors.hue_gap(one, other)) for one in known for other in known), default=0.0)


def facts(question: Recollection, numbered: dict[str, Keyframe], hues: dict[str, float | None]) -> dict[str, Any]:
    """The doubt as a language model is told it."""
    board = question.storyboard
    pictures = []
    for number, keyframe in numbered.items():
        hue, shot = hues[keyframe.id], board.shot(keyframe.shot)
        color = "unknown" if hue is None else colors.name_of(hue)
        pictures.append(
            {"number": number, "who": keyframe.about, "shot": shot.id, "time": shot.time, "text": shot.text[:200]}
            | {"color": color}
        )
    cast = {keyframe.about for keyframe in numbered.values()}
    return {
        "shot": {"id": question.shot.id, "text": question.shot.text[:200], "time": question.shot.time},
        "characters": [{"who": one.id, "words": one.words} for one in board.cast if one.id in cast],
        "pictures": pictures,
        "most": REFERENCES,
    }


def complaints(
    doubtful: dict[str, list[Keyframe]],
    numbered: dict[str, Keyframe],
    hues: dict[str, float | None],
    draft: RecallDraft,
) -> list[str]:
    """What makes no sense: pictures that nobody remembers, none or too many of a character, contradictions kept."""
    if strangers := [number for number in draft.keep if number not in numbered]:
        return [f"picture {strangers[0]!r} is not remembered; these are: {', '.join(numbered)}"]
    found = []
    for who in doubtful:
        kept = [numbered[number] for number in dict.fromkeys(draft.keep) if numbered[number].about == who]
        if not 1 <= len(kept) <= REFERENCES:
            found.append(f"{len(kept)} pictures of {who} are kept; 1 to {REFERENCES} are needed")
        elif widest(kept, hues) > CONTRADICTION:
            found.append(f"the pictures of {who} that are kept contradict each other")
    return found
