"""Tiny pipelines of the families over transformers that read their words with T5: Wan, LTX, CogVideoX and others."""

# pyright: reportArgumentType=false, reportCallIssue=false
# diffusers annotates tuples of any length as tuples of one, and parts that may be missing as parts.

from __future__ import annotations

from typing import Any

import diffusers
from diffusers import DiffusionPipeline
from diffusers.pipelines.ltx.modeling_latent_upsampler import LTXLatentUpsamplerModel
from tiny_unets import sd_vae
from tiny_words import clip_vision, t5_text, t5_tokenizer

WIDTHS = (8, 8, 8, 8)
"""Channels of the levels of a VAE."""


def _wan_parts() -> dict[str, Any]:
    """What every Wan pipeline has but its transformer."""
    return {
        "tokenizer": t5_tokenizer(),
        "text_encoder": t5_text(cls="UMT5EncoderModel"),
        "vae": diffusers.AutoencoderKLWan(base_dim=3, dim_mult=[1, 1, 1, 1], num_res_blocks=1),
        "scheduler": diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=3.0
        ),
    }


def _wan_transformer(cls: str = "WanTransformer3DModel", **fields: Any) -> Any:
    size = {"num_attention_heads": 2, "attention_head_dim": 12, "num_layers": 2, "ffn_dim": 32, "text_dim": 32}
    return getattr(diffusers, cls)(**size, freq_dim=32, rope_max_seq_len=128, **fields)


def wan() -> DiffusionPipeline:
    return diffusers.WanPipeline(**_wan_parts(), transformer=_wan_transformer())


def wan_22() -> DiffusionPipeline:
    """Two transformers, one for the noisy steps and one for the others."""
    return diffusers.WanPipeline(
        **_wan_parts(), transformer=_wan_transformer(), transformer_2=_wan_transformer(), boundary_ratio=0.875
    )


def wan_i2v() -> DiffusionPipeline:
    """Wan 2.1: its 36 channels are 16 of noise, 4 that mark given frames and 16 of those frames."""
    encoder, processor = clip_vision(8, cls="CLIPVisionModel")
    transformer = _wan_transformer(in_channels=36, image_dim=8, added_kv_proj_dim=24)
    return diffusers.WanImageToVideoPipeline(
        **_wan_parts(), transformer=transformer, image_encoder=encoder, image_processor=processor
    )


def wan_vace() -> DiffusionPipeline:
    transformer = _wan_transformer("WanVACETransformer3DModel", vace_layers=[0, 1], vace_in_channels=96)
    return diffusers.WanVACEPipeline(**_wan_parts(), transformer=transformer)


def ltx() -> DiffusionPipeline:
    """As LTX-Video is since 0.9.5: it knows keyframes, and its VAE is told how much noise is left."""
    return diffusers.LTXPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift_terminal=0.1),
        vae=diffusers.AutoencoderKLLTXVideo(
            latent_channels=8,
            block_out_channels=WIDTHS,
            decoder_block_out_channels=WIDTHS,
            layers_per_block=(1,) * 5,
            decoder_layers_per_block=(1,) * 5,
            timestep_conditioning=True,
        ),
        text_encoder=t5_text(),
        tokenizer=t5_tokenizer(),
        transformer=diffusers.LTXVideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            num_attention_heads=4,
            attention_head_dim=8,
            cross_attention_dim=32,
            num_layers=2,
            caption_channels=32,
        ),
    )


def ltx_upsampler() -> DiffusionPipeline:
    """Makes latents of LTX twice as large a side."""
    return diffusers.LTXLatentUpsamplePipeline(
        vae=ltx().components["vae"],
        latent_upsampler=LTXLatentUpsamplerModel(in_channels=8, mid_channels=32, num_blocks_per_stage=1),
    )


def _cogvideox_parts() -> dict[str, Any]:
    return {
        "tokenizer": t5_tokenizer(),
        "text_encoder": t5_text(),
        "vae": diffusers.AutoencoderKLCogVideoX(
            block_out_channels=WIDTHS, latent_channels=4, layers_per_block=1, norm_num_groups=2
        ),
        "scheduler": diffusers.CogVideoXDPMScheduler(
            prediction_type="v_prediction", timestep_spacing="trailing", rescale_betas_zero_snr=True
        ),
    }


