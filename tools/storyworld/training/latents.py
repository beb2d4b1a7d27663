"""Encodes all painted clips once with the trained autoencoder.

    python -m kinograph.tools.storyworld.training.latents --data runs/clips --run runs

Clips that are encoded are kept; shards that appeared since are added.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from kinograph import disk
from kinograph.tools.storyworld.grammar import describe
from kinograph.tools.storyworld.training import autoencoder, words
from kinograph.tools.storyworld.training.clips import Shard, shards
from kinograph.tools.storyworld.training.layout import layout_of
from kinograph.tools.storyworld.training.loop import trained

WORDINGS = 3
"""Captions of each clip."""


def load_autoencoder(folder: Path) -> autoencoder.AutoencoderDC:
    """The averaged weights of a training run."""
    return trained(autoencoder.build(), folder).to(memory_format=torch.channels_last)


@torch.no_grad()
def encode(model: autoencoder.AutoencoderDC, frames: np.ndarray) -> torch.Tensor:
    """Frames uint8 `[N,H,W,3]` -> latents as they come, float32 `[N,C,h,w]`."""
    device = next(model.parameters()).device
    pictures = torch.from_numpy(frames).to(device).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
    folded = F.pixel_unshuffle(pictures, autoencoder.PATCH).contiguous(memory_format=torch.channels_last)
    return model.encode(folded, return_dict=False)[0].cpu()


def encode_shard(shard: Shard, model: autoencoder.AutoencoderDC, embed: words.Embed, out: Path) -> None:
    """Write what networks are trained on: latents, where subjects are, layouts, captions; the worlds' file last."""
    frames, worlds, size = shard.frames, shard.worlds, shard.bucket
    shape = len(frames), frames.shape[1]
    lines = Path(f"{shard.stem}.jsonl").read_text("utf-8")
    seeds = [json.loads(line)["seed"] for line in lines.splitlines()]
    number = int(shard.stem.name.split("-")[1])
    told = [
        describe(world, np.random.default_rng([number, i, 6]))
        for i, world in enumerate(world for world in worlds for _ in range(WORDINGS))
    ]
    parts = {
        "latents": torch.cat([encode(model, np.array(clip)) for clip in frames]).unflatten(0, shape).half().numpy(),
        "cells": shard.cells,
        "layouts": np.stack(
            [layout_of(w, size.frames, size.width, size.height, s) for w, s in zip(worlds, seeds, strict=True)]
        ),
        "contexts": torch.cat([embed(told[i : i + 250]).half().cpu() for i in range(0, len(told), 250)])
        .unflatten(0, (len(worlds), WORDINGS))
        .numpy(),
    }
    for part, values in parts.items():
        np.save(out / f"{shard.stem.name}.{part}.npy", values)
    done = out / f"{shard.stem.name}.jsonl.part"
    done.write_text(lines, "utf-8")
    done.replace(out / f"{shard.stem.name}.jsonl")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of painted shards")
    parser.add_argument(
        "--run", type=Path, required=True, help="folder with autoencoder/ and words/; latents/ is made beside them"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--part", default="0/1", help="i/n: only every n-th shard, so that n processes share the work")
    parser.add_argument("--follow", type=float, default=0, help="minutes for which shards that appear are encoded too")
    parser.add_argument("--keep", type=int, help="of each size, delete all but this many painted shards when encoded")
    args = parser.parse_args()
    out, ends = args.run / "latents", time.monotonic() + 60 * args.follow
    out.mkdir(parents=True, exist_ok=True)
    part, parts = map(int, args.part.split("/"))
    model = load_autoencoder(args.run / "autoencoder").to(args.device)
    embed = words.embedding(args.run / "words", torch.device(args.device))
    while True:
        known = list(shards(args.data))
        statistics = out / "statistics.json"
        if not statistics.exists() and part == 0 and known:
            coded = [encode(model, np.array(shard.frames[::5, 8])) for shard in known[:24]]
            sample = torch.cat([one.transpose(0, 1).flatten(1) for one in coded], 1)[None, :, None]  # [1,C,1,all]
            mean, std = sample.mean((0, 2, 3)), autoencoder.spread(sample)
            disk.write(statistics, json.dumps({"mean": mean.tolist(), "std": std.tolist()}))
        for shard in known:
            name = shard.stem.name
            number = int(name.split("-")[1])
            if number % parts != part or (out / f"{name}.jsonl").exists():
                continue
            encode_shard(shard, model, embed, out)
            print(f"{name} ({len(list(out.glob('*.jsonl')))} encoded)", flush=True)
            if args.keep is not None and number >= args.keep:
                shard.delete()
        if time.monotonic() >= ends:
            return
        time.sleep(1)


if __name__ == "__main__":
    main()
