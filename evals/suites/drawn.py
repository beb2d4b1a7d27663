"""Random worlds of samples, and how they are said: the same numbers give the same sample on every machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from kinograph.evals.suites import Sample, ShotTruth, SubjectTruth, Turn
from kinograph.tools.storyworld import vocabulary as words
from kinograph.tools.storyworld.world import CAMERAS, COLORS, MOTIONS, SETTINGS, TIMES

Value = TypeVar("Value")
CHARACTERS = ("ball", "star", "heart", "fish", "bird", "car", "boat", "rocket", "robot", "person", "cat", "box")
"""Kinds that a story can be told of."""
LIVELY = tuple(motion for motion in MOTIONS if motion != "stays")


class Place(NamedTuple):
    """Where and when a scene is."""

    setting: str
    time: str

    def __str__(self) -> str:
        return f"{phrase(words.SETTING_WORDS, self.setting, 0)} {phrase(words.TIME_WORDS, self.time, 0)}"


def phrase(said: Mapping[Any, tuple[str, ...]], value: str | None, which: int = 0) -> str:
    """How a value is said."""
    return said[value][which]


class Drawn:
    """Random choices of one sample."""

    def __init__(self, suite: int, number: int) -> None:
        self._rng = np.random.default_rng([suite, number])

    def pick(self, values: Sequence[Value]) -> Value:
        return values[int(self._rng.integers(len(values)))]

    def some(self, values: Sequence[Value], count: int) -> list[Value]:
        """Different ones."""
        return [values[int(i)] for i in self._rng.permutation(len(values))[:count]]

    def chance(self, share: float) -> bool:
        return bool(self._rng.random() < share)

    def places(self, count: int) -> list[Place]:
        """Different settings, each at a time of its own."""
        return [Place(setting, self.pick(TIMES)) for setting in self.some(SETTINGS, count)]


def named(subject: SubjectTruth, again: bool = False) -> str:
    """A subject as a sentence names it: "a red ball", later "the red ball"."""
    noun = f"{subject.color} {subject.kind}" if subject.color else subject.kind
    return f"the {noun}" if again else f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def sentence(shot: ShotTruth, met: set[str]) -> str:
    """A shot in one sentence; `met` are characters that were named before, and grows."""
    acts = []
    for one in shot.subjects:
        does = phrase(words.MOTION_WORDS, one.motion, 0)
        acts.append(f"{named(one, one.who in met)} {does}")
        met |= {one.who} - {""}
    where = Place(shot.setting or "", shot.time or "")
    said = f"{' while '.join(acts) or 'nobody is there'} {where}"
    if shot.camera:
        said += f", {phrase(words.CAMERA_WORDS, shot.camera, 1)}"
    return f"{said[0].upper()}{said[1:]}."


TURNING = (
    "the {kind} turns {color} and {does} {where}.",
    "the {kind}, now {color}, {does} {where}.",
    "now {color}, the {kind} {does} {where}.",
    "the {kind} becomes {color}.",
)
"""How a sentence tells that somebody has another colour from there on; the last is a shot of nothing else."""


def turning(shot: ShotTruth, form: int) -> str:
    """A shot whose first subject has come to have another colour, in one sentence."""
    one = shot.subjects[0]
    where, does = Place(shot.setting or "", shot.time or ""), phrase(words.MOTION_WORDS, one.motion)
    said = TURNING[form].format(kind=one.kind, color=one.color, does=does, where=where)
    return f"{said[0].upper()}{said[1:]}"


def sample(id: str, shots: Sequence[ShotTruth], tags: Iterable[str], turns: Sequence[Turn] = ()) -> Sample:
    """A sample whose brief says these shots."""
    met: set[str] = set()
    brief = " ".join(sentence(shot, met) for shot in shots)
    return Sample(id=id, brief=brief, shots=tuple(shots), tags=tuple(tags), turns=tuple(turns))


def characters(drawn: Drawn, count: int, unsaid: bool = False) -> list[SubjectTruth]:
    """Characters of different kinds and colours; the first is the hero, whose colour may be left open."""
    kinds, colors = drawn.some(CHARACTERS, count), drawn.some(COLORS, count)
    hero, *others = (SubjectTruth(kind=k, color=c, who=k) for k, c in zip(kinds, colors, strict=True))
    return [hero.changed(color=None) if unsaid else hero, *others]


def story(drawn: Drawn, cast: Sequence[SubjectTruth], visits: Sequence[int]) -> list[ShotTruth]:
    """Shots in the places of `visits`; with two characters the hero begins, then both, then the other, and so on."""
    places = drawn.places(max(visits) + 1)
    shots = []
    for number, visit in enumerate(visits):
        who = [cast[0]] if len(cast) == 1 else [[cast[0]], list(cast), [cast[1]], list(cast), [cast[0]]][number % 5]
        acts = tuple(one.changed(motion=drawn.pick(LIVELY if len(who) == 1 else MOTIONS)) for one in who)
        camera = drawn.pick(CAMERAS[1:]) if drawn.chance(0.3) else None
        place = places[visit]
        shots.append(ShotTruth(subjects=acts, setting=place.setting, time=place.time, camera=camera))
    return shots
