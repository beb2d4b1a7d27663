"""Trains the two UNets: they learn to see the clean latents through the noise, told by words and known frames.

    python -m kinograph.tools.storyworld.training.unets --part image --run runs --out runs/image --minutes 90
    python -m kinograph.tools.storyworld.training.unets --part video --run runs --out runs/video --minutes 90

The image UNet makes a clip's first frame, the video UNet any other frame from the nearest known ones. Flow matching
(Lipman et al. 2023) with x-prediction (Li and He 2025): x_t = (1-σ)·x + σ·ε, the network gives x, the loss is
|x̂-x|²/max(σ, 0.4)², heavier where the subjects are. In one example of ten the words are dropped, for classifier-free
guidance. The two do not need each other: train them at the same time, a core each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch.nn import functional as F
from transformers import PreTrainedTokenizerFast

from kinograph.tools.storyworld import pipeline
from kinograph.tools.storyworld.draft import SIDE, Draft, Known
from kinograph.tools.storyworld.grammar import describe
from kinograph.tools.storyworld.layout import SUBJECTS
from kinograph.tools.storyworld.pipeline import WINDOW
from kinograph.tools.storyworld.training import words
from kinograph.tools.storyworld.training.autoencoder import LATENTS
from kinograph.tools.storyworld.training.clips import BUCKETS
from kinograph.tools.storyworld.training.draft import build as build_draft
from kinograph.tools.storyworld.training.layout import layout_of
from kinograph.tools.storyworld.training.loop import Training, arguments, trained
from kinograph.tools.storyworld.world import World

SHARES = {"square": 0.50, "wide": 0.40, "tall": 0.05, "long": 0.05}
"""How often a batch is of each size."""
TOLD = 3.0
"""How much faster the layers learn that carry words and noise level into the network."""
PARTS = ("image", "video")
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
        time_embedding_dim=256,
        resnet_time_scale_shift="scale_shift",
        class_embed_type="projection",
        projection_class_embeddings_input_dim=words.WIDTH * len(words.SLOTS)
        + (0 if part == "image" else pipeline.MOMENTS),
    )
    torch.nn.init.zeros_(model.conv_out.weight)
    return model.to(memory_format=torch.channels_last).train()


class Batch(NamedTuple):
    """Pictures of one size, normalised latents all."""

    latents: torch.Tensor
    """What is to be made, `[N,C,h,w]`."""
    cells: torch.Tensor
    """Share of each latent's place that subjects cover, here or in a neighbour, `[N,h,w]`."""
    context: torch.Tensor
    """Embeddings of captions, `[N,slots,D]`."""
    guiding: torch.Tensor
    """The same, but one in ten is that of no words, for classifier-free guidance."""
    layout: torch.Tensor
    """Where everything is in them, `[N,NUMBERS]`."""
    pictures: torch.Tensor
    """Their subjects, as `Draft.pictures` gives them."""
    around: Around | None = None
    """Of frames that are not the first."""


class Around(NamedTuple):
    """Of N frames that are to be made, the nearest known ones."""

    before: Known
    after: Known
    times: torch.Tensor
    """Of the frame before, of this one, of the frame after, from 0 to 1, `[N,3]`; NaN is not there."""


