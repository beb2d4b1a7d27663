"""Faults: what can go wrong in a clip, drawn on purpose, so that a validator meets known truth."""

from __future__ import annotations

from typing import Literal, Self, get_args

import numpy as np
from pydantic import Field, model_validator

from kinograph.film import Noun
from kinograph.tools.colors import HUES, hue_gap
from kinograph.tools.storyworld.world import COLORS, KINDS, MOTIONS, ROUND, SETTINGS, TIMES, World

FaultKind = Literal[
    "wrong color", "wrong subject", "wrong motion", "color drift", "shape drift",
    "flicker", "frozen", "dropped", "black", "corrupt",
    "jump", "wrong setting", "wrong time", "identity swap", "size drift",
]  # fmt: skip
EVERY_KIND: tuple[FaultKind, ...] = get_args(FaultKind)
FAULT_KINDS: tuple[FaultKind, ...] = EVERY_KIND[:10]
"""What `draw_faults` draws; more of them would draw other clips for requests that are kept by their digest."""
Severity = Literal["mild", "medium", "gross"]
"""mild: one must look twice; medium: anybody sees it who looks; gross: it makes the clip useless."""
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
OF_A_SUBJECT: frozenset[FaultKind] = frozenset(
    {"wrong color", "wrong subject", "wrong motion", "color drift", "shape drift", "dropped", "identity swap",
     "size drift"}
)  # fmt: skip
LEAST_FRAMES: dict[FaultKind, int] = {
    "wrong motion": 8, "color drift": 8, "shape drift": 8, "flicker": 8, "frozen": 8, "identity swap": 8,
    "size drift": 8, "jump": 8, "dropped": 4, "black": 4, "corrupt": 4,
}  # fmt: skip
"""Shortest clip in which a fault can be told; the others show in a single frame."""
SHARES: dict[FaultKind, dict[Severity, tuple[float, float]]] = {
    "flicker": {"gross": (0.3, 0.7), "medium": (0.3, 0.7), "mild": (0.3, 0.7)},
    "frozen": {"gross": (0.45, 0.7), "medium": (0.25, 0.4), "mild": (0.12, 0.2)},
    "black": {"gross": (0.1, 0.25), "medium": (0.05, 0.1), "mild": (0.05, 0.1)},
    "corrupt": {"gross": (0.12, 0.3), "medium": (0.12, 0.3), "mild": (0.06, 0.12)},
    "dropped": {"gross": (0.28, 0.6), "medium": (0.15, 0.25), "mild": (0.05, 0.1)},
}
"""Least and greatest share of the clip's frames that are hurt."""
AMOUNTS: dict[FaultKind, dict[Severity, float]] = {
    "wrong color": {"gross": 180.0, "medium": 20.0, "mild": 10.0},
    "color drift": {"gross": 180.0, "medium": 30.0, "mild": 15.0},
    "wrong subject": {"gross": 1.0, "medium": 0.65, "mild": 0.35},
    "shape drift": {"gross": 1.0, "medium": 0.65, "mild": 0.35},
    "wrong motion": {"gross": 1.0, "medium": 0.75, "mild": 0.4},
    "size drift": {"gross": 1.8, "medium": 1.4, "mild": 1.15},
    "wrong setting": {"gross": 1.0, "medium": 0.6, "mild": 0.3},
    "wrong time": {"gross": 1.0, "medium": 0.6, "mild": 0.3},
    "flicker": {"gross": 1.0, "medium": 0.35, "mild": 0.12},
    "black": {"gross": 1.0, "medium": 1.0, "mild": 0.65},
    "corrupt": {"gross": 0.6, "medium": 0.2, "mild": 0.06},
}
"""How far it goes. Colors: degrees of CIELAB hue, at most all the way. Kinds: how far the silhouette is morphed.
Motion: how much of the path is the wrong one's. Size: by what it is multiplied in the end. Places: how much of the
other shines through. Flicker: over that of a gross one. Black: share of the light that is gone. Corrupt: share of the
blocks."""
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
    """The color, kind, motion, setting or time that takes the place of the true one; of an identity swap color and
    kind; of a size drift "larger" or "smaller"."""
    severity: Severity = "gross"

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"fault ends at frame {self.last}, before it starts at {self.first}")
        if (self.subject is not None) != (self.kind in OF_A_SUBJECT):
            raise ValueError(
                f"{self.kind!r} with subject {self.subject}; exactly {sorted(OF_A_SUBJECT)} have a subject"
            )
        return self

    @property
    def amount(self) -> float:
        """How far it goes, as AMOUNTS has it; 1 where it only can be there or not."""
        return AMOUNTS.get(self.kind, {}).get(self.severity, 1.0)


def draw_faults(world: World, frames: int, seed: int, rate: float) -> tuple[Fault, ...]:
    """With probability `rate` exactly one fault, its kind uniform among those that show in such a clip."""
    rng = np.random.default_rng([seed, 0xFA017])
    if rng.random() >= rate:
        return ()
    able: list[FaultKind] = [kind for kind in FAULT_KINDS if possible(kind, world, frames)]
    return (draw_fault(able[int(rng.integers(len(able)))], world, frames, rng),) if able else ()


def possible(kind: FaultKind, world: World, frames: int) -> bool:
    """Whether a clip of this world and length can have this fault."""
    return frames >= LEAST_FRAMES.get(kind, 1) and (kind not in OF_A_SUBJECT or bool(_able(kind, world)))


def _able(kind: FaultKind, world: World) -> list[int]:
    """Subjects that it can happen to."""
    scaled = ("grows", "shrinks") if kind == "size drift" else ()
    return [index for index, subject in enumerate(world.subjects) if subject.motion not in scaled]


