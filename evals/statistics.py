"""What runs come to: means by metric and by tag, and what two runs of one suite differ in, with 95 % intervals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from kinograph.errors import BadInput, UnknownName
from kinograph.evals.intervals import Estimate, bootstrapped, clustered, cohens_dz, holm, needed, superiority
from kinograph.evals.log import Run, SampleLog, Shown
from kinograph.evals.runs import LoadedRun, retakes
from kinograph.film import Noun

COSTS: dict[str, Callable[[SampleLog], float | None]] = {
    "seconds": lambda one: one.spent.seconds,
    "generator calls": lambda one: one.spent.generated(),
    "renders": lambda one: one.spent.renders,
    "retakes": lambda one: float(retakes(one)),
    "calls": lambda one: float(one.spent.calls),
    "tokens": lambda one: float(one.spent.tokens),
    "money": lambda one: one.spent.money,
}
"""What a sample costs, by name; less is better."""
ALONE = ("seconds", "renders")
"""Costs that say nothing of the arms of a study, which share their clips: who comes later finds them made."""


class Value(NamedTuple):
    """What a metric says of one sample and seed."""

    sample: str
    seed: int
    value: float
    crashed: bool = False


class Mean(Noun):
    """A metric over a run."""

    shown: Shown
    estimate: Estimate | None
    """None where nothing was measured."""
    crashed: int = 0
    """Samples in it that crashed and count as the worst value."""
    skipped: tuple[str, ...] = ()
    """Why samples have no number, each reason once, with how many."""
    of_set: bool = False
    """Of all clips together: one number, which has no interval."""
    note: str = ""
    """What must be known to read that number."""

    @property
    def target(self) -> Literal["", "reached", "missed", "undecided"]:
        """How the mean stands to the target; undecided where the interval holds it."""
        found, target = self.estimate, self.shown.target
        if found is None or target is None:
            return ""
        low, high = (found.value, found.value) if found.low is None or found.high is None else (found.low, found.high)
        if self.shown.better == "lower":
            low, high, target = -high, -low, -target
        return "reached" if low >= target else "missed" if high < target else "undecided"


class Difference(Noun):
    """What a run has over the first one in a metric or a cost: its value less the first one's, over pairs."""

    name: str
    run: str
    """Label of the run that is compared with the first one."""
    better: Literal["higher", "lower"]
    first: float | None = None
    second: float | None = None
    """Means over the pairs."""
    estimate: Estimate | None = None
    """None where there is no pair."""
    p: float | None = None
    corrected: float | None = None
    """p after Holm's correction over all metrics and runs of the comparison."""
    effect: float | None = None
    """Cohen's d_z over prompts; above 0 the run is better."""
    superior: float | None = None
    """Share of pairs in which the run is better, ties counting half."""
    needed: int | None = None
    """Prompts that would show an effect of this size with 80 % power; None where no practical number would."""
    shown: Literal["better", "worse", "no difference shown", "not compared"] = "not compared"
    note: str = ""


class Comparison(Noun):
    """Runs of one suite against the first of them."""

    labels: tuple[str, ...]
    differences: tuple[Difference, ...]
    costs: tuple[Difference, ...]
    """The same for what was spent on samples that both finished, outside of the correction."""
    notes: tuple[str, ...]


def worst(shown: Shown, runs: Sequence[LoadedRun]) -> float:
    """What a crashed sample counts as: the metric's worst value, or where that is infinite the worst one in the runs.

    Raises BadInput where there is neither.
    """
    edge = shown.least if shown.better == "higher" else shown.greatest
    if math.isfinite(edge):
        return edge
    seen = [one.scores[shown.metric] for run in runs for one in run.samples if shown.metric in one.scores]
    if not (finite := [value for value in seen if math.isfinite(value)]):
        raise BadInput(f"{shown.metric!r} has no worst value that crashed samples could count as: its limit is {edge}")
    return min(finite) if shown.better == "higher" else max(finite)


def values(run: LoadedRun, shown: Shown, among: Sequence[LoadedRun] = ()) -> list[Value]:
    """A metric's values, cut at its limits. A crashed sample counts as the worst value `among` runs (by default this
    one), unless its log, the sample's other seeds, or where there are none all others, say that it cannot be
    measured."""
    among = among or (run,)
    due, crash = _due(run, shown, among), None
    found = []
    for one in run.samples:
        if one.state == "done" and shown.metric in one.scores:
            found.append(Value(one.sample, one.seed, _cut(one, shown)))
        elif one.lost(shown.metric) and one.sample in due:
            crash = worst(shown, among) if crash is None else crash
            found.append(Value(one.sample, one.seed, crash, crashed=True))
    return found


