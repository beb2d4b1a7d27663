"""Forest and snow, painted layer by layer from far to near. Lengths in M, as in `scenery`."""

from __future__ import annotations

import numpy as np

from kinograph.tools.storyworld.development import finish
from kinograph.tools.storyworld.light import lit, mix
from kinograph.tools.storyworld.scenery import Backdrop, Layer, Sheet, Stage
from kinograph.tools.storyworld.sky import sky
from kinograph.tools.storyworld.terrain import (
    HORIZON,
    firs,
    floating,
    ground_sheet,
    perspective,
    tufts,
)


def forest(stage: Stage, rng: np.random.Generator) -> Backdrop:
    h, light = stage.height, stage.light
    layers, motes = sky(stage, rng, HORIZON * h, cloudy=0.6)
    for depth, foot, thick, gap, parallax in (
        (0.62, 0.63, 0.022, 0.075, 0.9),
        (0.34, 0.665, 0.036, 0.15, 0.95),
    ):
        row = Sheet(stage)
        bark, leaf = lit((112, 98, 86), light, depth), lit((100, 128, 92), light, depth)
        stems, tops = [], []
        for x in np.arange(row.left - 0.05, row.right + 0.05, gap):
            x, w = x + rng.uniform(-0.35, 0.35) * gap, thick * rng.uniform(0.6, 1.2)
            stems.append(
                [
                    (x - 0.8 * w, foot * h + 0.01),
                    (x - 0.4 * w, foot * h - 0.06),
                    (x - 0.35 * w, -0.2),
                    (x + 0.35 * w, -0.2),
                    (x + 0.4 * w, foot * h - 0.06),
                    (x + 0.8 * w, foot * h + 0.01),
                ]
            )
            y = h * rng.uniform(0.02, 0.26 if depth > 0.5 else 0.16)
            tops += [
                (x + rng.uniform(-1, 1) * gap, y - rng.uniform(-0.03, 0.12), r, 0.8 * r)
                for r in rng.uniform(0.05, 0.11, 4)
            ]
        row.fill(
            row.below(row.ridge(rng, foot * h - 0.03, 0.03, 0.35, 4)),
            lit((116, 140, 104), light, depth),
            outline=True,
        )
        row.fill(row.polygons(stems), bark, outline=True)
        row.fill(
            row.polygons(
                [
                    [(a[0] + 0.9 * (b[0] - a[0]), a[1]), c, d, b]
                    for s in stems
                    for a, b, c, d in [(s[0], s[5], s[3], s[4])]
                ]
            ),
            bark * 0.8,
            0.6,
        )
        row.fill(row.discs(tops), leaf, outline=True)
        row.fill(row.discs((x - 0.02, y - 0.02, 0.7 * rx, 0.6 * ry) for x, y, rx, ry in tops), leaf * 1.08 + 6, 0.6)
        layers.append(finish(row, rng, parallax, shear=-0.012, foot=foot * h, rate=0.22, phase=depth))
    shafts = _shafts(stage, np.random.default_rng(int(rng.integers(2**32))))
    if stage.time != "night":
        layers.append(shafts)
    ground = Sheet(stage)
    floor = ground_sheet(
        stage,
        rng,
        ground.ridge(rng, 0.662 * h, 0.02, 0.8, 3),
        lit((140, 148, 104), light, 0.12),
        lit((86, 96, 64), light),
    )
    leaves = floor.scatter(rng, 120, 0.69 * h, floor.bottom)
    for part, tone in enumerate(((158, 138, 98), (70, 82, 56), (172, 172, 124))):
        floor.fill(
            floor.discs(
                (x, y, 0.011 * p, 0.005 * p) for x, y in leaves[part::3] for p in [float(perspective(y, stage))]
            ),
            lit(tone, light),
            0.75,
        )
    floor.fill(floor.strokes(tufts(floor, rng, 40, 0.69 * h, 0.045, lean=0.9)), lit((80, 108, 66), light), 0.8)
    layers.append(finish(floor, rng, 1.0))
    front = Sheet(stage)
    front.fill(front.strokes(tufts(front, rng, 36, 0.94 * h, 0.085, lean=1.0)), lit((66, 92, 56), light), 0.95)
    layers.append(finish(front, rng, 1.04, shear=0.12, foot=h, rate=0.3))
    falling = floating(
        floor,
        rng,
        20,
        floor.top,
        0.95 * h,
        lit((206, 186, 132), light, 0.1) if stage.time != "night" else (214, 216, 170),
        0.0055,
        velocity=(0.02, 0.07),
        wobble=0.04,
        rate=0.4,
        twinkle=0.0 if stage.time != "night" else 0.8,
    )
    return Backdrop(tuple(layers), (*motes, falling))


