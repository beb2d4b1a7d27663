"""Dynamic degree: whether a clip moves at all, by VBench's rule."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric, Unmeasurable
from kinograph.tools.metrics.flow import SIDE, Flow, flow_of

RATE = 8
"""Frames a second that VBench looks at."""


def dynamic_degree(frames: np.ndarray, beside: Beside) -> float:
    """1 where enough neighbours of the clip at 8 frames a second move fast enough, else 0.

    VBench's rule: the mean of the largest 5 % of flow lengths is above 6 pixels of 256, in a quarter of the frames.
    VBench's flow is RAFT's, this is DIS: the two are not comparable.
    """
    taken = frames[:: max(1, round(beside.fps / RATE))]
    if len(taken) < 2:
        raise Unmeasurable("needs two frames at 8 frames a second")
    whole = len(taken) == len(frames)
    flow = flow_of(taken, beside if whole else beside._replace(shared=None))
    fast = _speeds(flow) > 6.0 * min(flow.pictures.shape[1:3]) / SIDE
    return float(fast.sum() >= max(1, round(len(taken) / 4)))


def _speeds(flow: Flow) -> np.ndarray:
    """`[T-1]`: mean length of the largest 5 % of flow vectors."""
    lengths = np.sort(np.linalg.norm(flow.forth, axis=-1).reshape(len(flow.forth), -1), axis=1)
    return lengths[:, -max(1, int(lengths.shape[1] * 0.05)) :].mean(1)


METRIC = Metric(
    "dynamic degree",
    "higher",
    (0.0, 1.0),
    "flow",
    dynamic_degree,
    note="VBench's rule on DIS flow in the place of RAFT: not comparable",
)
