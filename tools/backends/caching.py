"""diffusers' caches on a denoiser, with counters around them and a hook that tells its passes apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from kinograph.errors import BadInput, RenderFailed, told

if TYPE_CHECKING:
    import torch

Cache = Literal["none", "pyramid", "first-block", "faster", "taylor", "mag"]
LOOP, ASKED, COMPUTED = "kinograph_loop", "kinograph_asked", "kinograph_computed"
"""Names of our own hooks in diffusers' registries."""
CLOCKED: tuple[Cache, ...] = ("pyramid", "faster")
"""Caches that work by the timestep, which they ask of the pipeline."""


class Plan(NamedTuple):
    """Which cache, and how much of it."""

    cache: Cache
    every: int
    """Every how many steps blocks are computed anew."""
    threshold: float
    """Mean relative change of the first block below which first-block skips the others."""
    steps: int


class Fired:
    """What a cache did since it was put on: evaluations of blocks, or of attention where it skips that alone."""

    def __init__(self, kind: str, cache: Cache, steps: int) -> None:
        self._kind, self._cache, self._steps = kind, cache, steps
        self.asked = 0
        self.computed = 0

    @property
    def skipped(self) -> int:
        """Evaluations for which an earlier one stood in."""
        return self.asked - self.computed

    @property
    def ratio(self) -> float:
        """Share of the evaluations that were computed; 1 without a cache."""
        return self.computed / self.asked if self.asked else 1.0

    def check(self) -> None:
        """Raises RenderFailed when a cache was asked for and skipped nothing."""
        if self._cache != "none" and not self.skipped:
            raise RenderFailed(
                f"cache {self._cache!r} skipped none of {self.asked} block evaluations of {self._kind} in "
                f"{self._steps} steps; take more steps, another cache, or cache = 'none'"
            )


def refuse(pipe: Any, denoiser: Any, cache: Cache) -> None:
    """Raises BadInput for a cache that would not work on this denoiser, or would spoil what it makes."""
    kind, network = type(pipe).__name__, type(denoiser).__name__
    if not hasattr(denoiser, "enable_cache"):
        raise BadInput(f"{network} of {kind} has no caches, got {cache!r}; take cache = 'none'")
    if cache == "taylor" and hasattr(denoiser, "audio_proj_out"):
        raise BadInput(f"cache 'taylor' would spoil the sound of {kind}, which it does not foresee; take 'pyramid'")
    if cache in ("first-block", "mag") and hasattr(denoiser, "temporal_transformer_blocks"):
        raise BadInput(
            f"{network} of {kind} goes from blocks of space to blocks of time and back, which cache {cache!r} does not "
            "follow; take 'pyramid', 'faster' or 'taylor'"
        )
    if cache in CLOCKED and not hasattr(type(pipe), "current_timestep"):
        raise BadInput(f"{kind} does not tell its timestep, by which cache {cache!r} works; take 'taylor'")


def take_off(denoiser: Any) -> None:
    """Leaves a denoiser without a cache. From the outermost hook inwards, the only order that diffusers gets right."""
    from diffusers.hooks import HookRegistry

    registry = HookRegistry.check_if_exists_or_initialize(denoiser)
    registry.remove_hook(LOOP)
    registry.remove_hook(ASKED)
    if getattr(denoiser, "is_cache_enabled", False):
        denoiser.disable_cache()
    registry.remove_hook(COMPUTED)


def put_on(pipe: Any, denoiser: Any, plan: Plan, fired: Fired) -> None:
    """Puts a cache on, between a counter of what is computed and one of what is asked for. Raises BadInput."""
    from diffusers.hooks import HookRegistry

    loop = _loop(pipe)
    config = _config(plan, _factors(denoiser), loop.clock)
    before = _hooks(denoiser)
    try:
        denoiser.enable_cache(config)
        hooked = {name: found for name, found in _hooks(denoiser).items() if found != before.get(name, ())}
        blocks = [denoiser.get_submodule(name) for name in hooked if "block" in name]
        denoiser.disable_cache()
        for block in blocks:
            HookRegistry.check_if_exists_or_initialize(block).register_hook(_counter(fired, "computed"), COMPUTED)
        denoiser.enable_cache(config)
    except (ValueError, IndexError, AttributeError) as error:
        network, denoiser._cache_config = type(denoiser).__name__, config  # so that what was put on comes off again
        raise BadInput(f"{network} cannot take cache {plan.cache!r}: {told(error)}; take another") from error
    if not blocks:
        raise BadInput(f"cache {plan.cache!r} knows no block of {type(denoiser).__name__}; take another")
    for block in blocks:
        block._diffusers_hook.register_hook(_counter(fired, "asked"), ASKED)
    loop.shared = [hook for name in hooked for hook in _registry(denoiser, name).values() if hasattr(hook, "state")]
    denoiser._diffusers_hook.register_hook(loop, LOOP)


