"""SSIM: how alike a clip and its reference are in structure."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric, Unmeasurable
from kinograph.tools.metrics.beside_reference import pair

WINDOW = 11
"""Pixels a side of the Gaussian window."""


def ssim(frames: np.ndarray, beside: Beside) -> float:
    """Structural similarity (Wang et al. 2004; Gaussian window, sigma 1.5), mean over frames, -1 to 1.

    Only where the window lies inside of the picture, as scikit-image does; torchmetrics' own mean has the edges too.
    """
    from torchmetrics.functional.image import structural_similarity_index_measure

    if min(frames.shape[1:3]) < WINDOW:
        raise Unmeasurable(f"needs {WINDOW} pixels a side")
    found = structural_similarity_index_measure(*pair(frames, beside), data_range=255.0, return_full_image=True)
    edge = WINDOW // 2
    return float(found[1][..., edge:-edge, edge:-edge].mean())


METRIC = Metric("ssim", "higher", (-1.0, 1.0), "pixels", ssim, ("reference",))
