"""Where everything is in every frame, told by words: subjects, camera, before a pixel is made."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple, cast

import torch
from diffusers import ConfigMixin, ModelMixin  # both names must be here: diffusers looks for them to load a component
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn import functional as F

SUBJECTS = 2
POSE = 7
"""Numbers of a subject in a frame: x and y from -1 to 1 across the picture, logarithms of the unit box's sides over
REST, sine and cosine of the angle, -1 where it is mirrored and 1 where not."""
CAMERA = 3
"""Numbers of the camera in a frame: x and y over REACH, logarithm of the zoom over ZOOM's."""
NUMBERS = SUBJECTS * POSE + CAMERA
FRAMES = 17
"""Frames that a layout has: those of a clip of another length are found between them."""
EDGE = 0.84
"""How far from the picture's middle a subject may be led by a keyframe, 1 being the edge."""
FLIP = POSE - 1
"""Which of a subject's numbers says whether it is mirrored."""
ASIDE = 0.2
"""How far across, 2 being the picture's width, is no travelling."""
REST = 0.27
REACH = 0.1
ZOOM = 0.3


class Pose(NamedTuple):
    """A subject in N frames, tensors `[N]`."""

    x: torch.Tensor
    """Centre, 0 to 1 over the width."""
    y: torch.Tensor
    wide: torch.Tensor
    """Sides of the unit box over the picture's shorter side."""
    high: torch.Tensor
    sine: torch.Tensor
    cosine: torch.Tensor
    flip: torch.Tensor
    """-1 or 1."""


class View(NamedTuple):
    """The camera in N frames, tensors `[N]`."""

    x: torch.Tensor
    """Window centre less picture centre, over the width."""
    y: torch.Tensor
    zoom: torch.Tensor


def pose(layout: torch.Tensor, subject: int) -> Pose:
    """A subject of layouts `[N,NUMBERS]`."""
    x, y, wide, high, sine, cosine, flip = layout[:, subject * POSE : (subject + 1) * POSE].unbind(1)
    length = torch.hypot(sine, cosine).clamp(min=1e-3)
    return Pose(
        (x + 1) / 2,
        (y + 1) / 2,
        REST * wide.clamp(-1.5, 1.0).exp(),
        REST * high.clamp(-1.5, 1.0).exp(),
        sine / length,
        cosine / length,
        torch.where(flip < 0, -1.0, 1.0),
    )


def view(layout: torch.Tensor) -> View:
    """The camera of layouts `[N,NUMBERS]`."""
    x, y, zoom = layout[:, SUBJECTS * POSE :].unbind(1)
    return View(x * REACH, y * REACH, (zoom * ZOOM).exp())


def at_times(layouts: torch.Tensor, frames: int) -> torch.Tensor:
    """Layouts `[B,FRAMES,NUMBERS]` at `frames` times, evenly spaced over the same clip, `[B,frames,NUMBERS]`."""
    if frames == layouts.shape[1]:
        return layouts
    return F.interpolate(layouts.transpose(1, 2), frames, mode="linear", align_corners=True).transpose(1, 2)


