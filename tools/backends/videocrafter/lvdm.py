"""The layout of lvdm checkpoints: what VideoCrafter calls each weight, and what diffusers and transformers call it.

A state dict of one network gives the settings of that network and the names of its weights; what has no counterpart
keeps its name, so that whoever loads it can say so. Shapes agree but for projections that are convolutions of one
pixel here and linear there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    Weights = Mapping[str, torch.Tensor]

UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.model."
"""How the names of each network's weights begin in a checkpoint."""
SCALING = 0.18215
"""VideoCrafter's autoencoder is Stable Diffusion's: its latents times this have about unit variance."""
HEADS = 8
"""Of the attention that comes before all blocks of the UNet; everywhere else it is the heads' width that is set."""
HEAD_WIDTH = 64
"""Of open_clip's text encoders."""

RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
ENDS = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "fps_embedding.0": "time_embedding.fps_embedding.linear_1",
    "fps_embedding.2": "time_embedding.fps_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "init_attn.0": "transformer_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}

# ------------------------------------------------------------------------------------------------ UNet


def unet_config(weights: Weights) -> dict[str, Any]:
    """Settings of the VideoCrafterUNet that holds these weights. Raises KeyError for a weight it cannot do without."""
    widths, attends, layers = _levels(weights)
    return {
        "in_channels": weights["input_blocks.0.0.weight"].shape[1],
        "out_channels": weights["out.2.weight"].shape[0],
        "block_out_channels": widths,
        "layers_per_block": layers,
        "down_block_types": ["CrossAttnDownBlock3D" if one else "DownBlock3D" for one in attends],
        "up_block_types": ["CrossAttnUpBlock3D" if one else "UpBlock3D" for one in reversed(attends)],
        "cross_attention_dim": weights["middle_block.1.transformer_blocks.0.attn2.to_k.weight"].shape[1],
        "attention_head_dim": weights["init_attn.0.proj_in.weight"].shape[0] // HEADS,
    }


def _levels(weights: Weights) -> tuple[list[int], list[bool], int]:
    """Width of each resolution, whether it attends, and the blocks that each has."""
    widths, attends, blocks = [], [], 0
    last = max((int(name.split(".")[1]) for name in weights if name.startswith("input_blocks.")), default=0)
    for at in range(1, last + 1):
        if f"input_blocks.{at}.0.op.weight" in weights:
            continue
        blocks += 1
        if at == 1 or f"input_blocks.{at - 1}.0.op.weight" in weights:
            widths.append(weights[f"input_blocks.{at}.0.out_layers.3.weight"].shape[0])
            attends.append(f"input_blocks.{at}.1.proj_in.weight" in weights)
    return widths, attends, blocks // max(1, len(widths))


def unet_places(config: Mapping[str, Any]) -> dict[str, str]:
    """Where each module of lvdm's UNet stands in diffusers'."""
    return ENDS | dict(_down(config)) | dict(_middle()) | dict(_up(config))


