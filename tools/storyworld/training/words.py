"""Trains the text encoder: captions to one embedding an attribute of the world.

    python -m kinograph.tools.storyworld.training.words --out runs/words --minutes 6

The encoder is transformers' T5EncoderModel, small. The tokenizer puts one slot token an attribute before the
caption; the encoder's output at each slot must name that attribute, whatever words the caption chose. Only the
slots go on to the transformer, so that a changed word changes what it names and little else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from kinograph.tools.storyworld import grammar, vocabulary
from kinograph.tools.storyworld.training.clips import draw
from kinograph.tools.storyworld.training.loop import Training, arguments, trained
from kinograph.tools.storyworld.world import CAMERAS, COLORS, KINDS, LOOKS, MOTIONS, SETTINGS, TIMES, Subject, World

Embed = Callable[[list[str]], torch.Tensor]
"""Captions to `[N,slots,WIDTH]`."""
SLOTS: dict[str, tuple[str, ...]] = {
    "count": ("0", "1", "2"),
    "setting": SETTINGS,
    "time": TIMES,
    "camera": CAMERAS,
    "look": LOOKS,
    "kind": (*KINDS, "none"),
    "color": (*COLORS, "none"),
    "motion": (*MOTIONS, "none"),
    "second kind": (*KINDS, "none"),
    "second color": (*COLORS, "none"),
    "second motion": (*MOTIONS, "none"),
}
"""What each slot must tell, and the values it may take."""
WIDTH = 192
LONGEST = 96
"""Tokens a caption may have, slots included."""


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Whole words of the world's vocabulary; other words fall back to characters and bytes."""
    tables = (value for name, value in vars(vocabulary).items() if name.endswith("WORDS") and isinstance(value, dict))
    text = " ".join(word for table in tables for words in table.values() for word in (words,) if isinstance(word, str))
    text += " ".join(
        w for name in vars(vocabulary) if name.endswith("WORDS") for ws in vars(vocabulary)[name].values() for w in ws
    )
    text += " ".join((*vocabulary.TRAVEL_VERBS.values(), *grammar.EMPTY, *grammar.TEMPLATES))
    text += " a an the while and as seen to the left right leftwards rightwards moving is in on at by "
    words = sorted(set(re.findall(r"[a-z]+", text.lower())))
    special = ["<pad>", "</s>", "<unk>", *(f"<slot_{i}>" for i in range(len(SLOTS)))]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces: list[tuple[str, float]] = [
        *((name, 0.0) for name in special),
        ("▁", -6.0),
        *((f"▁{word}", -4.0) for word in words),
        *((mark, -4.0) for mark in (".", ",", ":", ";", "-", "'")),
        *((letter, -14.0) for letter in letters),
        *((f"<0x{byte:02X}>", -20.0) for byte in range(256)),
    ]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(special)
    slots = " ".join(f"<slot_{i}>" for i in range(len(SLOTS)))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{slots} $A </s>", special_tokens=[(name, special.index(name)) for name in special]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=LONGEST,
        padding_side="right",
        truncation_side="right",
    )


def build(vocabulary_size: int) -> T5EncoderModel:
    return T5EncoderModel(
        T5Config(
            vocab_size=vocabulary_size,
            d_model=WIDTH,
            d_kv=32,
            num_heads=6,
            d_ff=448,
            num_layers=3,
            dropout_rate=0.0,
            feed_forward_proj="gated-gelu",
            pad_token_id=0,
            eos_token_id=1,
        )
    )


PARTS = {"kind": KINDS, "color": COLORS, "motion": MOTIONS}


