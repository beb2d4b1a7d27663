"""Tiny pipelines of the families that read their words with a language model: HunyuanVideo, LTX-2 and Sana-Video."""

# pyright: reportArgumentType=false, reportCallIssue=false
# diffusers annotates tuples of any length as tuples of one, and parts that may be missing as parts.

from __future__ import annotations

from inspect import signature
from typing import Any

import diffusers
import transformers
from diffusers import DiffusionPipeline
from diffusers.guiders import ClassifierFreeGuidance
from diffusers.pipelines.hunyuan_video import pipeline_hunyuan_video, pipeline_hunyuan_video_image2video
from diffusers.pipelines.ltx2 import LTX2TextConnectors, LTX2Vocoder
from tiny_words import bpe_tokenizer, clip_text, clip_tokenizer, t5_text

WIDTHS = (8, 8, 8, 8)
"""Channels of the levels of a VAE."""
LLAMA = ["<pad>", "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
QWEN = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
GEMMA = ["<pad>", "<eos>", "<bos>", "<unk>"]
QWEN_CHAT = """
{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}
"""


def _decoder(tokenizer: transformers.PreTrainedTokenizerFast) -> dict[str, Any]:
    """Sizes of a tiny language model over that tokenizer."""
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }


def _llama_tokenizer(template: str, *more: str) -> transformers.PreTrainedTokenizerFast:
    return bpe_tokenizer(
        [template], [*LLAMA, *more], pad_token="<pad>", bos_token="<|begin_of_text|>", eos_token="<|end_of_text|>"
    )


def _hunyuan_parts() -> dict[str, Any]:
    """What the first HunyuanVideos have but their language model and transformer."""
    return {
        "vae": diffusers.AutoencoderKLHunyuanVideo(
            block_out_channels=WIDTHS, layers_per_block=1, norm_num_groups=2, mid_block_add_attention=True
        ),
        "scheduler": diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
        "text_encoder_2": clip_text(8),
        "tokenizer_2": clip_tokenizer(),
    }


def _llama(template: str) -> dict[str, Any]:
    tokenizer = _llama_tokenizer(template)
    model = transformers.LlamaModel(transformers.LlamaConfig(**_decoder(tokenizer)))
    return {"tokenizer": tokenizer, "text_encoder": model}


def _hunyuan_transformer(cls: str = "HunyuanVideoTransformer3DModel", **fields: Any) -> Any:
    return getattr(diffusers, cls)(
        num_attention_heads=2,
        attention_head_dim=16,
        num_layers=1,
        num_single_layers=1,
        num_refiner_layers=1,
        text_embed_dim=16,
        pooled_projection_dim=8,
        rope_axes_dim=(4, 6, 6),
        **fields,
    )


def hunyuan() -> DiffusionPipeline:
    llama = _llama(pipeline_hunyuan_video.DEFAULT_PROMPT_TEMPLATE["template"])
    return diffusers.HunyuanVideoPipeline(**_hunyuan_parts(), **llama, transformer=_hunyuan_transformer())


def hunyuan_i2v() -> DiffusionPipeline:
    """Its language model sees the image too, as 576 tokens; the image takes the place of the first latent frame."""
    tokenizer = _llama_tokenizer(pipeline_hunyuan_video_image2video.DEFAULT_PROMPT_TEMPLATE["template"], "<image>")
    size = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**size, image_size=336, patch_size=14, projection_dim=8),
        text_config=transformers.LlamaConfig(**_decoder(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
    )
    processor = transformers.CLIPImageProcessor(size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336})
    return diffusers.HunyuanVideoImageToVideoPipeline(
        **_hunyuan_parts(),
        tokenizer=tokenizer,
        text_encoder=transformers.LlavaForConditionalGeneration(config),
        image_processor=processor,
        transformer=_hunyuan_transformer(image_condition_type="token_replace"),
    )


def hunyuan_framepack() -> DiffusionPipeline:
    """Renders whole sections: one gives 37 frames, whatever fewer was asked for."""
    size = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    vision = transformers.SiglipVisionConfig(**size, image_size=32, patch_size=16)
    return diffusers.HunyuanVideoFramepackPipeline(
        **_hunyuan_parts(),
        **_llama(pipeline_hunyuan_video.DEFAULT_PROMPT_TEMPLATE["template"]),
        transformer=_hunyuan_transformer(
            "HunyuanVideoFramepackTransformer3DModel", has_image_proj=True, image_proj_dim=8, has_clean_x_embedder=True
        ),
        image_encoder=transformers.SiglipVisionModel(vision),
        feature_extractor=transformers.SiglipImageProcessor(size={"height": 32, "width": 32}),
    )


