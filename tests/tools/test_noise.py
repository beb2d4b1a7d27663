"""Noise by its statistics, by its independence of the batch, and against what diffusers does with it."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from kinograph.errors import BadInput
from kinograph.tools.backends import noise
from kinograph.tools.backends.noise import (
    between,
    blended,
    complexity,
    correlated,
    decomposed,
    mixed,
    of_scenes,
    steps_for,
)

BIG = (2, 4, 6, 64, 64)
"""Clips with 16384 values a frame: a correlation of frames is off by 0.008 (one sigma)."""
SIGMAS = 5 / np.sqrt(4 * 64 * 64)
"""What a mean or a correlation of frames may be off; the seeds are fixed besides."""


def seeds(*numbers: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(number) for number in numbers]


def frames_of(latents: Tensor, axis: int) -> np.ndarray:
    """`[frames,values]` of one item, `axis` counted with the batch's."""
    return latents.movedim(axis - 1, 0).flatten(1).double().numpy()


def correlations(latents: Tensor, axis: int) -> np.ndarray:
    return np.corrcoef(frames_of(latents, axis))


@pytest.mark.parametrize("shared", [0.0, 0.4, 0.64, 1.0])
def test_shots_of_a_scene_correlate_by_what_they_share_and_frames_of_a_clip_by_nothing(shared: float):
    shape = (2, 6, 8, 32, 32)
    made = of_scenes(shape, shared, seeds(1, 2), seeds(9, 9))
    one, other = made.flatten(1).double().numpy()
    bound = 5 / np.sqrt(one.size)
    assert abs(np.corrcoef(one, other)[0, 1] - shared) < bound
    assert abs(one.std() - 1) < bound
    found = correlations(made[0], 1)
    assert abs(found - np.eye(6)).max() < 5 / np.sqrt(one.size / 6)


def test_a_scenes_noise_is_what_a_clip_of_its_seed_begins_with():
    shape = (1, 6, 8, 32, 32)
    plain = torch.randn(shape, generator=torch.Generator().manual_seed(9))
    assert torch.equal(of_scenes(shape, 0.4, seeds(9), seeds(9)), plain), "it has all of it already"
    assert torch.equal(of_scenes(shape, 1.0, seeds(1), seeds(9)), plain)
    with pytest.raises(BadInput, match=r"share 1\.5"):
        mixed(plain, plain, 1.5)


# ------------------------------------------------------------------------------------------ statistics


@pytest.mark.parametrize("shared", [0.0, 0.3, 0.7, 0.95, 1.0])
def test_any_two_frames_correlate_by_what_they_share_and_stay_normal(shared: float):
    made = decomposed(BIG, 2, shared, seeds(1, 2))
    for item in made:
        found = correlations(item, 2)
        wanted = np.full((6, 6), shared) + (1 - shared) * np.eye(6)
        assert abs(found - wanted).max() < SIGMAS
        values = frames_of(item, 2)
        assert abs(values.mean(1)).max() < SIGMAS
        assert abs(values.std(1) - 1).max() < SIGMAS
        kurtosis = (values**4).mean() / (values**2).mean() ** 2
        assert 2.8 < kurtosis < 3.2


def test_two_clips_of_a_batch_share_nothing():
    one, other = decomposed(BIG, 2, 0.7, seeds(1, 2))
    assert abs(np.corrcoef(one.flatten(), other.flatten())[0, 1]) < SIGMAS


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9, 1.0])
def test_frames_of_correlated_noise_forget_one_another_by_a_power_of_their_distance(rho: float):
    for item in correlated(BIG, 2, rho, seeds(1, 2)):
        distance = abs(np.subtract.outer(np.arange(6), np.arange(6)))
        assert abs(correlations(item, 2) - rho**distance).max() < SIGMAS
        assert abs(frames_of(item, 2).std(1) - 1).max() < SIGMAS


