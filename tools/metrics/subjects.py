"""The subjects of a clip, cut out of their surroundings, so that an embedder looks at nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinograph.tools import eyes
from kinograph.tools.colors import name_of, to_lab
from kinograph.tools.eyes import Blob, Sighting, Wanted
from kinograph.tools.metrics import Beside

SIDE = 64
"""Pixels a side of what is cut out."""
MOST = 3
"""Subjects that are followed, the largest."""
GREY = 128
"""What fills a cut-out that is no square."""


def tracks_of(frames: np.ndarray, beside: Beside) -> list[dict[int, Blob]]:
    """Everything vivid, followed through the clip, largest first: frame -> blob."""
    return beside.once("tracks", lambda: eyes.tracks(to_lab(frames)))


def subjects_of(frames: np.ndarray, beside: Beside) -> list[Sighting]:
    """The subjects that most of the clip shows; where there are none, the largest vivid thing of each frame as one.

    A thing that turns into another all of a sudden is lost sight of: it must not pass as two that are each consistent.
    """
    found = tracks_of(frames, beside)
    lasting = [track for track in found if len(track) >= 0.8 * len(frames)][:MOST]
    if not lasting:
        lasting = [track for track in [_largest(found, len(frames))] if len(track) >= 0.3 * len(frames)]
    return eyes.assign(lasting, len(frames), [Wanted(None)] * len(lasting)) if lasting else []


def _largest(found: Sequence[dict[int, Blob]], frames: int) -> dict[int, Blob]:
    there = {frame: [track[frame] for track in found if frame in track] for frame in range(frames)}
    return {frame: max(blobs, key=lambda blob: blob.area) for frame, blobs in there.items() if blobs}


def of_cast(frames: np.ndarray, beside: Beside) -> list[Sighting]:
    """Where each character of the cast is in the clip, in the cast's order; one not found has no frame `seen`."""
    wanted = [Wanted(color_of(pictures)) for pictures in beside.cast.values()]
    return eyes.assign(tracks_of(frames, beside), len(frames), wanted)


def color_of(pictures: Sequence[np.ndarray]) -> str | None:
    """The named colour of the largest vivid thing in the first picture that has one."""
    hues = (eyes.picture_hue(picture) for picture in pictures)
    return next((name_of(hue) for hue in hues if hue is not None), None)


def presence(sighting: Sighting) -> float:
    """Share of the frames between the first and the last that show a subject in which it is there: one that comes and
    goes is not consistent, however alike it looks each time."""
    shown = np.flatnonzero(sighting.seen)
    return len(shown) / (int(shown[-1] - shown[0]) + 1) if len(shown) else 0.0


def cut_out(frames: np.ndarray, sighting: Sighting) -> np.ndarray:
    """`[N,SIDE,SIDE,3]`: the subject in the frames that show it whole; in all that show it where none does."""
    whole = sighting.seen & ~sighting.cropped
    shown = np.flatnonzero(whole if whole.any() else sighting.seen)
    return np.stack([squared(sighting.crop(frames, int(frame), margin=0.08)) for frame in shown])


def portrait(picture: np.ndarray) -> np.ndarray:
    """`[SIDE,SIDE,3]`: the largest vivid thing in a picture `[h,w,3]`, or all of it where nothing is vivid."""
    (found,) = eyes.look(picture[None], [Wanted(None)])
    return cut_out(picture[None], found)[0] if found.seen.any() else squared(picture)


def squared(picture: np.ndarray) -> np.ndarray:
    """A picture `[h,w,3]` in the middle of a grey square, `[SIDE,SIDE,3]`."""
    import cv2

    height, width = picture.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    made = np.full((SIDE, SIDE, 3), GREY, np.uint8)
    left, top = (SIDE - size[0]) // 2, (SIDE - size[1]) // 2
    made[top : top + size[1], left : left + size[0]] = cv2.resize(picture, size, interpolation=way)
    return made
