"""The colours of places: how a picture's layout of colour compares with places that are known.

Each known place at each time of day has a model layout, taken from empty pictures; a picture is compared
with all of them by mean CIELAB in a coarse grid. Vivid pixels are left out: they are subjects, not the
place. `python -m kinograph.tools.palettes` makes the model layouts anew, after the painter has changed.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kinograph.film import TimeOfDay
from kinograph.tools.colors import VIVID, to_lab, vividness

FILE = Path(__file__).with_name("palettes.npz")
GRID = (8, 6)
"""Cells across and down."""
TOLERANCE = 0.25
"""Excess above which a picture is not of the place that was asked for."""


class Fit(NamedTuple):
    """How well a picture fits a place."""

    excess: float
    """How much further the asked place is than the nearest known one, over the latter's distance; 0 is best."""
    nearest: str


def known(setting: str) -> bool:
    """Whether there is a model picture of this place."""
    from kinograph.tools.storyworld.world import SETTINGS

    return setting in SETTINGS


def compare(frame: np.ndarray, setting: str, time: TimeOfDay, look: str) -> Fit:
    """How a frame `[H,W,3]` uint8 RGB fits a known setting at a time of day in a look."""
    models = _models()
    places, layouts = models[look] if look in models else models["flat"]
    gaps = np.sqrt(((layouts - layout(to_lab(frame[None])[0])) ** 2).mean((1, 2, 3)))
    nearest = int(np.argmin(gaps))
    asked = float(gaps[places.index((setting, time))])
    return Fit(asked / max(float(gaps[nearest]), 2.0) - 1.0, " at ".join(places[nearest]))


def styles(seen: np.ndarray, setting: str, time: TimeOfDay) -> dict[str, float]:
    """How far a layout is from that of a known setting at a time of day, in every known look."""
    return {
        look: float(np.sqrt(((layouts[places.index((setting, time))] - seen) ** 2).mean()))
        for look, (places, layouts) in _models().items()
    }


def layout(lab: np.ndarray) -> np.ndarray:
    """Mean CIELAB in each cell `[rows,columns,3]` of a picture `[h,w,3]` CIELAB, subjects left out where that leaves
    anything."""
    import cv2

    calm = (vividness(lab) < VIVID).astype(np.float32)
    cells = cv2.resize(lab * calm[..., None], GRID, interpolation=cv2.INTER_AREA)
    share = cv2.resize(calm, GRID, interpolation=cv2.INTER_AREA)[..., None]
    return np.where(share > 0.05, cells / np.maximum(share, 0.05), cv2.resize(lab, GRID, interpolation=cv2.INTER_AREA))


@cache
def _models() -> dict[str, tuple[list[tuple[str, str]], np.ndarray]]:
    """Look -> places, and their layouts `[places,rows,columns,3]`."""
    with np.load(FILE) as data:
        return {
            look: ([tuple(name.split("/")) for name in data[f"{look}.places"]], data[look].astype(np.float32))
            for look in data["looks"]
        }


def model_layouts() -> dict[str, np.ndarray]:
    """The model layouts, painted now: what FILE holds."""
    from kinograph.tools.storyworld.painter import paint
    from kinograph.tools.storyworld.world import LOOKS, SETTINGS, TIMES, World

    def model(world: World) -> np.ndarray:
        pictures = [paint(world, frames=1, width=192, height=108, fps=8, seed=seed).frames[0] for seed in (1, 2, 3)]
        return np.mean([layout(to_lab(picture[None])[0]) for picture in pictures], axis=0)

    made: dict[str, np.ndarray] = {"looks": np.array(LOOKS)}
    for look in LOOKS:
        worlds = [World(setting=setting, time=time, look=look) for setting in SETTINGS for time in TIMES]
        made[f"{look}.places"] = np.array([f"{world.setting}/{world.time}" for world in worlds])
        made[look] = np.stack([model(world) for world in worlds]).astype(np.float16)
    return made


if __name__ == "__main__":
    np.savez_compressed(FILE, allow_pickle=False, **model_layouts())
