"""The joint embedder that ships: frames and words in one space."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from kinograph.errors import Damaged
from kinograph.memory.clip import MODEL, ClipEmbedder
from kinograph.memory.embedders import open_embedder
from kinograph.tools.storyworld import COLORS, World, paint


def world(kind: str = "car", color: str = "red", setting: str = "desert", **more: str) -> World:
    return World.model_validate({"subjects": [{"kind": kind, "color": color}], "setting": setting} | more)


def frame(seed: int = 3, **more: str) -> np.ndarray:
    return paint(world(**more), frames=1, width=128, height=128, fps=8, seed=seed).frames[0]


@pytest.fixture(scope="module")
def embedder() -> ClipEmbedder:
    return ClipEmbedder()


def test_is_named_by_its_weights(embedder: ClipEmbedder):
    assert open_embedder("storyworld-clip").name == embedder.name


def test_frames_and_words_are_unit_vectors_and_repeat(embedder: ClipEmbedder):
    frames = np.stack([frame(), frame(setting="snow")])
    vectors, said = embedder.embed(frames), embedder.embed_words(["a red car", ""])
    assert vectors.shape == said.shape == (2, embedder.size)
    assert vectors.dtype == said.dtype == np.float32
    assert np.linalg.norm(np.concatenate([vectors, said]), axis=1) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(vectors, embedder.embed(frames))


def test_words_find_the_frame_of_their_color(embedder: ClipEmbedder):
    """Colour is what the early checkpoint knows; `tests/bench/embedders.py` measures the rest."""
    frames = np.stack([frame(seed, color=color) for color in COLORS for seed in (11, 12)])
    likeness = embedder.embed(frames) @ embedder.embed_words([f"a {color} car" for color in COLORS]).T
    right = likeness.argmax(1) == np.repeat(np.arange(len(COLORS)), 2)
    assert right.mean() >= 0.75  # by chance 0.125


def test_damaged_weights_are_named(tmp_path: Path):
    copy = tmp_path / "clip"
    shutil.copytree(MODEL, copy)
    data = bytearray((copy / "model.safetensors").read_bytes())
    data[-5] ^= 255
    (copy / "model.safetensors").write_bytes(data)
    with pytest.raises(Damaged, match=r"model\.safetensors' is damaged"):
        ClipEmbedder(copy).embed(frame()[None])
