"""Encoded clips as batches: what every network that looks at latents is trained on, on a CPU or on a GPU.

Shards lie on the device, each a few hundred clips; a batch takes some from each of several, so that no example is
gathered alone. Shards that appear while training runs are taken up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from kinograph.tools.storyworld.draft import SIDE, Draft, Known
from kinograph.tools.storyworld.grammar import describe
from kinograph.tools.storyworld.layout import SUBJECTS
from kinograph.tools.storyworld.training import words
from kinograph.tools.storyworld.training.clips import BUCKETS
from kinograph.tools.storyworld.world import COLORS, KINDS, World

SHARES = {"square": 0.50, "wide": 0.40, "tall": 0.05, "long": 0.05}
"""How often a batch is of each size."""
MIX = 16
"""Shards that a batch is of."""
PLANS = 20_000
"""Neighbourhoods that are drawn beforehand, of each length of clips."""
SHAKEN = 0.15
"""How much noise known frames are given at most: those of the pipeline are made, not painted."""


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


class Shelf(NamedTuple):
    """A shard of encoded clips, on the device."""

    latents: torch.Tensor
    """float16 `[N,T,C,h,w]`"""
    cells: torch.Tensor
    """uint8 `[N,T,h/2,w/2]`"""
    layouts: torch.Tensor
    """`[N,T,NUMBERS]`"""
    contexts: torch.Tensor
    """float16 `[N,WORDINGS,slots,D]`"""
    casts: torch.Tensor
    """Which pictures show each clip's subjects, `[N,SUBJECTS]`."""


