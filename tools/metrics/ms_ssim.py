"""MS-SSIM: how alike a clip and its reference are in structure, at five sizes."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric, Unmeasurable
from kinograph.tools.metrics.beside_reference import pair

LEAST = 176
"""Pixels a side from which four halvings leave room for the window of 11."""


def ms_ssim(frames: np.ndarray, beside: Beside) -> float:
    """Multiscale structural similarity (Wang et al. 2003), mean over frames, 0 to 1."""
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    if min(frames.shape[1:3]) < LEAST:
        raise Unmeasurable(f"needs {LEAST} pixels a side")
    found = multiscale_structural_similarity_index_measure(*pair(frames, beside), data_range=255.0, normalize="relu")
    return float(found)


METRIC = Metric("ms-ssim", "higher", (0.0, 1.0), "pixels", ms_ssim, ("reference",))
