"""Writers of keyframes that are killed lose nothing, and the audit would see it."""

from __future__ import annotations

import multiprocessing
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kinograph.evals.bench import memory_kills
from kinograph.memory.keyframe import Keyframe


def test_three_kills_cost_nothing_that_was_acknowledged(capsys: pytest.CaptureFixture[str]):
    held = memory_kills.runs(range(3), "chroma")
    assert [one.faults for one in held] == [()] * 3
    assert memory_kills.report(held, "chroma") == 0
    assert '{"lost": 0, "torn": 0, "index": 0}' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        ("DELETE FROM keyframes WHERE shot = 's1'", "lost: s1 has []"),
        (
            "UPDATE keyframes SET vector = (SELECT vector FROM keyframes WHERE shot = 's2')",
            "the vector of another picture",
        ),
        ("UPDATE keyframes SET noun = substr(noun, 1, 40) WHERE shot = 's2'", "torn: "),
    ],
)
def test_the_audit_finds_what_was_harmed(tmp_path: Path, harm: str, fault: str):
    with closing(memory_kills.open_memory(tmp_path, "exact")) as keyframes:
        for n in range(3):
            one = Keyframe(production="p", shot=f"s{n}", role="identity", about="c0", picture=f"{n:016x}", frame=n)
            keyframes.replace(one.shot, [(one, memory_kills.frame(one.picture))])
        wanted = memory_kills.counting(keyframes)
    assert faults(tmp_path, wanted) == []
    with closing(sqlite3.connect(tmp_path / "keyframes.sqlite")) as db, db:
        db.execute(harm)
    try:
        found = faults(tmp_path, wanted)
    except ValueError as error:  # a record that is no record any more cannot be read on
        found = [f"torn: {error}"]
    assert any(fault in one for one in found), found


def faults(place: Path, wanted: memory_kills.State) -> list[str]:
    mine, theirs = multiprocessing.Pipe()
    memory_kills.audit(str(place), "exact", 0, wanted, None, theirs)
    return mine.recv()[-1]
