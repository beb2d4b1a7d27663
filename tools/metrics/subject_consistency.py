"""Subject consistency: how alike a clip's subjects stay, by VBench's formula on what is cut out of the frames."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric, Unmeasurable
from kinograph.tools.metrics.subjects import cut_out, presence, subjects_of
from kinograph.tools.metrics.vectors import consistency, embedded, vectors_of


def subject_consistency(frames: np.ndarray, beside: Beside) -> float:
    """Mean cosine of each subject to its first frame and to the frame before, 0 to 1; mean over subjects.

    A frame in between that does not show the subject counts as 0.

    Where nothing can be cut out, whole frames are compared as VBench does, with DINO ViT-B/16.
    """
    if len(frames) < 2:
        raise Unmeasurable("needs two frames")
    pieces = [(cut_out(frames, sighting), presence(sighting)) for sighting in subjects_of(frames, beside)]
    if not (pieces := [(cuts, there) for cuts, there in pieces if len(cuts) > 1]):
        return consistency(vectors_of(frames, beside))
    return float(np.mean([consistency(embedded(cuts, beside)) * there for cuts, there in pieces]))


METRIC = Metric(
    "subject consistency",
    "higher",
    (0.0, 1.0),
    "embedding",
    subject_consistency,
    ("embedder",),
    vbench="subject consistency",
    note="on cut-out subjects where one is seen; comparable with VBench's only over DINO and whole frames",
)
