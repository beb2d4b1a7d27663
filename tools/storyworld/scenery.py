"""Sheets of scenery: canvases larger than the picture, painted once per clip and moved in every frame.

Lengths are in units of the picture's shorter side M, origin at the picture's top left corner, y down, as in
`staging`; colors are sRGB triples 0–255.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import cv2
import numpy as np

from kinograph.film import TimeOfDay
from kinograph.tools.storyworld.light import RGB, Light
from kinograph.tools.storyworld.world import LookName

Points = Iterable[tuple[float, float]] | np.ndarray

MARGIN_X, MARGIN_Y = 0.135, 0.10
"""What a sheet shows beyond each edge of the picture, over its width and height: room for pan and tilt."""


class Stage(NamedTuple):
    """What all sheets of a clip share."""

    width: float
    """Of the picture, in M."""
    height: float
    pixels: float
    """Sheet pixels per M."""
    light: Light
    time: TimeOfDay
    look: LookName


class Sheet:
    """A canvas under the brush. `finish` turns it into a `Layer`."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.left, self.right = -MARGIN_X * stage.width, (1 + MARGIN_X) * stage.width
        self.top, self.bottom = -MARGIN_Y * stage.height, (1 + MARGIN_Y) * stage.height
        # Whole pixels beyond each edge, so that a camera at rest needs no resampling.
        side, over = math.ceil(-self.left * stage.pixels), math.ceil(-self.top * stage.pixels)
        self.columns = math.ceil(stage.width * stage.pixels) + 2 * side
        self.rows = math.ceil(stage.height * stage.pixels) + 2 * over
        self.corner = (-side / stage.pixels, -over / stage.pixels)
        self.x = ((np.arange(self.columns, dtype=np.float32) + 0.5 - side) / stage.pixels)[None, :]
        self.y = ((np.arange(self.rows, dtype=np.float32) + 0.5 - over) / stage.pixels)[:, None]
        self.color = np.zeros((self.rows, self.columns, 3), np.float32)
        """Premultiplied by `alpha`."""
        self.alpha = np.zeros((self.rows, self.columns), np.float32)
        self.lines = np.zeros((self.rows, self.columns), np.float32)

    # -- masks: uint8 [rows, columns]

    def polygons(self, shapes: Iterable[Points]) -> np.ndarray:
        mask = np.zeros((self.rows, self.columns), np.uint8)
        for points in shapes:
            cv2.fillPoly(mask, [self._fixed(points)], 255, cv2.LINE_AA, 4)
        return mask

    def discs(self, spots: Iterable[tuple[float, float, float, float]]) -> np.ndarray:
        """Ellipses (x, y, half width, half height)."""
        turn = np.linspace(0, 2 * np.pi, 33)[:-1]
        circle = np.stack([np.cos(turn), np.sin(turn)], 1)
        return self.polygons(np.asarray((x, y)) + circle * (rx, ry) for x, y, rx, ry in spots)

    def strokes(self, lines: Iterable[tuple[float, float, float, float, float]]) -> np.ndarray:
        """Tapering blades (x, y, to x, to y, width at the foot)."""
        return self.polygons([(x - w / 2, y), (tx, ty), (x + w / 2, y)] for x, y, tx, ty, w in lines)

    def below(self, profile: np.ndarray) -> np.ndarray:
        """Everything under a skyline: `profile` gives y at each column."""
        edge = np.stack([self.x[0], profile], 1)
        return self.polygons(
            [
                [
                    (self.left - 1, self.bottom + 1),
                    (self.left - 1, profile[0]),
                    *edge,
                    (self.right + 1, profile[-1]),
                    (self.right + 1, self.bottom + 1),
                ]
            ]
        )

    def _fixed(self, points: Points) -> np.ndarray:
        spots = np.asarray(list(points) if not isinstance(points, np.ndarray) else points, np.float64)
        spots = (spots - self.corner) * self.stage.pixels - 0.5
        return np.round(spots * 16).astype(np.int32)

    # -- paint

    def vertical(self, *stops: tuple[float, RGB]) -> np.ndarray:
        """A gradient `[rows, 1, 3]` through (y, color) stops."""
        at, colors = [y for y, _ in stops], np.asarray([color for _, color in stops], np.float32)
        return np.stack([np.interp(self.y[:, 0], at, colors[:, i]) for i in range(3)], -1)[:, None].astype(np.float32)

    def fill(self, mask: np.ndarray, color: RGB, strength: float = 1.0, outline: bool = False) -> None:
        """Lay `color` (a triple, `[rows, 1, 3]` or `[rows, columns, 3]`) over the sheet where `mask` is."""
        seen = mask if mask.dtype == np.uint8 else (mask > 1 / 255).astype(np.uint8)
        x, y, w, h = cv2.boundingRect(seen)
        if not w:
            return
        box = (slice(y, y + h), slice(x, x + w))
        cover = mask[box].astype(np.float32) * (strength / 255 if mask.dtype == np.uint8 else strength)
        paint = np.asarray(color, np.float32)
        if paint.ndim == 3:
            paint = paint[y : y + h, x : x + w] if paint.shape[1] > 1 else paint[y : y + h]
        self.color[box] += cover[..., None] * (paint - self.color[box])
        self.alpha[box] += cover * (1 - self.alpha[box])
        if self.stage.look in ("ink", "neon"):
            self.lines[box] *= 1 - cover
            if outline and mask.dtype == np.uint8:
                self._outline(mask)

    def _outline(self, mask: np.ndarray) -> None:
        width = max(1, round((0.0045 if self.stage.look == "ink" else 0.006) * self.stage.pixels))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
        padded = cv2.copyMakeBorder(mask, width, width, width, width, cv2.BORDER_REPLICATE)
        inner = cv2.erode(padded, kernel)[width:-width, width:-width]
        np.maximum(self.lines, (mask.astype(np.float32) - inner) / 255, out=self.lines)

    def texture(self, grain: np.ndarray, amount: float) -> None:
        """Lighten and darken what is painted: `grain` `[rows, columns]` around 0, `amount` in color steps."""
        self.color += (grain * amount * self.alpha)[..., None]

    def noise(self, rng: np.random.Generator, wide: float, high: float) -> np.ndarray:
        """Smooth noise, about unit variance, with blobs of `wide` × `high` M."""
        columns = max(2, int((self.right - self.left) / wide) + 2)
        rows = max(2, int((self.bottom - self.top) / high) + 2)
        coarse = rng.standard_normal((rows, columns)).astype(np.float32)
        return cv2.resize(coarse, (self.columns, self.rows), interpolation=cv2.INTER_CUBIC)

    def ridge(self, rng: np.random.Generator, base: float, swing: float, length: float, octaves: int = 4) -> np.ndarray:
        """A skyline `[columns]`: height `base` less rolling hills of `swing` high and `length` long (M)."""
        profile = np.zeros(self.columns, np.float32)
        for octave in range(octaves):
            wave = 2.0**octave / length
            profile += np.sin(2 * np.pi * (self.x[0] * wave * rng.uniform(0.8, 1.2) + rng.random())) / 2.2**octave
        return base - swing * 0.5 * profile

    def scatter(self, rng: np.random.Generator, per_area: float, top: float, bottom: float) -> np.ndarray:
        """Random spots `[n, 2]` between two heights, far ones first."""
        count = max(1, int(per_area * (self.right - self.left) * max(0.0, bottom - top)))
        spots = np.stack([rng.uniform(self.left, self.right, count), rng.uniform(top, bottom, count)], 1)
        return spots[np.argsort(spots[:, 1])]


