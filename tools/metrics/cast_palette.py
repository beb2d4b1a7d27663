"""Cast palette distance: how far the colours of a clip's subjects are from those in the cast's pictures."""

from __future__ import annotations

import numpy as np

from kinograph.tools.colors import to_lab
from kinograph.tools.metrics import Beside, Metric, Unmeasurable
from kinograph.tools.metrics.palette import GREATEST, quantiles
from kinograph.tools.metrics.subjects import cut_out, of_cast, portrait


def cast_palette_distance(frames: np.ndarray, beside: Beside) -> float:
    """CIELAB distance of the colours of cut-out subjects and of the cast's pictures, mean over those who are seen."""
    gaps = []
    for pictures, sighting in zip(beside.cast.values(), of_cast(frames, beside), strict=True):
        if sighting.seen.any() and len(pictures):
            seen = _middle(cut_out(frames, sighting))
            known = _middle(np.stack([portrait(picture) for picture in pictures]))
            gaps.append(float(np.linalg.norm(quantiles(seen) - quantiles(known), axis=1).mean()))
    if not gaps:
        raise Unmeasurable("needs a subject of the cast that can be seen")
    return float(np.mean(gaps))


def _middle(cuts: np.ndarray) -> np.ndarray:
    """CIELAB of the middle of cut-outs, where there is more subject than surroundings."""
    edge = cuts.shape[1] // 4
    return to_lab(cuts[:, edge:-edge, edge:-edge])


METRIC = Metric("cast palette distance", "lower", (0.0, GREATEST), "pixels", cast_palette_distance, ("cast",))
