"""Trains the joint embedder: a frame and the caption that fits it get vectors that point the same way.

    python -m kinograph.tools.storyworld.training.embedder --data runs/clips --out runs/embedder --minutes 12

transformers' CLIPModel, small, with CLIP's contrastive loss (Radford et al. 2021); captions that fit several pictures
of a batch fit them all. Captions say what one frame can show: who, where, when and in which look; not what moves. Four
in ten pictures are cut-outs of the subject, since the memory keeps both. Beside the captions, cut-outs of the same
subject must be near each other, and so must frames of the same place and time (Khosla et al. 2020, "Supervised
contrastive learning"): the memory compares pictures with pictures. Classifiers ask each picture and each caption for
kind, colour, place, time and look: what sets two pictures apart is learned much sooner so. Both serve training only.
Half of the pictures are made softer and noisier, as those of diffusion models are.
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
WIDTH = 192
FRAMES = 4
"""Whole frames taken of each clip."""
CUTS = 0.4
"""Share of the pictures that are cut-outs."""
NEAR = 12.0
"""Sharpness of the likeness of pictures to pictures."""
SHARPNESS = 8.0
"""Length that the unit vectors are given before they are classified."""
LONGEST = 48


def build(tokenizer: PreTrainedTokenizerFast) -> CLIPModel:
    tower = {"hidden_size": WIDTH, "intermediate_size": 3 * WIDTH, "num_attention_heads": 6, "projection_dim": 128}
    text = CLIPTextConfig(
        vocab_size=len(tokenizer), max_position_embeddings=LONGEST, num_hidden_layers=3, bos_token_id=0,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, **tower,
    )  # fmt: skip
    vision = CLIPVisionConfig(image_size=SIDE, patch_size=8, num_hidden_layers=6, **tower)
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
    fits: torch.Tensor
    """Whether each caption (column) fits each picture (row), `[N,N]`."""
    alike: torch.Tensor
    """Whether two pictures show the same subject cut out, or the same place and time, `[N,N]`."""
    labels: torch.Tensor
    """What each picture shows, `[N, len(NAMED)]`, UNTOLD where it does not."""
    told: torch.Tensor
    """What each caption tells, likewise."""


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


def stills(data: Path, most: int, rng: np.random.Generator) -> Iterator[Still]:
    """Pictures of the clips of `most` shards: some whole frames, and the subject cut out of them where there is one."""
    known = list(shards(data))
    for index in rng.permutation(len(known))[:most]:
        try:
            frames, cells, worlds = known[index].frames, known[index].cells, known[index].worlds
        except FileNotFoundError:  # encoded and deleted meanwhile
            continue
        for clip, world in enumerate(worlds):
            for t in (0, *rng.integers(1, frames.shape[1], size=FRAMES - 1)):
                frame = np.array(frames[clip, t])
                yield Still(whole(frame), world, cut=False)
                covered = np.argwhere(cells[clip, t] > 90)
                if len(world.subjects) == 1 and len(covered):
                    (top, left), (bottom, right) = covered.min(0) * CELL, covered.max(0) * CELL + CELL
                    yield Still(whole(frame[top:bottom, left:right]), world, cut=True)


def labels(world: World, cut: bool) -> list[int]:
    """The right answers of the classifiers."""
    told = {}
    if len(world.subjects) == 1:
        told |= {"kind": world.subjects[0].kind, "color": world.subjects[0].color}
    if not cut:
        told |= {"setting": world.setting, "time": world.time, "look": world.look}
    return [values.index(told[name]) if name in told else UNTOLD for name, values in NAMED.items()]


class Album:
    """All training pictures, on the device."""

    def __init__(self, found: list[Still], device: torch.device) -> None:
        self.device = device
        self.pictures = torch.from_numpy(np.stack([still.picture for still in found])).permute(0, 3, 1, 2).to(device)
        self.worlds = [still.world for still in found]
        self.cut = np.array([still.cut for still in found])
        self.labels = np.array([labels(still.world, still.cut) for still in found])
        # Numbers that are the same for the same cast, and for the same place, time and look.
        casts = ["+".join(sorted(map(str, world.subjects))) for world in self.worlds]
        scenes = [f"{world.setting} {world.time} {world.look}" for world in self.worlds]
        self.who = np.unique(casts, return_inverse=True)[1]
        self.scene = np.unique(scenes, return_inverse=True)[1]
        self.place = np.unique([f"{world.setting} {world.time}" for world in self.worlds], return_inverse=True)[1]

    def batches(self, size: int, seed: int) -> Iterator[Pairs]:
        rng = np.random.default_rng([seed, 9])
        sorts = [np.flatnonzero(self.cut == cut) for cut in (False, True)]
        while True:
            cuts = round(size * CUTS) if len(sorts[1]) else 0
            picks = np.concatenate([rng.choice(sorts[0], size - cuts), rng.choice(sorts[1], cuts)])
            cut, who = self.cut[picks], self.who[picks]
            told = ~cut & (rng.random(size) < 0.8)  # captions that tell of the scene as well
            said = [still_caption(self.worlds[i], rng, bool(scene)) for i, scene in zip(picks, told, strict=True)]
            shown = np.where(cut, -1, self.scene[picks])
            fits = (who[:, None] == who) & (~told | (shown[:, None] == shown))
            places = self.place[picks]
            alike = (cut[:, None] & cut & (who[:, None] == who)) | (~cut[:, None] & ~cut & (places[:, None] == places))
            np.fill_diagonal(alike, False)
            truth = self.labels[picks]
            words = np.where(told[:, None] | np.isin(list(NAMED), ("kind", "color")), truth, UNTOLD)
            yield Pairs(
                self._seen(picks, torch.from_numpy(cut).to(self.device)), said,
                *(torch.from_numpy(part).to(self.device) for part in (fits, alike, truth, words)),
            )  # fmt: skip

    def _seen(self, picks: np.ndarray, cut: torch.Tensor) -> torch.Tensor:
        """Cut-outs lose up to an eighth of a side, so that nothing hangs on how they were cut; half are made soft."""
        pictures = self.pictures[torch.from_numpy(picks).to(self.device)].float().div_(127.5).sub_(1)
        count = len(pictures)
        lost = torch.rand(count, 4, device=self.device) / 8 * cut[:, None]  # left, right, top, bottom
        scale = 1 - lost[:, ::2] - lost[:, 1::2]
        shift = lost[:, ::2] - lost[:, 1::2]
        window = torch.zeros(count, 2, 3, device=self.device)
        window[:, 0, 0], window[:, 1, 1], window[:, :, 2] = scale[:, 0], scale[:, 1], shift
        grid = F.affine_grid(window, list(pictures.shape), align_corners=False)
        pictures = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
        half = count // 2
        order = torch.randperm(count, device=self.device)[:half]
        small = F.interpolate(
            pictures[order], size=int(torch.randint(SIDE // 4, SIDE, ())), mode="bilinear", antialias=True
        )
        soft = F.interpolate(small, size=SIDE, mode="bilinear")
        pictures[order] = soft + 0.1 * torch.rand(half, 1, 1, 1, device=self.device) * torch.randn_like(soft)
        return pictures


def soft_cross_entropy(logits: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Mean over rows of the cross-entropy to all right columns alike; rows without any are left out."""
    rows = right.any(1)
    share = right[rows].float() / right[rows].sum(1, keepdim=True)
    return -(share * logits[rows].log_softmax(1)).sum(1).mean() if rows.any() else logits.sum() * 0


