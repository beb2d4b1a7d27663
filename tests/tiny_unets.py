"""Tiny pipelines of the families over UNets: AnimateDiff, ModelScope and Zeroscope, Stable Video Diffusion."""

# pyright: reportArgumentType=false, reportCallIssue=false
# diffusers annotates tuples of any length as tuples of one, and parts that may be missing as parts.

from __future__ import annotations

from typing import Any

import diffusers
from diffusers import DiffusionPipeline
from tiny_words import clip_text, clip_tokenizer, clip_vision

WIDTHS = (8, 8, 8, 8)
"""Channels of the levels of a UNet or a VAE: four, so that a VAE shrinks sides by 8 as the large ones do."""


def _unet_blocks(suffix: str = "2D", levels: int = 4) -> dict[str, Any]:
    """Names of the blocks of a UNet whose lowest level alone has no attention."""
    down = [f"CrossAttnDownBlock{suffix}"] * (levels - 1) + [f"DownBlock{suffix}"]
    up = [f"UpBlock{suffix}"] + [f"CrossAttnUpBlock{suffix}"] * (levels - 1)
    return {"down_block_types": down, "up_block_types": up}


def sd_vae() -> diffusers.AutoencoderKL:
    return diffusers.AutoencoderKL(
        block_out_channels=WIDTHS,
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        latent_channels=4,
        norm_num_groups=2,
    )


def _sd_parts() -> dict[str, Any]:
    """What every pipeline over Stable Diffusion 1.5 has but its UNet."""
    return {
        "vae": sd_vae(),
        "text_encoder": clip_text(8),
        "tokenizer": clip_tokenizer(),
        "scheduler": diffusers.DDIMScheduler(beta_schedule="linear", clip_sample=False, steps_offset=1),
    }


def _sd_unet() -> diffusers.UNet2DConditionModel:
    return diffusers.UNet2DConditionModel(
        **_unet_blocks(),
        block_out_channels=WIDTHS,
        layers_per_block=1,
        cross_attention_dim=8,
        attention_head_dim=2,
        norm_num_groups=2,
    )


def text_to_image() -> DiffusionPipeline:
    return diffusers.StableDiffusionPipeline(
        **_sd_parts(), unet=_sd_unet(), safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )


def _motion(widths: tuple[int, ...] = WIDTHS, **fields: Any) -> diffusers.MotionAdapter:
    return diffusers.MotionAdapter(
        block_out_channels=widths,
        motion_layers_per_block=1,
        motion_norm_num_groups=2,
        motion_num_attention_heads=2,
        **fields,
    )


def animatediff() -> DiffusionPipeline:
    return diffusers.AnimateDiffPipeline(**_sd_parts(), unet=_sd_unet(), motion_adapter=_motion())


def animatediff_sparse() -> DiffusionPipeline:
    controlnet = diffusers.SparseControlNetModel(
        down_block_types=_unet_blocks("Motion")["down_block_types"],
        block_out_channels=WIDTHS,
        layers_per_block=1,
        cross_attention_dim=8,
        attention_head_dim=2,
        norm_num_groups=2,
        motion_num_attention_heads=2,
        use_simplified_condition_embedding=True,
    )
    return diffusers.AnimateDiffSparseControlNetPipeline(
        **_sd_parts(), unet=_sd_unet(), motion_adapter=_motion(), controlnet=controlnet
    )


def animatediff_sdxl() -> DiffusionPipeline:
    unet = diffusers.UNet2DConditionModel(
        down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        block_out_channels=WIDTHS[:3],
        layers_per_block=1,
        transformer_layers_per_block=(1, 1, 2),
        cross_attention_dim=16,
        attention_head_dim=(2, 2, 2),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + 8,
        norm_num_groups=2,
    )
    return diffusers.AnimateDiffSDXLPipeline(
        **_sd_parts(),
        text_encoder_2=clip_text(8, "CLIPTextModelWithProjection"),
        tokenizer_2=clip_tokenizer(),
        unet=unet,
        motion_adapter=_motion(WIDTHS[:3], use_motion_mid_block=False),
    )


def _unet_3d() -> diffusers.UNet3DConditionModel:
    return diffusers.UNet3DConditionModel(
        **_unet_blocks("3D"),
        block_out_channels=WIDTHS,
        layers_per_block=1,
        cross_attention_dim=8,
        attention_head_dim=4,
        norm_num_groups=2,
    )


def modelscope() -> DiffusionPipeline:
    return diffusers.TextToVideoSDPipeline(**_sd_parts(), unet=_unet_3d())


def zeroscope_xl() -> DiffusionPipeline:
    return diffusers.VideoToVideoSDPipeline(**_sd_parts(), unet=_unet_3d())


def svd() -> DiffusionPipeline:
    encoder, processor = clip_vision(8, projection=8)
    unet = diffusers.UNetSpatioTemporalConditionModel(
        **_unet_blocks("SpatioTemporal", levels=2),
        block_out_channels=(32, 64),
        layers_per_block=1,
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=3 * 8,
        cross_attention_dim=8,
        num_attention_heads=(2, 4),
        num_frames=14,
    )
    vae = diffusers.AutoencoderKLTemporalDecoder(
        down_block_types=["DownEncoderBlock2D"] * 4, block_out_channels=[32] * 4, latent_channels=4
    )
    scheduler = diffusers.EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        sigma_min=0.002,
        sigma_max=700.0,
        steps_offset=1,
        timestep_spacing="leading",
        timestep_type="continuous",
        use_karras_sigmas=True,
    )
    return diffusers.StableVideoDiffusionPipeline(vae, encoder, unet, scheduler, processor)
