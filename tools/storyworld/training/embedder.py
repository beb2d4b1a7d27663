"""Trains the joint embedder: a frame and the caption that fits it get vectors that point the same way.

    python -m kinograph.tools.storyworld.training.embedder --data runs/clips --out runs/embedder --minutes 12

transformers' CLIPModel, small, with CLIP's contrastive loss (Radford et al. 2021). Captions say what one frame can
show: who, where, when and in which look; not what moves. Each batch shares few places, so that the subjects must be
told apart as well. Four in ten pictures are cut-outs of the subject, since the memory keeps both. Classifiers beside
the contrastive loss ask each picture and each caption for kind, colour, place, time and look: what sets two
pictures apart is learned much sooner so. They serve training only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPVisionConfig, PreTrainedTokenizerFast

from kinograph.tools.storyworld import vocabulary
from kinograph.tools.storyworld.training import words
from kinograph.tools.storyworld.training.clips import CELL, shards
from kinograph.tools.storyworld.training.loop import Training, arguments
from kinograph.tools.storyworld.world import COLORS, KINDS, LOOKS, SETTINGS, TIMES, World

NAMED = {"kind": KINDS, "color": COLORS, "setting": SETTINGS, "time": TIMES, "look": LOOKS}
"""What the classifiers ask for."""
UNTOLD = -100
"""Label of what a picture or caption does not tell."""
SIDE = 64
"""Pixels a side of what the embedder looks at."""
WIDTH = 160
SHARPNESS = 8.0
"""Length that the unit vectors are given before they are classified."""
LONGEST = 48


def build(tokenizer: PreTrainedTokenizerFast) -> CLIPModel:
    tower = {"hidden_size": WIDTH, "intermediate_size": 3 * WIDTH, "num_attention_heads": 5, "projection_dim": 128}
    text = CLIPTextConfig(
        vocab_size=len(tokenizer), max_position_embeddings=LONGEST, num_hidden_layers=3, bos_token_id=0,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, **tower,
    )  # fmt: skip
    vision = CLIPVisionConfig(image_size=SIDE, patch_size=8, num_hidden_layers=5, **tower)
    return CLIPModel(CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=128))


def build_tokenizer() -> PreTrainedTokenizerFast:
    """The words' tokenizer without slots."""
    from tokenizers import processors

    tokenizer = words.build_tokenizer()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", tokenizer.eos_token_id)]
    )
    tokenizer.model_max_length = LONGEST
    return tokenizer


def still_caption(world: World, rng: np.random.Generator, scene: bool) -> str:
    """What one frame shows, in words of any order; only the subjects when `scene` is false."""

    def pick(options: tuple[str, ...]) -> str:
        return options[int(rng.integers(len(options)))]

    who = " and ".join(
        f"a {pick(vocabulary.COLOR_WORDS[s.color])} {pick(vocabulary.KIND_WORDS[s.kind])}" for s in world.subjects
    )
    parts = [who or "nobody"]
    if scene:
        parts += [
            pick(vocabulary.SETTING_WORDS[world.setting]),
            pick(vocabulary.TIME_WORDS[world.time]),
            pick(vocabulary.LOOK_WORDS[world.look]),
        ]
        rng.shuffle(parts)
    return ", ".join(parts)


class Taught(nn.Module):
    """The embedder with its classifiers."""

    def __init__(self, clip: CLIPModel) -> None:
        super().__init__()
        self.clip = clip
        self.seen = nn.ModuleList(nn.Linear(128, len(values)) for values in NAMED.values())
        self.said = nn.ModuleList(nn.Linear(128, len(values)) for values in NAMED.values())


class Pairs(NamedTuple):
    """Pictures with their captions."""

    pictures: torch.Tensor
    """`[N,3,SIDE,SIDE]` in -1..1."""
    captions: list[str]
    labels: torch.Tensor
    """`[N, len(NAMED)]`, UNTOLD where neither picture nor caption tells."""


class Still(NamedTuple):
    """One training picture."""

    picture: np.ndarray
    """uint8 `[SIDE,SIDE,3]`"""
    world: World
    cut: bool
    """It shows the subject alone."""


