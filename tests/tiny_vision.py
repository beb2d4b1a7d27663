"""Tiny vision models with random weights, saved in the hub's layout, for embedders that users bring."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import transformers
from tiny_words import clip_tokenizer, t5_tokenizer

VIT: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
PLAIN: dict[str, Any] = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 2, "do_resize": True}


def clip(folder: Path) -> Path:
    """CLIP that sees 32 pixels, cut out of the middle, as 4 patches; vectors of 8."""
    text = {**VIT, "vocab_size": 514, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    vision = {**VIT, "image_size": 32, "patch_size": 16}
    model = transformers.CLIPModel(transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=8))
    clip_tokenizer().save_pretrained(folder)
    look = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}, "do_center_crop": True}
    return _saved(model, folder, {**look, "resample": 3, "image_mean": [0.48, 0.46, 0.41], "image_std": [0.27] * 3})


def siglip(folder: Path) -> Path:
    """SigLIP that sees 32 pixels, squeezed; vectors of 16."""
    text = {**VIT, "vocab_size": 256, "max_position_embeddings": 16}
    vision = {**VIT, "image_size": 32, "patch_size": 16}
    model = transformers.SiglipModel(transformers.SiglipConfig(text_config=text, vision_config=vision))
    tokenizer = t5_tokenizer()
    tokenizer.model_max_length = 16
    tokenizer.save_pretrained(folder)
    return _saved(model, folder, {"size": {"height": 32, "width": 32}, **PLAIN})


def dinov2(folder: Path) -> Path:
    config = transformers.Dinov2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
    )
    look = {"size": {"shortest_edge": 32}, "crop_size": {"height": 28, "width": 28}, "do_center_crop": True}
    return _saved(transformers.Dinov2Model(config), folder, {**PLAIN, **look})


def dinov3(folder: Path) -> Path:
    config = transformers.DINOv3ViTConfig(**VIT, image_size=32, patch_size=16, num_register_tokens=2)
    return _saved(transformers.DINOv3ViTModel(config), folder, {"size": {"height": 32, "width": 32}, **PLAIN})


def videomae(folder: Path) -> Path:
    """VideoMAE that sees 4 frames of 32 pixels; vectors of 16."""
    config = transformers.VideoMAEConfig(**VIT, image_size=32, patch_size=16, num_frames=4, tubelet_size=2)
    look = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}, "do_center_crop": True}
    return _saved(transformers.VideoMAEModel(config), folder, {**PLAIN, **look})


def _saved(model: Any, folder: Path, look: dict[str, Any]) -> Path:
    model.eval().save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(look))
    return folder
