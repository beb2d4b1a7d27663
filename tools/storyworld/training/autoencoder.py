"""Trains the frame autoencoder: pictures to latents at a sixteenth of the size, and back.

    python -m kinograph.tools.storyworld.training.autoencoder --data runs/clips --out runs/autoencoder

It is diffusers' AutoencoderDC (Chen et al. 2024, "Deep Compression Autoencoder"), small. Latents are noised a
little before decoding, so that the decoder forgives what the transformer gets slightly wrong. `--decoder` goes on
with the encoder frozen: latents that are already on disk stay valid.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderDC
from torch.nn import functional as F

from kinograph.tools.storyworld.training.clips import shards
from kinograph.tools.storyworld.training.loop import Training, arguments

LATENTS = 32
PATCH = 4
"""Pixels a side that are stacked into channels before the first convolution, as LTX-Video does it: on a CPU
convolutions at full size cost more than all others."""
CROP = 64
"""Pixels a side of a training picture; the networks are convolutions only."""
NOISE = 0.3
"""Standard deviation of the noise on training latents, which settle at about 2.5."""


def build() -> AutoencoderDC:
    return AutoencoderDC(
        in_channels=3 * PATCH * PATCH,
        latent_channels=LATENTS,
        encoder_block_types="ResBlock",
        decoder_block_types="ResBlock",
        encoder_block_out_channels=(32, 64, 128),
        decoder_block_out_channels=(64, 128, 256),
        encoder_layers_per_block=(0, 2, 2),
        decoder_layers_per_block=(1, 2, 2),
        encoder_qkv_multiscales=((),) * 3,
        decoder_qkv_multiscales=((),) * 3,
    )


def crops(data: Path, batch: int, seed: int) -> Iterator[torch.Tensor]:
    """Random crops of random training frames, `[batch,3,CROP,CROP]` in -1..1. New shards are used as they come."""
    rng = np.random.default_rng(seed)
    while True:
        known = list(shards(data))
        for index in rng.permutation(len(known)):
            frames = known[index].frames
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
    parser.add_argument("--decoder", action="store_true", help="train the decoder only")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    model = build().to(device, memory_format=torch.channels_last).train()
    model.encoder.requires_grad_(not args.decoder)
    noise = NOISE / 2 if args.decoder else NOISE
    optimizer = torch.optim.AdamW(model.parameters(), args.rate or 1e-3, betas=(0.9, 0.99), weight_decay=1e-4)
    training = Training(model, [optimizer], args, cooldown=0.35)
    if args.decoder:
        model.load_state_dict(training.average)  # the encoder that made the latents

    def loss(pictures: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
        pictures = pictures.to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16):
            latents = model.encode(F.pixel_unshuffle(pictures, PATCH), return_dict=False)[0]
            noised = latents + noise * torch.randn_like(latents)
            made = model.decode(noised, return_dict=False)[0]
        made = F.pixel_shuffle(made.float(), PATCH)
        error = F.mse_loss(made, pictures)
        edges = F.l1_loss(made.diff(dim=-1), pictures.diff(dim=-1)) + F.l1_loss(
            made.diff(dim=-2), pictures.diff(dim=-2)
        )
        tied = latents.float().square().mean()
        total = 4 * error + 0.3 * F.l1_loss(made, pictures) + 0.2 * edges + 1e-3 * tied
        return total, {"psnr": float(10 * torch.log10(4 / error.detach())), "latents": float(tied.detach().sqrt())}

    training.run(crops(args.data, args.batch, args.seed + training.step), loss)


if __name__ == "__main__":
    main()
