"""The fidelity gate: consistency counts only where the shot shows what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

GATE = 0.5
"""Fidelity from which a shot is taken to show what was asked."""


class Gated(NamedTuple):
    """Consistency of shots behind the gate."""

    value: float
    """Mean consistency where a shot that shows something else counts as 0."""
    passed: float
    """Share of the shots that show what was asked."""
    ungated: float
    """Mean consistency of all shots, whatever they show."""


def gated(consistency: Sequence[float], fidelity: Sequence[float], gate: float = GATE) -> Gated:
    """Gates the consistency of shots by the fidelity of the same shots, both higher is better.

    A system that repeats the same wrong picture has the best ungated mean and the worst gated one. Raises ValueError
    for lists of different lengths, empty ones, and values that are no numbers.
    """
    values, shown = np.asarray(consistency, float), np.asarray(fidelity, float)
    if values.shape != shown.shape or values.ndim != 1 or not values.size:
        raise ValueError(f"{len(consistency)} values of consistency and {len(fidelity)} of fidelity are no pairs")
    if not (np.isfinite(values).all() and np.isfinite(shown).all()):
        raise ValueError("consistency and fidelity must be numbers; leave out what was skipped, aloud")
    passed = shown >= gate
    return Gated(float((values * passed).mean()), float(passed.mean()), float(values.mean()))
