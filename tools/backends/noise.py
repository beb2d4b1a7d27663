"""The noise that video models start from: what the frames of a clip, and the shots of a scene, share of it.

All noise is drawn item by item, each from its own generator, on the generator's device and in float32: a clip's noise
is the same to the bit alone or in a batch, on every device and in every number format it is rounded to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kinograph.errors import BadInput

if TYPE_CHECKING:
    import torch
    from torch import Generator, Tensor

BASE = 0.7
"""What frames share by default; the residual has the other 0.3."""


def decomposed(
    shape: Sequence[int],
    axis: int,
    shared: float,
    generators: Sequence[Generator],
    base_generators: Sequence[Generator] | None = None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Noise `shape` (`[B,…]`) whose frames, along `axis`, are sqrt(shared)·base + sqrt(1-shared)·residual.

    One base for all frames of an item, a residual for each: every value is N(0,1) and any two frames correlate by
    `shared`, 0..1. One generator an item; a base generator draws the base instead, so that shots with other seeds can
    have one base. Behind a VAE that packs frames together, frames are latent frames. dtype None is float32.

    Decomposed diffusion: Luo et al. 2023, VideoFusion (arXiv 2303.08320). Raises BadInput.
    """
    axis = _frame_axis(shape, axis)
    if not 0.0 <= shared <= 1.0:
        raise BadInput(f"shared {shared!r} does not fit: a share in 0..1")
    one = [1 if number == axis else side for number, side in enumerate(shape)][1:]
    bases = generators if base_generators is None else base_generators
    _check_one_each(shape, generators)
    _check_one_each(shape, bases)
    items = []
    for own, other in zip(generators, bases, strict=True):
        base = _normal(one, own)
        if other is not own:
            # The own base was drawn all the same: a seed that is both would else make base and residual of one noise.
            base = _normal(one, other)
        rest = _normal(shape[1:], own)
        items.append(shared**0.5 * base.to(rest.device) + (1.0 - shared) ** 0.5 * rest)
    return _stacked(items, device, dtype)


