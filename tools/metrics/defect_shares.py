"""Shares of a clip's frames that are black, broken, frozen, or begin another picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kinograph.tools import defects
from kinograph.tools.metrics import Beside, Metric, Unmeasurable


def _share(test: Callable[[defects.Pulse], np.ndarray], least: int) -> Callable[[np.ndarray, Beside], float]:
    """The metric that is the share of frames which fail a test of `kinograph.tools.defects`."""

    def share(frames: np.ndarray, beside: Beside) -> float:
        if len(frames) < least:
            raise Unmeasurable(f"needs {least} frames")
        return float(test(beside.once("pulse", lambda: defects.pulse(frames))).mean())

    return share


BLACK = Metric("black share", "lower", (0.0, 1.0), "pixels", _share(defects.black, 1))
CORRUPT = Metric("corrupt share", "lower", (0.0, 1.0), "pixels", _share(defects.corrupt, 4))
FROZEN = Metric("frozen share", "lower", (0.0, 1.0), "pixels", _share(defects.frozen, 2))
JUMPS = Metric("jump share", "lower", (0.0, 1.0), "pixels", _share(defects.jumps, 5))
