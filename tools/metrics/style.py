"""Style: how far the layout of colours and the texture of a clip are from those of another."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from kinograph.tools.colors import to_lab
from kinograph.tools.metrics import Beside, Metric
from kinograph.tools.metrics.palette import GREATEST
from kinograph.tools.palettes import layout

GRAINS = (0.7, 1.4, 2.8)
"""Widths in pixels, at 144 a side, of the detail that texture is measured at."""


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """How far the styles of two clips `[T,H,W,3]` uint8 RGB are apart, in CIELAB units; 0 for equal ones.

    Root mean square over a coarse grid of mean colours, subjects left out, and of the strength of detail at three
    scales: what is where in which colour, and how it is drawn.
    """
    return float(np.sqrt(((_style(one) - _style(other)) ** 2).mean()))


def _style(frames: np.ndarray) -> np.ndarray:
    lab = to_lab(frames)
    place = np.mean([layout(picture) for picture in lab], axis=0)
    texture = np.mean([_texture(picture[..., 0]) for picture in lab], axis=0)
    # Detail is few numbers beside the grid: repeated, it weighs as much.
    return np.concatenate([place.ravel(), np.repeat(texture, place.size // len(texture))])


def _texture(light: np.ndarray) -> np.ndarray:
    """Standard deviation of lightness between one width of blur and the next."""
    import cv2

    blurred = [light, *(cv2.GaussianBlur(light, (0, 0), width) for width in GRAINS)]
    return np.array([(finer - coarser).std() for finer, coarser in pairwise(blurred)])


def style_distance(frames: np.ndarray, beside: Beside) -> float:
    """Distance of the clip's style to its reference's, whatever its length and size."""
    assert beside.reference is not None
    return distance(frames, beside.reference)


def style_change(frames: np.ndarray, beside: Beside) -> float:
    """Distance of the clip's style to that of the clip before."""
    assert beside.before is not None
    return distance(frames, beside.before)


DISTANCE = Metric("style distance", "lower", (0.0, GREATEST), "pixels", style_distance, ("reference",))
CHANGE = Metric("style change", "lower", (0.0, GREATEST), "pixels", style_change, ("before",))
