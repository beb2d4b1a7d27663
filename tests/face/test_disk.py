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


def test_a_sealed_folder_is_held_to_its_checksums(tmp_path: Path):
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "weights.bin").write_bytes(b"abc")
    (tmp_path / "README.md").write_text("one")
    disk.seal(tmp_path, ("README.md",))
    assert list(disk.sealed(tmp_path)) == ["part/weights.bin"]
    (tmp_path / "README.md").write_text("another")
    disk.verify(tmp_path)
    (tmp_path / "part" / "weights.bin").write_bytes(b"abd")
    with pytest.raises(Damaged, match=r"weights.bin' is damaged: its SHA-256 is a52d159f262b…, not ba7816bf8f01…"):
        disk.verify(tmp_path)
    (tmp_path / "part" / "weights.bin").unlink()
    with pytest.raises(Damaged, match=r"weights.bin' is missing"):
        disk.verify(tmp_path)
    (tmp_path / disk.SEAL).write_text("{")
    with pytest.raises(Damaged, match=r"checksums.json' cannot be read"):
        disk.verify(tmp_path)
