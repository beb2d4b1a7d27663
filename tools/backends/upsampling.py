"""LTX's latents enlarged before they are decoded: a clip is rendered at half its sides and upsampled as latents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kinograph.errors import BadSetting
from kinograph.film import RenderRequest
from kinograph.tools.backends.families import Way
from kinograph.tools.backends.pipelines import Loaded, seeded

if TYPE_CHECKING:
    from torch import Tensor

UPSAMPLER = "LTXLatentUpsamplePipeline"
UPSAMPLED = ("LTXPipeline", "LTXImageToVideoPipeline", "LTXConditionPipeline")
"""Classes whose latents the upsampler knows."""
SIDE = 32
"""Pixels a side of a latent of LTX."""


def half(request: RenderRequest) -> RenderRequest:
    """The request at half its sides, as near as whole latents allow."""
    width, height = (max(round(side / 2 / SIDE), 1) * SIDE for side in (request.width, request.height))
    return request.changed(width=width, height=height)


def check(found: Way, loaded: str) -> None:
    """Raises BadSetting for what the upsampler does not go with, or what is no upsampler."""
    if found.name not in UPSAMPLED:
        raise BadSetting(f"upsample does not go with {found.name}: {', '.join(UPSAMPLED)}")
    if loaded != UPSAMPLER:
        raise BadSetting(f"upsample names a folder of {loaded}: {UPSAMPLER}")


def unpacked(pipeline: Any, latents: Tensor, request: RenderRequest) -> Tensor:
    """A call's latents as `[B,C,F,h,w]`: some classes give them packed, `[B,tokens,C]`."""
    if latents.ndim == 5:
        return latents
    frames = (request.frames - 1) // pipeline.vae_temporal_compression_ratio + 1
    sides = (
        request.height // pipeline.vae_spatial_compression_ratio,
        request.width // pipeline.vae_spatial_compression_ratio,
    )
    patch = pipeline.transformer_spatial_patch_size, pipeline.transformer_temporal_patch_size
    return pipeline._unpack_latents(latents, frames, *sides, *patch)


def enlarged(loaded: Loaded, latents: Tensor, requests: Sequence[RenderRequest]) -> Tensor:
    """Latents `[B,C,F,h,w]` of requests that were halved, as frames `[B,F,3,H,W]` in 0..1 of twice the sides."""
    pipeline = loaded.first
    width, height = (2 * side for side in (half(requests[0]).width, half(requests[0]).height))
    try:
        return pipeline(
            latents=latents,
            width=width,
            height=height,
            generator=seeded([request.seed for request in requests]),
            output_type="pt",
        ).frames
    finally:
        pipeline.maybe_free_model_hooks()
