"""What the camera does: the one of its seven movements, done to whatever extent, that best explains the background.

Every movement is tried at many extents. Pairs of frames are laid over each other as it says, subjects left
out; the movement and extent that leave the least difference are what the camera does.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from kinograph.film import Camera
from kinograph.tools.storyworld.motion import view_of

AXES: tuple[tuple[Camera, Camera], ...] = (("pan right", "pan left"), ("tilt down", "tilt up"), ("zoom in", "zoom out"))
"""A movement and its reverse, by axis."""
EXTENTS = np.round(np.arange(-1.5, 1.51, 0.1), 2)
"""Of the movement that the storyworld knows; the far background follows it only to 0.84."""
LEAST = 0.4
"""Extent below which the camera is static."""


class CameraPath(NamedTuple):
    """The camera's movement in the clip."""

    camera: Camera
    extent: float
    """Signed: 1 is the movement's full length, -1 the reverse."""
    x: np.ndarray
    """`[T]`: centre of the window less the picture's centre, in pixels."""
    y: np.ndarray
    zoom: np.ndarray


def follow(grays: np.ndarray, covered: np.ndarray) -> CameraPath:
    """The camera of a clip from `grays` `[T,H,W]` float32, 0..255, and `covered` `[T,H,W]` bool, where subjects are."""
    if len(grays) < 5:
        return CameraPath("static", 0.0, *_path(0, 0.0, grays.shape))
    relief = np.stack([relief_of(gray) for gray in grays])
    open_ = (~covered).astype(np.float32)
    last = len(grays) - 1
    lags = sorted({max(1, last // 4), max(1, last // 2)})
    pairs = [(i, i + lag) for lag in lags for i in range(0, last - lag + 1, lag)]
    best = (np.inf, 0, 0.0)
    for axis in range(len(AXES)):
        costs = np.array([_cost(relief, open_, pairs, axis, float(extent)) for extent in EXTENTS])
        lowest = int(np.argmin(costs))
        if costs[lowest] < best[0]:
            best = (costs[lowest], axis, _refined(costs, lowest))
    _, axis, extent = best
    camera = "static" if abs(extent) < LEAST else AXES[axis][extent < 0]
    return CameraPath(camera, extent, *_path(axis, extent if camera != "static" else 0.0, grays.shape))


def relief_of(gray: np.ndarray) -> np.ndarray:
    """Local contrast of `[H,W]` in per cent, so that a vignette, which stays while the scene moves, drops out."""
    tone = 100 * np.log(gray + 24)
    return cv2.GaussianBlur(tone, (0, 0), 1.0) - cv2.GaussianBlur(tone, (0, 0), 4.5)


def _refined(costs: np.ndarray, lowest: int) -> float:
    """The extent at the bottom of the parabola through the lowest cost and its neighbours."""
    if not 0 < lowest < len(costs) - 1:
        return float(EXTENTS[lowest])
    left, middle, right = costs[lowest - 1 : lowest + 2]
    bend = left - 2 * middle + right
    return float(EXTENTS[lowest] + (0.05 * (left - right) / bend if bend > 0 else 0.0))


def _path(axis: int, extent: float, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x and y in pixels, and zoom relative to a picture at rest, `[T]` each."""
    frames, height, width = shape
    if extent < 0 and axis == 2:
        view, extent = view_of("zoom out", frames), -extent
    else:
        view = view_of(AXES[axis][0], frames)
    return view.x * width * extent, view.y * height * extent, view.zoom**extent


def _cost(relief: np.ndarray, open_: np.ndarray, pairs: list[tuple[int, int]], axis: int, extent: float) -> float:
    """Mean absolute difference in relief, cut off at 24 per cent, between pairs laid over each other."""
    height, width = relief.shape[1:]
    x, y, zoom = _path(axis, extent, relief.shape)
    total, weight = 0.0, 1e-6
    for i, j in pairs:
        k = zoom[j] / zoom[i]
        move = np.array(
            [
                [k, 0, (1 - k) * (width - 1) / 2 + (x[i] - x[j]) * zoom[j]],
                [0, k, (1 - k) * (height - 1) / 2 + (y[i] - y[j]) * zoom[j]],
            ]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        seen = cv2.warpAffine(relief[j], move, (width, height), flags=flags)
        valid = cv2.warpAffine(open_[j], move, (width, height), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
        missed = cv2.min(cv2.absdiff(seen, relief[i]), 24.0) * open_[i]  # pyright: ignore
        total += float(np.vdot(missed, valid))
        weight += float(np.vdot(open_[i], valid))
    return total / weight
