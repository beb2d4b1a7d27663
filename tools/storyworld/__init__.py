"""The storyworld: a small procedural world whose every clip has known truth.

A `World` says who is there, where, when and seen how; `sample` draws one, `describe` puts it into words and
`read` finds it in words; `paint` makes it a clip with its `Truth`, whole or with `Fault`s from `draw_faults`.

    world = read("a red ball rolls to the right in a green meadow at sunset").world
    frames, truth = paint(world, frames=48, width=384, height=216, fps=24, seed=1)

Names are imported when first used, so that this door opens without OpenCV.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kinograph.tools.storyworld.faults import FAULT_KINDS, Fault, FaultKind, draw_faults
    from kinograph.tools.storyworld.grammar import Reading, describe, read
    from kinograph.tools.storyworld.painter import Moment, Painting, Seen, Truth, paint
    from kinograph.tools.storyworld.shapes import RGB, silhouette
    from kinograph.tools.storyworld.world import COLORS, KINDS, LOOKS, SETTINGS, Subject, World, sample

__all__ = [
    "COLORS",
    "FAULT_KINDS",
    "KINDS",
    "LOOKS",
    "RGB",
    "SETTINGS",
    "Fault",
    "FaultKind",
    "Moment",
    "Painting",
    "Reading",
    "Seen",
    "Subject",
    "Truth",
    "World",
    "describe",
    "draw_faults",
    "paint",
    "read",
    "sample",
    "silhouette",
]

HOMES: dict[str, tuple[str, ...]] = {
    "world": ("COLORS", "KINDS", "LOOKS", "SETTINGS", "Subject", "World", "sample"),
    "shapes": ("RGB", "silhouette"),
    "faults": ("FAULT_KINDS", "Fault", "FaultKind", "draw_faults"),
    "grammar": ("Reading", "describe", "read"),
    "painter": ("Moment", "Painting", "Seen", "Truth", "paint"),
}
"""Module of each name."""


def __getattr__(name: str) -> Any:
    home = next((module for module, names in HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"storyworld has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"{__name__}.{home}"), name)
