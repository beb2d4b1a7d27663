"""Warped coherence: what neighbouring frames have in common once motion is taken out."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric
from kinograph.tools.metrics.flow import flow_of, warped

LEVEL = 4.0
"""Differences of luma, 0..255, that count little beside a flat picture's own contrast."""


def warped_coherence(frames: np.ndarray, beside: Beside) -> float:
    """1 less the share of a frame's variation that the frame before it, moved along the flow, does not explain, 0 to 1.

    Pixels that the frame before does not show explain nothing. Mean over the clip.
    """
    import cv2

    flow = flow_of(frames, beside)
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) for picture in flow.pictures]
    explained = []
    for frame, seen in enumerate(flow.visible):
        gap = np.abs(grey[frame + 1] - warped(grey[frame], flow.back[frame]))
        own = np.abs(grey[frame + 1] - grey[frame + 1].mean()).mean() + LEVEL
        fits = 1 - min(1.0, float(gap[seen].mean()) / float(own)) if seen.any() else 0.0
        explained.append(fits * float(seen.mean()))
    return float(np.mean(explained))


METRIC = Metric("warped coherence", "higher", (0.0, 1.0), "flow", warped_coherence)
