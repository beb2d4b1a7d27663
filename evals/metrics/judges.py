"""How far judges of shots agree: the system's validator, a vision model and the exact truth, in pairs and together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

from kinograph.evals.log import SampleLog
from kinograph.evals.metrics import SetMeasured
from kinograph.evals.metrics.agreement import alpha
from kinograph.tools.metrics import Unmeasurable

Level = Literal["nominal", "interval"]


class Judge(NamedTuple):
    """Who says whether a shot is right, and by which scores of a shot."""

    name: str
    right: str
    """1 or 0: the shot is right."""
    share: str
    """0 to 1: how much of what was asked is right."""
    need: str
    """What a run without it lacks."""


JUDGES = (
    Judge("validator", "accepted", "found right", "a validator's verdicts"),
    Judge("vision model", "eyes right", "eyes attributes", "a vision model to look at the shots (--eyes MODEL)"),
    Judge("truth", "all right", "attributes", "exact truth"),
)


class Agreement(NamedTuple):
    """Krippendorff's alpha of some judges over the shots of a run."""

    judges: tuple[Judge, ...]
    level: Level
    """nominal: is a shot right; interval: how much of it is."""

    @property
    def name(self) -> str:
        who = " and ".join(one.name for one in self.judges) if len(self.judges) == 2 else "all judges"
        return f"agreement of {who}" if self.level == "nominal" else f"agreement in degree of {who}"

    def __call__(self, logs: Sequence[SampleLog]) -> SetMeasured:
        """Raises Unmeasurable where a judge said nothing, or agreement beyond chance is not defined."""
        shots = [shot.scores for log in logs for shot in log.shots]
        scores = [one.right if self.level == "nominal" else one.share for one in self.judges]
        ratings = [[shot.get(score) for shot in shots] for score in scores]
        needs = [one.need for one, row in zip(self.judges, ratings, strict=True) if all(value is None for value in row)]
        if needs:
            raise Unmeasurable(f"needs {' and '.join(needs)}")
        try:
            found = alpha(ratings, self.level)
        except ValueError as error:
            raise Unmeasurable(str(error)) from error
        count = sum(len(shot.keys() & set(scores)) > 1 for shot in shots)
        return SetMeasured(found, note=f"over {count} shots: {', '.join(scores)}")


def agreements() -> Iterator[Agreement]:
    """Of each pair of judges and of all together: whether a shot is right, then how much of it is."""
    for level in ("nominal", "interval"):
        for judges in (*combinations(JUDGES, 2), JUDGES):
            yield Agreement(judges, level)