def main() -> None:
    parser = arguments(__doc__ or "", minutes=12)
    parser.set_defaults(batch=192)
    parser.add_argument("--data", type=Path, required=True, help="folder of painted shards")
    parser.add_argument("--shards", type=int, default=60, help="shards that pictures are taken from")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    tokenizer = build_tokenizer()
    model = Taught(build(tokenizer)).to(device).train()
    album = Album(list(stills(args.data, args.shards, np.random.default_rng([args.seed, 8]))), device)
    print(f"{len(album.worlds)} pictures", flush=True)
    optimizer = torch.optim.AdamW(model.parameters(), args.rate or 1e-3, betas=(0.9, 0.98), weight_decay=0.05)
    training = Training(model, [optimizer], args, decay=0.99, cooldown=0.5)

    def loss(batch: Pairs) -> tuple[torch.Tensor, dict[str, float]]:
        tokens = tokenizer(batch.captions, padding=True, truncation=True, return_tensors="pt").to(device)
        with torch.autocast(device.type, torch.bfloat16):
            made = model.clip(
                input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"], pixel_values=batch.pictures
            )
        logits = made.logits_per_image.float()
        value = (soft_cross_entropy(logits, batch.fits) + soft_cross_entropy(logits.T, batch.fits.T)) / 2
        fits = batch.fits.gather(1, logits.argmax(1, keepdim=True))
        right = {"right": float(fits.float().mean())}
        seen = made.image_embeds.float()
        near = NEAR * seen @ seen.T - 1e4 * torch.eye(len(seen), device=device)
        value = value + 0.5 * soft_cross_entropy(near, batch.alike)
        for i, name in enumerate(NAMED):
            shown, said = model.seen[i](SHARPNESS * seen), model.said[i](SHARPNESS * made.text_embeds.float())
            for logits, truth, weight in ((shown, batch.labels[:, i], 1.0), (said, batch.told[:, i], 0.3)):
                if (truth != UNTOLD).any():
                    value = value + weight * F.cross_entropy(logits, truth, ignore_index=UNTOLD)
            known = batch.labels[:, i] != UNTOLD
            right[name] = float((shown.argmax(1) == batch.labels[:, i])[known].float().mean().nan_to_num())
        return value, right

    training.run(album.batches(args.batch, args.seed + training.step), loss)


if __name__ == "__main__":
    main()
