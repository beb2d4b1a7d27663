"""Clips that were decoded last: kept while their files stay as they are, in so many bytes at most."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinograph.errors import Damaged
from kinograph.tools import footage
from kinograph.tools.footage import develop, load
from kinograph.tools.recent import Recent


def test_what_was_not_asked_for_longest_goes_first_and_what_is_too_large_is_not_kept():
    made, recent = list[str](), Recent(most=2000)

    def get(key: str, size: int = 800) -> np.ndarray:
        def make() -> np.ndarray:
            made.append(key)
            return np.zeros(size, np.uint8)

        return recent.get(key, make)

    for key in "abac":
        get(key)
    assert made == ["a", "b", "c"]
    for key in "ab":
        get(key)
    assert made == ["a", "b", "c", "b"], "b had to go for c"
    for _ in range(2):
        get("whale", 5000)
    assert made.count("whale") == 2
    assert recent.held <= 2000


def test_a_clip_is_decoded_once_and_cannot_be_written_on(
    tmp_path: Path, request_of, noise, monkeypatch: pytest.MonkeyPatch
):
    clip = develop(request_of(), noise(1), tmp_path, 0.0)
    first = load(clip)
    monkeypatch.setattr(footage, "read", lambda path: pytest.fail("it is decoded again"))
    assert load(clip) is first
    moved = tmp_path / "elsewhere.mkv"
    Path(clip.path).rename(moved)
    assert load(clip.changed(path=str(moved))) is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0


def test_a_clip_whose_file_changed_is_looked_at_again(tmp_path: Path, request_of, noise):
    clip = develop(request_of(), noise(1), tmp_path, 0.0)
    load(clip)
    file = Path(clip.path)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(Damaged):
        load(clip)
    file.unlink()
    with pytest.raises(Damaged, match="cannot be read"):
        load(clip)
