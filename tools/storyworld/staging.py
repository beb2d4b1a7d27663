"""Staging: where every subject is in every frame. No pixels here.

Lengths are in units of the picture's shorter side M: the picture is `width / M` wide and `height / M` high,
origin at its top left corner, y down. World and screen coincide while the camera is at rest.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kinograph.film import Camera
from kinograph.tools.storyworld.motion import MOTIONS, PAN, TILT, ZOOM, Move, cue
from kinograph.tools.storyworld.shapes import frame_of
from kinograph.tools.storyworld.world import FACING, FLYERS, ROUND, Subject, World

GAP = 0.045
"""Least distance between two subjects."""


class Poses(NamedTuple):
    """One subject in each frame, arrays `[T]`, world coordinates in M."""

    x: np.ndarray
    y: np.ndarray
    wide: np.ndarray
    """Side of the unit box along the kind's own x axis."""
    high: np.ndarray
    angle: np.ndarray
    """Clockwise, in degrees."""
    mirrored: bool
    ground: float
    """Height of the ground under it."""


class Room(NamedTuple):
    """What stays in the picture during the whole clip, and where its ground is, in M."""

    left: float
    right: float
    top: float
    bottom: float
    width: float
    height: float

    @property
    def span(self) -> float:
        return self.right - self.left


def stage(world: World, frames: int, seconds: float, width: float, height: float, seed: int) -> tuple[Poses, ...]:
    """Poses of all subjects: in frame, never overlapping, on the ground or in the air as their kind wants it.

    `width` and `height` of the picture are in M, so the smaller one is 1.
    """
    lot = np.random.default_rng([seed, 0x57A6E]).random(8)
    room = _room(world.camera, width, height)
    size = 0.25 + 0.075 * lot[1] if len(world.subjects) < 2 else 0.225 + 0.03 * lot[1]
    if world.camera in ("zoom in", "zoom out"):
        size = min(size, 0.27)
    # Two who do not fit first travel less far, then become smaller.
    actors, anchors = [], None
    for reach in (0.5, 0.42, *[0.36] * 30):
        actors = [
            _Actor(subject, _ground(world, subject, height, lot), size, reach, frames, seconds, room, lot)
            for subject in world.subjects
        ]
        anchors = _anchors(actors, room, lot)
        if anchors:
            break
        size *= 1.0 if reach > 0.36 else 0.95
    return tuple(actor.at(*anchor) for actor, anchor in zip(actors, anchors or [], strict=True))


def _ground(world: World, subject: Subject, height: float, lot: np.ndarray) -> float:
    afloat = world.setting == "sea" and subject.kind == "boat"
    return height * (0.74 if afloat else 0.84 + 0.02 * lot[0])


def _room(camera: Camera, width: float, height: float) -> Room:
    x = PAN / 2 if camera.startswith("pan") else 0.0
    y = TILT / 2 if camera.startswith("tilt") else 0.0
    if camera.startswith("zoom"):
        x = y = 0.8 * (1 - 1 / ZOOM) / 2  # hardly anything is at the edge while it is seen closest
    edge = 0.02
    return Room(
        x * width + edge,
        (1 - x) * width - edge,
        y * height + edge,
        (1 - y) * height - edge / 2,
        width,
        height,
    )


class Anchor(NamedTuple):
    """Where a motion happens."""

    x: float
    y: float
    ground: float


