"""Exact detectors for clips of the storyworld: what is there, what it does, where, seen how. Pixels alone decide.

They choose among all kinds, colors, motions, cameras and settings, and are never told what was asked for, but
for how many subjects to look for. They are for evaluation: no agent, validator or backend may lean on them.

    found = detect(frames, subjects=1)
    found.subjects[0].kind, found.subjects[0].motion, found.setting, found.camera
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kinograph.evals.detectors.camera import follow
from kinograph.evals.detectors.coherence import temporal_coherence
from kinograph.evals.detectors.kind import kind_of
from kinograph.evals.detectors.motion import motion_of
from kinograph.evals.detectors.place import place_of
from kinograph.evals.detectors.subject import color_of, find, hidden, scan, to_lab
from kinograph.film import Camera, Motion, TimeOfDay
from kinograph.tools.storyworld.world import Color, Kind, LookName, Setting

__all__ = ["DetectedSubject", "Detection", "Portrait", "detect", "detect_keyframe", "temporal_coherence"]


class Portrait(NamedTuple):
    """A subject in one picture."""

    kind: Kind
    color: Color


class DetectedSubject(NamedTuple):
    """A subject in a clip."""

    kind: Kind
    color: Color
    motion: Motion
    seen: float
    """Share of the frames in which it was found, 0 to 1."""


class Detection(NamedTuple):
    """What a clip shows."""

    setting: Setting
    time: TimeOfDay
    look: LookName
    camera: Camera
    subjects: tuple[DetectedSubject, ...]
    """Largest first; fewer than were looked for where no more are to be seen."""


def detect(frames: np.ndarray, subjects: int = 1) -> Detection:
    """What a clip `[T,H,W,3]`, uint8 RGB, shows; `subjects`, 0 to 2, is how many things to look for.

    The camera and motions need 5 frames and more that span the whole movement; a shorter clip is found to be
    static and its subjects to stay. Pictures are looked at with a shorter side of 128 pixels.
    """
    _check(frames, 4)
    small = scan(frames)
    labs = [to_lab(frame) for frame in small]
    tracks = find(labs, subjects)
    covered = hidden(labs, tracks)
    camera = follow(np.stack([lab[..., 0] for lab in labs]) * 2.55, covered)
    looked_at = sorted({0, len(labs) // 2, len(labs) - 1})
    place = place_of([labs[t] for t in looked_at], [covered[t] for t in looked_at])
    return Detection(
        setting=place.setting,
        time=place.time,
        look=place.look,
        camera=camera.camera,
        subjects=tuple(
            DetectedSubject(kind_of(track), color_of(track), motion_of(track, camera), len(track) / len(frames))
            for track in tracks
        ),
    )


def detect_keyframe(frame: np.ndarray, subjects: int = 1) -> tuple[Portrait, ...]:
    """Kind and color of the subjects in one picture `[H,W,3]`, uint8 RGB, largest first."""
    _check(frame, 3)
    return tuple(Portrait(kind_of(track), color_of(track)) for track in find([to_lab(scan(frame[None])[0])], subjects))


def _check(frames: np.ndarray, dimensions: int) -> None:
    if frames.dtype != np.uint8 or frames.ndim != dimensions or frames.shape[-1] != 3 or not frames.size:
        wanted = "[T,H,W,3]" if dimensions == 4 else "[H,W,3]"
        raise ValueError(f"{frames.dtype} {list(frames.shape)} is no uint8 RGB {wanted}")
