"""Metrics of sets against closed forms, published worked examples and sets made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import tiny_vision
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph.errors import BadSetting, UnknownName
from kinograph.evals.metrics import SET_METRICS, Gallery, measure_set, sampled
from kinograph.evals.metrics.agreement import alpha
from kinograph.evals.metrics.fidelity import gated
from kinograph.evals.metrics.frechet import distance, frechet
from kinograph.evals.metrics.inception import ZeroShot, score
from kinograph.evals.metrics.totals import QUALITY, SEMANTICS, Bounds, as_vbench, even_total, vbench_total
from kinograph.evals.metrics.videomae import VideoMae
from kinograph.memory.embedders import open_embedder
from kinograph.tools.storyworld import World, paint


def clip(kind: str, color: str, seed: int = 1) -> np.ndarray:
    world = World.model_validate({"subjects": [{"kind": kind, "color": color, "motion": "moves right"}]})
    return paint(world, frames=4, width=64, height=64, fps=8, seed=seed).frames


@pytest.fixture(scope="module")
def embedder():
    return open_embedder("storyworld-clip")


def rotation(size: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]


def exactly(mean: np.ndarray, cov: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Vectors whose sample mean and covariance are these."""
    raw = np.random.default_rng(seed).normal(size=(count, len(mean)))
    white = raw - raw.mean(0)
    white = white @ np.linalg.inv(np.linalg.cholesky(np.atleast_2d(np.cov(white, rowvar=False)))).T
    return white @ np.linalg.cholesky(cov).T + mean


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(1, 40), st.integers(0, 1000))
def test_frechet_is_the_closed_form_of_gaussians(size: int, seed: int):
    """Covariances of the same axes: the root of the product is known, |m|² + Σ(√a - √b)²."""
    rng, axes = np.random.default_rng(seed), rotation(size, seed)
    one, other = rng.uniform(0.01, 5, size), rng.uniform(0.01, 5, size)
    means = rng.normal(size=(2, size))
    expected = ((means[0] - means[1]) ** 2).sum() + ((np.sqrt(one) - np.sqrt(other)) ** 2).sum()
    covs = [(axes * values) @ axes.T for values in (one, other)]
    assert frechet(means[0], covs[0], means[1], covs[1]) == pytest.approx(expected, rel=1e-6)
    samples = [exactly(*each, 3 * size + 5, seed + k) for k, each in enumerate(zip(means, covs, strict=True))]
    assert distance(*samples) == pytest.approx(expected, rel=1e-6)


def test_frechet_is_that_of_the_matrix_root_for_any_covariances():
    rng = np.random.default_rng(3)
    one, other = rng.normal(size=(60, 12)) @ rng.normal(size=(12, 12)), rng.normal(size=(50, 12)) + 0.3
    covs = [np.cov(vectors, rowvar=False) for vectors in (one, other)]
    root = np.real(scipy.linalg.sqrtm(covs[0] @ covs[1]))
    expected = ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(covs[0] + covs[1] - 2 * root)
    assert distance(one, other) == pytest.approx(float(expected), rel=1e-6)
    assert distance(one, one) == pytest.approx(0, abs=1e-9 * np.trace(covs[0]))


def test_frechet_distances_of_clips_grow_with_what_is_different_and_say_what_they_are(embedder):
    real = [clip("ball", "red", seed) for seed in range(4)]
    near, far = [clip("ball", "red", seed) for seed in range(10, 14)], [clip("car", "blue", s) for s in range(4)]
    names = ["frechet video distance", "frechet image distance"]
    one = measure_set(names, Gallery(near, references=real, embedder=embedder))
    other = measure_set(names, Gallery(far, references=real, embedder=embedder))
    for name in names:
        assert one[name].value < 0.5 * other[name].value  # pyright: ignore[reportOptionalOperand]
    assert "4 clips for 256 dimensions: covariances are singular" in one[names[0]].note
    assert embedder.name in one[names[1]].note


