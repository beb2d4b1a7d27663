"""The nouns of the storyworld: who is there, where, when, seen how. A `World` is the truth of one clip."""

from __future__ import annotations

from typing import Literal, Self, get_args

import numpy as np
from pydantic import Field, model_validator

from kinograph.film import Camera, Motion, Noun, TimeOfDay

Kind = Literal[
    "ball", "box", "star", "heart", "ring", "fish", "bird", "car",
    "boat", "house", "tree", "rocket", "flower", "robot", "person", "cat",
]  # fmt: skip
Color = Literal["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink"]
Setting = Literal["meadow", "desert", "sea", "city", "snow", "hills", "forest", "space"]
LookName = Literal["flat", "ink", "neon", "noir"]

KINDS: tuple[Kind, ...] = get_args(Kind)
COLORS: tuple[Color, ...] = get_args(Color)
SETTINGS: tuple[Setting, ...] = get_args(Setting)
LOOKS: tuple[LookName, ...] = get_args(LookName)
TIMES: tuple[TimeOfDay, ...] = get_args(TimeOfDay)
MOTIONS: tuple[Motion, ...] = get_args(Motion)
CAMERAS: tuple[Camera, ...] = get_args(Camera)

ROUND: frozenset[Kind] = frozenset({"ball", "ring"})
"""Kinds whose silhouette does not change when they turn; they roll when they travel."""
FLYERS: frozenset[Kind] = frozenset({"star", "heart", "fish", "bird", "rocket"})
"""Kinds that float; all others stand on the ground line."""
FACING: frozenset[Kind] = frozenset({"fish", "bird", "car", "boat", "rocket"})
"""Kinds that face right as drawn and turn to where they travel."""


class Subject(Noun):
    """One thing in the picture and what it does."""

    kind: Kind
    color: Color
    motion: Motion = "stays"

    def __str__(self) -> str:
        return f"{self.color} {self.kind}"


class World(Noun):
    """Everything a clip shows. Two subjects never share both kind and color."""

    subjects: tuple[Subject, ...] = Field(default=(), max_length=2)
    setting: Setting = "meadow"
    time: TimeOfDay = "day"
    camera: Camera = "static"
    look: LookName = "flat"

    @model_validator(mode="after")
    def _tells_its_subjects_apart(self) -> Self:
        if len({(subject.kind, subject.color) for subject in self.subjects}) < len(self.subjects):
            raise ValueError(f"two subjects are both a {self.subjects[0]}; kind or color must differ")
        return self


def sample(rng: np.random.Generator) -> World:
    """A random world: 4 % without a subject, 30 % with two, all attributes uniform and independent.

    The camera is static in 40 % of the worlds, so that motion is also seen undisturbed.
    """

    def pick(options: tuple) -> str:
        return options[int(rng.integers(len(options)))]

    draw = rng.random()
    count = 0 if draw < 0.04 else 2 if draw < 0.34 else 1
    looks_of_subjects: dict[tuple[str, str], str] = {}
    while len(looks_of_subjects) < count:
        looks_of_subjects[pick(KINDS), pick(COLORS)] = pick(MOTIONS)
    return World.model_validate(
        {
            "subjects": [
                {"kind": kind, "color": color, "motion": motion} for (kind, color), motion in looks_of_subjects.items()
            ],
            "setting": pick(SETTINGS),
            "time": pick(TIMES),
            "camera": "static" if rng.random() < 0.4 else pick(CAMERAS[1:]),
            "look": pick(LOOKS),
        }
    )
