"""A picture on the terminal: pixels where textual-image is installed and the terminal takes them, else half blocks."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image
from rich.color import Color
from rich.console import Console, RenderableType
from rich.style import Style
from rich.text import Text


def picture(path: Path, console: Console) -> RenderableType | None:
    """`path` as wide as fits the terminal; None where nothing can be drawn (a pipe, a dumb terminal, no colours)."""
    if not console.is_terminal or console.is_dumb_terminal or console.color_system in (None, "standard"):
        return None
    width = min(console.width, 100)
    if find_spec("textual_image") is not None:
        # The import asks the terminal what it can: kitty's protocol and sixel (which iTerm, foot and others take).
        from textual_image import renderable

        if renderable.Image in (renderable.TGPImage, renderable.SixelImage):
            return renderable.Image(path, width=width)  # type: ignore[return-value]
    return half_blocks(path, width, max(console.height - 4, 8))


def half_blocks(path: Path, width: int, height: int) -> Text:
    """The picture in at most `width` x `height` characters, each an upper half block of two pixels."""
    with Image.open(path) as opened:
        scale = min(width / opened.width, 2 * height / opened.height)
        size = (max(1, round(opened.width * scale)), max(2, 2 * round(opened.height * scale / 2)))
        pixels = np.asarray(opened.convert("RGB").resize(size, Image.Resampling.BOX))
    text = Text(no_wrap=True)
    for y in range(0, size[1], 2):
        for x in range(size[0]):
            upper, lower = (Color.from_rgb(*map(int, pixels[row, x])) for row in (y, y + 1))
            text.append("▀", Style(color=upper, bgcolor=lower))
        text.append("\n")
    return text
