"""Totals: many metrics as one number between 0 and 1, each first put between its least and its greatest value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from kinograph.tools.metrics import METRICS, metric


class Bounds(NamedTuple):
    """How a metric enters a total."""

    least: float
    greatest: float
    weight: float = 1.0
    better: Literal["higher", "lower"] = "higher"

    def put(self, value: float) -> float:
        """A value as 0 (worst) to 1 (best); one outside of the bounds goes beyond."""
        share = (value - self.least) / (self.greatest - self.least)
        return share if self.better == "higher" else 1 - share


class Total(NamedTuple):
    """One number, and what it is made of."""

    value: float
    parts: dict[str, float]
    """Each metric between 0 and 1."""
    note: str
    """How it was weighed, and what is missing."""


QUALITY: dict[str, Bounds] = {
    "subject consistency": Bounds(0.1462, 1.0),
    "background consistency": Bounds(0.2615, 1.0),
    "temporal flickering": Bounds(0.6293, 1.0),
    "motion smoothness": Bounds(0.706, 0.9975),
    "aesthetic quality": Bounds(0.0, 1.0),
    "imaging quality": Bounds(0.0, 1.0),
    "dynamic degree": Bounds(0.0, 1.0, weight=0.5),
}
SEMANTICS: dict[str, Bounds] = {
    "object class": Bounds(0.0, 1.0),
    "multiple objects": Bounds(0.0, 1.0),
    "human action": Bounds(0.0, 1.0),
    "color": Bounds(0.0, 1.0),
    "spatial relationship": Bounds(0.0, 1.0),
    "scene": Bounds(0.0, 0.8222),
    "appearance style": Bounds(0.0009, 0.2855),
    "temporal style": Bounds(0.0, 0.364),
    "overall consistency": Bounds(0.0, 0.364),
}
"""VBench's sixteen dimensions with the bounds and weights that its leaderboard publishes."""
SHARES = (4.0, 1.0)
"""How much quality and semantics weigh in VBench's total."""


def vbench_total(scores: Mapping[str, float]) -> Total:
    """VBench's total of scores by dimension, 0 to 1: quality and semantics as 4 to 1, each a weighted mean.

    What is missing is left out of the weights, and said: the number is then no more VBench's. Raises ValueError for a
    name that is no dimension, and where there is none.
    """
    if unknown := sorted(scores.keys() - QUALITY.keys() - SEMANTICS.keys()):
        raise ValueError(f"{unknown[0]!r} is no dimension of VBench: {', '.join([*QUALITY, *SEMANTICS])}")
    sides = [_side(scores, bounds) for bounds in (QUALITY, SEMANTICS)]
    weighed = [(side, share) for side, share in zip(sides, SHARES, strict=True) if side is not None]
    if not weighed:
        raise ValueError("no dimension has a score")
    every = QUALITY | SEMANTICS
    missing = [name for name in every if name not in scores]
    note = "weights and bounds as published by VBench"
    if missing:
        note += f"; {len(scores)} of {len(every)} dimensions, so not its total; without {', '.join(missing)}"
    value = sum(side * share for side, share in weighed) / sum(share for _, share in weighed)
    return Total(value, {name: every[name].put(value) for name, value in scores.items()}, note)


def _side(scores: Mapping[str, float], bounds: Mapping[str, Bounds]) -> float | None:
    there = [name for name in bounds if name in scores]
    if not there:
        return None
    weights = sum(bounds[name].weight for name in there)
    return sum(bounds[name].put(scores[name]) * bounds[name].weight for name in there) / weights


def as_vbench(scores: Mapping[str, float]) -> dict[str, float]:
    """Scores of this project's metrics under the VBench dimensions whose formula they have; the others are left out."""
    named = {name: metric(name).vbench for name in scores if name in METRICS}
    return {named[name]: score for name, score in scores.items() if named.get(name)}


def even_total(scores: Mapping[str, float], bounds: Mapping[str, Bounds]) -> Total:
    """Mean of scores between their bounds, all of the same weight unless the bounds say otherwise, 0 to 1.

    Raises ValueError where there is no score, or one without bounds.
    """
    if not scores:
        raise ValueError("no metric has a score")
    if unbound := sorted(scores.keys() - bounds.keys()):
        raise ValueError(f"{unbound[0]!r} has no bounds; those that have: {', '.join(bounds)}")
    parts = {name: min(1.0, max(0.0, bounds[name].put(value))) for name, value in scores.items()}
    weights = sum(bounds[name].weight for name in scores)
    even = len({bounds[name].weight for name in scores}) == 1
    note = "equal weights: no others are published" if even else "weights of the caller"
    return Total(sum(part * bounds[name].weight for name, part in parts.items()) / weights, parts, note)
