"""What a subject does: tests of its path, size and turning against a motion, with the camera taken out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.signal import find_peaks

from kinograph.film import Motion
from kinograph.tools.eyes import PATCH, CameraPath, Sighting


class Track(NamedTuple):
    """A subject's path through the scene; lengths in shorter sides of the picture, y down."""

    x: np.ndarray
    """`[N]` of the frames that show it."""
    y: np.ndarray
    size: np.ndarray
    """`[N]` square root of its area."""
    turning: float
    """How much its picture changes while it is shown: 0 not at all, 1 wholly."""
    width: float
    height: float


def track(sighting: Sighting, camera: CameraPath, width: int, height: int) -> Track:
    """The path of a sighting with the camera's own movement removed."""
    short = min(width, height)
    shown = sighting.seen
    x = (sighting.x[shown] - 0.5 - camera.x[shown]) / camera.zoom[shown]
    y = (sighting.y[shown] - 0.5 - camera.y[shown]) / camera.zoom[shown]
    whole = ~sighting.cropped[shown]
    size = np.sqrt(sighting.area[shown]) / camera.zoom[shown]
    return Track(
        x=x * width / short,
        y=y * height / short,
        size=size[whole] if whole.sum() >= 4 else size,
        turning=_turning(sighting.patch[shown][whole]),
        width=width / short,
        height=height / short,
    )


def _turning(patches: np.ndarray) -> float:
    """1 - the least correlation of any patch with the first; size and place are already normalised away."""
    if len(patches) < 2:
        return 0.0
    flat = patches.reshape(len(patches), PATCH * PATCH)
    flat = flat - flat.mean(1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return 1.0 - float(np.percentile(flat @ flat[0], 20))


def _net(values: np.ndarray) -> float:
    edge = max(1, len(values) // 12)
    return float(np.median(values[-edge:]) - np.median(values[:edge]))


def _reach(values: np.ndarray) -> float:
    return float(np.percentile(values, 97) - np.percentile(values, 3))


def growth(path: Track) -> float:
    """Last size over first."""
    edge = max(1, len(path.size) // 8)
    return float(np.median(path.size[-edge:]) / max(1e-6, np.median(path.size[:edge])))


def hops(path: Track) -> int:
    """How many times it comes down again."""
    height = -np.concatenate([[path.y[0]], path.y, [path.y[-1]]])
    floor = np.concatenate([[-path.y.max()], height, [-path.y.max()]])
    return len(find_peaks(floor, prominence=0.07)[0])


def loop_area(path: Track) -> float:
    """Area that the path goes around, in squared shorter sides (shoelace formula)."""
    return abs(float(np.sum(path.x * np.roll(path.y, -1) - path.y * np.roll(path.x, -1)))) / 2


def _stays(path: Track) -> bool:
    return max(_reach(path.x), _reach(path.y)) < 0.12 and 0.8 < growth(path) < 1.25


MOTIONS: dict[Motion, Callable[[Track], bool]] = {
    "moves right": lambda path: _net(path.x) > 0.2 * path.width and _reach(path.y) < 0.16,
    "moves left": lambda path: _net(path.x) < -0.2 * path.width and _reach(path.y) < 0.16,
    "rises": lambda path: _net(path.y) < -0.2 * path.height and _reach(path.x) < 0.16,
    "falls": lambda path: _net(path.y) > 0.2 * path.height and _reach(path.x) < 0.16,
    "bounces": lambda path: hops(path) >= 2 and _reach(path.x) < 0.16,
    "circles": lambda path: loop_area(path) > 0.02 and min(_reach(path.x), _reach(path.y)) > 0.14,
    "grows": lambda path: growth(path) > 1.35,
    "shrinks": lambda path: growth(path) < 1 / 1.35,
    "spins": lambda path: _stays(path) and path.turning > 0.12,
    "stays": lambda path: _stays(path) and path.turning < 0.3,
}
"""Whether a path is what the motion asks."""


def does(path: Track) -> list[Motion]:
    """The motions that a path agrees with."""
    return [motion for motion, test in MOTIONS.items() if test(path)]
