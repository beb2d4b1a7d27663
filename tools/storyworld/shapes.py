"""Pictures of the kinds: antialiased drawings in a color and a look, sprites to be warped, and silhouettes.

Local coordinates are those of `kinds`: x right, y down, the kind's bounding box centred with its longer side
spanning [-0.5, 0.5]. Everything here is a pure function; the cached arrays are read-only.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from kinograph.tools.storyworld.kinds import SHAPES
from kinograph.tools.storyworld.world import Color, Kind, LookName

RGB: dict[Color, tuple[int, int, int]] = {
    "red": (228, 22, 42), "orange": (250, 130, 0), "yellow": (248, 212, 0), "green": (40, 175, 50),
    "cyan": (0, 228, 203), "blue": (0, 122, 252), "purple": (170, 50, 220), "pink": (255, 70, 165),
}  # fmt: skip
"""Body colors in sRGB; CIELAB hues 33, 62, 92, 139, 181, 287, 318, 353 degrees; chroma 73 to 95, cyan 51."""

TONES: dict[str, tuple[float, tuple[float, float, float]]] = {
    "body": (1.0, (0, 0, 0)), "shade": (0.79, (0, 0, 0)), "deep": (0.52, (0, 0, 0)),
    "light": (0.8, (0.2, 0.2, 0.2)),
    "pale": (0.0, (0.95, 0.94, 0.92)), "glass": (0.0, (0.80, 0.87, 0.92)), "ink": (0.0, (0.14, 0.13, 0.16)),
    "skin": (0.0, (0.90, 0.77, 0.68)), "cream": (0.0, (0.98, 0.91, 0.74)), "wood": (0.0, (0.42, 0.33, 0.27)),
}  # fmt: skip
"""Tone of a detail: factor of the body color, plus an sRGB color in [0, 1]."""

PAD = 1.36
"""Side of a sprite over the side of the kind's unit box: room for outline and glow."""


class Frame(NamedTuple):
    """Where a kind lies in the coordinates it was drawn in."""

    x: float
    y: float
    side: float
    width: float
    height: float
    """Width and height over the longer side, in (0, 1]."""


class Pen(NamedTuple):
    """How a look draws a subject."""

    width: float
    """Outline width in unit boxes."""
    dark: float
    """Outline brightness over the body's."""
    white: float
    """Share of white in the outline."""
    glow: float
    """Strength of the halo, 0 to 1."""


PENS: dict[LookName, Pen] = {
    "flat": Pen(0.024, 0.45, 0.0, 0.0),
    "ink": Pen(0.026, 0.24, 0.0, 0.0),
    "neon": Pen(0.03, 1.0, 0.16, 0.5),
    "noir": Pen(0.026, 0.22, 0.0, 0.0),
}


@cache
def frame_of(kind: Kind) -> Frame:
    """Bounding box of a kind as it is drawn, measured once on a fine grid."""
    axis = (np.arange(512) + 0.5) / 512 * 1.4 - 0.7
    inside = SHAPES[kind](*np.meshgrid(axis, axis)).body < 0
    xs, ys = axis[inside.any(0)], axis[inside.any(1)]
    width, height = float(xs[-1] - xs[0]), float(ys[-1] - ys[0])
    side = max(width, height)
    return Frame(float(xs[0] + xs[-1]) / 2, float(ys[0] + ys[-1]) / 2, side, width / side, height / side)


def _distances(kind: Kind, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, list[tuple[np.ndarray, str]]]:
    frame = frame_of(kind)
    drawing = SHAPES[kind](x * frame.side + frame.x, y * frame.side + frame.y)
    return drawing.body / frame.side, [(part / frame.side, tone) for part, tone in drawing.parts]


