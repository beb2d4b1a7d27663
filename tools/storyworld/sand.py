"""Desert and sea, painted layer by layer from far to near. Lengths in M, as in `scenery`."""

from __future__ import annotations

import numpy as np

from kinograph.tools.storyworld.development import finish
from kinograph.tools.storyworld.light import lit, mix
from kinograph.tools.storyworld.scenery import Backdrop, Sheet, Stage
from kinograph.tools.storyworld.sky import sky
from kinograph.tools.storyworld.terrain import (
    HORIZON,
    floating,
    ground_sheet,
    perspective,
)


def desert(stage: Stage, rng: np.random.Generator) -> Backdrop:
    h, light = stage.height, stage.light
    layers, motes = sky(stage, rng, HORIZON * h, cloudy=0.5)
    far = Sheet(stage)
    for x in rng.uniform(far.left, far.right, 4):
        w, top = rng.uniform(0.1, 0.22), (HORIZON - rng.uniform(0.06, 0.13)) * h
        mesa = [
            (x - w, HORIZON * h + 0.05),
            (x - 0.7 * w, top + 0.02),
            (x - 0.62 * w, top),
            (x + 0.55 * w, top),
            (x + 0.68 * w, top + 0.025),
            (x + w, HORIZON * h + 0.05),
        ]
        far.fill(far.polygons([mesa]), lit((188, 144, 122), light, 0.5), outline=True)
    layers.append(finish(far, rng, 0.9))
    dunes = Sheet(stage)
    for rise, depth in ((0.035, 0.38), (0.0, 0.2)):
        crest = dunes.ridge(rng, (HORIZON - rise) * h, 0.085, 0.9, 2)
        dunes.fill(
            dunes.below(crest),
            dunes.vertical(
                ((HORIZON - 0.1) * h, lit((240, 212, 168), light, depth)),
                (0.75 * h, lit((206, 168, 126), light, depth)),
            ),
            outline=True,
        )
        lee = dunes.below(crest + 0.008 + 0.05 * np.clip(np.gradient(crest) * stage.pixels * 3, 0, 1))
        dunes.fill(np.minimum(dunes.below(crest), 255 - lee), lit((250, 226, 186), light, depth), 0.7)
    layers.append(finish(dunes, rng, 0.94))
    ground = Sheet(stage)
    sand = ground_sheet(
        stage,
        rng,
        ground.ridge(rng, 0.665 * h, 0.03, 1.3, 2),
        lit((232, 200, 156), light, 0.08),
        lit((196, 156, 114), light),
        4.0,
    )
    ripple = np.sin(
        (sand.y / (0.012 + 0.03 * (sand.y / h - 0.6).clip(0)))
        + 2.2 * np.sin(sand.x * 5 + sand.y * 9)
        + sand.noise(rng, 0.3, 0.06)
    )
    sand.texture(ripple, 5.0 if stage.time != "night" else 2.5)
    pebbles = sand.scatter(rng, 45, 0.7 * h, sand.bottom)
    sand.fill(
        sand.discs(
            (x, y, 0.008 * p, 0.005 * p)
            for x, y in pebbles
            for p in [float(perspective(y, stage)) * rng.uniform(0.5, 1.3)]
        ),
        lit((150, 116, 92), light),
        0.8,
    )
    _cacti(sand, rng)
    layers.append(finish(sand, rng, 1.0))
    dust = floating(
        sand,
        rng,
        30,
        0.62 * h,
        1.02 * h,
        lit((250, 232, 202), light, 0.1),
        0.0035,
        velocity=(0.16, 0.0),
        wobble=0.012,
        rate=0.5,
        stretch=3.0,
    )
    return Backdrop(tuple(layers), (*motes, dust))


def _cacti(sheet: Sheet, rng: np.random.Generator) -> None:
    h, light = sheet.stage.height, sheet.stage.light
    period = (sheet.right - sheet.left) / 4
    for i in range(4):
        x, y, s = (
            sheet.left + period * (i + rng.uniform(0.2, 0.8)),
            rng.uniform(0.675, 0.71) * h,
            rng.uniform(0.09, 0.15),
        )
        a, b = rng.uniform(0.3, 0.5), rng.uniform(0.45, 0.6)
        limbs = [
            (x, y - s, x, y, 0.09),
            (x - 0.28 * s, y - 0.8 * s, x - 0.28 * s, y - a * s, 0.07),
            (x + 0.28 * s, y - 0.9 * s, x + 0.28 * s, y - b * s, 0.07),
            (x - 0.28 * s, y - a * s, x, y - a * s, 0.06),
            (x, y - b * s, x + 0.28 * s, y - b * s, 0.06),
        ]
        shapes = []
        for x0, y0, x1, y1, r in limbs:
            along = np.array([x1 - x0, y1 - y0]) / max(np.hypot(x1 - x0, y1 - y0), 1e-6) * r * s
            across = np.array([-along[1], along[0]])
            p, q = np.array([x0, y0]), np.array([x1, y1])
            bow = [p + across * np.cos(t) - along * np.sin(t) for t in np.linspace(0, np.pi, 7)]
            shapes.append(
                np.array([*bow, *[q - across * np.cos(t) + along * np.sin(t) for t in np.linspace(0, np.pi, 7)]])
            )
        sheet.fill(sheet.discs([(x + 0.03, y, 0.5 * s, 0.05 * s)]), lit((130, 100, 86), light), 0.35)
        sheet.fill(sheet.polygons(shapes), lit((104, 132, 102), light, 0.12), outline=True)


