"""Light: what a time of day does to sky, land and clouds. Colors are sRGB triples 0–255."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kinograph.film import TimeOfDay

RGB = Sequence[float] | np.ndarray


def rgb(red: float, green: float, blue: float) -> np.ndarray:
    return np.array([red, green, blue], np.float32)


class Light(NamedTuple):
    """A time of day."""

    sky: tuple[RGB, RGB, RGB]
    """Zenith, middle, horizon."""
    tint: RGB
    """Factor of every lit surface, 0 to 1."""
    fog: RGB
    """What distance fades to."""
    cloud: tuple[RGB, RGB]
    """Lit and shaded side."""
    sun: tuple[float, float, float]
    """Centre of the sun or moon over width and height, radius in M."""
    disc: RGB
    line: RGB
    """Outlines in the neon look."""


LIGHTS: dict[TimeOfDay, Light] = {
    "dawn": Light(
        ((122, 156, 178), (190, 184, 202), (248, 214, 204)), (0.88, 0.84, 0.90), (226, 204, 212),
        ((252, 230, 228), (204, 186, 204)), (0.15, 0.47, 0.055), (255, 244, 228), (226, 168, 186),
    ),
    "day": Light(
        ((88, 146, 206), (146, 188, 224), (222, 234, 238)), (1.0, 1.0, 1.0), (206, 222, 232),
        ((252, 253, 253), (212, 224, 236)), (0.80, 0.15, 0.05), (255, 251, 234), (150, 200, 216),
    ),
    "sunset": Light(
        ((80, 70, 122), (178, 108, 134), (242, 182, 142)), (0.86, 0.66, 0.66), (204, 140, 134),
        ((246, 192, 166), (148, 98, 130)), (0.84, 0.46, 0.07), (255, 230, 196), (236, 164, 138),
    ),
    "night": Light(
        ((10, 15, 38), (24, 34, 70), (56, 68, 104)), (0.27, 0.35, 0.54), (42, 52, 84),
        ((60, 70, 102), (34, 42, 72)), (0.76, 0.17, 0.05), (238, 240, 232), (164, 158, 218),
    ),
}  # fmt: skip


def mix(a: RGB, b: RGB, amount: float) -> np.ndarray:
    return np.asarray(a, np.float32) * (1 - amount) + np.asarray(b, np.float32) * amount


def lit(albedo: RGB, light: Light, distance: float = 0.0) -> np.ndarray:
    """A surface under `light`, faded into the fog by `distance` in [0, 1]."""
    return mix(np.asarray(albedo, np.float32) * np.asarray(light.tint, np.float32), light.fog, distance)
