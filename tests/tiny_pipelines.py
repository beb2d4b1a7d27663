"""Video pipelines that nobody has to download: each family's real classes at random weights, saved as a hub would.

What they render is noise of the right shape, which is what loading, calling, cancelling and writing must cope with.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

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
        "zeroscope-xl": tiny_unets.zeroscope_xl,
        "svd": tiny_unets.svd,
        "wan": tiny_transformers.wan,
        "wan-2.2": tiny_transformers.wan_22,
        "wan-i2v": tiny_transformers.wan_i2v,
        "wan-vace": tiny_transformers.wan_vace,
        "ltx": tiny_transformers.ltx,
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
    "zeroscope-xl": (16, 16, 8),
    "svd": (16, 16, 8),
    "wan": (16, 16, 5),
    "wan-2.2": (16, 16, 5),
    "wan-i2v": (16, 16, 5),
    "wan-vace": (16, 16, 5),
    "ltx": (32, 32, 9),
    "cogvideox": (16, 16, 9),
    "cogvideox-i2v": (16, 16, 9),
}
"""Family -> the smallest (width, height, frames) that its card accepts, or what is quick where the card wants more."""


def built(key: str, folder: Path) -> Path:
    """The pipeline of a family saved in `folder`/key in the hub's layout; that folder."""
    place = folder / key
    if not (place / "model_index.json").exists():
        BUILDERS[key]().save_pretrained(place, safe_serialization=True)
    return place
