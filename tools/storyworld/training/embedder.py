"""Trains the joint embedder: a frame and the caption that fits it get vectors that point the same way.

    python -m kinograph.tools.storyworld.training.embedder --data runs/clips --out runs/embedder --minutes 12

transformers' CLIPModel, small, with CLIP's contrastive loss (Radford et al. 2021). Captions say what one frame can
show: who, where, when and in which look; not what moves. Each batch shares few places, so that the subjects must be
told apart as well. Half of the pictures are crops around the middle of the subjects' box, since the memory keeps both.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F
from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPVisionConfig, PreTrainedTokenizerFast

from kinograph.tools.storyworld import vocabulary
from kinograph.tools.storyworld.training import words
from kinograph.tools.storyworld.training.clips import shards
from kinograph.tools.storyworld.training.loop import Training, arguments
from kinograph.tools.storyworld.world import World

SIDE = 64
"""Pixels a side of what the embedder looks at."""
WIDTH = 160
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


class Pairs(NamedTuple):
    """Pictures `[N,3,SIDE,SIDE]` in -1..1 with their captions."""

    pictures: torch.Tensor
    captions: list[str]


def whole(frame: np.ndarray) -> np.ndarray:
    """The frame as the embedder looks at it: squeezed into a square."""
    import cv2

    return cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def pairs(data: Path, batch: int, seed: int) -> Iterator[Pairs]:
    rng = np.random.default_rng([seed, 9])
    known = list(shards(data))
    opened = [(shard.frames, shard.cells, shard.worlds) for shard in known]
    while True:
        pictures, said = [], []
        while len(pictures) < batch:
            frames, cells, worlds = opened[rng.integers(len(opened))]
            clip, t = int(rng.integers(len(worlds))), int(rng.integers(frames.shape[1]))
            frame, world = frames[clip, t], worlds[clip]
            covered = np.argwhere(cells[clip, t] > 90)
            if len(world.subjects) == 1 and len(covered) and rng.random() < 0.4:
                (top, left), (bottom, right) = covered.min(0) * 16, covered.max(0) * 16 + 16
                pictures.append(whole(frame[top:bottom, left:right]))
                said.append(still_caption(world, rng, scene=False))
            else:
                pictures.append(whole(frame))
                said.append(still_caption(world, rng, scene=bool(rng.random() < 0.8)))
        stack = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        yield Pairs(stack, said)


def main() -> None:
    parser = arguments(__doc__ or "", minutes=12)
    parser.set_defaults(batch=192)
    parser.add_argument("--data", type=Path, required=True, help="folder of painted shards")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    tokenizer = build_tokenizer()
    model = build(tokenizer).to(args.device).train()
    optimizer = torch.optim.AdamW(model.parameters(), args.rate or 1e-3, betas=(0.9, 0.98), weight_decay=0.05)
    training = Training(model, [optimizer], args, decay=0.99, cooldown=0.5)

    def loss(batch: Pairs) -> tuple[torch.Tensor, dict[str, float]]:
        device = torch.device(args.device)
        tokens = tokenizer(batch.captions, padding=True, truncation=True, return_tensors="pt").to(device)
        with torch.autocast(device.type, torch.bfloat16):
            made = model(
                input_ids=tokens["input_ids"],
                attention_mask=tokens["attention_mask"],
                pixel_values=batch.pictures.to(device),
            )
        logits = made.logits_per_image.float()
        truth = torch.arange(len(logits), device=device)
        value = (F.cross_entropy(logits, truth) + F.cross_entropy(logits.T, truth)) / 2
        return value, {"right": float((logits.argmax(1) == truth).float().mean())}

    training.run(pairs(args.data, args.batch, args.seed + training.step), loss)


if __name__ == "__main__":
    main()
