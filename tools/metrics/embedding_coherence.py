"""Embedding coherence: how alike neighbouring frames look to an embedder."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric, Unmeasurable
from kinograph.tools.metrics.vectors import vectors_of


def embedding_coherence(frames: np.ndarray, beside: Beside) -> float:
    """Mean cosine of the vectors of neighbouring frames, -1 to 1: the CLIP-Temp of EvalCrafter over any embedder."""
    if len(frames) < 2:
        raise Unmeasurable("needs two frames")
    vectors = vectors_of(frames, beside)
    return float(np.clip((vectors[1:] * vectors[:-1]).sum(1), -1, 1).mean())


METRIC = Metric("embedding coherence", "higher", (-1.0, 1.0), "embedding", embedding_coherence, ("embedder",))