class Slots(nn.Module):
    """The encoder with a classifier on each slot, and classifiers that ask each noun what colour it has and what it
    does: pairs of subjects are told apart much sooner so. The classifiers serve training only.
    """

    def __init__(self, encoder: T5EncoderModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleList(nn.Linear(WIDTH, len(values)) for values in SLOTS.values())
        self.nouns = nn.ModuleList(nn.Linear(WIDTH, len(values)) for values in PARTS.values())

    def forward(self, captions: Captions) -> Answers:
        states = self.encoder(input_ids=captions.ids, attention_mask=captions.mask).last_hidden_state
        slots, nouns = states[:, : len(SLOTS)], states[captions.rows, captions.nouns]
        named = [head(slots[:, i]) for i, head in enumerate(self.heads)]
        return Answers(slots, named, [head(nouns) for head in self.nouns])


class Answers(NamedTuple):
    """What the encoder and its classifiers say."""

    slots: torch.Tensor
    """Embeddings `[B,slots,WIDTH]`."""
    named: list[torch.Tensor]
    """Logits of each slot."""
    nouns: list[torch.Tensor]
    """Logits of kind, colour and motion at each noun."""


def in_order(world: World) -> list[int]:
    """Which of the world's subjects each noun slot tells of.

    Of two subjects the one whose kind and colour stand first in the lists comes first, not the one named first: what
    is near a word is learned at once, what is mentioned earlier hardly.
    """
    cast = world.subjects
    return sorted(range(len(cast)), key=lambda one: (KINDS.index(cast[one].kind), COLORS.index(cast[one].color)))


def labels(world: World) -> list[int]:
    """The right answer of each slot."""
    cast = [world.subjects[one] for one in in_order(world)]
    said = {"count": str(len(world.subjects)), "setting": world.setting, "time": world.time}
    said |= {"camera": world.camera, "look": world.look}
    for place, prefix in enumerate(("", "second ")):
        subject = cast[place] if place < len(cast) else None
        for part in ("kind", "color", "motion"):
            said[prefix + part] = getattr(subject, part) if subject else "none"
    return [values.index(said[name]) for name, values in SLOTS.items()]


class Captions(NamedTuple):
    """Two wordings of each of N worlds: the first N rows and the second N rows say the same."""

    ids: torch.Tensor
    mask: torch.Tensor
    labels: torch.Tensor
    """`[2N, slots]`."""
    rows: torch.Tensor
    """Row of each noun found."""
    nouns: torch.Tensor
    """Token of each noun found."""
    parts: torch.Tensor
    """Kind, colour and motion of each noun found, `[nouns, 3]`."""


def noun_of(subject: Subject, caption: str) -> int | None:
    """Where in the caption the last letter of the subject's noun stands."""
    colors, kinds = (
        "|".join(words) for words in (vocabulary.COLOR_WORDS[subject.color], vocabulary.KIND_WORDS[subject.kind])
    )
    found = re.search(rf"\b(?:{colors}) (?:{kinds})\b", caption, re.IGNORECASE)
    return found.end() - 1 if found else None


def captions(tokenizer: PreTrainedTokenizerFast, batch: int, seed: int, split: str = "train") -> Iterator[Captions]:
    rng = np.random.default_rng([seed, 77])
    while True:
        pairs = [2 if rng.random() < 0.4 else None for _ in range(batch // 2)]  # pairs are the hardest
        worlds = [draw(int(rng.integers(2**40)), split, pair).world for pair in pairs] * 2
        texts = [grammar.describe(world, rng) for world in worlds]
        tokens = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        found = [
            (row, token, [values.index(getattr(subject, part)) for part, values in PARTS.items()])
            for row, (world, text) in enumerate(zip(worlds, texts, strict=True))
            for subject in world.subjects
            if (place := noun_of(subject, text)) is not None and (token := tokens.char_to_token(row, place)) is not None
        ]
        rows, nouns, parts = ([entry[i] for entry in found] for i in range(3))
        yield Captions(
            tokens["input_ids"], tokens["attention_mask"], torch.tensor([labels(world) for world in worlds]),
            torch.tensor(rows), torch.tensor(nouns), torch.tensor(parts),
        )  # fmt: skip


def load(folder: Path) -> tuple[T5EncoderModel, PreTrainedTokenizerFast]:
    """The trained encoder of a folder, and its tokenizer."""
    tokenizer = build_tokenizer()
    return trained(Slots(build(len(tokenizer))), folder).encoder, tokenizer


def embedding(folder: Path, device: torch.device) -> Embed:
    """The trained encoder as a function."""
    encoder, tokenizer = load(folder)
    encoder = encoder.to(device)

    @torch.no_grad()
    def embed(captions: list[str]) -> torch.Tensor:
        tokens = tokenizer(captions, padding=True, truncation=True, return_tensors="pt").to(device)
        states = encoder(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
        return states.last_hidden_state[:, : len(SLOTS)]

    return embed


def main() -> None:
    parser = arguments(__doc__ or "", minutes=6)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    tokenizer = build_tokenizer()
    model = Slots(build(len(tokenizer))).to(args.device)
    rate = args.rate or 1.5e-3
    # Biases of relative position must grow from 0 to several units before "the word beside me" means anything.
    near = [value for name, value in model.named_parameters() if "relative_attention_bias" in name]
    rest = [value for name, value in model.named_parameters() if "relative_attention_bias" not in name]
    optimizer = torch.optim.AdamW(
        [{"params": rest}, {"params": near, "lr": 30 * rate, "weight_decay": 0.0}],
        rate, betas=(0.9, 0.98), weight_decay=0.01,
    )  # fmt: skip
    training = Training(model, [optimizer], args, decay=0.99, cooldown=0.4)

    def loss(batch: Captions) -> tuple[torch.Tensor, dict[str, float]]:
        device = torch.device(args.device)
        batch = Captions(*(part.to(device) for part in batch))
        with torch.autocast(device.type, torch.bfloat16):
            said = model(batch)
        truth, zero = batch.labels, torch.zeros((), device=device)
        named = sum((F.cross_entropy(logit.float(), truth[:, i]) for i, logit in enumerate(said.named)), zero)
        bound = sum((F.cross_entropy(logit.float(), batch.parts[:, i]) for i, logit in enumerate(said.nouns)), zero)
        one, other = said.slots.float().chunk(2)
        right = torch.stack([logit.argmax(-1) == truth[:, i] for i, logit in enumerate(said.named)], 1).float()
        extra = {"right": right.mean(), "all right": right.amin(1).mean(), "bound": bound.detach()}
        return named + bound + F.mse_loss(one, other), {name: float(value) for name, value in extra.items()}

    training.run(captions(tokenizer, args.batch, args.seed + training.step), loss)
    tokenizer.save_pretrained(args.out / "tokenizer")


if __name__ == "__main__":
    main()
