"""Pictures on a terminal: what is written is decoded again, as the terminal would, and compared with the picture."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from terminals import CELL, Terminal, kitty_picture, sixel_picture

from kinograph.preview import half_blocks, picture

DRAW = """
import pathlib, sys, rich.console
from kinograph.preview import picture
print(picture(pathlib.Path(sys.argv[1]), rich.console.Console()) is not None)
rich.console.Console().print(picture(pathlib.Path(sys.argv[1]), rich.console.Console()))
print("end of it")
"""


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    """A picture of four coloured fields, twice as wide as it is high."""
    pixels = np.zeros((200, 400, 3), np.uint8)
    pixels[:100, :200], pixels[:100, 200:] = (200, 30, 40), (20, 180, 60)
    pixels[100:, :200], pixels[100:, 200:] = (30, 60, 210), (240, 230, 50)
    Image.fromarray(pixels).save(tmp_path / "sheet.png")
    return tmp_path / "sheet.png"


def drawn(sheet: Path, **terminal) -> str:
    child = Terminal("-c", DRAW, str(sheet), **terminal)
    child.until("end of it")
    assert child.end() == 0
    return child.seen


def assert_alike(seen: np.ndarray, sheet: Path, tolerance: float) -> None:
    with Image.open(sheet) as opened:
        meant = np.asarray(opened.convert("RGB").resize((seen.shape[1], seen.shape[0])))
    inner = np.abs(seen.astype(float) - meant).mean()
    assert inner < tolerance, inner


def test_kitty_gets_the_picture_itself(sheet: Path):
    got, placed = kitty_picture(drawn(sheet, speaks="kitty", columns=80, lines=40))
    assert placed == (80, 20), "a character is twice as high as wide"
    assert got.size == (80 * CELL[0], 20 * CELL[1])
    assert_alike(np.asarray(got.convert("RGB")), sheet, 2)


def test_a_sixel_terminal_gets_the_picture_in_few_colours(sheet: Path):
    got = sixel_picture(drawn(sheet, speaks="sixel", columns=40, lines=40))
    assert abs(got.shape[0] - 10 * CELL[1]) < 6
    assert got.shape[1] == 40 * CELL[0]
    assert_alike(got[: 10 * CELL[1]], sheet, 6)


@pytest.mark.parametrize("speaks", ["kitty", "sixel"])
def test_a_picture_is_not_higher_than_the_screen(sheet: Path, speaks: str):
    seen = drawn(sheet, speaks=speaks, columns=100, lines=14)
    height = kitty_picture(seen)[0].height if speaks == "kitty" else sixel_picture(seen).shape[0]
    assert height <= 10 * CELL[1]


def test_any_other_terminal_gets_half_blocks_in_the_picture_s_colours(sheet: Path):
    seen = drawn(sheet, columns=40, lines=40)
    rows = [re.findall(r"38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m(▀+)", line) for line in seen.split("\n")]
    rows = [row for row in rows if row]
    upper = [np.repeat([list(map(int, run[:3]))], len(run[6]), axis=0) for row in rows for run in row]
    got = np.concatenate(upper).reshape(len(rows), -1, 3)
    assert got.shape == (10, 40, 3)
    assert_alike(got.astype(np.uint8), sheet, 6)
    assert "Traceback" not in seen
    assert "cell size" not in seen, "the library's guesses are nobody's business"


def test_a_terminal_of_no_size_still_gets_a_picture(sheet: Path):
    assert "end of it" in drawn(sheet, speaks="sixel", columns=0, lines=0)


def test_half_blocks_hold_two_pixels_each(tmp_path: Path):
    Image.new("RGB", (8, 4), (200, 30, 40)).save(tmp_path / "a.png")
    text = half_blocks(tmp_path / "a.png", 4, 10)
    assert text.plain == "▀▀▀▀\n"
    assert str(text.spans[0].style) == "#c81e28 on #c81e28"
    tall = half_blocks(tmp_path / "a.png", 400, 3)
    assert tall.plain.count("\n") == 3


def test_no_picture_where_none_can_be_drawn(tmp_path: Path):
    Image.new("RGB", (8, 4)).save(tmp_path / "a.png")
    assert picture(tmp_path / "a.png", Console(file=io.StringIO())) is None
    colours = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=20)
    assert picture(tmp_path / "a.png", colours) is not None
