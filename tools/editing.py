"""The cut: shots joined into a film, and the contact sheet that shows every take at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kinograph import disk
from kinograph.errors import Damaged
from kinograph.film import Cut, Shot, Storyboard, Take
from kinograph.tools.footage import load, png

if TYPE_CHECKING:
    from PIL.Image import Image

COLUMNS = 6
"""Frames shown of each take."""
LABEL = 270
"""Width of the words before the frames, in pixels."""
INK, PAPER, GREY = (236, 236, 240), (22, 23, 28), (150, 152, 162)
GREEN, YELLOW, RED = (96, 200, 120), (230, 190, 70), (236, 92, 84)


class Part(NamedTuple):
    """What the film uses of a take: frames `first` to `last`, inclusive."""

    take: Take
    first: int
    last: int


def frames_of(part: Part, fps: int) -> int:
    """Frames that a part takes in a film of that rate; clips may have another."""
    assert part.take.clip is not None, f"{part.take.shot} was chosen without a clip"
    return max(1, round((part.last - part.first + 1) * fps / part.take.clip.fps))


def timeline(parts: Sequence[Part], fps: int) -> tuple[Cut, ...]:
    """The parts one after the other, in a film of that rate."""
    cuts, start = [], 0.0
    for part in parts:
        take, first, last = part
        assert take.clip is not None, f"{take.shot} was chosen without a clip"
        seconds = frames_of(part, fps) / fps
        cuts.append(
            Cut(
                shot=take.shot,
                attempt=take.attempt,
                clip=take.clip.request,
                first_frame=first,
                last_frame=last,
                start=round(start, 4),
                seconds=round(seconds, 4),
            )
        )
        start += seconds
    return tuple(cuts)


def contact_sheet(storyboard: Storyboard, takes: Sequence[Take], parts: Sequence[Part], path: Path) -> None:
    """A row a take: what was asked, evenly spaced frames with their numbers, and why a take was rejected.

    Shots stand in film order; a green edge marks an accepted take in the film, a yellow one a take that
    the film uses for want of a better one, a red one a take that was thrown away. Written atomically as PNG.
    Raises StorageError.
    """
    in_film = {(part.take.shot, part.take.attempt): part for part in parts}
    rows = [
        _row(storyboard, take, in_film.get((take.shot, take.attempt)))
        for shot in storyboard.shots
        for take in takes
        if take.shot == shot.id
    ]
    disk.write(path, png(_stack(rows), level=1))


def _row(storyboard: Storyboard, take: Take, part: Part | None) -> Image:
    from PIL import Image, ImageDraw

    frames = _frames(take)
    picks = np.unique(np.linspace(0, len(frames) - 1, COLUMNS).round().astype(int))
    cell_h = 132
    cell_w = round(cell_h * frames.shape[2] / frames.shape[1])
    row = Image.new("RGB", (LABEL + COLUMNS * (cell_w + 6) + 6, cell_h + 26), PAPER)
    pen = ImageDraw.Draw(row)
    pen.rectangle((0, 6, 5, cell_h + 20), fill=_colour(take, part))
    _caption(pen, storyboard.shot(take.shot), take, part)
    for column, index in enumerate(picks):
        x = LABEL + column * (cell_w + 6)
        picture = Image.fromarray(frames[index]).resize((cell_w, cell_h), Image.Resampling.LANCZOS)
        row.paste(picture, (x, 8))
        pen.text((x + 3, cell_h + 9), f"frame {index}", fill=GREY, font=font(11))
        if part is None or not part.first <= index <= part.last:
            pen.line((x, 8, x + cell_w, 8 + cell_h), fill=RED, width=2)
    return row


def _frames(take: Take) -> np.ndarray:
    """A take's frames, or a grey one where there are none: the sheet is drawn whatever was lost."""
    nothing = np.full((1, 216, 384, 3), 40, np.uint8)
    try:
        return load(take.clip) if take.clip else nothing
    except Damaged:
        return nothing


def _colour(take: Take, part: Part | None) -> tuple[int, int, int]:
    return RED if part is None or take.placeholder else GREEN if take.accepted else YELLOW


def _mark(take: Take, part: Part | None) -> str:
    """What became of a take, and with what it was rendered."""
    if take.placeholder:
        return "PLACEHOLDER: not rendered"
    less = _less(take)
    if part is None:
        mark = "not rendered" if take.clip is None else "rejected"
    elif take.clip is not None and part.last - part.first + 1 < take.clip.frames:
        mark = f"in the film: frames {part.first} to {part.last}"
    else:
        mark = "in the film" if take.accepted else "in the film: best of its takes"
    return "; ".join([mark, *less])


def _less(take: Take) -> list[str]:
    means, request = take.means, take.request
    told = {
        f"by {means.model}": bool(means.model),
        f"{request.width}x{request.height}": means.size < 1,
        f"{request.fps} fps": means.frames < 1,
        f"{request.steps} steps": means.steps < 1,
    }
    return [words for words, is_so in told.items() if is_so]


def _caption(pen: Any, shot: Shot, take: Take, part: Part | None) -> None:
    pen.text((14, 8), f"{shot.id}   take {take.attempt}", fill=INK, font=font(16))
    pen.text((14, 30), _mark(take, part), fill=_colour(take, part), font=font(12))
    reasons = (
        [take.error] if take.error else [finding.words for finding in (take.verdict.findings if take.verdict else ())]
    )
    lines = [(GREY, f"{shot.setting or 'anywhere'}, {shot.time}, {shot.camera}")]
    lines += [(GREY, line) for line in wrap(shot.text, 2)]
    lines += [(RED, line) for reason in reasons[:2] for line in wrap(reason, 2)]
    for number, (ink, line) in enumerate(lines[:6]):
        pen.text((14, 50 + 15 * number), line, fill=ink, font=font(12))


def wrap(text: str, lines: int, width: int = 40) -> list[str]:
    import textwrap

    return textwrap.wrap(" ".join(text.split()), width, max_lines=lines, placeholder=" …")


def font(size: int) -> Any:
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
