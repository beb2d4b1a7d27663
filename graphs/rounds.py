"""Shots that are made again: sent back by the quality agent, or lost to a machine that was too small.

A round is filed before any of its shots is touched, with what each came to before. A shot of a round is settled once
its outcome carries the round's number; until then the film uses the outcome of before. So a production that is killed
at any moment sends nothing back twice and loses nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from kinograph.film import Correction, Noun, Outcome
from kinograph.graphs.production import Crew

PAPER = "rounds"


class SentBack(Noun):
    """A shot that is made again."""

    shot: str
    first: int
    """Attempt that its new life begins with."""
    most: int
    """Last attempt that it may come to."""
    before: Outcome
    """What it came to before, which stays when nothing better is found."""
    corrections: tuple[Correction, ...] = ()
    """What the new requests carry besides what earlier verdicts ask."""


class Round(Noun):
    """Shots that are made again together."""

    number: int
    """From 2: the first time, everything is made."""
    why: Literal["quality", "scarcity"]
    shots: tuple[SentBack, ...]


class Rounds(Noun):
    """All rounds of a production."""

    rounds: tuple[Round, ...] = ()


def rounds_of(crew: Crew) -> tuple[Round, ...]:
    found = crew.ledger.paper(crew.id, PAPER, Rounds)
    return found.rounds if found else ()


def sent_back(crew: Crew, shot: str) -> tuple[int, SentBack] | None:
    """The last round that a shot is in, by number; None for one that was never sent back."""
    for one in reversed(rounds_of(crew)):
        for again in one.shots:
            if again.shot == shot:
                return one.number, again
    return None


def begin(crew: Crew, why: Literal["quality", "scarcity"], shots: Sequence[SentBack]) -> None:
    """Files a round, unless there is one for this reason already."""
    rounds = rounds_of(crew)
    if shots and all(one.why != why for one in rounds):
        new = Round(number=len(rounds) + 2, why=why, shots=tuple(shots))
        crew.ledger.file(crew.id, PAPER, Rounds(rounds=(*rounds, new)))


def forget(crew: Crew) -> None:
    """Of a production that goes through all of its steps again."""
    if rounds_of(crew):
        crew.ledger.file(crew.id, PAPER, Rounds())


def settled(crew: Crew) -> Collection[str]:
    """The shots that need no more takes as things stand."""
    outcomes = crew.ledger.outcomes(crew.id)
    due = {again.shot: one.number for one in rounds_of(crew) for again in one.shots}
    return {shot for shot, outcome in outcomes.items() if outcome.round >= due.get(shot, 1)}
