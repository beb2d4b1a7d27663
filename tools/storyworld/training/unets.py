"""Trains the two UNets: they learn to see the clean latents through the noise, told by words and known frames.

    python -m kinograph.tools.storyworld.training.unets --part image --run runs --out runs/image --minutes 90
    python -m kinograph.tools.storyworld.training.unets --part video --run runs --out runs/video --minutes 90

The image UNet makes a clip's first frame, the video UNet the clip from frames that are known. Flow matching (Lipman
et al. 2023) with x-prediction (Li and He 2025): x_t = (1-σ)·x + σ·ε, the network gives x, the loss is
|x̂-x|²/max(σ, 0.4)², heavier where the subjects are. In one example of ten the words are dropped, for
classifier-free guidance. The two do not need each other: train them at the same time, a core each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch.nn import functional as F
from transformers import PreTrainedTokenizerFast

from kinograph.tools.storyworld import pipeline
from kinograph.tools.storyworld.grammar import describe
from kinograph.tools.storyworld.pipeline import WINDOW
from kinograph.tools.storyworld.training import words
from kinograph.tools.storyworld.training.autoencoder import LATENTS
from kinograph.tools.storyworld.training.clips import BUCKETS
from kinograph.tools.storyworld.training.loop import Training, arguments
from kinograph.tools.storyworld.training.prior import SUBJECT, load_prior
from kinograph.tools.storyworld.world import World

SHARES = {"square": 0.50, "wide": 0.40, "tall": 0.05, "long": 0.05}
"""How often a batch is of each size."""
TOLD = 3.0
"""How much faster the layers learn that carry words and noise level into the network."""
WIDTHS = {"image": (96, 144, 192), "video": (128, 160, 192)}
"""Channels at each size of latents."""
SHIFTS = {"image": 1.5, "video": 2.5}
"""How far noise levels lean to the noisy side: the more numbers say the same, the more noise hides nothing
(Esser et al. 2024, "Scaling Rectified Flow Transformers", 5.3.2)."""


def build(part: str, widths: tuple[int, ...] | None = None) -> UNet2DConditionModel:
    """The untrained network of a part, "image" or "video"."""
    widths = widths or WIDTHS[part]
    frames = 1 if part == "image" else WINDOW
    model = UNet2DConditionModel(
        in_channels=pipeline.PLACES + (2 * LATENTS if part == "image" else WINDOW * (LATENTS + 1)),
        out_channels=LATENTS * frames,
        block_out_channels=widths,
        down_block_types=("DownBlock2D",) * len(widths),
        up_block_types=("UpBlock2D",) * len(widths),
        mid_block_type="UNetMidBlock2DCrossAttn",
        layers_per_block=1,
        norm_num_groups=16,
        attention_head_dim=tuple(width // 32 for width in widths),  # heads, in spite of its name
        cross_attention_dim=words.WIDTH,
        time_embedding_dim=256,
        resnet_time_scale_shift="scale_shift",
        class_embed_type="projection",
        projection_class_embeddings_input_dim=words.WIDTH * len(words.SLOTS),
    )
    torch.nn.init.zeros_(model.conv_out.weight)
    return model.to(memory_format=torch.channels_last).train()


class Batch(NamedTuple):
    """Clips of one size."""

    latents: torch.Tensor
    """Normalised, `[B,T,C,h,w]`."""
    cells: torch.Tensor
    """Share of each latent's place that subjects cover, `[B,T,h,w]`."""
    context: torch.Tensor
    """Embeddings of captions, `[B,slots,D]`; one in ten is that of no words."""
    given: list[int]
    """Frames that are known."""


