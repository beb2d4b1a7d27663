"""Films that are shot at: a few real runs, and an audit that finds what is planted."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from kinograph.evals.bench.chaos import Held, audit, report, run, server
from kinograph.studio import Studio


@pytest.fixture
def made(home: Path, tmp_path: Path) -> Path:
    """The folder of a film that went well."""
    studio = Studio(home=home)
    studio.make(studio.brief("A red ball rolls.", width=64, height=48, frames=8, takes=1), out=tmp_path / "film")
    return tmp_path / "film"


def test_a_film_under_fire_is_whole_in_the_end(tmp_path: Path):
    held = [run(seed, "local", tmp_path / str(seed), server("local"), "", span=1.0) for seed in (1, 2)]
    assert [one.faults for one in held] == [(), ()]
    assert all(one.takes >= 5 for one in held)
    assert sum(one.coordinators for one in held) > 0, "the kills must strike"
    assert sum(one.workers for one in held) > 0, "the kills must strike"


def test_a_sound_film_has_no_faults(home: Path, made: Path):
    assert audit(home, made) == (1, 1, [])


def clip(home: Path) -> Path:
    (file,) = (home / "vault" / "clips").rglob("*.mkv")
    return file


def test_a_clip_that_is_gone_is_found_lost(home: Path, made: Path):
    clip(home).unlink()
    _, _, faults = audit(home, made)
    assert any(fault.startswith("lost: take 1 of") and fault.endswith("accepted") for fault in faults)
    assert any("has an entry and no whole file" in fault for fault in faults)


def test_a_clip_of_other_pixels_is_found_damaged(home: Path, made: Path):
    data = bytearray(clip(home).read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    clip(home).write_bytes(data)
    assert [fault.split(":")[0] for fault in audit(home, made)[2]] == ["damaged"]


def test_a_clip_that_was_rendered_twice_is_found(home: Path, made: Path):
    with sqlite3.connect(home / "ledger.sqlite") as database:
        database.execute("UPDATE jobs SET renders = 2")
    database.close()
    (fault,) = audit(home, made)[2]
    assert fault.startswith("twice: ")


def test_a_film_that_was_not_made_is_found(home: Path, made: Path):
    (made / "film.mp4").write_bytes(b"")
    assert audit(home, made)[2] == ["done: the film is not as long as its timeline"]
    assert audit(home, made.with_name("other"))[2] == ["done: no film"]


def test_a_fault_is_told_with_the_seed_that_shows_it(capsys: pytest.CaptureFixture[str]):
    good, bad = Held(1, 2.0, 1, 0, 5, 5, ()), Held(17, 2.0, 1, 0, 5, 5, ("hang: not done after 300 s",))
    assert report([good], "local") == 0
    assert report([good, bad], "local") == 1
    told = capsys.readouterr().out
    assert "hang     1" in told
    assert "--pool local --seed 17" in told
