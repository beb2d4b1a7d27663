"""Video pipelines that nobody has to download: each family's real classes at random weights, saved as a hub would.

What they render is noise of the right shape, which is what loading, calling, cancelling and writing must cope with.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import diffusers
import lvdm_checkpoint
import tiny_speakers
import tiny_transformers
import tiny_unets
import torch
from diffusers import DiffusionPipeline


def _seeded(build: Callable[[], DiffusionPipeline]) -> DiffusionPipeline:
    torch.manual_seed(0)
    pipeline = build()
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval()
    return pipeline


BUILDERS: dict[str, Callable[[], DiffusionPipeline]] = {
    key: partial(_seeded, build)
    for key, build in {
        "text-to-image": tiny_unets.text_to_image,
        "animatediff": tiny_unets.animatediff,
        "animatediff-sdxl": tiny_unets.animatediff_sdxl,
        "animatediff-sparse": tiny_unets.animatediff_sparse,
        "modelscope": tiny_unets.modelscope,
        "videocrafter2": lvdm_checkpoint.pipeline,
        "zeroscope-xl": tiny_unets.zeroscope_xl,
        "svd": tiny_unets.svd,
        "wan": tiny_transformers.wan,
        "wan-2.2": tiny_transformers.wan_22,
        "wan-i2v": tiny_transformers.wan_i2v,
        "wan-vace": tiny_transformers.wan_vace,
        "wan-2.2-5b": tiny_transformers.wan_22_5b,
        "skyreels": tiny_transformers.skyreels,
        "latte": tiny_transformers.latte,
        "mochi": tiny_transformers.mochi,
        "allegro": tiny_transformers.allegro,
        "hunyuan": tiny_speakers.hunyuan,
        "hunyuan-i2v": tiny_speakers.hunyuan_i2v,
        "hunyuan-framepack": tiny_speakers.hunyuan_framepack,
        "hunyuan-1.5": tiny_speakers.hunyuan_15,
        "hunyuan-1.5-i2v": tiny_speakers.hunyuan_15_i2v,
        "ltx-2": tiny_speakers.ltx_2,
        "sana": tiny_speakers.sana,
        "ltx": tiny_transformers.ltx,
        "ltx-upsampler": tiny_transformers.ltx_upsampler,
        "cogvideox": tiny_transformers.cogvideox,
        "cogvideox-i2v": tiny_transformers.cogvideox_i2v,
    }.items()
}
"""Family -> its pipeline on the CPU in float32, ready to render and alike at every call."""

SIZES: dict[str, tuple[int, int, int]] = {
    "text-to-image": (16, 16, 1),
    "animatediff": (16, 16, 8),
    "animatediff-sdxl": (16, 16, 8),
    "animatediff-sparse": (16, 16, 8),
    "modelscope": (16, 16, 8),
    "videocrafter2": (16, 16, 8),
    "zeroscope-xl": (16, 16, 8),
    "svd": (16, 16, 8),
    "wan": (16, 16, 5),
    "wan-2.2": (16, 16, 5),
    "wan-i2v": (16, 16, 5),
    "wan-vace": (16, 16, 5),
    "wan-2.2-5b": (32, 32, 5),
    "skyreels": (16, 16, 5),
    "latte": (16, 16, 16),
    "mochi": (16, 16, 7),
    "allegro": (128, 128, 24),
    "hunyuan": (16, 16, 5),
    "hunyuan-i2v": (16, 16, 5),
    "hunyuan-framepack": (16, 16, 5),
    "hunyuan-1.5": (16, 16, 5),
    "hunyuan-1.5-i2v": (16, 16, 5),
    "ltx-2": (64, 64, 9),
    "sana": (32, 32, 5),
    "ltx": (32, 32, 9),
    "cogvideox": (16, 16, 9),
    "cogvideox-i2v": (32, 32, 9),
}
"""Family -> the smallest (width, height, frames) that it renders and its card accepts.

Smaller than the cards want are Allegro (1280x720 and 88 frames) and CogVideoX from an image (49 frames). FramePack
renders 37 frames whatever fewer it is asked for, and LTX-2 needs sides of 64 where its card is content with 32.
"""


def built(key: str, folder: Path) -> Path:
    """The pipeline of a family saved in `folder`/key in the hub's layout; that folder."""
    place = folder / key
    if not (place / "model_index.json").exists():
        pipeline = BUILDERS[key]()
        _awaken(pipeline)
        pipeline.save_pretrained(place, safe_serialization=True)
    return place


def _awaken(pipeline: DiffusionPipeline) -> None:
    """Layers that begin at zero, as those of ControlNets do, get weights, and Wan's autoencoder louder ones: else none
    could see what they do.
    """
    dice = torch.Generator().manual_seed(1)
    for part in pipeline.components.values():
        for name, weight in part.named_parameters() if isinstance(part, torch.nn.Module) else ():
            if weight.ndim > 1 and not weight.any():
                weight.data = torch.randn(weight.shape, generator=dice) * 0.5
            if name in ("quant_conv.weight", "post_quant_conv.weight") and isinstance(part, diffusers.AutoencoderKLWan):
                weight.data *= 50
