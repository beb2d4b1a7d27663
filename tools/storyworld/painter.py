"""The painter: a world becomes frames and the exact truth about them."""

from __future__ import annotations

import colorsys
import math
from typing import NamedTuple, cast

import cv2
import numpy as np

from kinograph.film import Noun
from kinograph.tools.storyworld import compositing
from kinograph.tools.storyworld.faults import AMOUNTS, Fault, as_drawn, damage, way
from kinograph.tools.storyworld.light import LIGHTS
from kinograph.tools.storyworld.motion import ZOOM, view_of
from kinograph.tools.storyworld.places import PLACES
from kinograph.tools.storyworld.scenery import Backdrop, Stage
from kinograph.tools.storyworld.shapes import PAD, RGB, frame_of, sprite
from kinograph.tools.storyworld.staging import Poses, stage
from kinograph.tools.storyworld.world import SETTINGS, Color, Kind, LookName, Subject, World


class Seen(Noun):
    """One subject in one frame, as drawn. Screen coordinates: x over the width, y over the height."""

    x: float
    """Centre of the kind's unit box; outside [0, 1] when it has left the picture."""
    y: float
    box: tuple[float, float, float, float]
    """Left, top, right, bottom of what is in the picture; zeros when nothing is."""
    visible: float
    """Share of the silhouette inside the picture, 0 to 1."""
    size: float
    """Longer side of the undistorted silhouette over the picture's shorter side."""
    angle: float
    """Clockwise, in degrees."""
    kind: Kind
    """While a shape drifts: the nearer of the two."""
    color: Color


class Moment(NamedTuple):
    """One frame of the truth."""

    subjects: tuple[Seen, ...]
    """In the order of the world's subjects."""
    camera_x: float
    """Centre of the camera's window less the centre at rest, over the picture's width, to the right."""
    camera_y: float
    """The same over the height, downwards."""
    zoom: float


class Truth(Noun):
    """What a clip really shows."""

    world: World
    """As drawn: wrong kinds, colors and motions are in the place of those asked for."""
    asked: World
    seed: int
    moments: tuple[Moment, ...]
    faults: tuple[Fault, ...] = ()


class Painting(NamedTuple):
    """A clip with its truth."""

    frames: np.ndarray
    """uint8 RGB `[T, H, W, 3]`."""
    truth: Truth


def paint(
    world: World, *, frames: int, width: int, height: int, fps: int, seed: int, faults: tuple[Fault, ...] = (),
    backdrop: Backdrop | None = None,
) -> Painting:  # fmt: skip
    """Paint `frames` ≥ 1 frames of `width` × `height` ≥ 16 pixels; equal arguments give equal bytes.

    `backdrop` saves making one, when `backdrop_of` has made it for a clip like this one.
    """
    if frames < 1 or min(width, height) < 16 or fps < 1:
        raise ValueError(f"{frames} frames of {width}×{height} at {fps} fps; at least 1 frame, 16 pixels a side, 1 fps")
    drawn = as_drawn(world, faults)
    short = min(width, height)
    wide, high = width / short, height / short
    view = view_of(drawn.camera, frames)
    actors = _actors(drawn, frames, frames / fps, wide, high, seed, faults)
    if backdrop is None or (drawn.setting, drawn.time) != (world.setting, world.time):
        backdrop = backdrop_of(drawn, width, height, seed)
    beside = _beside(drawn, width, height, seed, faults)
    dark = compositing.vignette(width, height) if drawn.look == "noir" else None
    order = sorted(range(len(actors)), key=lambda i: actors[i].ground)
    pictures = np.empty((frames, height, width, 3), np.uint8)
    canvas = np.full((height, width, 4), 255, np.uint8)
    moments = []
    for t in range(frames):
        lens = compositing.Lens(wide, high, short, view.x[t] * wide, view.y[t] * high, float(view.zoom[t]))
        compositing.scenery(canvas, backdrop, lens, t / fps)
        if beside is not None and t >= beside.first:
            other = np.full_like(canvas, 255)
            compositing.scenery(other, beside.backdrop, lens, t / fps)
            cv2.addWeighted(other, beside.amount, canvas, 1 - beside.amount, 0, canvas)
        if dark is not None:
            cv2.multiply(canvas, dark, canvas, scale=1 / 255)
        seen = {i: _subject(canvas, drawn, i, actors[i], t, lens, faults) for i in order}
        pictures[t] = canvas[..., :3]
        moments.append(
            Moment(tuple(seen[i] for i in range(len(actors))), float(view.x[t]), float(view.y[t]), lens.zoom)
        )
    for fault in faults:
        if fault.kind == "frozen":
            moments[fault.first : fault.last + 1] = [moments[fault.first]] * (fault.last + 1 - fault.first)
        damage(pictures, fault, seed)
    return Painting(pictures, Truth(world=drawn, asked=world, seed=seed, moments=tuple(moments), faults=faults))