def _hooks(denoiser: Any) -> dict[str, tuple[str, ...]]:
    """The names of diffusers' hooks, by that of the layer they are on."""
    named = denoiser.named_modules()
    return {name: tuple(layer._diffusers_hook.hooks) for name, layer in named if hasattr(layer, "_diffusers_hook")}


def _registry(denoiser: Any, name: str) -> dict[str, Any]:
    return denoiser.get_submodule(name)._diffusers_hook.hooks


def _factors(denoiser: Any) -> torch.dtype:
    import torch

    return torch.float32 if denoiser.dtype == torch.float32 else torch.bfloat16


def _config(plan: Plan, factors: torch.dtype, clock: Callable[[], float]) -> Any:
    """diffusers' configuration of a cache, with a fixed schedule wherever there can be one."""
    import diffusers

    timestep = cast(Any, clock)
    every = plan.every
    if plan.cache == "pyramid":
        # What looks across frames, and at the words, changes the slower: the paper's 2, 4 and 6.
        return diffusers.PyramidAttentionBroadcastConfig(
            spatial_attention_block_skip_range=every,
            temporal_attention_block_skip_range=2 * every,
            cross_attention_block_skip_range=3 * every,
            current_timestep_callback=timestep,
        )
    if plan.cache == "first-block":
        return diffusers.FirstBlockCacheConfig(threshold=plan.threshold)
    if plan.cache == "faster":
        # Its other half guesses the pass without words from that with them, where both lie in one batch: not so in Wan.
        return diffusers.FasterCacheConfig(
            spatial_attention_block_skip_range=every,
            temporal_attention_block_skip_range=every,
            attention_weight_callback=lambda _: 0.5,
            is_guidance_distilled=True,
            current_timestep_callback=timestep,
        )
    if plan.cache == "taylor":
        # Its default hooks attention by patterns that few video networks' names match to the end.
        return diffusers.TaylorSeerCacheConfig(
            cache_interval=every,
            disable_cache_before_step=max(1, min(3, plan.steps // 3)),
            taylor_factors_dtype=factors,
            use_lite_mode=True,
        )
    # A model's own ratios are measured on its weights. At 1 nothing seems to be lost, and the skips' count bounds them.
    return diffusers.MagCacheConfig(
        max_skip_steps=every - 1, num_inference_steps=plan.steps, mag_ratios=[1.0] * max(plan.steps, 1)
    )


def _counter(fired: Fired, what: Literal["asked", "computed"]) -> Any:
    """A hook that counts the calls which reach it."""
    from diffusers.hooks import ModelHook

    class Counter(ModelHook):
        def pre_forward(self, module: Any, *args: Any, **kwargs: Any) -> Any:
            setattr(fired, what, getattr(fired, what) + 1)
            return args, kwargs

    return Counter()


def _loop(pipe: Any) -> Any:
    """A hook on a denoiser that knows where in its loop it is, on behalf of caches that do not.

    With guidance a step has two passes, with the words and without. Attention caches would take one for the other;
    some pipelines do not tell which is which, and then the words themselves do. A clip made in several parts has a loop
    for each, which must not begin with what the last one left.
    """
    from diffusers.hooks import ModelHook
    from diffusers.hooks.hooks import StateManager

    class Loop(ModelHook):
        _is_stateful = True

        def __init__(self) -> None:
            super().__init__()
            self.context = StateManager(cast(Any, dict))  # told of the pass by diffusers, as each hook's is
            self.shared: list[Any] = []
            self._restart()

        def _restart(self) -> None:
            self.now = math.inf
            self.first = True
            self.states: dict[str, list[Any]] = {}

        def clock(self) -> float:
            """The timestep; none that a cache may skip at in the first pass, when there is nothing to take over."""
            return math.inf if self.first else self.now

        def reset_state(self, module: Any) -> Any:
            self.context.reset()
            self._restart()
            return module

        def new_forward(self, module: Any, *args: Any, **kwargs: Any) -> Any:
            context, now = self.context._context, _timestep(pipe)
            if now is not None and now > self.now:
                module._reset_stateful_cache()
            self.now = self.now if now is None else now
            words = kwargs.get("encoder_hidden_states")
            branch = context.name if context else f"words at {words.data_ptr() if words is not None else 0}"
            self.first = branch not in self.states
            fresh = [type(hook.state)() for hook in self.shared] if self.first else []
            for hook, state in zip(self.shared, self.states.setdefault(branch, fresh), strict=True):
                hook.state = state
            with module.cache_context(branch):
                return cast(Any, self.fn_ref.original_forward)(*args, **kwargs)

    return Loop()


def _timestep(pipe: Any) -> float | None:
    """Where a pipeline's loop is, from 1000 down; None where it does not tell. Frames may have one each."""
    import torch

    at = getattr(pipe, "current_timestep", None)
    return None if at is None else float(torch.as_tensor(at).float().max())