def correlated(
    shape: Sequence[int],
    axis: int,
    rho: float,
    generators: Sequence[Generator],
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Noise `shape` (`[B,…]`) whose frames, along `axis`, follow x_t = rho·x_{t-1} + sqrt(1-rho²)·e_t.

    Every value is N(0,1), and frames k apart correlate by rho^k; `rho` is in 0..1. Otherwise as `decomposed`.

    The progressive noise of Ge et al. 2023, PYoCo (arXiv 2305.10474). Raises BadInput.
    """
    axis = _frame_axis(shape, axis)
    if not 0.0 <= rho <= 1.0:
        raise BadInput(f"rho {rho!r} does not fit: a correlation in 0..1")
    _check_one_each(shape, generators)
    items = []
    for own in generators:
        frames = list(_normal(shape[1:], own).unbind(axis - 1))
        for number in range(1, len(frames)):
            frames[number] = rho * frames[number - 1] + (1.0 - rho * rho) ** 0.5 * frames[number]
        items.append(frames)
    import torch

    return _stacked([torch.stack(frames, axis - 1) for frames in items], device, dtype)


def mixed(own: Tensor, other: Tensor, shared: float) -> Tensor:
    """sqrt(shared)·other + sqrt(1-shared)·own of independent noises `own` and `other`: N(0,1) again, frame by frame as
    independent as they are, and correlated with `other` by sqrt(shared).

    So two shots that mix in one scene's noise correlate by `shared`, 0..1: what VideoFusion does to the frames of a
    clip, done to the shots of a scene. Raises BadInput.
    """
    _check_pair(own, other, shared)
    return shared**0.5 * other.to(own.device, own.dtype) + (1.0 - shared) ** 0.5 * own


def of_scenes(
    shape: Sequence[int], shared: float, generators: Sequence[Generator], scenes: Sequence[Generator]
) -> Tensor:
    """Noise `shape` (`[B,…]`) of clips of which each has `shared`, 0..1, of its scene's; one generator each.

    A scene's noise is what a clip of that seed, shape and float32 begins with by itself. Raises BadInput.
    """
    _check_one_each(shape, generators)
    _check_one_each(shape, scenes)
    items = []
    for own, scene in zip(generators, scenes, strict=True):
        noise = _normal(shape[1:], own)
        # A clip that has its scene's own seed has all of the scene's noise already.
        same = own.initial_seed() == scene.initial_seed()
        items.append(noise if same else mixed(noise, _normal(shape[1:], scene), shared))
    return _stacked(items, "cpu", None)


def between(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Noise that lies `share` (0..1) of the way from noise `a` to noise `b`, both `[B,…]`: a's at 0, b's at 1.

    Each item goes along the sphere (slerp, Shoemake 1985), so N(0,1) stays N(0,1) all the way, which a straight line
    between independent noises does not: half-way it has half the variance. Raises BadInput.
    """
    import torch

    _check_pair(a, b, share)
    return torch.stack([_slerp(one, other, share) for one, other in zip(a, b, strict=True)])


def blended(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Prompt embeddings `share` (0..1) of the way from `a` to `b` along a straight line. Raises BadInput."""
    _check_pair(a, b, share)
    return ((1.0 - share) * a.float() + share * b.float()).to(a.dtype)


def _slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    import torch

    if share in (0.0, 1.0):
        return b if share else a
    one, other = a.double(), b.double()
    cosine = (one * other).sum() / (one.norm() * other.norm())
    angle = torch.arccos(cosine.clamp(-1.0, 1.0))
    if angle < 1e-4:  # one noise: the way is straight
        return ((1.0 - share) * one + share * other).to(a.dtype)
    if angle > torch.pi - 1e-4:
        raise BadInput("noises that are each other's opposite have no shortest way between them")
    left, right = torch.sin((1.0 - share) * angle), torch.sin(share * angle)
    return ((left * one + right * other) / torch.sin(angle)).to(a.dtype)


def _frame_axis(shape: Sequence[int], axis: int) -> int:
    """`axis` counted from the front. Raises BadInput for the batch's and for one that is not there."""
    found = axis + len(shape) if axis < 0 else axis
    if not 0 < found < len(shape):
        raise BadInput(f"axis {axis} of noise {tuple(shape)} does not fit: frames lie along 1..{len(shape) - 1}")
    return found


def _check_one_each(shape: Sequence[int], generators: Sequence[Generator]) -> None:
    if len(generators) != shape[0]:
        raise BadInput(f"{len(generators)} generators do not fit {shape[0]} clips: one each")


def _check_pair(a: Tensor, b: Tensor, share: float) -> None:
    if a.shape != b.shape:
        raise BadInput(f"shapes {tuple(a.shape)} and {tuple(b.shape)} do not fit: they should be the same")
    if not 0.0 <= share <= 1.0:
        raise BadInput(f"share {share!r} does not fit: 0 (all the first) to 1 (all the second)")


def _normal(shape: Sequence[int], generator: Generator) -> Tensor:
    import torch

    return torch.randn(tuple(shape), generator=generator, device=generator.device, dtype=torch.float32)


def _stacked(items: Sequence[Tensor], device: torch.device | str, dtype: torch.dtype | None) -> Tensor:
    import torch

    return torch.stack(list(items)).to(device=device, dtype=dtype or torch.float32)


# ----------------------------------------------------------------------------------- how many steps

ORDINARY = 0.5
"""Complexity of a prompt with nothing of the below."""
DENSE_WORDS, DENSE = 25, 0.15
"""Sentences of more words are dense, and how much more complex that makes a prompt."""
_NUMBERS = (
    r"two|three|four|five|six|seven|eight|nine|ten|several|many|both|multiple|various|dozens?|hundreds?|[2-9]|1\d"
)
SIGNS: dict[str, tuple[float, str]] = {
    "motion": (
        0.1,
        r"fast|quick(?:ly)?|rapid(?:ly)?|r[ua]n(?:s|ning)?|chas(?:e[sd]?|ing)|rac(?:es?|ing)|jump(?:s|ing)?|leap(?:s|ing)?"
        r"|fl(?:y|ies|ew|ying)|danc(?:e[sd]?|ing)|fight(?:s|ing)?|explo(?:de[sd]?|ding|sions?)|gallop(?:s|ing)?"
        r"|spin(?:s|ning)?|whirl(?:s|ing)?|crash(?:es|ing)?|swirl(?:s|ing)?|sprint(?:s|ing)?|tumbl(?:es?|ing)",
    ),
    "several subjects": (
        0.1,
        rf"(?:{_NUMBERS})\s+\w+|(?:group|pair|couple|team|family) of|and (?:an?|the|his|her|their) \w+",
    ),
    "crowd": (
        0.1,
        r"crowd(?:s|ed)?|army|armies|flocks?|herds?|swarms?|schools? of|audiences?|traffic|market|festival|parade"
        r"|battle|stadium|cit(?:y|ies)|forests?|bustling|busy",
    ),
    "detail": (
        0.1,
        r"detail(?:s|ed)?|intricate|ornate|complex|elaborate|textured?|cinematic|photo-?realistic|hyper-?realistic"
        r"|reflections?|glitter(?:s|ing)?|lace|feathers?|fur|foliage|particles|smoke|water|waves|rain|snow|crystals?",
    ),
}
"""What makes a prompt more complex: (by how much, the English words that tell)."""


def complexity(words: str) -> float:
    """How much a prompt asks of a video model, from 0.5 (ordinary) to 1: more for each kind of sign that is in it.

    More words never make it less. The base, fast motion, detail and dense sentences weigh what they weigh in the
    strategy of a production; several subjects and crowds, which are as hard for a model, weigh as much.
    """
    asked = sum(much for much, pattern in SIGNS.values() if re.search(rf"\b(?:{pattern})\b", words, re.I))
    longest = max(len(sentence.split()) for sentence in re.split(r"[.!?;\n]+", words))
    return min(1.0, round(ORDINARY + asked + (DENSE if longest > DENSE_WORDS else 0.0), 2))


def steps_for(words: str, steps: int, least: int, most: int) -> int:
    """Denoising steps for a prompt, where an ordinary one takes `steps`: half as many more for the most complex one.

    Always the same for the same words, never fewer for a more complex prompt, and within `least`..`most`. This is
    the adaptive schedule that allots timesteps by a content's complexity score, put as a number of steps: a scheduler
    spaces them itself. Raises BadInput.
    """
    if least > most:
        raise BadInput(f"steps from {least} to {most} do not fit: the least is over the most")
    return max(least, min(most, round(steps * (0.5 + complexity(words)))))
