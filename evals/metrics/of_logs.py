"""Metrics of a run that its log alone decides: totals, the fidelity gate, and how far judges agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from kinograph.evals.log import SampleLog, ShotLog
from kinograph.evals.metrics import SetMeasured
from kinograph.evals.metrics.fidelity import GATE, gated
from kinograph.evals.metrics.judges import agreements
from kinograph.evals.metrics.totals import as_vbench, vbench_total
from kinograph.tools.metrics import Unmeasurable

CONSISTENCY = ("subject consistency", "embedding coherence", "temporal coherence")
FIDELITY = ("attributes", "attribute fidelity")
"""Metrics of shots that the gate is made of: the first that was measured."""


class LogMetric(NamedTuple):
    """One way to measure a run by its log."""

    name: str
    better: Literal["higher", "lower"]
    range: tuple[float, float]
    measure: Callable[[Sequence[SampleLog]], SetMeasured]
    """Of finished samples. Raises Unmeasurable where they allow none."""


def vbench(logs: Sequence[SampleLog]) -> SetMeasured:
    """VBench's total of the means by its dimensions, as far as they were measured."""
    names = {name for log in logs for name in log.scores}
    found = {name: _mean([log.scores[name] for log in logs if name in log.scores]) for name in names}
    if not (dimensions := as_vbench(found)):
        raise Unmeasurable("needs metrics that are dimensions of VBench, as --metrics all has")
    total = vbench_total(dimensions)
    return SetMeasured(total.value, note=total.note)


def gate(logs: Sequence[SampleLog]) -> SetMeasured:
    """Consistency of shots where those that show something else than was asked count as 0."""
    shots = [shot for log in logs for shot in log.shots]
    consistency, fidelity = (_measured(shots, names) for names in (CONSISTENCY, FIDELITY))
    both = [shot for shot in shots if consistency in shot.scores and fidelity in shot.scores]
    if not both:
        raise Unmeasurable(f"needs shots with {consistency} and {fidelity}")
    found = gated([shot.scores[consistency] for shot in both], [shot.scores[fidelity] for shot in both])
    note = f"{consistency} where {fidelity} is {GATE:g} or more: {found.passed:.0%} of {len(both)} shots"
    return SetMeasured(found.value, note=f"{note}; {found.ungated:.3f} without the gate")


def _measured(shots: Sequence[ShotLog], names: Sequence[str]) -> str:
    return next((name for name in names if any(name in shot.scores for shot in shots)), names[0])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


LOG_METRICS: Mapping[str, LogMetric] = {
    one.name: one
    for one in (
        LogMetric("vbench total", "higher", (0.0, 1.0), vbench),
        LogMetric("gated consistency of shots", "higher", (0.0, 1.0), gate),
        *(LogMetric(one.name, "higher", (-1.0, 1.0), one) for one in agreements()),
    )
}
