"""Puts a diffusers pipeline on a device the way a rung of the memory plan says, and takes it off an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kinograph.errors import BadInput, RenderFailed

if TYPE_CHECKING:
    import torch

    from kinograph.tools.backends.memory_plan import Offload, Rung

DENOISERS = ("transformer", "transformer_2", "unet")
"""Components that run at every step."""
EXACT = frozenset({"AutoencoderKLWan", "AutoencoderKLAllegro"})
"""Autoencoders that are to stay in float32."""
TEMPORAL = frozenset({"TransformerTemporalModel", "AnimateDiffTransformer3D"})
"""Parts of video UNets that see `[places,frames,C]`, where the others see `[frames,places,C]`."""


def apply(pipe: Any, rung: Rung, device: str) -> tuple[str, ...]:
    """Puts a diffusers pipeline on `device` as the rung says, whichever rung it was on; gives what is switched on.

    Tiles and slices are left out where the autoencoder has none, chunks where the denoiser has none. Raises BadInput
    for what the pipeline or the device cannot do, RenderFailed for a switch that did nothing.
    """
    import torch

    where = torch.device(device)
    _check(pipe, rung, where)
    bare(pipe)
    _in_format(pipe, getattr(torch, rung.dtype))
    if rung.quantized == "fp8":
        _quantize(pipe, getattr(torch, rung.dtype))
    asked = [name for name in ("tiling", "slicing") if getattr(rung, name) and _has(pipe, f"use_{name}")]
    for name in asked:
        getattr(pipe.vae, f"enable_{name}")()
    chunkable = [one for one in denoisers(pipe) if hasattr(one, "enable_forward_chunking")] if rung.chunking else []
    for denoiser in chunkable:
        _chunk(denoiser)
    _place(pipe, rung.offload, where)
    asked += ["chunking"] * bool(chunkable) + [rung.offload] * (rung.offload != "none")
    asked += ["fp8"] * (rung.quantized == "fp8")
    for name in asked:
        if not on(pipe, name):
            raise RenderFailed(f"{type(pipe).__name__} took {name!r} of rung {rung.name!r} and did nothing")
    if rung.offload == "none" and (left := _elsewhere(pipe, where)):
        raise RenderFailed(f"{left} of {type(pipe).__name__} is not on {device} on rung {rung.name!r}")
    return tuple(asked)


def on(pipe: Any, name: str) -> bool:
    """Whether a switch of a rung is on: tiling, slicing, chunking, model, group, sequential or fp8."""
    import torch

    layers = [layer for denoiser in denoisers(pipe) for layer in denoiser.modules()]
    if name in ("tiling", "slicing"):
        return getattr(pipe.vae, f"use_{name}") is True
    if name == "chunking":
        return any(getattr(layer, "_chunk_size", None) for layer in layers)
    if name == "model":
        return bool(getattr(pipe, "_all_hooks", []))
    if name == "group":
        return bool(denoisers(pipe)) and all(_grouped(denoiser) for denoiser in denoisers(pipe))
    if name == "sequential":
        return any(getattr(getattr(layer, "_hf_hook", None), "offload", False) for layer in layers)
    return any(one.dtype == torch.float8_e4m3fn for layer in layers for one in layer.parameters(recurse=False))


def denoisers(pipe: Any) -> list[Any]:
    """The networks of a pipeline that run at every step."""
    return [pipe.components[name] for name in DENOISERS if pipe.components.get(name) is not None]


def _modules(pipe: Any) -> dict[str, torch.nn.Module]:
    import torch

    return {name: part for name, part in pipe.components.items() if isinstance(part, torch.nn.Module)}


def _has(pipe: Any, flag: str) -> bool:
    """Whether the autoencoder knows the flag: those that do not still have the method, which raises."""
    return hasattr(getattr(pipe, "vae", None), flag)


def _check(pipe: Any, rung: Rung, where: torch.device) -> None:
    kind = type(pipe).__name__
    if rung.offload == "sequential" and where.type == "cpu":
        raise BadInput(f"rung {rung.name!r} offloads layers from the CPU to itself, which accelerate cannot")
    if (rung.quantized == "fp8" or rung.offload == "group") and not denoisers(pipe):
        raise BadInput(f"{kind} has no denoiser to offload or quantize: one of {', '.join(DENOISERS)}")
    if rung.quantized == "none" and on(pipe, "fp8"):
        raise BadInput(f"{kind} was cast to fp8 and cannot go back to rung {rung.name!r}: load it anew")


def bare(pipe: Any) -> None:
    """Takes off what earlier rungs put on, all but fp8."""
    pipe.remove_all_hooks()
    for part in _modules(pipe).values():
        if _grouped(part):
            _ungroup(part)
    for name in ("tiling", "slicing"):
        if _has(pipe, f"use_{name}"):
            getattr(pipe.vae, f"disable_{name}")()
    for denoiser in denoisers(pipe):
        for layer in denoiser.modules():
            if getattr(layer, "_chunk_size", None):
                layer.set_chunk_feed_forward(None, dim=0)


def _grouped(part: Any) -> bool:
    hooked = (layer._diffusers_hook.hooks for layer in part.modules() if hasattr(layer, "_diffusers_hook"))
    return any("group_offloading" in hooks for hooks in hooked)


def _ungroup(part: torch.nn.Module) -> None:
    """diffusers has no public way to take group offloading off; this is what it does itself to put it on anew."""
    from diffusers.hooks import HookRegistry

    registry = HookRegistry.check_if_exists_or_initialize(part)
    for name in ("group_offloading", "layer_execution_tracker", "lazy_prefetch_group_offloading"):
        registry.remove_hook(name, recurse=True)


def _in_format(pipe: Any, dtype: torch.dtype) -> None:
    """Casts what is in another format, as `from_pretrained` would have: what must stay float32 does."""
    import torch
    from diffusers import ModelMixin

    for part in _modules(pipe).values():
        own = torch.float32 if type(part).__name__ in EXACT else dtype
        kept = set(getattr(part, "_keep_in_fp32_modules", None) or ())
        if not isinstance(part, ModelMixin) and own != torch.float16:
            kept = set()  # transformers keeps them for the small range of float16 alone
        for name, weight in (*part.named_parameters(), *part.named_buffers()):
            if weight.dtype in (torch.float32, torch.bfloat16, torch.float16):
                weight.data = weight.data.to(torch.float32 if kept & set(name.split(".")) else own)


def _quantize(pipe: Any, dtype: torch.dtype) -> None:
    import torch

    if not on(pipe, "fp8"):
        for denoiser in denoisers(pipe):
            denoiser.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=dtype)


def _chunk(denoiser: Any) -> None:
    """Frame by frame everywhere: one axis for all parts, as diffusers sets it, goes place by place in some."""
    denoiser.enable_forward_chunking(chunk_size=1, dim=0)
    for part in denoiser.modules():
        if type(part).__name__ in TEMPORAL:
            for layer in part.modules():
                if hasattr(layer, "set_chunk_feed_forward"):
                    layer.set_chunk_feed_forward(1, dim=1)


def _place(pipe: Any, offload: Offload, where: torch.device) -> None:
    if offload == "none":
        pipe.to(where)
        return
    pipe.to("cpu", silence_dtype_warnings=True)
    if offload == "model":
        pipe.enable_model_cpu_offload(device=where)
    elif offload == "sequential":
        pipe.enable_sequential_cpu_offload(device=where)
    else:
        _group(pipe, where)


def _group(pipe: Any, where: torch.device) -> None:
    """The denoiser block by block, the next on its way while one works; the rest layer by layer, as it works once.

    Autoencoders are entered by `encode` and `decode`, which blocks do not see and streams do not foresee.
    """
    from diffusers.hooks import apply_group_offloading

    for name, part in _modules(pipe).items():
        if not getattr(part, "_supports_group_offloading", True):
            part.to(where)
        elif name in DENOISERS:
            ahead = where.type == "cuda"
            apply_group_offloading(part, where, num_blocks_per_group=1, use_stream=ahead)
        else:
            apply_group_offloading(part, where, offload_type="leaf_level")


def _elsewhere(pipe: Any, where: torch.device) -> str:
    """The first weight that is not on a device of that kind, by name."""
    for component, part in _modules(pipe).items():
        for name, weight in part.named_parameters():
            if weight.device.type != where.type:
                return f"{component}.{name}"
    return ""
