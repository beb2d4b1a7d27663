"""The joint embedder: frames and words as vectors of one space, by the small CLIP that ships with kinograph."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kinograph import disk
from kinograph.errors import Damaged

if TYPE_CHECKING:
    from transformers import CLIPModel, PreTrainedTokenizerFast

MODEL = Path(str(files("kinograph.memory"))) / "storyworld_clip"
SIDE = 64
"""Pixels a side of what the model looks at."""


class ClipEmbedder:
    """Unit vectors whose cosine similarity follows how alike frames look, and how well words fit a frame.

    Loads its weights at first use; raises Damaged when they are not the ones that were shipped.
    """

    size = 128

    def __init__(self, weights: Path = MODEL) -> None:
        self._weights = weights
        self._lock = threading.Lock()
        self._loaded: tuple[CLIPModel, PreTrainedTokenizerFast] | None = None
        self.name = f"storyworld-clip-{disk.sealed(weights)['model.safetensors'][:8]}"

    def embed(self, frames: np.ndarray) -> np.ndarray:
        """`[N,H,W,3]` uint8 RGB, any size -> `[N,128]` float32, each row of length 1."""
        import cv2
        import torch

        model, _ = self._model()
        squares = np.stack([cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for frame in frames])
        pictures = torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.no_grad():
            return _unit(model.get_image_features(pixel_values=pictures))

    def embed_words(self, texts: Sequence[str]) -> np.ndarray:
        """N texts -> `[N,128]` float32, each row of length 1, to be compared with those of frames."""
        import torch

        model, tokenizer = self._model()
        tokens = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        with torch.no_grad():
            return _unit(
                model.get_text_features(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
            )

    def _model(self) -> tuple[CLIPModel, PreTrainedTokenizerFast]:
        with self._lock:
            if self._loaded is None:
                import torch
                from transformers import CLIPModel, PreTrainedTokenizerFast

                disk.verify(self._weights)
                try:
                    with no_bar():
                        model = CLIPModel.from_pretrained(self._weights, dtype=torch.float32, local_files_only=True)
                    tokenizer = PreTrainedTokenizerFast.from_pretrained(self._weights, local_files_only=True)
                except (OSError, ValueError) as error:
                    raise Damaged(f"{str(self._weights)!r} is not an embedder: {error}") from error
                self._loaded = model.eval(), tokenizer
            return self._loaded


@contextmanager
def no_bar() -> Iterator[None]:
    """Small weights are loaded without a bar on the user's terminal."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _unit(features: Any) -> np.ndarray:
    vectors = (features if hasattr(features, "numpy") else features.pooler_output).numpy()
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
