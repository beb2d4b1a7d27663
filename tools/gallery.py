"""A series at a glance: a row a character or place, with the pictures that are remembered of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kinograph import disk
from kinograph.tools.editing import COLUMNS, GREY, INK, LABEL, PAPER, font, wrap
from kinograph.tools.footage import load_picture, png

SIDE = 120
"""Height and greatest width of a picture, in pixels."""


class Row(NamedTuple):
    """Someone or some place."""

    title: str
    told: str
    """A remark beneath the title."""
    pictures: Sequence[Path]
    """PNG files; the first COLUMNS are shown."""


def draw(rows: Sequence[Row], path: Path) -> None:
    """Writes the sheet as PNG. Written atomically. Raises StorageError."""
    disk.write(path, png(np.concatenate([_row(row) for row in rows])))


def _row(row: Row) -> np.ndarray:
    from PIL import Image, ImageDraw

    sheet = Image.new("RGB", (LABEL + COLUMNS * (SIDE * 16 // 9 + 6) + 6, SIDE + 16), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((14, 8), row.title[:32], fill=INK, font=font(16))
    for number, line in enumerate(wrap(row.told, 4)):
        pen.text((14, 32 + 15 * number), line, fill=GREY, font=font(12))
    for column, file in enumerate(row.pictures[:COLUMNS]):
        picture = Image.fromarray(load_picture(file))
        picture.thumbnail((SIDE * 16 // 9, SIDE), Image.Resampling.LANCZOS)
        sheet.paste(picture, (LABEL + column * (SIDE * 16 // 9 + 6), 8 + (SIDE - picture.height) // 2))
    return np.asarray(sheet)
