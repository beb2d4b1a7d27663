"""Palette: how far the colours of a clip are from those of its reference, or of the clip before it."""

from __future__ import annotations

import numpy as np

from kinograph.tools.colors import to_lab
from kinograph.tools.metrics import Beside, Metric

LEVELS = np.linspace(2.5, 97.5, 20)
"""Percentiles that a palette is described by."""
GREATEST = 400.0
"""No two colours are further apart in CIELAB."""


def quantiles(lab: np.ndarray) -> np.ndarray:
    """`[20,3]`: percentiles of lightness, a and b over all pixels of `[T,h,w,3]` CIELAB."""
    return np.percentile(lab.reshape(-1, 3), LEVELS, axis=0)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Distance of the colours of two clips `[T,H,W,3]` uint8 RGB, in CIELAB, 0 for equal ones.

    The transport distance of the histograms of each channel, as one length: it grows steadily with a shift of colour,
    where the overlap of histograms would soon be none.
    """
    return float(np.linalg.norm(quantiles(to_lab(one)) - quantiles(to_lab(other)), axis=1).mean())


def palette_distance(frames: np.ndarray, beside: Beside) -> float:
    """Distance of the clip's colours to its reference's, whatever its length and size."""
    assert beside.reference is not None
    return distance(frames, beside.reference)


def palette_change(frames: np.ndarray, beside: Beside) -> float:
    """Distance of the clip's colours to those of the clip before."""
    assert beside.before is not None
    return distance(frames, beside.before)


DISTANCE = Metric("palette distance", "lower", (0.0, GREATEST), "pixels", palette_distance, ("reference",))
CHANGE = Metric("palette change", "lower", (0.0, GREATEST), "pixels", palette_change, ("before",))
