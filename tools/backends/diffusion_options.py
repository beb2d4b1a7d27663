"""What settings may say of a model of diffusers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kinograph.film import Noun
from kinograph.tools.backends.noise import BASE
from kinograph.tools.backends.speed import Speed

PIXELS = {"strength", "noise", "shared", "adaptive_steps", "scheduler", "speed", "pipeline"}
"""Options that change pixels."""


class DiffusionOptions(Noun):
    """Options of a model of diffusers."""

    weights: str = ""
    """Folder in the diffusers layout, hub id of weights that were pulled, or a single .safetensors file; none is the
    card's own source."""
    base: str = ""
    """Folder or hub id of what the weights are a part for: the Stable Diffusion checkpoint under a motion adapter, or
    the folder that the parts of a single file are set up like."""
    pipeline: str = ""
    """Class of diffusers that a single file is for."""
    before: str = ""
    """Folder or hub id of what makes the beginning from words alone, for models that go on from pictures: a model of
    text to image, or of text to video where a whole video is to be made anew."""
    upsample: str = ""
    """Folder or hub id of LTX's latent upsampler: clips are rendered at half their sides and enlarged before they are
    decoded, in about a quarter of the time."""
    device: str = "auto"
    """torch device; auto takes a graphics card when there is one."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format; auto is what the family was trained in on a graphics card, and float32 on a processor."""
    strength: float = Field(default=0.6, gt=0, le=1)
    """How much of a given video, or of a picture held still, is made anew."""
    noise: Literal["plain", "decomposed", "correlated"] = "plain"
    """What a clip begins with: noise of its own in every frame; a base that frames share, and a residual of each
    (VideoFusion); or noise that drifts from frame to frame. For models that were trained so, or to calm others."""
    shared: float = Field(default=BASE, ge=0, le=1)
    """How much of the noise frames share, or neighbours do where it drifts."""
    adaptive_steps: bool = False
    """More steps for prompts that ask for more, up to half as many again; such shots are rendered one by one."""
    scheduler: str = ""
    """Class of diffusers that spaces the steps, of those that fit the model; none leaves its own."""
    speed: Speed = Speed()
    """What is done to be quicker, at the price of other pixels."""
    overlap: bool = True
    """Write a clip's file while the next is denoised; the pixels are the same."""
    pickles: bool = False
    """Load weights that are Python pickles, which can run code as they are read."""
