"""Where the camera goes: the background followed from frame to frame, with the subjects left out.

Frames are `[T,H,W,3]` uint8 RGB; shifts are in the picture's width and height.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kinograph.tools.colors import scan_size
from kinograph.tools.eyes import Sighting


class CameraPath(NamedTuple):
    """Where the picture of the background went since the first frame."""

    x: np.ndarray
    """`[T]` shift of the scene in widths, to the right."""
    y: np.ndarray
    zoom: np.ndarray
    """`[T]` magnification since the first frame."""
    trusted: bool
    """Enough of the background could be followed."""


def camera_path(frames: np.ndarray, hide: Sequence[Sighting] = ()) -> CameraPath:
    """Follows the background with pyramidal Lucas-Kanade and a RANSAC similarity between neighbours."""
    import cv2

    width, height = scan_size(frames)
    grey = [
        cv2.cvtColor(cv2.resize(f, (width, height), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY) for f in frames
    ]
    total, path, good = np.eye(3), [np.eye(3)], 0
    for frame in range(1, len(grey)):
        step = _step(grey[frame - 1], grey[frame], _background(hide, frame - 1, width, height))
        good += step is not None
        total = (step if step is not None else np.eye(3)) @ total
        path.append(total)
    matrices = np.stack(path)
    centre = matrices @ np.array([width / 2, height / 2, 1.0])
    return CameraPath(
        x=(centre[:, 0] - width / 2) / width,
        y=(centre[:, 1] - height / 2) / height,
        zoom=np.hypot(matrices[:, 0, 0], matrices[:, 1, 0]),
        trusted=good >= 0.7 * (len(grey) - 1),
    )


def _background(hide: Sequence[Sighting], frame: int, width: int, height: int) -> np.ndarray:
    mask = np.full((height, width), 255, np.uint8)
    for sighting in hide:
        if sighting.seen[frame]:
            left, top, right, bottom = sighting.box[frame]
            rows = slice(max(0, int(top * height) - 3), int(bottom * height) + 4)
            mask[rows, max(0, int(left * width) - 3) : int(right * width) + 4] = 0
    return mask


def _step(before: np.ndarray, after: np.ndarray, mask: np.ndarray) -> np.ndarray | None:
    import cv2

    points = cv2.goodFeaturesToTrack(before, 160, 0.01, 4, mask=mask)
    if points is None or len(points) < 8:
        return None
    moved, status, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points, np.empty_like(points), winSize=(11, 11), maxLevel=2
    )
    good = status.ravel() == 1
    if good.sum() < 8:
        return None
    matrix, inliers = cv2.estimateAffinePartial2D(points[good], moved[good], ransacReprojThreshold=0.7)
    if matrix is None or inliers.sum() < 8:
        return None
    return np.vstack([matrix, [0, 0, 1]])