def test_inception_score_of_known_probabilities():
    assert score(np.eye(5)) == pytest.approx(5)
    assert score(np.full((4, 5), 0.2)) == pytest.approx(1)
    assert score(np.tile([1.0, 0, 0], (4, 1))) == pytest.approx(1)
    # two classes, 0.9 sure of either: ln 2 less the entropy of 0.9
    entropy = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1))
    assert score(np.array([[0.9, 0.1], [0.1, 0.9]])) == pytest.approx(2 * np.exp(-entropy))


def test_inception_score_counts_what_the_storyworld_shows(embedder):
    many = [clip(kind, color) for kind, color in (("ball", "red"), ("car", "blue"), ("star", "green"))]
    few = [clip("ball", "red", seed) for seed in range(3)]
    varied, same = (measure_set(["inception score"], Gallery(c, embedder=embedder)) for c in (many, few))
    assert varied["inception score"].value > same["inception score"].value + 0.5  # pyright: ignore
    assert "128 classes" in varied["inception score"].note
    odds = ZeroShot(embedder).classify(many[0])
    assert odds.shape == (4, 128)
    assert odds.sum(1) == pytest.approx(1)


def test_clip_similarity_needs_words_for_each_clip(embedder):
    clips, words = [clip("ball", "red"), clip("car", "blue")], ["a red ball", "a blue car"]
    right = measure_set(["clip similarity"], Gallery(clips, words, embedder=embedder))["clip similarity"]
    wrong = measure_set(["clip similarity"], Gallery(clips, words[::-1], embedder=embedder))["clip similarity"]
    assert right.value > wrong.value + 0.05  # pyright: ignore
    one = measure_set(["clip similarity"], Gallery(clips, words[:1], embedder=embedder))["clip similarity"]
    assert (one.value, one.skipped) == (None, "needs words for each of 2 clips, not 1")


@pytest.mark.parametrize("name", SET_METRICS)
def test_skips_aloud_what_it_was_not_given(name: str):
    found = measure_set([name], Gallery([clip("ball", "red")]))[name]
    assert found.value is None
    assert found.skipped.startswith("needs ")


def test_unknown_metrics_of_sets_are_named():
    with pytest.raises(UnknownName, match="unknown metric of sets 'fvd'; available: frechet video distance"):
        measure_set(["fvd"], Gallery([]))


def test_frames_are_sampled_evenly():
    assert sampled(np.arange(20), 4).tolist() == [0, 6, 13, 19]
    assert sampled(np.arange(3), 8).tolist() == [0, 1, 2]


def test_videomae_watches_whole_clips(tmp_path: Path, noise):
    torch.manual_seed(2)
    watcher = VideoMae(str(tiny_vision.videomae(tmp_path)))
    clips = [noise(1, 7), noise(2, 3)]
    vectors = watcher.watch(clips)
    assert vectors.shape == (2, 16)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert not np.allclose(watcher.watch([clips[0][::-1].copy()]), vectors[:1], atol=1e-4)  # it sees time's direction
    found = measure_set(["frechet video distance"], Gallery(clips, references=clips, watcher=watcher))
    assert found["frechet video distance"].value == pytest.approx(0, abs=1e-6)
    assert watcher.name in found["frechet video distance"].note
    with pytest.raises(BadSetting, match=r"no folder with a config\.json"):
        VideoMae(str(tmp_path / "nowhere"))


# ------------------------------------------------------------------------------------------- numbers


