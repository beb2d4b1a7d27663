"""A clip on the way to its neighbour's: words and noise that lie between those of two requests."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kinograph.errors import RenderFailed
from kinograph.film import Blend, RenderRequest
from kinograph.tools.backends.families import Way
from kinograph.tools.backends.noise import between, blended
from kinograph.tools.backends.pipelines import Loaded, seeded

if TYPE_CHECKING:
    from torch import Tensor

ENCODERS = ("encode_prompt", "encode_prompts")
"""Methods by which pipelines make embeddings of words."""


def encoder(pipeline: Any) -> str:
    """The method of a pipeline, or of its class, that encodes words; "" for one that hears none."""
    return next((name for name in ENCODERS if hasattr(pipeline, name)), "")


@contextmanager
def worded(pipeline: Any, request: RenderRequest) -> Iterator[None]:
    """Within, the words of a request lie as far on the way to its neighbour's as its blend says.

    Embeddings go along a straight line, masks of words hold both. Raises RenderFailed, in the end, where the words were
    never encoded.
    """
    blend, name = request.blend, encoder(pipeline)
    if blend is None or not name:
        yield
        return
    encode, kept = getattr(pipeline, name), vars(pipeline).get(name)
    names, heard = inspect.signature(getattr(type(pipeline), name)), list[bool]()
    words = next(one for one in names.parameters if one.startswith("prompt"))

    def encoded(*args: Any, **kwargs: Any) -> Any:
        own = encode(*args, **kwargs)
        asked = names.bind(pipeline, *args, **kwargs)
        if asked.arguments.get(words) not in (request.prompt, [request.prompt]):
            return own
        heard.append(True)
        listed = isinstance(asked.arguments[words], list)
        asked.arguments[words] = [blend.prompt] if listed else blend.prompt
        return _mixed(own, encode(*asked.args[1:], **asked.kwargs), blend.weight)

    setattr(pipeline, name, encoded)
    try:
        yield
    finally:
        delattr(pipeline, name) if kept is None else setattr(pipeline, name, kept)
    if not heard:
        raise RenderFailed(f"{type(pipeline).__name__} encoded no words that could be blended with its neighbour's")


@contextmanager
def noised(loaded: Loaded, found: Way, blend: Blend | None) -> Iterator[None]:
    """Within, a call of this way begins with noise between its own and its neighbour's, for ways that take noise."""
    if blend is None:
        yield
        return
    pipeline = loaded.pipeline(found)
    prepare = pipeline.prepare_latents
    names = inspect.signature(prepare)

    def prepared(*args: Any, **kwargs: Any) -> Any:
        made = prepare(*args, **kwargs)
        asked = names.bind(*args, **kwargs)
        asked.arguments["generator"] = seeded([blend.seed])
        other = prepare(*asked.args, **asked.kwargs)
        if isinstance(made, tuple):
            return (between(made[0], other[0], blend.weight), *made[1:])
        return between(made, other, blend.weight)

    pipeline.prepare_latents = prepared
    try:
        yield
    finally:
        del pipeline.prepare_latents


def _mixed(own: Any, other: Any, weight: float) -> Any:
    """What a text encoder gave, tensors or tuples of them, on the way to what it gave for other words."""
    import torch

    if weight in (0.0, 1.0):
        return other if weight else own
    if isinstance(own, (list, tuple)):
        return type(own)(_mixed(one, another, weight) for one, another in zip(own, other, strict=True))
    if not isinstance(own, torch.Tensor):
        return own
    own, other = _alike(own, other), _alike(other, own)
    return blended(own, other, weight) if own.is_floating_point() else torch.maximum(own, other)


def _alike(one: Tensor, other: Tensor) -> Tensor:
    """As many places for words as the other has, where that is more: some encoders cut off what is empty."""
    import torch

    missing = other.shape[1] - one.shape[1] if one.ndim > 1 else 0
    if missing <= 0:
        return one
    return torch.cat([one, one.new_zeros(one.shape[0], missing, *one.shape[2:])], 1)
