"""What the places are built of: ground in perspective, grass, trees, things in the air. Lengths in M."""

from __future__ import annotations

import numpy as np

from kinograph.tools.storyworld.light import RGB
from kinograph.tools.storyworld.scenery import Motes, Sheet, Stage

HORIZON = 0.60
"""Of the height: where the ground begins in most settings."""


def perspective(y: np.ndarray | float, stage: Stage, horizon: float = HORIZON) -> np.ndarray | float:
    """Apparent size of a thing standing at height `y`: 0.25 at the horizon, 1 at the bottom."""
    return 0.25 + 0.75 * np.clip((y / stage.height - horizon) / (1 - horizon), 0, 1.3)


def ground_sheet(
    stage: Stage,
    rng: np.random.Generator,
    profile: np.ndarray,
    far: np.ndarray,
    near: np.ndarray,
    rough: float = 5.0,
) -> Sheet:
    """A sheet with the ground the subjects stand on: lighter far away, mottled, rougher nearby."""
    sheet = Sheet(stage)
    start = float(profile.min())
    sheet.fill(sheet.below(profile), sheet.vertical((start, far), (stage.height * 1.02, near)), outline=True)
    streaks = sheet.noise(rng, 0.28, 0.022) + 0.8 * sheet.noise(rng, 0.07, 0.012) + 0.6 * sheet.noise(rng, 0.02, 0.008)
    sheet.texture(streaks, rough * (0.5 if stage.time == "night" else 1.0))
    return sheet


def tufts(
    sheet: Sheet, rng: np.random.Generator, per_area: float, top: float, length: float, lean: float = 0.5
) -> list:
    """Grass blades in bunches of three, as strokes."""
    blades = []
    for x, y in sheet.scatter(rng, per_area, top, sheet.bottom):
        size = length * float(perspective(y, sheet.stage)) * rng.uniform(0.7, 1.3)
        blades += [
            (
                x + d * size * 0.25,
                y,
                x + d * size * lean + rng.uniform(-0.1, 0.1) * size,
                y - size * (1 - 0.25 * abs(d)),
                size * 0.22,
            )
            for d in (-1, 0, 1)
        ]
    return blades


def firs(spots: np.ndarray, sizes: np.ndarray) -> list[list[tuple[float, float]]]:
    """Three-tiered firs standing at `spots`."""
    tiers = []
    for (x, y), s in zip(spots, sizes, strict=True):
        tiers += [
            [(x - w * s, y - a * s), (x, y - b * s), (x + w * s, y - a * s)]
            for w, a, b in ((0.30, 0.08, 0.55), (0.23, 0.34, 0.78), (0.15, 0.6, 1.0))
        ]
        tiers.append([(x - 0.04 * s, y), (x - 0.04 * s, y - 0.12 * s), (x + 0.04 * s, y - 0.12 * s), (x + 0.04 * s, y)])
    return tiers


def crowns(rng: np.random.Generator, x: float, y: float, size: float) -> list[tuple[float, float, float, float]]:
    """Discs of a leafy bush or crown standing at (x, y)."""
    return [
        (x + u * size, y - size * v, size * r, size * r)
        for u, v, r in (
            (-0.35, 0.38, 0.36),
            (0.35, 0.36, 0.38),
            (0.0, 0.7, 0.42 + 0.1 * rng.random()),
            (0.0, 0.3, 0.4),
        )
    ]


def floating(
    sheet: Sheet,
    rng: np.random.Generator,
    count: int,
    top: float,
    bottom: float,
    color: RGB,
    radius: float,
    **motion,
) -> Motes:
    """`count` motes per M of width, spread over the sheet between two heights."""
    n = max(6, int(count * (sheet.right - sheet.left)))
    where = rng.uniform(sheet.left, sheet.right, n), rng.uniform(top, bottom, n)
    sizes, strengths = radius * rng.uniform(0.6, 1.4, n), rng.uniform(0.45, 0.95, n)
    box = (sheet.left, top, sheet.right, bottom)
    return Motes(*where, box, sizes, np.asarray(color, np.float32), strengths, rng.random(n), **motion)
