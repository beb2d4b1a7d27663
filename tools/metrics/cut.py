"""Cut smoothness: how alike the pictures on both sides of a cut look to an embedder."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric
from kinograph.tools.metrics.vectors import embedded

REACH = 3
"""Frames on each side of the cut that are looked at."""


def cut_smoothness(frames: np.ndarray, beside: Beside) -> float:
    """Cosine of the mean vectors of the last frames before the cut and of the first after it, -1 to 1."""
    assert beside.before is not None
    before = embedded(beside.before[-REACH:], beside).mean(0)
    after = embedded(frames[:REACH], beside).mean(0)
    length = float(np.linalg.norm(before) * np.linalg.norm(after))
    return float(np.clip(before @ after / max(length, 1e-9), -1, 1))


METRIC = Metric("cut smoothness", "higher", (-1.0, 1.0), "embedding", cut_smoothness, ("before", "embedder"))
