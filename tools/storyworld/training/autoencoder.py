"""Fits the frame autoencoder: pictures to latents at an eighth of the size, and back.

    python -m kinograph.tools.storyworld.training.autoencoder --data runs/clips --out runs/autoencoder

It is diffusers' AutoencoderDC (Chen et al. 2024, "Deep Compression Autoencoder"), small. Its encoder is not learned
but set: the principal components of 8x8 patches, so that latents are as smooth as pictures are, the first of them a
thumbnail. The decoder starts at their inverse and is learned, with a little noise on the latents, so that it forgives
what the UNets get slightly wrong. Encoded clips stay valid however long the decoder is trained.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderDC
from torch.nn import functional as F

from kinograph.tools.storyworld.training.clips import shards
from kinograph.tools.storyworld.training.loop import Training, arguments

LATENTS = 48
LEADING = 16
PATCH = 4
"""Pixels a side that are stacked into channels before the first convolution, as LTX-Video does it: on a CPU
convolutions at full size cost more than all others."""
CROP = 64
"""Pixels a side of a training picture; the networks are convolutions only."""
NOISE = 0.02
"""Standard deviation of the noise on normalised latents in training."""
OFFSET, CONSTANT = 2.0, 60.0
"""What the decoder adds to pixels so that all are positive, and what its other channels hold at first."""
LEARNED = r"up_blocks\.0\.[1-9]"
"""Which weights are learned: those of the residual blocks. The others are the inverse of the components, which a single
step of an optimizer would undo."""
SAMPLE = 1200
"""Frames that the principal components are found from."""


def build() -> AutoencoderDC:
    return AutoencoderDC(
        in_channels=3 * PATCH * PATCH,
        latent_channels=LATENTS,
        encoder_block_types="ResBlock",
        decoder_block_types="ResBlock",
        encoder_block_out_channels=(3 * PATCH * PATCH, 12 * PATCH * PATCH),
        decoder_block_out_channels=(72, 288),
        encoder_layers_per_block=(0, 0),
        decoder_layers_per_block=(3, 0),
        encoder_qkv_multiscales=((),) * 2,
        decoder_qkv_multiscales=((),) * 2,
    )


@torch.no_grad()
def set_components(model: AutoencoderDC, pictures: torch.Tensor) -> None:
    """Makes the encoder give the principal components of `pictures` `[N,3,H,W]`, of 8x8 pixels each, and lets the
    decoder begin at nearly their inverse.
    """
    encoder, decoder, pixels = model.encoder, model.decoder, 3 * PATCH * PATCH
    for name, weights in model.named_parameters():
        if not re.search(r"\.conv[12]\.weight$", name):
            weights.zero_()  # residual blocks, whose norms now weigh nothing, let nothing through yet
    for name, weights in decoder.named_parameters():
        if name.endswith("conv1.weight"):
            weights[:, pixels:] = 0  # at first blocks look at pixels alone, not at the constant beside them
    encoder.conv_in.conv.weight[:, :, 1, 1] = torch.eye(pixels)  # passes every pixel on
    patches = encoder.conv_in(F.pixel_unshuffle(pictures, PATCH)).permute(0, 2, 3, 1).flatten(0, 2).double()
    mean = patches.mean(0)
    _, axes = torch.linalg.eigh(torch.cov(patches.T))  # ascending
    axes = axes.flip(1)[:, :LATENTS].T.float()
    axes *= axes.sum(1, keepdim=True).sign()
    # Both ends have shortcuts, by the mean of a group of channels and by repetition: they are taken off.
    encoder.conv_out.weight[:, :, 1, 1] = axes - _groups(4 * pixels) * LATENTS / (4 * pixels)
    encoder.conv_out.bias.copy_(-axes @ mean.float())
    wide = decoder.conv_in.weight.shape[0]
    decoder.conv_in.weight[:, :, 1, 1] = -_groups(wide).T
    decoder.conv_in.weight[: 4 * pixels, :, 1, 1] += axes.T
    # Channels that hold a large constant keep the last norm from dividing out what is light and dark.
    decoder.conv_in.bias[: 4 * pixels] = mean.float() + OFFSET
    decoder.conv_in.bias[4 * pixels :] = CONSTANT
    level = torch.full((wide // 4,), CONSTANT)
    level[:pixels] = OFFSET
    decoder.norm_out.weight.fill_(float(level.square().mean().sqrt()))
    decoder.conv_out.weight[:, :pixels, 1, 1] = torch.eye(pixels)
    decoder.conv_out.bias.fill_(-OFFSET)


def _groups(channels: int) -> torch.Tensor:
    """`[LATENTS,channels]`: 1 where a channel belongs to a latent's group."""
    return torch.eye(LATENTS).repeat_interleave(channels // LATENTS, 1)


def spread(latents: torch.Tensor) -> torch.Tensor:
    """What latents `[N,C,h,w]` are divided by to be normalised, `[C]`.

    The root of each channel's deviation, so that the first components stay the largest, scaled to a mean square of 1
    over the LEADING ones, which tell what is where.
    """
    deviations = latents.std((0, 2, 3))
    return (deviations * deviations[:LEADING].mean()).sqrt()


def crops(data: Path, batch: int, seed: int) -> Iterator[torch.Tensor]:
    """Random crops of random training frames, `[batch,3,CROP,CROP]` in -1..1. New shards are used as they come."""
    rng = np.random.default_rng(seed)
    while True:
        known = list(shards(data))
        for index in rng.permutation(len(known)):
            try:
                frames = known[index].frames
            except FileNotFoundError:  # encoded and deleted meanwhile
                continue
            for _ in range(4):
                clips = np.sort(rng.integers(len(frames), size=batch))
                picked = np.empty((batch, CROP, CROP, 3), np.uint8)
                for i, clip in enumerate(clips):
                    frame = frames[clip, rng.integers(frames.shape[1])]
                    y, x = rng.integers(frame.shape[0] - CROP + 1), rng.integers(frame.shape[1] - CROP + 1)
                    picked[i] = frame[y : y + CROP, x : x + CROP]
                yield torch.from_numpy(picked).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def main() -> None:
    parser = arguments(__doc__ or "", minutes=30)
    parser.add_argument("--data", type=Path, required=True, help="folder of painted shards")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    model = build()
    begun = (args.out / "state.pt").exists()
    source = crops(args.data, args.batch, args.seed + begun)
    if not begun:
        set_components(model, torch.cat([next(source) for _ in range(-(-SAMPLE // args.batch))]))
    model = model.to(device, memory_format=torch.channels_last).train()
    model.requires_grad_(False)
    learned = [value for name, value in model.decoder.named_parameters() if re.search(LEARNED, name)]
    for value in learned:
        value.requires_grad_(True)
    optimizer = torch.optim.AdamW(learned, args.rate or 1e-3, betas=(0.9, 0.99), weight_decay=1e-4)
    training = Training(model, [optimizer], args, cooldown=0.35)

    def loss(pictures: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
        pictures = pictures.to(device, memory_format=torch.channels_last)
        latents = model.encode(F.pixel_unshuffle(pictures, PATCH), return_dict=False)[0]
        noised = latents + NOISE * spread(latents)[:, None, None] * torch.randn_like(latents)
        with torch.autocast(device.type, torch.bfloat16):
            made = model.decode(noised, return_dict=False)[0]
        made = F.pixel_shuffle(made.float(), PATCH)
        error = F.mse_loss(made, pictures)
        edges = F.l1_loss(made.diff(dim=-1), pictures.diff(dim=-1)) + F.l1_loss(
            made.diff(dim=-2), pictures.diff(dim=-2)
        )
        total = 4 * error + 0.3 * F.l1_loss(made, pictures) + 0.2 * edges
        return total, {"psnr": float(10 * torch.log10(4 / error.detach()))}

    training.run(source, loss)


if __name__ == "__main__":
    main()
