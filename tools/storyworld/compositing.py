"""Compositing: layers, sprites and small lights brought onto one frame, as the camera sees them."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from kinograph.tools.storyworld.scenery import Backdrop, Layer, Motes
from kinograph.tools.storyworld.shapes import PAD


class Lens(NamedTuple):
    """The camera in one frame. Lengths in M, the picture's shorter side."""

    width: float
    height: float
    pixels: int
    """Per M."""
    x: float
    """Window centre less picture centre, in M."""
    y: float
    zoom: float

    @property
    def scale(self) -> float:
        return self.zoom * self.pixels

    def screen(self, x: np.ndarray | float, y: np.ndarray | float, parallax: float = 1.0) -> tuple:
        """Pixel coordinates (pixel centres at halves) of a world point."""
        return (
            (x - self.width / 2 - self.x * parallax) * self.scale + self.width / 2 * self.pixels,
            (y - self.height / 2 - self.y * parallax) * self.scale + self.height / 2 * self.pixels,
        )


def scenery(frame: np.ndarray, backdrop: Backdrop, lens: Lens, clock: float) -> None:
    """Paint the whole backdrop at `clock` seconds over `frame`, uint8 RGBA `[H, W, 4]`."""
    for depth, layer in enumerate(backdrop.layers, 1):
        _layer(frame, layer, lens, clock)
        for motes in backdrop.motes:
            if min(motes.above, len(backdrop.layers)) == depth:
                _motes(frame, motes, lens, clock)


def _layer(frame: np.ndarray, layer: Layer, lens: Lens, clock: float) -> None:
    swing = math.sin(2 * math.pi * (layer.rate * clock + layer.phase))
    shear = layer.shear * swing
    dx = layer.drift * clock + layer.sway * swing
    dy = layer.heave * math.sin(2 * math.pi * (layer.rate * clock + layer.phase + 0.25)) if layer.heave else 0.0
    k = lens.scale / layer.pixels
    x0, y0 = layer.origin[0] + 0.5 / layer.pixels + dx, layer.origin[1] + 0.5 / layer.pixels + dy
    tx, ty = lens.screen(x0 + shear * (layer.foot - y0), y0, layer.parallax)
    tx, ty = tx - 0.5, ty - 0.5
    rows = layer.picture.shape[0]
    top, bottom = max(0, math.floor(ty - k)), min(frame.shape[0], math.ceil(ty + k * rows + k))
    if bottom <= top:
        return
    size = (frame.shape[1], bottom - top)
    matrix = np.array([[k, -shear * k, tx], [0, k, ty - top]])
    resting = abs(k - 1) < 1e-9 and not shear and abs(tx - round(tx)) < 1e-6 and abs(ty - round(ty)) < 1e-6
    if resting and top >= round(ty) and bottom <= round(ty) + rows:
        seen = layer.picture[top - round(ty) : bottom - round(ty), -round(tx) : size[0] - round(tx)]
    else:
        border = cv2.BORDER_WRAP if layer.drift else cv2.BORDER_REPLICATE if layer.opaque else cv2.BORDER_CONSTANT
        seen = cv2.warpAffine(layer.picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border)
    if layer.opaque:
        frame[top:bottom] = seen
    else:
        veil = cv2.merge([255 - seen[..., 3]] * 4)
        frame[top:bottom] = cv2.add(cv2.multiply(frame[top:bottom], veil, scale=1 / 255), seen)


def _motes(frame: np.ndarray, motes: Motes, lens: Lens, clock: float) -> None:
    turn = 2 * np.pi * (motes.rate * clock + motes.phase)
    left, top, right, bottom = motes.box
    x = left + (motes.x + motes.velocity[0] * clock - left) % (right - left) + motes.wobble * np.sin(turn)
    y = top + (motes.y + motes.velocity[1] * clock - top) % (bottom - top) + 0.5 * motes.wobble * np.cos(turn)
    px, py = lens.screen(x, y, motes.parallax)
    radius = motes.radius * lens.scale
    strength = motes.strength * (1 - motes.twinkle * (0.5 + 0.5 * np.sin(turn))) * np.clip((radius / 0.6) ** 2, 0.2, 1)
    radius = np.maximum(radius, 0.6)
    reach = math.ceil(float(radius.max()) * 1.7 * motes.stretch)
    inside = (px > -reach) & (px < frame.shape[1] + reach) & (py > -reach) & (py < frame.shape[0] + reach)
    px, py, radius, strength = (part[inside, None, None] for part in (px, py, radius, strength))
    near = np.arange(-reach, reach + 1)
    column, row = (
        np.floor(px).astype(int) + near[None, None, :],
        np.floor(py).astype(int) + near[None, :, None],
    )
    distance = ((column + 0.5 - px) / motes.stretch) ** 2 + (row + 0.5 - py) ** 2
    cover = strength * np.exp(-1.4 * distance / radius**2)
    column, row = np.broadcast_to(column, cover.shape), np.broadcast_to(row, cover.shape)
    seen = (cover > 0.02) & (column >= 0) & (column < frame.shape[1]) & (row >= 0) & (row < frame.shape[0])
    row, column, cover = row[seen], column[seen], cover[seen][:, None].astype(np.float32)
    under = frame[row, column, :3]
    frame[row, column, :3] = under + cover * (motes.color - under) + 0.5


