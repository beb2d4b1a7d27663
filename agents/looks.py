"""When the early judge looks at renders of a model and how sure it must be then: data, measured per model.

`glance.json` holds it, with what it cost in good takes; `evals/bench/early_stop.py` measures and writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from pydantic import Field, TypeAdapter

from kinograph.film import Noun

LOST_MOST = 0.02
"""Share of good takes that stops may cost where nobody asked for them."""
LEAST_GOOD = 100
"""Good takes on which that must have been measured."""
UNMEASURED = 0.95
"""How sure the judge must be with a model for which nothing was measured."""
LOOKS = (0.25, 0.5)
"""When it looks at renders of such a model."""


class Look(Noun):
    """A moment at which the judge looks at renders of a model, and how sure it must be then."""

    share: float = Field(gt=0, lt=1)
    """Of the denoising that is done."""
    threshold: float = Field(ge=0, le=1)
    """Doubt from which a take is stopped."""
    auc: float | None = None
    """Area under the ROC curve of its doubt, hopeless takes against good ones; None: not measured."""
    roc: tuple[tuple[float, float], ...] = ()
    """Points of that curve: share of good takes, and of hopeless ones, whose doubt is as high."""


class Calibration(Noun):
    """How the judge is set for a model, and how that was measured."""

    looks: tuple[Look, ...]
    lost: float | None = None
    """Share of good takes that all looks together stop; None: not measured."""
    good: int = 0
    """Good takes that were looked at."""
    hopeless: int = 0
    """Hopeless takes that were looked at."""


@cache
def calibrations() -> Mapping[str, Calibration]:
    """By model id."""
    text = files("kinograph.agents").joinpath("glance.json").read_text("utf-8")
    return TypeAdapter(dict[str, Calibration]).validate_json(text)


def calibration(model: str, asked: bool | None) -> Calibration | None:
    """How the judge is set for a model; None where it does not look. `asked` is the setting `early_stop`: where it
    leaves that open the judge looks at models with which it was measured to stop next to no good take."""
    found = calibrations().get(model)
    if asked is False:
        return None
    if asked is None:
        sound = found and found.lost is not None and found.lost <= LOST_MOST and found.good >= LEAST_GOOD
        return found if sound else None
    return found or Calibration(looks=tuple(Look(share=share, threshold=UNMEASURED) for share in LOOKS))
