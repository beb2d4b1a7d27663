"""What the colour of something seen is called, where it has a plain name."""

from __future__ import annotations

import numpy as np

from kinograph.tools import colors
from kinograph.tools.eyes import Sighting, picture_hue

PLAIN = 14.0
"""Degrees of CIELAB hue that a colour may be off the one that it is called by; the nearest named ones are 28 apart."""


def color_of(sighting: Sighting) -> str:
    """The plain name of a subject's colour through a clip; "" where it lies between two."""
    turn = np.radians(sighting.hue[sighting.seen])
    hue = float(np.degrees(np.arctan2(np.sin(turn).mean(), np.cos(turn).mean()))) % 360
    return _plainly(hue)


def color_in(picture: np.ndarray) -> str:
    """The plain name of the colour of what a picture [H,W,3] uint8 shows; "" where it has none."""
    hue = picture_hue(picture)
    return "" if hue is None else _plainly(hue)


def _plainly(hue: float) -> str:
    name = colors.name_of(hue)
    return name if float(colors.hue_gap(hue, colors.HUES[name][0])) <= PLAIN else ""
