"""Inception Score: whether clips show one thing each, and many things together (Salimans et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinograph.evals.metrics import Classifier, Gallery, SetMeasured, SetMetric, sampled
from kinograph.tools.metrics import Reader

SCALE = 100.0
"""What cosines are multiplied by before the softmax, as CLIP's own training allows at most."""


class ZeroShot:
    """The Storyworld's classifier: which of its kinds in which of its colours, by an embedder that reads."""

    def __init__(self, reader: Reader, texts: Sequence[str] = ()) -> None:
        from kinograph.tools.storyworld.world import COLORS, KINDS

        self._reader = reader
        self.texts = tuple(texts) or tuple(f"a {color} {kind}" for kind in KINDS for color in COLORS)
        self.name = f"{len(self.texts)} classes by {reader.name}"

    def classify(self, frames: np.ndarray) -> np.ndarray:
        """`[N,H,W,3]` -> `[N,classes]`."""
        cosines = SCALE * (self._reader.embed(frames) @ self._reader.embed_words(self.texts).T).astype(np.float64)
        odds = np.exp(cosines - cosines.max(1, keepdims=True))
        return odds / odds.sum(1, keepdims=True)


def score(probabilities: np.ndarray) -> float:
    """exp of the mean divergence KL(p(y|x) || p(y)) of rows `[N,classes]`; 1 to the number of classes.

    Without splits: the number of clips is small, and splits only lower the score.
    """
    overall = probabilities.mean(0)
    terms = np.where(probabilities > 0, np.log(np.maximum(probabilities, 1e-300) / np.maximum(overall, 1e-300)), 0.0)
    return float(np.exp((probabilities * terms).sum(1).mean()))


def inception_score(gallery: Gallery) -> SetMeasured:
    """Score of the clips, each by the mean of what its frames are classified as."""
    classifier: Classifier | None = gallery.classifier
    if classifier is None:
        assert isinstance(gallery.embedder, Reader)
        classifier = ZeroShot(gallery.embedder)
    each = np.stack([classifier.classify(sampled(clip)).mean(0) for clip in gallery.clips])
    note = f"over {classifier.name}: at most {min(each.shape)}, and comparable only with itself"
    return SetMeasured(score(each), note=note)


METRIC = SetMetric("inception score", "higher", (1.0, float("inf")), inception_score, ("classifier",))
