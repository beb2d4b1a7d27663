"""Conversations that were rendered: what is seen after each edit, and whether all that should stay is the very same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kinograph.evals.scorers import UNASKED, Scored, mean, share
from kinograph.evals.scorers.truth import detected, judged
from kinograph.evals.suites import Sample, ShotTruth, Turn
from kinograph.evals.systems import Made, MadeShot

SHOWN, CHANGED, KEPT = "shown right", "changed shots right", "untouched shots kept"
Shots = Sequence[MadeShot]


class Edited:
    """Of the films after the brief's own, by the exact detectors and by the names of clips."""

    shown = (
        share(SHOWN, "shots of the films after a turn in which everything asked for is right"),
        share(CHANGED, "the same of the shots that a turn should change"),
        share(KEPT, "turns after which each shot that should not change is the very same clip, not a new one"),
    )

    def __call__(self, sample: Sample, made: Made) -> Scored:
        if not made.films:
            return Scored(skipped={one.metric: "needs films: kinograph eval run … --render" for one in self.shown})
        right, changed, kept = list[float](), list[float](), list[float]()
        seen: dict[tuple[str, str], float] = {}
        for turn, before, after in zip(sample.turns, made.films[:-1], made.films[1:], strict=True):
            found = [_right(truth, place, after or (), seen) for place, truth in enumerate(turn.shots)]
            right += found
            changed += [found[place - 1] for place in turn.changes]
            kept.append(_kept(turn, before or (), after or ()))
        values = {SHOWN: right, CHANGED: changed, KEPT: kept}
        return Scored({name: mean(each) for name, each in values.items() if each})

    def beyond(self, sample: Sample) -> Mapping[str, str]:
        asked = {SHOWN: any(turn.shots for turn in sample.turns), KEPT: bool(sample.turns)}
        asked[CHANGED] = any(turn.changes for turn in sample.turns)
        return {name: UNASKED for name, there in asked.items() if not there}


def _right(truth: ShotTruth, place: int, shots: Shots, seen: dict[tuple[str, str], float]) -> float:
    """Whether all is right in the shot at a place; a clip is looked at once for each truth."""
    if place >= len(shots):
        return 0.0
    key = (shots[place].digest, truth.digest)
    if not shots[place].digest or key not in seen:
        seen[key] = judged(truth, detected(shots[place], truth)).get("all right", 1.0)
    return seen[key]


def _kept(turn: Turn, before: Shots, after: Shots) -> float:
    """Whether the shots that should stay are all there, with clips of the film before."""
    places = [place for place in range(1, len(turn.shots) + 1) if place not in turn.changes]
    old = {shot.digest for shot in before if shot.digest}
    return float(all(place <= len(after) and after[place - 1].digest in old for place in places))


SCORER = Edited()
