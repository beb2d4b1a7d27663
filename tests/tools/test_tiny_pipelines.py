"""The tiny pipelines that other tests render with: they load, call and share parts as the large ones do."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline
from PIL import Image
from tiny_pipelines import BUILDERS, SIZES, built

from kinograph.tools.backends import card

CARDS: dict[str, tuple[str, ...]] = {
    "animatediff": ("animatediff",),
    "animatediff-sdxl": ("animatediff-sdxl",),
    "modelscope": ("modelscope", "zeroscope-576w"),
    "zeroscope-xl": ("zeroscope-xl",),
    "svd": ("svd", "svd-xt"),
    "wan": ("wan-2.1-1.3b", "wan-2.1-14b"),
    "wan-i2v": ("wan-2.1-i2v",),
    "wan-vace": ("wan-2.1-vace",),
    "ltx": ("ltx-video",),
    "cogvideox": ("cogvideox-2b", "cogvideox-5b"),
}
SIBLINGS = [
    ("animatediff", "AnimateDiffVideoToVideoPipeline", "video"),
    ("modelscope", "VideoToVideoSDPipeline", "video"),
    ("wan", "WanVideoToVideoPipeline", "video"),
    ("ltx", "LTXImageToVideoPipeline", "image"),
    ("ltx", "LTXConditionPipeline", "image"),
    ("ltx", "LTXConditionPipeline", "video"),
    ("cogvideox", "CogVideoXVideoToVideoPipeline", "video"),
]
"""Family, the class that its parts also fit, and what that takes besides words."""
PINNED = ("wan", "skyreels")
"""Families with weights that stay in float32, which diffusers loads only with accelerate."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hub")


@pytest.fixture
def load(hub: Path):
    """Loads a family as from a hub."""

    def make(key: str) -> DiffusionPipeline:
        if key.startswith(PINNED) and not find_spec("accelerate"):
            pytest.skip("no accelerate: diffusers cannot load weights that stay in float32")
        pipeline = DiffusionPipeline.from_pretrained(built(key, hub), local_files_only=True)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    return make


def still(key: str, shade: int = 90) -> Image.Image:
    width, height, _ = SIZES[key]
    return Image.fromarray(np.arange(shade, shade + height * width * 3).reshape(height, width, 3).astype(np.uint8))


def frames_of(pipeline: Any, **call: Any) -> np.ndarray:
    """What a call with two steps gives: the frames [F,H,W,3] of the one video, 0..1."""
    steps = {"num_inference_steps": 2} | call
    answer = pipeline(**steps, output_type="np", generator=torch.Generator().manual_seed(1))
    return np.asarray(answer.frames[0])


def call_of(key: str, prompt: str = "a red ball") -> dict[str, Any]:
    """The least that a family must be told."""
    width, height, frames = SIZES[key]
    sized = {"width": width, "height": height, "num_frames": frames}
    match key:
        case "animatediff-sparse":
            return {"prompt": prompt, "conditioning_frames": [still(key)], "controlnet_frame_indices": [0]} | sized
        case "zeroscope-xl":
            return {"prompt": prompt, "video": [still(key)] * frames, "num_inference_steps": 4}
        case "svd":
            return {"image": still(key)} | sized
        case "wan-i2v" | "cogvideox-i2v":
            return {"prompt": prompt, "image": still(key)} | sized
    return {"prompt": prompt} | sized


@pytest.mark.parametrize("key", [key for key in BUILDERS if key != "text-to-image"])
def test_a_family_loads_as_from_a_hub_and_renders_the_size_asked_for_and_the_words(load, key: str):
    width, height, frames = SIZES[key]
    pipeline = load(key)
    made = frames_of(pipeline, **call_of(key))
    assert made.shape == (frames, height, width, 3)
    assert np.isfinite(made).all()
    assert made.std() > 0.01
    if "prompt" in call_of(key):
        assert not np.array_equal(made, frames_of(pipeline, **call_of(key, "two blue fox at night, ein Haus")))


def test_the_image_model_loads_and_draws_one_picture(load):
    width, height, _ = SIZES["text-to-image"]
    drawn = load("text-to-image")("a red ball", width=width, height=height, num_inference_steps=2, output_type="np")
    assert drawn.images.shape == (1, height, width, 3)
    assert np.isfinite(drawn.images).all()


@pytest.mark.parametrize("key", CARDS)
def test_a_size_is_one_that_the_cards_of_the_family_accept(key: str):
    width, height, frames = SIZES[key]
    for chosen in map(card, CARDS[key]):
        chosen.check_size(width, height)
        assert chosen.legal_frames(frames) == frames


@pytest.mark.parametrize(("key", "cls", "given"), SIBLINGS)
def test_the_parts_of_a_family_also_make_its_other_pipeline(load, key: str, cls: str, given: str):
    width, height, frames = SIZES[key]
    first = load(key)
    other = getattr(diffusers, cls).from_pipe(first)
    assert other.vae is first.vae
    call: dict[str, Any] = {"prompt": "a red ball", "num_inference_steps": 4}
    if cls != "VideoToVideoSDPipeline":
        call |= {"width": width, "height": height}
    call |= {"image": still(key), "num_frames": frames} if given == "image" else {"video": [still(key)] * frames}
    if (cls, given) == ("LTXConditionPipeline", "video"):
        call |= {"num_frames": frames}
    other.set_progress_bar_config(disable=True)
    made = frames_of(other, **call)
    assert made.shape == (frames, height, width, 3)
    assert np.isfinite(made).all()


def test_the_motion_adapter_fits_the_image_model(load, hub: Path):
    adapter = diffusers.MotionAdapter.from_pretrained(built("animatediff", hub) / "motion_adapter")
    base = built("text-to-image", hub)
    pipeline = diffusers.AnimateDiffPipeline.from_pretrained(base, motion_adapter=adapter, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    width, height, frames = SIZES["animatediff"]
    assert frames_of(pipeline, **call_of("animatediff")).shape == (frames, height, width, 3)


def test_a_pipeline_is_the_same_at_every_call_and_set_to_render():
    first, second = (BUILDERS["modelscope"]() for _ in range(2))
    assert not first.unet.training
    assert not first.text_encoder.training
    for one, other in zip(first.unet.parameters(), second.unet.parameters(), strict=True):
        assert torch.equal(one, other)
