"""What a subject does: tests of its path, size and turning against a motion, with the camera taken out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kinograph.film import Motion
from kinograph.tools.camera import CameraPath
from kinograph.tools.eyes import Sighting


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
        turning=_turning(sighting.mask[shown][whole], sighting.patch[shown][whole]),
        width=width / short,
        height=height / short,
    )


def _turning(masks: np.ndarray, patches: np.ndarray) -> float:
    """How far silhouette and surface turn away from how they were at first; 0 where nothing turns.

    Size and place are already normalised away. The surface counts only where it has a pattern.
    """
    if len(masks) < 2:
        return 0.0
    inside = masks > 0.9
    outline = [_correlation(masks[0], mask) for mask in masks]
    surface = [
        _correlation(patches[0][both], patch[both])
        for mask, patch in zip(inside, patches, strict=True)
        if (both := inside[0] & mask).sum() > 30 and patches[0][both].std() > 2
    ]
    away = 1.0 - float(np.percentile(outline, 20))
    return max(away, 1.0 - float(np.percentile(surface, 20))) if surface else away


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one - one.mean(), other - other.mean()
    return float((one * other).sum() / max(1e-6, np.linalg.norm(one) * np.linalg.norm(other)))


def _net(values: np.ndarray) -> float:
    edge = max(1, len(values) // 12)
    return float(np.median(values[-edge:]) - np.median(values[:edge]))


def _reach(values: np.ndarray) -> float:
    return float(np.percentile(values, 97) - np.percentile(values, 3))


def growth(path: Track) -> float:
    """Last size over first."""
    edge = max(1, len(path.size) // 8)
    return float(np.median(path.size[-edge:]) / max(1e-6, np.median(path.size[:edge])))


def drops(path: Track) -> np.ndarray:
    """How far it comes down again each time, the furthest first."""
    from scipy.signal import find_peaks

    height = -np.concatenate([[path.y[0]], path.y, [path.y[-1]]])
    floor = np.concatenate([[-path.y.max()], height, [-path.y.max()]])
    return np.sort(find_peaks(floor, prominence=1e-3)[1]["prominences"])[::-1]


def loop_area(path: Track) -> float:
    """Area that the path goes around, in squared shorter sides (shoelace formula)."""
    return abs(float(np.sum(path.x * np.roll(path.y, -1) - path.y * np.roll(path.x, -1)))) / 2


def _stays(path: Track) -> float:
    return min(1 - max(_reach(path.x), _reach(path.y)) / 0.12, 1 - abs(np.log(growth(path))) / np.log(1.25))


def _goes(far: float, wanted: float, beside: float) -> float:
    """As far as wanted, and not much to the side."""
    return min(far / wanted - 1, 1 - beside / 0.16)


def _bounces(path: Track) -> float:
    second = [*drops(path), 0.0, 0.0][1]
    return min(second / 0.07 - 1, 1 - _reach(path.x) / 0.16)


AGREES: dict[Motion, Callable[[Track], float]] = {
    "moves right": lambda path: _goes(_net(path.x), 0.2 * path.width, _reach(path.y)),
    "moves left": lambda path: _goes(-_net(path.x), 0.2 * path.width, _reach(path.y)),
    "rises": lambda path: _goes(-_net(path.y), 0.2 * path.height, _reach(path.x)),
    "falls": lambda path: _goes(_net(path.y), 0.2 * path.height, _reach(path.x)),
    "bounces": _bounces,
    "circles": lambda path: min(loop_area(path) / 0.02, min(_reach(path.x), _reach(path.y)) / 0.14) - 1,
    "grows": lambda path: np.log(growth(path)) / np.log(1.35) - 1,
    "shrinks": lambda path: -np.log(growth(path)) / np.log(1.35) - 1,
    "spins": lambda path: min(_stays(path), path.turning / 0.5 - 1),
    "stays": lambda path: min(_stays(path), 1 - path.turning / 0.5),
}
"""How well a path agrees with a motion: 0 at the edge of what still is that motion, below it what is not."""


def does(path: Track) -> list[Motion]:
    """The motions that a path agrees with."""
    return [motion for motion, agrees in AGREES.items() if agrees(path) > 0]