def whole(frame: np.ndarray) -> np.ndarray:
    """The frame as the embedder looks at it: squeezed into a square."""
    import cv2

    return cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def stills(data: Path, rng: np.random.Generator) -> list[Still]:
    """Pictures of all clips: two whole frames, and the subject cut out of them where there is one."""
    found = []
    for shard in shards(data):
        frames, cells = shard.frames, shard.cells
        for clip, world in enumerate(shard.worlds):
            for t in (0, int(rng.integers(1, frames.shape[1]))):
                frame = np.array(frames[clip, t])
                found.append(Still(whole(frame), world, cut=False))
                covered = np.argwhere(cells[clip, t] > 90)
                if len(world.subjects) == 1 and len(covered):
                    (top, left), (bottom, right) = covered.min(0) * CELL, covered.max(0) * CELL + CELL
                    found.append(Still(whole(frame[top:bottom, left:right]), world, cut=True))
    return found


def labels(world: World, cut: bool, scene: bool) -> list[int]:
    """The right answers of the classifiers."""
    told = {}
    if len(world.subjects) == 1:
        told |= {"kind": world.subjects[0].kind, "color": world.subjects[0].color}
    if scene and not cut:
        told |= {"setting": world.setting, "time": world.time, "look": world.look}
    return [values.index(told[name]) if name in told else UNTOLD for name, values in NAMED.items()]


def pairs(data: Path, batch: int, seed: int) -> Iterator[Pairs]:
    """Endless batches; cut-outs lose up to an eighth of a side, so that nothing hangs on how they were cut."""
    rng = np.random.default_rng([seed, 9])
    known = stills(data, rng)
    kinds = [[i for i, still in enumerate(known) if still.cut == cut] for cut in (False, True)]
    while True:
        pictures, said, truth = [], [], []
        for _ in range(batch):
            still = known[int(rng.choice(kinds[bool(kinds[1]) and rng.random() < 0.4]))]
            picture, scene = still.picture, not still.cut and bool(rng.random() < 0.8)
            if still.cut:
                top, left, bottom, right = rng.integers(0, SIDE // 8 + 1, size=4)
                picture = whole(picture[top : SIDE - bottom, left : SIDE - right])
            pictures.append(picture)
            said.append(still_caption(still.world, rng, scene))
            truth.append(labels(still.world, still.cut, scene))
        stack = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        yield Pairs(stack, said, torch.tensor(truth))


def main() -> None:
    parser = arguments(__doc__ or "", minutes=12)
    parser.set_defaults(batch=192)
    parser.add_argument("--data", type=Path, required=True, help="folder of painted shards")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    tokenizer = build_tokenizer()
    model = Taught(build(tokenizer)).to(args.device).train()
    optimizer = torch.optim.AdamW(model.parameters(), args.rate or 1e-3, betas=(0.9, 0.98), weight_decay=0.05)
    training = Training(model, [optimizer], args, decay=0.99, cooldown=0.5)

    def loss(batch: Pairs) -> tuple[torch.Tensor, dict[str, float]]:
        device = torch.device(args.device)
        tokens = tokenizer(batch.captions, padding=True, truncation=True, return_tensors="pt").to(device)
        with torch.autocast(device.type, torch.bfloat16):
            made = model.clip(
                input_ids=tokens["input_ids"],
                attention_mask=tokens["attention_mask"],
                pixel_values=batch.pictures.to(device),
            )
        logits = made.logits_per_image.float()
        truth = torch.arange(len(logits), device=device)
        value = (F.cross_entropy(logits, truth) + F.cross_entropy(logits.T, truth)) / 2
        right = {"right": float((logits.argmax(1) == truth).float().mean())}
        named, scale = batch.labels.to(device), SHARPNESS
        for i, name in enumerate(NAMED):
            told = named[:, i] != UNTOLD
            if told.any():
                seen = model.seen[i](scale * made.image_embeds[told].float())
                said = model.said[i](scale * made.text_embeds[told].float())
                value = value + F.cross_entropy(seen, named[told, i]) + 0.3 * F.cross_entropy(said, named[told, i])
                right[name] = float((seen.argmax(1) == named[told, i]).float().mean())
        return value, right

    training.run(pairs(args.data, args.batch, args.seed + training.step), loss)


if __name__ == "__main__":
    main()
