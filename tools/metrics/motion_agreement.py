"""Motion agreement: whether the first subject does what it should."""

from __future__ import annotations

import numpy as np

from kinograph.film import Motion
from kinograph.tools import eyes, tracks
from kinograph.tools.camera import camera_path
from kinograph.tools.eyes import Sighting, Wanted
from kinograph.tools.metrics import Beside, Metric, Unmeasurable
from kinograph.tools.metrics.subjects import of_cast, tracks_of

LEAST = 4
"""Frames that must show a subject before its path says anything."""


def motion_agreement(frames: np.ndarray, beside: Beside) -> float:
    """1 where the path of the first of the cast, or of the largest subject, is the motion that was asked for, else 0.

    The camera's own movement is taken out. Raises Unmeasurable where nobody can be followed.
    """
    return float(beside.motion in motions_of(frames, beside))


def motions_of(frames: np.ndarray, beside: Beside) -> list[Motion]:
    """What the first of the cast, or the largest subject, does."""
    everybody = eyes.assign(tracks_of(frames, beside), len(frames), [Wanted(None)])
    found = of_cast(frames, beside) if beside.cast else everybody
    first = found[0]
    if first.seen.sum() < LEAST:
        raise Unmeasurable(f"needs a subject that {LEAST} frames show")
    return beside.once("motions", lambda: _motions(frames, first, found))


def _motions(frames: np.ndarray, first: Sighting, found: list[Sighting]) -> list[Motion]:
    height, width = frames.shape[1:3]
    return tracks.does(tracks.track(first, camera_path(frames, found), width, height))


METRIC = Metric("motion agreement", "higher", (0.0, 1.0), "pixels", motion_agreement, ("motion",))