def _actors(
    world: World, frames: int, seconds: float, wide: float, high: float, seed: int, faults: tuple[Fault, ...]
) -> tuple[Poses, ...]:
    """Where everybody is; who moves wrongly in part is between two paths."""
    actors = list(stage(world, frames, seconds, wide, high, seed))
    for fault in faults:
        if fault.kind == "wrong motion" and fault.severity != "gross" and fault.subject is not None:
            subjects = list(world.subjects)
            subjects[fault.subject] = subjects[fault.subject].changed(motion=fault.to)
            wrong = stage(world.changed(subjects=tuple(subjects)), frames, seconds, wide, high, seed)[fault.subject]
            right, share = actors[fault.subject], fault.amount
            mixed = [(1 - share) * one + share * other for one, other in zip(right[:5], wrong[:5], strict=True)]
            actors[fault.subject] = Poses(*mixed, mirrored=right.mirrored, ground=right.ground)
    return tuple(actors)


class Beside(NamedTuple):
    """Another scenery that is seen through the true one, or in its place."""

    backdrop: Backdrop
    first: int
    amount: float


def _beside(world: World, width: int, height: int, seed: int, faults: tuple[Fault, ...]) -> Beside | None:
    for fault in faults:
        if fault.kind == "jump" and fault.severity != "mild":
            place = world.changed(setting=fault.to or world.setting)
            return Beside(backdrop_of(place, width, height, seed + 1), fault.first, 1.0)
        if fault.kind in ("wrong setting", "wrong time") and fault.severity != "gross":
            place = world.changed(**{fault.kind.removeprefix("wrong "): fault.to})
            return Beside(backdrop_of(place, width, height, seed), fault.first, fault.amount)
    return None


def backdrop_of(world: World, width: int, height: int, seed: int) -> Backdrop:
    """The scenery depends on the place, the light, the look, the camera and the seed, not on who plays in it."""
    short = min(width, height)
    wide, high = width / short, height / short
    density = 1.3 if world.camera in ("zoom in", "zoom out") else 1.0
    paper = Stage(wide, high, short * density, LIGHTS[world.time], world.time, world.look)
    backdrop = PLACES[world.setting](paper, np.random.default_rng([seed, SETTINGS.index(world.setting)]))
    if world.look != "noir":
        return backdrop
    return backdrop._replace(
        motes=tuple(m._replace(color=np.full(3, m.color.mean(), np.float32)) for m in backdrop.motes)
    )


def _subject(
    canvas: np.ndarray,
    world: World,
    index: int,
    poses: Poses,
    t: int,
    lens: compositing.Lens,
    faults: tuple[Fault, ...],
) -> Seen:
    """Draw one subject with its shadow into the frame and tell where it is."""
    subject, shape = world.subjects[index], frame_of(world.subjects[index].kind)
    height, width = canvas.shape[:2]
    dress = _dress(subject, index, t, faults)
    kind, color = dress.kind, dress.color
    x, y = lens.screen(float(poses.x[t]), float(poses.y[t]))
    if dress.gone:
        return Seen(x=x / width, y=y / height, box=(0, 0, 0, 0), visible=0, size=0, angle=0, kind=kind, color=color)
    largest = max(poses.wide.max(), poses.high.max()) * lens.pixels * ZOOM
    scale = max(poses.wide[t], poses.high[t]) * lens.scale * dress.scale
    size = min(1024, math.ceil(largest * PAD * 1.1))
    if scale < 0.6 * largest:
        size = math.ceil(size * 0.5)
    picture = sprite(subject.kind, dress.rgb, world.look, max(24, size), dress.into, dress.amount)
    _shadow(canvas, world.look, poses, t, shape.width, shape.height, lens)
    cut = compositing.place(
        canvas,
        picture,
        x,
        y,
        poses.wide[t] * lens.scale * dress.scale,
        poses.high[t] * lens.scale * dress.scale,
        float(poses.angle[t]),
        poses.mirrored,
    )
    left, top, right, bottom = cut.box
    return Seen(
        x=x / width, y=y / height, box=(left / width, top / height, right / width, bottom / height),
        visible=cut.visible, size=scale / lens.pixels, angle=float(poses.angle[t]) % 360,
        kind=kind, color=color,
    )  # fmt: skip


