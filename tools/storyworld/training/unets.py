"""Trains the two UNets: they learn to see the clean latents through the noise, told by words and known frames.

    python -m kinograph.tools.storyworld.training.unets --part image --run runs --out runs/image --minutes 90
    python -m kinograph.tools.storyworld.training.unets --part video --run runs --out runs/video --minutes 90

The image UNet makes a clip's first frame, the video UNet any other frame from the nearest known ones. Flow matching
(Lipman et al. 2023) with x-prediction (Li and He 2025): x_t = (1-σ)·x + σ·ε, the network gives x, the loss is
|x̂-x|²/max(σ, 0.4)², heavier where the subjects are. In one example of ten the words are dropped, for classifier-free
guidance. The two do not need each other: train them at the same time, a core each.
"""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

from kinograph.tools.storyworld import pipeline
from kinograph.tools.storyworld.training import words
from kinograph.tools.storyworld.training.autoencoder import LATENTS
from kinograph.tools.storyworld.training.dataset import Batch, Latents
from kinograph.tools.storyworld.training.draft import build as build_draft
from kinograph.tools.storyworld.training.loop import Training, arguments, trained

TOLD = 3.0
"""How much faster the layers learn that carry words and noise level into the network."""
PARTS = ("image", "video")
STILLS = 5
"""Frames of each clip that the image UNet learns from."""
WIDTHS = (96, 144, 192)
"""Channels at each size of latents."""
SUBJECT = 8.0
"""How much heavier the loss is where a subject covers a cell."""
SHIFT = 1.5
"""How far noise levels lean to the noisy side (Esser et al. 2024, "Scaling Rectified Flow Transformers", 5.3.2)."""


def build(part: str, widths: tuple[int, ...] | None = None) -> UNet2DConditionModel:
    """The untrained network of a part, "image" or "video"."""
    widths = widths or WIDTHS
    model = UNet2DConditionModel(
        in_channels=pipeline.PLACES + (2 * LATENTS + 1 if part == "image" else 4 * LATENTS + 3),
        out_channels=LATENTS,
        block_out_channels=widths,
        down_block_types=("DownBlock2D",) * len(widths),
        up_block_types=("UpBlock2D",) * len(widths),
        mid_block_type="UNetMidBlock2DCrossAttn",
        layers_per_block=1,
        norm_num_groups=16,
        attention_head_dim=tuple(width // 32 for width in widths),  # heads, in spite of its name
        cross_attention_dim=words.WIDTH,
        time_embedding_dim=192,
        resnet_time_scale_shift="scale_shift",
        class_embed_type="projection",
        projection_class_embeddings_input_dim=words.WIDTH * len(words.SLOTS)
        + (0 if part == "image" else pipeline.MOMENTS),
    )
    torch.nn.init.zeros_(model.conv_out.weight)
    return model.to(memory_format=torch.channels_last).train()


def noise_levels(size: int, shift: float) -> torch.Tensor:
    """σ in (0, 1) `[size]`: uniform, shifted. What is where is settled at levels above 0.8, which the usual
    logit-normal levels hardly visit.
    """
    u = torch.rand(size).clamp(0.002, 0.998)
    return shift * u / (1 + (shift - 1) * u)


def main() -> None:
    parser = arguments(__doc__ or "", minutes=90)
    parser.add_argument("--run", type=Path, required=True, help="folder with latents/, words/ and draft/")
    parser.add_argument("--part", choices=PARTS, required=True, help="which of the two networks")
    parser.add_argument("--widths", type=int, nargs=3, help="channels at each size of latents")
    parser.add_argument("--compile", action="store_true", help="compile the network: slower to start, faster after")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    draft = trained(build_draft(), args.run / "draft").to(device)
    embed = words.embedding(args.run / "words", device)
    stills = STILLS if args.part == "image" else None
    data = Latents(args.run / "latents", embed, device, draft=draft, stills=stills)
    model = build(args.part, args.widths and tuple(args.widths)).to(device)
    rate = args.rate or 1e-3
    told = [value for name, value in model.named_parameters() if "class_emb" in name or "time_emb" in name]
    rest = [value for name, value in model.named_parameters() if not ("class_emb" in name or "time_emb" in name)]
    optimizer = torch.optim.AdamW(
        [{"params": rest}, {"params": told, "lr": TOLD * rate}], rate, betas=(0.9, 0.98), weight_decay=0.01
    )
    training = Training(model, [optimizer], args, decay=0.998, cooldown=0.3)
    if args.compile:
        model.compile()

    def loss(batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        clean = batch.latents
        sigma = noise_levels(len(clean), SHIFT).to(device)
        noised = torch.lerp(clean, torch.randn_like(clean), sigma[:, None, None, None])
        told = (batch.context, batch.pictures, batch.layout)
        with torch.no_grad():
            if batch.around:
                before, after, times = batch.around
                drafts = draft.between(*told, pipeline.share_of(times), before, after)
                hints = pipeline.hints_between(drafts, times)
            else:
                hints = pipeline.hints_first(draft.first(*told, *clean.shape[-2:]))
        with torch.autocast(device.type, torch.bfloat16):
            made = pipeline.denoise(model, noised, sigma, batch.guiding, hints)
        weight = 1 + SUBJECT * batch.cells
        each = ((made - clean).square().mean(1) * weight).sum((1, 2)) / weight.sum((1, 2))
        value = (each / sigma.clamp(min=0.4).square()).mean()
        return value, {"error": float(each.mean().detach())}

    training.run(data.batches(args.batch, args.seed + training.step), loss)


if __name__ == "__main__":
    main()
