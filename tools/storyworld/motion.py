"""Motions and camera paths as functions of the clip's phase, before anything has a place in the picture.

Lengths are in units of the picture's shorter side M, y down. A new motion is a function and a line in
`MOTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kinograph.film import Camera, Motion
from kinograph.tools.storyworld.shapes import frame_of
from kinograph.tools.storyworld.world import FLYERS, ROUND, Kind

PAN, TILT, ZOOM = 0.19, 0.13, 1.36
"""Travel of the picture window over the clip: of the width, of the height; and the largest magnification."""


Path = float | np.ndarray


class View(NamedTuple):
    """The camera in each frame, arrays `[T]`."""

    x: np.ndarray
    """Centre of the window less the picture's centre, over the width, to the right."""
    y: np.ndarray
    """The same over the height, downwards."""
    zoom: np.ndarray


class Move(NamedTuple):
    """A motion around an anchor, arrays `[T]`: offsets in M, scales of the box, degrees clockwise."""

    x: np.ndarray
    y: np.ndarray
    wide: np.ndarray
    high: np.ndarray
    angle: np.ndarray


class Cue(NamedTuple):
    """What a motion needs to know."""

    kind: Kind
    size: float
    """Side of the kind's unit box, in M."""
    phase: np.ndarray
    """0 at the first frame, 1 at the last, `[T]`."""
    clock: np.ndarray
    """Seconds, `[T]`."""
    across: float
    """How far moves go, in M."""
    up: float
    """How far rises and falls go, in M."""
    lot: np.ndarray
    """Random numbers in [0, 1), `[8]`: what varies with the seed."""

    @property
    def breath(self) -> np.ndarray:
        return np.sin(2 * np.pi * (0.45 * self.clock + self.lot[2]))

    @property
    def half(self) -> float:
        """Half the height of the kind, in M."""
        return 0.5 * self.size * frame_of(self.kind).height


def cue(kind: Kind, size: float, frames: int, seconds: float, across: float, up: float, lot: np.ndarray) -> Cue:
    phase = np.linspace(0, 1, frames) if frames > 1 else np.zeros(1)
    return Cue(kind, size, phase, np.arange(frames) * (seconds / frames), across, up, lot)


def view_of(camera: Camera, frames: int) -> View:
    """The camera path, eased a little at both ends."""
    phase = _ease(np.linspace(0, 1, frames) if frames > 1 else np.zeros(1), 0.35)
    view = View(np.zeros(frames), np.zeros(frames), np.ones(frames))
    match camera:
        case "pan left":
            return view._replace(x=PAN * (0.5 - phase))
        case "pan right":
            return view._replace(x=PAN * (phase - 0.5))
        case "tilt up":
            return view._replace(y=TILT * (0.5 - phase))
        case "tilt down":
            return view._replace(y=TILT * (phase - 0.5))
        case "zoom in":
            return view._replace(zoom=ZOOM**phase)
        case "zoom out":
            return view._replace(zoom=ZOOM ** (1 - phase))
        case _:
            return view


def _ease(phase: np.ndarray, amount: float) -> np.ndarray:
    """Smoothstep mixed with the straight line, so that nothing ever stands still inside a motion."""
    return (1 - amount) * phase + amount * phase * phase * (3 - 2 * phase)


def _move(c: Cue, x: Path = 0.0, y: Path = 0.0, wide: Path = 1.0, high: Path = 1.0, angle: Path = 0.0) -> Move:
    """Arrays out of numbers and arrays."""
    return Move(*(np.zeros(len(c.phase)) + part for part in (x, y, wide, high, angle)))


def _stays(c: Cue) -> Move:
    """Breathing, feet on the ground; what floats bobs."""
    high = 1 + 0.012 * c.breath
    y = 0.006 * c.breath if c.kind in FLYERS else -c.half * (high - 1)
    return _move(c, y=y, wide=2 - high, high=high)


def _sideways(c: Cue, sign: int) -> Move:
    x = sign * c.across * (_ease(c.phase, 0.35) - 0.5)
    if c.kind in ROUND:
        return _move(c, x, angle=np.degrees(2 * x / c.size))
    if c.kind in ("person", "robot", "cat"):
        return _move(c, x, -0.02 * np.abs(np.sin(2 * np.pi * 1.6 * c.clock)))
    if c.kind == "rocket":
        return _move(c, x, 0.012 * c.breath, angle=75.0 * sign)
    return _move(c, x, 0.012 * c.breath if c.kind in FLYERS else 0.0)


def _rises(c: Cue) -> Move:
    return _move(c, y=c.up * (0.5 - _ease(c.phase, 0.35)))


def _falls(c: Cue) -> Move:
    return _move(c, y=c.up * (0.55 * c.phase + 0.45 * c.phase**2 - 0.5))


def _bounces(c: Cue) -> Move:
    """Two to four parabolas, squashed where they touch the ground."""
    hop = (2 + int(c.lot[3] * 3)) * c.phase % 1
    arc = 4 * hop * (1 - hop)
    squash = 0.2 * np.clip(1 - arc / 0.22, 0, 1)
    return _move(c, y=c.half * squash - (0.24 - 0.04 * c.lot[4]) * arc, wide=1 + 0.7 * squash, high=1 - squash)


def _spins(c: Cue) -> Move:
    """At least one turn, and one in every three seconds."""
    seconds = float(c.clock[-1]) * len(c.clock) / max(1, len(c.clock) - 1)
    return _move(c, angle=max(360.0, 125.0 * seconds) * _ease(c.phase, 0.15))


def _scales(c: Cue, phase: np.ndarray) -> Move:
    scale = 0.6 * (1.12 / 0.6) ** _ease(phase, 0.35)
    return _move(c, y=0.0 if c.kind in FLYERS else c.half * (1 - scale), wide=scale, high=scale)


def _circles(c: Cue) -> Move:
    """One turn of a wheel, clockwise."""
    turn = 2 * np.pi * (_ease(c.phase, 0.2) + c.lot[5])
    radius = 0.158 + (0.03 * c.lot[6] if c.size > 0.24 else 0.0)
    return _move(c, radius * np.cos(turn), radius * np.sin(turn))


MOTIONS: dict[Motion, Callable[[Cue], Move]] = {
    "stays": _stays,
    "moves left": lambda c: _sideways(c, -1),
    "moves right": lambda c: _sideways(c, 1),
    "rises": _rises,
    "falls": _falls,
    "bounces": _bounces,
    "spins": _spins,
    "grows": lambda c: _scales(c, c.phase),
    "shrinks": lambda c: _scales(c, 1 - c.phase),
    "circles": _circles,
}