def _due(run: LoadedRun, shown: Shown, among: Sequence[LoadedRun]) -> set[str]:
    """Samples that would have a value had they not crashed."""
    done = {one.sample for one in run.those("done")}
    measured = {one.sample for one in run.those("done") if shown.metric in one.scores}
    others = [one for each in among for one in each.those("done")]
    if others and not any(shown.metric in one.scores for one in others):
        return set()
    return measured | ({one.sample for one in run.samples} - done)


def _cut(one: SampleLog, shown: Shown) -> float:
    value = min(max(one.scores[shown.metric], shown.least), shown.greatest)
    if not math.isfinite(value):
        raise BadInput(f"{shown.metric!r} of sample {one.sample} is {value} and has no finite limit")
    return value


def means(run: LoadedRun, tag: str | None = None) -> list[Mean]:
    """Every metric of a run, or of its samples with a tag, in the header's order."""
    of_sets = {one.metric: one for one in run.sets}
    part = run if tag is None else run._replace(samples=tuple(one for one in run.samples if tag in one.tags))
    found = []
    for shown in run.header.metrics:
        if shown.metric in of_sets and not any(shown.metric in one.scores for one in run.samples):
            if tag is None:
                one = of_sets[shown.metric]
                number = None if one.value is None else Estimate(value=one.value, n=1, clusters=1)
                why = (one.skipped or "not measured",) if number is None else ()
                found.append(Mean(shown=shown, estimate=number, skipped=why, of_set=True, note=one.note))
        else:
            found.append(_mean(part, shown, run))
    return found


def _mean(part: LoadedRun, shown: Shown, run: LoadedRun) -> Mean:
    found = values(part, shown, (run,))
    reasons = Counter(one.skipped[shown.metric] for one in part.those("done") if shown.metric in one.skipped)
    total = len(part.samples)
    skipped = tuple(f"{why} ({count} of {total})" for why, count in sorted(reasons.items()))
    if not found:
        return Mean(shown=shown, estimate=None, skipped=skipped or ("not measured",))
    estimate = clustered([one.value for one in found], [one.sample for one in found])
    crashed = sum(one.crashed for one in found)
    return Mean(shown=shown, estimate=estimate.within(shown.least, shown.greatest), crashed=crashed, skipped=skipped)


def costs(run: LoadedRun) -> dict[str, Estimate]:
    """What a sample of a run costs; a cost that is known of none is left out."""
    counted = [one for one in run.samples if one.state != "excluded"]
    found = {}
    for name, cost in _told(run):
        if known := [(value, one.sample) for one in counted if (value := cost(one)) is not None]:
            numbers, prompts = zip(*known, strict=True)
            found[name] = clustered(numbers, prompts).within(0.0, math.inf)
    return found


def _told(*runs: LoadedRun) -> list[tuple[str, Callable[[SampleLog], float | None]]]:
    """The costs that these runs can be told by."""
    arms = any("arm" in run.header.system for run in runs)
    return [(name, cost) for name, cost in COSTS.items() if not (arms and name in ALONE)]


def tags(run: LoadedRun) -> list[str]:
    """All tags of a run's samples, sorted."""
    return sorted({tag for one in run.samples for tag in one.tags})


def labels(runs: Sequence[LoadedRun]) -> tuple[str, ...]:
    """A name for each run: its arm in a study, the settings of its system that others do not share, or else its id."""
    headers = [run.header for run in runs]
    arms = [header.system.get("arm", "") for header in headers]
    if all(arms) and len(set(arms)) == len(arms):
        return tuple(arms)
    names = sorted({name for header in headers for name in header.system})
    telling = [name for name in names if len({header.system.get(name) for header in headers}) > 1]
    found = [" ".join(f"{name}={header.system.get(name, 'none')}" for name in telling) for header in headers]
    if len(set(found)) < len(found) or not telling:
        found = [f"{words} {header.id}".strip() for words, header in zip(found, headers, strict=True)]
    if len(set(found)) < len(found):
        found = [f"{words} ({number})" for number, words in enumerate(found, 1)]
    return tuple(found)


def compare(first: LoadedRun, *others: LoadedRun, metrics: Sequence[str] = ()) -> Comparison:
    """Each other run against the first: pairs of the same sample and seed, and what they differ in by metric.

    `metrics` are all that both have when none is named. Raises BadInput for runs of different suites, and UnknownName.
    """
    runs = (first, *others)
    for other in others:
        _same_suite(first.header, other.header)
    if empty := [run for run in runs if not run.samples]:
        raise BadInput(f"run {str(empty[0].folder)!r} has no finished sample yet; there is nothing to compare")
    shown = _chosen(runs, metrics)
    names = labels(runs)
    drawn = [
        _difference(
            name,
            metric.metric,
            metric.better,
            values(first, metric, (first, other)),
            values(other, metric, (first, other)),
        )
        for metric in shown
        for name, other in zip(names[1:], others, strict=True)
    ]
    spent = [
        _difference(name, cost, "lower", _spent(first, cost), _spent(other, cost))
        for cost, _ in _told(first, *others)
        for name, other in zip(names[1:], others, strict=True)
    ]
    known = [one for one in spent if one.estimate is not None]
    return Comparison(labels=names, differences=_corrected(drawn), costs=tuple(known), notes=_notes(runs, names, drawn))


