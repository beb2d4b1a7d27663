"""Motion smoothness: how well every second frame is guessed from its neighbours."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric, Unmeasurable
from kinograph.tools.metrics.flow import flow_of, small, warped


def motion_smoothness(frames: np.ndarray, beside: Beside) -> float:
    """(255 - mean absolute error of rebuilt frames) / 255: VBench's score with another interpolation.

    Frame t is rebuilt as the mean of frame t - 1 moved half of the way to t + 1, and of t + 1 moved half of the way
    back. VBench's AMT guesses better: the two are not comparable.
    """
    if len(frames) < 3:
        raise Unmeasurable("needs three frames")
    ends = flow_of(frames[::2], beside._replace(shared=None))
    middles = small(frames)[1 : 2 * len(ends.forth) : 2]
    gaps = []
    for index, middle in enumerate(middles):
        # Half of the flow at the middle's own pixels stands for the flow from the middle to either end.
        first = warped(ends.pictures[index], ends.back[index] / 2)
        last = warped(ends.pictures[index + 1], ends.forth[index] / 2)
        gaps.append(np.abs((first.astype(np.float32) + last) / 2 - middle).mean())
    return (255.0 - float(np.mean(gaps))) / 255.0


METRIC = Metric(
    "motion smoothness",
    "higher",
    (0.0, 1.0),
    "flow",
    motion_smoothness,
    note="DIS flow in the place of VBench's AMT: not comparable",
)
