"""Frames as vectors, worked out once for all metrics, and how vectors hang together."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Unmeasurable

BATCH = 32
"""Frames that an embedder is given at a time."""


def vectors_of(frames: np.ndarray, beside: Beside) -> np.ndarray:
    """`[T,size]` unit vectors of the clip's frames by the embedder that was given."""
    return beside.once("vectors", lambda: embedded(frames, beside))


def embedded(frames: np.ndarray, beside: Beside) -> np.ndarray:
    """`[N,size]` unit vectors of any frames `[N,H,W,3]`."""
    assert beside.embedder is not None
    batches = [frames[start : start + BATCH] for start in range(0, len(frames), BATCH)]
    return np.concatenate([beside.embedder.embed(batch) for batch in batches])


def consistency(vectors: np.ndarray) -> float:
    """VBench's consistency of a clip's vectors: mean over frames of half the cosine to the first frame and half that
    to the frame before, each no less than 0. Raises Unmeasurable for a single one."""
    if len(vectors) < 2:
        raise Unmeasurable("needs two frames")
    first = np.clip(vectors[1:] @ vectors[0], 0, 1)
    before = np.clip((vectors[1:] * vectors[:-1]).sum(1), 0, 1)
    return float((first + before).mean() / 2)