def _same_suite(one: Run, other: Run) -> None:
    if one.suite_digest != other.suite_digest:
        raise BadInput(
            f"runs {one.id!r} and {other.id!r} cannot be compared: their suites differ "
            f"({one.suite} {one.suite_digest[:12]!r}, {other.suite} {other.suite_digest[:12]!r})"
        )


def _chosen(runs: Sequence[LoadedRun], metrics: Sequence[str]) -> list[Shown]:
    shared = [
        one
        for one in runs[0].header.metrics
        if all(any(one.metric == other.metric for other in run.header.metrics) for run in runs)
    ]
    known = [one.metric for one in shared]
    for name in metrics:
        if name not in known:
            raise UnknownName("metric of these runs", name, known)
    sets = {one.metric for run in runs for one in run.sets}
    return [one for one in shared if one.metric in metrics or (not metrics and one.metric not in sets)]


def _spent(run: LoadedRun, cost: str) -> list[Value]:
    return [Value(one.sample, one.seed, value) for one in run.those("done") if (value := COSTS[cost](one)) is not None]


def _difference(
    run: str, name: str, better: Literal["higher", "lower"], first: list[Value], second: list[Value]
) -> Difference:
    before = {(one.sample, one.seed): one.value for one in first}
    pairs = [(one, before[one.sample, one.seed]) for one in second if (one.sample, one.seed) in before]
    if not pairs:
        return Difference(name=name, run=run, better=better, note="no sample was measured in both")
    left = len(first) + len(second) - 2 * len(pairs)
    gaps = [one.value - other for one, other in pairs]
    prompts = [one.sample for one, _ in pairs]
    estimate, p = bootstrapped(gaps, prompts)
    sign = 1 if better == "higher" else -1
    effect = cohens_dz([sign * gap for gap in gaps], prompts)
    notes = [f"{left} values without a partner are left out"] if left else []
    notes += ["two prompts at least are needed for an interval"] if p is None else []
    return Difference(
        name=name,
        run=run,
        better=better,
        first=sum(other for _, other in pairs) / len(pairs),
        second=sum(one.value for one, _ in pairs) / len(pairs),
        estimate=estimate,
        p=p,
        corrected=p,
        effect=effect,
        superior=superiority([sign * gap for gap in gaps]),
        needed=needed(effect) if effect else None,
        shown=_verdict(estimate, p, sign),
        note="; ".join(notes),
    )


def _verdict(
    estimate: Estimate, p: float | None, sign: int
) -> Literal["better", "worse", "no difference shown", "not compared"]:
    if estimate.low is None or estimate.high is None or p is None:
        return "not compared"
    if estimate.low <= 0 <= estimate.high or p > 0.05:
        return "no difference shown"
    return "better" if sign * estimate.value > 0 else "worse"


def _corrected(found: Sequence[Difference]) -> tuple[Difference, ...]:
    """The differences with Holm's correction: what does not outlive it is not shown."""
    tested = [one.p for one in found if one.p is not None]
    corrected = iter(holm(tested))
    made = []
    for one in found:
        if one.p is not None:
            p = next(corrected)
            lost = p > 0.05 and one.shown in ("better", "worse")
            words = f"its own interval leaves 0 out, but not after correction for {len(tested)} tests" if lost else ""
            note = "; ".join(filter(None, (one.note, words)))
            one = one.changed(corrected=p, shown="no difference shown" if lost else one.shown, note=note)
        made.append(one)
    return tuple(made)


def _notes(runs: Sequence[LoadedRun], names: Sequence[str], drawn: Sequence[Difference]) -> tuple[str, ...]:
    notes = []
    for name, run in zip(names, runs, strict=True):
        for state, words in (("crashed", "crashed and count as the worst value"), ("excluded", "are excluded")):
            if found := run.those(state):
                notes.append(f"{name}: {len(found)} of {len(run.samples)} samples {words}")
        if len(run.samples) < run.wanted:
            notes.append(f"{name}: {len(run.samples)} of {run.wanted} samples are done; the run is unfinished")
    if (tests := sum(one.p is not None for one in drawn)) > 1:
        notes.append(f"{tests} tests were made; p is corrected for that (Holm), intervals are each at 95 %")
    return tuple(notes)
