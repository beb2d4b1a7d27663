"""What the system's own validator says of the shots that it shows."""

from __future__ import annotations

from collections.abc import Mapping

from kinograph.evals.scorers import Scored, mean, share
from kinograph.evals.suites import Sample
from kinograph.evals.systems import Made, MadeShot


class Crew:
    """The share of shots that were accepted."""

    shown = (share("accepted", "shots that the system's own validator accepted"),)

    def __call__(self, sample: Sample, made: Made) -> Scored:
        said = {shot.shot: _said(shot) for shot in made.shots if shot.accepted is not None}
        if not said:
            return Scored(skipped={"accepted": "needs a validator's verdicts"})
        return Scored({"accepted": mean([one["accepted"] for one in said.values()])}, said)

    def beyond(self, sample: Sample) -> Mapping[str, str]:
        return {}


def _said(shot: MadeShot) -> dict[str, float]:
    degree = {} if shot.found_right is None else {"found right": shot.found_right}
    return {"accepted": float(bool(shot.accepted))} | degree


SCORER = Crew()
