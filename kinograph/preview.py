"""A picture on the terminal: pixels where textual-image is installed and the terminal takes them, else half blocks."""

from __future__ import annotations

import logging
import os
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from rich.color import Color
from rich.console import Console, RenderableType
from rich.style import Style
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable

WIDEST = 100
"""Most characters that a picture is wide."""


def picture(path: Path, console: Console) -> RenderableType | None:
    """`path` as large as fits the terminal; None where nothing can be drawn (a pipe, a dumb terminal, no colours)."""
    if not console.is_terminal or console.is_dumb_terminal or console.color_system in (None, "standard"):
        return None
    width, height = min(console.width, WIDEST), max(console.height - 4, 8)
    if (drawn := pixels()) is None:
        return half_blocks(path, width, height)
    from textual_image._terminal import get_cell_size

    cell = get_cell_size()
    with Image.open(path) as opened:
        fits = int(height * cell.height * opened.width / (opened.height * cell.width))
    return drawn(path, width=max(1, min(width, fits)), height="auto")


@cache
def pixels() -> Callable[..., Any] | None:
    """What draws pixels on this terminal: by kitty's protocol, or as sixels (iTerm, foot, wezterm and others).

    The terminal is asked once: ask before somebody types, for a key that is pressed meanwhile would be lost.
    """
    if find_spec("textual_image") is None or not sys.stdin.isatty() or not sys.stdout.isatty():
        return None
    if not os.get_terminal_size(sys.stdout.fileno()).columns:
        return None  # a terminal of no size, such as an expect script's
    # Where a terminal does not answer, the library guesses: nothing that anybody should read.
    logging.getLogger("textual_image").setLevel(logging.ERROR)
    from textual_image import renderable

    if renderable.Image in (renderable.TGPImage, renderable.SixelImage):
        return renderable.Image
    return None


def half_blocks(path: Path, width: int, height: int) -> Text:
    """The picture in at most `width` x `height` characters, each an upper half block of two pixels."""
    with Image.open(path) as opened:
        scale = min(width / opened.width, 2 * height / opened.height)
        size = (max(1, round(opened.width * scale)), max(2, 2 * round(opened.height * scale / 2)))
        rows = np.asarray(opened.convert("RGB").resize(size, Image.Resampling.BOX))
    text = Text(no_wrap=True)
    for y in range(0, size[1], 2):
        for x in range(size[0]):
            upper, lower = (Color.from_rgb(*map(int, rows[row, x])) for row in (y, y + 1))
            text.append("▀", Style(color=upper, bgcolor=lower))
        text.append("\n")
    return text
