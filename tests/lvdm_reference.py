"""VideoCrafter2's UNet and sampler as lvdm has them, written anew and small, to hold the conversion to.

Modules stand where lvdm's stand, so that the state dict has lvdm's names (lvdm/modules/networks/openaimodel3d.py,
lvdm/modules/attention.py); the sampler follows lvdm/models/samplers/ddim.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

GROUPS = 32


def shaken(network: nn.Module) -> nn.Module:
    """The network with no weight at the value that its initialisation gives all of a kind."""
    for weights in network.parameters():
        weights.data += 0.1 * torch.randn_like(weights) if weights.ndim == 1 else 0
    return network.eval()


def waves(numbers: torch.Tensor, width: int) -> torch.Tensor:
    """`[N]` -> `[N,width]`: cosines, then sines."""
    rates = torch.exp(-math.log(10000) * torch.arange(width // 2) / (width // 2))
    angles = numbers.float()[:, None] * rates
    return torch.cat([angles.cos(), angles.sin()], 1)


class Attention(nn.Module):
    def __init__(self, width: int, told: int, heads: int, head: int) -> None:
        super().__init__()
        self.heads, inner = heads, heads * head
        self.to_q = nn.Linear(width, inner, bias=False)
        self.to_k = nn.Linear(told, inner, bias=False)
        self.to_v = nn.Linear(told, inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, width), nn.Dropout(0.0))

    def forward(self, x: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        q, k, v = (
            each.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for each in (self.to_q(x), self.to_k(told), self.to_v(told))
        )
        weights = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1)
        return self.to_out((weights @ v).transpose(1, 2).flatten(2))


class Gated(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 2 * inner)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value, gate = self.proj(x).chunk(2, -1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(Gated(width, 4 * width), nn.Dropout(0.0), nn.Linear(4 * width, width))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, head: int, told: int | None) -> None:
        super().__init__()
        self.attn1 = Attention(width, width, heads, head)
        self.ff = FeedForward(width)
        self.attn2 = Attention(width, told or width, heads, head)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: torch.Tensor, told: torch.Tensor | None = None) -> torch.Tensor:
        seen = self.norm1(x)
        x = x + self.attn1(seen, seen)
        seen = self.norm2(x)
        x = x + self.attn2(seen, seen if told is None else told)
        return x + self.ff.net(self.norm3(x))


class Spatial(nn.Module):
    """Attention over a frame's places and the words; `use_linear`."""

    def __init__(self, width: int, heads: int, head: int, told: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, width, eps=1e-6)
        self.proj_in = nn.Linear(width, heads * head)
        self.transformer_blocks = nn.ModuleList([Block(heads * head, heads, head, told)])
        self.proj_out = nn.Linear(heads * head, width)

    def forward(self, x: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        tokens = self.proj_in(self.norm(x).flatten(2).transpose(1, 2))
        for block in self.transformer_blocks:
            tokens = block(tokens, told)
        return x + self.proj_out(tokens).transpose(1, 2).unflatten(2, x.shape[2:])


class Temporal(nn.Module):
    """Attention of each place over the frames; twice to itself. Its projections are convolutions unless `linear`."""

    def __init__(self, width: int, heads: int, head: int, linear: bool = True) -> None:
        super().__init__()
        self.linear, inner = linear, heads * head
        self.norm = nn.GroupNorm(GROUPS, width, eps=1e-6)
        self.proj_in = nn.Linear(width, inner) if linear else nn.Conv1d(width, inner, 1)
        self.transformer_blocks = nn.ModuleList([Block(inner, heads, head, None)])
        self.proj_out = nn.Linear(inner, width) if linear else nn.Conv1d(inner, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`[B,C,T,H,W]`"""
        lines = self.norm(x).permute(0, 3, 4, 1, 2).flatten(0, 2)  # [BHW,C,T]
        tokens = self.proj_in(lines.mT) if self.linear else self.proj_in(lines).mT
        for block in self.transformer_blocks:
            tokens = block(tokens)
        lines = self.proj_out(tokens).mT if self.linear else self.proj_out(tokens.mT)
        return x + lines.unflatten(0, (x.shape[0], *x.shape[3:])).permute(0, 3, 4, 1, 2)


class TemporalConvolutions(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        norm, conv = (
            (lambda: nn.GroupNorm(GROUPS, width)),
            (lambda: nn.Conv3d(width, width, (3, 1, 1), padding=(1, 0, 0))),
        )
        self.conv1 = nn.Sequential(norm(), nn.SiLU(), conv())
        self.conv2, self.conv3, self.conv4 = (
            nn.Sequential(norm(), nn.SiLU(), nn.Dropout(0.1), conv()) for _ in range(3)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv4(self.conv3(self.conv2(self.conv1(x))))


class Residual(nn.Module):
    def __init__(self, width: int, out: int, emb: int) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(nn.GroupNorm(GROUPS, width), nn.SiLU(), nn.Conv2d(width, out, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(emb, out))
        self.out_layers = nn.Sequential(
            nn.GroupNorm(GROUPS, out), nn.SiLU(), nn.Dropout(0.0), nn.Conv2d(out, out, 3, padding=1)
        )
        self.skip_connection = nn.Identity() if width == out else nn.Conv2d(width, out, 1)
        self.temopral_conv = TemporalConvolutions(out)

    def forward(self, x: torch.Tensor, emb: torch.Tensor, clips: int) -> torch.Tensor:
        h = self.out_layers(self.in_layers(x) + self.emb_layers(emb)[..., None, None])
        return joined(self.temopral_conv(parted(self.skip_connection(x) + h, clips)))


class Down(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.op(x)


class Up(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


def parted(x: torch.Tensor, clips: int) -> torch.Tensor:
    """`[BT,C,H,W]` -> `[B,C,T,H,W]`"""
    return x.unflatten(0, (clips, -1)).transpose(1, 2)


def joined(x: torch.Tensor) -> torch.Tensor:
    """`[B,C,T,H,W]` -> `[BT,C,H,W]`"""
    return x.transpose(1, 2).flatten(0, 1)


class Steps(nn.ModuleList):
    """Modules one after the other, each given what it takes."""

    def __init__(self, *steps: nn.Module) -> None:
        super().__init__(steps)

    def forward(self, x: torch.Tensor, emb: torch.Tensor, told: torch.Tensor, clips: int) -> torch.Tensor:
        for step in self:
            if isinstance(step, Residual):
                x = step(x, emb, clips)
            elif isinstance(step, Spatial):
                x = step(x, told)
            elif isinstance(step, Temporal):
                x = joined(step(parted(x, clips)))
            else:
                x = step(x)
        return x


class UNet(nn.Module):
    """`temporal_conv`, `addition_attention` and `fps_cond` on, `use_relative_position` off, as VideoCrafter2 has it."""

    def __init__(
        self, width: int, mults: tuple[int, ...], layers: int, attends: set[int], head: int, told: int
    ) -> None:
        super().__init__()
        self.width, emb = width, 4 * width

        def rate() -> nn.Sequential:
            return nn.Sequential(nn.Linear(width, emb), nn.SiLU(), nn.Linear(emb, emb))

        def attention(level: int, size: int) -> list[nn.Module]:
            if level not in attends:
                return []
            return [Spatial(size, size // head, head, told), Temporal(size, size // head, head)]

        self.time_embed, self.fps_embedding = rate(), rate()
        self.input_blocks = nn.ModuleList([Steps(nn.Conv2d(4, width, 3, padding=1))])
        self.init_attn = Steps(Temporal(width, 8, head, linear=False))
        kept, size = [width], width
        for level, mult in enumerate(mults):
            for _ in range(layers):
                block = Residual(size, mult * width, emb)
                size = mult * width
                self.input_blocks.append(Steps(block, *attention(level, size)))
                kept.append(size)
            if level < len(mults) - 1:
                self.input_blocks.append(Steps(Down(size)))
                kept.append(size)
        middle = Spatial(size, size // head, head, told), Temporal(size, size // head, head)
        self.middle_block = Steps(Residual(size, size, emb), *middle, Residual(size, size, emb))
        self.output_blocks = nn.ModuleList()
        for level in reversed(range(len(mults))):
            for layer in range(layers + 1):
                block = Residual(size + kept.pop(), mults[level] * width, emb)
                size = mults[level] * width
                more = [Up(size)] if level and layer == layers else []
                self.output_blocks.append(Steps(block, *attention(level, size), *more))
        self.out = nn.Sequential(nn.GroupNorm(GROUPS, width), nn.SiLU(), nn.Conv2d(width, 4, 3, padding=1))

    def forward(self, x: torch.Tensor, steps: torch.Tensor, told: torch.Tensor, fps: float) -> torch.Tensor:
        """`x` `[B,4,T,H,W]`, `steps` `[B]`, `told` `[B,words,D]`."""
        clips, _, frames = x.shape[:3]
        emb = self.time_embed(waves(steps, self.width))
        emb = emb + self.fps_embedding(waves(torch.full_like(steps, fps), self.width))
        given = emb.repeat_interleave(frames, 0), told.repeat_interleave(frames, 0), clips
        h, kept = joined(x), []
        for index, block in enumerate(self.input_blocks):
            h = block(h, *given)
            if not index:
                h = self.init_attn(h, *given)
            kept.append(h)
        h = self.middle_block(h, *given)
        for block in self.output_blocks:
            h = block(torch.cat([h, kept.pop()], 1), *given)
        return parted(self.out(h), clips)


def scale_arr(end: float = 0.7, middle: int = 400, total: int = 1000) -> np.ndarray:
    """The buffer of that name; as long as lvdm has it, which is longer than there are steps."""
    return np.concatenate([np.linspace(1, end, middle), np.full(total, end)])


def ddim(
    guess: Callable[[torch.Tensor, int], torch.Tensor],
    x: torch.Tensor,
    steps: int,
    eta: float,
    drawn: Callable[[], torch.Tensor],
) -> torch.Tensor:
    """Samples in double precision from noise `x`; `guess` finds the noise in it, `drawn` gives each step's own."""
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    alphas, scales = np.cumprod(1 - betas), scale_arr()
    times = np.arange(0, 1000, 1000 // steps) + 1
    x = x.double()
    for index in reversed(range(len(times))):
        now, before = times[index], times[index - 1] if index else 0
        a, a_before = alphas[now], alphas[before]
        sigma = eta * math.sqrt((1 - a_before) / (1 - a) * (1 - a / a_before))
        noise = guess(x.float(), int(now)).double()
        clean = (x - math.sqrt(1 - a) * noise) / math.sqrt(a) / scales[now]
        x = math.sqrt(a_before) * scales[before] * clean + math.sqrt(1 - a_before - sigma**2) * noise
        x = x + sigma * drawn().double()
    return x
