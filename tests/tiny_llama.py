"""A language model that nobody has to download: a tiny Llama with random weights, held to a JSON schema.

Its answers have the right form and no sense at all, which is what checks, repairs and rules must survive.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import llguidance
import llguidance.hf
import llguidance.numpy
import numpy as np
import torch
from server import schema_of
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CONTEXT = 48
"""Last tokens of a prompt that are read: random weights make nothing of more."""
BREVITY = 2.0
"""Added to the logits of tokens with a quotation mark, so that strings end before they must."""


class TinyLlama:
    """115 k parameters or so, on one core. Call it with a request of OpenAI's protocol."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        torch.manual_seed(seed)
        self._random = torch.Generator().manual_seed(seed)
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=640,
            special_tokens=["<s>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        texts = [file.read_text() for file in sorted((Path(__file__).parent.parent / "prompts").glob("*.md"))]
        tokenizer.train_from_iterator(texts, trainer)
        self._tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
        self._grammar_tokens = llguidance.hf.from_tokenizer(self._tokenizer)
        config = LlamaConfig(
            vocab_size=len(self._tokenizer),
            hidden_size=64,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=8192,
        )
        self.model = LlamaForCausalLM(config).eval()
        quoting = [index for token, index in self._tokenizer.get_vocab().items() if '"' in token]
        self._bias = torch.zeros(len(self._tokenizer))
        self._bias[quoting] = BREVITY

    def __call__(self, body: dict[str, Any]) -> str:
        """An answer that fits the request's schema, as far as its `max_tokens` reach."""
        with self._lock, torch.inference_mode():
            return self._generate(body["messages"][-1]["content"], schema_of(body), body["max_tokens"])

    def _generate(self, prompt: Any, schema: dict[str, Any], tokens: int) -> str:
        grammar = llguidance.LLMatcher.grammar_from_json_schema(
            json.dumps(schema), overrides={"whitespace_flexible": False}
        )
        matcher = llguidance.LLMatcher(self._grammar_tokens, grammar)
        assert not matcher.get_error(), matcher.get_error()
        mask = llguidance.numpy.allocate_token_bitmask(1, self._grammar_tokens.vocab_size)
        text = prompt if isinstance(prompt, str) else prompt[0]["text"]
        ids = torch.tensor([self._tokenizer.encode(text)[-CONTEXT:]])
        written: list[int] = []
        cache = None
        while len(written) < tokens and not matcher.is_stopped():
            out = self.model(input_ids=ids, past_key_values=cache, use_cache=True)
            cache = out.past_key_values
            llguidance.numpy.fill_next_token_bitmask(matcher, mask, 0)
            allowed = np.unpackbits(mask.view(np.uint8), bitorder="little")[: len(self._bias)].astype(bool)
            logits = (out.logits[0, -1] + self._bias).masked_fill(~torch.from_numpy(allowed), -torch.inf)
            chosen = int(torch.multinomial(torch.softmax(logits, -1), 1, generator=self._random))
            if chosen == self._tokenizer.eos_token_id:
                break
            matcher.consume_token(chosen)
            written.append(chosen)
            ids = torch.tensor([[chosen]])
        return str(self._tokenizer.decode(written))
