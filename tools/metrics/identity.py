"""Identity similarity: how much a clip's subjects look like the cast's pictures."""

from __future__ import annotations

import numpy as np

from kinograph.tools.eyes import Sighting
from kinograph.tools.metrics import Beside, Metric
from kinograph.tools.metrics.subjects import cut_out, of_cast, portrait, tracks_of
from kinograph.tools.metrics.vectors import embedded


def identity_similarity(frames: np.ndarray, beside: Beside) -> float:
    """Cosine of each cut-out subject to the nearest picture of its character, 0 to 1, mean over frames and cast.

    A frame that shows something else in a character's place, or nothing where there was and will be something, counts
    as 0, and so does a character who is nowhere.
    """
    anything = [frame for track in tracks_of(frames, beside) for frame in track]
    shown = max(anything) - min(anything) + 1 if anything else 0
    found = zip(beside.cast.values(), of_cast(frames, beside), strict=True)
    return float(np.mean([_likeness(frames, beside, list(known), sighting, shown) for known, sighting in found]))


def _likeness(frames: np.ndarray, beside: Beside, known: list[np.ndarray], sighting: Sighting, shown: int) -> float:
    if not sighting.seen.any() or not known:
        return 0.0
    portraits = embedded(np.stack([portrait(picture) for picture in known]), beside)
    best = (embedded(cut_out(frames, sighting), beside) @ portraits.T).max(1)
    return float(np.clip(best, 0, 1).mean()) * int(sighting.seen.sum()) / shown


METRIC = Metric("identity similarity", "higher", (0.0, 1.0), "embedding", identity_similarity, ("cast", "embedder"))
