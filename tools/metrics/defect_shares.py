"""Shares of a clip's frames that are black, broken, frozen, or begin another picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kinograph.tools import defects
from kinograph.tools.metrics import Beside, Metric, Unmeasurable


def _share(amount: Callable[[defects.Pulse], np.ndarray], above: float, least: int) -> Callable[..., float]:
    """The metric that is the share of frames of which an amount of `kinograph.tools.defects` is above a bound."""

    def share(frames: np.ndarray, beside: Beside) -> float:
        if len(frames) < least:
            raise Unmeasurable(f"needs {least} frames")
        return float((amount(beside.once("pulse", lambda: defects.pulse(frames))) > above).mean())

    return share


BLACK = Metric("black share", "lower", (0.0, 1.0), "pixels", _share(defects.darkness, 0.8, 1))
CORRUPT = Metric("corrupt share", "lower", (0.0, 1.0), "pixels", _share(defects.scramble, 0.15, 4))
FROZEN = Metric("frozen share", "lower", (0.0, 1.0), "pixels", _share(defects.stillness, 0.22, 2))
JUMPS = Metric("jump share", "lower", (0.0, 1.0), "pixels", _share(defects.cut, 1.3, 5))
