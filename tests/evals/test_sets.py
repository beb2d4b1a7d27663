"""Metrics of all clips of a run together: measured at its end, the same on resuming, or skipped aloud."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from painted import Painted

from kinograph.errors import UnknownName
from kinograph.evals import run
from kinograph.evals.harness import RunResult
from kinograph.evals.log import SampleLog, SetScore, ShotLog
from kinograph.evals.metrics.judges import agreements
from kinograph.evals.metrics.of_logs import gate, vbench
from kinograph.evals.runs import load
from kinograph.evals.sets import names, world_of
from kinograph.evals.suites import Sample, ShotTruth, SubjectTruth, Suite
from kinograph.evals.systems import Footage, Made
from kinograph.tools.footage import write_mp4
from kinograph.tools.metrics import Unmeasurable

KINDS, COLORS = ("ball", "star", "heart"), ("red", "blue", "green")


class Filed(Painted):
    """Paints the truth, or one world for all, and leaves a file of each shot."""

    def __init__(self, notes: Path, alike: bool = False) -> None:
        super().__init__(notes)
        self.alike = alike

    def make(self, sample: Sample, seed: int, folder: Path, does: str) -> Made:  # type: ignore[override]
        made = super().make(sample.changed(shots=(truth_of(0),)) if self.alike else sample, seed, folder, "film")
        for shot in made.shots:
            write_mp4(folder / f"{shot.shot}.mp4", frames_of(shot.footage), 8, (128, 96), {})
        return made._replace(shots=tuple(one._replace(clip=folder / f"{one.shot}.mp4") for one in made.shots))


def frames_of(footage: Footage | None) -> np.ndarray:
    assert footage is not None
    return footage.frames


def truth_of(number: int) -> ShotTruth:
    who = SubjectTruth(kind=KINDS[number % 3], color=COLORS[number // 3 % 3], motion="rises")
    return ShotTruth(subjects=(who,), setting=("sea", "meadow", "snow")[number % 3], time="day", camera="static")


def suite(samples: int = 6) -> Suite:
    made = (Sample(id=f"s{n}", brief=f"thing {n}", shots=(truth_of(n),)) for n in range(samples))
    return Suite(name="small", samples=tuple(made))


def ran(folder: Path, alike: bool = False, of: Suite | None = None, sets: tuple[str, ...] | None = None) -> RunResult:
    asked = names() if sets is None else sets
    return run(of or suite(), Filed(folder / "notes", alike), folder=folder / "run", metrics=(), set_metrics=asked)


def values(result: RunResult) -> dict[str, float]:
    return {one.metric: one.value for one in result.sets if one.value is not None}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunResult]:
    return {name: ran(tmp_path_factory.mktemp(name), name == "alike") for name in ("true", "alike")}


def test_true_clips_are_nearer_to_the_truth_and_more_various_than_one_clip_again_and_again(results):
    true, alike = values(results["true"]), values(results["alike"])
    assert true["frechet video distance"] < alike["frechet video distance"] / 2
    assert true["frechet image distance"] < alike["frechet image distance"] / 2
    assert true["inception score"] > 3 > 2 > alike["inception score"]
    assert true["clip similarity"] > alike["clip similarity"]


def test_what_cannot_be_measured_says_so_and_has_no_number(results):
    skipped = {one.metric: one.skipped for one in results["true"].sets if one.value is None}
    assert skipped["vbench total"].startswith("needs metrics that are dimensions of VBench")
    assert set(skipped) | set(values(results["true"])) == set(names())


def test_a_run_that_goes_on_measures_the_same_and_keeps_the_file_in_its_folder(results, tmp_path: Path):
    before = load(results["true"].folder).sets
    again = run(
        suite(),
        Filed(results["true"].folder.parent / "notes"),
        folder=results["true"].folder,
        metrics=(),
        set_metrics=names(),
    )
    assert again.sets == before
    assert [one.metric for one in before] == list(names())


def test_without_a_true_world_there_are_no_real_clips_to_compare_with(tmp_path: Path):
    unicorn = ShotTruth(subjects=(SubjectTruth(kind="unicorn"),))
    bare = Suite(name="bare", samples=(Sample(id="a", brief="a unicorn", shots=(unicorn,)),))
    found = {one.metric: one.skipped for one in ran(tmp_path, alike=True, of=bare).sets}
    assert found["frechet image distance"] == "needs references"
    assert not found["clip similarity"]
    crashed = Suite(name="bad", samples=(Sample(id="a", brief="a ball", wishes={"fails": 9}, shots=(ShotTruth(),)),))
    skipped = ran(tmp_path / "bad", of=crashed).sets
    assert {one.skipped for one in skipped if one.metric.startswith("frechet")} == {"needs a clip"}


def test_metrics_of_sets_are_asked_for_by_name(tmp_path: Path):
    assert [one.metric for one in ran(tmp_path, sets=("inception score",)).sets] == ["inception score"]
    with pytest.raises(UnknownName, match="unknown metric of sets 'beauty'"):
        ran(tmp_path / "other", sets=("beauty",))


def test_published_thresholds_are_shown_as_not_comparable(results):
    shown = {one.metric: one for one in results["true"].run.metrics}
    assert (shown["frechet video distance"].target, shown["inception score"].target) == (200, 70)
    assert not shown["frechet video distance"].comparable
    assert math.isinf(shown["frechet video distance"].greatest)


def test_a_world_has_what_is_true_of_a_shot_and_what_is_open_is_drawn():
    left = ShotTruth(subjects=(SubjectTruth(kind="cat", motion="moves"),), setting="sea")
    world = world_of(left, 3)
    assert world is not None
    assert (world.setting, world.subjects[0].kind, world.subjects[0].motion) == ("sea", "cat", "moves right")
    assert world_of(left, 3) == world
    assert len({world_of(left, seed).subjects[0].color for seed in range(20)}) > 3  # type: ignore[union-attr]
    assert world_of(ShotTruth(subjects=(SubjectTruth(kind="unicorn"),)), 0) is None


# ------------------------------------------------------------------------------------------- of the log alone


def log(*shots: dict[str, float], **scores: float) -> SampleLog:
    made = (ShotLog(shot=str(n), asked="", accepted=True, takes=1, scores=one) for n, one in enumerate(shots))
    return SampleLog(sample="s", seed=0, state="done", scores=scores, shots=tuple(made))


def test_consistency_counts_where_a_shot_shows_what_was_asked():
    found = gate([log({"temporal coherence": 0.9, "attributes": 1.0}, {"temporal coherence": 0.8, "attributes": 0.2})])
    assert found.value == pytest.approx(0.45)
    assert "50% of 2 shots; 0.850 without the gate" in found.note
    with pytest.raises(Unmeasurable, match="needs shots with"):
        gate([log({"attributes": 1.0})])


AGREE = {one.name: one for one in agreements()}
agreement = AGREE["agreement of validator and truth"]


def test_a_validator_that_says_the_truth_agrees_with_it_and_one_that_says_the_opposite_does_not():
    right = [{"accepted": float(n % 2), "all right": float(n % 2)} for n in range(6)]
    wrong = [{"accepted": 1.0 - one["accepted"], "all right": one["all right"]} for one in right]
    assert agreement([log(*right)]).value == 1.0
    assert (agreement([log(*wrong)]).value or 0) < 0
    with pytest.raises(Unmeasurable, match="all ratings are alike"):
        agreement([log(*({"accepted": 1.0, "all right": 1.0},) * 3)])


def test_judges_are_held_against_each_other_in_pairs_and_all_together_over_what_each_has_judged():
    """The table of ten units and two judges in "Computing Krippendorff's Alpha-Reliability" (2011), part A: 0.095."""
    one, other = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    shots = [{"accepted": float(a), "all right": float(b)} for a, b in zip(one, other, strict=True)]
    assert agreement([log(*shots)]).value == pytest.approx(0.095, abs=5e-4)
    seen = [shot | ({"eyes right": shot["all right"]} if n else {}) for n, shot in enumerate(shots)]
    eyes = AGREE["agreement of vision model and truth"]([log(*seen)])
    assert (eyes.value, eyes.note) == (1.0, "over 9 shots: eyes right, all right")
    together = AGREE["agreement of all judges"]([log(*seen)])
    assert 0.095 < (together.value or 0) < 1
    assert together.note == "over 10 shots: accepted, eyes right, all right"


def test_how_much_is_right_is_compared_by_degree():
    degrees = [(1.0, 0.9), (0.5, 0.5), (0.0, 0.1), (1.0, 1.0)]
    shots = [{"found right": a, "attributes": b, "accepted": 1.0, "all right": 1.0} for a, b in degrees]
    assert (AGREE["agreement in degree of validator and truth"]([log(*shots)]).value or 0) > 0.95
    far = [shot | {"found right": 1 - shot["found right"]} for shot in shots]
    assert (AGREE["agreement in degree of validator and truth"]([log(*far)]).value or 0) < 0


@pytest.mark.parametrize("name", [name for name in AGREE if "vision" in name or "all" in name])
def test_nobody_who_has_not_looked_agrees_with_anybody(name: str):
    judged = {"accepted": 1.0, "all right": 1.0, "found right": 1.0, "attributes": 1.0}
    wrong = dict.fromkeys(judged, 0.0)
    with pytest.raises(Unmeasurable, match=r"^needs a vision model to look at the shots \(--eyes MODEL\)$"):
        AGREE[name]([log(judged, wrong)])


def test_vbench_total_is_of_the_dimensions_that_were_measured():
    found = vbench([log(**{"subject consistency": 1.0, "kind": 0.3})])
    assert found.value == pytest.approx(1.0)
    assert "1 of 16 dimensions" in found.note


def test_scores_of_sets_are_read_back(results):
    assert all(isinstance(one, SetScore) for one in load(results["alike"].folder).sets)