def _hunyuan_15_parts(**transformer: Any) -> dict[str, Any]:
    message = diffusers.HunyuanVideo15Pipeline._get_mllm_prompt_embeds
    tokenizer = bpe_tokenizer(
        [signature(message).parameters["system_message"].default, "system\nuser\nassistant"],
        QWEN,
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
    )
    tokenizer.chat_template = QWEN_CHAT
    rope = {"rope_type": "default", "rope_theta": 1000000.0, "mrope_section": [1, 1, 2]}
    config = transformers.Qwen2_5_VLTextConfig(**_decoder(tokenizer), rope_parameters=rope)
    return {
        "text_encoder": transformers.Qwen2_5_VLTextModel(config),
        "tokenizer": tokenizer,
        "transformer": diffusers.HunyuanVideo15Transformer3DModel(
            in_channels=2 * 4 + 1,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=16,
            num_layers=1,
            num_refiner_layers=1,
            text_embed_dim=16,
            text_embed_2_dim=16,
            image_embed_dim=8,
            rope_axes_dim=(4, 6, 6),
            **transformer,
        ),
        "vae": diffusers.AutoencoderKLHunyuanVideo15(
            latent_channels=4, block_out_channels=(8, 8, 8, 8, 8), layers_per_block=1
        ),
        "scheduler": diffusers.FlowMatchEulerDiscreteScheduler(shift=5.0),
        "text_encoder_2": t5_text(16),
        "tokenizer_2": transformers.ByT5Tokenizer(extra_ids=0),
        "guider": ClassifierFreeGuidance(guidance_scale=6.0),
    }


def hunyuan_15() -> DiffusionPipeline:
    """Half of its transformer's channels are for a given image; guidance is a part of its own."""
    return diffusers.HunyuanVideo15Pipeline(**_hunyuan_15_parts(task_type="t2v"))


def hunyuan_15_i2v() -> DiffusionPipeline:
    """It chooses the clip's size itself: the shape nearest to its image's, of about `target_size` squared."""
    size = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    vision = transformers.SiglipVisionConfig(**size, image_size=32, patch_size=16)
    return diffusers.HunyuanVideo15ImageToVideoPipeline(
        **_hunyuan_15_parts(task_type="i2v", target_size=16),
        image_encoder=transformers.SiglipVisionModel(vision),
        feature_extractor=transformers.SiglipImageProcessor(size={"height": 32, "width": 32}),
    )


def sana() -> DiffusionPipeline:
    default = signature(diffusers.SanaVideoPipeline.__call__).parameters["complex_human_instruction"].default
    tokenizer = bpe_tokenizer(default, GEMMA, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>")
    config = transformers.Gemma2Config(**_decoder(tokenizer), head_dim=8, query_pre_attn_scalar=8)
    return diffusers.SanaVideoPipeline(
        tokenizer=tokenizer,
        text_encoder=transformers.Gemma2Model(config),
        vae=diffusers.AutoencoderKLWan(base_dim=3, dim_mult=[1, 1, 1, 1], num_res_blocks=1),
        transformer=diffusers.SanaVideoTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=12,
            num_layers=2,
            num_cross_attention_heads=2,
            cross_attention_head_dim=12,
            cross_attention_dim=24,
            caption_channels=16,
            rope_max_seq_len=128,
        ),
        scheduler=diffusers.DPMSolverMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=8.0
        ),
    )


def _gemma_3() -> dict[str, Any]:
    tokenizer = bpe_tokenizer([], GEMMA, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>")
    tokenizer.model_max_length = 1024
    size = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.Gemma3Config(
        text_config=transformers.Gemma3TextConfig(**_decoder(tokenizer), head_dim=8, query_pre_attn_scalar=8),
        vision_config=transformers.SiglipVisionConfig(**size, image_size=32, patch_size=16),
        mm_tokens_per_image=4,
    )
    return {"tokenizer": tokenizer, "text_encoder": transformers.Gemma3ForConditionalGeneration(config)}


def ltx_2() -> DiffusionPipeline:
    """Picture and sound: 24 kHz in stereo, 240 samples for each of the hundred mel frames of a second."""
    return diffusers.LTX2Pipeline(
        **_gemma_3(),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=True, base_shift=0.95, max_shift=2.05, shift_terminal=0.1
        ),
        vae=diffusers.AutoencoderKLLTX2Video(
            latent_channels=8,
            block_out_channels=(8, 16, 32, 64),
            decoder_block_out_channels=(8, 16, 32),
            layers_per_block=(1,) * 5,
            decoder_layers_per_block=(1,) * 4,
            spatial_compression_ratio=32,
            temporal_compression_ratio=8,
        ),
        audio_vae=diffusers.AutoencoderKLLTX2Audio(
            base_channels=8, num_res_blocks=1, latent_channels=2, resolution=32, mel_bins=16
        ),
        connectors=LTX2TextConnectors(
            caption_channels=16,
            text_proj_in_factor=4,
            video_connector_num_attention_heads=2,
            video_connector_attention_head_dim=8,
            video_connector_num_layers=1,
            audio_connector_num_attention_heads=2,
            audio_connector_attention_head_dim=8,
            audio_connector_num_layers=1,
        ),
        transformer=diffusers.LTX2VideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            num_attention_heads=2,
            attention_head_dim=8,
            cross_attention_dim=16,
            audio_in_channels=8,
            audio_out_channels=8,
            audio_num_attention_heads=2,
            audio_attention_head_dim=8,
            audio_cross_attention_dim=16,
            num_layers=2,
            caption_channels=16,
        ),
        vocoder=LTX2Vocoder(in_channels=2 * 16, hidden_channels=32, resnet_kernel_sizes=[3], resnet_dilations=[[1, 3]]),
    )
