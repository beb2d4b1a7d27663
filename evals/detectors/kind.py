"""Which of the sixteen kinds a subject is, by its shape and surface; and how far it turns from frame to frame.

It is compared with a bank of cut-outs of all kinds, drawn plain and glowing, sharp and soft, turned in steps of
15 degrees and mirrored, and cut out by the same means as subjects are.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import cv2
import numpy as np

from kinograph.evals.detectors.subject import PATCH, Sight, Track, to_lab, whole
from kinograph.tools.storyworld.compositing import place
from kinograph.tools.storyworld.shapes import RGB, sprite
from kinograph.tools.storyworld.world import KINDS, Kind

STEP = 15
"""Degrees between the poses in the bank."""
DRAWN = 34
"""Side of the unit box, in pixels, of the pictures in the bank: as large as subjects are in small clips."""
BLURS = (0.4, 1.1, 1.8)
"""How soft the pictures in the bank are, in pixels."""
SURFACE = 2.0
"""Weight of the surface beside the shape: eyes, panes and hearts of flowers tell small blurred things apart."""


def kind_of(track: Track) -> Kind:
    """The kind that fits best over all frames that show the subject whole, if there are any; large ones count more."""
    complete = [sight for sight in track.values() if not sight.cropped] or list(track.values())
    return KINDS[int(np.argmax(np.array([sight.area for sight in complete]) @ likeness(complete)))]


def likeness(sights: Sequence[Sight]) -> np.ndarray:
    """`[N,kinds]`: the cosine, up to 1, between each sight and the likest pose of each kind."""
    bank = _bank()
    features = np.stack([_features(sight.shape, _surface(sight)) for sight in sights])
    return (features @ bank.reshape(-1, bank.shape[-1]).T).reshape(len(sights), *bank.shape[:2]).max(2)


def _features(shape: np.ndarray, surface: np.ndarray) -> np.ndarray:
    """`[2 * PATCH * PATCH]` of length 1."""
    both = np.concatenate([(shape - shape.mean()).ravel(), SURFACE * (surface - surface.mean()).ravel()])
    return both / max(1e-6, float(np.linalg.norm(both)))


def _surface(sight: Sight) -> np.ndarray:
    """`[PATCH,PATCH]`: how much lighter or darker than its body a subject's details are."""
    inside = sight.shape > 0.5
    body = float(np.median(sight.light[inside])) if inside.any() else 0.0
    near = cv2.dilate(sight.shape, np.ones((3, 3), np.uint8))
    return cv2.GaussianBlur((np.clip(sight.light - body, -0.3, 0.3) * near).astype(np.float32), (0, 0), 0.7)


@cache
def _bank() -> np.ndarray:
    """`[kinds, poses, 2 * PATCH * PATCH]`: features of all kinds in all poses."""
    return np.stack([_poses(kind) for kind in KINDS]).astype(np.float32)


def _poses(kind: Kind) -> np.ndarray:
    side = round(DRAWN * 1.7)
    poses = []
    for look in ("flat", "neon"):
        picture = sprite(kind, RGB["red"], look, 2 * DRAWN)
        for angle in range(0, 360, STEP):
            sheet = np.full((side, side, 4), 60, np.uint8)
            place(sheet, picture, side / 2, side / 2, DRAWN, DRAWN, angle, mirrored=False)
            for blur in BLURS:
                sight = whole(to_lab(cv2.GaussianBlur(sheet[..., :3], (0, 0), blur)))
                surface = _surface(sight)
                poses += [_features(sight.shape, surface), _features(sight.shape[:, ::-1], surface[:, ::-1])]
    return np.stack(poses)


# ----------------------------------------------------------------------------------------- turning


def turning(track: Track) -> float:
    """Degrees that a subject turns from its first frame to its last, clockwise; near 0 where it does not.

    Each pair of neighbouring frames is compared in polar coordinates around the subject's centre: silhouette
    and surface pattern together, by circular cross-correlation within 60 degrees.
    """
    frames = sorted(frame for frame, sight in track.items() if not sight.cropped) or sorted(track)
    rings = {frame: _polar(track[frame]) for frame in frames}
    steps = [_turn(rings[a], rings[b]) / (b - a) for a, b in pairwise(frames) if b - a <= 2]
    return float(np.median(steps)) * (max(track) - min(track)) if steps else 0.0


BINS = 120
"""Angles in a polar picture."""


def _polar(sight: Sight) -> np.ndarray:
    """`[2, radii, BINS]`: Fourier transforms around the centre, without what is the same all around."""
    around = []
    for picture, weight in ((sight.shape, 1.0), (_surface(sight), 2.5)):
        polar = cv2.warpPolar(
            picture, (PATCH // 2, BINS), ((PATCH - 1) / 2, (PATCH - 1) / 2), PATCH / 2, cv2.INTER_LINEAR
        ).T
        polar = (polar - polar.mean(1, keepdims=True)) * np.sqrt(np.arange(len(polar)) + 0.5)[:, None]
        around.append(np.fft.rfft(weight * polar))
    return np.stack(around)


def _turn(one: np.ndarray, other: np.ndarray) -> float:
    """Degrees within ±60 by which `other` is turned against `one`."""
    fit = np.fft.irfft((np.conj(one) * other).sum((0, 1)), BINS)
    reach = BINS // 6
    near = np.roll(fit, reach)[: 2 * reach + 1]
    best = int(np.argmax(near))
    left, right = fit[(best - reach - 1) % BINS], fit[(best - reach + 1) % BINS]
    bend = left - 2 * near[best] + right
    return float((best - reach + (0.5 * (left - right) / bend if bend < 0 else 0.0)) * 360 / BINS)
