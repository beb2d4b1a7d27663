"""Which pictures of a character are worth keeping: those that show something that no other does.

Selection is farthest-point sampling (Gonzalez 1985) in the embedder's space: the next picture is the one least like all
that are kept, until nothing new is left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinograph.tools.eyes import Sighting

NOVEL = 0.94
"""Cosine likeness from which a cut-out shows nothing new of its subject: moving or blinking ones come to 0.96 and more
with the pixel embedder, turning or squashed ones to 0.92 and less. Other embedders have their own (memory/novelty.py).
"""
VIEWS = 3
"""Most pictures of a character that a take leaves."""
LOOKED_AT = 8
"""Frames of a take out of which they are chosen."""
CANONICAL = 24
"""Most pictures that a production keeps of one look of a character."""
CUT_OFF = 0.25
"""What a subject that the picture's edge cuts is worth beside one that is whole."""


def clearest(sighting: Sighting) -> int | None:
    """The frame that shows a subject best: whole and large. None when it was never seen."""
    if not sighting.seen.any():
        return None
    return int(np.argmax(np.where(sighting.seen & ~sighting.cropped, sighting.area, sighting.area * CUT_OFF)))


def candidates(sighting: Sighting, most: int = LOOKED_AT) -> list[int]:
    """The clearest frame first, then frames in which the subject is whole, spread over the clip."""
    best = clearest(sighting)
    if best is None:
        return []
    whole = np.flatnonzero(sighting.seen & ~sighting.cropped)
    spread = whole[np.linspace(0, len(whole) - 1, min(most, len(whole))).astype(int)] if len(whole) else whole
    return list(dict.fromkeys((best, *map(int, spread))))[:most]


def novel(vectors: np.ndarray, known: np.ndarray, most: int = VIEWS, novelty: float = NOVEL) -> list[int]:
    """Rows of `vectors` `[N,D]`, at most so many, that are new beside `known` `[M,D]` and each other; all of length 1.

    The first row is taken first where it is new; then always the one that is least like what is there.
    """
    alike = np.max(vectors @ known.T, axis=1, initial=-1.0) if len(known) else np.full(len(vectors), -1.0)
    kept: list[int] = []
    while len(vectors) and len(kept) < most:
        at = 0 if not kept and alike[0] < novelty else int(np.argmin(alike))
        if alike[at] >= novelty:
            break
        kept.append(at)
        alike = np.maximum(alike, vectors @ vectors[at])
    return kept


def canonical(vectors: np.ndarray, quality: Sequence[float], fixed: Sequence[int], most: int = CANONICAL) -> list[int]:
    """Rows to keep of `vectors` `[N,D]`: those that are `fixed`, then up to `most` the best that differ most.

    What one adds is its quality times how little it is like what is kept already.
    """
    kept, rest = list(fixed), [at for at in range(len(vectors)) if at not in fixed]
    alike = np.max(vectors @ vectors[kept].T, axis=1, initial=-1.0) if kept else np.full(len(vectors), -1.0)
    while rest and len(kept) < most:
        best = max(rest, key=lambda at: quality[at] * (1.0 - float(alike[at])))
        rest.remove(best)
        kept.append(best)
        alike = np.maximum(alike, vectors @ vectors[best])
    return sorted(kept)
