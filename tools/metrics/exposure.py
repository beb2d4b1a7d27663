"""Exposure: how much of the picture is neither too dark nor too light."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric


def exposure(frames: np.ndarray, beside: Beside) -> float:
    """Mean over pixels of exp(-(luma - 0.5)² / (2 · 0.2²)), luma 0..1 (well-exposedness, Mertens et al. 2007); 0 to 1.

    A night is dark on purpose: compare clips of the same hour.
    """
    import cv2

    light = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]).astype(np.float32) / 255
    return float(np.exp(-((light - 0.5) ** 2) / (2 * 0.2**2)).mean())


METRIC = Metric("exposure", "higher", (0.0, 1.0), "pixels", exposure)
