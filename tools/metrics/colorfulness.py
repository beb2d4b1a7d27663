"""Colorfulness: how strong and how different the colours are."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric


def colorfulness(frames: np.ndarray, beside: Beside) -> float:
    """The M3 of Hasler & Süsstrunk 2003, mean over frames: 0 for grey, 15 slightly, 33 moderately, 109 extremely."""
    return float(np.mean([_colorfulness(frame.astype(np.float64)) for frame in frames]))


def _colorfulness(frame: np.ndarray) -> float:
    red, green, blue = np.moveaxis(frame, -1, 0)
    one, other = red - green, (red + green) / 2 - blue
    return float(np.hypot(one.std(), other.std()) + 0.3 * np.hypot(one.mean(), other.mean()))


METRIC = Metric("colorfulness", "higher", (0.0, 400.0), "pixels", colorfulness)
