"""The sheet that a vision model looks at: frames of a take, and below them what is remembered."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

COLUMNS = 3
PAPER, INK = (255, 255, 255), (0, 0, 0)
LABEL = 18
"""Height of the words under a picture, in pixels."""

Labelled = tuple[str, np.ndarray]
"""Words and a picture `[H,W,3]` uint8 RGB."""


def sheet(frames: Sequence[Labelled], remembered: Sequence[Labelled], width: int = 320) -> bytes:
    """A JPEG with `frames` in rows of three, each `width` pixels wide, and the remembered pictures below."""
    from PIL import Image

    rows = [_row(frames[n : n + COLUMNS], width) for n in range(0, len(frames), COLUMNS)]
    if remembered:
        rows.append(_words("REMEMBERED", width))
        rows += [_row(remembered[n : n + COLUMNS], width) for n in range(0, len(remembered), COLUMNS)]
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

    pictures = [Image.fromarray(picture) for _, picture in cells]
    pictures = [
        picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
        for picture in pictures
        for scale in [min(width / picture.width, width / picture.height)]
    ]
    row = Image.new("RGB", (COLUMNS * (width + 4), max(picture.height for picture in pictures) + LABEL), PAPER)
    pen = ImageDraw.Draw(row)
    for column, ((label, _), picture) in enumerate(zip(cells, pictures, strict=True)):
        row.paste(picture, (column * (width + 4), 0))
        pen.text((column * (width + 4) + 2, row.height - LABEL + 2), label[:60], fill=INK)
    return row


def _words(text: str, width: int) -> Image:
    from PIL import Image, ImageDraw

    row = Image.new("RGB", (COLUMNS * (width + 4), LABEL), PAPER)
    ImageDraw.Draw(row).text((2, 2), text, fill=INK)
    return row