class Latents:
    """All encoded clips in memory, float16, by size; of first frames alone when `frames` is 1.

    Each clip has a few captions, embedded when they are first drawn and kept.
    """

    def __init__(
        self,
        folder: Path,
        frames: int,
        embed: Callable[[list[str]], torch.Tensor],
        wordings: int = 3,
        draft: Draft | None = None,
    ) -> None:
        self.folder, self.frames, self.embed, self.wordings = folder, frames, embed, wordings
        self.draft = draft
        self._pictures: dict[tuple[object, ...], torch.Tensor] = {}
        self.silence = embed([""])[0]
        self._told: dict[tuple[str, int, int], torch.Tensor] = {}
        statistics = json.loads((folder / "statistics.json").read_text())
        self.mean = torch.tensor(statistics["mean"])[:, None, None]
        self.std = torch.tensor(statistics["std"])[:, None, None]
        self.latents: dict[str, list[torch.Tensor]] = {}
        self.cells: dict[str, list[torch.Tensor]] = {}
        self.worlds: dict[str, list[World]] = {}
        self.layouts: dict[str, list[torch.Tensor]] = {}
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
            kept = [json.loads(line) for line in done.read_text("utf-8").splitlines()]
            worlds = [World.model_validate(one["world"]) for one in kept]
            self.worlds.setdefault(bucket, []).extend(worlds)
            size = BUCKETS[bucket]
            told = [
                layout_of(world, size.frames, size.width, size.height, one["seed"])[seen]
                for world, one in zip(worlds, kept, strict=True)
            ]
            self.layouts.setdefault(bucket, []).append(torch.from_numpy(np.stack(told)))

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
            picks = rng.integers(len(self.worlds[name]), size=max(1, size * 128**2 // (bucket.width * bucket.height)))
            context = self._contexts(name, picks, rng)
            if self.frames == 1:
                layout = self._layouts(name, picks, 0)
                pictures = self._subjects(name, picks)
                yield Batch(self._frames(name, picks, 0), self._cells(name, picks, 0), *context, layout, pictures)
                continue
            frames = self.latents[name][0].shape[1]
            places = np.array([neighbourhood(rng, frames) for _ in picks])  # [N,3]
            seen = [self._frames(name, picks, places[:, side]) for side in range(3)]
            cells = torch.stack([self._cells(name, picks, places[:, side]) for side in range(3)]).amax(0)
            times = torch.tensor(np.where(places < 0, np.nan, places / (frames - 1)), dtype=torch.float32)
            known = [
                Known(
                    seen[side] + 0.15 * torch.rand(len(picks), 1, 1, 1) * torch.randn_like(seen[side]),
                    self._layouts(name, picks, places[:, side]),
                    torch.from_numpy(places[:, side] >= 0).float(),
                )
                for side in (0, 2)
            ]
            layout, pictures = self._layouts(name, picks, places[:, 1]), self._subjects(name, picks)
            yield Batch(seen[1], cells, *context, layout, pictures, Around(*known, times))

    def _subjects(self, name: str, picks: np.ndarray) -> torch.Tensor:
        """Pictures of each clip's subjects, `[N,SUBJECTS,4,SIDE,SIDE]`."""
        worlds = [self.worlds[name][pick] for pick in picks]
        return torch.stack([torch.stack([self._drawn(world, n) for n in range(SUBJECTS)]) for world in worlds])

    def _drawn(self, world: World, index: int) -> torch.Tensor:
        """Kept by what is shown, which wording hardly changes."""
        if self.draft is None or index >= len(world.subjects):
            return torch.zeros(4, SIDE, SIDE)
        key = (index, world.look, world.subjects[index].kind, world.subjects[index].color)
        if key not in self._pictures:
            with torch.no_grad():
                told = self.draft.pictures(self.embed([describe(world, np.random.default_rng(1))]))
            self._pictures[key] = told[0, index].cpu()
        return self._pictures[key]

    def _layouts(self, name: str, picks: np.ndarray, frames: np.ndarray | int) -> torch.Tensor:
        shard = len(self.layouts[name][0])
        return torch.stack([self.layouts[name][i // shard][i % shard, t] for i, t in np.broadcast(picks, frames)])

    def _frames(self, name: str, picks: np.ndarray, frames: np.ndarray | int) -> torch.Tensor:
        shard = len(self.latents[name][0])
        found = [self.latents[name][i // shard][i % shard, t] for i, t in np.broadcast(picks, frames)]
        return (torch.stack(found).float() - self.mean) / self.std

    def _cells(self, name: str, picks: np.ndarray, frames: np.ndarray | int) -> torch.Tensor:
        """Of a frame -1, which is not there, those of the clip's last do no harm."""
        shard = len(self.cells[name][0])
        found = [self.cells[name][i // shard][i % shard, t] for i, t in np.broadcast(picks, frames)]
        return F.interpolate(torch.stack(found)[:, None].float() / 255, scale_factor=2)[:, 0]

    def _contexts(self, name: str, picks: np.ndarray, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        drawn = [
            (name, int(i), int(wording))
            for i, wording in zip(picks, rng.integers(self.wordings, size=len(picks)), strict=True)
        ]
        fresh = sorted({key for key in drawn if key not in self._told})
        if fresh:
            captions = [describe(self.worlds[name][i], np.random.default_rng([i, w, 6])) for _, i, w in fresh]
            self._told |= dict(zip(fresh, self.embed(captions).half().cpu(), strict=True))
        said = torch.stack([self._told[key].float() for key in drawn])
        silent = torch.from_numpy(rng.random(len(drawn)) < 0.1)[:, None, None]
        return said, torch.where(silent, self.silence.cpu(), said)


def noise_levels(size: int, shift: float) -> torch.Tensor:
    """σ in (0, 1) `[size]`: uniform, shifted. What is where is settled at levels above 0.8, which the usual
    logit-normal levels hardly visit.
    """
    u = torch.rand(size).clamp(0.002, 0.998)
    return shift * u / (1 + (shift - 1) * u)


def neighbourhood(rng: np.random.Generator, frames: int) -> tuple[int, int, int]:
    """The known frame before, the frame to be made and the known one after; -1 is none.

    Two in three are what the pipeline's passes ask for, the others any, as keyframes may be anywhere.
    """
    last, lot = frames - 1, rng.random()
    if lot < 0.22:
        return 0, last, -1
    if lot < 0.66:
        step = last >> int(rng.integers(1, int(np.log2(last)) + 1))
        now = step * (2 * int(rng.integers(last // (2 * step))) + 1)
        return now - step, now, now + step
    if lot < 0.78:
        now = int(rng.integers(1, frames))
        return int(rng.integers(now)), now, -1
    if lot < 0.88:
        now = int(rng.integers(last))
        return -1, now, int(rng.integers(now + 1, frames))
    before, now, after = sorted(int(frame) for frame in rng.choice(frames, 3, replace=False))
    return before, now, after


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
    return trained(words.Slots(words.build(len(tokenizer))), folder).encoder, tokenizer


def main() -> None:
    parser = arguments(__doc__ or "", minutes=90)
    parser.add_argument("--run", type=Path, required=True, help="folder with latents/ and words/")
    parser.add_argument("--part", choices=PARTS, required=True, help="which of the two networks")
    parser.add_argument("--widths", type=int, nargs=3, help="channels at each size of latents")
    parser.add_argument("--compile", action="store_true", help="compile the network: slower to start, faster after")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    embed = embedding(args.run / "words", device)
    draft = trained(build_draft(), args.run / "draft")
    data = Latents(args.run / "latents", 1 if args.part == "image" else WINDOW, embed, draft=draft)
    draft = draft.to(device)
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
        clean, context = batch.latents.to(device), batch.guiding.to(device)
        sigma = noise_levels(len(clean), SHIFT).to(device)
        noised = torch.lerp(clean, torch.randn_like(clean), sigma[:, None, None, None])
        told = (batch.context.to(device), batch.pictures.to(device), batch.layout.to(device))
        if batch.around:
            times = batch.around.times.to(device)
            sides = (Known(*(part.to(device) for part in side)) for side in (batch.around.before, batch.around.after))
            hints = pipeline.hints_between(draft.between(*told, pipeline.share_of(times), *sides), times)
        else:
            hints = pipeline.hints_first(draft.first(*told, *clean.shape[-2:]))
        with torch.autocast(device.type, torch.bfloat16):
            made = pipeline.denoise(model, noised, sigma, context, hints)
        weight = 1 + SUBJECT * batch.cells.to(device)
        each = ((made - clean).square().mean(1) * weight).sum((1, 2)) / weight.sum((1, 2))
        value = (each / sigma.clamp(min=0.4).square()).mean()
        return value, {"error": float(each.mean().detach())}

    training.run(data.batches(args.batch, args.seed + training.step), loss)


if __name__ == "__main__":
    main()
