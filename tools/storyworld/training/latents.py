"""Encodes all painted clips once with the trained autoencoder.

    python -m kinograph.tools.storyworld.training.latents --data runs/clips --run runs

Clips that are encoded are kept; shards that appeared since are added.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from kinograph.tools.storyworld.training import autoencoder
from kinograph.tools.storyworld.training.clips import shards
from kinograph.tools.storyworld.training.loop import trained


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of painted shards")
    parser.add_argument("--run", type=Path, required=True, help="folder with autoencoder/; latents/ is made beside it")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--part", default="0/1", help="i/n: only every n-th shard, so that n processes share the work")
    args = parser.parse_args()
    out = args.run / "latents"
    out.mkdir(parents=True, exist_ok=True)
    part, parts = map(int, args.part.split("/"))
    model = load_autoencoder(args.run / "autoencoder").to(args.device)
    known = list(shards(args.data))
    statistics = out / "statistics.json"
    if not statistics.exists() and part == 0:
        sample = torch.cat([encode(model, np.array(shard.frames[::5, 8])) for shard in known[:24]])
        mean, std = sample.mean((0, 2, 3)), autoencoder.spread(sample)
        statistics.write_text(json.dumps({"mean": mean.tolist(), "std": std.tolist()}))
    for index, shard in enumerate(known):
        name = shard.stem.name
        if index % parts != part or (out / f"{name}.jsonl").exists():
            continue
        frames = shard.frames
        size = len(frames), frames.shape[1]
        latents = torch.cat([encode(model, np.array(clip)) for clip in frames]).unflatten(0, size)
        np.save(out / f"{name}.latents.npy", latents.numpy().astype(np.float16))
        shutil.copy(f"{shard.stem}.cells.npy", out / f"{name}.cells.npy")
        shutil.copy(f"{shard.stem}.jsonl", out / f"{name}.jsonl")
        print(f"{name} ({index + 1} of {len(known)})", flush=True)


if __name__ == "__main__":
    main()