@pytest.mark.parametrize("axis", [1, 2])
def test_shots_with_one_base_seed_correlate_by_what_they_share_and_their_residuals_do_not(axis: int):
    shape = (1, 6, 8, 32, 32)
    first = decomposed(shape, axis, 0.7, seeds(1), seeds(9))
    second = decomposed(shape, axis, 0.7, seeds(2), seeds(9))
    apart = decomposed(shape, axis, 0.7, seeds(2), seeds(8))
    both = np.corrcoef(frames_of(first[0], axis), frames_of(second[0], axis))
    others = np.corrcoef(frames_of(first[0], axis), frames_of(apart[0], axis))
    frames = shape[axis]
    bound = 5 / np.sqrt(first[0].numel() / frames)
    assert abs(both[:frames, frames:] - 0.7).max() < bound
    assert abs(others[:frames, frames:]).max() < bound


def test_a_base_of_the_clips_own_seed_changes_nothing_rather_than_making_base_and_residual_alike():
    alone = decomposed(BIG, 2, 0.7, seeds(1, 2))
    assert torch.equal(alone, decomposed(BIG, 2, 0.7, seeds(1, 2), seeds(1, 2)))
    assert not torch.equal(alone, decomposed(BIG, 2, 0.7, seeds(1, 2), seeds(3, 3)))


def test_the_way_between_two_noises_keeps_their_variance_where_a_straight_line_does_not():
    a, b = (torch.randn(BIG, generator=one) for one in seeds(1, 2))
    for share in (0.1, 0.5, 0.8):
        made = between(a, b, share)
        assert abs(made.double().std(dim=(1, 2, 3, 4)) - 1).max() < 0.01
        assert abs(made.double().mean(dim=(1, 2, 3, 4))).max() < 0.02
    half = between(a, b, 0.5)
    for other in (a, b):
        assert np.corrcoef(half.flatten(), other.flatten())[0, 1] == pytest.approx(0.5**0.5, abs=0.01)
    assert blended(a, b, 0.5).std() == pytest.approx(0.5**0.5, abs=0.01)
    assert torch.equal(between(a, b, 0.0), a)
    assert torch.equal(between(a, b, 1.0), b)


def test_a_noise_has_a_way_to_itself_and_none_to_its_opposite():
    a = torch.randn(1, 4, 4, generator=seeds(1)[0])
    assert torch.allclose(between(a, a.clone(), 0.3), a, atol=1e-6)
    with pytest.raises(BadInput, match="opposite"):
        between(a, -a, 0.3)


def test_blended_embeddings_lie_on_a_straight_line_and_keep_their_format():
    a, b = torch.zeros(1, 3, 4, dtype=torch.bfloat16), torch.ones(1, 3, 4, dtype=torch.bfloat16)
    made = blended(a, b, 0.25)
    assert made.dtype == torch.bfloat16
    assert torch.equal(made, torch.full((1, 3, 4), 0.25, dtype=torch.bfloat16))


# ------------------------------------------------------------------------------- shapes and batches

shapes = st.lists(st.integers(1, 6), min_size=2, max_size=5).map(tuple)


@settings(max_examples=60, deadline=None)
@given(shapes, st.data())
def test_an_item_is_the_same_to_the_bit_alone_or_in_any_batch(shape: tuple[int, ...], data: st.DataObject):
    axis = data.draw(st.integers(1, len(shape) - 1) | st.integers(1 - len(shape), -1))
    share = data.draw(st.floats(0, 1))
    numbers = data.draw(st.lists(st.integers(0, 99), min_size=shape[0], max_size=shape[0]))
    bases = data.draw(st.lists(st.integers(0, 99), min_size=shape[0], max_size=shape[0]))
    item = data.draw(st.integers(0, shape[0] - 1))
    alone = (1, *shape[1:])
    together = decomposed(shape, axis, share, seeds(*numbers), seeds(*bases))
    assert together.shape == shape
    one = decomposed(alone, axis, share, seeds(numbers[item]), seeds(bases[item]))
    assert torch.equal(together[item], one[0])
    chained = correlated(shape, axis, share, seeds(*numbers))
    assert chained.shape == shape
    assert torch.equal(chained[item], correlated(alone, axis, share, seeds(numbers[item]))[0])


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(8, 40), st.floats(0, 1), st.data())
def test_the_way_of_an_item_is_the_same_to_the_bit_alone_or_in_any_batch(
    batch: int, size: int, share: float, data: st.DataObject
):
    a, b = (torch.randn(batch, size, generator=one) for one in seeds(1, 2))
    item = data.draw(st.integers(0, batch - 1))
    one, other = a[item : item + 1], b[item : item + 1]
    assert torch.equal(between(a, b, share)[item], between(one, other, share)[0])
    assert torch.equal(blended(a, b, share)[item], blended(one, other, share)[0])


