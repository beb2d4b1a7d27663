"""Misreading: a world as a model that does not obey well would take it from a prompt."""

from __future__ import annotations

import re
import zlib

import numpy as np

from kinograph.tools.storyworld.faults import FaultKind, as_drawn, draw_fault, possible
from kinograph.tools.storyworld.vocabulary import COLOR_WORDS
from kinograph.tools.storyworld.world import COLORS, World

KINDS: tuple[FaultKind, ...] = ("wrong color", "wrong subject", "wrong motion", "wrong setting")
FRAMES = 16
"""Of a clip that is long enough for any of them."""


def misread(world: World, prompt: str, seed: int, rate: float) -> World:
    """The world of a prompt with colours that it does not name drawn at random, and with probability `rate`, 0..1, one
    thing in it taken for another. The same prompt and seed are misread alike.
    """
    rng = np.random.default_rng([seed, zlib.crc32(prompt.encode()), 0x0DD])
    world = _colored(world, prompt, rng)
    able: list[FaultKind] = [kind for kind in KINDS if possible(kind, world, FRAMES)]
    if rng.random() >= rate or not able:
        return world
    return as_drawn(world, (draw_fault(able[int(rng.integers(len(able)))], world, FRAMES, rng),))


def _colored(world: World, prompt: str, rng: np.random.Generator) -> World:
    subjects = list(world.subjects)
    for index, one in enumerate(subjects):
        if not any(re.search(rf"\b{word}\b", prompt, re.IGNORECASE) for word in COLOR_WORDS[one.color]):
            taken = {other.color for other in subjects if other is not one}
            free = [color for color in COLORS if color not in taken]
            subjects[index] = one.changed(color=free[int(rng.integers(len(free)))])
    return world.changed(subjects=tuple(subjects))
