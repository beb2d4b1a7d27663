"""Hard defects of a clip, whatever it shows: black, scrambled, flickering, frozen and jumping frames.

Frames are `[T,H,W,3]` uint8 RGB. Every test gives a bool array `[T]`: which frames are hurt.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

SIDE = 96
"""Shorter side of the pictures that are looked at, in pixels."""


class Pulse(NamedTuple):
    """What the frames of a clip are like, one by one and beside their neighbours."""

    light: np.ndarray
    """`[T]` mean luma, 0..255."""
    brightest: np.ndarray
    """`[T]` 99.5th percentile of luma."""
    grain: np.ndarray
    """`[T]` mean absolute Laplacian: how much fine detail."""
    change: np.ndarray
    """`[T-1]` mean absolute difference of neighbours, 0..255."""
    coherence: np.ndarray
    """`[T-1]` correlation of neighbours, -1..1."""


def pulse(frames: np.ndarray) -> Pulse:
    """Measures every frame once, at small size."""
    import cv2

    height, width = frames.shape[1:3]
    scale = min(1.0, SIDE / min(height, width))
    size = (max(4, round(width * scale)), max(4, round(height * scale)))
    grey = np.stack(
        [cv2.resize(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA) for f in frames]
    ).astype(np.float32)
    return Pulse(
        light=grey.mean((1, 2)),
        brightest=np.percentile(grey, 99.5, axis=(1, 2)),
        grain=np.array([np.abs(cv2.Laplacian(picture, cv2.CV_32F)).mean() for picture in grey]),
        change=np.abs(np.diff(grey, axis=0)).mean((1, 2)),
        coherence=np.array([_correlation(a, b) for a, b in pairwise(grey)]),
    )


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / scale if scale > 1e-6 else 1.0


def black(clip: Pulse) -> np.ndarray:
    """Frames without any light."""
    return clip.brightest < 10


def corrupt(clip: Pulse) -> np.ndarray:
    """Frames that hang together with no neighbour and are full of detail that the clip has not: broken blocks."""
    if len(clip.light) < 4:
        return np.zeros(len(clip.light), bool)
    usual = np.percentile(clip.grain, 30)
    return (clip.grain > 1.6 * usual + 1.5) & (_best_neighbour(clip) < 0.75)


def _best_neighbour(clip: Pulse) -> np.ndarray:
    padded = np.concatenate([[-1.0], clip.coherence, [-1.0]])
    return np.maximum(padded[:-1], padded[1:])


def flicker(clip: Pulse) -> np.ndarray:
    """Frames in a run of brightness going to and fro: neighbouring changes of luma with opposite signs."""
    step = np.diff(clip.light)
    swing = np.zeros(len(clip.light), bool)
    swing[1:-1] = (np.sign(step[:-1]) != np.sign(step[1:])) & (np.minimum(np.abs(step[:-1]), np.abs(step[1:])) > 4)
    return swing if swing.sum() >= 2 else np.zeros_like(swing)


def frozen(clip: Pulse) -> np.ndarray:
    """Frames in runs that do not change at all, when they last for a quarter of the clip."""
    still = np.zeros(len(clip.light), bool)
    for first, last in spans(clip.change < 1e-3):
        if last - first + 1 >= max(2, 0.25 * len(clip.light) - 1):
            still[first : last + 2] = True
    return still


def jumps(clip: Pulse) -> np.ndarray:
    """Frames that begin another picture: a hard cut inside one take."""
    jump = np.zeros(len(clip.light), bool)
    if len(clip.change) >= 4:
        jump[1:] = (clip.coherence < 0.35) & (clip.change > 8 * np.median(clip.change) + 6)
    return jump


def spans(hurt: np.ndarray) -> list[tuple[int, int]]:
    """Runs of True as (first, last), both inclusive."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], hurt.astype(np.int8), [0]])))
    return [(int(first), int(end) - 1) for first, end in zip(edges[::2], edges[1::2], strict=True)]
