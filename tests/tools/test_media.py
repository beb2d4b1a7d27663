"""A folder of own pictures: names are words, and what is opened is a picture or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinograph.errors import BadSetting
from kinograph.tools.footage import png
from kinograph.tools.media import MAX_OPENED, search, words_of

PICTURE = png(np.full((20, 30, 3), 90, np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    media = tmp_path / "media"
    for name in ("Red_Ball-02.png", "sea/blue fish.JPG", "notes.txt", ".hidden ball.png", "a/b/c/d/e/ball.png"):
        (media / name).parent.mkdir(parents=True, exist_ok=True)
        (media / name).write_bytes(PICTURE)
    return media


def test_finds_pictures_by_the_words_of_their_names(folder: Path):
    found = search(folder, frozenset({"ball", "fish", "red"}))
    assert [one.words for one in found.pictures] == [("red", "ball"), ("sea", "blue", "fish")]
    assert found.pictures[0].png.startswith(b"\x89PNG")
    assert (found.named, found.refused) == (2, ())
    assert search(folder, frozenset({"whale"})).pictures == ()


def test_what_is_no_picture_is_refused_whatever_it_is_called(folder: Path):
    (folder / "ball script.png").write_text("<svg onload='alert(1)'/>")
    (folder / "ball film.jpg").write_bytes(b"#EXTM3U\nhttp://127.0.0.1/ball.ts\n")
    bomb = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x006\xb0\x00\x006\xb0\x08\x02\x00\x00\x00"
    (folder / "ball bomb.png").write_bytes(bomb + b"\x00" * 64)
    found = search(folder, frozenset({"ball"}))
    assert [one.words for one in found.pictures] == [("red", "ball")]
    assert len(found.refused) == 3


def test_links_out_of_the_folder_are_not_followed(folder: Path, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "whale.png").write_bytes(PICTURE)
    (folder / "whale.png").symlink_to(secret / "whale.png")
    (folder / "whales").symlink_to(secret, target_is_directory=True)
    assert search(folder, frozenset({"whale", "whales"})).pictures == ()


def test_few_pictures_are_opened_however_many_fit(folder: Path):
    for number in range(40):
        (folder / f"ball {number}.png").write_bytes(PICTURE)
    assert len(search(folder, frozenset({"ball"})).pictures) == MAX_OPENED


def test_a_folder_that_is_none_is_named(tmp_path: Path):
    with pytest.raises(BadSetting, match=r"media = .*nowhere' is not a folder"):
        search(tmp_path / "nowhere", frozenset())


@given(st.text())
def test_any_name_gives_plain_words(name: str):
    words = words_of(Path("x") / (name.replace("\0", "") or "y"))
    assert all(word.isascii() and word.isalpha() and word.islower() for word in words)
    assert len(set(words)) == len(words)
