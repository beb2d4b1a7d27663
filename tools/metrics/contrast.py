"""Contrast: how far light and dark are apart."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric


def contrast(frames: np.ndarray, beside: Beside) -> float:
    """RMS contrast: standard deviation of luma 0..1 inside a frame, mean over frames (Peli 1990); 0 to 0.5."""
    import cv2

    return float(np.mean([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).std() / 255 for frame in frames]))


METRIC = Metric("contrast", "higher", (0.0, 0.5), "pixels", contrast)
