"""Finds the subjects that words name in a known picture, so that a clip can go on from it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from diffusers import ConfigMixin, ModelMixin  # both names must be here: diffusers looks for them to load a component
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn import functional as F

from kinograph.tools.storyworld.draft import LOOK, NOUNS
from kinograph.tools.storyworld.layout import POSE, SUBJECTS


class Found(NamedTuple):
    """What is seen in N pictures."""

    poses: torch.Tensor
    """As in a layout, `[N,SUBJECTS*POSE]`."""
    sure: torch.Tensor
    """How sure it is that each subject is there, 0 to 1, `[N,SUBJECTS]`."""


class Seen(NamedTuple):
    """As `Found`, before it is sure."""

    poses: torch.Tensor
    there: torch.Tensor
    """Logits `[N,SUBJECTS]`."""


class Locator(ModelMixin, ConfigMixin):
    """Latents and words to poses: a small convolutional network, told which subject to look for, with a soft arg-max
    (Levine et al. 2016, "End-to-end training of deep visuomotor policies") over where it may be."""

    @register_to_config
    def __init__(self, words: int = 192, channels: int = 48, width: int = 64, depth: int = 4) -> None:
        super().__init__()
        self.told = nn.ModuleList(nn.Linear(3 * words, width) for _ in range(SUBJECTS))
        self.seen = nn.Conv2d(channels, width, 3, padding=1)
        self.layers = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1 + index, dilation=1 + index) for index in range(depth)
        )
        self.films = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(depth))
        self.heat = nn.Conv2d(width, 1, 1)
        self.features = nn.Conv2d(width, width, 1)
        self.out = nn.Sequential(nn.Linear(width + 3, width), nn.SiLU(), nn.Linear(width, POSE + 1))

    def forward(self, latents: torch.Tensor, context: torch.Tensor) -> Seen:
        """Normalised latents `[N,C,h,w]` and words `[N,slots,D]`."""
        rows, columns = latents.shape[-2:]
        down, across = torch.meshgrid(
            (torch.arange(rows, device=latents.device) + 0.5) / rows * 2 - 1,
            (torch.arange(columns, device=latents.device) + 0.5) / columns * 2 - 1,
            indexing="ij",
        )
        start = self.seen(latents)
        poses, there = [], []
        for subject in range(SUBJECTS):
            first = NOUNS[subject]
            told = F.silu(
                self.told[subject](torch.cat([context[:, LOOK], context[:, first], context[:, first + 1]], 1))
            )
            hidden = start
            for layer, film in zip(self.layers, self.films, strict=True):
                scale, shift = film(told)[:, :, None, None].chunk(2, 1)
                hidden = hidden + layer(F.silu(hidden * (1 + scale) + shift))
            heat = self.heat(hidden).flatten(1)  # [N,h*w]
            share = heat.softmax(1)
            x, y = (share * across.flatten()).sum(1), (share * down.flatten()).sum(1)
            # Where it is matters less for how big it is the smaller a cell is in the picture.
            short = torch.full_like(x, float(torch.tensor(columns / rows).log()))
            features = (self.features(hidden).flatten(2) * share[:, None]).sum(2)
            made = self.out(torch.cat([features, x[:, None], y[:, None], short[:, None]], 1))
            poses.append(torch.cat([x[:, None] + made[:, :1], y[:, None] + made[:, 1:2], made[:, 2:POSE]], 1))
            there.append(made[:, POSE] + heat.logsumexp(1) * 0.1)
        return Seen(torch.cat(poses, 1), torch.stack(there, 1))

    @torch.no_grad()
    def find(self, latents: torch.Tensor, context: torch.Tensor) -> Found:
        """Where the subjects of the words are in each picture."""
        seen = self(latents, context)
        return Found(seen.poses, seen.there.sigmoid())
