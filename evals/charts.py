"""The figures of a report, made of its systems: what goes into each, and the same as a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kinograph.errors import UnknownName
from kinograph.evals import figures, statistics
from kinograph.evals.exhibits import System, share, told
from kinograph.evals.figures import Bar, Point, Row, Spoke
from kinograph.evals.intervals import Estimate
from kinograph.evals.log import Shown

COSTS = (("generator calls", "generator calls a sample"), ("seconds", "seconds a sample"))
"""What quality is held against: cost and how the axis says it."""
SPOKES = 12
"""Most metrics of a radar: more names would lie on each other."""


class Figure(NamedTuple):
    """A drawing, what it shows, and the same as a table."""

    title: str
    caption: str
    svg: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    series: bool = False
    """Whether a legend of the systems belongs to it."""


def dimensions(systems: Sequence[System], shown: Sequence[Shown]) -> list[Figure]:
    measured = [one for one in shown if any(_estimate(system, one) for system in systems)]
    clips = [one for one in measured if not any(s.means[one.metric].of_set for s in systems if one.metric in s.means)]
    made = [_bars(systems, clips)] if clips else []
    spoked = [one for one in clips if math.isfinite(one.greatest - one.least) and one.greatest > one.least]
    return [*made, _radar(systems, spoked[:SPOKES])] if len(spoked) > 2 else made


def _stroke(one: Shown) -> float | None:
    """The target, where it says something about these numbers."""
    return one.target if one.comparable else None


def _estimate(system: System, shown: Shown) -> Estimate | None:
    mean = system.means.get(shown.metric)
    return None if mean is None else mean.estimate


def _bars(systems: Sequence[System], shown: Sequence[Shown]) -> Figure:
    rows = []
    for one in shown:
        found = [(system.series, estimate) for system in systems if (estimate := _estimate(system, one))]
        tops = [estimate.value if estimate.high is None else estimate.high for _, estimate in found]
        lows = [estimate.value if estimate.low is None else estimate.low for _, estimate in found]
        greatest = one.greatest if math.isfinite(one.greatest) else max([*tops, one.target or 0.0]) * 1.05
        least = one.least if math.isfinite(one.least) else min([*lows, one.target or 0.0, 0.0])
        bars = [Bar(series, estimate) for series, estimate in found]
        rows.append(Row(f"{one.metric} {'↑' if one.better == 'higher' else '↓'}", bars, least, greatest, _stroke(one)))
    table = [[one.metric, *(told(_estimate(system, one)) for system in systems)] for one in shown]
    caption = (
        "Each bar runs from the metric's least to its greatest value; whiskers are 95 % intervals, clustered by "
        "prompt; a dashed stroke is a published target. ↑ more is better, ↓ less is better."
    )
    title = "Metrics with 95 % intervals"
    svg = figures.bars(rows, f"Bar chart: {title}; the numbers are in the table below it.")
    return Figure(title, caption, svg, ["metric", *(system.label for system in systems)], table, len(systems) > 1)


def _radar(systems: Sequence[System], shown: Sequence[Shown]) -> Figure:
    spokes = [Spoke(one.metric, [share(one, _estimate(system, one)) for system in systems]) for one in shown]
    names = [system.label for system in systems]
    table = [[spoke.label, *("–" if value is None else f"{value:.2f}" for value in spoke.values)] for spoke in spokes]
    title = "Metrics as shares"
    svg = figures.radar(spokes, names, "Radar chart of all metrics; the numbers are in the table below it.")
    caption = "Means as shares of the way from a metric's worst value (the middle) to its best (the rim)."
    caption += f" The first {SPOKES} metrics with limits." if len(shown) == SPOKES else ""
    return Figure(title, caption, svg, ["metric", *names], table, len(systems) > 1)


def frontiers(systems: Sequence[System], shown: Sequence[Shown], quality: str | None) -> Iterator[Figure]:
    """Quality against each cost; a run alone shows its prompts besides."""
    able = [one for one in shown if any(_estimate(s, one) and not s.means[one.metric].of_set for s in systems)]
    if quality is not None and quality not in [one.metric for one in able]:
        raise UnknownName("measured metric", quality, [one.metric for one in able])
    metric = next((one for one in able if quality in (None, one.metric)), None)
    if metric is None:
        return
    for cost, axis in COSTS:
        points = [
            Point(system.label, system.series, system.costs[cost], estimate)
            for system in systems
            if (estimate := _estimate(system, metric)) and cost in system.costs
        ]
        if not points:
            continue
        table = [[one.name, told(one.cost), told(one.quality)] for one in points]
        if len(systems) == 1:
            points += _prompts(systems[0], metric, cost)
        title = f"{metric.metric} against {axis}"
        svg = figures.frontier(points, axis, metric.metric, f"Scatter plot: {title}.", metric.better == "higher")
        caption = "Small marks are prompts, the large one is the mean" if len(systems) == 1 else "A mark is a system"
        caption += "; strokes are 95 % intervals" + ("." if len(systems) == 1 else ", the line is what nobody passes.")
        yield Figure(title, caption, svg, ["system", axis, metric.metric], table, len(systems) > 1)


def _prompts(system: System, metric: Shown, cost: str) -> list[Point]:
    """A point for each sample: means over its seeds."""
    found: dict[str, list[tuple[float, float]]] = {}
    spent = {(one.sample, one.seed): statistics.COSTS[cost](one) for one in system.run.samples}
    for one in statistics.values(system.run, metric):
        if (price := spent[one.sample, one.seed]) is not None:
            found.setdefault(one.sample, []).append((price, one.value))
    made = []
    for sample, rows in found.items():
        price, value = (
            Estimate(value=sum(part) / len(rows), n=len(rows), clusters=1) for part in zip(*rows, strict=True)
        )
        made.append(Point(sample, system.series, price, value, small=True))
    return made
