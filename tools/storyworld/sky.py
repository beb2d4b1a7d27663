"""Skies: gradient, sun or moon, stars, and drifting clouds."""

from __future__ import annotations

import numpy as np

from kinograph.tools.storyworld.development import finish
from kinograph.tools.storyworld.light import mix, rgb
from kinograph.tools.storyworld.scenery import Layer, Motes, Sheet, Stage


def sky(stage: Stage, rng: np.random.Generator, horizon: float, cloudy: float = 1.0) -> tuple[list[Layer], list[Motes]]:
    """Sky and clouds down to `horizon` (M), and twinkling stars at night; `cloudy` scales how many clouds."""
    sheet, light = Sheet(stage), stage.light
    zenith, middle, low = light.sky
    blend = sheet.vertical((sheet.top, zenith), (horizon * 0.55, middle), (horizon, low), (horizon * 1.3, low))
    sheet.fill(np.full((sheet.rows, sheet.columns), 255, np.uint8), blend)
    stars: list[Motes] = []
    darkness = np.random.default_rng(int(rng.integers(2**32)))  # so that day and night share their clouds
    if stage.time == "night":
        _milky_way(sheet, darkness, horizon)
        stars.append(starfield(sheet, darkness, 60, horizon * 0.8))
    _sun(sheet)
    return [finish(sheet, rng, 0.86), clouds(stage, rng, horizon, cloudy)], stars


def starfield(sheet: Sheet, rng: np.random.Generator, per_area: float, bottom: float) -> Motes:
    """Twinkling stars from the top of the sheet to `bottom`, besides as many small ones that do not."""
    small = sheet.scatter(rng, per_area * 1.4, sheet.top, bottom)
    radius = max(0.0022, 0.35 / sheet.stage.pixels)
    sheet.fill(sheet.discs((x, y, radius, radius) for x, y in small), (225, 228, 240), 0.75)
    spots = sheet.scatter(rng, per_area, sheet.top, bottom)
    n = len(spots)
    return Motes(
        spots[:, 0], spots[:, 1], (sheet.left, sheet.top, sheet.right, bottom),
        rng.uniform(0.0025, 0.006, n), rgb(240, 242, 250), rng.uniform(0.4, 1.0, n), rng.random(n),
        twinkle=0.75, rate=0.8, parallax=0.86, above=1,
    )  # fmt: skip


def _milky_way(sheet: Sheet, rng: np.random.Generator, horizon: float) -> None:
    band = np.exp(-(((sheet.y - 0.3 * horizon - 0.22 * (sheet.x - 0.4)) / 0.16) ** 2))
    haze = band * (0.55 + 0.3 * sheet.noise(rng, 0.16, 0.1)).clip(0, 1.2)
    sheet.fill(haze.astype(np.float32), (92, 100, 142), 0.34)


def _sun(sheet: Sheet) -> None:
    stage = sheet.stage
    sx, sy, radius = stage.light.sun
    x, y = sx * stage.width, sy * stage.height
    distance = np.hypot(sheet.x - x, sheet.y - y)
    night = stage.time == "night"
    for reach, strength in ((radius * 5.5, 0.30 if night else 0.42), (radius * 1.9, 0.35 if night else 0.5)):
        sheet.fill(np.exp(-((distance / reach) ** 2) * 1.5).astype(np.float32), stage.light.disc, strength)
    sheet.fill(sheet.discs([(x, y, radius, radius)]), stage.light.disc, 1.0, outline=True)
    if night:
        craters = [(-0.3, -0.2, 0.22), (0.25, 0.3, 0.28), (0.3, -0.35, 0.14), (-0.25, 0.4, 0.12)]
        sheet.fill(
            sheet.discs((x + a * radius, y + b * radius, r * radius, r * radius) for a, b, r in craters),
            (205, 208, 208),
            0.8,
        )