def test_vbench_total_is_its_leaderboards_arithmetic():
    best = {name: bounds.greatest for name, bounds in (QUALITY | SEMANTICS).items()}
    assert vbench_total(best).value == pytest.approx(1)
    assert vbench_total(best).note == "weights and bounds as published by VBench"
    worst = {name: bounds.least for name, bounds in (QUALITY | SEMANTICS).items()}
    assert vbench_total(worst).value == pytest.approx(0)
    # only dynamic degree lacks: its weight is 0.5 of 6.5, and quality is 4 of 5
    assert vbench_total(best | {"dynamic degree": 0.0}).value == pytest.approx(1 - 0.5 / 6.5 * 0.8)
    assert vbench_total(best | {"scene": 0.0}).value == pytest.approx(1 - 1 / 9 * 0.2)
    some = vbench_total({"subject consistency": 0.9, "scene": 0.4})
    assert some.value == pytest.approx(0.8 * (0.9 - 0.1462) / 0.8538 + 0.2 * 0.4 / 0.8222)
    assert "2 of 16 dimensions, so not its total" in some.note
    with pytest.raises(ValueError, match="'beauty' is no dimension of VBench"):
        vbench_total({"beauty": 1.0})


def test_own_scores_enter_under_the_dimension_whose_formula_they_have():
    scores = {"flicker": 0.98, "subject consistency": 0.9, "psnr": 30.0, "motion smoothness": 0.9}
    assert as_vbench(scores) == {"temporal flickering": 0.98, "subject consistency": 0.9}


def test_even_totals_turn_what_is_better_low():
    bounds = {"psnr": Bounds(0, 100), "warping error": Bounds(0, 0.5, better="lower")}
    total = even_total({"psnr": 40, "warping error": 0.1}, bounds)
    assert total.value == pytest.approx((0.4 + 0.8) / 2)
    assert total.note.startswith("equal weights")
    with pytest.raises(ValueError, match="'ssim' has no bounds"):
        even_total({"ssim": 1.0}, bounds)


def test_the_gate_takes_away_the_lead_of_the_frozen_and_wrong():
    frozen, honest = gated([1.0, 1.0, 1.0], [0.1, 0.2, 0.0]), gated([0.8, 0.9, 0.7], [0.9, 0.8, 0.3])
    assert frozen.ungated > honest.ungated
    assert (frozen.value, frozen.passed) == (0, 0)
    assert honest.value == pytest.approx((0.8 + 0.9) / 3)
    assert honest.passed == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="2 values of consistency and 1 of fidelity are no pairs"):
        gated([1, 1], [1])


N = None
KRIPPENDORFF = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
    [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
]
"""The worked example of "Computing Krippendorff's Alpha-Reliability" (2011), part C."""
CODERS = [
    [N, N, N, N, N, 3, 4, 1, 2, 1, 1, 3, 3, N, 3],
    [1, N, 2, 1, 3, 3, 4, 3, N, N, N, N, N, N, N],
    [N, N, 2, 1, 3, 4, 4, N, 2, 1, 1, 3, 3, N, 4],
]
"""Three coders of fifteen units, the example most implementations are tested with."""


def test_alpha_is_that_of_published_examples():
    assert alpha(KRIPPENDORFF) == pytest.approx(0.743, abs=5e-4)
    assert alpha(KRIPPENDORFF, "interval") == pytest.approx(0.849, abs=5e-4)
    assert alpha(CODERS) == pytest.approx(0.691, abs=5e-4)
    assert alpha(CODERS, "interval") == pytest.approx(0.811, abs=5e-4)


def test_alpha_takes_words_and_refuses_what_has_none():
    assert alpha([["yes", "no", "yes"], ["yes", "no", "yes"]]) == 1
    assert alpha([["yes", "no"], ["no", "yes"]]) < 0
    with pytest.raises(ValueError, match="'yes' is no number"):
        alpha([["yes", "no"], ["yes", "no"]], "interval")
    with pytest.raises(ValueError, match="all ratings are alike"):
        alpha([[1, 1], [1, 1]])
    with pytest.raises(ValueError, match="no unit has two ratings"):
        alpha([[1, None], [None, 1]])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 3), min_size=4, max_size=12), st.integers(1, 3))
def test_alpha_falls_when_a_judge_changes_a_mind(ratings: list[int], changes: int):
    if len(set(ratings)) < 2:
        return
    other = [value if index >= changes else value + 1 for index, value in enumerate(ratings)]
    assert alpha([ratings, ratings], "interval") == 1
    assert alpha([ratings, other], "interval") < 1
