"""Faults: what can go wrong in a clip, drawn on purpose, so that a validator meets known truth."""

from __future__ import annotations

from typing import Literal, Self, get_args

import numpy as np
from pydantic import Field, model_validator

from kinograph.film import Noun
from kinograph.tools.storyworld.world import COLORS, KINDS, MOTIONS, ROUND, World

FaultKind = Literal[
    "wrong color", "wrong subject", "wrong motion", "color drift", "shape drift",
    "flicker", "frozen", "dropped", "black", "corrupt",
]  # fmt: skip
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
OF_A_SUBJECT: frozenset[FaultKind] = frozenset(
    {"wrong color", "wrong subject", "wrong motion", "color drift", "shape drift", "dropped"}
)
LEAST_FRAMES: dict[FaultKind, int] = {
    "wrong motion": 8, "color drift": 8, "shape drift": 8, "flicker": 8, "frozen": 8,
    "dropped": 4, "black": 4, "corrupt": 4,
}  # fmt: skip
"""Shortest clip in which a fault can be told; the others show in a single frame."""
NEIGHBORS: frozenset[frozenset[str]] = frozenset(
    map(
        frozenset,
        [("red", "orange"), ("orange", "yellow"), ("blue", "purple"), ("purple", "pink"), ("red", "pink")],
    )
)
"""Colors too close for a drift from one to the other to be unmistakable."""


class Fault(Noun):
    """One thing that is wrong in a clip."""

    kind: FaultKind
    subject: int | None = None
    """Index of the subject it happens to; `None` for the whole picture."""
    first: int = Field(default=0, ge=0)
    last: int = Field(ge=0)
    """Inclusive."""
    to: str = ""
    """The color, kind or motion that takes the place of the true one."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"fault ends at frame {self.last}, before it starts at {self.first}")
        if (self.subject is not None) != (self.kind in OF_A_SUBJECT):
            raise ValueError(
                f"{self.kind!r} with subject {self.subject}; exactly {sorted(OF_A_SUBJECT)} have a subject"
            )
        return self


def draw_faults(world: World, frames: int, seed: int, rate: float) -> tuple[Fault, ...]:
    """With probability `rate` exactly one fault, its kind uniform among those that show in such a clip."""
    rng = np.random.default_rng([seed, 0xFA017])
    if rng.random() >= rate:
        return ()
    able: list[FaultKind] = [
        kind
        for kind in FAULT_KINDS
        if frames >= LEAST_FRAMES.get(kind, 1) and (world.subjects or kind not in OF_A_SUBJECT)
    ]
    return (draw_fault(able[int(rng.integers(len(able)))], world, frames, rng),) if able else ()


def draw_fault(kind: FaultKind, world: World, frames: int, rng: np.random.Generator) -> Fault:
    """One fault of this kind in a clip of this world; subject, frames and replacement at random."""
    end = frames - 1
    if kind not in OF_A_SUBJECT:
        shares = {"flicker": (0.3, 0.7), "frozen": (0.45, 0.7), "black": (0.1, 0.25), "corrupt": (0.12, 0.3)}[kind]
        least = 5 if kind == "flicker" else 2
        length = min(frames, max(least, int(np.ceil(frames * rng.uniform(*shares)))))
        first = int(rng.integers(0, frames - length + 1))
        return Fault(kind=kind, first=first, last=first + length - 1)
    index = int(rng.integers(len(world.subjects)))
    if kind == "dropped":
        length = max(1, int(np.ceil(frames * rng.uniform(0.28, 0.6))))
        first = int(rng.integers(0, frames - length + 1))
        return Fault(kind=kind, subject=index, first=first, last=first + length - 1)
    options = replacements(kind, world, index)
    return Fault(kind=kind, subject=index, first=0, last=end, to=options[int(rng.integers(len(options)))])


def replacements(kind: FaultKind, world: World, index: int) -> list[str]:
    """What may wrongly take the place of the color, kind or motion: clearly different, unlike the other's."""
    subject = world.subjects[index]
    others = {value for i, other in enumerate(world.subjects) if i != index for value in (other.kind, other.color)}
    match kind:
        case "wrong color":
            return [color for color in COLORS if color != subject.color and color not in others]
        case "color drift":
            return [
                c
                for c in COLORS
                if c != subject.color and c not in others and frozenset((c, subject.color)) not in NEIGHBORS
            ]
        case "wrong subject" | "shape drift":
            return [k for k in KINDS if k != subject.kind and k not in others]
        case _:
            alike = {subject.motion}
            if subject.kind in ROUND and subject.motion in ("stays", "spins"):
                alike = {"stays", "spins"}
            return [motion for motion in MOTIONS if motion not in alike]


def as_drawn(world: World, faults: tuple[Fault, ...]) -> World:
    """The world with everything that is wrong from the first frame on put in place of what was asked."""
    subjects = list(world.subjects)
    fields = {"wrong color": "color", "wrong subject": "kind", "wrong motion": "motion"}
    for fault in faults:
        if fault.kind in fields and fault.subject is not None:
            subjects[fault.subject] = subjects[fault.subject].changed(**{fields[fault.kind]: fault.to})
    return world.changed(subjects=tuple(subjects))


def damage(frames: np.ndarray, fault: Fault, seed: int) -> None:
    """Do to the finished frames `[T, H, W, 3]`, in place, what a fault of the whole picture does."""
    hurt = frames[fault.first : fault.last + 1]
    match fault.kind:
        case "black":
            hurt[:] = 0
        case "frozen":
            hurt[1:] = hurt[:1].copy()
        case "flicker":
            hurt[::2] = (hurt[::2] * 0.45).astype(np.uint8)
            hurt[1::2] = np.clip(hurt[1::2] * 1.3 + 25, 0, 255).astype(np.uint8)
        case "corrupt":
            _scramble(hurt, np.random.default_rng([seed, fault.first, 0xBAD]))


def _scramble(hurt: np.ndarray, rng: np.random.Generator) -> None:
    """Blocks in the wrong places, some replaced by noise: a broken stream."""
    height, width = hurt.shape[1:3]
    side = max(2, min(height, width) // 8)
    rows, columns = height // side, width // side
    for frame in hurt:
        blocks = frame[: rows * side, : columns * side].reshape(rows, side, columns, side, 3).swapaxes(1, 2)
        flat = blocks.reshape(rows * columns, side, side, 3).copy()
        moved = rng.permutation(rows * columns)[: max(2, int(0.6 * rows * columns))]
        flat[moved] = flat[np.roll(moved, 1)]
        noisy = moved[::3]
        flat[noisy] = rng.integers(0, 256, (len(noisy), side, side, 3), dtype=np.uint8)
        frame[: rows * side, : columns * side] = (
            flat.reshape(rows, columns, side, side, 3).swapaxes(1, 2).reshape(rows * side, columns * side, 3)
        )