def held(layouts: torch.Tensor, known: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """Layouts moved so that subjects are where they are known to be, as big as they are there, and go on from there.

    A shot may go on from where no shot of its kind begins, so a model of the usual is not enough. `known`
    `[B,FRAMES,SUBJECTS*POSE]`, `there` `[B,FRAMES,SUBJECTS]`; between known frames the shift is mostly the
    nearest's.
    """
    moved = layouts.clone()
    times = torch.arange(FRAMES, device=layouts.device, dtype=layouts.dtype)
    for row, subject in torch.nonzero(there.amax(1)).tolist():
        frames = torch.nonzero(there[row, :, subject]).flatten()
        part = slice(subject * POSE, subject * POSE + 4)  # place and size; how it is turned follows the motion
        shift = known[row, frames, part] - layouts[row, frames, part]
        weight = 1 / (times[:, None] - frames[None]).abs().clamp(min=1e-3) ** 2
        moved[row, :, part] += (weight / weight.sum(1, keepdim=True)) @ shift
        moved[row, :, part][:, :2] = moved[row, :, part][:, :2].clamp(-EDGE, EDGE)
        across = moved[row, :, subject * POSE]
        if float((across[-1] - across[0]).abs()) < ASIDE:  # who does not travel sideways faces where it faced
            moved[row, :, subject * POSE + FLIP] = known[row, frames[0], subject * POSE + FLIP]
        whole = slice(subject * POSE, (subject + 1) * POSE)  # the picture there is known, so is how it is turned
        moved[row, frames, whole] = known[row, frames, whole]
    return moved


class Layout(ModelMixin, ConfigMixin):
    """Sees the clean layout through the noise, told by words, the picture's form and the poses known from keyframes.

    Layouts before pictures: as text-to-image models were given them (Li et al. 2023, "GLIGEN") and language models
    write them for clips (Lian et al. 2024, "LLM-grounded Video Diffusion Models"); here a diffusion model draws them.
    """

    @register_to_config
    def __init__(self, words: int = 11 * 192, width: int = 256, depth: int = 4) -> None:
        super().__init__()
        size = FRAMES * NUMBERS
        known = FRAMES * (SUBJECTS * POSE + SUBJECTS)
        self.meaning = nn.Linear(words, width)
        self.level = nn.Linear(16, width)
        self.seen = nn.Linear(size + known + 1, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))
            for _ in range(depth)
        )
        self.told = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, size))
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))

    def forward(
        self,
        values: torch.Tensor,
        sigma: torch.Tensor,
        context: torch.Tensor,
        form: torch.Tensor,
        known: torch.Tensor,
        there: torch.Tensor,
    ) -> torch.Tensor:
        """Noised normalised layouts `[B,FRAMES*NUMBERS]` at levels `[B]` to clean ones.

        `context` `[B,slots,D]`; `form` `[B]` is the logarithm of width over height; `known` `[B,FRAMES,SUBJECTS*POSE]`
        are poses that must hold where `there` `[B,FRAMES,SUBJECTS]` is 1.
        """
        octaves = 2.0 ** torch.arange(8, device=sigma.device)
        waves = torch.pi / 2 * sigma[:, None] * octaves
        cond = self.meaning(context.flatten(1)) + self.level(torch.cat([waves.sin(), waves.cos()], 1))
        held = known * there.repeat_interleave(POSE, 2)
        seen = torch.cat([values, held.flatten(1), there.flatten(1), form[:, None]], 1)
        hidden = self.seen(seen) + cond
        for block, told in zip(self.blocks, self.told, strict=True):
            hidden = hidden + block(hidden + told(F.silu(cond)))
        return self.out(hidden)

    def normalised(self, layouts: torch.Tensor) -> torch.Tensor:
        """`[B,FRAMES,NUMBERS]` to `[B,FRAMES*NUMBERS]`."""
        return (layouts.flatten(1) - cast(torch.Tensor, self.mean)) / cast(torch.Tensor, self.std)

    def layouts(self, values: torch.Tensor) -> torch.Tensor:
        """The other way round."""
        return (values * cast(torch.Tensor, self.std) + cast(torch.Tensor, self.mean)).unflatten(1, (FRAMES, NUMBERS))

    @torch.no_grad()
    def sample(
        self,
        noise: torch.Tensor,
        context: torch.Tensor,
        form: float,
        known: torch.Tensor | None = None,
        there: torch.Tensor | None = None,
        steps: int = 16,
    ) -> torch.Tensor:
        """Layouts `[B,FRAMES,NUMBERS]` out of noise `[B,FRAMES*NUMBERS]`, by Euler steps of the flow."""
        batch, device = len(noise), noise.device
        known = torch.zeros(batch, FRAMES, SUBJECTS * POSE, device=device) if known is None else known
        there = torch.zeros(batch, FRAMES, SUBJECTS, device=device) if there is None else there
        forms = torch.full((batch,), form, device=device)
        levels = torch.linspace(1, 0, steps + 1, device=device)
        values = noise
        for now, then in pairwise(levels):
            clean = self(values, now.expand(batch), context, forms, known, there)
            values = clean + (values - clean) * (then / now)
        return self.layouts(values)