def _shafts(stage: Stage, rng: np.random.Generator) -> Layer:
    """Slanting light between the trunks."""
    sheet = Sheet(stage)
    lean = 0.25 if stage.light.sun[0] < 0.5 else -0.25
    for x in rng.uniform(sheet.left, sheet.right, 5):
        w = rng.uniform(0.03, 0.08)
        shaft = sheet.polygons(
            [
                [
                    (x, -0.15),
                    (x + w, -0.15),
                    (x + 2.2 * w + lean, 0.72 * stage.height),
                    (x + lean, 0.72 * stage.height),
                ]
            ]
        )
        fade = np.clip(1 - sheet.y / (0.72 * stage.height), 0, 1) ** 0.7
        sheet.fill(
            (shaft.astype(np.float32) / 255 * fade).astype(np.float32),
            mix(stage.light.disc, stage.light.sky[2], 0.3),
            0.26,
        )
    return finish(sheet, rng, 0.96, sway=0.012, rate=0.12)


def snow(stage: Stage, rng: np.random.Generator) -> Backdrop:
    h, light = stage.height, stage.light
    layers, motes = sky(stage, rng, HORIZON * h, cloudy=0.8)
    far = Sheet(stage)
    peaks = []
    for x in np.arange(far.left - 0.2, far.right + 0.2, 0.3):
        cx, top, w = (
            x + rng.uniform(-0.08, 0.08),
            (HORIZON - rng.uniform(0.14, 0.27)) * h,
            rng.uniform(0.26, 0.4),
        )
        peaks.append((cx, top, w))
    for cx, top, w in sorted(peaks, key=lambda peak: peak[1]):
        drop = 0.68 * h - top
        far.fill(
            far.polygons([[(cx - w, 0.68 * h), (cx, top), (cx + w, 0.68 * h)]]),
            lit((138, 152, 178), light, 0.42),
            outline=True,
        )
        far.fill(
            far.polygons(
                [
                    [
                        (cx, top),
                        (cx + w, 0.68 * h),
                        (cx + 0.25 * w, 0.68 * h),
                        (cx + 0.05 * w, top + 0.5 * drop),
                    ]
                ]
            ),
            lit((106, 122, 154), light, 0.4),
            0.8,
        )
        cap = [
            (0, 0),
            (0.33, 0.33),
            (0.2, 0.30),
            (0.11, 0.40),
            (0.0, 0.29),
            (-0.12, 0.42),
            (-0.2, 0.31),
            (-0.33, 0.33),
        ]
        far.fill(far.polygons([[(cx + u * w, top + v * drop) for u, v in cap]]), lit((246, 248, 252), light, 0.22))
    layers.append(finish(far, rng, 0.9))
    woods = Sheet(stage)
    woods.fill(woods.below(woods.ridge(rng, 0.625 * h, 0.04, 0.9, 2)), lit((226, 234, 244), light, 0.2), outline=True)
    for depth, y, size in ((0.42, 0.632, 0.1), (0.2, 0.665, 0.15)):
        spots = woods.scatter(rng, 8 / 0.03, y * h - 0.008, y * h + 0.012)
        sizes = size * rng.uniform(0.6, 1.25, len(spots))
        woods.fill(woods.polygons(firs(spots, sizes)), lit((92, 120, 122), light, depth), outline=True)
        woods.fill(
            woods.polygons(
                [
                    [(x - 0.1 * s, y0 - 0.74 * s), (x, y0 - s), (x + 0.1 * s, y0 - 0.74 * s)]
                    for (x, y0), s in zip(spots, sizes, strict=True)
                ]
            ),
            lit((240, 244, 250), light, 0.15),
            0.85,
        )
    layers.append(finish(woods, rng, 0.95))
    ground = Sheet(stage)
    field = ground_sheet(
        stage,
        rng,
        ground.ridge(rng, 0.672 * h, 0.03, 1.2, 2),
        lit((234, 240, 248), light, 0.08),
        lit((206, 218, 236), light),
        3.5,
    )
    for y in (0.76, 0.86, 0.95):
        drift = field.ridge(rng, y * h, 0.03, 0.7, 3)
        field.fill(np.minimum(field.below(drift), 255 - field.below(drift + 0.01)), lit((176, 192, 220), light), 0.55)
    field.fill(
        field.discs((x, y, 0.004, 0.003) for x, y in field.scatter(rng, 110, 0.7 * h, field.bottom)),
        lit((158, 176, 206), light),
        0.7,
    )
    field.fill(field.strokes(tufts(field, rng, 12, 0.72 * h, 0.035)), lit((122, 122, 116), light), 0.8)
    layers.append(finish(field, rng, 1.0))
    white = mix((255, 255, 255), light.fog, 0.0 if stage.time != "night" else 0.25)
    near = floating(
        field, rng, 42, field.top, field.bottom, white, 0.0062, velocity=(0.02, 0.17), wobble=0.02, rate=0.35
    )
    far_flakes = floating(
        field, rng, 60, field.top, field.bottom, white, 0.0036, velocity=(0.014, 0.1), wobble=0.014, rate=0.4
    )
    return Backdrop(tuple(layers), (*motes, far_flakes, near))
