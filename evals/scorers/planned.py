"""Storyboards against what a person wrote down: cast, settings, times, cameras, motions, order and wishes.

Shots are matched by position, so a wrong number of shots makes every field of the unmatched ones wrong.
"subject" is the share of expected subjects that are in their shot, "nobody else" the share of planned subjects
that were expected; what is None in a sample is not scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kinograph.agents.film_wishes import wishes
from kinograph.evals.scorers import UNASKED, Scored, mean, share
from kinograph.evals.suites import Sample, ShotTruth, SubjectTruth
from kinograph.evals.systems import Made
from kinograph.film import Shot, Storyboard

OF_SHOT = ("setting", "time", "camera")
OF_FILM = ("seconds", "aspect", "look")
FIELDS = ("shots", "subject", "nobody else", "color", "setting", "time", "action", "camera", *OF_FILM)


class Judgement(NamedTuple):
    """Whether one field of a storyboard is as it should be."""

    field: str
    right: bool


class Planned:
    """The share of each field that is right, and of all fields together."""

    shown = (*(share(field) for field in FIELDS), share("planned", "all fields together"))

    def __call__(self, sample: Sample, made: Made) -> Scored:
        board = made.boards[0] if made.boards else None
        if board is None:
            return Scored(skipped={one.metric: "needs a storyboard" for one in self.shown})
        found = judgements(board, sample)
        scores = {
            field: mean([float(one.right) for one in found if one.field == field])
            for field in FIELDS
            if any(one.field == field for one in found)
        }
        return Scored(scores | {"planned": mean([float(one.right) for one in found])})

    def beyond(self, sample: Sample) -> Mapping[str, str]:
        blank = judgements(Storyboard(title="", cast=(), scenes=()), sample)
        asked = {one.field for one in blank} | {"nobody else"}  # which is asked of whatever is planned
        return {field: UNASKED for field in FIELDS if field not in asked}


def judgements(board: Storyboard, sample: Sample) -> list[Judgement]:
    """Every field of one storyboard."""
    found = of_shots(board, sample.shots)
    asked = wishes(sample.brief)
    for field in OF_FILM:
        if (wanted := getattr(sample.film, field)) is not None:
            found.append(Judgement(field, getattr(asked, field) == wanted))
    return found


def of_shots(board: Storyboard, truth: Sequence[ShotTruth]) -> list[Judgement]:
    """The fields of a storyboard's shots."""
    found = [Judgement("shots", len(board.shots) == len(truth))]
    for index, expected in enumerate(truth):
        found += _shot(board, board.shots[index] if index < len(board.shots) else None, expected)
    for shot in board.shots[len(truth) :]:
        found += [Judgement("nobody else", False) for _ in shot.cast]
    return found


def _shot(board: Storyboard, shot: Shot | None, expected: ShotTruth) -> list[Judgement]:
    found = _subjects(board, shot, expected.subjects)
    for field in OF_SHOT:
        if (wanted := getattr(expected, field)) is not None:
            found.append(Judgement(field, shot is not None and getattr(shot, field) == wanted))
    return found


def _subjects(board: Storyboard, shot: Shot | None, expected: Sequence[SubjectTruth]) -> list[Judgement]:
    left = list(shot.cast) if shot else []
    found: list[Judgement] = []
    for subject in expected:
        fits = [one for one in left if same_kind(board.character(one.who).kind, subject.kind)]
        fits.sort(key=lambda one, wanted=subject.color: board.character(one.who).color != wanted)
        match = fits[0] if fits else None
        if match:
            left.remove(match)
        found.append(Judgement("subject", match is not None))
        if subject.color is not None:
            right = match is not None and board.character(match.who).color == subject.color
            found.append(Judgement("color", right))
        if subject.motion is not None:
            found.append(Judgement("action", match is not None and _same_motion(match.motion, subject.motion)))
    shown = len(shot.cast) if shot else 0
    return found + [Judgement("nobody else", number >= len(left)) for number in range(shown)]


def same_kind(said: str, expected: str) -> bool:
    """A kind may name its noun alone: "keeper" is right for "lighthouse keeper"."""
    return said.split()[-1] == expected.split()[-1]


def _same_motion(said: str, expected: str) -> bool:
    return said.startswith("moves") if expected == "moves" else said == expected


SCORER = Planned()
