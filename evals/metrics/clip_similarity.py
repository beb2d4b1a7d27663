"""CLIP similarity: how well clips fit their words (CLIPSIM, Wu et al. 2021), over any embedder that reads."""

from __future__ import annotations

import numpy as np

from kinograph.evals.metrics import Gallery, SetMeasured, SetMetric, sampled
from kinograph.tools.metrics import Beside, Unmeasurable
from kinograph.tools.metrics.text_alignment import text_alignment


def clip_similarity(gallery: Gallery) -> SetMeasured:
    """Mean cosine of frames and words, -1 to 1: over at most eight frames of a clip, then over clips."""
    assert gallery.embedder is not None
    if len(gallery.words) != len(gallery.clips):
        raise Unmeasurable(f"needs words for each of {len(gallery.clips)} clips, not {len(gallery.words)}")
    pairs = zip(gallery.clips, gallery.words, strict=True)
    each = [text_alignment(sampled(clip), Beside(words=words, embedder=gallery.embedder)) for clip, words in pairs]
    if not each:
        raise Unmeasurable("needs a clip")
    return SetMeasured(float(np.mean(each)), note=f"over {gallery.embedder.name}")


METRIC = SetMetric("clip similarity", "higher", (-1.0, 1.0), clip_similarity, ("words", "reader"))