def draw(
    kind: Kind,
    rgb: tuple[float, float, float],
    x: np.ndarray,
    y: np.ndarray,
    look: LookName = "flat",
    *,
    pixel: float,
    into: Kind | None = None,
    amount: float = 0.0,
) -> np.ndarray:
    """RGBA, float in [0, 1], straight alpha, of shape `x.shape + (4,)`.

    `rgb` is 0–255; `pixel` is the size of one pixel in local units; `into` and `amount` in [0, 1] morph the
    silhouette towards another kind by interpolating the two distances.
    """
    pen = PENS[look]
    body, parts = _distances(kind, x, y)
    layers = [(part, tone, 1.0) for part, tone in parts]
    if into is not None and amount > 0:
        other, others = _distances(into, x, y)
        body = (1 - amount) * body + amount * other
        layers = [(part, tone, max(0.0, 1 - 2 * amount)) for part, tone in parts]
        layers += [(part, tone, max(0.0, 2 * amount - 1)) for part, tone in others]

    def cover(distance: np.ndarray) -> np.ndarray:
        return np.clip(0.5 - distance / pixel, 0, 1)

    base = np.asarray(rgb, np.float64) / 255
    light = 1.05 - 0.16 * np.clip(y + 0.5 + 0.3 * x, 0, 1)
    color = base * light[..., None]
    for distance, tone, strength in layers:
        factor, plus = TONES[tone]
        tint = base * light[..., None] * factor + np.asarray(plus)
        color += (cover(distance) * strength)[..., None] * (tint - color)
    line = cover(np.abs(body + pen.width / 2) - max(pen.width, 1.1 * pixel) / 2)
    edge = base * pen.dark + (1 - base) * pen.white
    color += line[..., None] * (edge - color)
    alpha = cover(body)
    if pen.glow:
        halo = (
            pen.glow
            * np.exp(-np.maximum(body, 0) / 0.045)
            * np.clip((PAD / 2 - np.maximum(np.abs(x), np.abs(y))) / 0.1, 0, 1)
        )
        color = np.where((alpha > 0)[..., None], color, base)
        alpha = alpha + (1 - alpha) * halo
    return np.concatenate([np.clip(color, 0, 1), alpha[..., None]], -1)


def local_grid(size: int, side: float = 1.0, angle: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Local x and y of the pixel centres of a `size` × `size` picture of a square of `side` local units.

    `angle` turns what is drawn clockwise, in degrees.
    """
    axis = ((np.arange(size) + 0.5) / size - 0.5) * side
    x, y = np.meshgrid(axis, axis)
    turn = np.radians(angle)
    return x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)


@lru_cache(maxsize=256)
def sprite(
    kind: Kind,
    rgb: tuple[float, float, float],
    look: LookName,
    size: int,
    into: Kind | None = None,
    amount: float = 0.0,
) -> np.ndarray:
    """Premultiplied RGBA of a square `PAD` wide: float32 `[size, size, 4]`, color 0–255, alpha in [0, 1]."""
    x, y = local_grid(size, PAD)
    rgba = draw(kind, rgb, x, y, look, pixel=PAD / size, into=into, amount=amount)
    picture = np.concatenate([rgba[..., :3] * rgba[..., 3:] * 255, rgba[..., 3:]], -1).astype(np.float32)
    picture.setflags(write=False)
    return picture


def silhouette(kind: Kind, size: int, angle: float = 0.0, into: Kind | None = None, amount: float = 0.0) -> np.ndarray:
    """Antialiased mask, float32 in [0, 1], `[size, size]`. The unit box fills it."""
    x, y = local_grid(size, 1.0, angle)
    return draw(kind, RGB["red"], x, y, pixel=1 / size, into=into, amount=amount)[..., 3].astype(np.float32)


def body(kind: Kind, size: int, angle: float = 0.0) -> np.ndarray:
    """Like `silhouette`, but only what has a tone of the body color: no eyes, panes, wheels, skin."""
    x, y = local_grid(size, 1.0, angle)
    distance, parts = _distances(kind, x, y)
    whole = mask = np.clip(0.5 - distance * size, 0, 1)
    for part, tone in parts:
        cover = np.clip(0.5 - part * size, 0, 1)
        mask = mask * (1 - cover) if TONES[tone][0] == 0 else np.maximum(mask, np.minimum(cover, whole))
    return mask.astype(np.float32)
