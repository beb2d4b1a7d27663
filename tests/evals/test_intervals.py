"""Intervals: against closed forms and scipy, and whether 95 % of them hold the truth."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kinograph.evals.intervals import bootstrapped, clustered, cohens_dz, holm, needed, superiority

NUMBERS = st.floats(-100, 100, allow_subnormal=False)
LISTS = st.lists(st.tuples(NUMBERS, st.integers(0, 6)), min_size=1, max_size=40)


def synthetic(rng: np.random.Generator, clusters: int, seeds: int, mean: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Values whose prompts differ more than their seeds, and the prompt of each."""
    prompts = np.repeat(np.arange(clusters), seeds)
    return mean + rng.normal(0, 1, clusters)[prompts] + rng.normal(0, 0.5, clusters * seeds), prompts


def test_one_value_a_prompt_gives_students_interval():
    values = np.random.default_rng(1).normal(3, 2, 15)
    found = clustered(list(values), range(15))
    low, high = stats.t.interval(0.95, 14, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)


def test_prompts_with_equally_many_seeds_give_students_interval_of_their_means():
    values, prompts = synthetic(np.random.default_rng(2), 9, 4)
    means = values.reshape(9, 4).mean(1)
    low, high = stats.t.interval(0.95, 8, means.mean(), stats.sem(means))
    found = clustered(list(values), list(prompts))
    assert (found.value, found.low, found.high) == pytest.approx((values.mean(), low, high), rel=1e-12)


def test_prompts_with_unequally_many_seeds_give_the_sum_over_pairs_of_one_prompt():
    """The double sum of Miller's equation 4, written out."""
    rng = np.random.default_rng(3)
    prompts = np.array([0, 0, 0, 1, 2, 2, 3, 3, 3, 3])
    values = rng.normal(0, 1, 10)
    off = values - values.mean()
    total = sum(off[i] * off[j] for i in range(10) for j in range(10) if prompts[i] == prompts[j])
    half = stats.t.ppf(0.975, 3) * math.sqrt(4 / 3 * total) / 10
    found = clustered(list(values), list(prompts))
    assert found.high == pytest.approx(values.mean() + half, rel=1e-12)


def test_one_prompt_has_a_mean_and_no_interval():
    found = clustered([1.0, 3.0], ["a", "a"])
    assert (found.value, found.low, found.high, found.clusters) == (2.0, None, None, 1)
    assert bootstrapped([1.0, 3.0], ["a", "a"]).p is None
    with pytest.raises(ValueError, match="no values"):
        clustered([], [])


@settings(max_examples=60, deadline=None)
@given(LISTS, st.randoms(use_true_random=False))
def test_intervals_hold_the_mean_and_do_not_depend_on_order(rows: list[tuple[float, int]], random):
    found = clustered(*zip(*rows, strict=True))
    mixed = list(rows)
    random.shuffle(mixed)
    again = clustered(*zip(*mixed, strict=True))
    assert found.value == pytest.approx(np.mean([value for value, _ in rows]), abs=1e-9)
    assert again.value == pytest.approx(found.value, abs=1e-9)
    if found.low is not None and found.high is not None and again.low is not None:
        assert found.low <= found.value <= found.high
        assert again.low == pytest.approx(found.low, abs=1e-7)


@settings(max_examples=30, deadline=None)
@given(st.lists(NUMBERS, min_size=2, max_size=12), NUMBERS, st.floats(0.1, 10))
def test_intervals_move_and_grow_with_their_values(values: list[float], by: float, times: float):
    before = clustered(values, range(len(values)))
    after = clustered([value * times + by for value in values], range(len(values)))
    assert before.low is not None
    assert after.low == pytest.approx(before.low * times + by, abs=1e-6)


def test_the_same_values_again_as_more_seeds_make_no_interval_narrower():
    """Seeds of one prompt that all say the same are no news."""
    values = list(np.random.default_rng(4).normal(0, 1, 10))
    once = clustered(values, range(10))
    thrice = clustered(values * 3, list(range(10)) * 3)
    assert thrice.low == pytest.approx(once.low, rel=1e-9)
    assert bootstrapped(values * 3, list(range(10)) * 3).estimate.low == pytest.approx(
        bootstrapped(values, range(10)).estimate.low, rel=1e-9
    )