class Latents:
    """All encoded clips of a folder, by size."""

    def __init__(
        self,
        folder: Path,
        embed: words.Embed,
        device: torch.device,
        *,
        draft: Draft | None = None,
        stills: int | None = None,
        dropped: float = 0.1,
    ) -> None:
        """`draft` draws the subjects' pictures, which are empty without one; of each clip all frames are taken, or
        `stills`, the first among them; `dropped` is the share of examples whose `guiding` tells nothing.
        """
        self.folder, self.device, self.stills, self.dropped = folder, device, stills, dropped
        self.silence = embed([""])[0].to(device)
        statistics = json.loads((folder / "statistics.json").read_text())
        self.mean = torch.tensor(statistics["mean"], device=device)[:, None, None]
        self.std = torch.tensor(statistics["std"], device=device)[:, None, None]
        self.draft, self.embed = draft and draft.to(device), embed
        self.pictures = torch.zeros(1, 4, SIDE, SIDE, dtype=torch.float16, device=device)
        """Of all subjects there are, each drawn once, since wording hardly changes them; the first is empty."""
        self._numbers: dict[Key, int] = {}
        self.shelves: dict[str, list[Shelf]] = {}
        self._known: set[str] = set()
        self._plans: dict[int, np.ndarray] = {}
        self.look()

    def look(self) -> None:
        """Take up what was encoded since."""
        for done in sorted(self.folder.glob("*.jsonl")):
            if done.stem in self._known:
                continue
            self._known.add(done.stem)
            parts = [np.load(done.with_suffix(f".{part}.npy")) for part in ("latents", "cells", "layouts")]
            frames = parts[0].shape[1]
            if self.stills:
                chosen = np.unique(np.linspace(0, frames - 1, self.stills).round().astype(int))
                parts = [part[:, chosen] for part in parts]
            worlds = [World.model_validate(json.loads(line)["world"]) for line in done.read_text("utf-8").splitlines()]
            self._draw({key for world in worlds for key in cast_keys(world)} - self._numbers.keys())
            casts = np.zeros((len(worlds), SUBJECTS), np.int64)
            for row, world in enumerate(worlds):
                for place, key in enumerate(cast_keys(world)):
                    casts[row, place] = self._numbers.get(key, 0)
            shelf = (*parts, np.load(done.with_suffix(".contexts.npy")), casts)
            kept = Shelf(*(torch.from_numpy(np.ascontiguousarray(part)).to(self.device) for part in shelf))
            self.shelves.setdefault(done.stem.split("-")[0], []).append(kept)

    def _draw(self, keys: set[Key]) -> None:
        """Draw these subjects, where there is a draft that can."""
        if self.draft is None:
            return
        fresh, rng = sorted(keys), np.random.default_rng(1)
        for start in range(0, len(fresh), 64):
            asked = fresh[start : start + 64]
            with torch.no_grad():
                told = self.draft.pictures(self.embed([describe(_shown(key), rng) for key in asked]).to(self.device))
            drawn = told[torch.arange(len(asked)), [place for place, *_ in asked]]
            self._numbers |= {key: len(self.pictures) + i for i, key in enumerate(asked)}
            self.pictures = torch.cat([self.pictures, drawn.half()])

    def batches(self, size: int, seed: int) -> Iterator[Batch]:
        """Endless batches; of larger pictures there are fewer in one, so that all batches take about as long."""
        rng = np.random.default_rng([seed, 5])
        for turn in range(10**9):
            if turn % 200 == 199:
                self.look()
            names = [name for name in SHARES if name in self.shelves]
            odds = np.array([SHARES[name] for name in names])
            name = str(rng.choice(names, p=odds / odds.sum()))
            bucket, shelves = BUCKETS[name], self.shelves[name]
            count = max(1, size * 128**2 // (bucket.width * bucket.height))
            chosen = [shelves[i] for i in rng.integers(len(shelves), size=min(MIX, count))]
            shares = np.diff(np.linspace(0, count, len(chosen) + 1).round().astype(int))
            picks = [rng.integers(len(shelf.latents), size=share) for shelf, share in zip(chosen, shares, strict=True)]
            yield self._batch(Taken(chosen, picks, self.device), count, rng)

    def _batch(self, taken: Taken, count: int, rng: np.random.Generator) -> Batch:
        contexts = taken.of("contexts", rng.integers(taken.shelves[0].contexts.shape[1], size=count)).float()
        silent = torch.from_numpy(rng.random(count) < self.dropped).to(self.device)[:, None, None]
        words = (contexts, torch.where(silent, self.silence, contexts))
        pictures = self.pictures[taken.of("casts")].float()
        frames = taken.shelves[0].latents.shape[1]
        if self.stills:
            # Every frame is a still to a network that is told where everything is; the first are those asked for.
            at = np.where(rng.random(count) < 0.5, 0, rng.integers(frames, size=count))
            return Batch(self._seen(taken, at), self._cells(taken, at), *words, taken.of("layouts", at), pictures)
        plans = self._planned(frames)
        at = plans[rng.integers(len(plans), size=count)]  # [N,3]
        seen = [self._seen(taken, at[:, side]) for side in range(3)]
        cells = torch.stack([self._cells(taken, at[:, side]) for side in range(3)]).amax(0)
        times = torch.tensor(np.where(at < 0, np.nan, at / (frames - 1)), dtype=torch.float32, device=self.device)
        known = []
        for side in (0, 2):
            shaken = SHAKEN * torch.rand(count, 1, 1, 1, device=self.device) * torch.randn_like(seen[side])
            there = torch.from_numpy(at[:, side] >= 0).float().to(self.device)
            known.append(Known(seen[side] + shaken, taken.of("layouts", at[:, side]), there))
        layout = taken.of("layouts", at[:, 1])
        return Batch(seen[1], cells, *words, layout, pictures, Around(known[0], known[1], times))

    def _planned(self, frames: int) -> np.ndarray:
        if frames not in self._plans:
            rng = np.random.default_rng([frames, 6])
            self._plans[frames] = np.array([neighbourhood(rng, frames) for _ in range(PLANS)])
        return self._plans[frames]

    def _seen(self, taken: Taken, frames: np.ndarray) -> torch.Tensor:
        return (taken.of("latents", frames).float() - self.mean) / self.std

    def _cells(self, taken: Taken, frames: np.ndarray) -> torch.Tensor:
        """Of a frame -1, which is not there, those of the clip's last do no harm."""
        return F.interpolate(taken.of("cells", frames)[:, None].float() / 255, scale_factor=2)[:, 0]


class Taken(NamedTuple):
    """The clips of a batch: some from each of several shards."""

    shelves: list[Shelf]
    picks: list[np.ndarray]
    device: torch.device

    def of(self, part: str, second: np.ndarray | None = None) -> torch.Tensor:
        """A part of all of them, at an index of its second axis each where one is given."""
        found, start = [], 0
        for shelf, picks in zip(self.shelves, self.picks, strict=True):
            values, rows = getattr(shelf, part), torch.from_numpy(picks).to(self.device)
            if second is None:
                found.append(values[rows])
            else:
                found.append(values[rows, torch.from_numpy(second[start : start + len(picks)]).to(self.device)])
            start += len(picks)
        return torch.cat(found)


FIRST = (KINDS[0], COLORS[0])
Key = tuple[int, str, str, str]
"""Place among the words' subjects, look, kind, colour."""


def cast_keys(world: World) -> list[Key]:
    """What tells the picture of each subject, in the order of the words' slots."""
    cast = [world.subjects[one] for one in words.in_order(world)]
    return [(place, world.look, one.kind, one.color) for place, one in enumerate(cast)]


def _shown(key: Key) -> World:
    """A world in which this subject has this place: beside the one that comes first of all, any other is second."""
    place, look, *who = key
    cast = [dict(zip(("kind", "color"), one, strict=True)) for one in (*[FIRST] * place, who)]
    return World.model_validate({"subjects": cast, "look": look})


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
