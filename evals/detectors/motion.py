"""What a subject does: the motion whose path lies nearest to its own, with the camera's movement taken out.

Paths are compared in place and size; each motion's path is fitted by linear least squares, so that where it
begins and how far it goes are free. What neither moves nor grows spins or stays, by how far it turns.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kinograph.evals.detectors.camera import CameraPath
from kinograph.evals.detectors.kind import turning
from kinograph.evals.detectors.subject import Track
from kinograph.film import Motion

LEAST_TURN = 140.0
"""Degrees over the clip from which a thing spins; the storyworld turns it 360 and more."""
LEAST_TRAVEL, LEAST_GROWTH, LEAST_HOP, LEAST_RADIUS = 0.13, float(np.log(1.25)), 0.06, 0.06
"""Below these a path is rest: lengths in shorter sides of the picture."""
TRAVEL_ERROR, SIZE_ERROR = 0.012, 0.05
"""What a path may be off: shorter sides; log of size."""


class Path(NamedTuple):
    """A subject's way through the scene, `[N]` each, of the frames that show it."""

    phase: np.ndarray
    """0 at the clip's first frame, 1 at its last."""
    x: np.ndarray
    """In shorter sides of the picture."""
    y: np.ndarray
    size: np.ndarray
    """Log of the square root of its area."""


def path_of(track: Track, camera: CameraPath) -> Path:
    """The path of a track with the camera's movement removed; frames that show it whole, if they are enough."""
    height, width = next(iter(track.values())).cover.shape
    whole = [frame for frame, sight in track.items() if not sight.cropped]
    frames = np.array(sorted(whole if len(whole) >= max(5, len(track) // 2) else track))
    sights = [track[int(frame)] for frame in frames]
    short, zoom = min(width, height), camera.zoom[frames]
    return Path(
        phase=frames / max(1, len(camera.zoom) - 1),
        x=((np.array([s.x for s in sights]) - width / 2) / zoom + camera.x[frames]) / short,
        y=((np.array([s.y for s in sights]) - height / 2) / zoom + camera.y[frames]) / short,
        size=np.log(np.sqrt([s.area for s in sights]) / zoom),
    )


def motion_of(track: Track, camera: CameraPath) -> Motion:
    """What a subject does; one that is seen in fewer than five frames stays."""
    if len(track) < 5:
        return "stays"
    costs = fits(path_of(track, camera))
    motion = min(costs, key=costs.__getitem__)
    return "spins" if motion == "stays" and abs(turning(track)) > LEAST_TURN else motion


def fits(path: Path) -> dict[Motion, float]:
    """How far a path is from each motion's, in units of what it may be off, squared and summed; `spins` left out."""
    phase, one = path.phase, np.ones_like(path.phase)
    eased = 0.65 * phase + 0.35 * phase * phase * (3 - 2 * phase)
    falling = 0.55 * phase + 0.45 * phase**2
    rest_x, rest_y, rest_size = (_fit(part, one)[1] for part in (path.x, path.y, path.size))
    turn = 2 * np.pi * (0.8 * phase + 0.2 * phase * phase * (3 - 2 * phase))
    costs: dict[Motion, float] = {"stays": _cost(rest_x, rest_y, rest_size)}

    (_, along), miss_x = _fit(path.x, one, eased)
    if abs(along) > LEAST_TRAVEL:
        costs["moves right" if along > 0 else "moves left"] = _cost(miss_x, rest_y, rest_size)
    (_, up), miss_up = _fit(path.y, one, eased)
    if up < -LEAST_TRAVEL:
        costs["rises"] = _cost(rest_x, miss_up, rest_size)
    (_, down), miss_down = _fit(path.y, one, falling)
    if down > LEAST_TRAVEL:
        costs["falls"] = _cost(rest_x, miss_down, rest_size)
    for hops in (2, 3, 4):
        hop = hops * phase % 1
        (_, fall), miss = _fit(path.y, one, 4 * hop * (1 - hop))
        if fall < -LEAST_HOP:
            costs["bounces"] = min(costs.get("bounces", np.inf), _cost(rest_x, miss, rest_size))
    (_, growth), miss_size = _fit(path.size, one, eased)
    if abs(growth) > LEAST_GROWTH:
        # Feet stay on the ground, so that the centre goes up or down with the size.
        miss_y = _fit(path.y, one, np.exp(path.size - path.size.mean()))[1]
        costs["grows" if growth > 0 else "shrinks"] = _cost(rest_x, miss_y, miss_size)
    wheel = np.concatenate(
        [
            np.stack([one, 0 * one, np.cos(turn), -np.sin(turn)], 1),
            np.stack([0 * one, one, np.sin(turn), np.cos(turn)], 1),
        ]
    )
    (_, _, *radius), miss = _fit(np.concatenate([path.x, path.y]), *wheel.T)
    if np.hypot(*radius) > LEAST_RADIUS:
        costs["circles"] = _cost(miss[: len(one)], miss[len(one) :], rest_size)
    return costs


def _fit(values: np.ndarray, *terms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least-squares coefficients of the terms, and what they leave."""
    basis = np.stack(terms, 1)
    factors = np.linalg.lstsq(basis, values, rcond=None)[0]
    return factors, values - basis @ factors


def _cost(x: np.ndarray, y: np.ndarray, size: np.ndarray) -> float:
    return float(((x**2 + y**2) / TRAVEL_ERROR**2 + size**2 / SIZE_ERROR**2).sum())
