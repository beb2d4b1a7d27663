"""The tiny pipelines that other tests render with: they load, call and share parts as the large ones do."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline
from diffusers.pipelines.hunyuan_video import pipeline_hunyuan_video
from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition
from PIL import Image
from tiny_pipelines import BUILDERS, SIZES, built

from kinograph.tools.backends import card

CARDS: dict[str, tuple[str, ...]] = {
    "animatediff": ("animatediff",),
    "animatediff-sdxl": ("animatediff-sdxl",),
    "modelscope": ("modelscope", "zeroscope-576w"),
    "zeroscope-xl": ("zeroscope-xl",),
    "svd": ("svd", "svd-xt"),
    "latte": ("latte",),
    "cogvideox": ("cogvideox-2b", "cogvideox-5b"),
    "wan": ("wan-2.1-1.3b", "wan-2.1-14b"),
    "wan-2.2-5b": ("wan-2.2-5b",),
    "wan-i2v": ("wan-2.1-i2v",),
    "wan-vace": ("wan-2.1-vace",),
    "hunyuan": ("hunyuan-video",),
    "hunyuan-framepack": ("hunyuan-framepack",),
    "hunyuan-1.5": ("hunyuan-video-1.5",),
    "ltx": ("ltx-video",),
    "ltx-2": ("ltx-2",),
    "mochi": ("mochi",),
    "skyreels": ("skyreels-v2",),
    "sana": ("sana-video",),
}
SIBLINGS = [
    ("animatediff", "AnimateDiffVideoToVideoPipeline", "video"),
    ("modelscope", "VideoToVideoSDPipeline", "video"),
    ("cogvideox", "CogVideoXVideoToVideoPipeline", "video"),
    ("wan", "WanVideoToVideoPipeline", "video"),
    ("wan-2.2-5b", "WanImageToVideoPipeline", "image"),
    ("ltx", "LTXImageToVideoPipeline", "image"),
    ("ltx", "LTXConditionPipeline", "image"),
    ("ltx", "LTXConditionPipeline", "video"),
    ("ltx-2", "LTX2ImageToVideoPipeline", "image"),
    ("ltx-2", "LTX2ConditionPipeline", "conditions"),
    ("skyreels", "SkyReelsV2DiffusionForcingImageToVideoPipeline", "image"),
    ("sana", "SanaImageToVideoPipeline", "image"),
]
"""Family, the class that its parts also fit, and what that takes besides words."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hub")


@pytest.fixture
def load(hub: Path):
    """Loads a family as from a hub."""

    def make(key: str) -> DiffusionPipeline:
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
    size = {"prompt": prompt, "width": width, "height": height}
    match key:
        case "animatediff-sparse":
            given = {"conditioning_frames": [still(key)], "controlnet_frame_indices": [0]}
            return size | given | {"num_frames": frames}
        case "zeroscope-xl":
            return {"prompt": prompt, "video": [still(key)] * frames, "num_inference_steps": 4}
        case "svd":
            return {"image": still(key), "width": width, "height": height, "num_frames": frames}
        case "wan-i2v" | "cogvideox-i2v" | "hunyuan-i2v" | "hunyuan-framepack":
            return size | {"image": still(key), "num_frames": frames}
        case "latte":
            return size | {"video_length": frames, "clean_caption": False}
        case "allegro":
            return size | {"num_frames": frames, "clean_caption": False}
        case "sana":
            return size | {"frames": frames, "use_resolution_binning": False}
    return size | {"num_frames": frames}


@pytest.mark.parametrize("key", [key for key in BUILDERS if key not in ("text-to-image", "videocrafter2")])
def test_a_family_loads_as_from_a_hub_and_renders_the_size_asked_for_and_the_words(load, key: str):
    width, height, frames = SIZES[key]
    pipeline = load(key)
    if key == "allegro":
        pipeline.vae.enable_tiling()
    made = frames_of(pipeline, **call_of(key))
    assert made.shape == (37 if key == "hunyuan-framepack" else frames, height, width, 3)
    assert np.isfinite(made).all()
    assert made.std() > 0.01
    if key != "svd":
        assert not np.array_equal(made, frames_of(pipeline, **call_of(key, "two blue fox at night, ein Haus")))


def test_the_image_model_loads_and_draws_one_picture(load):
    width, height, _ = SIZES["text-to-image"]
    drawn = load("text-to-image")("a red ball", width=width, height=height, num_inference_steps=2, output_type="np")
    assert drawn.images.shape == (1, height, width, 3)
    assert np.isfinite(drawn.images).all()


def test_what_is_heard_is_stereo_and_lasts_about_as_long_as_the_picture(load):
    pipeline = load("ltx-2")
    heard = pipeline(**call_of("ltx-2"), num_inference_steps=2, frame_rate=24.0).audio
    assert heard.shape[:2] == (1, 2)
    assert torch.isfinite(heard).all()
    seconds = heard.shape[-1] / pipeline.vocoder.config.output_sampling_rate
    assert abs(seconds - SIZES["ltx-2"][2] / 24) < 0.05


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
    other.set_progress_bar_config(disable=True)
    assert other.vae is first.vae
    call = call_of(key) | {"num_inference_steps": 4}
    match given:
        case "image":
            call |= {"image": still(key)}
        case "video":
            call |= {"video": [still(key)] * frames}
        case "conditions":
            call |= {"conditions": [LTX2VideoCondition(frames=still(key), index=index) for index in (0, -1)]}
    taken = signature(other.__call__).parameters
    made = frames_of(other, **{name: value for name, value in call.items() if name in taken})
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


def test_a_language_model_reads_the_words_where_the_template_ends():
    template = pipeline_hunyuan_video.DEFAULT_PROMPT_TEMPLATE
    tokenizer = BUILDERS["hunyuan"]().tokenizer
    read = tokenizer(template["template"].format("a red ball"))["input_ids"]
    assert tokenizer.decode(read[template["crop_start"] :]) == "a red ball<|eot_id|>"
