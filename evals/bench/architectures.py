"""Video pipelines at random weights: the published architectures, and small ones of the same make for processors.

What they render is noise, at the price of the real thing. Only text encoders are smaller than published where these
would be most of the model: T5 and UMT5 have two layers of XXL's width, and vocabularies are those of `_t5`, `_clip`.
"""

# pyright: reportArgumentType=false, reportCallIssue=false
# diffusers annotates tuples of any length as tuples of one, and parts that may be missing as parts.

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

Figures = Mapping[str, Any]
LETTERS = [chr(code) for code in range(33, 127)]
DOWN = ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"]
UP = ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3
SPATIAL = ["CrossAttnDownBlockSpatioTemporal"] * 3 + ["DownBlockSpatioTemporal"]
SPATIAL_UP = ["UpBlockSpatioTemporal"] + ["CrossAttnUpBlockSpatioTemporal"] * 3
SD_BETAS = {"beta_start": 0.00085, "beta_end": 0.012}


class Architecture(NamedTuple):
    """A family in two sizes. Figures are those of the parts' constructors; a clip is (width, height, frames, steps)."""

    build: Callable[[Figures], DiffusionPipeline]
    real: Figures
    small: Figures
    clips: Mapping[str, tuple[int, int, int, int]]
    """`real` or `small` -> what to render."""
    smaller: str = ""
    """What is less than published in the real one."""


def _t5(cls: str, figures: Figures) -> dict[str, Any]:
    """A text encoder of the T5 kind and a tokenizer of letters."""
    import transformers

    pieces = [(piece, -2.0) for piece in ("▁", *LETTERS)]
    specials = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    config = transformers.UMT5Config if cls == "UMT5EncoderModel" else transformers.T5Config
    return {
        "text_encoder": getattr(transformers, cls)(config(vocab_size=256, **figures)),
        "tokenizer": transformers.T5Tokenizer(vocab=[*specials, *pieces], extra_ids=0),
    }


def _clip(figures: Figures) -> dict[str, Any]:
    """CLIP's text encoder and a tokenizer of letters."""
    import transformers
    from tokenizers import pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    config = transformers.CLIPTextConfig(vocab_size=514, bos_token_id=0, eos_token_id=1, pad_token_id=1, **figures)
    vocab = {token: index for index, token in enumerate(tokens)}
    return {
        "text_encoder": transformers.CLIPTextModel(config),
        "tokenizer": transformers.CLIPTokenizer(vocab=vocab, merges=[], model_max_length=77),
    }


def _scheduler(cls: str, **figures: Any) -> Any:
    """On the processor, whatever the rest is made on: schedulers compute with numpy."""
    import diffusers
    import torch

    with torch.device("cpu"):
        return getattr(diffusers, cls)(**figures)


def _wan(figures: Figures) -> DiffusionPipeline:
    import diffusers

    return diffusers.WanPipeline(
        **_t5("UMT5EncoderModel", figures["text"]),
        transformer=diffusers.WanTransformer3DModel(**figures["denoiser"]),
        vae=diffusers.AutoencoderKLWan(**figures["vae"]),
        scheduler=_scheduler(
            "UniPCMultistepScheduler",
            prediction_type="flow_prediction",
            use_flow_sigmas=True,
            num_train_timesteps=1000,
            flow_shift=3.0,
        ),
    )


def _ltx(figures: Figures) -> DiffusionPipeline:
    import diffusers

    return diffusers.LTXPipeline(
        **_t5("T5EncoderModel", figures["text"]),
        transformer=diffusers.LTXVideoTransformer3DModel(**figures["denoiser"]),
        vae=diffusers.AutoencoderKLLTXVideo(**figures["vae"]),
        scheduler=_scheduler(
            "FlowMatchEulerDiscreteScheduler",
            use_dynamic_shifting=True,
            base_shift=0.95,
            max_shift=2.05,
            base_image_seq_len=1024,
            shift_terminal=0.1,
        ),
    )


def _animatediff(figures: Figures) -> DiffusionPipeline:
    import diffusers

    return diffusers.AnimateDiffPipeline(
        **_clip(figures["text"]),
        vae=diffusers.AutoencoderKL(
            down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4, **figures["vae"]
        ),
        unet=diffusers.UNet2DConditionModel(down_block_types=DOWN, up_block_types=UP, **figures["denoiser"]),
        motion_adapter=diffusers.MotionAdapter(**figures["motion"]),
        scheduler=_scheduler("DDIMScheduler", beta_schedule="linear", clip_sample=False, steps_offset=1, **SD_BETAS),
    )