@settings(max_examples=30, deadline=None)
@given(shapes, st.data())
def test_frames_that_share_all_are_one_frame(shape: tuple[int, ...], data: st.DataObject):
    axis = data.draw(st.integers(1, len(shape) - 1))
    made = decomposed(shape, axis, 1.0, seeds(*range(shape[0])))
    assert torch.equal(made, made.narrow(axis, 0, 1).expand(shape))


def test_a_number_format_only_rounds_the_same_noise():
    exact = decomposed(BIG, 2, 0.7, seeds(1, 2))
    assert exact.dtype == torch.float32
    rounded = decomposed(BIG, 2, 0.7, seeds(1, 2), dtype=torch.bfloat16)
    assert torch.equal(rounded, exact.to(torch.bfloat16))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: decomposed((1, 4, 3), 0, 0.7, seeds(1)), r"axis 0 of noise \(1, 4, 3\) .* 1\.\.2"),
        (lambda: decomposed((1, 4, 3), 3, 0.7, seeds(1)), "axis 3"),
        (lambda: decomposed((1, 4, 3), -3, 0.7, seeds(1)), "axis -3"),
        (lambda: decomposed((1, 4, 3), 2, 1.5, seeds(1)), r"shared 1\.5 .* 0\.\.1"),
        (lambda: decomposed((2, 4, 3), 2, 0.7, seeds(1)), "1 generators do not fit 2 clips"),
        (lambda: decomposed((2, 4, 3), 2, 0.7, seeds(1, 2), seeds(1)), "1 generators do not fit 2 clips"),
        (lambda: correlated((1, 4, 3), 2, -0.1, seeds(1)), r"rho -0\.1"),
        (lambda: between(torch.ones(1, 2), torch.ones(1, 3), 0.5), r"\(1, 2\) and \(1, 3\)"),
        (lambda: blended(torch.ones(1, 2), torch.ones(1, 2), 1.1), r"share 1\.1"),
        (lambda: steps_for("a cat", 20, 30, 10), "steps from 30 to 10"),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(call, words: str):
    with pytest.raises(BadInput, match=words) as error:
        call()
    assert "\n" not in str(error.value)


# ------------------------------------------------------------------------------------------------ steps

PLAIN = "a cat on a mat"
SAID = ("a", "cat", "on", "runs", "crowded", "two", "dogs", "and", "the", "intricate", ".", ";", "city", "flying,", "2")
words = st.lists(st.sampled_from(SAID), max_size=60).map(" ".join)


@given(words, words)
def test_more_words_never_take_fewer_steps(some: str, more: str):
    assert steps_for(f"{some} {more}", 30, 10, 50) >= steps_for(some, 30, 10, 50)
    assert steps_for(f"{more} {some}", 30, 10, 50) >= steps_for(some, 30, 10, 50)


@given(words, st.integers(0, 100), st.integers(1, 40), st.integers(0, 60))
def test_steps_stay_within_what_the_model_takes(said: str, steps: int, least: int, more: int):
    assert least <= steps_for(said, steps, least, least + more) <= least + more


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (PLAIN, 20),
        ("", 20),
        ("a cat runs across the mat", 22),
        ("a cat and a dog on a mat", 22),
        ("two cats on a mat", 22),
        ("cinematic scene of a futuristic city with flying cars", 26),
        ("a crowd of dancers and a band, flying confetti, intricate costumes", 28),
    ],
)
def test_steps_follow_what_a_prompt_asks(said: str, wanted: int):
    assert steps_for(said, 20, 10, 50) == wanted


def test_each_kind_of_sign_counts_once_and_whole_words_only():
    assert complexity("it runs, it flies, it jumps") == complexity("it runs") == 0.6
    assert complexity("a furnace in an orange crane") == 0.5
    assert complexity("a cat " * 13) == 0.65
    every = "two intricate cats run through the crowd " + "and so on " * 10
    assert complexity(every) == 1.0
    assert all(re.compile(pattern) for _, pattern in noise.SIGNS.values())
