"""Embedders that users bring: tiny models of the real kinds, loaded from folders in the hub's layout."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tiny_vision
import torch
import transformers

from kinograph.errors import BadSetting, Damaged, UnknownName
from kinograph.memory.embedders import JointEmbedder, open_embedder
from kinograph.memory.vision import Eyepiece

SIZES = {"clip": 8, "siglip": 16, "dinov2": 16, "dinov3": 16}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    torch.manual_seed(3)
    return {name: getattr(tiny_vision, name)(tmp_path_factory.mktemp(name)) for name in (*SIZES, "videomae")}


@pytest.mark.parametrize("family", SIZES)
def test_frames_are_unit_vectors_that_repeat_and_differ(family: str, folders: dict[str, Path], noise):
    embedder = open_embedder(f"{family}:{folders[family]}")
    frames = noise(1, 3, 40, 60)
    vectors = embedder.embed(frames)
    assert vectors.shape == (3, embedder.size) == (3, SIZES[family])
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.allclose(vectors, open_embedder(f"{family}:{folders[family]}").embed(frames), atol=1e-6)
    assert not np.allclose(vectors[0], vectors[1], atol=1e-3)
    assert isinstance(embedder, JointEmbedder) == (family in ("clip", "siglip"))


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_those_that_read_turn_words_into_vectors_of_the_same_space(family: str, folders: dict[str, Path]):
    embedder = open_embedder(f"{family}:{folders[family]}")
    assert isinstance(embedder, JointEmbedder)
    said = embedder.embed_words(["a red ball", "a blue fox on the sea"])
    assert said.shape == (2, embedder.size)
    assert np.linalg.norm(said, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.allclose(embedder.embed_words(["a red ball"]), said[:1], atol=1e-5)  # padding of others changes nothing
    assert not np.allclose(said[0], said[1], atol=1e-3)


def test_pictures_are_made_as_by_the_processors_of_transformers(folders: dict[str, Path], noise):
    frames = noise(2, 2, 50, 70)
    for family, processor in (("clip", "CLIPImageProcessor"), ("siglip", "SiglipImageProcessor")):
        own = getattr(transformers, processor).from_pretrained(folders[family])
        expected = own(list(frames), return_tensors="np")["pixel_values"]
        assert np.allclose(Eyepiece.read(folders[family]).pictures(frames), expected, atol=1e-5), family


def test_the_name_follows_the_weights(folders: dict[str, Path], tmp_path: Path):
    torch.manual_seed(4)
    other = tiny_vision.dinov2(tmp_path / "other")
    names = {open_embedder(f"dinov2:{folder}").name for folder in (other, folders["dinov2"])}
    assert len(names) == 2
    assert all(name.startswith("dinov2-") for name in names)


def test_a_wrong_folder_is_told_in_one_line(folders: dict[str, Path], tmp_path: Path):
    with pytest.raises(BadSetting, match=r"no folder with a config\.json"):
        open_embedder(f"clip:{tmp_path / 'nowhere'}")
    with pytest.raises(BadSetting, match="a model of type 'clip', not dinov2 or dinov2_with_registers"):
        open_embedder(f"dinov2:{folders['clip']}")
    with pytest.raises(BadSetting, match="'clip' needs a folder with its weights: clip:/folder"):
        open_embedder("clip")
    with pytest.raises(BadSetting, match="'pixels:/folder' takes no folder"):
        open_embedder("pixels:/folder")
    with pytest.raises(UnknownName, match="unknown embedder 'vgg:/folder'"):
        open_embedder("vgg:/folder")


def test_a_folder_that_lacks_weights_gives_no_vectors(folders: dict[str, Path], tmp_path: Path, noise):
    from safetensors.torch import load_file, save_file

    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((folders["dinov3"] / name).read_bytes())
    with pytest.raises(BadSetting, match="has no weights"):
        open_embedder(f"dinov3:{tmp_path}")
    weights = load_file(folders["dinov3"] / "model.safetensors")
    save_file(dict(list(weights.items())[1:]), tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(Damaged, match="lacks 1 weights"):
        open_embedder(f"dinov3:{tmp_path}").embed(noise(1))
    (tmp_path / "model.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(Damaged, match="cannot be loaded"):
        open_embedder(f"dinov3:{tmp_path}").embed(noise(1))


def test_a_broken_description_of_pictures_is_told(folders: dict[str, Path], tmp_path: Path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folders["clip"] / name).read_bytes())
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"size": {"shortest_edge": 32}}))
    with pytest.raises(BadSetting, match=r"preprocessor_config\.json' lacks 'image_mean'"):
        open_embedder(f"clip:{tmp_path}")
