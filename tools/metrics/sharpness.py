"""Sharpness: how much fine detail frames have."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric
from kinograph.tools.metrics.flow import small


def sharpness(frames: np.ndarray, beside: Beside) -> float:
    """Variance of the Laplacian of luma at 256 pixels, mean over frames (Pech-Pacheco et al. 2000); 0 or more.

    Compares clips of the same content and size: noise is sharp too.
    """
    import cv2

    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in small(frames)]
    return float(np.mean([cv2.Laplacian(picture, cv2.CV_32F).var() for picture in grey]))


METRIC = Metric("sharpness", "higher", (0.0, float("inf")), "pixels", sharpness)