def _svd(figures: Figures) -> DiffusionPipeline:
    import diffusers
    import transformers

    return diffusers.StableVideoDiffusionPipeline(
        vae=diffusers.AutoencoderKLTemporalDecoder(
            down_block_types=["DownEncoderBlock2D"] * 4, latent_channels=4, **figures["vae"]
        ),
        image_encoder=transformers.CLIPVisionModelWithProjection(transformers.CLIPVisionConfig(**figures["text"])),
        unet=diffusers.UNetSpatioTemporalConditionModel(
            down_block_types=SPATIAL, up_block_types=SPATIAL_UP, **figures["denoiser"]
        ),
        scheduler=_scheduler(
            "EulerDiscreteScheduler",
            beta_schedule="scaled_linear",
            prediction_type="v_prediction",
            sigma_min=0.002,
            sigma_max=700.0,
            steps_offset=1,
            timestep_spacing="leading",
            timestep_type="continuous",
            use_karras_sigmas=True,
            **SD_BETAS,
        ),
        feature_extractor=transformers.CLIPImageProcessor(),
    )


XXL = {"d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_heads": 64, "num_layers": 2, "feed_forward_proj": "gated-gelu"}
TEXT = {"d_model": 64, "d_kv": 16, "d_ff": 128, "num_heads": 4, "num_layers": 2}
SD_VAE = {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2}
SMALL_VAE = {"block_out_channels": (32, 32, 32, 32), "layers_per_block": 1}
VIT_H = {
    "hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 16,
    "image_size": 224, "patch_size": 14, "projection_dim": 1024, "hidden_act": "gelu",
}  # fmt: skip
CLIP_L = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}

ARCHITECTURES: dict[str, Architecture] = {
    "wan-2.1-1.3b": Architecture(
        _wan,
        real={
            "text": XXL,
            "denoiser": {"num_attention_heads": 12, "attention_head_dim": 128, "num_layers": 30, "ffn_dim": 8960},
            "vae": {"base_dim": 96, "z_dim": 16},
        },
        small={
            "text": TEXT,
            "denoiser": {
                "num_attention_heads": 4, "attention_head_dim": 32, "num_layers": 6, "ffn_dim": 512, "text_dim": 64,
            },
            "vae": {"base_dim": 8, "z_dim": 16, "num_res_blocks": 1},
        },
        clips={"real": (832, 480, 81, 10), "small": (128, 128, 9, 24)},
        smaller="UMT5 of 2 layers",
    ),
    "ltx-video": Architecture(
        _ltx,
        real={
            "text": XXL,
            "denoiser": {
                "num_attention_heads": 32, "attention_head_dim": 64, "cross_attention_dim": 2048, "num_layers": 28,
                "caption_channels": 4096,
            },
            "vae": {},
        },
        small={
            "text": TEXT,
            "denoiser": {
                "in_channels": 16, "out_channels": 16, "num_attention_heads": 4, "attention_head_dim": 32,
                "cross_attention_dim": 128, "num_layers": 6, "caption_channels": 64,
            },
            "vae": {
                "latent_channels": 16, "block_out_channels": (16, 16, 32, 32), "layers_per_block": (1,) * 5,
                "decoder_block_out_channels": (16, 16, 32, 32), "decoder_layers_per_block": (1,) * 5,
            },
        },
        clips={"real": (704, 512, 161, 10), "small": (512, 512, 17, 12)},
        smaller="T5 of 2 layers",
    ),
    "animatediff": Architecture(
        _animatediff,
        real={
            "text": CLIP_L,
            "denoiser": {
                "block_out_channels": (320, 640, 1280, 1280), "cross_attention_dim": 768, "attention_head_dim": 8,
            },
            "motion": {"block_out_channels": (320, 640, 1280, 1280)},
            "vae": SD_VAE,
        },
        small={
            "text": {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2},
            "denoiser": {
                "block_out_channels": (32, 32, 64, 64), "cross_attention_dim": 32, "attention_head_dim": 4,
                "layers_per_block": 1,
            },
            "motion": {
                "block_out_channels": (32, 32, 64, 64), "motion_layers_per_block": 1, "motion_num_attention_heads": 4,
            },
            "vae": SMALL_VAE,
        },
        clips={"real": (512, 512, 16, 25), "small": (128, 128, 8, 12)},
    ),
    "svd": Architecture(
        _svd,
        real={
            "text": VIT_H,
            "denoiser": {"num_frames": 14},
            "vae": SD_VAE,
        },
        small={
            "text": {
                "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
                "image_size": 224, "patch_size": 56, "projection_dim": 32,
            },
            "denoiser": {
                "block_out_channels": (32, 32, 64, 64), "num_attention_heads": (2, 2, 4, 4), "layers_per_block": 1,
                "cross_attention_dim": 32, "addition_time_embed_dim": 32, "projection_class_embeddings_input_dim": 96,
                "num_frames": 14,
            },
            "vae": SMALL_VAE,
        },
        clips={"real": (1024, 576, 14, 25), "small": (128, 128, 8, 12)},
    ),
}  # fmt: skip
"""By the id of the card."""


def built(name: str, size: str, device: str) -> DiffusionPipeline:
    """The pipeline of an architecture, `real` or `small`, at weights from a fixed seed."""
    import torch

    one = ARCHITECTURES[name]
    torch.manual_seed(0)
    with torch.device(device):
        pipeline = one.build(one.real if size == "real" else one.small)
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval()
    return pipeline
