"""The sheet that a vision model looks at: strips of small pictures with words under each."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH = 1024
"""Width of a sheet, in pixels: vision models shrink what is larger, and cost by the area."""
PAPER, INK = (255, 255, 255), (0, 0, 0)
LABEL = 18
"""Height of the words under a picture, in pixels."""
GAP = 4

Labelled = tuple[str, np.ndarray]
"""Words and a picture `[H,W,3]` uint8 RGB."""


class Strip(NamedTuple):
    """Pictures side by side, in as many rows as they need."""

    cells: Sequence[Labelled]
    columns: int


def sheet(*strips: Strip) -> bytes:
    """A JPEG with the strips one below the other; a picture is scaled into a square as wide as its column."""
    from PIL import Image

    rows = [
        _row(strip.cells[n : n + strip.columns], WIDTH // strip.columns)
        for strip in strips
        for n in range(0, len(strip.cells), strip.columns)
    ]
    whole = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows)), PAPER)
    y = 0
    for row in rows:
        whole.paste(row, (0, y))
        y += row.height
    buffer = io.BytesIO()
    whole.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _row(cells: Sequence[Labelled], width: int) -> Image:
    from PIL import Image, ImageDraw

    pictures = []
    for _, pixels in cells:
        picture = Image.fromarray(pixels)
        scale = (width - GAP) / max(picture.size)
        pictures.append(picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))))
    row = Image.new("RGB", (len(cells) * width, max(picture.height for picture in pictures) + LABEL), PAPER)
    pen = ImageDraw.Draw(row)
    for column, ((label, _), picture) in enumerate(zip(cells, pictures, strict=True)):
        row.paste(picture, (column * width, 0))
        pen.text((column * width + 2, row.height - LABEL + 2), label[: width // 7], fill=INK)
    return row
