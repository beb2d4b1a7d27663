"""Puts the trained parts together as diffusers and transformers folders with checksums and a model card.

    python -m kinograph.tools.storyworld.training.export --run runs

Weights are stored in float16, most with SPARED bits fewer. `--only` exports the video model or the embedder alone.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from torch import nn

from kinograph import disk
from kinograph.tools.storyworld.pipeline import StoryworldPipeline
from kinograph.tools.storyworld.training import draft, embedder, layout, locator, unets, words
from kinograph.tools.storyworld.training.latents import load_autoencoder
from kinograph.tools.storyworld.training.loop import trained

REPOSITORY = Path(__file__).parents[3]
VIDEO = REPOSITORY / "tools" / "storyworld" / "model"
EMBEDDER = REPOSITORY / "memory" / "storyworld_clip"
SPARED = 3
"""Bits of each float16 that are rounded away, all but the autoencoder's, which renders what it is given: as precise as
bfloat16 then, and a third smaller where git keeps every version compressed."""
ASIDE = ("README.md", "training")
"""What tells of the weights and may change without them."""


def assemble(run: Path) -> StoryworldPipeline:
    """The pipeline of a run's averaged weights, float32."""
    text_encoder, tokenizer = words.load(run / "words")
    statistics = json.loads((run / "latents" / "statistics.json").read_text())
    decoder = run / "decoder"
    return StoryworldPipeline(
        vae=load_autoencoder(decoder if (decoder / "state.pt").exists() else run / "autoencoder"),
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        image_unet=load_unet(run, "image"),
        video_unet=load_unet(run, "video"),
        layout=trained(layout.build(), run / "layout"),
        locator=trained(locator.build(), run / "locator"),
        draft=trained(draft.build(), run / "draft"),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=unets.SHIFT),
        latents_mean=statistics["mean"],
        latents_std=statistics["std"],
        slots=len(words.SLOTS),
        image_shift=unets.SHIFT,
    )


def load_unet(run: Path, part: str) -> unets.UNet2DConditionModel:
    """The averaged weights of one UNet's training."""
    widths = json.loads((run / part / "run.json").read_text())["settings"].get("widths", "None")
    return trained(unets.build(part, None if widths == "None" else tuple(json.loads(widths))), run / part)


@torch.no_grad()
def rounded(network: nn.Module) -> nn.Module:
    """The network in float16 with SPARED bits fewer."""
    for weights in network.half().state_dict().values():
        if weights.dtype == torch.float16:
            bits = weights.view(torch.int16)
            bits.copy_((bits + (1 << SPARED >> 1)) & -(1 << SPARED))
    return network


def record(run: Path, parts: tuple[str, ...], folder: Path) -> None:
    """Keeps settings, commit and loss curve of each part's training beside the weights."""
    kept = folder / "training"
    kept.mkdir(exist_ok=True)
    for part in parts:
        for file in ("run.json", "curve.jsonl"):
            if (run / part / file).exists():
                shutil.copy(run / part / file, kept / f"{part}.{file}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder with the runs of all parts")
    parser.add_argument("--only", choices=("video", "embedder"), help="export one of the two")
    parser.add_argument("--out", type=Path, help="folder of the video model, instead of the one in the package")
    args = parser.parse_args()
    if args.only != "embedder":
        out = args.out or VIDEO
        pipeline = assemble(args.run)
        for name, part in pipeline.components.items():
            if isinstance(part, nn.Module) and name != "vae":
                rounded(part)
        pipeline.to(torch.float16).save_pretrained(out)
        record(args.run, ("words", "autoencoder", "decoder", "layout", "locator", "draft", "image", "video"), out)
        disk.seal(out, ASIDE)
        print(f"{out}: {sum(f.stat().st_size for f in out.rglob('*.safetensors')) / 2**20:.1f} MiB of weights")
    if args.only != "video":
        tokenizer = embedder.build_tokenizer()
        model = embedder.Taught(embedder.build(tokenizer))
        state = torch.load(args.run / "embedder" / "state.pt", map_location="cpu", weights_only=True)
        model.load_state_dict(state["average"])
        rounded(model.clip.eval()).save_pretrained(EMBEDDER)
        tokenizer.save_pretrained(EMBEDDER)
        record(args.run, ("embedder",), EMBEDDER)
        disk.seal(EMBEDDER, ASIDE)
        print(f"{EMBEDDER}: {sum(f.stat().st_size for f in EMBEDDER.glob('*.safetensors')) / 2**20:.1f} MiB of weights")


if __name__ == "__main__":
    main()