def _cogvideox_transformer(**fields: Any) -> diffusers.CogVideoXTransformer3DModel:
    return diffusers.CogVideoXTransformer3DModel(
        out_channels=4,
        text_embed_dim=32,
        time_embed_dim=8,
        num_attention_heads=2,
        attention_head_dim=16,
        num_layers=2,
        use_rotary_positional_embeddings=True,
        **fields,
    )


def cogvideox() -> DiffusionPipeline:
    return diffusers.CogVideoXPipeline(**_cogvideox_parts(), transformer=_cogvideox_transformer(in_channels=4))


def cogvideox_i2v() -> DiffusionPipeline:
    """Half its channels are the image's; its learned positions fit 16x16 pixels and 9 frames, as the large one's do
    720x480 and 49."""
    transformer = _cogvideox_transformer(
        in_channels=8, use_learned_positional_embeddings=True, sample_width=4, sample_height=4, sample_frames=9
    )
    return diffusers.CogVideoXImageToVideoPipeline(**_cogvideox_parts(), transformer=transformer)


def wan_22_5b() -> DiffusionPipeline:
    """Text and image in one transformer: each token has a timestep of its own, and the VAE shrinks sides by 16."""
    parts = _wan_parts()
    parts["vae"] = diffusers.AutoencoderKLWan(
        base_dim=4,
        decoder_base_dim=4,
        z_dim=48,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        is_residual=True,
        in_channels=12,
        out_channels=12,
        patch_size=2,
        scale_factor_spatial=16,
        latents_mean=[0.0] * 48,
        latents_std=[1.0] * 48,
    )
    transformer = _wan_transformer(in_channels=48, out_channels=48)
    return diffusers.WanPipeline(**parts, transformer=transformer, expand_timesteps=True)


def skyreels() -> DiffusionPipeline:
    return diffusers.SkyReelsV2DiffusionForcingPipeline(
        **_wan_parts(), transformer=_wan_transformer("SkyReelsV2Transformer3DModel")
    )


def latte() -> DiffusionPipeline:
    """Its positions in time are built for 16 frames."""
    transformer = diffusers.LatteTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=8,
        num_layers=1,
        cross_attention_dim=16,
        caption_channels=32,
        sample_size=2,
        patch_size=2,
        attention_bias=True,
        activation_fn="gelu-approximate",
        norm_type="ada_norm_single",
        norm_elementwise_affine=False,
        num_embeds_ada_norm=1000,
        video_length=16,
    )
    return diffusers.LattePipeline(t5_tokenizer(), t5_text(), sd_vae(), transformer, diffusers.DDIMScheduler())


def mochi() -> DiffusionPipeline:
    return diffusers.MochiPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(invert_sigmas=True),
        vae=diffusers.AutoencoderKLMochi(
            encoder_block_out_channels=(32, 32, 32, 32),
            decoder_block_out_channels=(32, 32, 32, 32),
            layers_per_block=(1,) * 5,
        ),
        text_encoder=t5_text(),
        tokenizer=t5_tokenizer(),
        transformer=diffusers.MochiTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=8,
            num_layers=2,
            pooled_projection_dim=16,
            text_embed_dim=32,
            time_embed_dim=8,
        ),
    )


def allegro() -> DiffusionPipeline:
    """Its VAE renders in tiles only, once `enable_tiling` was called: here one of 128x128 pixels and 24 frames."""
    return diffusers.AllegroPipeline(
        t5_tokenizer(),
        t5_text(),
        diffusers.AutoencoderKLAllegro(
            block_out_channels=WIDTHS, layers_per_block=1, norm_num_groups=2, sample_size=128
        ),
        diffusers.AllegroTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=24,
            num_layers=2,
            cross_attention_dim=48,
            caption_channels=32,
            sample_height=16,
            sample_width=16,
            sample_frames=6,
        ),
        diffusers.EulerAncestralDiscreteScheduler(),
    )
