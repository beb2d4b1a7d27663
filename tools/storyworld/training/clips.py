"""Training clips: worlds of the training split, painted once and kept as raw frames in shards.

    python -m kinograph.tools.storyworld.training.clips --out runs/clips --share 1.0

A composition is a kind, a colour and a setting; one in twenty is held out and never painted for training.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kinograph.tools.storyworld.painter import Truth, paint
from kinograph.tools.storyworld.world import CAMERAS, COLORS, KINDS, LOOKS, MOTIONS, SETTINGS, TIMES, World

FPS = 8
CELL = 16
"""Pixels a side of what one latent covers."""
SHARD = 250
"""Clips a file."""
FAMILY = 4
"""Neighbouring clips that share place, light, look and seed, whose scenery is painted once."""


class Bucket(NamedTuple):
    """Clips of one size."""

    name: str
    frames: int
    width: int
    height: int
    count: int
    """Clips in a full training set."""


BUCKETS = {
    bucket.name: bucket
    for bucket in (
        Bucket("square", 17, 128, 128, 20000),
        Bucket("wide", 17, 224, 128, 9000),
        Bucket("tall", 17, 128, 224, 2000),
        Bucket("long", 33, 128, 128, 1500),
    )
}


class Example(NamedTuple):
    """A world to be painted, and with which seed."""

    world: World
    seed: int


def held_out(kind: str, color: str, setting: str) -> bool:
    """Whether this composition is kept from training: a fixed twentieth of all, the same on every machine."""
    return (
        int.from_bytes(hashlib.blake2b(f"{kind} {color} {setting}".encode(), digest_size=4).digest(), "big") % 20 == 0
    )


def draw(index: int, split: str = "train", subjects: int | None = None) -> Example:
    """The world of one index of a split. In "train" no subject is of a held-out composition, in "held" all are.

    67 % have one subject, 30 % two, 3 % none, unless `subjects` says how many. Attributes are uniform; the camera
    rests in 30 %.
    """
    shared = np.random.default_rng([{"train": 1, "held": 2, "check": 3}[split], index // FAMILY])
    setting, time, look = (str(shared.choice(options)) for options in (SETTINGS, TIMES, LOOKS))
    seed = int(shared.integers(2**31))
    rng = np.random.default_rng([{"train": 1, "held": 2, "check": 3}[split], index // FAMILY, index % FAMILY])
    lot = rng.random()
    count = subjects if subjects is not None else 0 if lot < 0.03 else 2 if lot < 0.33 else 1
    cast: dict[tuple[str, str], str] = {}
    while len(cast) < count:
        kind, color = str(rng.choice(KINDS)), str(rng.choice(COLORS))
        if held_out(kind, color, setting) == (split == "held"):
            cast[kind, color] = str(rng.choice(MOTIONS))
        elif split == "held" and not any(held_out(k, c, setting) for k in KINDS for c in COLORS):
            raise ValueError(f"no composition of {setting} is held out")
    world = World.model_validate(
        {
            "subjects": [{"kind": k, "color": c, "motion": m} for (k, c), m in cast.items()],
            "setting": setting,
            "time": time,
            "camera": "static" if rng.random() < 0.3 else str(rng.choice(CAMERAS[1:])),
            "look": look,
        }
    )
    return Example(world, seed)


def subject_cells(truth: Truth, width: int, height: int) -> np.ndarray:
    """How much of each cell the subjects' boxes cover, `[T, height/CELL, width/CELL]` uint8, 255 is all."""
    rows, columns = height // CELL, width // CELL
    cover = np.zeros((len(truth.moments), rows, columns), np.float32)
    for t, moment in enumerate(truth.moments):
        for seen in moment.subjects:
            left, top, right, bottom = seen.box
            across = np.clip(
                np.minimum(np.arange(columns) + 1, right * columns) - np.maximum(np.arange(columns), left * columns),
                0,
                1,
            )
            down = np.clip(
                np.minimum(np.arange(rows) + 1, bottom * rows) - np.maximum(np.arange(rows), top * rows), 0, 1
            )
            cover[t] = np.maximum(cover[t], down[:, None] * across[None])
    return (cover * 255).round().astype(np.uint8)


def paint_shard(bucket: Bucket, number: int, folder: Path) -> None:
    """Paint the clips of one shard and write frames, cells and worlds; the worlds' file comes last."""
    first = list(BUCKETS).index(bucket.name) * 10_000_000 + number * SHARD
    frames = np.empty((SHARD, bucket.frames, bucket.height, bucket.width, 3), np.uint8)
    cells = np.empty((SHARD, bucket.frames, bucket.height // CELL, bucket.width // CELL), np.uint8)
    lines = []
    for i in range(SHARD):
        world, seed = draw(first + i)
        painting = paint(world, frames=bucket.frames, width=bucket.width, height=bucket.height, fps=FPS, seed=seed)
        frames[i], cells[i] = painting.frames, subject_cells(painting.truth, bucket.width, bucket.height)
        lines.append(json.dumps({"world": world.model_dump(mode="json"), "seed": seed}))
    stem = f"{bucket.name}-{number:04d}"
    np.save(folder / f"{stem}.frames.npy", frames)
    np.save(folder / f"{stem}.cells.npy", cells)
    done = folder / f"{stem}.jsonl.part"
    done.write_text("\n".join(lines) + "\n", "utf-8")
    done.replace(folder / f"{stem}.jsonl")


class Shard(NamedTuple):
    """A painted shard on disk."""

    bucket: Bucket
    stem: Path

    @property
    def frames(self) -> np.ndarray:
        """uint8 RGB `[N,T,H,W,3]`, mapped from the file."""
        return np.load(f"{self.stem}.frames.npy", mmap_mode="r")

    @property
    def cells(self) -> np.ndarray:
        return np.load(f"{self.stem}.cells.npy")

    @property
    def worlds(self) -> list[World]:
        lines = Path(f"{self.stem}.jsonl").read_text("utf-8").splitlines()
        return [World.model_validate(json.loads(line)["world"]) for line in lines]

    def delete(self) -> None:
        """Whoever has opened its frames keeps them."""
        for end in ("jsonl", "frames.npy", "cells.npy"):
            Path(f"{self.stem}.{end}").unlink()


def shards(folder: Path) -> Iterator[Shard]:
    """All finished shards of a folder."""
    for done in sorted(folder.glob("*.jsonl")):
        yield Shard(BUCKETS[done.stem.split("-")[0]], done.with_suffix(""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the shards; what is there is kept")
    parser.add_argument("--share", type=float, default=1.0, help="share of the full set (32,500 clips, 36 GB) to paint")
    parser.add_argument("--part", default="0/1", help="i/n: only every n-th shard, so that n processes share the work")
    parser.add_argument("--minutes", type=float, help="begin no shard after this time")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    part, parts = map(int, args.part.split("/"))
    started = time.monotonic()
    jobs = [
        ((number + 0.5) / (bucket.count * args.share / SHARD), bucket, number)
        for bucket in BUCKETS.values()
        for number in range(max(1, round(bucket.count * args.share / SHARD)))
    ]
    for done, (_, bucket, number) in enumerate(sorted(jobs)):  # all sizes grow at the same pace
        if args.minutes is not None and time.monotonic() - started > 60 * args.minutes:
            return
        if done % parts == part and not (args.out / f"{bucket.name}-{number:04d}.jsonl").exists():
            paint_shard(bucket, number, args.out)
            print(f"{done + 1} of {len(jobs)} shards", flush=True)


if __name__ == "__main__":
    main()
