"""What words alone tell of a picture: the mean of all first frames that they may mean."""

from __future__ import annotations

from typing import cast

import torch
from diffusers import ConfigMixin, ModelMixin  # both names must be here: diffusers looks for them to load a component
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn import functional as F


class Prior(ModelMixin, ConfigMixin):
    """Word embeddings to a blurred picture in latents, as unCLIP's prior makes an image embedding of a caption
    (Ramesh et al. 2022, "Hierarchical Text-Conditional Image Generation with CLIP Latents").

    The image UNet adds to it what differs from seed to seed: convolutions, which see the same everywhere, are slow to
    learn what is where from words that are the same everywhere.
    """

    @register_to_config
    def __init__(
        self, words: int = 11 * 192, channels: int = 16, side: int = 16, widths: tuple[int, int] = (256, 96)
    ) -> None:
        super().__init__()
        wide, narrow = widths
        self.layers = nn.Sequential(
            nn.Linear(words, wide),
            nn.SiLU(),
            nn.Linear(wide, narrow),
            nn.SiLU(),
            nn.Linear(narrow, channels * side * side),
        )

    def forward(self, context: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
        """Word embeddings `[B,slots,D]` to normalised latents `[B,C,rows,columns]`, stretched to the picture's form."""
        channels, side = cast(int, self.config["channels"]), cast(int, self.config["side"])
        blurred = self.layers(context.flatten(1).to(self.dtype)).float().unflatten(1, (channels, side, side))
        if blurred.shape[-2:] == (rows, columns):
            return blurred
        return F.interpolate(blurred, (rows, columns), mode="bilinear", align_corners=False)
