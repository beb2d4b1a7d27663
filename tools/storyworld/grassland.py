"""Meadow and hills, painted layer by layer from far to near. Lengths in M, as in `scenery`."""

from __future__ import annotations

import numpy as np

from kinograph.tools.storyworld.development import finish
from kinograph.tools.storyworld.light import lit, mix
from kinograph.tools.storyworld.scenery import Backdrop, Sheet, Stage
from kinograph.tools.storyworld.sky import sky
from kinograph.tools.storyworld.terrain import (
    HORIZON,
    crowns,
    floating,
    ground_sheet,
    perspective,
    tufts,
)


def meadow(stage: Stage, rng: np.random.Generator) -> Backdrop:
    h, light = stage.height, stage.light
    layers, motes = sky(stage, rng, HORIZON * h)
    far = Sheet(stage)
    for depth, rise, albedo in ((0.72, 0.085, (140, 165, 150)), (0.5, 0.045, (128, 158, 118))):
        far.fill(
            far.below(far.ridge(rng, (HORIZON - rise) * h, 0.05, 0.8)),
            lit(albedo, light, depth),
            outline=True,
        )
    line = far.scatter(rng, 480, HORIZON * h - 0.012, HORIZON * h + 0.012)
    far.fill(
        far.discs(d for x, y in line for d in crowns(rng, x, y + 0.01, rng.uniform(0.02, 0.05))),
        lit((104, 136, 98), light, 0.34),
        outline=True,
    )
    layers.append(finish(far, rng, 0.93))
    ground = Sheet(stage)
    field = ground_sheet(
        stage,
        rng,
        ground.ridge(rng, (HORIZON + 0.005) * h, 0.012, 1.1, 2),
        lit((168, 190, 126), light, 0.15),
        lit((92, 132, 72), light),
    )
    blades = tufts(field, rng, 95, (HORIZON + 0.02) * h, 0.032)
    field.fill(field.strokes(blades[::2]), lit((84, 122, 64), light), 0.75)
    field.fill(field.strokes(blades[1::2]), lit((178, 200, 128), light), 0.6)
    blooms = field.scatter(rng, 26, (HORIZON + 0.03) * h, field.bottom)
    field.fill(
        field.discs((x, y, 0.008 * p, 0.006 * p) for x, y in blooms for p in [float(perspective(y, stage))]),
        lit((250, 246, 232), light),
        0.95,
    )
    layers.append(finish(field, rng, 1.0))
    front = Sheet(stage)
    front.fill(front.strokes(tufts(front, rng, 40, 0.93 * h, 0.075)), lit((74, 112, 58), light), 0.95)
    layers.append(finish(front, rng, 1.04, shear=0.16, foot=h, rate=0.35))
    seeds = floating(
        field,
        rng,
        16,
        0.25 * h,
        0.9 * h,
        mix((255, 252, 240), light.fog, 0.2),
        0.0042,
        velocity=(0.05, -0.008),
        wobble=0.02,
        rate=0.4,
    )
    return Backdrop(tuple(layers), (*motes, seeds))


def hills(stage: Stage, rng: np.random.Generator) -> Backdrop:
    h, light = stage.height, stage.light
    layers, motes = sky(stage, rng, 0.58 * h)
    for depth, base, swing, length, albedo in (
        (0.68, 0.43, 0.10, 1.0, (146, 168, 160)),
        (0.46, 0.50, 0.11, 1.2, (144, 170, 132)),
        (0.24, 0.58, 0.10, 1.5, (150, 174, 112)),
    ):
        row = Sheet(stage)
        crest = row.ridge(rng, base * h, swing, length, 3)
        top = float(crest.min())
        row.fill(
            row.below(crest),
            row.vertical((top, lit(albedo, light, depth) * 1.07), (top + 0.26, lit(albedo, light, depth) * 0.88)),
            outline=True,
        )
        for step in range(1, 5):
            furrow = crest + 0.03 * step + 0.012 * np.sin(row.x[0] * 4 + step)
            row.fill(
                np.minimum(row.below(furrow), 255 - row.below(furrow + 0.004)),
                lit(albedo, light, depth) * 0.82,
                0.5,
            )
        spots = [
            (x, float(np.interp(x, row.x[0], crest)) + rng.uniform(0.01, 0.05))
            for x in rng.uniform(row.left, row.right, int(9 * (row.right - row.left)))
        ]
        size = 0.03 + 0.05 * (0.7 - depth)
        row.fill(
            row.discs(d for x, y in spots for d in crowns(rng, x, y, size * rng.uniform(0.7, 1.2))),
            lit((98, 126, 88), light, depth),
            outline=True,
        )
        layers.append(finish(row, rng, 0.98 - 0.12 * depth))
    crest = Sheet(stage).ridge(rng, 0.69 * h, 0.05, 1.8, 2)
    field = ground_sheet(stage, rng, crest, lit((186, 192, 122), light, 0.06), lit((122, 140, 74), light))
    _path(field, rng, float(crest.min()))
    blades = tufts(field, rng, 85, 0.71 * h, 0.034)
    field.fill(field.strokes(blades[::2]), lit((112, 130, 68), light), 0.75)
    field.fill(field.strokes(blades[1::2]), lit((204, 206, 142), light), 0.6)
    layers.append(finish(field, rng, 1.0))
    front = Sheet(stage)
    front.fill(front.strokes(tufts(front, rng, 40, 0.94 * h, 0.07)), lit((98, 116, 58), light), 0.95)
    layers.append(finish(front, rng, 1.04, shear=0.16, foot=h, rate=0.33))
    drift = floating(
        field,
        rng,
        14,
        0.3 * h,
        0.95 * h,
        mix((255, 250, 232), light.fog, 0.2),
        0.004,
        velocity=(0.07, 0.005),
        wobble=0.02,
        rate=0.4,
    )
    return Backdrop(tuple(layers), (*motes, drift))


def _path(field: Sheet, rng: np.random.Generator, top: float) -> None:
    """A winding path that widens towards the viewer."""
    stage, start = field.stage, field.stage.width * rng.uniform(0.3, 0.7)
    y = np.linspace(top + 0.02, field.bottom, 24)
    p = (y - y[0]) / (y[-1] - y[0])
    x = start + 0.22 * np.sin(p * 4.0 + rng.uniform(0, 6)) * p
    half = 0.012 + 0.09 * p
    edge = np.concatenate([np.stack([x - half, y], 1), np.stack([x + half, y], 1)[::-1]])
    field.fill(
        np.minimum(field.polygons([edge]), (field.alpha * 255).astype(np.uint8)),
        lit((206, 190, 156), stage.light),
        0.75,
        outline=True,
    )
