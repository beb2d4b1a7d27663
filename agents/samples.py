"""What of a take is compared with others: colour and shape of its characters, the place, the look, its two ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kinograph.agents.evidence import small
from kinograph.film import Character, Clip, Shot
from kinograph.tools import eyes, palettes
from kinograph.tools.colors import to_lab
from kinograph.tools.footage import load
from kinograph.tools.silhouettes import likeness

FRAMES = 7
"""Frames of a take that are looked at, evenly spaced."""


class Looks(NamedTuple):
    """A character in one take."""

    seen: float
    """Share of the frames."""
    hue: float | None
    """Mean CIELAB hue in degrees; None where it was not seen."""
    alike: dict[str, float]
    """Kind -> how well its silhouette fits; empty where it was never whole in the picture."""


class Sample(NamedTuple):
    """A take, as far as others are compared with it."""

    who: dict[str, Looks]
    layout: np.ndarray
    """`[rows,columns,3]` CIELAB: what is where in the picture, subjects left out."""
    styles: dict[str, float]
    """Look -> how far the picture is from its place in that look; empty for a place that is not known."""
    ends: tuple[np.ndarray, np.ndarray]
    """`[h,w,3]` CIELAB of the first and the last frame that the film uses."""
    pictures: tuple[np.ndarray, np.ndarray, np.ndarray]
    """`[h,w,3]` uint8 RGB: a small first, middle and last frame."""
    frames: tuple[int, int]
    """First and last frame that the film uses, inclusive."""


def sample(clip: Clip, first: int, last: int, shot: Shot, cast: Sequence[Character]) -> Sample:
    """Looks at frames `first` to `last` of a clip; `cast` in the order of `shot.cast`. Raises Damaged."""
    frames = load(clip)[first : last + 1]
    lab = to_lab(frames[np.unique(np.linspace(0, len(frames) - 1, FRAMES).round().astype(int))])
    found = eyes.assign(eyes.tracks(lab), len(lab), [eyes.wanted(one) for one in cast])
    layout = np.median([palettes.layout(frame) for frame in lab], axis=0)
    return Sample(
        who={one.id: _looks(sighting) for one, sighting in zip(cast, found, strict=True)},
        layout=layout,
        styles=palettes.styles(layout, shot.setting, shot.time) if palettes.known(shot.setting) else {},
        ends=(lab[0], lab[-1]),
        pictures=(small(frames[0]), small(frames[len(frames) // 2]), small(frames[-1])),
        frames=(first, first + len(frames) - 1),
    )


def _looks(sighting: eyes.Sighting) -> Looks:
    if not sighting.seen.any():
        return Looks(0.0, None, {})
    turn = np.radians(sighting.hue[sighting.seen])
    hue = float(np.degrees(np.arctan2(np.sin(turn).mean(), np.cos(turn).mean())) % 360)
    whole = np.flatnonzero(sighting.seen & ~sighting.cropped)
    return Looks(float(sighting.seen.mean()), hue, likeness(sighting.mask[whole]) if len(whole) else {})
