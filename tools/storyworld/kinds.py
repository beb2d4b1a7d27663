"""The sixteen kinds as signed distances, in NumPy.

Local coordinates: x to the right, y down, the kind's bounding box centred on the origin with its longer side
spanning [-0.5, 0.5]. A distance is negative inside, in the same units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kinograph.tools.storyworld.distances import block, disc, eyes, join, oval, polygon, sectors, stroke
from kinograph.tools.storyworld.world import Kind


class Drawing(NamedTuple):
    """Distances on one grid: the silhouette, and the details painted in it in order, each with its tone."""

    body: np.ndarray
    parts: tuple[tuple[np.ndarray, str], ...] = ()


def _ball(x, y) -> Drawing:
    return Drawing(
        disc(x, y, 0, 0, 0.5),
        (
            (sectors(x, y, 6), "shade"),
            (disc(x, y, -0.16, -0.18, 0.07), "light"),
            (disc(x, y, 0, 0, 0.09), "pale"),
        ),
    )


def _box(x, y) -> Drawing:
    frame = -block(x, y, 0, 0, 0.36, 0.36)
    return Drawing(
        block(x, y, 0, 0, 0.5, 0.5, 0.02),
        (
            (stroke(x, y, -0.4, 0.4, 0.4, -0.4, 0.065), "shade"),
            (frame, "shade"),
            (block(x, y, 0, -0.43, 0.5, 0.03), "light"),
        ),
    )


def _star(x, y) -> Drawing:
    turns = np.arange(10) * np.pi / 5
    radii = np.where(np.arange(10) % 2, 0.25, 0.55)
    tips = list(zip(radii * np.sin(turns), -radii * np.cos(turns), strict=True))
    return Drawing(
        polygon(x, y, *tips) - 0.02,
        (
            (eyes(x, y, 0, -0.03, 0.085, 0.035), "ink"),
            (join(stroke(x, y, -0.06, 0.07, 0, 0.1, 0.016), stroke(x, y, 0, 0.1, 0.06, 0.07, 0.016)), "ink"),
        ),
    )


def _heart(x, y) -> Drawing:
    u, v = np.abs(x), 0.55 - y
    upper = np.hypot(u - 0.25, v - 0.75) - np.sqrt(0.125)
    s = 0.5 * np.maximum(u + v, 0)
    lower = np.sqrt(np.minimum(u**2 + (v - 1) ** 2, (u - s) ** 2 + (v - s) ** 2)) * np.sign(u - v)
    shine = join(oval(x, y, -0.28, -0.3, 0.1, 0.075), disc(x, y, -0.4, -0.15, 0.04))
    return Drawing(np.where(u + v > 1, upper, lower), ((shine, "light"),))


def _ring(x, y) -> Drawing:
    return Drawing(
        np.abs(disc(x, y, 0, 0, 0.385)) - 0.115,
        ((sectors(x, y, 4), "shade"), (stroke(x, y, 0, -0.42, 0.02, -0.35, 0.05), "pale")),
    )


def _fish(x, y) -> Drawing:
    tail = polygon(x, y, (-0.2, 0.0), (-0.5, -0.24), (-0.42, 0.0), (-0.5, 0.24)) - 0.015
    fin = polygon(x, y, (-0.1, -0.14), (0.0, -0.36), (0.22, -0.14))
    flank = oval(x, y, 0.1, 0, 0.38, 0.22)
    return Drawing(
        join(flank, tail, fin),
        (
            (tail, "shade"),
            (fin, "shade"),
            (np.maximum(flank, np.abs(x + 0.07) - 0.035), "shade"),
            (np.maximum(flank, np.abs(x - 0.07) - 0.03), "shade"),
            (polygon(x, y, (0.1, 0.03), (-0.04, 0.13), (0.1, 0.13)), "light"),
            (disc(x, y, 0.29, -0.05, 0.06), "pale"),
            (disc(x, y, 0.305, -0.05, 0.032), "ink"),
        ),
    )


def _bird(x, y) -> Drawing:
    wing = polygon(x, y, (0.12, 0.02), (-0.3, -0.4), (-0.2, 0.08)) - 0.03
    torso = join(
        oval(x, y, -0.02, 0.1, 0.3, 0.17),
        disc(x, y, 0.25, -0.04, 0.14),
        polygon(x, y, (-0.2, 0.02), (-0.52, 0.06), (-0.5, 0.2), (-0.2, 0.16)),
    )
    beak = polygon(x, y, (0.36, -0.1), (0.54, -0.02), (0.36, 0.04))
    return Drawing(
        join(torso, wing, beak),
        (
            (oval(x, y, 0.04, 0.19, 0.2, 0.07), "light"),
            (beak, "cream"),
            (wing, "shade"),
            (disc(x, y, 0.28, -0.07, 0.045), "pale"),
            (disc(x, y, 0.29, -0.07, 0.026), "ink"),
        ),
    )


def _car(x, y) -> Drawing:
    cabin = polygon(x, y, (-0.3, 0.0), (-0.21, -0.24), (0.1, -0.24), (0.25, 0.0)) - 0.03
    wheels = eyes(x, y, 0, 0.2, 0.27, 0.11)
    panes = join(
        polygon(x, y, (-0.21, -0.03), (-0.16, -0.17), (-0.07, -0.17), (-0.07, -0.03)),
        polygon(x, y, (0.0, -0.03), (0.0, -0.17), (0.07, -0.17), (0.15, -0.03)),
    )
    return Drawing(
        join(block(x, y, 0, 0.08, 0.5, 0.13, 0.07), cabin, wheels),
        (
            (block(x, y, 0, 0.17, 0.5, 0.035), "shade"),
            (panes, "glass"),
            (disc(x, y, 0.45, 0.05, 0.04), "cream"),
            (eyes(x, y, 0, 0.2, 0.27, 0.13), "deep"),
            (eyes(x, y, 0, 0.2, 0.27, 0.085), "ink"),
            (eyes(x, y, 0, 0.2, 0.27, 0.04), "pale"),
        ),
    )


def _boat(x, y) -> Drawing:
    hull = polygon(x, y, (-0.46, 0.22), (0.5, 0.22), (0.32, 0.46), (-0.32, 0.46)) - 0.02
    main = polygon(x, y, (0.06, -0.46), (0.06, 0.12), (0.4, 0.12)) - 0.015
    jib = polygon(x, y, (-0.05, -0.34), (-0.05, 0.12), (-0.38, 0.12)) - 0.015
    mast = stroke(x, y, 0.0, -0.5, 0.0, 0.25, 0.022)
    return Drawing(
        join(hull, main, jib, mast),
        (
            (hull, "shade"),
            (block(x, y, 0, 0.28, 0.6, 0.025), "pale"),
            (jib, "light"),
            (mast, "wood"),
            (np.maximum(main, np.abs(y + 0.02) - 0.03), "shade"),
        ),
    )


def _house(x, y) -> Drawing:
    roof = polygon(x, y, (-0.5, -0.06), (0.0, -0.5), (0.5, -0.06)) - 0.01
    chimney = block(x, y, 0.28, -0.33, 0.065, 0.17)
    windows = block(x, y, -0.2, 0.12, 0.085, 0.085)
    return Drawing(
        join(block(x, y, 0, 0.2, 0.4, 0.28), roof, chimney),
        (
            (chimney, "deep"),
            (roof, "shade"),
            (windows, "glass"),
            (
                join(stroke(x, y, -0.2, 0.03, -0.2, 0.21, 0.012), stroke(x, y, -0.29, 0.12, -0.11, 0.12, 0.012)),
                "deep",
            ),
            (block(x, y, 0.16, 0.29, 0.1, 0.19), "deep"),
            (disc(x, y, 0.22, 0.3, 0.018), "cream"),
            (disc(x, y, 0, -0.22, 0.06), "glass"),
        ),
    )


def _tree(x, y) -> Drawing:
    crown = join(
        disc(x, y, 0, -0.22, 0.28),
        disc(x, y, -0.2, -0.02, 0.23),
        disc(x, y, 0.2, -0.02, 0.23),
        disc(x, y, 0, 0.02, 0.2),
    )
    trunk = polygon(x, y, (-0.055, 0.1), (0.055, 0.1), (0.1, 0.5), (-0.1, 0.5))
    lit = join(disc(x, y, -0.08, -0.3, 0.09), disc(x, y, -0.26, -0.08, 0.07))
    under = np.maximum(
        crown,
        -join(disc(x, y, -0.03, -0.27, 0.28), disc(x, y, -0.22, -0.08, 0.22), disc(x, y, 0.16, -0.08, 0.22)),
    )
    return Drawing(join(crown, trunk), ((np.maximum(trunk, -crown), "wood"), (under, "shade"), (lit, "light")))


def _rocket(x, y) -> Drawing:
    hull = np.maximum(np.maximum(disc(x, y, -0.42, 0.06, 0.6), disc(x, y, 0.42, 0.06, 0.6)), y - 0.3)
    fins = (
        join(
            polygon(x, y, (-0.12, 0.08), (-0.34, 0.34), (-0.1, 0.3)),
            polygon(x, y, (0.12, 0.08), (0.34, 0.34), (0.1, 0.3)),
        )
        - 0.015
    )
    flame = polygon(x, y, (-0.09, 0.3), (0.09, 0.3), (0.0, 0.55)) - 0.02
    return Drawing(
        join(hull, fins, flame),
        (
            (flame, "cream"),
            (fins, "shade"),
            (np.maximum(hull, y + 0.2), "shade"),
            (np.maximum(hull, 0.23 - y), "deep"),
            (disc(x, y, 0, -0.05, 0.1), "deep"),
            (disc(x, y, 0, -0.05, 0.07), "glass"),
        ),
    )


def _flower(x, y) -> Drawing:
    turns = np.arange(6) * np.pi / 3 + np.pi / 6
    petals = join(*(disc(x, y, 0.2 * np.cos(t), -0.2 + 0.2 * np.sin(t), 0.135) for t in turns))
    stem = join(
        stroke(x, y, 0, 0.0, 0, 0.5, 0.028),
        oval(x, y, 0.1, 0.33, 0.1, 0.045),
        oval(x, y, -0.1, 0.26, 0.1, 0.045),
    )
    gaps = join(*(stroke(x, y, 0, -0.2, 0.3 * np.cos(t), -0.2 + 0.3 * np.sin(t), 0.012) for t in turns + np.pi / 6))
    return Drawing(
        join(petals, stem, disc(x, y, 0, -0.2, 0.2)),
        (
            (np.maximum(stem, -petals), "wood"),
            (np.maximum(gaps, petals), "shade"),
            (disc(x, y, 0, -0.2, 0.105), "cream"),
        ),
    )


def _robot(x, y) -> Drawing:
    head, chest = block(x, y, 0, -0.2, 0.22, 0.15, 0.04), block(x, y, 0, 0.17, 0.26, 0.19, 0.03)
    legs, arms = (
        join(block(x, y, -0.13, 0.43, 0.08, 0.09, 0.02), block(x, y, 0.13, 0.43, 0.08, 0.09, 0.02)),
        join(block(x, y, -0.34, 0.16, 0.06, 0.15, 0.04), block(x, y, 0.34, 0.16, 0.06, 0.15, 0.04)),
    )
    antenna = join(stroke(x, y, 0, -0.3, 0, -0.44, 0.024), disc(x, y, 0, -0.46, 0.06))
    return Drawing(
        join(head, chest, legs, arms, antenna, block(x, y, 0, 0, 0.08, 0.1), block(x, y, 0, 0.1, 0.34, 0.04)),
        (
            (legs, "shade"),
            (arms, "shade"),
            (block(x, y, 0, -0.2, 0.155, 0.085, 0.03), "ink"),
            (eyes(x, y, 0, -0.2, 0.08, 0.04), "pale"),
            (block(x, y, 0, 0.17, 0.15, 0.09, 0.02), "deep"),
            (eyes(x, y, 0, 0.17, 0.07, 0.035), "light"),
        ),
    )


def _person(x, y) -> Drawing:
    head = disc(x, y, 0, -0.33, 0.165)
    torso = polygon(x, y, (-0.1, -0.13), (0.1, -0.13), (0.15, 0.2), (-0.15, 0.2)) - 0.03
    arms = join(stroke(x, y, -0.13, -0.1, -0.27, 0.12, 0.05), stroke(x, y, 0.13, -0.1, 0.27, 0.12, 0.05))
    legs = join(stroke(x, y, -0.085, 0.2, -0.11, 0.45, 0.062), stroke(x, y, 0.085, 0.2, 0.11, 0.45, 0.062))
    return Drawing(
        join(head, torso, arms, legs),
        (
            (arms, "shade"),
            (legs, "shade"),
            (torso, "body"),
            (block(x, y, 0, 0.19, 0.18, 0.025), "deep"),
            (head, "shade"),
            (disc(x, y, 0, -0.31, 0.115), "skin"),
            (eyes(x, y, 0, -0.31, 0.045, 0.02), "ink"),
            (eyes(x, y, 0, 0.14, 0.28, 0.035), "skin"),
        ),
    )


def _cat(x, y) -> Drawing:
    haunch = join(oval(x, y, -0.05, 0.24, 0.26, 0.26), oval(x, y, -0.05, 0.06, 0.17, 0.24))
    ears = join(
        polygon(x, y, (-0.25, -0.24), (-0.24, -0.5), (-0.06, -0.34)),
        polygon(x, y, (0.15, -0.24), (0.14, -0.5), (-0.04, -0.34)),
    )
    curl = np.where(x - 0.24 + 0.4 * (y - 0.2) > 0, np.abs(disc(x, y, 0.24, 0.2, 0.16)) - 0.05, 1.0)
    tail = join(curl, stroke(x, y, 0.0, 0.44, 0.2, 0.36, 0.055), disc(x, y, 0.3, 0.05, 0.052))
    return Drawing(
        join(haunch, oval(x, y, -0.05, -0.2, 0.22, 0.18), ears, tail),
        (
            (tail, "shade"),
            (np.maximum(haunch, oval(x, y, -0.05, 0.2, 0.1, 0.16)), "light"),
            (stroke(x, y, -0.05, 0.34, -0.05, 0.48, 0.012), "deep"),
            (oval(x, y, -0.05, -0.2, 0.2, 0.16), "body"),
            (eyes(x, y, -0.05, -0.21, 0.09, 0.04), "pale"),
            (eyes(x, y, -0.05, -0.21, 0.085, 0.024), "ink"),
            (oval(x, y, -0.05, -0.13, 0.028, 0.02), "ink"),
        ),
    )


SHAPES: dict[Kind, Callable[[np.ndarray, np.ndarray], Drawing]] = {
    "ball": _ball,
    "box": _box,
    "star": _star,
    "heart": _heart,
    "ring": _ring,
    "fish": _fish,
    "bird": _bird,
    "car": _car,
    "boat": _boat,
    "house": _house,
    "tree": _tree,
    "rocket": _rocket,
    "flower": _flower,
    "robot": _robot,
    "person": _person,
    "cat": _cat,
}
