"""Background consistency: how alike the whole pictures of a clip stay, by VBench's formula."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric
from kinograph.tools.metrics.vectors import consistency, vectors_of


def background_consistency(frames: np.ndarray, beside: Beside) -> float:
    """Mean cosine of whole frames to the first frame and to the frame before, 0 to 1; VBench asks CLIP ViT-B/32."""
    return consistency(vectors_of(frames, beside))


METRIC = Metric(
    "background consistency",
    "higher",
    (0.0, 1.0),
    "embedding",
    background_consistency,
    ("embedder",),
    vbench="background consistency",
    note="comparable with VBench's only over its embedder",
)