@pytest.mark.parametrize(("clusters", "seeds"), [(8, 3), (30, 2)])
def test_95_percent_of_clustered_intervals_hold_the_truth(clusters: int, seeds: int):
    rng, held, naive = np.random.default_rng(5), 0, 0
    for _ in range(1500):
        values, prompts = synthetic(rng, clusters, seeds, 2.0)
        found, blind = clustered(list(values), list(prompts)), clustered(list(values), range(len(values)))
        assert found.low is not None
        assert found.high is not None
        assert blind.low is not None
        assert blind.high is not None
        held += found.low <= 2 <= found.high
        naive += blind.low <= 2 <= blind.high
    assert 0.935 <= held / 1500 <= 0.965
    assert naive / 1500 < 0.9  # what forgetting the prompts would give


@pytest.mark.parametrize(("clusters", "spread"), [(8, 0), (25, 2)])
def test_95_percent_of_bootstrapped_intervals_hold_the_truth(clusters: int, spread: int, monkeypatch):
    """With prompts of unequally many seeds too; fewer resamples than real ones have, for time."""
    monkeypatch.setattr("kinograph.evals.intervals.RESAMPLES", 999)
    rng, held, wrong, runs = np.random.default_rng(6), 0, 0, 400
    for _ in range(runs):
        sizes = rng.integers(3 - spread, 4 + spread, clusters) if spread else np.full(clusters, 3)
        prompts = np.repeat(np.arange(clusters), sizes)
        values = rng.normal(0, 1, clusters)[prompts] + rng.normal(0, 0.5, len(prompts))
        found = bootstrapped(list(values), list(prompts))
        assert found.estimate.low is not None
        assert found.estimate.high is not None
        inside = found.estimate.low <= 0 <= found.estimate.high
        held += inside
        assert found.p is not None
        wrong += inside != (found.p > 0.05)
    assert 0.92 <= held / runs <= 0.98
    assert wrong / runs <= 0.02, "the interval and p say different things"


def test_the_bootstrap_is_the_same_each_time_and_near_the_t_test():
    gaps = np.random.default_rng(7).normal(0.4, 1, 40)
    found = bootstrapped(list(gaps), range(40))
    assert found == bootstrapped(list(gaps), range(40))
    low, high = stats.t.interval(0.95, 39, gaps.mean(), stats.sem(gaps))
    assert (found.estimate.low, found.estimate.high) == pytest.approx((low, high), abs=0.05)
    assert found.p == pytest.approx(2 * stats.t.sf(gaps.mean() / stats.sem(gaps), 39), abs=0.02)


def test_no_difference_at_all_has_p_1_and_no_effect():
    found = bootstrapped([0.0] * 6, range(6))
    assert (found.estimate.low, found.estimate.high, found.p) == (0.0, 0.0, 1.0)
    assert cohens_dz([0.0] * 6, range(6)) is None
    assert superiority([0.0, 1.0, -1.0, 2.0]) == 0.625


def test_cohens_dz_is_the_paired_t_over_the_root_of_the_prompts():
    gaps = np.random.default_rng(8).normal(0.4, 1, 20)
    assert cohens_dz(list(gaps), range(20)) == pytest.approx(gaps.mean() / stats.sem(gaps) / math.sqrt(20))


def test_holms_correction_is_that_of_the_books():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holms_correction_keeps_the_order_and_lies_between_none_and_bonferronis(values: list[float]):
    found = holm(values)
    for p, corrected in zip(values, found, strict=True):
        assert p <= corrected <= min(1.0, len(values) * p) + 1e-12
    order = sorted(range(len(values)), key=lambda place: values[place])
    assert all(found[a] <= found[b] for a, b in itertools.pairwise(order))


@pytest.mark.parametrize(("dz", "pairs"), [(0.2, 199), (0.5, 34), (0.8, 15), (-0.5, 34)])
def test_as_many_pairs_are_needed_as_g_power_says(dz: float, pairs: int):
    assert needed(dz) == pairs


def test_an_effect_of_nothing_needs_no_practical_number_of_pairs():
    assert needed(0.0) is None
    assert needed(1e-6) is None
