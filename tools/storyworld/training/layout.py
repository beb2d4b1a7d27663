"""Trains the layout model: words to where everything is in every frame of a clip.

python -m kinograph.tools.storyworld.training.layout --run runs --out runs/layout --minutes 15

Layouts are the truth about worlds of the training split, which is known without painting them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from kinograph.tools.storyworld.grammar import describe
from kinograph.tools.storyworld.layout import CAMERA, FRAMES, NUMBERS, POSE, REACH, REST, SUBJECTS, ZOOM, Layout
from kinograph.tools.storyworld.motion import view_of
from kinograph.tools.storyworld.staging import stage
from kinograph.tools.storyworld.training import words
from kinograph.tools.storyworld.training.clips import BUCKETS, FPS, draw
from kinograph.tools.storyworld.training.loop import Training, arguments
from kinograph.tools.storyworld.world import World

FORMS = (("square", 0.5), ("wide", 0.4), ("tall", 0.1))
FRESH = 1 << 28
"""Index from which worlds are drawn: none of them was painted."""


def layout_of(world: World, frames: int, width: int, height: int, seed: int) -> np.ndarray:
    """The truth about a clip, float32 `[frames,NUMBERS]`; zeros for subjects that are not there.

    Subjects are in the order of the words' slots.
    """
    short = min(width, height)
    wide, high = width / short, height / short
    camera = view_of(world.camera, frames)
    told = np.zeros((frames, NUMBERS), np.float32)
    staged = stage(world, frames, frames / FPS, wide, high, seed)
    for index, poses in enumerate(staged[one] for one in words.in_order(world)):
        x = ((poses.x - wide / 2 - camera.x * wide) * camera.zoom + wide / 2) / wide
        y = ((poses.y - high / 2 - camera.y * high) * camera.zoom + high / 2) / high
        turn = np.radians(poses.angle)
        told[:, index * POSE : (index + 1) * POSE] = np.stack(
            [
                2 * x - 1,
                2 * y - 1,
                np.log(poses.wide * camera.zoom / REST),
                np.log(poses.high * camera.zoom / REST),
                np.sin(turn),
                np.cos(turn),
                np.full(frames, -1.0 if poses.mirrored else 1.0),
            ],
            1,
        )
    told[:, SUBJECTS * POSE :] = np.stack([camera.x / REACH, camera.y / REACH, np.log(camera.zoom) / ZOOM], 1)
    return told


class Batch(NamedTuple):
    """Clips of any form."""

    layouts: torch.Tensor
    """`[N,FRAMES,NUMBERS]`."""
    present: torch.Tensor
    """Which subjects there are, `[N,SUBJECTS]`."""
    context: torch.Tensor
    form: torch.Tensor
    """Logarithm of width over height, `[N]`."""
    known: torch.Tensor
    """Poses as keyframes would show them, `[N,FRAMES,SUBJECTS*POSE]`."""
    there: torch.Tensor
    """Which of them are told, `[N,FRAMES,SUBJECTS]`."""


class Worlds:
    """A pool of worlds with captions, embedded once, each staged with several seeds."""

    def __init__(self, embed: words.Embed, count: int, seeds: int = 4) -> None:
        rng = np.random.default_rng(71)
        names, odds = zip(*FORMS, strict=True)
        captions, staged, present, forms = [], [], [], []
        for index in range(count):
            world, _ = draw(FRESH + index)
            bucket = BUCKETS[str(rng.choice(names, p=odds))]
            captions.append(describe(world, rng))
            staged.append(
                np.stack(
                    [
                        layout_of(world, FRAMES, bucket.width, bucket.height, int(rng.integers(2**31)))
                        for _ in range(seeds)
                    ]
                )
            )
            present.append([n < len(world.subjects) for n in range(SUBJECTS)])
            forms.append(np.log(bucket.width / bucket.height))
        self.context = torch.cat([embed(captions[i : i + 256]).half().cpu() for i in range(0, count, 256)])
        self.layouts = torch.from_numpy(np.stack(staged))
        self.present = torch.tensor(present, dtype=torch.float32)
        self.forms = torch.tensor(forms, dtype=torch.float32)

    def batches(self, size: int, seed: int) -> Iterator[Batch]:
        """Endless batches. In half of the examples one pose is known: the first, the last or any."""
        rng = np.random.default_rng([seed, 8])
        while True:
            picks = torch.from_numpy(rng.integers(len(self.layouts), size=size))
            layouts = self.layouts[picks, torch.from_numpy(rng.integers(self.layouts.shape[1], size=size))]
            frame = np.where(rng.random(size) < 0.7, 0, rng.integers(FRAMES, size=size))
            there = torch.zeros(size, FRAMES, SUBJECTS)
            there[torch.arange(size), torch.from_numpy(frame)] = torch.from_numpy(
                (rng.random(size) < 0.5)[:, None] & (rng.random((size, SUBJECTS)) < 0.9)
            ).float()
            there *= self.present[picks][:, None]
            seen = layouts[..., : SUBJECTS * POSE]
            known = seen + 0.02 * torch.from_numpy(rng.standard_normal(seen.shape, np.float32))
            yield Batch(layouts, self.present[picks], self.context[picks].float(), self.forms[picks], known, there)


def build() -> Layout:
    return Layout(words=len(words.SLOTS) * words.WIDTH)


def main() -> None:
    parser = arguments(__doc__ or "", minutes=15)
    parser.add_argument("--run", type=Path, required=True, help="folder with words/")
    parser.add_argument("--worlds", type=int, default=30_000, help="worlds in the pool")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    pool = Worlds(words.embedding(args.run / "words", device), args.worlds)
    print(f"{args.worlds} worlds staged", flush=True)
    model = build().to(device)
    numbers = pool.layouts.flatten(0, 1)
    mean, std = numbers.mean(0), numbers.std(0).clamp(min=0.1)
    with torch.no_grad():
        model.mean.copy_(mean.flatten())
        model.std.copy_(std.flatten())
    optimizer = torch.optim.AdamW(model.parameters(), args.rate or 1e-3, betas=(0.9, 0.99), weight_decay=0.01)
    training = Training(model, [optimizer], args, decay=0.999, cooldown=0.4)

    def loss(batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        layouts, present, context, form, known, there = (part.to(device) for part in batch)
        clean = model.normalised(layouts)
        sigma = torch.rand(len(clean), device=device).clamp(0.002, 0.999)
        noised = torch.lerp(clean, torch.randn_like(clean), sigma[:, None])
        made = model(noised, sigma, context, form, known, there)
        weight = torch.cat([present.repeat_interleave(POSE, 1), torch.ones(len(clean), CAMERA, device=device)], 1)
        weight = weight.repeat(1, FRAMES)
        each = ((made - clean).square() * weight).sum(1) / weight.sum(1)
        value = (each / sigma.clamp(min=0.2).square()).mean()
        return value, {"error": float(each.mean().detach())}

    training.run(pool.batches(args.batch, args.seed + training.step), loss)


if __name__ == "__main__":
    main()
