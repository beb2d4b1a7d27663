"""VideoCrafter2's UNet: diffusers' UNet3DConditionModel, told besides how many frames a second the clip has."""

from __future__ import annotations

from functools import wraps
from typing import Any

import torch
from diffusers import ModelMixin, UNet3DConditionModel  # noqa: F401  diffusers loads what is beside a ModelMixin
from diffusers.models.embeddings import TimestepEmbedding


class TimeAndFpsEmbedding(TimestepEmbedding):
    """The embedding of the step and, added to it, that of the frame rate: two networks of one shape."""

    def __init__(self, in_channels: int, time_embed_dim: int) -> None:
        super().__init__(in_channels, time_embed_dim)
        self.fps_embedding = TimestepEmbedding(in_channels, time_embed_dim)

    def forward(self, sample: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """`[B,C]` of step and `[B,C]` of frame rate, both as waves, to `[B,D]`."""
        if condition is None:
            raise ValueError("VideoCrafter2 needs the frame rate: timestep_cond=unet.fps_condition(fps, clips)")
        return super().forward(sample) + self.fps_embedding(condition)


class VideoCrafterUNet(UNet3DConditionModel):
    """Takes `timestep_cond=unet.fps_condition(fps, clips)` in each call; all else is as in UNet3DConditionModel."""

    # The signature says which settings a config may hold: they are those of the model below.
    @wraps(UNet3DConditionModel.__init__)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first = self.config["block_out_channels"][0]
        self.time_embedding = TimeAndFpsEmbedding(first, 4 * first)

    def fps_condition(self, fps: float, clips: int) -> torch.Tensor:
        """The frame rate as waves `[clips,C]`, the same as those of a step of that number; float32 on the CPU."""
        return self.time_proj(torch.full((clips,), fps, dtype=torch.float32))
