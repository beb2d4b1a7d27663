"""The call itself of a diffusers pipeline: the noise it begins with, who looks on, what it gives, what it ignores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from kinograph.film import RenderRequest
from kinograph.tools.backends import Progress, Watched, blending, upsampling
from kinograph.tools.backends.calling import arguments_of, diced
from kinograph.tools.backends.diffusion_options import DiffusionOptions
from kinograph.tools.backends.families import Call, Way
from kinograph.tools.backends.foreseen import Canvas, Foresight
from kinograph.tools.backends.noise import between, correlated, decomposed, of_scenes
from kinograph.tools.backends.pipelines import Loaded, class_of, seeded, sounds_of, to_pixels
from kinograph.tools.backends.sourcing import weights_at
from kinograph.tools.previews import Due

FEW = 4
"""Frames that are decoded at a time where memory is short."""
DECODED = 0.95
"""Share of a render that is done when the last step is: decoding and writing follow."""


class Made(NamedTuple):
    """What a pipeline gives."""

    frames: np.ndarray
    """uint8 `[B,T,H,W,3]`"""
    sounds: list[np.ndarray] | None
    """[2,N] samples each, 48,000 a second; none where the model is silent."""
    latents: Any = None
    """`[B,C,F,h,w]` instead of frames, where they are enlarged yet."""


def denoised(
    loaded: Loaded,
    found: Way,
    requests: Sequence[RenderRequest],
    call: Call,
    goes_on: Callable[..., None],
    foresight: Foresight | None,
    options: DiffusionOptions,
    steps: int,
    device: str,
) -> Made:
    """What the pipeline gives when it is called with requests that are alike, so many steps each."""
    pipeline, steps = loaded.pipeline(found), max(steps, 1)
    passed = 0

    def passing() -> None:
        nonlocal passed
        passed += 1
        # Classes that tell of no steps are heard by their passes, of which a step may take two.
        goes_on(None if told else min(passed / (2 * steps), 1.0) * DECODED)

    def after(_: Any, step: int, __: Any, values: dict[str, Any]) -> dict[str, Any]:
        goes_on(min((step + 1) / steps, 1.0) * DECODED)
        return values

    told = found.argument("callback_on_step_end")
    if hasattr(pipeline, "guider"):
        pipeline.guider = pipeline.guider.new(guidance_scale=requests[0].guidance)
    asked = [upsampling.half(request) for request in requests] if options.upsample else requests
    arguments = arguments_of(found, asked) | {"num_inference_steps": steps}
    arguments |= found.form.arguments(call, found.pipeline)
    arguments |= {"callback_on_step_end": after} if told else {}
    if options.upsample:
        upsampling.check(found, class_of(weights_at(options.upsample).folder))
        arguments["output_type"] = "latent"
    if loaded.rung is not None and loaded.rung.slicing | loaded.rung.chunking and found.argument("decode_chunk_size"):
        arguments["decode_chunk_size"] = FEW
    try:
        # Some classes draw what they encode from torch's own dice.
        with (
            loaded.hurried(pipeline, options.speed, steps),
            loaded.stopping(passing),
            noised(loaded, found, requests, options),
            foresight.over(pipeline) if foresight is not None else nullcontext(),
            blending.worded(pipeline, requests[0]),
            diced(requests[0].seed, device),
        ):
            given = pipeline(**arguments)
            if options.upsample:
                return Made(np.empty(0), None, upsampling.unpacked(pipeline, given.frames, asked[0]).cpu())
            return Made(to_pixels(given.frames), sounds_of(given, pipeline))
    finally:
        for one in {id(one): one for one in (pipeline, loaded.first)}.values():
            one.maybe_free_model_hooks()


def noised(
    loaded: Loaded, found: Way, requests: Sequence[RenderRequest], options: DiffusionOptions
) -> AbstractContextManager[None]:
    """Within, the pipeline begins with the noise that the options and the requests ask for."""
    kind, shared = options.noise, options.shared
    of_scene, blend = requests[0].shared_noise, requests[0].blend
    if not loaded.takes_noise(found):
        return nullcontext()
    if kind == "plain" and not of_scene:
        return blending.noised(loaded, found, blend)

    def dice(seeds: Sequence[int]) -> list[Any]:
        made = seeded(seeds)
        return made if isinstance(made, list) else [made]

    def drawn(seeds: Sequence[int], scenes: Sequence[int], shape: Sequence[int], axis: int) -> Any:
        own, common = dice(seeds), dice(scenes)
        if kind == "plain":
            return of_scenes(shape, of_scene, own, common)
        if kind == "decomposed" and of_scene:  # what frames share is what the scene's shots do
            return decomposed(shape, axis, max(shared, of_scene), own, common)
        return (decomposed if kind == "decomposed" else correlated)(shape, axis, shared, own)

    def draw(shape: Sequence[int], axis: int) -> Any:
        scenes = [request.scene_seed for request in requests]
        own = drawn([request.seed for request in requests], scenes, shape, axis)
        if blend is None:
            return own
        return between(own, drawn([blend.seed], scenes[:1], shape, axis), blend.weight)

    return loaded.noised(found, draw)


def unheard(loaded: Loaded, found: Way, requests: Sequence[RenderRequest], options: DiffusionOptions) -> list[str]:
    """What was asked for and makes no difference, in words."""
    told = []
    # With classes that guide by a trained number, words to avoid count with a second one, at twice the price.
    if any(one.negative for one in requests) and (
        not found.argument("negative_prompt") or found.argument("true_cfg_scale")
    ):
        told.append(f"words to avoid are not heard by {found.name}")
    blend = requests[0].blend
    if (options.noise != "plain" or requests[0].shared_noise or blend) and not loaded.takes_noise(found):
        told.append(f"{found.name} cannot be given its noise")
    if blend and not blending.encoder(found.pipeline):
        told.append(f"{found.name} hears no words that could be blended")
    held = [one for one in requests[0].conditioning if one.role != "source"]
    if any(one.strength < 1 for one in held) and found.form.argument != "conditions":
        told.append(f"{found.name} holds pictures as they are, however strongly they should count")
    return told


def foresight_for(
    loaded: Loaded, found: Way, requests: Sequence[RenderRequest], on_progress: Progress
) -> Foresight | None:
    """The eyes of whoever wants previews of these requests."""
    if not isinstance(on_progress, Watched) or not on_progress.shares:
        return None
    one = requests[0]
    ratio = getattr(loaded.pipeline(found), "vae_temporal_compression_ratio", 1)
    canvas = Canvas(len(requests), one.frames, one.height, one.width, loaded.kin.axis, ratio)
    return Foresight(Due(on_progress), canvas, loaded.colors, on_progress.see)
