"""The eyewitness: a vision model that is shown shots and what was asked of them, and nothing that anybody measured.

It fills in the validator's rubric, but by itself: no pixels are measured beside it, so that its judgement is one more
to hold against the validator's and the truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kinograph.agents.mind import Ask, Mind
from kinograph.agents.panel import FRAMES, LETTERS, MOST, RubricsDraft, Unfit
from kinograph.agents.rubric import Rubric, Sight
from kinograph.agents.verdicts import ACCEPTABLE
from kinograph.agents.wording import CAMERA_WORDS, MOTION_WORDS, TIME_WORDS
from kinograph.evals.suites import ShotTruth
from kinograph.evals.suites.drawn import named
from kinograph.film import Noun
from kinograph.tools.sheet import Strip, sheet

ANY = "left open"
"""What is said of what a shot was not asked for."""


class Exhibit(NamedTuple):
    """A shot and what it should show."""

    truth: ShotTruth
    frames: np.ndarray
    """`[T,H,W,3]` uint8 RGB."""
    fps: float


class Sighting(Noun):
    """What it says of a shot."""

    right: bool | None = None
    """Whether all that was asked for is there and nothing is badly wrong; None where it cannot tell."""
    attributes: float | None = None
    """The share of what was asked for that is right, of what it can tell."""


class Testimony(Noun):
    """What it says of some shots, in their order."""

    sightings: tuple[Sighting, ...] = ()
    silent: str = ""
    """Why it says nothing."""


class Summons(Noun):
    """What it is told of the shots on the sheet."""

    takes: tuple[dict[str, Any], ...]


class Eyewitness:
    """Looks at no more than MOST shots at once."""

    role = "validator"
    answer = Testimony

    def __init__(self, exhibits: Sequence[Exhibit]) -> None:
        self._exhibits = dict(zip(LETTERS, exhibits, strict=False))

    def ask(self, question: Summons) -> Ask[Testimony]:
        return Ask(
            facts={"takes": list(question.takes), "remembered": {}},
            draft=RubricsDraft,
            check=self._complaints,
            accept=self._testimony,
            without=lambda why: Testimony(silent=why or "no model is named for the validator"),
            pictures=lambda: [self._drawn()],
        )

    def rules(self, question: Summons) -> Testimony:
        """Nothing: rules have no eyes."""
        return Testimony(silent="agents that think by rules have no eyes")

    def summons(self) -> Summons:
        return Summons(takes=tuple({"take": letter} | _facts(one) for letter, one in self._exhibits.items()))

    def _complaints(self, draft: RubricsDraft) -> list[str]:
        given, letters = [one.take for one in draft.takes], list(self._exhibits)
        if sorted(given) != letters:
            return [f"answers are for takes {given}; there must be one for each of {letters}"]
        return [f"take {one.take}: {words}" for one in draft.takes for words in self._faults(one)]

    def _faults(self, one: Rubric | Unfit) -> list[str]:
        if isinstance(one, Unfit):
            return list(one.complaints)
        who = _names(self._exhibits[one.take].truth)
        right = sorted(subject.who for subject in one.subjects) == sorted(who)
        return [] if right else [f"there must be one entry in subjects for each of {who}"]

    def _testimony(self, draft: RubricsDraft) -> Testimony:
        said = {one.take: one for one in draft.takes if isinstance(one, Rubric)}
        return Testimony(sightings=tuple(sighting(one.truth, said[letter]) for letter, one in self._exhibits.items()))

    def _drawn(self) -> bytes:
        """A row of evenly spaced frames for each shot."""
        strips = []
        for letter, one in self._exhibits.items():
            picks = np.unique(np.linspace(0, len(one.frames) - 1, FRAMES).round().astype(int))
            strips.append(Strip([(f"TAKE {letter} frame {index}", one.frames[index]) for index in picks], FRAMES))
        return sheet(*strips)


def testify(mind: Mind, exhibits: Sequence[Exhibit]) -> Testimony:
    """What a mind says of any number of shots; silent as soon as it says nothing of some."""
    found: list[Sighting] = []
    for first in range(0, len(exhibits), MOST):
        witness = Eyewitness(exhibits[first : first + MOST])
        said = mind.think(witness, witness.summons())
        if said.silent:
            return said
        found += said.sightings
    return Testimony(sightings=tuple(found))


def sighting(truth: ShotTruth, rubric: Rubric) -> Sighting:
    """What a rubric comes to for what was asked; what was left open does not count."""
    sights = list(_sights(truth, rubric))
    known = [float(one == "yes") for one in sights if one != "unsure"]
    wrong = 0.0 in known or any(one.severity >= ACCEPTABLE for one in rubric.problems)
    right = False if wrong else True if sights and len(known) == len(sights) else None
    return Sighting(right=right, attributes=sum(known) / len(known) if known else None)


def _sights(truth: ShotTruth, rubric: Rubric) -> Iterator[Sight]:
    by_name = {one.who: one for one in rubric.subjects}
    for who, asked in zip(_names(truth), truth.subjects, strict=True):
        seen = by_name[who]
        yield seen.kind if seen.there == "yes" else seen.there
        if asked.color is not None:
            yield seen.color
        if asked.motion is not None:
            yield seen.motion
    if truth.setting is not None or truth.time is not None:
        yield rubric.setting


def _names(truth: ShotTruth) -> list[str]:
    """A name for each subject: its kind, and a number from the second of a kind on."""
    kinds = [one.kind for one in truth.subjects]
    counts = [kinds[:place].count(kind) + 1 for place, kind in enumerate(kinds)]
    return [kind if count == 1 else f"{kind} {count}" for kind, count in zip(kinds, counts, strict=True)]


def _facts(one: Exhibit) -> dict[str, Any]:
    """What a shot must show, in the validator's words."""
    truth = one.truth
    subjects = [
        {
            "who": who,
            "words": named(asked),
            "motion": _said(MOTION_WORDS, asked.motion),
        }
        for who, asked in zip(_names(truth), truth.subjects, strict=True)
    ]
    asked = {
        "subjects": subjects,
        "setting": truth.setting or ANY,
        "time": _said(TIME_WORDS, truth.time),
        "camera": _said(CAMERA_WORDS, truth.camera),
    }
    return {"asked": asked, "frames": len(one.frames), "fps": one.fps, "remembered": []}


def _said(words: Mapping[Any, str], value: str | None) -> str:
    return ANY if value is None else words.get(value, f"{value} to either side" if value == "moves" else value)
