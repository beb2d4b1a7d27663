"""Trains the prior of first frames: words to the mean of what they may mean, by least squares.

python -m kinograph.tools.storyworld.training.prior --run runs --out runs/prior --minutes 8
"""

from __future__ import annotations

from pathlib import Path

import torch

from kinograph.tools.storyworld.prior import Prior
from kinograph.tools.storyworld.training import words
from kinograph.tools.storyworld.training.loop import Training, arguments
from kinograph.tools.storyworld.training.words import SLOTS

SUBJECT = 8.0
"""How much heavier the loss is where a subject covers a cell."""


def build() -> Prior:
    return Prior(words=len(SLOTS) * words.WIDTH)


def load_prior(folder: Path) -> Prior:
    """The averaged weights of a training run, frozen."""
    prior = build()
    prior.load_state_dict(torch.load(folder / "state.pt", map_location="cpu", weights_only=True)["average"])
    return prior.eval().requires_grad_(False)


def main() -> None:
    from kinograph.tools.storyworld.training.unets import Batch, Latents, embedding

    parser = arguments(__doc__ or "", minutes=8)
    parser.add_argument("--run", type=Path, required=True, help="folder with latents/ and words/")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    embed = embedding(args.run / "words", device)
    prior = build().to(device)
    optimizer = torch.optim.AdamW(prior.parameters(), args.rate or 2e-3, weight_decay=1e-3)
    training = Training(prior, [optimizer], args, decay=0.99, cooldown=0.5)
    data = Latents(args.run / "latents", 1, embed, wordings=1)

    def loss(batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        clean = batch.latents[:, 0].to(device)
        made = prior(batch.context.to(device), *clean.shape[-2:])
        weight = 1 + SUBJECT * batch.cells[:, 0].to(device)
        error = (made - clean).square().mean(1)
        value = (error * weight).sum() / weight.sum()
        return value, {"error": float(error.mean().detach())}

    training.run(data.batches(args.batch, args.seed + training.step), loss)


if __name__ == "__main__":
    main()
