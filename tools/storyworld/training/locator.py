"""Trains the locator: where the subjects that words name are in a picture.

python -m kinograph.tools.storyworld.training.locator --run runs --out runs/locator --minutes 12

A third of the examples are told words of another picture, and learn whether what those name is there.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch.nn import functional as F

from kinograph.tools.storyworld.draft import NOUNS
from kinograph.tools.storyworld.layout import POSE, SUBJECTS
from kinograph.tools.storyworld.locator import Locator
from kinograph.tools.storyworld.training import words
from kinograph.tools.storyworld.training.autoencoder import LATENTS
from kinograph.tools.storyworld.training.dataset import Batch, Latents
from kinograph.tools.storyworld.training.loop import Training, arguments


def build() -> Locator:
    return Locator(words=words.WIDTH, channels=LATENTS)


def main() -> None:
    parser = arguments(__doc__ or "", minutes=12)
    parser.add_argument("--run", type=Path, required=True, help="folder with latents/ and words/")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    data = Latents(args.run / "latents", words.embedding(args.run / "words", device), device)
    model = build().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), args.rate or 2e-3, betas=(0.9, 0.99), weight_decay=1e-3)
    training = Training(model, [optimizer], args, decay=0.998, cooldown=0.5)

    def loss(batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        latents, context, layout = batch.latents, batch.context, batch.layout
        poses = layout[:, : SUBJECTS * POSE].unflatten(1, (SUBJECTS, POSE))
        there = (poses != 0).any(2)
        count = len(latents) // 3
        told = context.clone()
        told[:count] = context[:count].roll(1, 0)
        seen = model(latents, told)
        same = torch.ones(len(latents), dtype=torch.bool, device=device)
        same[:count] = False
        right = (there & same[:, None]).float()
        # Words of another picture may happen to name what is in this one: those are left out.
        alike = torch.stack(
            [
                F.cosine_similarity(told[:, slot], context[:, slot]) > 0.9
                for first in NOUNS
                for slot in (first, first + 1)
            ],
            1,
        )
        clear = torch.stack([~(alike[:, 0] & alike[:, 1]), ~(alike[:, 2] & alike[:, 3])], 1) | same[:, None]
        error = (seen.poses.unflatten(1, (SUBJECTS, POSE)) - poses).abs()
        error = (error * torch.tensor([4.0, 4, 2, 2, 0.5, 0.5, 0.3], device=device)).mean(2)
        placed = (error * right).sum() / right.sum().clamp(min=1)
        sure = F.binary_cross_entropy_with_logits(seen.there, right, reduction="none")
        sure = (sure * clear).sum() / clear.sum()
        off = (seen.poses.unflatten(1, (SUBJECTS, POSE)) - poses).abs()[..., :2].mean(2)
        return placed + 0.2 * sure, {
            "off": float(((off * right).sum() / right.sum().clamp(min=1)).detach()),
            "sure": float(sure.detach()),
        }

    training.run(data.batches(args.batch, args.seed + training.step), loss)


if __name__ == "__main__":
    main()
