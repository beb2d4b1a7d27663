"""Calibrating the validator for one model: its own clips, hurt on purpose, tell from where on a symptom is a fault.

Only what happens to frames can be put into somebody else's clip: black, scrambled, flickering, frozen frames, cuts,
subjects that vanish or change colour. For everything else the thresholds that hold for any model stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kinograph.agents.calibration import Measured, calibrate, caught, told_by
from kinograph.agents.requesting import resolve
from kinograph.agents.thresholds import Thresholds, file_of, keep, shipped
from kinograph.agents.validator import Validator
from kinograph.agents.verdicts import Viewing
from kinograph.errors import BadInput, Damaged
from kinograph.film import Appearance, Brief, Character, Clip, Decision, Look, RenderRequest, Scene, Shot, Storyboard
from kinograph.memory.embedders import open_embedder
from kinograph.memory.keyframes import Keyframes
from kinograph.memory.vault import Vault, open_vault
from kinograph.settings import Settings
from kinograph.tools import eyes
from kinograph.tools.backends import ModelCard, VideoBackend, Workbench, open_backend
from kinograph.tools.footage import load
from kinograph.tools.storyworld.faults import SEVERITIES, SHARES, Fault, FaultKind, Severity, damage
from kinograph.tools.storyworld.world import sample

INJECTED: tuple[FaultKind, ...] = ("black", "corrupt", "flicker", "frozen", "jump", "dropped", "color drift")
LEAST = 5
"""Fewest clips; thresholds of so few are rough."""
DRIFT: dict[Severity, float] = {"gross": 90.0, "medium": 30.0, "mild": 15.0}
"""Degrees of hue."""
SECONDS = 2.0
"""Of a clip, where the model leaves a choice."""


class Rendered(NamedTuple):
    """A clip of the model, and what it should show."""

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
    asked = _asked(backend, number, seed)
    clip = vault.clip(asked.request.digest)
    frames = _loaded(clip) if clip is not None else None
    if clip is None or frames is None:
        (made,) = backend.render([asked.request], lambda *_: None, lambda: False)
        clip = vault.keep_clip(made)
        frames = load(clip)
    return Rendered(asked.changed(clip=clip), frames)


def _loaded(clip: Clip) -> np.ndarray | None:
    """Frames of a kept clip; None where they are damaged, and it is rendered again."""
    try:
        return load(clip)
    except Damaged:
        return None


def _asked(backend: VideoBackend, number: int, seed: int) -> Viewing:
    """A shot of a random storyworld with one subject, as the crew would ask this model for it."""
    made, rng = backend.card, np.random.default_rng([seed, number])
    while len((world := sample(rng)).subjects) != 1:
        pass
    one = world.subjects[0]
    who = Character(id="c0", kind=one.kind, color=one.color, words=f"a {one.color} {one.kind}")
    shot = Shot(
        id="s1.1", scene="s1", text="", cast=(Appearance(who="c0", motion=one.motion),), setting=world.setting,
        time=world.time, camera=world.camera, seconds=SECONDS, seed=number,
    )  # fmt: skip
    scene = Scene(id="s1", setting=shot.setting, time=shot.time, shots=(shot,))
    board = Storyboard(title="calibration", look=Look(name=world.look), cast=(who,), scenes=(scene,))
    request = resolve(shot, board, _decision(backend), Brief(text="calibration", seed=seed), made)
    return Viewing(shot=shot, cast=(who,), look=board.look, request=request, clip=_blank(request))


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


# -------------------------------------------------------------------------------------- hurting


def _measure(validator: Validator, one: Rendered, number: int, other: np.ndarray, measured: Measuring) -> None:
    measured.clean.append(validator.measure(one.viewing, one.frames))
    for kind, severity, frames in hurt(one.frames, one.viewing, number, other):
        measured.faulty.setdefault((kind, severity), []).append(
            validator.measure(one.viewing, frames, frozenset(told_by(kind)))
        )


def hurt(
    frames: np.ndarray, viewing: Viewing, number: int, other: np.ndarray
) -> Iterator[tuple[FaultKind, Severity, np.ndarray]]:
    """Copies of frames `[T,H,W,3]` with each fault at each severity; those of a subject only where one is seen.

    `other` is a clip of the same size, to cut to.
    """
    (sighting,) = eyes.look(frames, [eyes.wanted(viewing.cast[0])])
    for index, kind in enumerate(INJECTED):
        for severity in SEVERITIES:
            rng, copy = np.random.default_rng([number, index, SEVERITIES.index(severity)]), frames.copy()
            if kind == "color drift":
                _turn_hues(copy, DRIFT[severity])
            elif kind == "jump":
                _cut(copy, severity, rng, other)
            else:
                fault = _fault(kind, severity, len(frames), rng)
                if kind == "dropped":
                    _hide(copy[fault.first : fault.last + 1], sighting, fault.first)
                else:
                    damage(copy, fault, number)
            if kind not in ("dropped", "color drift") or sighting.seen.mean() > 0.9:
                yield kind, severity, copy


def _fault(kind: FaultKind, severity: Severity, frames: int, rng: np.random.Generator) -> Fault:
    least = 5 if kind == "flicker" else 3 if kind == "frozen" else 1
    length = min(frames, max(least, int(np.ceil(frames * rng.uniform(*SHARES[kind][severity])))))
    first = int(rng.integers(0, frames - length + 1))
    subject = 0 if kind == "dropped" else None
    return Fault(kind=kind, subject=subject, first=first, last=first + length - 1, severity=severity)


def _cut(frames: np.ndarray, severity: Severity, rng: np.random.Generator, other: np.ndarray) -> None:
    """To another clip, to the mirror picture, or a little nearer."""
    first = int(np.ceil(len(frames) * rng.uniform(0.35, 0.65)))
    if severity == "mild":
        damage(frames, Fault(kind="jump", first=first, last=len(frames) - 1, severity="mild"), int(rng.integers(99)))
    else:
        frames[first:] = frames[first:, :, ::-1].copy() if severity == "medium" else other[first:]


def _hide(frames: np.ndarray, sighting: eyes.Sighting, first: int) -> None:
    """Paints over the subject with what is around it (Telea 2004)."""
    import cv2

    height, width = frames.shape[1:3]
    for frame, box in zip(frames, sighting.box[first : first + len(frames)], strict=True):
        if np.isnan(box).any():
            continue
        left, top, right, bottom = (round(float(side)) for side in box * (width, height, width, height))
        mask = np.zeros((height, width), np.uint8)
        mask[max(0, top - 6) : bottom + 6, max(0, left - 6) : right + 6] = 255
        frame[:] = cv2.inpaint(frame, mask, 3, cv2.INPAINT_TELEA)


def _turn_hues(frames: np.ndarray, degrees: float) -> None:
    """Turns all hues, from not at all in the first frame to all the way in the last (CIELAB)."""
    import cv2

    for part, frame in zip(np.linspace(0, 1, len(frames)), frames, strict=True):
        lab = cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        turn = np.radians(degrees * part)
        a, b = lab[..., 1].copy(), lab[..., 2].copy()
        lab[..., 1], lab[..., 2] = a * np.cos(turn) - b * np.sin(turn), a * np.sin(turn) + b * np.cos(turn)
        frame[:] = (np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1) * 255 + 0.5).astype(np.uint8)


# ------------------------------------------------------------------------------------- telling


class Told(NamedTuple):
    """A row of what came out: a fault, its threshold, and what that is worth on this model's clips."""

    fault: FaultKind
    threshold: float
    before: float
    """The threshold for any model."""
    alarms: float
    """Share of clean clips above it."""
    auc: dict[str, float]
    found: dict[str, float]


def told(limits: Thresholds, measured: Measuring) -> list[Told]:
    """A row a fault."""
    rows = []
    for fault in INJECTED:
        (kind,) = told_by(fault)
        if kind in limits.kinds:
            found = {one: caught(measured.faulty[fault, one], fault, limits) for one in SEVERITIES}
            limit = limits[kind]
            rows.append(Told(fault, limit.at, shipped()[kind].at, limit.alarms, limit.auc, found))
    return rows
