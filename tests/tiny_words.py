"""Tiny tokenizers and text encoders with random weights, made in memory, for the pipelines of `tiny_pipelines.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import transformers
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

WORDS = (
    "a an and the in on at of with by one two red blue green yellow ball fox hero girl boy robot house forest "
    "meadow sea city night day walks runs moves looks slowly left right camera wide close shot film"
)
SPLIT = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
"""Where Llama 3 parts a text before it looks for byte pairs."""
BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())


def clip_tokenizer() -> transformers.CLIPTokenizer:
    """Letters only, bare and at the end of a word: 514 tokens, cut at 77 as CLIP's are."""
    tokens = ["<|startoftext|>", "<|endoftext|>", *BYTES, *(f"{letter}</w>" for letter in BYTES)]
    vocab = {token: index for index, token in enumerate(tokens)}
    return transformers.CLIPTokenizer(vocab=vocab, merges=[], model_max_length=77)


def clip_text(width: int, cls: str = "CLIPTextModel", projection: int = 8) -> Any:
    """CLIP's text encoder of that width over `clip_tokenizer`."""
    config = transformers.CLIPTextConfig(
        vocab_size=514,
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=projection,
        num_hidden_layers=2,
        num_attention_heads=2,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return getattr(transformers, cls)(config)


def clip_vision(width: int, cls: str = "CLIPVisionModelWithProjection", projection: int = 8) -> tuple[Any, Any]:
    """CLIP's image encoder, which sees 224x224 pixels as four patches, and the processor that feeds it."""
    config = transformers.CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=projection,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=224,
        patch_size=112,
    )
    return getattr(transformers, cls)(config), transformers.CLIPImageProcessor()


def t5_tokenizer() -> transformers.T5Tokenizer:
    """A few whole words, else letters, each with a score as SentencePiece's unigrams have."""
    pieces = [*(f"▁{word}" for word in WORDS.split()), "▁", *(chr(code) for code in range(33, 127))]
    specials = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    return transformers.T5Tokenizer(vocab=[*specials, *((piece, -2.0) for piece in pieces)], extra_ids=0)


def t5_text(width: int = 32, cls: str = "T5EncoderModel") -> Any:
    """T5's encoder (or with `UMT5EncoderModel` its multilingual kin) of that width over `t5_tokenizer`."""
    config = transformers.UMT5Config if cls == "UMT5EncoderModel" else transformers.T5Config
    settings: dict[str, Any] = {"vocab_size": 256, "d_model": width, "d_kv": 8, "d_ff": 2 * width}
    return getattr(transformers, cls)(config(**settings, num_layers=2, num_heads=2))


def bpe_tokenizer(texts: Iterable[str], specials: Sequence[str], **roles: str) -> transformers.PreTrainedTokenizerFast:
    """Byte pairs learned from the texts, so that their words are one token each, as they are to a large vocabulary.

    `roles` say which of the special tokens is what: `bos_token="<s>"`; what begins a text is put before each.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(SPLIT), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4096,
        min_frequency=1,
        special_tokens=[*specials],
        initial_alphabet=BYTES,
        show_progress=False,
    )
    tokenizer.train_from_iterator([*texts, WORDS], trainer)
    if begin := roles.get("bos_token"):
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A", special_tokens=[(begin, specials.index(begin))]
        )
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **roles)
