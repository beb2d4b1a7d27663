"""The cut: shots joined into a film, and the contact sheet that shows every take at a glance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kinograph import disk
from kinograph.film import Clip, Cut, Storyboard, Take
from kinograph.tools.footage import load, png, write_mp4

if TYPE_CHECKING:
    from PIL.Image import Image

COLUMNS = 6
"""Frames shown of each take."""
INK, PAPER, GREEN, RED, GREY = (236, 236, 240), (22, 23, 28), (96, 200, 120), (236, 92, 84), (150, 152, 162)


def timeline(chosen: Sequence[Take]) -> tuple[Cut, ...]:
    """The chosen takes one after the other."""
    cuts, start = [], 0.0
    for take in chosen:
        assert take.clip is not None, f"{take.shot} was chosen without a clip"
        seconds = take.clip.frames / take.clip.fps
        cuts.append(
            Cut(shot=take.shot, attempt=take.attempt, clip=take.clip.request, start=round(start, 4), seconds=seconds)
        )
        start += seconds
    return tuple(cuts)


def join(clips: Sequence[Clip], path: Path, recipe: Mapping[str, Any]) -> None:
    """Cuts `clips` into one mp4 of the first one's size and frame rate, holding one clip at a time.

    Raises Damaged for a clip that is not what was rendered, StorageError when the disk does not take it.
    """
    size = (clips[0].width, clips[0].height)
    write_mp4(path, (frame for clip in clips for frame in _fitted(clip, size)), clips[0].fps, size, recipe)


def _fitted(clip: Clip, size: tuple[int, int]) -> Iterator[np.ndarray]:
    import cv2

    for frame in load(clip):
        yield frame if (clip.width, clip.height) == size else cv2.resize(frame, size, interpolation=cv2.INTER_AREA)


def contact_sheet(storyboard: Storyboard, takes: Sequence[Take], chosen: Sequence[Take], path: Path) -> None:
    """A row a take: what was asked, evenly spaced frames with their numbers, and why a take was rejected.

    Shots stand in film order; a green edge marks the take in the film, a red one a rejected take.
    Written atomically as PNG. Raises StorageError.
    """
    in_film = {(take.shot, take.attempt) for take in chosen}
    rows = [
        _row(storyboard, take, (take.shot, take.attempt) in in_film)
        for shot in storyboard.shots
        for take in takes
        if take.shot == shot.id
    ]
    disk.write(path, png(_stack(rows)))


def _row(storyboard: Storyboard, take: Take, in_film: bool) -> Image:
    from PIL import Image, ImageDraw

    frames = load(take.clip) if take.clip else np.full((1, 216, 384, 3), 40, np.uint8)
    picks = np.unique(np.linspace(0, len(frames) - 1, COLUMNS).round().astype(int))
    cell_h = 132
    cell_w = round(cell_h * frames.shape[2] / frames.shape[1])
    row = Image.new("RGB", (240 + COLUMNS * (cell_w + 6) + 6, cell_h + 26), PAPER)
    pen = ImageDraw.Draw(row)
    edge = GREEN if in_film and take.accepted else RED if not take.accepted else GREY
    pen.rectangle((0, 6, 5, cell_h + 20), fill=edge)
    _caption(pen, storyboard, take, in_film)
    for column, index in enumerate(picks):
        x = 240 + column * (cell_w + 6)
        picture = Image.fromarray(frames[index]).resize((cell_w, cell_h), Image.Resampling.LANCZOS)
        row.paste(picture, (x, 8))
        pen.text((x + 3, cell_h + 9), f"frame {index}", fill=GREY, font=_font(11))
        if not take.accepted:
            pen.line((x, 8, x + cell_w, 8 + cell_h), fill=RED, width=2)
    return row


def _caption(pen: Any, storyboard: Storyboard, take: Take, in_film: bool) -> None:
    shot = storyboard.shot(take.shot)
    mark = ("in the film" if take.accepted else "in the film, best of its takes") if in_film else "rejected"
    pen.text((14, 8), f"{shot.id}   take {take.attempt}", fill=INK, font=_font(16))
    pen.text((14, 30), mark, fill=GREEN if in_film and take.accepted else RED, font=_font(12))
    reasons = [take.error] if take.error else [finding.words for finding in (take.verdict.findings if take.verdict else ())]
    lines = [f"{shot.setting or 'anywhere'}, {shot.time}, {shot.camera}", *_wrap(shot.text, 2)]
    if not take.accepted:
        lines += [line for reason in reasons[:2] if reason for line in _wrap(reason, 2)]
    for number, line in enumerate(lines[:6]):
        red = number >= len(lines) - len(reasons[:2]) and not take.accepted
        pen.text((14, 50 + 15 * number), line, fill=RED if red and number > 1 else GREY, font=_font(12))


def _wrap(text: str, lines: int, width: int = 36) -> list[str]:
    import textwrap

    return textwrap.wrap(" ".join(text.split()), width, max_lines=lines, placeholder=" …")


def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _stack(rows: Sequence[Image]) -> np.ndarray:
    width = max(row.width for row in rows)
    sheet = np.full((sum(row.height for row in rows) + 12, width + 6, 3), PAPER, np.uint8)
    y = 6
    for row in rows:
        sheet[y : y + row.height, : row.width] = np.asarray(row)
        y += row.height
    return sheet
