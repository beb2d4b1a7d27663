"""Faults put into frames that somebody else rendered: what can happen to any clip, without knowing how it was made."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kinograph.agents.verdicts import Viewing
from kinograph.tools import eyes
from kinograph.tools.storyworld.faults import SEVERITIES, SHARES, Fault, FaultKind, Severity, damage

INJECTED: tuple[FaultKind, ...] = ("black", "corrupt", "flicker", "frozen", "jump", "dropped", "color drift")
DRIFT: dict[Severity, float] = {"gross": 90.0, "medium": 30.0, "mild": 15.0}
"""Degrees of hue."""


def hurt(
    frames: np.ndarray, viewing: Viewing, number: int, other: np.ndarray
) -> Iterator[tuple[FaultKind, Severity, np.ndarray]]:
    """Copies of frames `[T,H,W,3]` with each fault at each severity; those of a subject only where one is seen.

    `other` is a clip of the same size, to cut to.
    """
    sighting, *_ = eyes.look(frames, [eyes.wanted(one) for one in viewing.cast])
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
