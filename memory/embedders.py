"""Pictures -> vectors: the embedders that keyframes are remembered by.

Adding one is a class here or elsewhere and a line in EMBEDDERS.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, runtime_checkable

import numpy as np

from kinograph.errors import BadSetting, UnknownName

EMBEDDERS = {
    "pixels": "kinograph.memory.embedders:PixelEmbedder",
    "storyworld-clip": "kinograph.memory.clip:ClipEmbedder",
    "clip": "kinograph.memory.vision:Clip",
    "siglip": "kinograph.memory.vision:Siglip",
    "dinov2": "kinograph.memory.vision:Dino",
    "dinov3": "kinograph.memory.vision:Dino3",
}
OF_USERS = frozenset(("clip", "siglip", "dinov2", "dinov3"))
"""Those whose weights are in a folder of the user's: `clip:/folder`."""


class Embedder(Protocol):
    """Turns frames into unit vectors whose cosine similarity follows how alike the frames look."""

    name: str
    """Names the vectors: vectors of different names are never compared."""
    size: int
    """Length of a vector."""

    def embed(self, frames: np.ndarray) -> np.ndarray:
        """`[N,H,W,3]` uint8 RGB -> `[N,size]` float32, each row of length 1."""
        ...


@runtime_checkable
class JointEmbedder(Embedder, Protocol):
    """An embedder that reads too: words and frames that fit them point the same way."""

    def embed_words(self, texts: Sequence[str]) -> np.ndarray:
        """N texts -> `[N,size]` float32, each row of length 1."""
        ...


def open_embedder(name: str) -> Embedder:
    """The embedder of that name, or NAME:FOLDER for one with weights of the user's. Raises UnknownName, BadSetting."""
    family, given, folder = name.partition(":")
    if family not in EMBEDDERS:
        raise UnknownName("embedder", name, EMBEDDERS)
    if (family in OF_USERS) != bool(folder.strip()) or (given and family not in OF_USERS):
        asked = f"needs a folder with its weights: {family}:/folder" if family in OF_USERS else "takes no folder"
        raise BadSetting(f"embedder {name!r} {asked}")
    module, _, attribute = EMBEDDERS[family].partition(":")
    return getattr(import_module(module), attribute)(*([folder] if folder else []))


class PixelEmbedder:
    """Colour and shape statistics without weights: what is where (4x4 mean CIELAB), which hues
    (12 hue x 3 chroma histogram) and which edges (histogram of oriented gradients, 8x8 cells of 8
    orientations: Dalal & Triggs 2005). The three blocks weigh the same.
    """

    name = "pixels-1"
    size = 4 * 4 * 3 + 12 * 3 + 8 * 8 * 8

    def embed(self, frames: np.ndarray) -> np.ndarray:
        return np.stack([self._embed(frame) for frame in frames])

    def _embed(self, frame: np.ndarray) -> np.ndarray:
        import cv2

        small = cv2.resize(frame, (64, 64), interpolation=cv2.INTER_AREA)
        lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        layout = cv2.resize(lab, (4, 4), interpolation=cv2.INTER_AREA).ravel() - np.tile([50.0, 0, 0], 16)
        return np.concatenate([_unit(layout), _unit(self._hues(lab)), _unit(self._edges(lab[..., 0]))]).astype(
            np.float32
        ) / np.float32(np.sqrt(3))

    @staticmethod
    def _hues(lab: np.ndarray) -> np.ndarray:
        chroma = np.hypot(lab[..., 1], lab[..., 2]).ravel()
        hue = np.arctan2(lab[..., 2], lab[..., 1]).ravel()
        counts, _, _ = np.histogram2d(hue, chroma, bins=(np.linspace(-np.pi, np.pi, 13), np.array([0, 20, 50, 200])))
        return np.sqrt(counts).ravel()

    @staticmethod
    def _edges(light: np.ndarray) -> np.ndarray:
        dy, dx = np.gradient(light)
        strength = np.hypot(dx, dy)
        orientation = (np.arctan2(dy, dx) % np.pi / np.pi * 8).astype(int).clip(0, 7)
        cell = np.add.outer(np.arange(64) // 8 * 8, np.arange(64) // 8)
        return np.sqrt(np.bincount((cell * 8 + orientation).ravel(), strength.ravel(), minlength=512))


def _unit(block: np.ndarray) -> np.ndarray:
    length = float(np.linalg.norm(block))
    return block / length if length > 1e-6 else np.full_like(block, 1 / np.sqrt(block.size))
