"""Calibrating the validator for one model: its own clips, hurt on purpose, tell from where on a symptom is a fault.

What happens to frames can be put into anybody's clip: black, scrambled, flickering, frozen frames, cuts, subjects that
vanish or change colour. And a clip that shows what was asked for is wrong for whoever asked for something else: another
colour, kind, motion or place. For everything else the thresholds that hold for any model stay, unless the model's own
clips go beyond them.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from kinograph.agents.calibration import Measured, calibrate, caught, told_by
from kinograph.agents.requesting import resolve
from kinograph.agents.thresholds import Thresholds, file_of, keep, shipped
from kinograph.agents.validator import Validator
from kinograph.agents.verdicts import Viewing
from kinograph.errors import BadInput, Damaged
from kinograph.film import (
    Appearance,
    Brief,
    Character,
    Clip,
    Decision,
    FindingKind,
    Look,
    RenderRequest,
    Scene,
    Shot,
    Storyboard,
)
from kinograph.hurting import INJECTED, hurt
from kinograph.memory.embedders import open_embedder
from kinograph.memory.keyframes import Keyframes
from kinograph.memory.vault import Vault, open_vault
from kinograph.settings import Settings
from kinograph.tools.backends import ModelCard, VideoBackend, Workbench, open_backend
from kinograph.tools.footage import load
from kinograph.tools.storyworld.faults import SEVERITIES, FaultKind, as_drawn, draw_fault, possible
from kinograph.tools.storyworld.world import World, sample

ASKED: tuple[FaultKind, ...] = ("wrong color", "wrong subject", "wrong motion", "wrong setting")
"""Faults that a clip has for whoever asked for something else; gross all."""
LEAST = 5
"""Fewest clips; thresholds of so few are rough."""
SECONDS = 2.0
"""Of a clip, where the model leaves a choice."""


class Rendered(NamedTuple):
    """A clip of the model, and what it should show."""

    world: World
    viewing: Viewing
    frames: np.ndarray


class Measuring(NamedTuple):
    """What was measured so far."""

    clean: list[Measured]
    faulty: dict[tuple[FaultKind, str], list[Measured]]


def calibrate_model(model: str, clips: int, settings: Settings, seed: int = 0) -> tuple[Thresholds, Measuring]:
    """Renders, hurts and measures clips of a model, and keeps its thresholds where validators look for them.

    Clips that the vault has are not rendered again. Raises UnknownName, BadInput, and what the backend raises.
    """
    from rich.console import Console
    from rich.progress import track

    if clips < LEAST:
        raise BadInput(f"{clips} clips to calibrate with; at least {LEAST}")
    vault = open_vault(settings.vault, settings.home / "vault")
    scratch = vault.scratch(f"calibrate-{model}")
    backend = open_backend(model, Workbench(scratch, vault.picture), settings.backends.get(model, {}))
    validator = _validator(vault, scratch, settings.embedder)
    measured = Measuring([], {})
    try:
        before = _rendered(backend, vault, clips - 1, seed).frames
        for number in track(range(clips), f"calibrating {model}", console=Console(stderr=True)):
            one = _rendered(backend, vault, number, seed)
            _measure(validator, one, number, before, measured)
            _measure_otherwise(validator, backend, one, number, measured)
            before = one.frames
    finally:
        vault.clear_scratch(f"calibrate-{model}")
    limits = calibrate(*measured, f"kinograph calibrate {model} --clips {clips}", model)
    keep(limits, file_of(model, settings.home / "thresholds"))
    return limits, measured


def _validator(vault: Vault, scratch: Path, embedder: str) -> Validator:
    keyframes = Keyframes(scratch / "keyframes.sqlite", scratch / "index", "calibration", open_embedder(embedder))
    return Validator(vault, keyframes)


def _rendered(backend: VideoBackend, vault: Vault, number: int, seed: int) -> Rendered:
    """The clip of one prompt, out of the vault where it is there."""
    world, asked = _asked(backend, number, seed)
    clip = vault.clip(asked.request.digest)
    frames = _loaded(clip) if clip is not None else None
    if clip is None or frames is None:
        (made,) = backend.render([asked.request], lambda *_: None, lambda: False)
        clip = vault.keep_clip(made)
        frames = load(clip)
    return Rendered(world, asked.changed(clip=clip), frames)


def _loaded(clip: Clip) -> np.ndarray | None:
    """Frames of a kept clip; None where they are damaged, and it is rendered again."""
    try:
        return load(clip)
    except Damaged:
        return None


def _asked(backend: VideoBackend, number: int, seed: int) -> tuple[World, Viewing]:
    """A random storyworld of one subject or, where the model can, two, and its shot as the crew would ask for it."""
    rng, most = np.random.default_rng([seed, number]), min(2, backend.card.max_subjects or 2)
    while len((world := sample(rng)).subjects) != (most if number % 2 else 1):
        pass
    return world, _viewing(backend, world, number, seed)


def _viewing(backend: VideoBackend, world: World, number: int, seed: int) -> Viewing:
    """What the validator is asked about a clip that should show this world."""
    made = backend.card
    cast = tuple(
        Character(id=f"c{n}", kind=one.kind, color=one.color, words=f"a {one.color} {one.kind}")
        for n, one in enumerate(world.subjects)
    )
    shot = Shot(
        id="s1.1", scene="s1", text="",
        cast=tuple(Appearance(who=f"c{n}", motion=one.motion) for n, one in enumerate(world.subjects)),
        setting=world.setting, time=world.time, camera=world.camera, seconds=SECONDS, seed=number,
    )  # fmt: skip
    scene = Scene(id="s1", setting=shot.setting, time=shot.time, shots=(shot,))
    board = Storyboard(title="calibration", look=Look(name=world.look), cast=cast, scenes=(scene,))
    request = resolve(shot, board, _decision(backend), Brief(text="calibration", seed=seed), made)
    return Viewing(shot=shot, cast=cast, look=board.look, request=request, clip=_blank(request))


def _decision(backend: VideoBackend) -> Decision:
    made: ModelCard = backend.card
    return Decision(
        model=made.id, revision=backend.revision, topology="chain", width=made.width, height=made.height, fps=made.fps,
        steps=made.steps, guidance=made.guidance, takes=1,
    )  # fmt: skip


def _blank(request: RenderRequest) -> Clip:
    """Stands for the clip until it is there."""
    return Clip(
        request=request.digest, path="", frames=request.frames, fps=request.fps, width=request.width,
        height=request.height, pixels="", model=request.model, revision=request.revision, render_seconds=0,
    )  # fmt: skip


def _measure(validator: Validator, one: Rendered, number: int, other: np.ndarray, measured: Measuring) -> None:
    measured.clean.append(validator.measure(one.viewing, one.frames))
    for kind, severity, frames in hurt(one.frames, one.viewing, number, other):
        measured.faulty.setdefault((kind, severity), []).append(
            validator.measure(one.viewing, frames, frozenset(told_by(kind)))
        )


def _measure_otherwise(
    validator: Validator, backend: VideoBackend, one: Rendered, number: int, measured: Measuring
) -> None:
    """The clip beside shots that it does not show."""
    for index, kind in enumerate(ASKED):
        if possible(kind, one.world, len(one.frames)):
            rng = np.random.default_rng([number, index, len(ASKED)])
            other = as_drawn(one.world, (draw_fault(kind, one.world, len(one.frames), rng),))
            question = _viewing(backend, other, number, 0).changed(clip=one.viewing.clip)
            measured.faulty.setdefault((kind, "gross"), []).append(
                validator.measure(question, one.frames, frozenset(told_by(kind)))
            )


# ------------------------------------------------------------------------------------- telling


class Told(NamedTuple):
    """A row of what came out: a fault, its threshold, and what that is worth on this model's clips."""

    fault: FaultKind | FindingKind
    threshold: float
    before: float
    """The threshold for any model."""
    alarms: float
    """Share of clean clips above it."""
    auc: dict[str, float]
    """By severity; none where no such fault was made."""
    found: dict[str, float]


def told(limits: Thresholds, measured: Measuring) -> list[Told]:
    """A row a fault, then one for what was raised because the model's own clips go beyond it."""
    rows = list[Told]()
    for fault in INJECTED + ASKED:
        (kind,) = told_by(fault)
        if kind in limits.kinds:
            there = [one for one in SEVERITIES if (fault, one) in measured.faulty]
            found = {one: caught(measured.faulty[fault, one], fault, limits) for one in there}
            limit = limits[kind]
            rows.append(Told(fault, limit.at, shipped()[kind].at, limit.alarms, limit.auc, found))
    judged = {row.fault for row in rows}
    for kind, limit in limits.kinds.items():
        if not limit.auc and kind not in judged:
            rows.append(Told(kind, limit.at, shipped()[kind].at, limit.alarms, {}, {}))
    return rows
