"""Trains the transformer: it learns to see the clean clip through the noise, told by words and keyframes.

    python -m kinograph.tools.storyworld.training.transformer --run runs --out runs/transformer --minutes 90

Flow matching (Lipman et al. 2023) with x-prediction (Li and He 2025): x_t = (1-σ)·x + σ·ε, the network gives x, the
loss is |x̂-x|²/max(σ, 0.4)², heavier where the subjects are. Half of the batches are first frames alone, the rest are
clips that are mostly given their first frame, sometimes the last or another. In one example of ten the words are
dropped, for classifier-free guidance.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from diffusers import LTXVideoTransformer3DModel
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import PreTrainedTokenizerFast

from kinograph.tools.storyworld.grammar import describe
from kinograph.tools.storyworld.pipeline import GROUP, Tokens, denoise, keyframe_tokens, pack
from kinograph.tools.storyworld.training import words
from kinograph.tools.storyworld.training.autoencoder import LATENTS
from kinograph.tools.storyworld.training.clips import BUCKETS
from kinograph.tools.storyworld.training.loop import Training, arguments
from kinograph.tools.storyworld.world import World

SHARES = {"square": 0.60, "wide": 0.28, "tall": 0.06, "long": 0.06}
"""How often a batch is of each size."""
STILLS = 0.5
"""Share of the batches that are first frames alone: the pipeline makes a clip's first frame before the others."""
SUBJECT = 8.0
"""How much heavier the loss is where a subject covers a cell."""
SHIFT, STILL_SHIFT = 2.0, 1.0
"""How far noise levels of clips and of single frames lean to the noisy side: the more numbers say the same, the more
noise hides nothing (Esser et al. 2024, "Scaling Rectified Flow Transformers", 5.3.2)."""


def build(fold: int, heads: int, layers: int) -> LTXVideoTransformer3DModel:
    width = heads * 64
    model = LTXVideoTransformer3DModel(
        in_channels=LATENTS * GROUP * fold * fold,
        out_channels=LATENTS * GROUP * fold * fold,
        num_attention_heads=heads,
        attention_head_dim=64,
        cross_attention_dim=width,
        num_layers=layers,
        caption_channels=words.WIDTH,
    )
    torch.nn.init.zeros_(model.proj_out.weight)
    return model.train()


class Batch(NamedTuple):
    """Clips of one size."""

    latents: torch.Tensor
    """Normalised, `[B,T,C,h,w]`."""
    cells: torch.Tensor
    """Share of each cell that subjects cover, `[B,T,h,w]`."""
    captions: list[str]


