"""Warping error: how much a frame differs from the one before it, moved along the flow."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric, Unmeasurable
from kinograph.tools.metrics.flow import flow_of, warped


def warping_error(frames: np.ndarray, beside: Beside) -> float:
    """Mean squared difference over the pixels that both frames show, of values 0..1 (Lai et al. 2018).

    0 where all change is motion. Flow is DIS and not the FlowNet2 of the paper.
    """
    flow = flow_of(frames, beside)
    if not flow.visible.any():
        raise Unmeasurable("no pixel can be followed from frame to frame")
    errors = []
    for frame, seen in enumerate(flow.visible):
        before = warped(flow.pictures[frame], flow.back[frame])
        gap = (flow.pictures[frame + 1].astype(np.float32) - before.astype(np.float32)) / 255
        errors += [float((gap[seen] ** 2).mean())] if seen.any() else []
    return float(np.mean(errors))


METRIC = Metric(
    "warping error", "lower", (0.0, 1.0), "flow", warping_error, note="DIS flow: not comparable with FlowNet2's"
)
