"""Thresholds: chosen from measured clips, kept as data, overridden for one model, and good for what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from kinograph.agents.calibration import Faulty, Measured, any_alarm, auc, calibrate
from kinograph.agents.thresholds import Threshold, Thresholds, file_of, keep, shipped, thresholds_of
from kinograph.agents.validator import EVERY
from kinograph.errors import Damaged


def faults_of(values: list[float]) -> Faulty:
    """Flickering clips at two severities."""
    return {("flicker", "medium"): measured(values), ("flicker", "gross"): measured(values)}


def measured(values: list[float]) -> list[dict]:
    return [{"flicker": value} for value in values]


def test_there_is_a_threshold_for_all_that_is_measured():
    assert shipped().kinds.keys() >= EVERY
    assert all(limit.at <= limit.sure for limit in shipped().kinds.values())


@given(some.lists(some.floats(0, 9), min_size=1, max_size=30), some.lists(some.floats(0, 9), min_size=1, max_size=30))
def test_the_area_is_how_often_a_faulty_clip_has_more(clean, faulty):
    pairs = [(f > c) + (f == c) / 2 for f in faulty for c in clean]
    assert auc(np.array(clean), np.array(faulty)) == pytest.approx(np.mean(pairs))


@given(some.integers(0, 99))
def test_no_more_clean_clips_are_refused_than_was_allowed(seed):
    rng = np.random.default_rng(seed)
    clean = measured(rng.gamma(1.0, 1.0, 200).tolist())
    faulty = faults_of((rng.gamma(1.0, 1.0, 200) + 2).tolist())
    limits = calibrate(clean, faulty, "", alarms=0.03)
    assert any_alarm(clean, limits.kinds) <= 0.03
    assert 0.5 < limits["flicker"].auc["gross"] <= 1


def test_where_clean_and_faulty_are_apart_the_threshold_is_between_them_nearer_to_the_faulty():
    faulty = faults_of([10.0] * 50)
    limit = calibrate(measured([1.0] * 50), faulty, "", "m")["flicker"]
    assert 5.5 < limit.at < 10
    assert (limit.alarms, limit.caught) == (0, {"medium": 1, "gross": 1})
    assert [point.caught["gross"] for point in limit.roc] == sorted(
        (point.caught["gross"] for point in limit.roc), reverse=True
    )


def test_a_models_own_thresholds_go_before_those_of_any(tmp_path: Path):
    own = Thresholds(model="a/b", kinds={"flicker": Threshold(at=7, sure=8)})
    keep(own, file_of("a/b", tmp_path))
    assert thresholds_of("a/b", tmp_path)["flicker"].at == 7
    assert thresholds_of("a/b", tmp_path)["black"] == shipped()["black"]
    assert thresholds_of("other", tmp_path) == shipped()


def test_the_embedded_model_ships_with_its_own_and_a_users_go_before_them(tmp_path: Path):
    own = thresholds_of("storyworld-diffusion", tmp_path)
    assert own.model == "storyworld-diffusion"
    assert own.clips >= 200
    assert own.kinds.keys() == shipped().kinds.keys()
    assert own["wrong subject"].caught["gross"] > 0.97
    keep(Thresholds(kinds={"flicker": Threshold(at=7, sure=8)}), file_of("storyworld-diffusion", tmp_path))
    assert thresholds_of("storyworld-diffusion", tmp_path)["flicker"].at == 7


def test_what_a_models_own_clips_go_beyond_is_raised_and_the_rest_stays():
    before = shipped()
    clean: list[Measured] = [{"size drift": 0.9, "shape drift": 0.0, "flicker": 0.1}] * 50
    limits = calibrate(clean, faults_of([5.0] * 50), "", "m")
    assert limits["size drift"].at == 0.9 > before["size drift"].at
    assert "shape drift" not in limits.kinds
    assert calibrate(clean, faults_of([5.0] * 50), "")["size drift"] == before["size drift"], "of any model: as it was"


def test_a_few_clips_that_fail_do_not_hide_gross_faults():
    clean = measured([0.1] * 296 + [8.0] * 4)
    limits = calibrate(clean, faults_of([5.0] * 50), "", "m")
    assert limits["flicker"].at < 5
    assert limits["flicker"].caught["gross"] == 1
    assert limits["flicker"].alarms == pytest.approx(4 / 300, abs=1e-4)


def test_thresholds_that_cannot_be_read_are_named_in_one_line(tmp_path: Path):
    file_of("m", tmp_path).write_text('{"kinds": {"flicker": {"at": "much"}}}')
    with pytest.raises(Damaged, match=r"m\.json") as raised:
        thresholds_of("m", tmp_path)
    assert "\n" not in str(raised.value)
