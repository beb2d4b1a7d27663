"""Silhouettes: masks brought to one size, and which known kind a mask looks like."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from kinograph.tools.colors import VIVID, to_lab, vividness

if TYPE_CHECKING:
    from kinograph.tools.storyworld.world import Kind, LookName

PATCH = 32
"""Side of the normalised subject patches."""


def without_glow(lab: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Drops the halo around a glowing subject: pixels whose colour is weak beside the subject's own."""
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    solid = inside & (chroma > 0.5 * np.percentile(chroma[inside], 85))
    return solid if solid.sum() > 0.4 * inside.sum() else inside


def fit(picture: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """`picture` moved and scaled so that `inside` has its centre in the middle of a PATCH square and a fixed area.

    Area and centre hardly change when a thin edge comes or goes, as a bounding box would.
    """
    import cv2

    rows, columns = np.nonzero(inside > 0.5)
    scale = 0.44 * PATCH / max(1.0, np.sqrt(len(rows)))
    move = np.array(
        [
            [scale, 0, (PATCH - 1) / 2 - scale * columns.mean()],
            [0, scale, (PATCH - 1) / 2 - scale * rows.mean()],
        ]
    )
    soft = (
        cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 0.6 / scale) if scale < 1 else picture.astype(np.float32)
    )
    return cv2.warpAffine(soft, move, (PATCH, PATCH))


@cache
def _templates() -> tuple[tuple[str, ...], np.ndarray]:
    """Kinds, and their silhouettes `[kinds, poses, PATCH*PATCH]` turned in steps of 15 degrees, each of length 1.

    They are cut out of model sheets (each kind drawn plain, once without and once with a glow) by the
    same means that cut subjects out of clips.
    """
    from kinograph.tools.storyworld.world import KINDS

    poses = []
    for kind in KINDS:
        turned = [
            fit(mask := _turn(sheet, angle), mask)
            for sheet in map(partial(_sheet, kind), ("flat", "neon"))
            for angle in range(0, 360, 15)
        ]
        masks = np.stack(turned + [mask[:, ::-1] for mask in turned]).reshape(len(turned) * 2, -1)
        poses.append(masks / np.linalg.norm(masks, axis=1, keepdims=True))
    return KINDS, np.stack(poses)


def _sheet(kind: Kind, look: LookName) -> np.ndarray:
    """Mask `[72,72]` of a kind's vivid pixels on its model sheet."""
    from kinograph.tools.storyworld.shapes import RGB, sprite

    drawn = sprite(kind, RGB["red"], look, 48)
    plain = drawn[..., :3] + (1 - drawn[..., 3:]) * 45.0
    lab = to_lab(np.pad(plain, ((12, 12), (12, 12), (0, 0)), constant_values=45).clip(0, 255).astype(np.uint8)[None])[0]
    return without_glow(lab, vividness(lab) > VIVID).astype(np.float32)


def _turn(mask: np.ndarray, degrees: float) -> np.ndarray:
    import cv2

    side = mask.shape[0] * 3 // 2
    turn = cv2.getRotationMatrix2D((mask.shape[1] / 2, mask.shape[0] / 2), degrees, 1.0)
    turn[:, 2] += (side - mask.shape[0]) / 2
    return cv2.warpAffine(mask, turn, (side, side))


def known_kinds() -> tuple[str, ...]:
    """The kinds whose shape these eyes know."""
    return _templates()[0]


def likeness(masks: np.ndarray) -> dict[str, float]:
    """How much masks `[N,PATCH,PATCH]` as `fit` makes them look like each known kind: median best cosine, 0..1."""
    kinds, templates = _templates()
    flat = masks.reshape(len(masks), -1)
    flat = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    poses = templates.reshape(-1, templates.shape[-1]) @ flat.T
    best = poses.reshape(len(kinds), -1, len(flat)).max(axis=1)
    return dict(zip(kinds, np.median(best, axis=1).tolist(), strict=True))
