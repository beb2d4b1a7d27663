"""Hard defects of a clip, whatever it shows: black, scrambled, flickering, frozen and jumping frames.

Frames are `[T,H,W,3]` uint8 RGB. Every test gives a float array `[T]`: how much of the defect is in each frame, 0 where
there is none. How much is too much is for others to say.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

SIDE = 96
"""Shorter side of the pictures that are looked at, in pixels."""
CELL = 8
"""Pixels a side of the cells that they are cut into."""


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
    gain: np.ndarray
    """`[T-1]` log of how much brighter the next frame is, in most of its cells."""
    moved: np.ndarray
    """`[T-1,cells]` mean absolute difference of neighbours in each cell, 0..255, changes of light taken out."""
    later: np.ndarray
    """`[T-2,cells]` the same of frames that are two apart."""


def pulse(frames: np.ndarray) -> Pulse:
    """Measures every frame once, at small size."""
    import cv2

    height, width = frames.shape[1:3]
    scale = min(1.0, SIDE / min(height, width))
    size = (max(4, round(width * scale)), max(4, round(height * scale)))
    grey = np.stack(
        [cv2.resize(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA) for f in frames]
    ).astype(np.float32)
    across, down = max(1, size[0] // CELL), max(1, size[1] // CELL)
    light = np.log(np.stack([cv2.resize(p, (across, down), interpolation=cv2.INTER_AREA) for p in grey]) + 4)

    def gap(apart: int) -> tuple[np.ndarray, np.ndarray]:
        gains = np.median((light[apart:] - light[:-apart]).reshape(-1, across * down), axis=1)
        gaps = [
            cv2.resize(np.abs(after - before * np.exp(gain)), (across, down), interpolation=cv2.INTER_AREA).ravel()
            for before, after, gain in zip(grey[:-apart], grey[apart:], gains.tolist(), strict=True)
        ]
        return gains, np.array(gaps).reshape(len(gaps), across * down)

    gain, moved = gap(1)
    return Pulse(
        light=grey.mean((1, 2)),
        brightest=np.percentile(grey, 99.5, axis=(1, 2)),
        grain=np.array([np.abs(cv2.Laplacian(picture, cv2.CV_32F)).mean() for picture in grey]),
        change=np.abs(np.diff(grey, axis=0)).mean((1, 2)),
        coherence=np.array([_correlation(a, b) for a, b in pairwise(grey)]),
        gain=gain,
        moved=moved,
        later=gap(2)[1],
    )


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / scale if scale > 1e-6 else 1.0


def darkness(clip: Pulse) -> np.ndarray:
    """Share of the light that is missing in a frame, beside the clip's usual light and at least a dim one."""
    return np.clip(1 - clip.brightest / max(40.0, float(np.median(clip.brightest))), 0, 1)


def scramble(clip: Pulse) -> np.ndarray:
    """How far a frame is broken: geometric mean of the share of its cells that are like neither neighbour, beyond what
    the clip's own movement does, and of how much more fine detail it has than the clip's plainest frames.

    Either alone is fooled: cells by what moves fast in a short clip, detail by what comes nearer.
    """
    if len(clip.light) < 4:
        return np.zeros(len(clip.light))
    edge = np.full_like(clip.moved[:1], np.inf)
    nearest = np.minimum(np.concatenate([edge, clip.moved]), np.concatenate([clip.moved, edge]))
    usual = 12 + 3 * np.percentile(clip.moved, 20, axis=0)  # low, as half of the clip may be scrambled
    detail = clip.grain / (np.percentile(clip.grain, 20) + 0.5) - 1
    return np.sqrt((nearest > usual).mean(1) * np.maximum(detail, 0))


def flutter(clip: Pulse) -> np.ndarray:
    """How far the light goes to and fro, in log units: the least of three changes in a row with changing signs."""
    swing = np.zeros(len(clip.light))
    if len(clip.gain) >= 3:
        back = np.sign(clip.gain[:-1]) != np.sign(clip.gain[1:])
        size = np.where(back, np.minimum(np.abs(clip.gain[:-1]), np.abs(clip.gain[1:])), 0.0)
        twice = np.minimum(size[:-1], size[1:])
        swing[1:-2], swing[2:-1] = twice, np.maximum(swing[2:-1], twice)
    return swing


def stillness(clip: Pulse) -> np.ndarray:
    """Share of the clip that the run of unchanging frames lasts that a frame is in."""
    still = np.zeros(len(clip.light))
    if len(clip.change):
        for first, last in spans(clip.change < np.clip(0.03 * np.median(clip.change), 1e-3, 0.1)):
            still[first : last + 2] = (last - first + 1) / len(clip.change)
    return still


def cut(clip: Pulse) -> np.ndarray:
    """How much more a frame differs from those before it, and goes on to differ, than the clip's frames usually do."""
    jump = np.zeros(len(clip.light))
    if len(clip.change) >= 4:
        step = _typical(clip.moved) + np.abs(np.diff(clip.light))
        two = _typical(clip.later) + np.abs(clip.light[2:] - clip.light[:-2])
        lasting = step.copy()
        lasting[:-1] = np.minimum(lasting[:-1], two)
        lasting[1:] = np.minimum(lasting[1:], two)
        jump[1:] = lasting / (2 + np.percentile(step, 80))
    return jump


def _typical(moved: np.ndarray) -> np.ndarray:
    """What most of the picture does, not a subject that moves through it."""
    return np.percentile(moved, 60, axis=1)


DEFECTS: dict[str, Callable[[Pulse], np.ndarray]] = {
    "black": darkness,
    "corrupt": scramble,
    "flicker": flutter,
    "frozen": stillness,
    "jump": cut,
}


def spans(hurt: np.ndarray) -> list[tuple[int, int]]:
    """Runs of True as (first, last), both inclusive."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], hurt.astype(np.int8), [0]])))
    return [(int(first), int(end) - 1) for first, end in zip(edges[::2], edges[1::2], strict=True)]
