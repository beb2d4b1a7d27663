"""Flicker: how little neighbouring frames differ, by VBench's formula."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from kinograph.tools.metrics import Beside, Metric, Unmeasurable


def flicker(frames: np.ndarray, beside: Beside) -> float:
    """(255 - mean absolute difference of neighbours) / 255: 1 where nothing changes.

    VBench's temporal flickering; it means flicker only where the scene should stand still.
    """
    if len(frames) < 2:
        raise Unmeasurable("needs two frames")
    gaps = [np.abs(one.astype(np.int16) - other).mean() for one, other in pairwise(frames)]
    return (255.0 - float(np.mean(gaps))) / 255.0


METRIC = Metric("flicker", "higher", (0.0, 1.0), "pixels", flicker, vbench="temporal flickering")
