"""The registry of settings, and space. Lengths in M, as in `scenery`."""

from __future__ import annotations

import numpy as np

from kinograph.tools.storyworld.city import city
from kinograph.tools.storyworld.development import finish
from kinograph.tools.storyworld.grassland import hills, meadow
from kinograph.tools.storyworld.light import rgb
from kinograph.tools.storyworld.sand import desert, sea
from kinograph.tools.storyworld.scenery import Backdrop, Place, Sheet, Stage
from kinograph.tools.storyworld.sky import deep_space
from kinograph.tools.storyworld.terrain import (
    floating,
    ground_sheet,
    perspective,
)
from kinograph.tools.storyworld.woodland import forest, snow
from kinograph.tools.storyworld.world import Setting


def space(stage: Stage, rng: np.random.Generator) -> Backdrop:
    h = stage.height
    horizon = 0.645
    layers, motes = deep_space(stage, rng, horizon * h)
    dust = rgb(
        *{
            "night": (74, 78, 104),
            "day": (192, 194, 204),
            "dawn": (176, 162, 172),
            "sunset": (186, 152, 146),
        }[stage.time]
    )
    far = Sheet(stage)
    far.fill(far.below(far.ridge(rng, (horizon - 0.005) * h, 0.07, 0.5, 4)), dust * 0.62, outline=True)
    layers.append(finish(far, rng, 0.94))
    ground = Sheet(stage)
    plain = ground_sheet(
        stage,
        rng,
        ground.ridge(rng, horizon * h, 0.014, 0.9, 3),
        dust * 0.95,
        dust * 0.72,
        5.0,
    )
    for x, y in plain.scatter(rng, 22, (horizon + 0.025) * h, plain.bottom):
        r = 0.055 * float(perspective(y, stage, horizon)) * rng.uniform(0.35, 1.25)
        plain.fill(plain.discs([(x, y, r, 0.34 * r)]), dust * 1.08 + 4, 0.9, outline=True)
        plain.fill(plain.discs([(x, y + 0.05 * r, 0.84 * r, 0.26 * r)]), dust * 0.58, 0.9)
    plain.fill(
        plain.discs((x, y, 0.005, 0.0035) for x, y in plain.scatter(rng, 90, (horizon + 0.02) * h, plain.bottom)),
        dust * 0.5,
        0.8,
    )
    layers.append(finish(plain, rng, 1.0))
    drifting = floating(
        plain,
        rng,
        18,
        plain.top,
        horizon * h,
        (226, 228, 240),
        0.003,
        velocity=(-0.035, 0.012),
        twinkle=0.5,
        rate=0.6,
    )
    return Backdrop(tuple(layers), (*motes, drifting))


PLACES: dict[Setting, Place] = {
    "meadow": meadow,
    "desert": desert,
    "sea": sea,
    "city": city,
    "snow": snow,
    "hills": hills,
    "forest": forest,
    "space": space,
}
