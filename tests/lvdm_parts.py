"""The networks that an lvdm checkpoint has beside its UNet: the autoencoder's decoder and open_clip's text encoder.

Written anew and small, with the names of lvdm/modules/networks/ae_modules.py and of open_clip.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

GROUPS = 32


def norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(GROUPS, width, eps=1e-6)


class Named(nn.Module):
    """A module that is only there for the names of what is below it."""

    block: Any
    downsample: Any
    upsample: Any
    c_fc: Any
    c_proj: Any
    resblocks: Any

    def __init__(self, **below: nn.Module) -> None:
        super().__init__()
        for name, one in below.items():
            self.add_module(name, one)


class Residual(nn.Module):
    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = norm(width), nn.Conv2d(width, out, 3, padding=1)
        self.norm2, self.conv2 = norm(out), nn.Conv2d(out, out, 3, padding=1)
        if width != out:
            self.nin_shortcut = nn.Conv2d(width, out, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))
        return h + (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x)


class Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = norm(width)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(width, width, 1) for _ in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (each(self.norm(x)).flatten(2) for each in (self.q, self.k, self.v))
        weights = (q.mT @ k / q.shape[1] ** 0.5).softmax(-1)
        return x + self.proj_out((v @ weights.mT).unflatten(2, x.shape[2:]))


class Middle(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.block_1, self.attn_1, self.block_2 = Residual(width, width), Attention(width), Residual(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block_2(self.attn_1(self.block_1(x)))


class Encoder(nn.Module):
    def __init__(self, widths: tuple[int, ...], layers: int, latent: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(3, widths[0], 3, padding=1)
        levels, size = [], widths[0]
        for level, width in enumerate(widths):
            blocks = [Residual(size if not i else width, width) for i in range(layers)]
            more = {"downsample": Named(conv=nn.Conv2d(width, width, 3, stride=2))} if level < len(widths) - 1 else {}
            levels.append(Named(block=nn.ModuleList(blocks), attn=nn.ModuleList(), **more))
            size = width
        self.down: Any = nn.ModuleList(levels)
        self.mid, self.norm_out = Middle(size), norm(size)
        self.conv_out = nn.Conv2d(size, 2 * latent, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv_in(x)
        for level in self.down:
            for block in level.block:
                x = block(x)
            if hasattr(level, "downsample"):
                x = level.downsample.conv(F.pad(x, (0, 1, 0, 1)))
        return self.conv_out(F.silu(self.norm_out(self.mid(x))))


class Decoder(nn.Module):
    def __init__(self, widths: tuple[int, ...], layers: int, latent: int) -> None:
        super().__init__()
        size = widths[-1]
        self.conv_in, self.mid = nn.Conv2d(latent, size, 3, padding=1), Middle(size)
        levels = []
        for level in reversed(range(len(widths))):
            blocks = [Residual(size if not i else widths[level], widths[level]) for i in range(layers + 1)]
            size = widths[level]
            more = {"upsample": Named(conv=nn.Conv2d(size, size, 3, padding=1))} if level else {}
            levels.insert(0, Named(block=nn.ModuleList(blocks), attn=nn.ModuleList(), **more))
        self.up: Any = nn.ModuleList(levels)
        self.norm_out, self.conv_out = norm(size), nn.Conv2d(size, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.mid(self.conv_in(x))
        for level in reversed(self.up):
            for block in level.block:
                x = block(x)
            if hasattr(level, "upsample"):
                x = level.upsample.conv(F.interpolate(x, scale_factor=2, mode="nearest"))
        return self.conv_out(F.silu(self.norm_out(x)))


class Autoencoder(nn.Module):
    def __init__(self, widths: tuple[int, ...] = (32, 64), layers: int = 1, latent: int = 4) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(widths, layers, latent), Decoder(widths, layers, latent)
        self.quant_conv, self.post_quant_conv = nn.Conv2d(2 * latent, 2 * latent, 1), nn.Conv2d(latent, latent, 1)

    def mean(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.quant_conv(self.encoder(pictures)).chunk(2, 1)[0]

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.post_quant_conv(latents))


class TextBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads)
        self.mlp = Named(c_fc=nn.Linear(width, 4 * width), c_proj=nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        seen = self.ln_1(x)
        x = x + self.attn(seen, seen, seen, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp.c_proj(F.gelu(self.mlp.c_fc(self.ln_2(x))))


class OpenClipText(nn.Module):
    """What lvdm keeps of open_clip, read at the last block but one (`layer: penultimate`)."""

    def __init__(self, words: int, width: int, heads: int, layers: int, length: int = 77) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(words, width)
        self.positional_embedding = nn.Parameter(torch.randn(length, width))
        self.transformer = Named(resblocks=nn.ModuleList(TextBlock(width, heads) for _ in range(layers)))
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.randn(width, width))
        self.logit_scale = nn.Parameter(torch.ones(()))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """`[B,length]` -> `[B,length,width]`"""
        x = (self.token_embedding(tokens) + self.positional_embedding).transpose(0, 1)
        mask = torch.full((len(x), len(x)), -torch.inf).triu(1)
        for block in self.transformer.resblocks[:-1]:
            x = block(x, mask)
        return self.ln_final(x.transpose(0, 1))
