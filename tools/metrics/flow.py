"""Optical flow between the frames of a clip, forth and back, and what of it can be trusted."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from kinograph.tools.metrics import Beside, Unmeasurable

SIDE = 256
"""Longer side of the pictures that flow is measured in, in pixels."""
LEAST = 32
"""Smaller pictures are enlarged to this: the coarsest level of DIS needs it."""


class Flow(NamedTuple):
    """How a clip moves from frame to frame; lengths in pixels of `pictures`."""

    pictures: np.ndarray
    """`[T,h,w,3]` uint8, at most SIDE pixels a side."""
    forth: np.ndarray
    """`[T-1,h,w,2]`: where a pixel of frame t is in frame t + 1, less where it was; x first."""
    back: np.ndarray
    """`[T-1,h,w,2]`: the same from frame t + 1 to frame t."""
    visible: np.ndarray
    """`[T-1,h,w]` bool: pixels of frame t + 1 that frame t shows too (Sundaram et al. 2010)."""


def flow_of(frames: np.ndarray, beside: Beside) -> Flow:
    """The flow of a clip by DIS (Kroeger et al. 2016). Raises Unmeasurable for a single frame."""
    if len(frames) < 2:
        raise Unmeasurable("needs two frames")
    return beside.once("flow", lambda: _flow(frames))


def _flow(frames: np.ndarray) -> Flow:
    import cv2

    pictures = small(frames)
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in pictures]
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    empty = np.zeros((*grey[0].shape, 2), np.float32)
    forth = np.stack([dis.calc(one, other, empty.copy()) for one, other in pairwise(grey)])
    back = np.stack([dis.calc(other, one, empty.copy()) for one, other in pairwise(grey)])
    return Flow(pictures, forth, back, np.stack([_agree(*pair) for pair in zip(forth, back, strict=True)]))


def small(frames: np.ndarray) -> np.ndarray:
    """Frames at the size that flow is measured in."""
    import cv2

    height, width = frames.shape[1:3]
    scale = max(min(1.0, SIDE / max(height, width)), LEAST / min(height, width))
    size = (round(width * scale), round(height * scale))
    if size == (width, height):
        return frames
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.stack([cv2.resize(frame, size, interpolation=way) for frame in frames])


def _agree(forth: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Pixels of the later frame whose way back and forth again ends where it began, and inside the picture."""
    height, width = back.shape[:2]
    again = warped(forth, back)
    gap = ((back + again) ** 2).sum(-1)
    x, y = places(back)
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return inside & (gap < 0.01 * ((back**2).sum(-1) + (again**2).sum(-1)) + 0.5)


def warped(picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """A picture `[h,w,…]` looked up where `flow` `[h,w,2]` points."""
    import cv2

    x, y = places(flow)
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def places(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where `flow` `[h,w,2]` points, as x and y `[h,w]` float32."""
    rows, columns = np.indices(flow.shape[:2], dtype=np.float32)
    return columns + flow[..., 0], rows + flow[..., 1]
