"""Notes of what backends have under way elsewhere, on SQLite and on Postgres."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from kinograph.memory.database import Place, Server
from kinograph.memory.ledger import Ledger


@pytest.fixture
def place(ledger_place: Path | str) -> Place:
    return ledger_place if isinstance(ledger_place, Path) else Server(ledger_place)


def test_what_is_noted_is_there_for_every_later_process(place: Place):
    first = Ledger(place)
    first.errands["a"] = "video_1"
    first.errands["b"] = "video_2"
    first.errands["a"] = "video_3"
    later = Ledger(place)
    assert dict(later.errands) == {"a": "video_3", "b": "video_2"}
    assert len(later.errands) == 2
    assert "c" not in later.errands
    del later.errands["a"]
    assert first.errands.get("a") is None
    with pytest.raises(KeyError):
        del first.errands["a"]
    first.close()
    later.close()


def test_a_ledger_from_before_there_were_errands_gets_them(tmp_path: Path):
    Ledger(tmp_path / "ledger.sqlite").close()
    old = sqlite3.connect(tmp_path / "ledger.sqlite")
    old.execute("DROP TABLE errands")
    old.close()
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.errands["a"] = "video_1"
    assert ledger.errands["a"] == "video_1"
    ledger.close()
