"""Conversations: whether a turn changes exactly the shots that it should, and to what it should."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kinograph.evals.scorers import UNASKED, Scored, mean, share
from kinograph.evals.scorers.planned import of_shots
from kinograph.evals.suites import Sample
from kinograph.evals.systems import Made
from kinograph.film import Storyboard


class Chatted:
    """Of the turns after the brief."""

    shown = (
        share("understood", "the brief's own storyboard: the share of its fields that are right"),
        share("right shots", "turns that changed exactly the shots that they should"),
        share("as asked", "turns after which everything is as it was asked to be"),
        share("fields", "the share of the fields of the shots that are right after a turn"),
    )

    def __call__(self, sample: Sample, made: Made) -> Scored:
        if not made.boards:
            return Scored(skipped={one.metric: "needs storyboards of a conversation" for one in self.shown})
        right, exact, fields = [], [], []
        for turn, before, after in zip(sample.turns, made.boards[:-1], made.boards[1:], strict=True):
            right.append(float(changed(before, after) == set(turn.changes)))
            found = of_shots(after, turn.shots) if after else []
            exact.append(float(bool(found) and all(one.right for one in found)))
            fields.append(mean([float(one.right) for one in found]) if found else 0.0)
        first = of_shots(made.boards[0], sample.shots) if made.boards[0] else []
        scores = {"understood": mean([float(one.right) for one in first]) if first else 0.0}
        if sample.turns:
            scores |= {"right shots": mean(right), "as asked": mean(exact), "fields": mean(fields)}
        return Scored(scores)

    def beyond(self, sample: Sample) -> Mapping[str, str]:
        return {} if sample.turns else {one.metric: UNASKED for one in self.shown if one.metric != "understood"}


def changed(before: Storyboard | None, after: Storyboard | None) -> set[int]:
    """Places, from 1, of the shots of `after` that are new or look otherwise than in `before`, wherever they stood."""
    was = {shot.id: _look(before, shot.id) for shot in before.shots} if before else {}
    shots = after.shots if after else ()
    return {place for place, shot in enumerate(shots, 1) if was.get(shot.id) != _look(after, shot.id)}


def _look(board: Storyboard | None, shot: str) -> Any:
    """All that decides how a shot looks."""
    assert board is not None, "asked of a shot that is there"
    found = board.shot(shot)
    cast = [(board.character(one.who).kind, board.character(one.who).color, one.motion) for one in found.cast]
    return (
        found.setting,
        found.time,
        found.camera,
        found.mood,
        found.extra,
        found.seconds,
        found.seed,
        cast,
        board.look,
    )


SCORER = Chatted()
