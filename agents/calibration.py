"""Calibration: thresholds chosen from what was measured on clean clips and on clips with known faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kinograph.agents.thresholds import Point, Threshold, Thresholds, shipped
from kinograph.film import FindingKind
from kinograph.tools.storyworld.faults import FaultKind

Measured = Mapping[FindingKind, float]
"""How much of each kind was measured in one clip."""
Faulty = Mapping[tuple[FaultKind, str], Sequence[Measured]]
"""Fault and severity -> what was measured in clips that have it."""

TOLD_BY: dict[FaultKind, tuple[FindingKind, ...]] = {
    "dropped": ("subject missing",),
    "wrong time": ("wrong setting",),
    "identity swap": ("color drift", "shape drift"),
}
"""Findings that tell of a fault which has no finding of its own name."""
ALARMS = 0.025
"""Most clean clips that may have any finding, as a share of those that were measured; others have a few more."""
FIND = {"gross": 0.01, "medium": 0.2}
"""Severity -> share of faults that may stay below a threshold, where clean clips leave a choice."""
NEARER, LESSER = 0.8, 0.25
"""Where between clean and faulty clips a threshold lies: nearer to the faulty, as other clips may be less clean; nearer
to the clean where no lesser faults than gross ones were measured."""
LEAST_LEVEL = 0.004
"""Share of a model's own clean clips down to which a kind's alarms are pressed: the last few may be truly faulty."""
MISSED = {"gross": 1.0, "medium": 0.25}
"""What it counts to miss a fault of a severity, beside a false alarm."""
RAISED = 0.01
"""Share of a model's own clean clips that may go beyond a threshold which no faults were made for."""
POINTS = 16
"""Of a stored ROC."""
NONE = -1e3
"""Stands for what could not be measured, less than anything that was."""


def told_by(fault: FaultKind) -> tuple[FindingKind, ...]:
    """The findings that a fault should lead to; one of them is enough."""
    return TOLD_BY.get(fault, (fault,))  # pyright: ignore[reportReturnType]


def auc(clean: np.ndarray, faulty: np.ndarray) -> float:
    """Area under the ROC: how often a faulty clip has more than a clean one, ties for a half (Mann-Whitney U)."""
    order = np.sort(clean)
    below, upto = (np.searchsorted(order, faulty, side) for side in ("left", "right"))
    return float((below + upto).mean() / 2 / len(clean))


def calibrate(
    clean: Sequence[Measured],
    faulty: Faulty,
    command: str,
    model: str = "",
    alarms: float = ALARMS,
) -> Thresholds:
    """Thresholds of the kinds that faults were drawn for, with at most this share of false alarms on the clean clips.

    Kinds without faults keep their thresholds; those of one model are raised to what its own clean clips come to. Some
    of these may not show what was asked for: a threshold is never higher than where most clips are told rightly.
    """
    kinds: list[FindingKind] = sorted({told[0] for fault, _ in faulty if len(told := told_by(fault)) == 1})
    level = alarms
    while True:
        chosen: dict[FindingKind, Threshold] = {kind: _threshold(kind, clean, faulty, level) for kind in kinds}
        if model:
            chosen = {kind: _spared(one, kind, clean, faulty) for kind, one in chosen.items()}
            chosen |= _raised(clean, chosen)
        share = any_alarm(clean, chosen)
        if share <= alarms or level < (LEAST_LEVEL if model else 1e-4):
            break
        level *= 0.7
    before = {} if model else shipped().kinds
    return Thresholds(
        model=model, clips=len(clean), alarms=round(share, 4), command=command, kinds={**before, **chosen}
    )


def any_alarm(clean: Sequence[Measured], kinds: Mapping[FindingKind, Threshold]) -> float:
    """Share of clean clips with more of anything than its threshold."""
    return float(np.mean([any(one.get(kind, NONE) > limit.at for kind, limit in kinds.items()) for one in clean]))