class _Actor:
    """A subject with its motion, not yet placed. Extents are those of its box around the anchor, in M."""

    def __init__(
        self, subject: Subject, ground: float, size: float, reach: float,
        frames: int, seconds: float, room: Room, lot: np.ndarray,
    ) -> None:  # fmt: skip
        self.subject, self.ground, shape = subject, ground, frame_of(subject.kind)
        self.size = size * min(1.25, 1 / shape.height)
        self.sideways = subject.motion in ("moves left", "moves right")
        self.floats = subject.kind in FLYERS or subject.motion == "circles"
        across = np.clip(room.span - self.size * shape.width, 0.36 * room.width, reach * room.width)
        head = ground - self.size * shape.height
        up = np.clip(head - room.top, 0.36 * room.height, 0.46 * room.height)
        move = MOTIONS[subject.motion]
        self.move = move(cue(subject.kind, self.size, frames, seconds, float(across), float(up), lot))
        dense = move(cue(subject.kind, self.size, 97, seconds, float(across), float(up), lot))
        wide, high = self._reach(dense)
        self.left, self.right = float((dense.x - wide).min()), float((dense.x + wide).max())
        self.top, self.bottom = float((dense.y - high).min()), float((dense.y + high).max())
        self.half = float(wide.max())

    def _reach(self, move: Move) -> tuple[np.ndarray, np.ndarray]:
        """Half width and half height of the turned box in each frame."""
        shape = frame_of(self.subject.kind)
        w, h = shape.width * move.wide * self.size / 2, shape.height * move.high * self.size / 2
        if self.subject.kind in ROUND:
            return w, h
        if self.subject.motion == "spins":
            return np.hypot(w, h), np.hypot(w, h)
        turn = np.radians(move.angle)
        cos, sin = np.abs(np.cos(turn)), np.abs(np.sin(turn))
        return w * cos + h * sin, w * sin + h * cos

    @property
    def span(self) -> float:
        return self.right - self.left

    def height(self, room: Room, lot: np.ndarray) -> float:
        """Anchor height: on the ground where the kind or the motion wants it, else up in the air."""
        if self.subject.motion in ("rises", "falls", "bounces") or not self.floats:
            return self.ground - self.bottom - (0.015 if self.subject.motion == "spins" else 0.0)
        lowest, highest = self.ground - 0.06 - self.bottom, room.top + 0.03 - self.top
        return min(lowest, highest + (lowest - highest) * (0.45 + 0.25 * lot[4]))

    def at(self, x: float, y: float, ground: float) -> Poses:
        move, mirrored = self.move, self.subject.motion == "moves left" and self.subject.kind in FACING
        wide, high = self.size * move.wide, self.size * move.high
        return Poses(x + move.x, y + move.y, wide, high, move.angle, mirrored, ground)


def _anchors(actors: list[_Actor], room: Room, lot: np.ndarray) -> list[Anchor] | None:
    """Anchors for all actors, or `None` when they are too big for the room."""
    if len(actors) < 2:
        return [
            Anchor(_between(actor, room, 0.25 + 0.5 * lot[7]), actor.height(room, lot), actor.ground)
            for actor in actors
        ]
    motions = {actor.subject.motion for actor in actors}
    crossing = motions == {"moves left", "moves right"}
    around = "circles" in motions and any(actor.sideways for actor in actors)
    return (_stacked if crossing or around else _abreast)(actors, room, lot)


def _between(actor: _Actor, room: Room, share: float) -> float:
    """Anchor x that leaves `share` of the free width to the left."""
    return room.left - actor.left + max(0.0, room.span - actor.span) * share


def _abreast(actors: list[_Actor], room: Room, lot: np.ndarray) -> list[Anchor] | None:
    """Side by side; two that move alike keep their distance, one that travels comes up to the other."""
    first, second = actors
    swap = lot[7] < 0.5
    if first.sideways != second.sideways:
        mover = first if first.sideways else second
        swap = (mover is first) == (mover.subject.motion == "moves left")
    left, right = (second, first) if swap else (first, second)
    alike = first.subject.motion == second.subject.motion and (first.sideways or first.floats)
    apart = left.half + right.half + GAP if alike else left.right - right.left + GAP
    slack = room.span - (apart - left.left + right.right)
    if slack < 0:
        return None
    start = room.left - left.left + slack * 0.4
    spots = {left: start, right: start + apart + slack * 0.2}
    return [Anchor(spots[actor], actor.height(room, lot), actor.ground) for actor in actors]


def _stacked(actors: list[_Actor], room: Room, lot: np.ndarray) -> list[Anchor] | None:
    """One nearer below, one further above; what circles or floats is above."""
    above, below = sorted(actors, key=lambda actor: (actor.subject.motion != "circles", not actor.floats))
    low = min(room.bottom, below.ground + 0.05)
    y_below = low - below.bottom
    roof = y_below + below.top - GAP * 0.8
    y_above = roof - above.bottom
    if y_above + above.top < room.top or max(above.span, below.span) > room.span:
        return None
    if above.floats:
        y_above -= 0.4 * (y_above + above.top - room.top)
    share = 0.3 + 0.4 * lot[7]
    spots = {
        above: Anchor(_between(above, room, share), y_above, above.ground if above.floats else roof),
        below: Anchor(_between(below, room, share), y_below, low),
    }
    return [spots[actor] for actor in actors]
