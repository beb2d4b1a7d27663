"""The city: towers, street and lamps, painted from far to near. Lengths in M, as in `scenery`."""

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
)


def city(stage: Stage, rng: np.random.Generator) -> Backdrop:
    h, light, dark = stage.height, stage.light, stage.time == "night"
    layers, motes = sky(stage, rng, HORIZON * h, cloudy=0.8)
    for depth, albedo, low, high, wide, parallax in (
        (0.55, (150, 156, 172), 0.16, 0.36, 0.12, 0.9),
        (0.18, (120, 122, 138), 0.08, 0.27, 0.15, 0.95),
    ):
        row = Sheet(stage)
        x, foot = row.left - 0.05, 0.685 * h
        while x < row.right:
            w, top = wide * rng.uniform(0.6, 1.25), foot - 0.08 - rng.uniform(low, high) * h
            tone = lit(
                mix(albedo, [(168, 148, 138), (140, 150, 160), (128, 122, 140)][int(rng.integers(3))], 0.5),
                light,
                depth,
            )
            _tower(row, rng, x, w * 0.96, top, foot, tone, depth, dark)
            x += w
        if depth < 0.4:
            row.fill(
                row.discs(
                    d
                    for x, y in row.scatter(rng, 330, foot - 0.02, foot)
                    for d in crowns(rng, x, y + 0.02, rng.uniform(0.035, 0.06))
                ),
                lit((98, 122, 98), light, 0.1),
                outline=True,
            )
        layers.append(finish(row, rng, parallax))
    street = ground_sheet(
        stage,
        rng,
        np.full(Sheet(stage).columns, 0.675 * h),
        lit((176, 172, 168), light, 0.1),
        lit((150, 146, 146), light),
        2.5,
    )
    slabs = [
        [(x, 0.675 * h), (x + 0.004, 0.675 * h), (x - 0.02, 0.72 * h), (x - 0.026, 0.72 * h)]
        for x in np.arange(street.left, street.right, 0.09)
    ]
    street.fill(street.polygons(slabs), lit((120, 118, 120), light), 0.6)
    kerb = street.below(np.full(street.columns, 0.72 * h))
    street.fill(kerb, lit((206, 204, 198), light), 1.0, outline=True)
    street.fill(
        street.below(np.full(street.columns, 0.732 * h)),
        street.vertical((0.73 * h, lit((104, 104, 112), light)), (h, lit((84, 84, 94), light))),
        outline=True,
    )
    street.texture((street.noise(rng, 0.02, 0.012) + street.noise(rng, 0.2, 0.02)) * (street.y > 0.732 * h), 3.5)
    dashes = [
        [(x, 0.905 * h), (x + 0.13, 0.905 * h), (x + 0.12, 0.922 * h), (x - 0.012, 0.922 * h)]
        for x in np.arange(street.left, street.right, 0.26)
    ]
    street.fill(street.polygons(dashes), lit((232, 226, 206), light), 0.9)
    _lamps(street, dark)
    layers.append(finish(street, rng, 1.0))
    specks = floating(
        street,
        rng,
        16,
        0.3 * h,
        0.95 * h,
        mix((250, 244, 226), light.fog, 0.35),
        0.0036,
        velocity=(0.06, 0.02),
        wobble=0.02,
        rate=0.45,
    )
    return Backdrop(tuple(layers), (*motes, specks))


def _tower(
    row: Sheet,
    rng: np.random.Generator,
    x: float,
    w: float,
    top: float,
    foot: float,
    tone: np.ndarray,
    depth: float,
    dark: bool,
) -> None:
    """A building with roof, shaded side and windows, some lit at night."""
    light = row.stage.light
    front = [(x, foot), (x, top), (x + w, top), (x + w, foot)]
    row.fill(
        row.polygons([front]),
        row.vertical((top, tone * 1.04), (foot, mix(tone, light.fog, 0.35))),
        outline=True,
    )
    row.fill(
        row.polygons([[(x + 0.78 * w, foot), (x + 0.78 * w, top), (x + w, top), (x + w, foot)]]),
        tone * 0.86,
        0.6,
    )
    if rng.random() < 0.4:
        row.fill(
            row.polygons(
                [
                    [(x + 0.46 * w, top), (x + 0.5 * w, top - 0.07), (x + 0.54 * w, top)],
                    [
                        (x + 0.25 * w, top),
                        (x + 0.25 * w, top - 0.015),
                        (x + 0.75 * w, top - 0.015),
                        (x + 0.75 * w, top),
                    ],
                ]
            ),
            tone * 0.9,
            outline=True,
        )
    columns, rows = max(2, int(w / 0.028)), max(2, int((foot - top) / 0.036))
    on, off = [], []
    for i in range(columns):
        for j in range(rows):
            a, b = x + w * (i + 0.28) / columns, top + 0.014 + (foot - top) * j / rows
            pane = [(a, b), (a + 0.46 * w / columns, b), (a + 0.46 * w / columns, b + 0.016), (a, b + 0.016)]
            (on if rng.random() < (0.5 if dark else 0.2) else off).append(pane)
    glass = mix(tone, light.sky[0], 0.55) * (0.7 if dark else 0.86)
    row.fill(row.polygons(off), glass, 0.75)
    row.fill(
        row.polygons(on),
        mix((255, 222, 158), tone, depth * 0.5) if dark else mix((250, 246, 236), light.fog, 0.3),
        0.9 if dark else 0.6,
    )


def _lamps(street: Sheet, dark: bool) -> None:
    h, light = street.stage.height, street.stage.light
    for x in np.arange(street.left + 0.12, street.right, 0.62):
        pole = [
            (x - 0.005, 0.725 * h),
            (x - 0.004, 0.725 * h - 0.25),
            (x + 0.004, 0.725 * h - 0.25),
            (x + 0.005, 0.725 * h),
        ]
        arm = [
            (x, 0.725 * h - 0.255),
            (x + 0.06, 0.725 * h - 0.262),
            (x + 0.06, 0.725 * h - 0.252),
            (x, 0.725 * h - 0.243),
        ]
        street.fill(street.polygons([pole, arm]), lit((78, 80, 92), light), outline=True)
        if dark:
            halo = np.exp(-(((street.x - x - 0.055) ** 2 + (street.y - 0.725 * h + 0.245) ** 2) / 0.05**2))
            street.fill(halo.astype(np.float32), (255, 228, 176), 0.5)
        street.fill(
            street.discs([(x + 0.055, 0.725 * h - 0.248, 0.018, 0.009)]),
            (255, 236, 196) if dark else lit((240, 238, 230), light),
        )
