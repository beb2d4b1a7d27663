"""Development: what a look makes of a painted sheet, and the limit on how colorful scenery may be."""

from __future__ import annotations

import cv2
import numpy as np

from kinograph.film import TimeOfDay
from kinograph.tools.storyworld.light import rgb
from kinograph.tools.storyworld.scenery import Layer, Sheet

EXPOSURE: dict[TimeOfDay, float] = {"dawn": 0.97, "day": 1.05, "sunset": 0.88, "night": 1.0}
"""Of the noir look."""
PAPER, PEN = rgb(243, 236, 221), rgb(58, 50, 56)
CHROMA_LIMIT, CHROMA_LIMIT_CYAN = 38.0, 21.0
"""Largest CIELAB chroma of scenery: subjects have 73 and more, but cyan (hues 140 to 225 degrees) only 51."""


def finish(sheet: Sheet, rng: np.random.Generator, parallax: float, **motion: float) -> Layer:
    """The sheet as a layer, cropped to what is painted; `motion`: the fields of `Layer` from `drift` on."""
    picture = _develop(sheet, np.random.default_rng(int(rng.integers(2**32))))
    filled = np.flatnonzero(picture[..., 3].any(1))
    first, last = (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, 1)
    if motion.get("drift"):  # it repeats in both directions: keep a clear row between its foot and its top
        first, last = max(0, first - 1), min(len(picture), last + 1)
        picture[[first, last - 1]] = 0
    origin = (sheet.corner[0], sheet.corner[1] + first / sheet.stage.pixels)
    opaque = bool((picture[..., 3] == 255).all())
    picture = np.ascontiguousarray(picture[first:last])
    return Layer(picture, origin, sheet.stage.pixels, parallax, opaque, **motion)


def _develop(sheet: Sheet, rng: np.random.Generator) -> np.ndarray:
    """The sheet in its look, chroma limited, grainy: premultiplied RGBA, uint8 `[rows, columns, 4]`."""
    alpha, look = sheet.alpha, sheet.stage.look
    sheet.color /= np.maximum(alpha, 1 / 512)[..., None]
    grain = rng.standard_normal(alpha.shape, np.float32)
    match look:
        case "ink":
            color = limit_chroma(_ink(sheet, grain))
        case "neon":
            color, alpha = _neon(sheet)
            color = limit_chroma(color)
        case "noir":
            color = _noir(sheet.color, EXPOSURE[sheet.stage.time])
        case _:
            color = limit_chroma(sheet.color)
    color = color + (grain * (3.0 if look == "ink" else 1.3))[..., None]
    alpha = np.clip(alpha, 0, 1)[..., None]
    return np.concatenate([np.clip(color, 0, 255) * alpha, alpha * 255], -1).round().astype(np.uint8)


def limit_chroma(color: np.ndarray) -> np.ndarray:
    """Compress CIELAB chroma softly below the limit of its hue; sRGB 0–255 in and out."""
    lab = cv2.cvtColor(np.clip(color, 0, 255) / np.float32(255), cv2.COLOR_RGB2LAB)
    a, b = lab[..., 1], lab[..., 2]
    chroma = np.sqrt(a * a + b * b)
    with np.errstate(invalid="ignore", divide="ignore"):
        # How cyan the hue is: 1 around 182 degrees (b near 0, a negative), 0 from 45 degrees away on.
        cyan = np.clip((-a / np.maximum(chroma, 1e-3) - 0.70) / 0.2, 0, 1)
    limit = CHROMA_LIMIT + (CHROMA_LIMIT_CYAN - CHROMA_LIMIT) * cyan
    knee = 0.7 * limit
    over = np.maximum(chroma - knee, 0)
    squeezed = knee + (limit - knee) * (1 - np.exp(-over / (limit - knee)))
    scale = np.where(chroma > knee, squeezed / np.maximum(chroma, 1e-3), 1)
    lab[..., 1] *= scale
    lab[..., 2] *= scale
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255


def _gray(color: np.ndarray) -> np.ndarray:
    return color @ rgb(0.299, 0.587, 0.114)


def _ink(sheet: Sheet, grain: np.ndarray) -> np.ndarray:
    """Pale washes on paper, hatched where it is dark, with pen lines around things."""
    gray = _gray(sheet.color)
    wash = sheet.color * 0.76 + gray[..., None] * 0.24
    wash = PAPER * (0.25 + 0.77 * wash / 255)
    period = max(0.021, 4.0 / sheet.stage.pixels)
    hatch = np.clip(np.abs(((sheet.x + sheet.y) / period) % 1 - 0.5) * 6 - 1.9, 0, 1)
    wash = wash + (hatch * np.clip((185 - gray) / 120, 0, 1))[..., None] * 0.16 * (PEN - wash)
    lines = np.clip(sheet.lines * (0.85 + 0.12 * grain), 0, 0.9)
    return wash + lines[..., None] * (PEN - wash)


def _neon(sheet: Sheet) -> tuple[np.ndarray, np.ndarray]:
    """Everything dimmed, outlines lit and glowing."""
    gray = _gray(sheet.color)[..., None]
    dim = (sheet.color * 1.25 - gray * 0.25) * 0.28 + rgb(9, 3, 22)
    glow = cv2.GaussianBlur(sheet.lines, (0, 0), max(0.8, 0.018 * sheet.stage.pixels)) * 1.7
    light = np.clip(np.maximum(sheet.lines, 0.75 * glow), 0, 1)[..., None]
    return dim + light * (rgb(*sheet.stage.light.line) - dim) * 0.92, np.maximum(sheet.alpha, np.clip(glow, 0, 0.8))


def _noir(color: np.ndarray, exposure: float) -> np.ndarray:
    """Hard black and white."""
    tone = np.clip(_gray(color) / 255 * exposure, 0, 1)
    tone = tone * 0.1 + 0.9 * tone * tone * (3 - 2 * tone)
    return np.repeat((tone * 246 + 5)[..., None], 3, -1).astype(np.float32)
