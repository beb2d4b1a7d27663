"""Previews of clips in the making: when one is due, which frames it shows, and how it travels between processes."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from kinograph.errors import Damaged
from kinograph.tools.backends import Preview, Progress, wanted

SIDE = 128
"""Most pixels of the shorter side of a preview."""
MOST = 3
"""Frames that a preview shows."""
LIMIT = 300_000
"""Most bytes of a packed preview's picture, before base64."""


class Due:
    """Which previews of one call are still wanted."""

    def __init__(self, on_progress: Progress) -> None:
        self._left = sorted(wanted(on_progress))

    def now(self, share: float) -> bool:
        """Whether a preview is due once a share of the denoising is done, 0..1. Each one asked for is due once; one
        preview serves all that fell due together."""
        left = [one for one in self._left if one > share]
        due, self._left = len(left) < len(self._left), left
        return due


def chosen(frames: Sequence[int]) -> tuple[int, ...]:
    """The frames to show of those that are known, ascending: at most MOST, the ends among them."""
    places = np.linspace(0, len(frames) - 1, min(MOST, len(frames))).round().astype(int)
    return tuple(frames[place] for place in places)


def small(frames: np.ndarray) -> np.ndarray:
    """Frames `[...,H,W,3]` uint8 with a shorter side of at most SIDE pixels."""
    height, width = frames.shape[-3:-1]
    return _scaled(frames, SIDE / min(height, width))


def _scaled(frames: np.ndarray, scale: float) -> np.ndarray:
    import cv2

    if scale >= 1:
        return frames
    height, width = frames.shape[-3:-1]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    flat = frames.reshape(-1, height, width, 3)
    made = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in flat])
    return made.reshape(*frames.shape[:-3], *made.shape[1:])


def packed(index: int, preview: Preview) -> dict[str, Any]:
    """A preview for a line of JSON: its frames one above the other as a PNG, of at most LIMIT bytes; what does not fit
    is halved until it does."""
    import cv2

    frames = preview.frames
    while len(png := cv2.imencode(".png", frames.reshape(-1, frames.shape[2], 3)[..., ::-1])[1]) > LIMIT:
        frames = _scaled(frames, 0.5)
    picture = base64.b64encode(png.tobytes()).decode("ascii")
    return {"index": index, "share": preview.share, "at": list(preview.at), "png": picture}


def unpacked(sent: dict[str, Any]) -> tuple[int, Preview]:
    """The index of the request and its preview. Raises Damaged for what is none."""
    import cv2

    data = np.frombuffer(base64.b64decode(sent["png"]), np.uint8)
    strip, at = cv2.imdecode(data, cv2.IMREAD_COLOR), tuple(int(frame) for frame in sent["at"])
    if strip is None or not at or len(strip) % len(at):
        raise Damaged(f"a preview of {len(at)} frames is no picture of as many")
    frames = np.ascontiguousarray(strip[..., ::-1]).reshape(len(at), -1, strip.shape[1], 3)
    return int(sent["index"]), Preview(float(sent["share"]), frames, at)
