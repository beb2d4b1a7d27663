"""Text alignment: how well frames fit the words, to an embedder that reads."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric, Reader
from kinograph.tools.metrics.vectors import vectors_of


def text_alignment(frames: np.ndarray, beside: Beside) -> float:
    """Mean cosine of frames and words, -1 to 1: CLIPScore (Hessel et al. 2021) without its factor, mean over frames."""
    assert isinstance(beside.embedder, Reader)
    words = beside.embedder.embed_words([beside.words])[0]
    return float(np.clip(vectors_of(frames, beside) @ words, -1, 1).mean())


METRIC = Metric("text alignment", "higher", (-1.0, 1.0), "embedding", text_alignment, ("words", "reader"))