class Dress(NamedTuple):
    """What a subject looks like in one frame."""

    kind: Kind
    """The nearer of the two that it is between."""
    color: Color
    rgb: tuple[float, float, float]
    into: Kind | None = None
    amount: float = 0.0
    """How far its silhouette has gone into the other kind's."""
    scale: float = 1.0
    gone: bool = False


def _dress(subject: Subject, index: int, t: int, faults: tuple[Fault, ...]) -> Dress:
    dress = Dress(subject.kind, subject.color, RGB[subject.color])
    for fault in faults:
        if fault.subject == index and fault.first <= t <= fault.last:
            dress = _spoilt(dress, fault, t)
    return dress


def _spoilt(dress: Dress, fault: Fault, t: int) -> Dress:
    drift = (t - fault.first) / max(1, fault.last - fault.first)
    drift = round(drift * drift * (3 - 2 * drift) * 32) / 32
    match fault.kind:
        case "dropped":
            return dress._replace(gone=True)
        case "color drift":
            return _colored(dress, fault.to, fault.amount, drift)
        case "wrong color" if fault.severity != "gross":
            return _colored(dress, fault.to, fault.amount, 1.0)
        case "shape drift":
            return _morphed(dress, fault.to, drift * fault.amount)
        case "wrong subject" if fault.severity != "gross":
            return _morphed(dress, fault.to, fault.amount)
        case "size drift":
            return dress._replace(scale=fault.amount ** (drift if fault.to == "larger" else -drift))
        case "identity swap":
            color, kind = fault.to.split()
            degrees, amount = (AMOUNTS[part][fault.severity] for part in ("color drift", "shape drift"))
            return _morphed(_colored(dress, color, degrees, 1.0), kind, amount)
        case _:
            return dress


def _colored(dress: Dress, to: str, degrees: float, part: float) -> Dress:
    """So many degrees of hue towards another color, or as far as it has come of them."""
    other = cast(Color, to)
    part *= way(dress.color, other, degrees)
    rgb = _between(RGB[dress.color], RGB[other], part)
    return dress._replace(rgb=rgb, color=other if part > 0.5 else dress.color)


def _morphed(dress: Dress, to: str, amount: float) -> Dress:
    into = cast(Kind, to)
    return dress._replace(into=into, amount=amount, kind=into if amount > 0.5 else dress.kind)


def _shadow(
    canvas: np.ndarray, look: LookName, poses: Poses, t: int, wide: float, high: float, lens: compositing.Lens
) -> None:
    """The contact shadow: fainter and wider the higher the subject hovers."""
    turn = math.radians(float(poses.angle[t]))
    half = abs(high * poses.high[t] * math.cos(turn)) / 2 + abs(wide * poses.wide[t] * math.sin(turn)) / 2
    across = abs(wide * poses.wide[t] * math.cos(turn)) + abs(high * poses.high[t] * math.sin(turn))
    lift = max(0.0, poses.ground - float(poses.y[t]) - half)
    strength = (0.62 if look != "neon" else 0.75) * math.exp(-lift / 0.16)
    x, y = lens.screen(float(poses.x[t]), poses.ground)
    spread = across * (1.0 + 0.5 * lift) * lens.scale
    compositing.shadow(canvas, x, y, spread * 1.15, max(2.0, spread * 0.2), strength)


def _between(a: tuple[float, float, float], b: tuple[float, float, float], amount: float) -> tuple[float, float, float]:
    """A vivid color between two: hue the shorter way round, saturation and value straight."""
    (h0, s0, v0), (h1, s1, v1) = (colorsys.rgb_to_hsv(*(part / 255 for part in rgb)) for rgb in (a, b))
    hue = h0 + ((h1 - h0 + 0.5) % 1 - 0.5) * amount
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, s0 + (s1 - s0) * amount, v0 + (v1 - v0) * amount)
    return red * 255, green * 255, blue * 255