def draw_fault(
    kind: FaultKind, world: World, frames: int, rng: np.random.Generator, severity: Severity = "gross"
) -> Fault:
    """One fault of this kind in a clip of this world; subject, frames and replacement at random."""
    end, to, index = frames - 1, "", None
    if kind in OF_A_SUBJECT:
        able = _able(kind, world)
        index = able[int(rng.integers(len(able)))]
    if kind in SHARES:
        least = {"flicker": 5, "dropped": 1, "black": 2, "corrupt": 2}.get(kind, 2)
        least = least if severity == "gross" or kind == "flicker" else 1 + (kind == "frozen")
        length = min(frames, max(least, int(np.ceil(frames * rng.uniform(*SHARES[kind][severity])))))
        first = int(rng.integers(0, frames - length + 1))
        return Fault(kind=kind, subject=index, first=first, last=first + length - 1, severity=severity)
    first = int(np.ceil(frames * rng.uniform(0.35, 0.65))) if kind in ("jump", "identity swap") else 0
    if kind != "jump" or severity == "gross":
        options = replacements(kind, world, index)
        to = options[int(rng.integers(len(options)))]
    return Fault(kind=kind, subject=index, first=first, last=end, to=to, severity=severity)


def replacements(kind: FaultKind, world: World, index: int | None) -> list[str]:
    """What may wrongly take the place of what was asked: clearly different, unlike the other subject's."""
    if index is None:
        if kind == "wrong time":
            return [time for time in TIMES if time != world.time]
        return [setting for setting in SETTINGS if setting != world.setting]
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
        case "size drift":
            return ["larger", "smaller"]
        case "identity swap":
            colors, kinds = (replacements(kind, world, index) for kind in ("color drift", "shape drift"))
            return [f"{color} {kind}" for color in colors for kind in kinds]
        case "wrong subject" | "shape drift":
            return [k for k in KINDS if k != subject.kind and k not in others]
        case _:
            alike = {subject.motion}
            if subject.kind in ROUND and subject.motion in ("stays", "spins"):
                alike = {"stays", "spins"}
            return [motion for motion in MOTIONS if motion not in alike]


def as_drawn(world: World, faults: tuple[Fault, ...]) -> World:
    """The world with everything that is wholly wrong from the first frame on put in place of what was asked."""
    subjects, place = list(world.subjects), {}
    fields = {"wrong color": "color", "wrong subject": "kind", "wrong motion": "motion"}
    for fault in faults:
        if fault.severity != "gross":
            continue
        if fault.kind in fields and fault.subject is not None:
            subjects[fault.subject] = subjects[fault.subject].changed(**{fields[fault.kind]: fault.to})
        elif fault.kind in ("wrong setting", "wrong time"):
            place[fault.kind.removeprefix("wrong ")] = fault.to
    return world.changed(subjects=tuple(subjects), **place)


def way(color: str, other: str, degrees: float) -> float:
    """How much of the way from one color to another so many degrees of hue are, 0..1."""
    return min(1.0, degrees / float(hue_gap(HUES[color][0], HUES[other][0])))


def damage(frames: np.ndarray, fault: Fault, seed: int) -> None:
    """Do to the finished frames `[T, H, W, 3]`, in place, what a fault of the whole picture does."""
    hurt, amount = frames[fault.first : fault.last + 1], fault.amount
    match fault.kind:
        case "black":
            hurt[:] = hurt * (1 - amount)
        case "frozen":
            hurt[1:] = hurt[:1].copy()
        case "flicker":
            hurt[::2] = (hurt[::2] * (1 - amount + 0.45 * amount)).astype(np.uint8)
            hurt[1::2] = np.clip(hurt[1::2] * (1 - amount + 1.3 * amount) + 25 * amount, 0, 255).astype(np.uint8)
        case "corrupt":
            _scramble(hurt, np.random.default_rng([seed, fault.first, 0xBAD]), amount)
        case "jump" if fault.severity == "mild":
            _crop(hurt, np.random.default_rng([seed, fault.first, 0xC07]))


def _crop(hurt: np.ndarray, rng: np.random.Generator) -> None:
    """The same from a little nearer and beside."""
    import cv2

    height, width = hurt.shape[1:3]
    across, down = (round(0.12 * length * rng.uniform(0.3, 1)) for length in (width, height))
    for frame in hurt:
        near = frame[down : down + round(0.86 * height), across : across + round(0.86 * width)]
        frame[:] = cv2.resize(near, (width, height), interpolation=cv2.INTER_LINEAR)


def _scramble(hurt: np.ndarray, rng: np.random.Generator, share: float) -> None:
    """Blocks in the wrong places, some replaced by noise: a broken stream."""
    height, width = hurt.shape[1:3]
    side = max(2, min(height, width) // 8)
    rows, columns = height // side, width // side
    for frame in hurt:
        blocks = frame[: rows * side, : columns * side].reshape(rows, side, columns, side, 3).swapaxes(1, 2)
        flat = blocks.reshape(rows * columns, side, side, 3).copy()
        moved = rng.permutation(rows * columns)[: max(2, int(share * rows * columns))]
        flat[moved] = flat[np.roll(moved, 1)]
        noisy = moved[::3]
        flat[noisy] = rng.integers(0, 256, (len(noisy), side, side, 3), dtype=np.uint8)
        frame[: rows * side, : columns * side] = (
            flat.reshape(rows, columns, side, side, 3).swapaxes(1, 2).reshape(rows * side, columns * side, 3)
        )