class Cut(NamedTuple):
    """What a sprite covered."""

    box: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels, inside the picture."""
    visible: float
    """Share of the silhouette that is inside the picture, 0 to 1."""


def place(
    frame: np.ndarray,
    picture: np.ndarray,
    x: float,
    y: float,
    wide: float,
    high: float,
    angle: float,
    mirrored: bool,
) -> Cut:
    """Paint a sprite over `frame`: its unit box `wide` × `high` pixels, centred at pixel (x, y).

    `angle` turns it clockwise, in degrees.
    """
    turn, flip = math.radians(angle), -1 if mirrored else 1
    step = PAD / picture.shape[0]
    axes = (
        np.array(
            [
                [math.cos(turn) * wide * flip, -math.sin(turn) * high],
                [math.sin(turn) * wide * flip, math.cos(turn) * high],
            ]
        )
        * step
    )
    half = np.abs(axes).sum(1) * picture.shape[0] / 2
    left, top = math.floor(x - half[0]), math.floor(y - half[1])
    size = (math.ceil(x + half[0]) - left + 1, math.ceil(y + half[1]) - top + 1)
    middle = picture.shape[0] / 2 - 0.5
    shift = np.array([x - left - 0.5, y - top - 0.5]) - axes @ [middle, middle]
    seen = cv2.warpAffine(picture, np.column_stack([axes, shift]), size, flags=cv2.INTER_LINEAR)
    x0, y0 = max(0, -left), max(0, -top)
    x1, y1 = min(size[0], frame.shape[1] - left), min(size[1], frame.shape[0] - top)
    if x1 <= x0 or y1 <= y0:
        return Cut((0, 0, 0, 0), 0.0)
    inside = seen[y0:y1, x0:x1]
    target = frame[top + y0 : top + y1, left + x0 : left + x1, :3]
    target[:] = target * (1 - inside[..., 3:]) + inside[..., :3] + 0.5
    solid = inside[..., 3] > 0.55
    columns, rows = np.flatnonzero(solid.any(0)), np.flatnonzero(solid.any(1))
    if not len(columns):
        return Cut((0, 0, 0, 0), 0.0)
    box = (left + x0 + columns[0], top + y0 + rows[0], left + x0 + columns[-1] + 1, top + y0 + rows[-1] + 1)
    a, b, c, d = map(float, box)
    return Cut((a, b, c, d), float(inside[..., 3].sum() / seen[..., 3].sum()))


@lru_cache(maxsize=1)
def _soft_disc() -> np.ndarray:
    axis = np.linspace(-1, 1, 64, dtype=np.float32)
    return np.clip(1 - np.hypot(axis[None], axis[:, None]), 0, 1) ** 0.8


def shadow(frame: np.ndarray, x: float, y: float, wide: float, high: float, strength: float) -> None:
    """A soft dark ellipse, `wide` × `high` pixels, centred at pixel (x, y)."""
    left, top, right, bottom = (
        math.floor(x - wide / 2),
        math.floor(y - high / 2),
        math.ceil(x + wide / 2),
        math.ceil(y + high / 2),
    )
    x0, y0, x1, y1 = max(0, left), max(0, top), min(frame.shape[1], right), min(frame.shape[0], bottom)
    if x1 <= x0 or y1 <= y0 or strength < 0.01:
        return
    kx, ky = wide / 64, high / 64
    matrix = np.array([[kx, 0, x - wide / 2 - x0 + kx / 2 - 0.5], [0, ky, y - high / 2 - y0 + ky / 2 - 0.5]])
    dark = cv2.warpAffine(_soft_disc(), matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
    target = frame[y0:y1, x0:x1, :3]
    target[:] = target * (1 - strength * dark[..., None]) + 0.5


def vignette(width: int, height: int) -> np.ndarray:
    """Factor 0–255 that darkens the corners, uint8 `[height, width, 4]`."""
    x, y = (np.arange(width) + 0.5) / width * 2 - 1, (np.arange(height) + 0.5) / height * 2 - 1
    distance = np.sqrt(x[None] ** 2 * 0.9 + y[:, None] ** 2 * 0.9)
    factor = 255 * np.clip(1.08 - 0.42 * distance**2.2, 0.25, 1)
    return np.repeat(factor[..., None], 4, -1).astype(np.uint8)