def clouds(stage: Stage, rng: np.random.Generator, horizon: float, cloudy: float) -> Layer:
    """Puffy clouds with flat feet, repeating over the sheet's width so that they can drift for ever."""
    sheet, (lit, shade) = Sheet(stage), stage.light.cloud
    period = sheet.columns / stage.pixels
    count = max(1, round(cloudy * 2.6 * (sheet.right - sheet.left)))
    for i in range(count):
        y = horizon * rng.uniform(0.08, 0.62)
        scale = rng.uniform(0.5, 1.0) * (0.45 + 0.75 * (1 - y / horizon))
        x = sheet.left + period * (i + rng.uniform(0.1, 0.9)) / count
        puffs = []
        for u in np.linspace(-1, 1, 7):
            rise, radius = rng.uniform(0.6, 1.2), rng.uniform(0.8, 1.15)
            swell = 1 - abs(u)
            puffs.append((0.15 * scale * u, -0.045 * scale * swell * rise, (0.035 + 0.05 * swell) * scale * radius))
        where = [x - period, x, x + period]
        mask = sheet.discs((cx + u, y + v, r * 1.15, r) for cx in where for u, v, r in puffs)
        flat = sheet.polygons(
            [
                [
                    (sheet.left - 1, sheet.top - 1),
                    (sheet.right + 1, sheet.top - 1),
                    (sheet.right + 1, y + 0.018 * scale),
                    (sheet.left - 1, y + 0.018 * scale),
                ]
            ]
        )
        body = np.minimum(mask, flat)
        tone = sheet.vertical((y - 0.09 * scale, lit), (y + 0.02 * scale, shade))
        sheet.fill(body, tone, 0.62 if stage.time == "night" else 0.9, outline=True)
        bright = sheet.discs(
            (cx + u - 0.008 * scale, y + v - 0.012 * scale, r * 0.8, r * 0.72) for cx in where for u, v, r in puffs
        )
        sheet.fill(np.minimum(bright, body), lit, 0.5)
    return finish(sheet, rng, 0.88, drift=0.014 + 0.008 * rng.random())


def deep_space(stage: Stage, rng: np.random.Generator, horizon: float) -> tuple[list[Layer], list[Motes]]:
    """Nebula, stars and planets; the time of day tints them."""
    glow, depth = {
        "dawn": (((176, 126, 150), (92, 136, 146)), 0.30),
        "day": (((112, 150, 196), (156, 164, 206)), 0.46),
        "sunset": (((206, 128, 104), (150, 84, 128)), 0.30),
        "night": (((62, 64, 124), (44, 70, 98)), 0.14),
    }[stage.time]
    sheet = Sheet(stage)
    base = mix((9, 10, 24), glow[0], depth)
    sheet.fill(
        np.full((sheet.rows, sheet.columns), 255, np.uint8),
        sheet.vertical((sheet.top, base * 0.55), (horizon, base * 1.25)),
    )
    for color, tilt in zip(glow, (0.35, -0.2), strict=True):
        centre = horizon * rng.uniform(0.25, 0.6)
        band = np.exp(-(((sheet.y - centre - tilt * (sheet.x - stage.width / 2)) / 0.2) ** 2))
        wisps = (0.5 + 0.38 * sheet.noise(rng, 0.2, 0.13) + 0.16 * sheet.noise(rng, 0.07, 0.05)).clip(0, 1.3)
        sheet.fill((band * wisps).astype(np.float32), color, 0.8)
    stars = starfield(sheet, rng, 85, horizon)
    far = finish(sheet, rng, 0.84)
    planets = Sheet(stage)
    side = 1 if rng.random() < 0.5 else -1
    centre = stage.width / 2
    _planet(planets, centre + side * 0.3 * stage.width, 0.22 * horizon + 0.06, 0.105, (172, 148, 150), ringed=True)
    _planet(planets, centre - side * 0.34 * stage.width, 0.42 * horizon, 0.042, (132, 152, 170), ringed=False)
    return [far, finish(planets, rng, 0.88)], [stars]


def _planet(sheet: Sheet, x: float, y: float, radius: float, color: tuple[int, int, int], ringed: bool) -> None:
    stage = sheet.stage
    tone = mix(color, stage.light.sky[1], 0.3 if stage.time != "night" else 0.5)
    turn = np.linspace(0, np.pi, 25)
    tilt = np.array([[np.cos(0.3), np.sin(0.3)], [-np.sin(0.3), np.cos(0.3)]])
    arcs = [
        np.concatenate(
            [
                np.stack([r * np.cos(t), 0.28 * r * np.sin(t)], 1)
                for r, t in ((1.9 * radius, turn + half), (1.35 * radius, (turn + half)[::-1]))
            ]
        )
        @ tilt
        + (x, y)
        for half in (np.pi, 0.0)
    ]
    if ringed:
        sheet.fill(sheet.polygons(arcs[:1]), tone * 0.8 + 30, 0.8, outline=True)
    ball = sheet.discs([(x, y, radius, radius)])
    sheet.fill(ball, tone, 1.0, outline=True)
    bands = sheet.polygons(
        [
            np.stack(
                [
                    x + radius * np.array([-1.2, 1.2, 1.2, -1.2]),
                    y + radius * (at + np.array([0.2, -0.5, -0.28, 0.42])),
                ],
                1,
            )
            for at in (-0.35, 0.35)
        ]
    )
    sheet.fill(np.minimum(bands, ball), tone * 0.86, 0.8)
    shadow = np.minimum(ball, 255 - sheet.discs([(x - 0.35 * radius, y - 0.3 * radius, 1.15 * radius, 1.15 * radius)]))
    sheet.fill(shadow, tone * 0.35, 0.75)
    if ringed:
        sheet.fill(sheet.polygons(arcs[1:]), tone * 0.9 + 34, 0.9, outline=True)
