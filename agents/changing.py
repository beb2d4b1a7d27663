"""When a topology does not work out: which one goes on in its place, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from kinograph.film import Noun, Outcome, Take, Topology, TopologyChange

Cause = Literal["planning", "scarcity", "inconsistent"]

INSTEAD: dict[Cause, tuple[Topology, ...]] = {
    "planning": ("hierarchical",),
    "scarcity": ("chain",),
    "inconsistent": ("distributed",),
}
"""What helps: one planner for all; one shot at a time; a quality agent that sends shots back."""
LEAST_LOST = 2
"""Shots that must be lost in this way: one alone may be too big by itself."""


class Setback(Noun):
    """Why a topology does not work out."""

    cause: Cause
    why: str


def reconsider(
    setback: Setback, left: Topology, tried: Collection[Topology], able: Iterable[Topology], asked: Topology | None
) -> TopologyChange | None:
    """The change to make, if any: to none that was tried; away from the one asked for only to have a film at all."""
    if setback.cause == "inconsistent" and asked is not None:
        return None
    known: set[Topology] = set(able) - {left, *tried}
    to: Topology | None = next((one for one in INSTEAD[setback.cause] if one in known), None)
    return TopologyChange(left=left, to=to, why=setback.why) if to else None


def scarcity(outcomes: Iterable[Outcome], takes: Sequence[Take]) -> tuple[list[str], str]:
    """The shots that were lost because too much ran at once, and the last error that says so."""
    last = {take.shot: take for take in sorted(takes, key=lambda take: take.attempt) if not take.placeholder}
    lost = [
        outcome.shot
        for outcome in outcomes
        if outcome.state not in ("accepted", "trimmed", "best", "chosen")
        and (take := last.get(outcome.shot)) is not None
        and take.failure in ("memory", "worker")
    ]
    return lost, (last[lost[-1]].error or "") if lost else ""
