"""Atomic files: the old one or the whole new one."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinograph import disk
from kinograph.errors import Damaged, StorageError


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = disk.write(tmp_path / "a.txt", "old")

    def fail_halfway() -> None:
        with disk.replacing(path) as draft:
            draft.write_text("ne")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        fail_halfway()
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir() if file.name.endswith("a.txt")] == ["a.txt"]


@pytest.mark.parametrize("place", ["/dev/null/x/a.txt", "/proc/nowhere/a.txt"])
def test_an_impossible_place_is_one_clear_line(place: str):
    with pytest.raises(StorageError, match="cannot write '/") as error:
        disk.write(Path(place), "x")
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path):
    (tmp_path / "x.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(Damaged, match=r"x\.sqlite"):
        disk.connect(tmp_path / "x.sqlite", "CREATE TABLE IF NOT EXISTS t (a)")
