"""The placeholder: a card that stands in the film where a shot could not be rendered, and says so.

It renders like any backend, from a prompt of three lines (which shot, its own words, why), but has no model card:
nobody can choose it.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kinograph.film import Clip, RenderRequest
from kinograph.tools.backends import Progress
from kinograph.tools.footage import develop

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

PAPER, BAND, AMBER = (24, 26, 32), (38, 41, 50), (244, 184, 66)
INK, GREY, DIM = (240, 240, 244), (178, 182, 194), (126, 130, 144)

STEP = 1.25
"""From line to line, in sizes of the type."""


class Placeholders:
    """Draws cards; needs nothing and cannot be too big."""

    revision = "1"

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        clips = []
        for index, request in enumerate(requests):
            started = time.perf_counter()
            frame = drawn(request.prompt, request.width, request.height)
            frames = np.broadcast_to(frame, (request.frames, *frame.shape))
            clips.append(develop(request, frames, self._scratch, time.perf_counter() - started, "placeholder"))
            on_progress(index, 1.0)
        return clips

    def close(self) -> None:
        """Holds nothing."""


def drawn(prompt: str, width: int, height: int) -> np.ndarray:
    """The card `[H,W,3]` uint8 RGB of a prompt's three lines: a clapperboard's stripes, and what is missing here."""
    from PIL import Image, ImageDraw

    title, words, why = [*prompt.split("\n"), "", ""][:3]
    card = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(card)
    unit = min(width, height * 1.05) / 100
    stripe, margin = round(11 * unit), round(7 * unit)
    _stripes(pen, width, stripe)
    room, y = width - 2 * margin, stripe + round(6 * unit)
    y = _written(pen, [title.upper()], margin, y, 13 * unit, INK)
    y = _written(pen, ["not rendered"], margin, y + round(1 * unit), 9 * unit, AMBER)
    pen.line((margin, y + 3 * unit, margin + 14 * unit, y + 3 * unit), fill=AMBER, width=max(1, round(unit)))
    y += round(7 * unit)
    size, small = max(7.5 * unit, 8), max(6.5 * unit, 8)
    below = _wrapped(why, room, small, min(2, _fitting(height - margin - y, small)))
    floor = height - margin - len(below) * STEP * small
    _written(pen, _wrapped(words, room, size, min(6, _fitting(floor - y - 2 * unit, size))), margin, y, size, GREY)
    _written(pen, below, margin, floor, small, DIM)
    return np.asarray(card)


def _stripes(pen: ImageDraw, width: int, height: int) -> None:
    pen.rectangle((0, 0, width, height), fill=BAND)
    step = height * 2
    for left in range(-step, width + step, step):
        pen.polygon(((left + height, 0), (left + step, 0), (left + height, height), (left, height)), fill=AMBER)


def _font(size: float) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _fitting(room: float, size: float) -> int:
    """Lines that find room below each other."""
    return max(0, int(room // (STEP * size)))


def _written(pen: ImageDraw, lines: Sequence[str], x: float, y: float, size: float, ink: tuple[int, int, int]) -> float:
    """Writes lines from the top left corner (x, y) on and returns where the next would begin."""
    for line in lines:
        pen.text((x, y), line, fill=ink, font=_font(size))
        y += STEP * size
    return y


def _wrapped(text: str, room: float, size: float, most: int) -> list[str]:
    """The words in at most so many lines that fit into `room` pixels."""
    if most < 1 or not text:
        return []
    font = _font(size)
    for columns in range(max(4, int(room / size * 3)), 3, -1):
        lines = textwrap.wrap(text, columns, max_lines=most, placeholder="…")
        if all(font.getlength(line) <= room for line in lines):
            return lines
    return []