class Latents:
    """All encoded clips in memory, float16, by size; of first frames alone when `frames` is 1.

    Each clip has a few captions, embedded when they are first drawn and kept.
    """

    def __init__(self, folder: Path, frames: int, embed: Callable[[list[str]], torch.Tensor], wordings: int = 3) -> None:
        self.folder, self.frames, self.embed, self.wordings = folder, frames, embed, wordings
        self.silence = embed([""])[0]
        self._told: dict[tuple[str, int, int], torch.Tensor] = {}
        statistics = json.loads((folder / "statistics.json").read_text())
        self.mean = torch.tensor(statistics["mean"])[:, None, None]
        self.std = torch.tensor(statistics["std"])[:, None, None]
        self.latents: dict[str, list[torch.Tensor]] = {}
        self.cells: dict[str, list[torch.Tensor]] = {}
        self.worlds: dict[str, list[World]] = {}
        self._known: set[str] = set()
        self.look()

    def look(self) -> None:
        """Take up what was encoded since."""
        for done in sorted(self.folder.glob("*.jsonl")):
            bucket, stem = done.stem.split("-")[0], done.with_suffix("")
            if done.stem in self._known:
                continue
            self._known.add(done.stem)
            seen = slice(0, 1 if self.frames == 1 else None)
            for kept, what in ((self.latents, "latents"), (self.cells, "cells")):
                loaded = np.load(f"{stem}.{what}.npy", mmap_mode="r")
                kept.setdefault(bucket, []).append(torch.from_numpy(np.array(loaded[:, seen])))
            lines = done.read_text("utf-8").splitlines()
            self.worlds.setdefault(bucket, []).extend(World.model_validate(json.loads(line)["world"]) for line in lines)

    def batches(self, size: int, seed: int) -> Iterator[Batch]:
        """Endless batches; of larger pictures there are fewer in one, so that all batches take about as long."""
        rng = np.random.default_rng([seed, 5])
        for turn in range(10**9):
            if turn % 500 == 499:
                self.look()
            names = [name for name in SHARES if name in self.latents]
            odds = np.array([SHARES[name] for name in names])
            name = str(rng.choice(names, p=odds / odds.sum()))
            bucket = BUCKETS[name]
            shard = len(self.latents[name][0])
            picks = rng.integers(len(self.worlds[name]), size=max(1, size * 128**2 // (bucket.width * bucket.height)))
            given = given_frames(rng) if self.frames > 1 else []
            seen = slice(None)
            if self.frames > 1 and bucket.frames > WINDOW:  # every second frame of a long clip, or one half
                lot = rng.integers(3)
                seen = (slice(0, None, 2), slice(0, WINDOW), slice(WINDOW - 1, None))[lot]
                given = given if lot == 0 else list(range(0, WINDOW, 2))
            latents = torch.stack([self.latents[name][i // shard][i % shard, seen] for i in picks]).float()
            cells = torch.stack([self.cells[name][i // shard][i % shard, seen] for i in picks]).float() / 255
            context = self._contexts(name, picks, rng)
            yield Batch((latents - self.mean) / self.std, F.interpolate(cells, scale_factor=2), context, given)

    def _contexts(self, name: str, picks: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
        drawn = [(name, int(i), int(wording)) for i, wording in zip(picks, rng.integers(self.wordings, size=len(picks)))]
        fresh = sorted({key for key in drawn if key not in self._told})
        if fresh:
            captions = [describe(self.worlds[name][i], np.random.default_rng([i, w, 6])) for _, i, w in fresh]
            self._told |= dict(zip(fresh, self.embed(captions).half().cpu(), strict=True))
        silent = rng.random(len(drawn)) < 0.1
        return torch.stack(
            [self.silence if quiet else self._told[key].float() for key, quiet in zip(drawn, silent, strict=True)]
        )


def noise_levels(size: int, shift: float) -> torch.Tensor:
    """σ in (0, 1) `[size]`: uniform, shifted. What is where is settled at levels above 0.8, which the usual
    logit-normal levels hardly visit.
    """
    u = torch.rand(size).clamp(0.002, 0.998)
    return shift * u / (1 + (shift - 1) * u)


def given_frames(rng: np.random.Generator) -> list[int]:
    """Which frames are known in one step: mostly the first, as in the pipeline."""
    lot = rng.random()
    if lot < 0.74:
        return [0]
    if lot < 0.84:
        return [0, WINDOW - 1]
    if lot < 0.90:
        return [WINDOW - 1]
    if lot < 0.95:
        return list(range(0, WINDOW, 2))
    return sorted({int(frame) for frame in rng.integers(WINDOW, size=rng.integers(4))})


def known(batch: Batch, rng: np.random.Generator) -> Mapping[int, torch.Tensor]:
    """The known frames, a little noised: those of the pipeline are made, not painted."""
    found = {}
    for frame in batch.given:
        picture = batch.latents[:, frame]
        found[frame] = picture + 0.15 * float(rng.random()) * torch.randn_like(picture)
    return found


def embedding(folder: Path, device: torch.device) -> Callable[[list[str]], torch.Tensor]:
    """The trained text encoder as a function: captions to `[B,slots,D]`."""
    encoder, tokenizer = load_words(folder)
    encoder = encoder.to(device)

    @torch.no_grad()
    def embed(captions: list[str]) -> torch.Tensor:
        tokens = tokenizer(captions, padding=True, truncation=True, return_tensors="pt").to(device)
        states = encoder(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
        return states.last_hidden_state[:, : len(words.SLOTS)]

    return embed


def load_words(folder: Path) -> tuple[words.T5EncoderModel, PreTrainedTokenizerFast]:
    """The trained text encoder and its tokenizer."""
    tokenizer = words.build_tokenizer()
    slots = words.Slots(words.build(len(tokenizer)))
    slots.load_state_dict(torch.load(folder / "state.pt", map_location="cpu", weights_only=True)["average"])
    return slots.encoder.eval().requires_grad_(False), tokenizer


def main() -> None:
    parser = arguments(__doc__ or "", minutes=90)
    parser.add_argument("--run", type=Path, required=True, help="folder with latents/ and words/")
    parser.add_argument("--part", choices=tuple(WIDTHS), required=True, help="which of the two networks")
    parser.add_argument("--widths", type=int, nargs=3, help="channels at each size of latents")
    parser.add_argument("--compile", action="store_true", help="compile the network: slower to start, faster after")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    embed = embedding(args.run / "words", device)
    data = Latents(args.run / "latents", 1 if args.part == "image" else WINDOW, embed)
    prior = load_prior(args.run / "prior").to(device) if args.part == "image" else None
    model = build(args.part, args.widths and tuple(args.widths)).to(device)
    rate = args.rate or 1e-3
    told = [value for name, value in model.named_parameters() if "class_emb" in name or "time_emb" in name]
    rest = [value for name, value in model.named_parameters() if not ("class_emb" in name or "time_emb" in name)]
    optimizer = torch.optim.AdamW(
        [{"params": rest}, {"params": told, "lr": TOLD * rate}], rate, betas=(0.9, 0.98), weight_decay=0.01
    )
    training = Training(model, [optimizer], args, decay=0.998, cooldown=0.3)
    rng = np.random.default_rng([args.seed, training.step])
    if args.compile:
        model.compile()

    def loss(batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        clean = batch.latents.to(device)
        context = batch.context.to(device)
        blurred = prior(context, *clean.shape[-2:]) if prior else None
        sigma = noise_levels(len(clean), SHIFTS[args.part]).to(device)
        noised = torch.lerp(clean, torch.randn_like(clean), sigma[:, None, None, None, None])
        given = {frame: latents.to(device) for frame, latents in known(batch, rng).items()}
        with torch.autocast(device.type, torch.bfloat16):
            made = pipeline.denoise(model, noised, given, sigma, context, blurred)
        weight = 1 + SUBJECT * batch.cells.to(device)
        weight[:, batch.given] = 0
        error = (made - clean).square().mean(2) * weight
        each = error.sum((1, 2, 3)) / weight.sum((1, 2, 3))
        value = (each / sigma.clamp(min=0.4).square()).mean()
        return value, {"first" if batch.given == [0] else "other": float(each.mean().detach())}

    training.run(data.batches(args.batch, args.seed + training.step), loss)


if __name__ == "__main__":
    main()
