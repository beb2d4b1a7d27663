"""Temporal coherence: how much neighbouring frames have in common, as correlation of their luma."""

from __future__ import annotations

import numpy as np

from kinograph.tools import defects
from kinograph.tools.metrics import Beside, Metric, Unmeasurable


def temporal_coherence(frames: np.ndarray, beside: Beside) -> float:
    """Mean Pearson correlation of neighbouring frames at 96 pixels, -1 to 1."""
    if len(frames) < 2:
        raise Unmeasurable("needs two frames")
    return float(defects.pulse(frames).coherence.mean())


METRIC = Metric("temporal coherence", "higher", (-1.0, 1.0), "pixels", temporal_coherence)
