"""The record of remedies: each take counts once, however often it is judged."""

from __future__ import annotations

from pathlib import Path

from kinograph.memory.database import Server
from kinograph.memory.ledger import Ledger
from kinograph.memory.remedies import Tally, Trial


def opened(place: Path | str) -> Ledger:
    return Ledger(place if isinstance(place, Path) else Server(place))


def trial(worked: bool, remedy: str = "steps", model: str = "m") -> Trial:
    return Trial(finding="wrong color", model=model, remedy=remedy, worked=worked)


def test_a_take_counts_once_with_what_was_seen_of_it_last(ledger_place: Path | str):
    remedies = opened(ledger_place).remedies
    for worked in (False, True, True):
        remedies.record("p", "s1.1", 2, trial(worked))
    remedies.record("p", "s1.1", 3, trial(False))
    remedies.record("q", "s1.1", 2, trial(True, "words"))
    assert opened(ledger_place).remedies.tallies() == [
        Tally(finding="wrong color", model="m", remedy="words", tried=1, worked=1),
        Tally(finding="wrong color", model="m", remedy="steps", tried=2, worked=1),
    ]


def test_models_are_told_apart(tmp_path: Path):
    remedies = opened(tmp_path / "ledger.sqlite").remedies
    remedies.record("p", "s1.1", 2, trial(True))
    remedies.record("p", "s1.2", 2, trial(False, model="n"))
    assert [(one.model, one.worked) for one in remedies.tallies("n")] == [("n", 0)]
    assert len(remedies.tallies()) == 2
    assert remedies.tallies("nobody") == []