class Latents:
    """All encoded clips in memory, float16, by size."""

    def __init__(self, folder: Path) -> None:
        statistics = json.loads((folder / "statistics.json").read_text())
        self.mean = torch.tensor(statistics["mean"])[:, None, None]
        self.std = torch.tensor(statistics["std"])[:, None, None]
        self.latents: dict[str, list[torch.Tensor]] = {}
        self.cells: dict[str, list[torch.Tensor]] = {}
        self.worlds: dict[str, list[World]] = {}
        for done in sorted(folder.glob("*.jsonl")):
            bucket, stem = done.stem.split("-")[0], done.with_suffix("")
            self.latents.setdefault(bucket, []).append(torch.from_numpy(np.load(f"{stem}.latents.npy")))
            self.cells.setdefault(bucket, []).append(torch.from_numpy(np.load(f"{stem}.cells.npy")))
            lines = done.read_text("utf-8").splitlines()
            self.worlds.setdefault(bucket, []).extend(World.model_validate(json.loads(line)["world"]) for line in lines)

    def batches(self, size: int, seed: int) -> Iterator[Batch]:
        """Endless batches; a clip of the larger sizes counts for more, so that all batches take about as long."""
        rng = np.random.default_rng([seed, 5])
        names = [name for name in SHARES if name in self.latents]
        odds = np.array([SHARES[name] for name in names])
        while True:
            name = str(rng.choice(names, p=odds / odds.sum()))
            bucket, still = BUCKETS[name], rng.random() < STILLS
            groups = 1 if still else (bucket.frames - 1) / GROUP + 1
            cost = bucket.width * bucket.height / 128**2 * groups / 3
            shard = len(self.latents[name][0])
            seen = slice(0, 1 if still else bucket.frames)
            picks = rng.integers(len(self.worlds[name]), size=max(1, round(size / cost)))
            latents = torch.stack([self.latents[name][i // shard][i % shard, seen] for i in picks]).float()
            cells = torch.stack([self.cells[name][i // shard][i % shard, seen] for i in picks]).float() / 255
            captions = [describe(self.worlds[name][i], rng) for i in picks]
            yield Batch((latents - self.mean) / self.std, cells, captions)


def noise_levels(size: int, shift: float) -> torch.Tensor:
    """σ in (0, 1) `[size]`: logit-normal, shifted."""
    u = torch.sigmoid(torch.randn(size))
    return shift * u / (1 + (shift - 1) * u)


def weights(cells: torch.Tensor, fold: int) -> torch.Tensor:
    """Weight of every number of the tokens `[B,S,D]`; padding weighs nothing."""
    packed = pack((1 + SUBJECT * cells)[:, :, None], fold).values.unflatten(-1, (GROUP, 1, fold * fold))
    return packed.expand(-1, -1, -1, LATENTS, -1).flatten(2)


def given_frames(frames: int, rng: np.random.Generator) -> list[int]:
    """Which frames the model is given in one step: mostly the first, as the pipeline does it."""
    lot = rng.random()
    if frames == 1 or lot < 0.12:
        return []
    if lot < 0.80:
        return [0]
    if lot < 0.92:
        return [0, frames - 1]
    if lot < 0.96:
        return [frames - 1]
    return [int(rng.integers(1, frames - 1))]


def load_words(folder: Path) -> tuple[words.T5EncoderModel, PreTrainedTokenizerFast]:
    """The trained text encoder and its tokenizer."""
    tokenizer = words.build_tokenizer()
    slots = words.Slots(words.build(len(tokenizer)))
    slots.load_state_dict(torch.load(folder / "state.pt", map_location="cpu", weights_only=True)["average"])
    return slots.encoder.eval().requires_grad_(False), tokenizer


def main() -> None:
    parser = arguments(__doc__ or "", minutes=90)
    parser.add_argument("--run", type=Path, required=True, help="folder with latents/ and words/")
    parser.add_argument("--fold", type=int, default=1, help="latents a side of a token")
    parser.add_argument("--heads", type=int, default=5, help="attention heads of 64 channels")
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--compile", action="store_true", help="compile the blocks: slower to start, faster after")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    data = Latents(args.run / "latents")
    encoder, tokenizer = load_words(args.run / "words")
    encoder = encoder.to(device)
    model = build(args.fold, args.heads, args.layers).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), args.rate or 1.2e-3, betas=(0.9, 0.98), weight_decay=0.01)
    training = Training(model, [optimizer], args, decay=0.998, cooldown=0.3)
    rng = np.random.default_rng([args.seed, training.step])
    if args.compile:
        for block in model.transformer_blocks:
            block.compile(dynamic=True)

    def embed(captions: list[str]) -> torch.Tensor:
        tokens = tokenizer(captions, padding=True, truncation=True, return_tensors="pt").to(device)
        with torch.no_grad():
            states = encoder(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
        return states.last_hidden_state[:, : len(words.SLOTS)]

    def loss(batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        clean = pack(batch.latents.to(device), args.fold)
        places = clean.places.to(device)
        size, frames = batch.latents.shape[:2]
        said = [caption if drop >= 0.1 else "" for caption, drop in zip(batch.captions, rng.random(size), strict=True)]
        held = []
        for frame in given_frames(frames, rng):
            blur = 0.1 * float(rng.random())
            picture = batch.latents[:, frame].to(device)
            tokens = keyframe_tokens(picture + blur * torch.randn_like(picture), frame, args.fold)
            held.append(Tokens(tokens.values, tokens.places.to(device)))
        sigma = noise_levels(size, STILL_SHIFT if frames == 1 else SHIFT).to(device)
        noised = torch.lerp(clean.values, torch.randn_like(clean.values), sigma[:, None, None])
        padding = weights(batch.cells.to(device), args.fold)
        noised = noised * (padding > 0)
        # On a CPU plain matrix products beat the fused kernel, whose backward pass is slow for few tokens.
        kernel = sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()
        with torch.autocast(device.type, torch.bfloat16), kernel:
            context = embed(said)
            made = denoise(model, noised, places, held, sigma, context)
        if held and float(held[0].places[0, 0]) == 0:
            padding = padding.clone()
            padding[:, : held[0].values.shape[1]] = 0
        error = (made - clean.values).square() * padding
        each = error.sum((1, 2)) / padding.sum((1, 2))
        value = (each / sigma.clamp(min=0.4).square()).mean()
        what = "still" if frames == 1 else "moving" if held else "free"
        return value, {what: float(each.mean().detach())}

    training.run(data.batches(args.batch, args.seed + training.step), loss)


if __name__ == "__main__":
    main()
