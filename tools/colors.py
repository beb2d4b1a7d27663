"""Colours as a validator sees them: CIELAB at a small size, named hues, and which pixels are vivid.

Frames are `[T,H,W,3]` uint8 RGB.
"""

from __future__ import annotations

from functools import cache

import numpy as np

SIDE = 144
"""Shorter side of the pictures that are looked at, in pixels: enough to tell shapes, quick to scan."""
VIVID = 0.56
"""Share of a named colour's own chroma from which a pixel is taken for a subject's."""

HUES: dict[str, tuple[float, float]] = {
    "red": (33.0, 88.0),
    "orange": (62.0, 83.0),
    "yellow": (92.0, 85.0),
    "green": (139.0, 73.0),
    "cyan": (181.0, 51.0),
    "blue": (287.0, 75.0),
    "purple": (318.0, 88.0),
    "pink": (353.0, 78.0),
}
"""Named colours: CIELAB hue in degrees and chroma of a vivid example."""


def scan_size(frames: np.ndarray) -> tuple[int, int]:
    """(width, height) that frames are looked at in."""
    height, width = frames.shape[1:3]
    scale = min(1.0, SIDE / min(height, width))
    return max(8, round(width * scale)), max(8, round(height * scale))


def to_lab(frames: np.ndarray) -> np.ndarray:
    """`[T,h,w,3]` float32 CIELAB at scan size."""
    import cv2

    size = scan_size(frames)
    small = [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames]
    return np.stack([cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for frame in small])


@cache
def _vivid_chroma() -> np.ndarray:
    """`[360]`: chroma of a vivid colour of every hue, between the named ones."""
    hues, chromas = zip(*sorted(HUES.values()), strict=True)
    around = np.concatenate([np.array(hues) - 360, hues, np.array(hues) + 360])
    return np.interp(np.arange(360), around, np.tile(chromas, 3)).astype(np.float32)


def vividness(lab: np.ndarray) -> np.ndarray:
    """Chroma over the chroma of a vivid colour of the same hue."""
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])).astype(np.int32) % 360
    return np.hypot(lab[..., 1], lab[..., 2]) / _vivid_chroma()[hue]


def hue_gap(one: np.ndarray | float, other: np.ndarray | float) -> np.ndarray:
    """Degrees between hues, 0..180."""
    return np.abs((np.asarray(one) - other + 180) % 360 - 180)


def name_of(hue: float) -> str:
    """The named colour nearest in hue."""
    return min(HUES, key=lambda name: float(hue_gap(HUES[name][0], hue)))


def mean_hue(colour: np.ndarray) -> float:
    """Hue in degrees of the mean of CIELAB colours `[N,3]`."""
    return float(np.degrees(np.arctan2(colour[:, 2].mean(), colour[:, 1].mean()))) % 360
