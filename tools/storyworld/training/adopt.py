"""Starts a run from the weights that ship, so that training goes on where it ended, on another machine too.

    python -m kinograph.tools.storyworld.training.adopt --run runs

Writes the checkpoints of all parts and the latents' statistics; optimizers start afresh. Then
paint clips, encode them, and train on. The text encoder comes without its classifiers: it is used, not trained on.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from torch import nn

from kinograph.errors import BadInput
from kinograph.tools.storyworld.pipeline import StoryworldPipeline
from kinograph.tools.storyworld.training import words
from kinograph.tools.storyworld.training.export import VIDEO


def adopt(network: nn.Module, part: str, folder: Path, weights: Path) -> None:
    """The checkpoint of one part, with the counts that its training had reached."""
    reached = json.loads((weights / "training" / f"{part}.run.json").read_text())
    state = network.state_dict()
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(reached, indent=1) + "\n")
    counts = {"step": reached["step"], "seen": reached["examples"], "seconds": 3600 * reached["hours"]}
    torch.save({"model": state, "average": state} | counts, folder / "state.pt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="a new folder")
    parser.add_argument("--weights", type=Path, default=VIDEO, help="folder of the video model")
    args = parser.parse_args()
    if args.run.exists() and any(args.run.iterdir()):
        raise BadInput(f"folder {str(args.run)!r} is not empty; name a new one")
    pipeline = StoryworldPipeline.from_pretrained(args.weights, dtype=torch.float32, local_files_only=True)
    encoder = words.Slots(words.build(len(pipeline.tokenizer)))
    encoder.encoder.load_state_dict(pipeline.text_encoder.state_dict())
    adopt(encoder, "words", args.run / "words", args.weights)
    adopt(pipeline.vae, "autoencoder", args.run / "autoencoder", args.weights)
    adopt(pipeline.layout, "layout", args.run / "layout", args.weights)
    adopt(pipeline.locator, "locator", args.run / "locator", args.weights)
    adopt(pipeline.draft, "draft", args.run / "draft", args.weights)
    adopt(pipeline.image_unet, "image", args.run / "image", args.weights)
    adopt(pipeline.video_unet, "video", args.run / "video", args.weights)
    statistics = {"mean": pipeline.config.latents_mean, "std": pipeline.config.latents_std}
    (args.run / "latents").mkdir()
    (args.run / "latents" / "statistics.json").write_text(json.dumps(statistics))


if __name__ == "__main__":
    main()
