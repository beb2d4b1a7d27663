"""Attribute fidelity: whether frames fit the words better than the same words with another colour or thing."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from kinograph.tools.colors import HUES
from kinograph.tools.metrics import Beside, Metric, Reader, Unmeasurable
from kinograph.tools.metrics.vectors import vectors_of

SCALE = 100.0
"""What cosines are multiplied by before the softmax: the most that CLIP's own training allows."""


def attribute_fidelity(frames: np.ndarray, beside: Beside) -> float:
    """Probability of the words as they are among the words with one attribute changed, 0 to 1.

    A softmax over cosines, as CLIP classifies; mean over frames, product over the attributes found in the words: each
    named colour, each kind of thing and each place that the storyworld has a name for. Raises Unmeasurable for words
    that have none.
    """
    assert isinstance(beside.embedder, Reader)
    if not (sets := contrasts(beside.words)):
        raise Unmeasurable("needs words with a colour, a thing or a place to put another in its place")
    vectors = vectors_of(frames, beside)
    return float(np.prod([_chosen(vectors, beside.embedder, texts) for texts in sets]))


def _chosen(vectors: np.ndarray, reader: Reader, texts: Sequence[str]) -> float:
    """Probability of the first text, mean over frames."""
    cosines = SCALE * (vectors @ reader.embed_words(texts).T).astype(np.float64)
    odds = np.exp(cosines - cosines.max(1, keepdims=True))
    return float((odds[:, 0] / odds.sum(1)).mean())


def contrasts(words: str) -> list[list[str]]:
    """For each attribute in the words: the words as they are, then with every other value in its place."""
    from kinograph.tools.storyworld.world import KINDS, SETTINGS

    sets = []
    for values in (tuple(HUES), KINDS, SETTINGS):
        for match in re.finditer(rf"\b({'|'.join(values)})\b", words.lower()):
            others = [words[: match.start()] + value + words[match.end() :] for value in values if value != match[1]]
            sets.append([words, *others])
    return sets


METRIC = Metric("attribute fidelity", "higher", (0.0, 1.0), "embedding", attribute_fidelity, ("words", "reader"))