def _down(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    at = 1
    for level, kind in enumerate(config["down_block_types"]):
        for layer in range(config["layers_per_block"]):
            yield from _layer(f"input_blocks.{at}", f"down_blocks.{level}", layer, kind.startswith("CrossAttn"))
            at += 1
        yield f"input_blocks.{at}.0.op", f"down_blocks.{level}.downsamplers.0.conv"
        at += 1


def _middle() -> Iterator[tuple[str, str]]:
    yield from _layer("middle_block", "mid_block", 0, attends=True)
    yield from _resnet("middle_block.3", "mid_block", 1)


def _up(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    at = 0
    for level, kind in enumerate(config["up_block_types"]):
        attends = kind.startswith("CrossAttn")
        for layer in range(config["layers_per_block"] + 1):
            yield from _layer(f"output_blocks.{at}", f"up_blocks.{level}", layer, attends)
            at += 1
        yield f"output_blocks.{at - 1}.{3 if attends else 1}.conv", f"up_blocks.{level}.upsamplers.0.conv"


def _layer(old: str, new: str, layer: int, attends: bool) -> Iterator[tuple[str, str]]:
    yield from _resnet(f"{old}.0", new, layer)
    if attends:
        yield f"{old}.1", f"{new}.attentions.{layer}"
        yield f"{old}.2", f"{new}.temp_attentions.{layer}"


def _resnet(old: str, new: str, layer: int) -> Iterator[tuple[str, str]]:
    for theirs, ours in RESNET.items():
        yield f"{old}.{theirs}", f"{new}.resnets.{layer}.{ours}"
    yield f"{old}.temopral_conv", f"{new}.temp_convs.{layer}"  # spelled so in every checkpoint


def unet_weights(weights: Weights, config: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The weights under the names of VideoCrafterUNet."""
    places = unet_places(config)
    return {_moved(name, places): tensor for name, tensor in weights.items()}


def unet_names(names: Iterable[str], config: Mapping[str, Any]) -> list[str]:
    """What lvdm calls weights of VideoCrafterUNet."""
    places = {new: old for old, new in unet_places(config).items()}
    return [_moved(name, places) for name in names]


def _moved(name: str, places: Mapping[str, str]) -> str:
    """`name` with its longest beginning that is a place exchanged."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        if (place := places.get(".".join(parts[:length]))) is not None:
            return ".".join([place, *parts[length:]])
    return name


# ---------------------------------------------------------------------------------------- autoencoder


def vae_config(weights: Weights) -> dict[str, Any]:
    """Settings of the AutoencoderKL that holds these weights. Raises KeyError for a weight it cannot do without."""
    levels = _count(weights, r"encoder\.down\.(\d+)\.")
    return {
        "in_channels": weights["encoder.conv_in.weight"].shape[1],
        "out_channels": weights["decoder.conv_out.weight"].shape[0],
        "block_out_channels": [weights[f"encoder.down.{at}.block.0.conv1.weight"].shape[0] for at in range(levels)],
        "layers_per_block": _count(weights, r"encoder\.down\.0\.block\.(\d+)\."),
        "latent_channels": weights["post_quant_conv.weight"].shape[1],
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "scaling_factor": SCALING,
    }


def vae_weights(weights: Weights, config: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The weights under the names of AutoencoderKL."""
    last = len(config["block_out_channels"]) - 1
    rules = [
        (r"down\.(\d+)\.block\.", r"down_blocks.\1.resnets."),
        (r"down\.(\d+)\.downsample\.", r"down_blocks.\1.downsamplers.0."),
        (r"up\.(\d+)\.block\.", lambda found: f"up_blocks.{last - int(found[1])}.resnets."),
        (r"up\.(\d+)\.upsample\.", lambda found: f"up_blocks.{last - int(found[1])}.upsamplers.0."),
        (r"mid\.block_(\d)\.", lambda found: f"mid_block.resnets.{int(found[1]) - 1}."),
        (r"mid\.attn_1\.norm\.", "mid_block.attentions.0.group_norm."),
        (r"mid\.attn_1\.([qkv])\.", r"mid_block.attentions.0.to_\1."),
        (r"mid\.attn_1\.proj_out\.", "mid_block.attentions.0.to_out.0."),
        (r"nin_shortcut\.", "conv_shortcut."),
        (r"norm_out\.", "conv_norm_out."),
    ]
    return {_rewritten(name, rules): tensor for name, tensor in weights.items() if not name.startswith("loss.")}


# --------------------------------------------------------------------------------------- text encoder


def text_config(weights: Weights) -> dict[str, Any]:
    """Settings of the CLIPTextModel that holds these weights but the last layer's, which VideoCrafter skips
    (`layer: penultimate`). Raises KeyError for a weight it cannot do without."""
    words, width = weights["token_embedding.weight"].shape
    return {
        "vocab_size": words,
        "hidden_size": width,
        "intermediate_size": weights["transformer.resblocks.0.mlp.c_fc.weight"].shape[0],
        "num_hidden_layers": _count(weights, r"transformer\.resblocks\.(\d+)\.") - 1,
        "num_attention_heads": max(1, width // HEAD_WIDTH),
        "max_position_embeddings": weights["positional_embedding"].shape[0],
        "hidden_act": "gelu",
        "projection_dim": width,
        "bos_token_id": words - 2,
        "eos_token_id": words - 1,
    }


TEXT_RULES = [
    (r"^token_embedding\.", "embeddings.token_embedding."),
    (r"^positional_embedding$", "embeddings.position_embedding.weight"),
    (r"^ln_final\.", "final_layer_norm."),
    (r"^transformer\.resblocks\.", "encoder.layers."),
    (r"\.ln_([12])\.", r".layer_norm\1."),
    (r"\.attn\.", ".self_attn."),
    (r"\.mlp\.c_fc\.", ".mlp.fc1."),
    (r"\.mlp\.c_proj\.", ".mlp.fc2."),
]
UNUSED = {"logit_scale", "text_projection", "attn_mask"}
"""What open_clip compares pictures and texts with, and its mask."""


def text_weights(weights: Weights, config: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The weights under the names of CLIPTextModel."""
    skipped = f"transformer.resblocks.{config['num_hidden_layers']}."
    found = {}
    for name, tensor in weights.items():
        if name in UNUSED or name.startswith(skipped):
            continue
        renamed = _rewritten(name, TEXT_RULES)
        if ".in_proj_" not in renamed:
            found[renamed] = tensor
            continue
        for part, piece in zip("qkv", tensor.chunk(3), strict=True):
            found[renamed.replace("in_proj_", f"{part}_proj.")] = piece.clone()
    return found


def _rewritten(name: str, rules: Iterable[tuple[str, Any]]) -> str:
    for pattern, text in rules:
        name = re.sub(pattern, text, name)
    return name


def _count(weights: Weights, pattern: str) -> int:
    return 1 + max((int(found[1]) for name in weights if (found := re.match(pattern, name))), default=-1)
