"""What a report shows of runs: each as a system with its means and costs, its samples, and tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from kinograph.evals import figures, statistics
from kinograph.evals.intervals import Estimate, clustered
from kinograph.evals.log import SampleLog, Shown
from kinograph.evals.runs import LoadedRun, retakes
from kinograph.evals.statistics import Mean, means
from kinograph.evals.trajectory import matched


class System(NamedTuple):
    """A run as its part of the page."""

    label: str
    series: int
    run: LoadedRun
    means: dict[str, Mean]
    costs: dict[str, Estimate]
    matches: Estimate | None
    """How far paths are the expected ones; None where none was expected."""

    @property
    def look(self) -> str:
        return f"c{self.series % figures.SERIES}"

    def count(self, state: str) -> int:
        return len(self.run.those(state))


class Card(NamedTuple):
    """One sample of one run with one seed."""

    system: System
    log: SampleLog

    @property
    def remarks(self) -> int:
        return sum(len(shot.findings) for shot in self.log.shots)

    @property
    def retakes(self) -> int:
        return retakes(self.log)

    @property
    def match(self) -> float | None:
        return matched(self.log.path, self.log.expected) if self.log.expected else None

    @property
    def kinds(self) -> str:
        """What the gallery can be narrowed down to, as classes."""
        found = {self.log.state: True, "remarked": self.remarks > 0, "retaken": self.retakes > 0}
        return " ".join(name for name, yes in found.items() if yes)


class Exhibit(NamedTuple):
    """A sample with all that was made of it."""

    sample: str
    asked: str
    tags: tuple[str, ...]
    cards: list[Card]

    @property
    def kinds(self) -> str:
        return " ".join(sorted({kind for card in self.cards for kind in card.kinds.split()}))


def system(label: str, series: int, run: LoadedRun) -> System:
    found = {mean.shown.metric: mean for mean in means(run)}
    expected = [(matched(one.path, one.expected), one.sample) for one in run.those("done") if one.expected]
    matches = clustered(*zip(*expected, strict=True)).within(0, 1) if expected else None
    return System(label, series, run, found, statistics.costs(run), matches)


def shared(systems: Sequence[System]) -> dict[str, str]:
    """Settings that several systems have in common."""
    first, *others = [one.run.header.system for one in systems]
    return {key: value for key, value in first.items() if others and all(one.get(key) == value for one in others)}


def lacking(systems: Sequence[System], shown: Sequence[Shown]) -> dict[str, tuple[str, ...]]:
    """Metrics that were measured in no system, and why."""
    found = {}
    for one in shown:
        means = [system.means[one.metric] for system in systems if one.metric in system.means]
        if all(mean.estimate is None for mean in means):
            found[one.metric] = tuple(dict.fromkeys(why for mean in means for why in mean.skipped))
    return found


def exhibits(systems: Sequence[System]) -> list[Exhibit]:
    """Samples in the first run's order, each with its cards by run and seed."""
    found: dict[str, Exhibit] = {}
    for system in systems:
        for log in system.run.samples:
            exhibit = found.setdefault(log.sample, Exhibit(log.sample, log.asked, log.tags, []))
            exhibit.cards.append(Card(system, log))
    return list(found.values())


def share(shown: Shown, found: Estimate | None) -> float | None:
    """Where a mean lies between a metric's worst value, 0, and its best, 1."""
    if found is None:
        return None
    share = (found.value - shown.least) / (shown.greatest - shown.least)
    return share if shown.better == "higher" else 1 - share


def told(found: Estimate | None) -> str:
    return "–" if found is None else figures.spoken(found)


class Tagged(NamedTuple):
    """A tag's row of a system: how many samples and seeds have it, and a cell for each metric."""

    tag: str
    system: System
    n: int
    cells: list[Cell]


class Cell(NamedTuple):
    """A mean in the table of tags, and how far it is on the way to the metric's best value, in percent."""

    estimate: Estimate | None
    share: int | None


def tags(systems: Sequence[System], shown: Sequence[Shown]) -> list[Tagged]:
    """A row for each tag and system."""
    rows = []
    for tag in sorted({tag for system in systems for tag in statistics.tags(system.run)}):
        for system in systems:
            found = {mean.shown.metric: mean.estimate for mean in means(system.run, tag)}
            cells = [_cell(one, found.get(one.metric)) for one in shown]
            rows.append(Tagged(tag, system, sum(tag in one.tags for one in system.run.samples), cells))
    return rows


def _cell(shown: Shown, found: Estimate | None) -> Cell:
    if found is None:
        return Cell(None, None)
    finite = math.isfinite(shown.greatest - shown.least) and shown.greatest > shown.least
    return Cell(found, round(100 * (share(shown, found) or 0)) if finite else None)


def notes(systems: Sequence[System]) -> list[str]:
    """What a reader must know before the numbers."""
    told = []
    for one in systems:
        run, name = one.run, f"{one.label}: " if len(systems) > 1 else ""
        total = len(run.samples)
        if total < run.wanted:
            told.append(f"{name}the run is unfinished: {total} of {run.wanted} samples and seeds are done.")
        if run.torn:
            told.append(f"{name}the last line of its log was cut short by a crash and is left out.")
        if crashed := one.count("crashed"):
            counts = "each counts as the worst value of every metric that it could have been measured by"
            told.append(f"{name}{crashed} of {total} samples crashed; {counts}.")
        for why in dict.fromkeys(log.error for log in run.those("excluded")):
            count = sum(log.error == why for log in run.those("excluded"))
            told.append(f"{name}{count} of {total} samples are excluded: {why or 'no reason is given'}.")
    return told


def spent(systems: Sequence[System]) -> list[list[str]]:
    """A row for each cost that is known of a system."""
    names = [name for name in statistics.COSTS if any(name in one.costs for one in systems)]
    return [[name, *(told(one.costs.get(name)) for one in systems)] for name in names]


def trajectories(systems: Sequence[System]) -> list[list[str]]:
    """How agents went through the graph, over samples that are done."""
    done = [one.run.those("done") for one in systems]
    shots = [[shot for log in logs for shot in log.shots] for logs in done]
    rows = {
        "match with the expected path": [told(one.matches) for one in systems],
        "paths exactly as expected": [_exact(logs) for logs in done],
        "nodes passed": [_average([len(log.path) for log in logs if log.path]) for logs in done],
        "retakes": [_average([retakes(log) for log in logs]) for logs in done],
        "tokens": [_average([log.spent.tokens for log in logs]) for logs in done],
        "shots accepted": [f"{sum(shot.accepted for shot in part)} of {len(part)}" for part in shots],
        "findings": [str(sum(len(shot.findings) for shot in part)) for part in shots],
    }
    return [[name, *cells] for name, cells in rows.items()]


def _exact(logs: Sequence[SampleLog]) -> str:
    counted = [log for log in logs if log.expected]
    return f"{sum(log.path == log.expected for log in counted)} of {len(counted)}" if counted else "–"


def _average(numbers: Sequence[int]) -> str:
    return figures.told(sum(numbers) / len(numbers)) if numbers else "–"
