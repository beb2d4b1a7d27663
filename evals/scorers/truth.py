"""Against exact truth, by the exact detectors: what each shot shows, who stays who, and in which order.

Shots are compared by position; a shot that is missing has nothing right. Subjects are compared with those of the shot
that fit them best, since a brief does not say who stands where.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import TYPE_CHECKING

from kinograph.evals.scorers import UNASKED, Scored, mean, share
from kinograph.evals.suites import Sample, ShotTruth, SubjectTruth
from kinograph.evals.systems import Made, MadeShot

if TYPE_CHECKING:
    from kinograph.evals.detectors import DetectedSubject, Detection

OF_SUBJECT = ("kind", "color", "motion")
OF_SHOT = ("setting", "time", "camera")
STEADY = 0.9
"""Least share of a clip's frames that a subject must be found in to be counted: what scenery is taken for a second one
comes and goes. Of 35 true clips of one subject 1 was counted as two, of 13 of two and 12 of none all were right."""


class Truth:
    """Shares of what was asked that is so."""

    shown = (
        *(share(name) for name in (*OF_SUBJECT, *OF_SHOT)),
        share("attributes", "all of the above that a shot was asked for, together"),
        share("all right", "shots in which everything asked for is right"),
        share("count", "shots with as many subjects as asked, where a sample asks for it"),
        share("identity", "who is in several shots: the largest share of them with the same kind and colour"),
        share("identity held", "who is in several shots: the same kind and colour in every one of them"),
        share("order", "pairs of shots that are in the order asked for"),
        share("shots", "films with as many shots as asked"),
    )

    def __call__(self, sample: Sample, made: Made) -> Scored:
        metrics = [one.metric for one in self.shown]
        if not sample.shots:
            return Scored(skipped=dict.fromkeys(metrics, "needs exact truth, which this sample has none of"))
        if len(sample.shots) > 1 and len(made.shots) == 1 and not made.boards:
            need = f"needs a video for each of its {len(sample.shots)} shots: {sample.id}-0/1.mp4, 2.mp4, …"
            return Scored(skipped=dict.fromkeys(metrics, need))
        found = [detected(shot, _truth(sample, index)) for index, shot in enumerate(made.shots)]
        by_place = [found[i] if i < len(found) else None for i in range(len(sample.shots))]
        shots = [judged(truth, seen) for truth, seen in zip(sample.shots, by_place, strict=True)]
        if "count" in sample.tags:
            for index, truth in enumerate(sample.shots):
                shots[index]["count"] = _counted(made.shots[index], truth) if index < len(made.shots) else 0.0
        scores = {name: mean(values) for name in metrics if (values := [one[name] for one in shots if name in one])}
        scores["shots"] = float(len(made.shots) == len(sample.shots))
        scores |= identity(sample.shots, by_place)
        if len(sample.shots) > 1:
            scores["order"] = in_order(sample.shots, found)
        named = {shot.shot: scores for shot, scores in zip(made.shots, shots, strict=False)}
        return Scored(scores, named)

    def beyond(self, sample: Sample) -> Mapping[str, str]:
        """What a film without any shot would have no number in."""
        judged = self(sample, Made()).scores
        return {one.metric: UNASKED for one in self.shown if one.metric not in judged}


def _truth(sample: Sample, index: int) -> ShotTruth | None:
    return sample.shots[index] if index < len(sample.shots) else None


def detected(shot: MadeShot, truth: ShotTruth | None) -> Detection | None:
    """What is seen of a shot that should show so many subjects; None for one without a clip."""
    from kinograph.evals.detectors import detect

    if shot.footage is None:
        return None
    return detect(shot.footage.frames, min(2, len(truth.subjects)) if truth else 1)


def _counted(shot: MadeShot, truth: ShotTruth) -> float:
    from kinograph.evals.detectors import detect

    if shot.footage is None:
        return 0.0
    there = [one for one in detect(shot.footage.frames, 2).subjects if one.seen >= STEADY]
    return float(len(there) == len(truth.subjects))


def judged(truth: ShotTruth, seen: Detection | None) -> dict[str, float]:
    """What of a shot is right, 0..1 by attribute; what was left open is not in it."""
    found: dict[str, list[float]] = {}
    for asked, actor in zip(truth.subjects, fitted(truth.subjects, seen), strict=True):
        for name in OF_SUBJECT:
            if (wanted := getattr(asked, name)) is not None:
                found.setdefault(name, []).append(float(actor is not None and _fits(wanted, getattr(actor, name))))
    for name in OF_SHOT:
        if (wanted := getattr(truth, name)) is not None:
            found[name] = [float(seen is not None and getattr(seen, name) == wanted)]
    scores = {name: mean(values) for name, values in found.items()}
    if every := [value for values in found.values() for value in values]:
        scores |= {"attributes": mean(every), "all right": float(all(every))}
    return scores


def fitted(asked: Sequence[SubjectTruth], seen: Detection | None) -> list[DetectedSubject | None]:
    """For each subject that was asked for the one that it is: the pairing in which most fits, kinds before colours."""
    there: list[DetectedSubject | None] = list(seen.subjects) if seen else []
    there += [None] * (len(asked) - len(there))
    return list(max(permutations(there, len(asked)), key=lambda some: sum(map(_likeness, asked, some))))


def _likeness(asked: SubjectTruth, actor: DetectedSubject | None) -> float:
    if actor is None:
        return 0.0
    color = asked.color is not None and asked.color == actor.color
    motion = asked.motion is not None and _fits(asked.motion, actor.motion)
    return 4.0 * (asked.kind == actor.kind) + 2.0 * color + motion


def _fits(wanted: str, found: str) -> bool:
    """ "moves" is right to either side."""
    return found.startswith("moves") if wanted == "moves" else found == wanted


def identity(truth: Sequence[ShotTruth], seen: Sequence[Detection | None]) -> dict[str, float]:
    """Whether who is in several shots looks the same in all, whatever it was asked to look like; {} for nobody.

    Of who is asked for in several colours, each shot should have its own: all that are right look the same.
    """
    colors: dict[str, set[str | None]] = {}
    for one in (one for shot in truth for one in shot.subjects):
        colors.setdefault(one.who, set()).add(one.color)
    looks: dict[str, list[tuple[str, str] | None]] = {}
    for shot, found in zip(truth, seen, strict=True):
        for asked, actor in zip(shot.subjects, fitted(shot.subjects, found), strict=True):
            if asked.who:
                as_told = len(colors[asked.who]) > 1 and actor is not None and asked.color in (None, actor.color)
                looks.setdefault(asked.who, []).append((actor.kind, "" if as_told else actor.color) if actor else None)
    shares = [_largest(found) for found in looks.values() if len(found) > 1]
    return {"identity": mean(shares), "identity held": mean([float(one == 1) for one in shares])} if shares else {}


def _largest(looks: Sequence[tuple[str, str] | None]) -> float:
    counted = Counter(look for look in looks if look is not None)
    return max(counted.values(), default=0) / len(looks)


def in_order(truth: Sequence[ShotTruth], seen: Sequence[Detection | None]) -> float:
    """The share of pairs of shots that stand in the order asked for; each shot is the clip that shows most of it."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    pairs = [(i, j) for i in range(len(truth)) for j in range(i + 1, len(truth))]
    if not seen:
        return 0.0
    # Of clips that fit alike, as those of two shots with the same content, the nearer one counts.
    likeness = np.array(
        [
            [judged(shot, found).get("attributes", 1.0) - 0.001 * abs(i - j) for j, found in enumerate(seen)]
            for i, shot in enumerate(truth)
        ]
    )
    rows, columns = linear_sum_assignment(likeness, maximize=True)
    at: Mapping[int, int] = dict(zip(map(int, rows), map(int, columns), strict=True))
    return mean([float(i in at and j in at and at[i] < at[j]) for i, j in pairs])


SCORER = Truth()
