"""Trains what drafts are made of: mean scenery by least squares, and subjects as fields of colour and cover.

python -m kinograph.tools.storyworld.training.draft --run runs --out runs/draft --minutes 20
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from kinograph.tools.storyworld.draft import BOX, Draft
from kinograph.tools.storyworld.grammar import describe
from kinograph.tools.storyworld.layout import SUBJECTS, view
from kinograph.tools.storyworld.shapes import PAD, RGB, sprite
from kinograph.tools.storyworld.training import words
from kinograph.tools.storyworld.training.autoencoder import LATENTS, PATCH
from kinograph.tools.storyworld.training.clips import draw
from kinograph.tools.storyworld.training.dataset import Latents
from kinograph.tools.storyworld.training.latents import load_autoencoder
from kinograph.tools.storyworld.training.layout import FRESH
from kinograph.tools.storyworld.training.loop import Training, arguments
from kinograph.tools.storyworld.world import World

POINTS = 320
"""Points of a subject in one example."""
SPRITE = 96
"""Pixels a side of the pictures that subjects are learned from."""


@cache
def _sprite(kind: str, color: str, look: str) -> torch.Tensor:
    """Premultiplied RGB in -1..1 times cover, and cover: `[4,SPRITE,SPRITE]`."""
    assert PAD == BOX, "fields and sprites cover the same box"
    rgba = torch.from_numpy(np.array(sprite(kind, RGB[color], look, SPRITE)))  # type: ignore[arg-type]
    cover = rgba[..., 3:]
    return torch.cat([rgba[..., :3] / 127.5 - cover, cover], -1).permute(2, 0, 1)


class Batch(NamedTuple):
    latents: torch.Tensor
    """First frames."""
    cells: torch.Tensor
    layout: torch.Tensor
    """Of the first frames, `[N,NUMBERS]`."""
    context: torch.Tensor
    """Their words."""
    told: torch.Tensor
    """Words of other worlds, whose subjects are drawn."""
    points: torch.Tensor
    """`[N,SUBJECTS,POINTS,2]`."""
    colors: torch.Tensor
    """What is there, `[N,SUBJECTS,POINTS,4]`."""


class Subjects:
    """Worlds with embedded captions, whose subjects are looked at point by point."""

    def __init__(self, embed: words.Embed, count: int) -> None:
        rng = np.random.default_rng(72)
        # Half of them are pairs, which are the hardest.
        self.worlds = [draw(FRESH * 2 + index, subjects=2 if index % 2 else None)[0] for index in range(count)]
        captions = [describe(world, rng) for world in self.worlds]
        self.context = torch.cat([embed(captions[i : i + 256]).half().cpu() for i in range(0, count, 256)])

    def batch(self, size: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        picks = rng.integers(len(self.worlds), size=size)
        points = torch.from_numpy(rng.uniform(-1, 1, (size, SUBJECTS, POINTS, 2)).astype(np.float32))
        pictures = torch.zeros(size, SUBJECTS, 4, SPRITE, SPRITE)
        for row, pick in enumerate(picks):
            world: World = self.worlds[pick]
            for index, subject in enumerate(world.subjects[one] for one in words.in_order(world)):
                pictures[row, index] = _sprite(subject.kind, subject.color, world.look)
        colors = F.grid_sample(pictures.flatten(0, 1), points.flatten(0, 1)[:, None], align_corners=False)
        colors = colors[:, :, 0].transpose(1, 2).unflatten(0, (size, SUBJECTS))
        return self.context[torch.from_numpy(picks)].float(), points, colors


def build() -> Draft:
    return Draft(words=words.WIDTH, channels=LATENTS)


def main() -> None:
    parser = arguments(__doc__ or "", minutes=20)
    parser.add_argument("--run", type=Path, required=True, help="folder with latents/, words/ and autoencoder/")
    parser.add_argument("--worlds", type=int, default=20_000, help="worlds whose subjects are learned from")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    embed = words.embedding(args.run / "words", device)
    model = build().to(device)
    coder = load_autoencoder(args.run / "autoencoder")
    statistics = json.loads((args.run / "latents" / "statistics.json").read_text())
    model.set_components(
        lambda pictures: coder.encode(F.pixel_unshuffle(pictures, PATCH), return_dict=False)[0],
        torch.tensor(statistics["mean"]),
        torch.tensor(statistics["std"]),
    )
    optimizer = torch.optim.AdamW(model.parameters(), args.rate or 2e-3, betas=(0.9, 0.99), weight_decay=1e-3)
    training = Training(model, [optimizer], args, decay=0.998, cooldown=0.5)
    data = Latents(args.run / "latents", embed, device, stills=5)
    subjects = Subjects(embed, args.worlds)

    def batches() -> Iterator[Batch]:
        rng = np.random.default_rng([args.seed + training.step, 9])
        for batch in data.batches(args.batch, args.seed + training.step):
            yield Batch(
                batch.latents, batch.cells, batch.layout, batch.context, *subjects.batch(len(batch.latents), rng)
            )

    def loss(batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        latents, cells, layout, context, told, points, colors = (part.to(device) for part in batch)
        ground = model.scenery(context, view(layout), *latents.shape[-2:])
        weight = (1 - cells).clamp(min=0.0) + 0.01
        error = (((ground - latents).square().mean(1)) * weight).sum() / weight.sum()
        drawn = torch.stack([model.field(points[:, n], told, n) for n in range(SUBJECTS)], 1)
        field = (drawn - colors).square().mean()
        return error + 20 * field, {"scenery": float(error.detach()), "field": float(field.detach())}

    training.run(batches(), loss)


if __name__ == "__main__":
    main()