def sea(stage: Stage, rng: np.random.Generator) -> Backdrop:
    h, light, horizon = stage.height, stage.light, 0.53
    layers, motes = sky(stage, rng, horizon * h)
    water = Sheet(stage)
    isle = water.ridge(rng, (horizon + 0.03) * h, 0.1, 1.0, 3)
    water.fill(
        np.minimum(water.below(isle), 255 - water.below(np.full(water.columns, horizon * h + 0.004))),
        lit((136, 156, 150), light, 0.6),
        outline=True,
    )
    deep, shallow = (mix(lit(tone, light, 0.05), light.sky[1], 0.2) for tone in ((96, 140, 176), (156, 196, 206)))
    surface = water.below(np.full(water.columns, horizon * h))
    water.fill(
        surface,
        water.vertical((horizon * h, mix(deep, light.sky[2], 0.35)), (0.64 * h, deep), (0.86 * h, shallow)),
        outline=True,
    )
    sun_x = light.sun[0] * stage.width
    path = np.exp(-(((water.x - sun_x) / (0.05 + 0.5 * (water.y - horizon * h).clip(0))) ** 2)) * (
        water.y > horizon * h
    )
    water.fill(
        (path * (0.45 + 0.35 * water.noise(rng, 0.08, 0.008)).clip(0, 1)).astype(np.float32),
        light.disc,
        0.55 if stage.time != "day" else 0.3,
    )
    layers.append(finish(water, rng, 0.94))
    for part, color in enumerate((mix(deep, (255, 255, 255), 0.42 if stage.time != "night" else 0.2), deep * 0.78)):
        waves = Sheet(stage)
        spots = waves.scatter(rng, 85, (horizon + 0.012) * h, 0.83 * h)
        crests = []
        for x, y in spots:
            p = float(perspective(y, stage, horizon)) * rng.uniform(0.6, 1.3)
            crests.append(
                [
                    (x - 0.055 * p, y),
                    (x - 0.02 * p, y - 0.007 * p),
                    (x + 0.01 * p, y - 0.005 * p),
                    (x + 0.055 * p, y),
                    (x, y + 0.003 * p),
                ]
            )
        waves.fill(waves.polygons(crests), color, 0.75)
        layers.append(finish(waves, rng, 0.96 + 0.02 * part, sway=0.02, heave=0.004, rate=0.28, phase=0.5 * part))
    shore = Sheet(stage).ridge(rng, 0.805 * h, 0.02, 0.7, 3)
    foam = Sheet(stage)
    foam.fill(foam.below(shore - 0.012), mix(lit((236, 242, 242), light), shallow, 0.15), 0.9)
    foam.fill(foam.below(shore + 0.004), lit((184, 168, 142), light), 1.0)
    layers.append(finish(foam, rng, 1.0, heave=0.008, rate=0.22))
    sand = ground_sheet(stage, rng, shore + 0.022, lit((214, 194, 160), light), lit((226, 204, 166), light), 3.5)
    shells = sand.scatter(rng, 45, 0.85 * h, sand.bottom)
    sand.fill(sand.discs((x, y, 0.005, 0.0035) for x, y in shells[::2]), lit((250, 242, 230), light), 0.9)
    sand.fill(sand.discs((x, y, 0.006, 0.004) for x, y in shells[1::2]), lit((160, 136, 112), light), 0.8)
    layers.append(finish(sand, rng, 1.0))
    glints = floating(
        sand,
        rng,
        46,
        (horizon + 0.01) * h,
        0.79 * h,
        mix(light.disc, (255, 255, 255), 0.4),
        0.0034,
        velocity=(0.014, 0.0),
        twinkle=1.0,
        rate=0.9,
        stretch=2.4,
        parallax=0.97,
    )
    return Backdrop(tuple(layers), (*motes, glints))
