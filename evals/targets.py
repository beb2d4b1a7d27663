"""Thresholds that are published for metrics, and whether this project's numbers can be held against them.

They are the defaults of a published design of a video generator ("PIB-VideoGen": FVD at most 200, Inception Score at
least 70, temporal coherence at least 0.9). It names no network, set of real clips or size for any of them.
"""

from __future__ import annotations

from typing import NamedTuple

from kinograph.evals.log import Shown


class Target(NamedTuple):
    """A published threshold."""

    value: float
    comparable: bool
    """It was measured as this project measures."""
    remark: str


TARGETS: dict[str, Target] = {
    "frechet video distance": Target(
        200.0, False, "published for FVD, which is over I3D and real videos; here another network and the suite's clips"
    ),
    "inception score": Target(
        70.0, False, "published for a classifier of 1000 classes or so; here other classes, which bound it lower"
    ),
    "temporal coherence": Target(0.9, False, "published without its formula; here correlation of neighbouring luma"),
}


def aimed(shown: Shown) -> Shown:
    """The metric with its published threshold and the remark that goes with it, where there is one."""
    if (target := TARGETS.get(shown.metric)) is None:
        return shown
    note = "; ".join(filter(None, (shown.note, target.remark)))
    return shown.changed(target=target.value, comparable=target.comparable, note=note)
