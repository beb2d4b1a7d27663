"""Embedders that users bring: CLIP, SigLIP, DINOv2 and DINOv3 from a folder in the hub's layout.

`open_embedder("dinov2:/weights/dinov2-base")` has one; nothing is ever fetched.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kinograph.errors import BadSetting, Damaged


class Eyepiece(NamedTuple):
    """How a model wants its pictures, as `preprocessor_config.json` says it."""

    size: dict[str, int]
    """`shortest_edge`, or `height` and `width`."""
    crop: tuple[int, int] | None
    """(height, width) of the middle that is kept after resizing."""
    resample: int
    """Pillow's number of the filter."""
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def read(cls, folder: Path) -> Eyepiece:
        """Raises BadSetting where the file is missing or says something else."""
        told = _json(folder, "preprocessor_config.json")
        try:
            size = told["size"] if isinstance(told["size"], dict) else {"shortest_edge": int(told["size"])}
            crop = told.get("crop_size", size) if told.get("do_center_crop") else None
            sides = {"height": crop, "width": crop} if isinstance(crop, int) else crop
            return cls(
                size={name: int(pixels) for name, pixels in size.items()},
                crop=(int(sides["height"]), int(sides["width"])) if sides else None,
                resample=int(told.get("resample", 2)),
                mean=tuple(told["image_mean"]),
                std=tuple(told["image_std"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadSetting(f"{str(folder / 'preprocessor_config.json')!r} lacks {error}") from error

    def pictures(self, frames: np.ndarray) -> np.ndarray:
        """Frames `[N,H,W,3]` uint8 RGB -> `[N,3,h,w]` float32, what transformers' own processors over Pillow make.

        Those over torchvision resize a little differently, and it is no dependency: vectors should be the same
        everywhere.
        """
        cut = np.stack([self._cut(frame) for frame in frames])
        scaled = (cut.astype(np.float32) / 255 - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(np.moveaxis(scaled, -1, 1))

    def _cut(self, frame: np.ndarray) -> np.ndarray:
        from PIL import Image

        height, width = frame.shape[:2]
        if edge := self.size.get("shortest_edge"):
            short = min(height, width)
            high, wide = int(edge * height / short), int(edge * width / short)
        else:
            high, wide = self.size["height"], self.size["width"]
        resized = np.asarray(Image.fromarray(frame).resize((wide, high), Image.Resampling(self.resample)))
        if self.crop is None:
            return resized
        top, left = (high - self.crop[0]) // 2, (wide - self.crop[1]) // 2
        if top < 0 or left < 0:
            raise BadSetting(
                f"a middle of {self.crop} cannot be cut out of {high}x{wide}: see preprocessor_config.json"
            )
        return resized[top : top + self.crop[0], left : left + self.crop[1]]


class Brought:
    """A model of transformers that a user has in a folder. Loads its weights at first use."""

    family = ""
    kinds: tuple[str, ...] = ()
    """`model_type`s of `config.json` that it can be."""

    def __init__(self, folder: str) -> None:
        """Raises BadSetting for a folder that holds no such model."""
        self.folder = Path(folder).expanduser()
        told = _json(self.folder, "config.json")
        if (kind := told.get("model_type")) not in self.kinds:
            raise BadSetting(f"{str(self.folder)!r} holds a model of type {kind!r}, not {' or '.join(self.kinds)}")
        self.eyepiece = Eyepiece.read(self.folder)
        self.config = told
        self.size = self._size(told)
        self.name = f"{self.family}-{_digest(self.folder)}"
        self._lock = threading.Lock()
        self._loaded: Any = None

    def _size(self, config: dict[str, Any]) -> int:
        raise NotImplementedError

    def model(self) -> Any:
        """The loaded model. Raises Damaged where weights are missing: made-up ones would still give vectors."""
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> Any:
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModel

        try:
            with quiet():
                model, found = AutoModel.from_pretrained(
                    self.folder, dtype=torch.float32, local_files_only=True, output_loading_info=True
                )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise Damaged(f"{str(self.folder)!r} cannot be loaded: {' '.join(str(error).split())[:300]}") from error
        if missing := sorted(found["missing_keys"]):
            raise Damaged(f"{str(self.folder)!r} lacks {len(missing)} weights, the first {missing[0]!r}")
        return model.eval()


class Vision(Brought):
    """A model of pictures: unit vectors of frames."""

    def embed(self, frames: np.ndarray) -> np.ndarray:
        """`[N,H,W,3]` uint8 RGB, any size -> `[N,size]` float32, each row of length 1."""
        import torch

        with torch.no_grad():
            return unit(self._look(torch.from_numpy(self.eyepiece.pictures(frames))))

    def _look(self, pictures: Any) -> Any:
        return self.model().get_image_features(pixel_values=pictures)


class _Reading(Vision):
    """A vision model with a text tower beside it."""

    padding: bool | str = True

    def embed_words(self, texts: Sequence[str]) -> np.ndarray:
        """N texts -> `[N,size]` float32, each row of length 1, to be compared with those of frames."""
        import torch

        tokens = self._tokenizer()(list(texts), padding=self.padding, truncation=True, return_tensors="pt")
        given = {name: tokens[name] for name in ("input_ids", "attention_mask") if name in tokens}
        with torch.no_grad():
            return unit(self.model().get_text_features(**given))

    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        with self._lock:
            if not hasattr(self, "_words"):
                try:
                    self._words = AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
                except (OSError, ValueError) as error:
                    told = " ".join(str(error).split())[:300]
                    raise Damaged(f"the tokenizer of {str(self.folder)!r} cannot be loaded: {told}") from error
            return self._words


class Clip(_Reading):
    """CLIP (Radford et al. 2021): image and text vectors after their projections."""

    family, kinds = "clip", ("clip",)

    def _size(self, config: dict[str, Any]) -> int:
        return int(config.get("projection_dim", 512))


class Siglip(_Reading):
    """SigLIP and SigLIP 2 of fixed size (Zhai et al. 2023): texts are padded to the full length it was trained with."""

    family, kinds, padding = "siglip", ("siglip",), "max_length"

    def _size(self, config: dict[str, Any]) -> int:
        return int(config.get("vision_config", {}).get("hidden_size", 768))


class Dino(Vision):
    """DINOv2 (Oquab et al. 2023): the class token after the last norm."""

    family, kinds = "dinov2", ("dinov2", "dinov2_with_registers")

    def _look(self, pictures: Any) -> Any:
        return self.model()(pixel_values=pictures).pooler_output

    def _size(self, config: dict[str, Any]) -> int:
        return int(config.get("hidden_size", 768))


class Dino3(Dino):
    """DINOv3 (Siméoni et al. 2025): the class token after the last norm, or ConvNeXt's pooled one."""

    family, kinds = "dinov3", ("dinov3_vit", "dinov3_convnext")

    def _size(self, config: dict[str, Any]) -> int:
        return int(config["hidden_sizes"][-1] if "hidden_sizes" in config else config.get("hidden_size", 384))


@contextmanager
def quiet() -> Iterator[None]:
    """transformers says nothing of what it loads: what is wrong with it becomes one line of ours."""
    from transformers.utils import logging

    from kinograph.memory.clip import no_bar

    loud = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with no_bar():
            yield
    finally:
        logging.set_verbosity(loud)


def _json(folder: Path, name: str) -> dict[str, Any]:
    try:
        told = json.loads((folder / name).read_text("utf-8"))
    except FileNotFoundError as error:
        raise BadSetting(f"{str(folder)!r} is no folder with a {name}; give one in the hub's layout") from error
    except (OSError, ValueError) as error:
        raise BadSetting(f"{str(folder / name)!r} cannot be read: {error}") from error
    if not isinstance(told, dict):
        raise BadSetting(f"{str(folder / name)!r} holds no object")
    return told


def _digest(folder: Path) -> str:
    """Eight digits that name the weights: vectors of other weights are never compared."""
    files = sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin")])
    if not files:
        raise BadSetting(f"{str(folder)!r} has no weights: no .safetensors and no .bin")
    stats = [(file, file.stat()) for file in files]
    whole = hashlib.sha256()
    for file, stat in stats:
        whole.update(_sha256(file, stat.st_size, stat.st_mtime_ns).encode())
    return whole.hexdigest()[:8]


@lru_cache(maxsize=32)
def _sha256(file: Path, size: int, changed: int) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def unit(features: Any) -> np.ndarray:
    """What a model gives as `[N,size]` float32, each row of length 1."""
    vectors = (features if hasattr(features, "numpy") else features.pooler_output).float().numpy()
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)).astype(np.float32)
