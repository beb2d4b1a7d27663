"""Evidence: one small picture that shows a finding: what it should look like, and the frames in which it does not."""

from __future__ import annotations

import numpy as np

from kinograph.tools.eyes import Sighting
from kinograph.tools.footage import png

HEIGHT = 96
"""Of a strip, in pixels."""
MARK = (255, 0, 80)
GAP = 3


def region(sighting: Sighting, first: int, last: int) -> tuple[float, float, float, float] | None:
    """What a subject covers in these frames, as shares of width and height; None where it is not seen in them."""
    boxes = sighting.box[first : last + 1][sighting.seen[first : last + 1]]
    if not len(boxes):
        return None
    (left, top), (right, bottom) = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    return tuple(round(float(side), 4) for side in (left, top, right, bottom))  # pyright: ignore[reportReturnType]


def strip(
    frames: np.ndarray,
    first: int,
    last: int,
    worst: int | None = None,
    boxes: np.ndarray | None = None,
    beside: np.ndarray | None = None,
) -> bytes:
    """PNG of up to three of the frames `first` to `last`, the worst among them, marked with `boxes` `[T,4]`.

    `beside` `[h,w,3]` comes before them: what it is held against.
    """
    middle = (first + last) // 2 if worst is None else worst
    shown = [_marked(frames[at], None if boxes is None else boxes[at]) for at in sorted({first, middle, last})]
    return row([*([] if beside is None else [beside]), *shown])


def row(pictures: list[np.ndarray]) -> bytes:
    """PNG of pictures `[h,w,3]` in a row, all of one height."""
    gap = np.full((HEIGHT, GAP, 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (gap, small(picture))][1:]
    return png(np.hstack(parts))


def small(picture: np.ndarray) -> np.ndarray:
    """`[h,w,3]` at the height of a strip."""
    import cv2

    wide = max(8, min(4 * HEIGHT, round(picture.shape[1] * HEIGHT / picture.shape[0])))
    return cv2.resize(picture, (wide, HEIGHT), interpolation=cv2.INTER_AREA)


def _marked(picture: np.ndarray, box: np.ndarray | None) -> np.ndarray:
    """A small copy with the box drawn around what is in it; NaN in a box stands for nothing seen."""
    import cv2

    marked = np.ascontiguousarray(small(picture))
    if box is not None and not np.isnan(box).any():
        height, width = marked.shape[:2]
        left, top, right, bottom = (round(float(part)) for part in box * (width, height, width, height))
        cv2.rectangle(marked, (left - 2, top - 2), (right + 1, bottom + 1), MARK, 1)
    return marked