def _spared(limit: Threshold, kind: FindingKind, clean: Sequence[Measured], faulty: Faulty) -> Threshold:
    """The threshold no higher than where most is told rightly: clean clips and faulty ones, those that hardly show
    counting less."""
    sound, ill = values(clean, kind), _by_severity(kind, faulty)

    def wrong(at: float) -> float:
        missed = sum(weight * (1 - _above(ill[severity], at)) for severity, weight in MISSED.items() if severity in ill)
        return _above(sound, at) + missed

    cuts = np.unique(np.concatenate([sound, *ill.values()]))
    cuts = cuts[cuts > NONE]
    best = float(max(cuts, key=lambda at: (-wrong(at), at), default=limit.at))
    if limit.at < min(cuts[cuts > best], default=np.inf):  # all is alike up to the next that was measured
        return limit
    found = {severity: _above(amounts, best) for severity, amounts in ill.items()}
    return limit.changed(at=round(best, 4), alarms=_above(sound, best), caught=found)


def _raised(clean: Sequence[Measured], chosen: Mapping[FindingKind, Threshold]) -> dict[FindingKind, Threshold]:
    """The thresholds of any model that clean clips of this one exceed, raised."""
    raised: dict[FindingKind, Threshold] = {}
    for kind, limit in shipped().kinds.items():
        sound = values(clean, kind)
        at = round(float(np.quantile(sound, 1 - RAISED, method="higher")), 4)
        if kind not in chosen and at > limit.at:
            raised[kind] = Threshold(
                at=at, sure=max(limit.sure, round(float(sound.max()), 4)), alarms=_above(sound, at)
            )
    return raised


def _by_severity(kind: FindingKind, faulty: Faulty) -> dict[str, np.ndarray]:
    """What was measured in clips that have a fault of this kind alone."""
    bad: dict[str, list[float]] = {}
    for (fault, severity), clips in faulty.items():
        if told_by(fault) == (kind,):
            bad.setdefault(severity, []).extend(values(clips, kind))
    return {severity: np.array(found) for severity, found in bad.items()}


def _threshold(kind: FindingKind, clean: Sequence[Measured], faulty: Faulty, alarms: float) -> Threshold:
    sound, ill = values(clean, kind), _by_severity(kind, faulty)
    low = float(np.quantile(sound, 1 - alarms, method="higher"))
    low = max(low, float(np.min(sound[sound > NONE], initial=0.0)))
    high = min(float(np.quantile(ill[severity], share)) for severity, share in FIND.items() if severity in ill)
    at = low + (NEARER if len(ill) > 1 else LESSER) * max(0.0, high - low)
    cuts = np.unique(np.quantile(np.concatenate([sound, *ill.values()]), np.linspace(0, 1, POINTS)))
    return Threshold(
        at=round(at, 4),
        sure=round(max(2 * at - low, float(sound.max())), 4),
        alarms=_above(sound, at),
        auc={severity: round(auc(sound, found), 4) for severity, found in ill.items()},
        caught={severity: _above(found, at) for severity, found in ill.items()},
        roc=tuple(
            Point(
                at=round(float(cut), 4),
                alarms=_above(sound, cut),
                caught={severity: _above(found, cut) for severity, found in ill.items()},
            )
            for cut in cuts
            if cut > NONE
        ),
    )


def values(clips: Sequence[Measured], kind: FindingKind) -> np.ndarray:
    """`[N]` how much of a kind was measured in each clip."""
    return np.array([one.get(kind, NONE) for one in clips], float)


def combined(clips: Sequence[Measured], fault: FaultKind, limits: Thresholds) -> np.ndarray:
    """`[N]` the most of any finding that tells of a fault, over its threshold."""
    kinds = told_by(fault)
    if len(kinds) == 1:
        return values(clips, kinds[0])
    return np.max([values(clips, kind) / limits[kind].at for kind in kinds], axis=0)


def caught(clips: Sequence[Measured], fault: FaultKind, limits: Thresholds) -> float:
    """Share of clips with a finding that tells of the fault."""
    return float(np.mean([any(one.get(kind, NONE) > limits[kind].at for kind in told_by(fault)) for one in clips]))


def _above(found: np.ndarray, at: float) -> float:
    return round(float((found > at).mean()), 4)