class Layer(NamedTuple):
    """A finished sheet and how it moves by itself."""

    picture: np.ndarray
    """Premultiplied RGBA, uint8 `[rows, columns, 4]`."""
    origin: tuple[float, float]
    """World position of its top left corner, in M."""
    pixels: float
    """Per M."""
    parallax: float
    """How much of the camera's travel it follows: 1 at the subjects, less when further away."""
    opaque: bool
    drift: float = 0.0
    """M per second to the right; a drifting layer repeats endlessly."""
    sway: float = 0.0
    """Amplitude of a sideways swing, in M."""
    heave: float = 0.0
    """Amplitude of an up and down swing, in M."""
    shear: float = 0.0
    """Amplitude of a leaning in the wind: M sideways per M of height above `foot`."""
    foot: float = 0.0
    rate: float = 0.3
    """Swings per second."""
    phase: float = 0.0


class Motes(NamedTuple):
    """Small moving lights: flakes, glints, seeds, stars. Arrays `[n]` unless said otherwise; lengths in M."""

    x: np.ndarray
    y: np.ndarray
    box: tuple[float, float, float, float]
    """Left, top, right, bottom: what leaves at one side comes back at the other."""
    radius: np.ndarray
    color: np.ndarray
    """`[3]`."""
    strength: np.ndarray
    phase: np.ndarray
    velocity: tuple[float, float] = (0.0, 0.0)
    """M per second."""
    wobble: float = 0.0
    twinkle: float = 0.0
    """Depth of the brightness swing, 0 to 1."""
    rate: float = 0.5
    stretch: float = 1.0
    """Width over height."""
    parallax: float = 1.0
    above: int = 99
    """How many of the layers lie below them."""


class Backdrop(NamedTuple):
    """The whole scenery of a clip, far to near."""

    layers: tuple[Layer, ...]
    motes: tuple[Motes, ...]


Place = Callable[[Stage, np.random.Generator], Backdrop]
