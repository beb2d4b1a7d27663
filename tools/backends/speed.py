"""Makes a diffusers pipeline quicker: compiled blocks, another attention kernel, and caches that must show they work.

A cache takes what a block made at an earlier step for what it would make now. diffusers has five of them, and each can
be put on a network that it then leaves as slow as before; here the blocks are counted, and `Fired.check` says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from kinograph.errors import BadInput, UnknownName, told
from kinograph.film import Noun
from kinograph.tools.backends.caching import Cache, Fired, Plan, put_on, refuse, take_off
from kinograph.tools.backends.placing import denoisers

if TYPE_CHECKING:
    import torch


MARK = "_kinograph_speed"
"""Attribute of a denoiser that has something on."""


class Speed(Noun):
    """What may be done for speed. Compiled blocks and attention kernels change pixels by rounding, caches by more."""

    compile: bool = False
    """Compile the blocks that the denoiser is made of; the first render of each size takes minutes longer."""
    attention: str = ""
    """Name of an attention backend of diffusers, such as "flash" or "sage"; none is torch's own."""
    cache: Cache = "none"
    """pyramid: attention is taken over between steps (Zhao et al. 2024). first-block: all blocks but the first are,
    while that changes little (ParaAttention). faster: attention goes on along its last change (FasterCache, Lv et al.
    2024). taylor: so does the whole network (TaylorSeer, Liu et al. 2025). mag: the network's last change is added anew
    (MagCache, Ma et al. 2025)."""
    cache_every: int = Field(default=2, ge=2, le=10)
    """Every how many steps blocks are computed anew, for all caches but first-block."""
    cache_threshold: float = Field(default=0.05, gt=0, le=1)
    """Mean relative change of the first block below which first-block skips the others."""


def speed_up(pipe: Any, speed: Speed, steps: int) -> Fired:
    """Puts it on the pipeline that is about to be called with so many steps, and takes off what was on before.

    After a pipeline was put on a rung of the memory plan, that is; take it off with `slow_down` before that. Raises
    BadInput for what the pipeline or this installation cannot do, and then leaves nothing on.
    """
    fired = Fired(type(pipe).__name__, speed.cache, steps)
    plan = Plan(speed.cache, speed.cache_every, speed.cache_threshold, steps)
    compiled = speed.compile and all(map(_is_compiled, denoisers(pipe)))
    _check(pipe, speed)
    slow_down(pipe, compiled=compiled)
    try:
        for denoiser in denoisers(pipe) if speed != Speed() else ():
            setattr(denoiser, MARK, True)
            if speed.attention:
                _attend(denoiser, speed.attention)
            if speed.cache != "none":
                put_on(pipe, denoiser, plan, fired)
            if speed.compile and not compiled:
                denoiser.compile_repeated_blocks(fullgraph=True)
    except BaseException:
        slow_down(pipe)
        raise
    return fired


def slow_down(pipe: Any, compiled: bool = False) -> None:
    """Takes off whatever `speed_up` put on; `compiled` blocks may stay so, as compiling takes long."""
    for denoiser in denoisers(pipe):
        if not getattr(denoiser, MARK, False):
            continue  # a thousand layers need not be looked through at each render
        setattr(denoiser, MARK, compiled)
        take_off(denoiser)
        if any(processor._attention_backend for processor in _kernels(denoiser)):
            denoiser.reset_attention_backend()
        for layer in denoiser.modules() if not compiled else ():
            layer._compiled_call_impl = None


def _check(pipe: Any, speed: Speed) -> None:
    kind = type(pipe).__name__
    if speed.compile and speed.cache != "none":
        raise BadInput(
            f"compile = true does not go with cache = {speed.cache!r}: what a cache does differs from step to step"
        )
    for denoiser in denoisers(pipe):
        network = type(denoiser).__name__
        if speed.compile and not denoiser._repeated_blocks:
            raise BadInput(f"{network} of {kind} names no blocks that could be compiled; take compile = false")
        if speed.cache != "none":
            refuse(pipe, denoiser, speed.cache)


# -------------------------------------------------------------------------------------- attention


def _attend(denoiser: Any, name: str) -> None:
    """Has the denoiser's attention use a backend, and nothing else's: diffusers sets one for all models besides."""
    from diffusers.models.attention_dispatch import AttentionBackendName, _AttentionBackendRegistry

    known = sorted(one.value for one in AttentionBackendName)
    if name not in known:
        raise UnknownName("attention backend", name, known)
    if not any(True for _ in _kernels(denoiser)):
        raise BadInput(f"{type(denoiser).__name__} cannot change its attention, got {name!r}; take attention = ''")
    everywhere, _ = _AttentionBackendRegistry.get_active_backend()
    try:
        denoiser.set_attention_backend(name)
    except Exception as error:  # of many kinds: a package that lacks, a kernel that cannot be fetched
        raise BadInput(f"attention backend {name!r} cannot be used here: {told(error)}") from error
    finally:
        _AttentionBackendRegistry.set_active_backend(everywhere)


def _kernels(denoiser: torch.nn.Module) -> Iterator[Any]:
    """The attention processors whose backend can be chosen."""
    for layer in denoiser.modules():
        processor = getattr(layer, "processor", None)
        if hasattr(processor, "_attention_backend"):
            yield processor


def _is_compiled(denoiser: torch.nn.Module) -> bool:
    return any(layer._compiled_call_impl is not None for layer in denoiser.modules())
