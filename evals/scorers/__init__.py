"""Scorers: what a system made of a sample, in numbers. Adding one is a file with a `SCORER` and a line in SCORERS.

What a scorer cannot measure it skips, saying what it needs; it never returns a made-up number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NamedTuple, Protocol, runtime_checkable

from kinograph.evals.log import Shown
from kinograph.evals.suites import Does, Sample, Suite
from kinograph.evals.systems import Made
from kinograph.settings import MindSettings


class Scored(NamedTuple):
    """What a scorer says of a sample."""

    scores: Mapping[str, float] = {}
    shots: Mapping[str, Mapping[str, float]] = {}
    """Shot -> its scores."""
    skipped: Mapping[str, str] = {}
    """Metric -> what it needs that is not there."""
    tokens: int = 0
    """Tokens of language models that judging took."""


@runtime_checkable
class Scorer(Protocol):
    """Measures what was made. With processes it travels by pickle."""

    @property
    def shown(self) -> tuple[Shown, ...]:
        """Its metrics and how they are to be read."""
        ...

    def __call__(self, sample: Sample, made: Made) -> Scored:
        """Raises KinographError for what the system made and cannot be read."""
        ...

    def beyond(self, sample: Sample) -> Mapping[str, str]:
        """Metrics that no system could be measured by on this sample, and why: a crash costs nothing in them."""
        ...


UNASKED = "the sample asks for nothing of the kind"
"""Why a metric has no number whatever a system makes."""

SCORERS: dict[str, str] = {
    "truth": "kinograph.evals.scorers.truth",
    "crew": "kinograph.evals.scorers.crew",
    "planned": "kinograph.evals.scorers.planned",
    "chatted": "kinograph.evals.scorers.chatted",
    "edited": "kinograph.evals.scorers.edited",
    "ended": "kinograph.evals.scorers.ended",
}
"""Name -> module whose `SCORER` it is."""

FOR: dict[Does, tuple[str, ...]] = {
    "film": ("truth", "crew"),
    "plan": ("planned",),
    "chat": ("chatted", "edited"),
    "dare": ("ended",),
}
"""Who scores what kind of suite."""


def scorers_for(
    suite: Suite, metrics: Sequence[str], embedder: str, eyes: MindSettings | None = None
) -> tuple[Scorer, ...]:
    """Those of the suite's kind, and for films the metrics of clips by name and a vision model's eyes.

    Raises UnknownName.
    """
    found: list[Scorer] = []
    for name in FOR[suite.does]:
        if name == "truth" and not any(sample.shots for sample in suite.samples):
            continue
        scorer = import_module(SCORERS[name]).SCORER
        assert isinstance(scorer, Scorer)
        found.append(scorer)
    if suite.does == "film" and metrics:
        found.append(import_module("kinograph.evals.scorers.clips").Clips(tuple(metrics), embedder))
    if suite.does == "film" and eyes is not None:
        found.append(import_module("kinograph.evals.scorers.eyes").Eyes(eyes))
    return tuple(found)


def share(metric: str, note: str = "") -> Shown:
    """A metric that is a share, the more the better."""
    return Shown(metric=metric, better="higher", least=0, greatest=1, note=note)


def mean(values: Sequence[float]) -> float:
    """Of at least one."""
    return round(sum(values) / len(values), 6)
