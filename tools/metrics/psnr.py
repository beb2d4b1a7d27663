"""PSNR: how near a clip's pixels are to its reference's."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric
from kinograph.tools.metrics.beside_reference import reference_of

GREATEST = 100.0
"""Decibels of equal frames, which would have no end."""


def psnr(frames: np.ndarray, beside: Beside) -> float:
    """Peak signal-to-noise ratio in decibels, of each frame, then the mean; 0 to 100."""
    gaps = (frames.astype(np.float32) - reference_of(frames, beside)) ** 2
    errors = np.maximum(gaps.mean((1, 2, 3), dtype=np.float64), 1e-12)
    return float(np.minimum(10 * np.log10(255.0**2 / errors), GREATEST).mean())


METRIC = Metric("psnr", "higher", (0.0, GREATEST), "pixels", psnr, ("reference",))
