"""What runs come to, and what they differ in."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from kinograph.errors import BadInput, UnknownName
from kinograph.evals.log import Run, SampleLog, SetScore, Shown, Spent
from kinograph.evals.runs import LoadedRun
from kinograph.evals.statistics import compare, labels, means

IDENTITY = Shown(metric="identity", better="higher", least=0, greatest=1, target=0.5)
FLICKER = Shown(metric="flicker", better="lower", least=0, greatest=1)
FVD = Shown(metric="FVD", better="lower", least=0, greatest=math.inf, target=200)


def log(sample: str, seed: int = 0, **more) -> SampleLog:
    return SampleLog(**{"sample": sample, "seed": seed, "state": "done"} | more)


def run(
    samples: list[SampleLog], *metrics: Shown, digest: str = "d", id: str = "run", sets=(), **system: str
) -> LoadedRun:
    header = Run(
        id=id, suite="suite", suite_digest=digest, system=system, seeds=(0,), metrics=metrics or (IDENTITY,), began="",
        samples=tuple(dict.fromkeys(one.sample for one in samples)),
    )  # fmt: skip
    return LoadedRun(Path("nowhere"), header, tuple(samples), tuple(sets))


def noisy(seed: int, better: float = 0.0, *, prompts: int = 20, metric: str = "identity") -> list[SampleLog]:
    """Prompts of which each has its own level, which two runs share; noise that is the run's own."""
    level, rng = np.random.default_rng(1).normal(0.5, 0.1, prompts), np.random.default_rng(seed)
    return [
        log(f"p{n}", s, scores={metric: float(np.clip(level[n] + better + rng.normal(0, 0.03), 0, 1))})
        for n in range(prompts)
        for s in range(3)
    ]


def mean(samples: list[SampleLog], shown: Shown = IDENTITY):
    return means(run(samples, shown))[0]


def test_a_crashed_sample_counts_as_the_worst_value():
    done = log("a", scores={"identity": 0.8, "flicker": 0.2})
    crashed = log("b", state="crashed")
    found = means(run([done, crashed], IDENTITY, FLICKER))
    assert [one.estimate.value for one in found if one.estimate] == pytest.approx([0.4, 0.6])
    assert [one.crashed for one in found] == [1, 1]


def test_an_excluded_sample_does_not_count():
    found = mean([log("a", scores={"identity": 0.8}), log("b", state="excluded", scores={"identity": 0.0})])
    assert found.estimate is not None
    assert (found.estimate.value, found.estimate.n) == (0.8, 1)


def test_a_metric_that_was_skipped_never_has_a_number_not_even_for_crashes():
    found = mean([log("a", skipped={"identity": "needs weights"}), log("b", state="crashed")])
    assert found.estimate is None
    assert found.skipped == ("needs weights (1 of 2)",)


def test_a_crash_does_not_count_where_the_samples_other_seeds_cannot_be_measured():
    found = mean([
        log("a", scores={"identity": 0.8}),
        log("b", 0, skipped={"identity": "one shot only"}),
        log("b", 1, state="crashed"),
    ])  # fmt: skip
    assert found.estimate is not None
    assert (found.estimate.n, found.crashed) == (1, 0)


def test_a_run_that_only_crashed_is_as_bad_as_can_be():
    found = mean([log("a", state="crashed"), log("b", state="crashed")])
    assert found.estimate is not None
    assert (found.estimate.value, found.crashed) == (0.0, 2)


def test_a_crash_without_a_worst_value_counts_as_the_worst_that_was_seen():
    open_ended = Shown(metric="warp", better="lower", least=0, greatest=math.inf)
    samples = [log("a", scores={"warp": 3.0}), log("b", scores={"warp": 9.0}), log("c", state="crashed")]
    found = mean(samples, open_ended)
    assert found.estimate is not None
    assert found.estimate.value == 7.0
    with pytest.raises(BadInput, match="no worst value that crashed samples could count as"):
        mean([log("a", state="crashed")], open_ended)


def test_intervals_are_cut_at_what_values_there_can_be():
    found = mean([log("a", scores={"identity": 1.0}), log("b", scores={"identity": 0.5})])
    assert found.estimate is not None
    assert (found.estimate.low, found.estimate.high) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("scores", "target"),
    [((0.7, 0.71, 0.72), "reached"), ((0.2, 0.21, 0.22), "missed"), ((0.1, 0.5, 0.9), "undecided")],
)
def test_a_target_is_held_against_the_whole_interval(scores: tuple[float, ...], target: str):
    assert mean([log(str(n), scores={"identity": one}) for n, one in enumerate(scores)]).target == target


def test_a_metric_of_all_clips_has_a_number_without_an_interval():
    found = means(run([log("a")], FVD, sets=[SetScore(metric="FVD", value=312.4)]))[0]
    assert found.of_set
    assert found.estimate is not None
    assert (found.estimate.value, found.estimate.low, found.target) == (312.4, None, "missed")
    skipped = means(run([log("a")], FVD, sets=[SetScore(metric="FVD", value=None, skipped="needs 50 clips")]))[0]
    assert (skipped.estimate, skipped.skipped) == (None, ("needs 50 clips",))


def test_a_difference_that_is_there_is_shown_although_prompts_differ_by_more():
    a, b = run(noisy(2), mind="rules"), run(noisy(3, 0.05), mind="llm")
    one = compare(a, b).differences[0]
    assert one.estimate is not None
    assert one.estimate.low is not None
    assert one.shown == "better"
    assert one.estimate.value == pytest.approx(0.05, abs=0.015)
    assert one.estimate.low > 0
    assert (one.estimate.n, one.estimate.clusters) == (60, 20)
    assert one.effect is not None
    assert one.effect > 1
    assert one.superior is not None
    assert one.superior > 0.8
    assert one.needed is not None
    assert one.needed < 20


def test_no_difference_is_shown_where_there_is_none_and_more_prompts_are_asked_for():
    one = compare(run(noisy(2), mind="rules"), run(noisy(3), mind="llm")).differences[0]
    assert one.estimate is not None
    assert one.estimate.low is not None
    assert one.estimate.high is not None
    assert one.shown == "no difference shown"
    assert one.estimate.low <= 0 <= one.estimate.high
    assert one.needed is None or one.needed > 20


def test_what_is_better_the_lower_it_is_is_told_so():
    one = compare(run(noisy(2, metric="flicker"), FLICKER), run(noisy(3, 0.05, metric="flicker"), FLICKER)).differences[
        0
    ]
    assert one.shown == "worse"
    assert one.effect is not None
    assert one.effect < 0


def test_swapping_two_runs_turns_the_difference_around():
    a, b = run(noisy(2), mind="rules"), run(noisy(3, 0.05), mind="llm")
    one, other = compare(a, b).differences[0], compare(b, a).differences[0]
    assert one.estimate is not None
    assert other.estimate is not None
    assert other.shown == "worse"
    assert other.estimate.value == pytest.approx(-one.estimate.value)
    assert other.estimate.low == pytest.approx(-(one.estimate.high or 0), abs=1e-9)


def test_samples_of_one_run_only_have_no_partner_and_are_left_out_aloud():
    a, b = run(noisy(2)), run(noisy(3, prompts=10))
    one = compare(a, b).differences[0]
    assert one.estimate is not None
    assert (one.estimate.n, one.note) == (30, "30 values without a partner are left out")


def test_crashes_count_against_the_run_that_crashed():
    b = [one.changed(state="crashed", scores={}) if one.seed == 0 else one for one in noisy(2)]
    one = compare(run(noisy(2)), run(b, id="b"))
    assert one.differences[0].shown == "worse"
    assert "run" in one.notes[0] or "b" in one.notes[0]
    assert any("20 of 60 samples crashed and count as the worst value" in note for note in one.notes)


def test_a_crash_does_not_make_a_run_cheaper():
    a = [one.changed(spent=Spent(seconds=10)) for one in noisy(2)]
    b = [one.changed(state="crashed", scores={}, spent=Spent(seconds=1)) if one.seed == 0 else one for one in a]
    seconds = next(one for one in compare(run(a), run(b)).costs if one.name == "seconds")
    assert seconds.estimate is not None
    assert (seconds.estimate.value, seconds.estimate.n, seconds.shown) == (0.0, 40, "no difference shown")


def test_what_does_not_outlive_the_correction_is_not_shown():
    metrics = [Shown(metric=f"m{n}", better="higher", least=0, greatest=1) for n in range(12)]
    noise = {
        shown.metric: (noisy(2 * n + 9, metric=shown.metric), noisy(2 * n + 10, metric=shown.metric))
        for n, shown in enumerate(metrics)
    }
    noise["m0"] = noisy(2, metric="m0"), noisy(3, 0.017, metric="m0")

    def joined(side: int) -> LoadedRun:
        rows = zip(*(pair[side] for pair in noise.values()), strict=True)
        logs = [row[0].changed(scores={k: v for one in row for k, v in one.scores.items()}) for row in rows]
        return run(logs, *metrics, id=str(side))

    alone = compare(joined(0), joined(1), metrics=["m0"]).differences
    among = compare(joined(0), joined(1)).differences
    assert [one.shown for one in alone] == ["better"]
    assert among[0].p == alone[0].p
    assert among[0].shown == "no difference shown"
    assert "not after correction for 12 tests" in among[0].note


def test_several_runs_are_compared_with_the_first_and_corrected_together():
    found = compare(run(noisy(2), t="a"), run(noisy(3, 0.05), t="b"), run(noisy(4), t="c"))
    assert found.labels == ("t=a", "t=b", "t=c")
    assert [(one.run, one.shown) for one in found.differences] == [("t=b", "better"), ("t=c", "no difference shown")]
    assert any("2 tests were made" in note for note in found.notes)


def test_runs_of_different_suites_are_refused_in_one_line():
    with pytest.raises(BadInput, match="cannot be compared: their suites differ") as told:
        compare(run(noisy(2)), run(noisy(3), digest="other"))
    assert "\n" not in str(told.value)


def test_a_metric_that_runs_do_not_share_is_refused():
    with pytest.raises(UnknownName, match="unknown metric of these runs 'FVD'; available: identity"):
        compare(run(noisy(2)), run(noisy(3)), metrics=["FVD"])


def test_one_prompt_is_not_enough_to_compare():
    one = compare(run(noisy(2, prompts=1)), run(noisy(3, 0.2, prompts=1))).differences[0]
    assert (one.shown, one.p) == ("not compared", None)
    assert "two prompts at least" in one.note


def test_labels_tell_systems_apart():
    alike = labels([run([], id="x", model="m"), run([], id="y", model="m")])
    assert alike == ("x", "y")
    assert labels([run([], id="x", model="m"), run([], id="x", model="m")]) == ("x (1)", "x (2)")


def test_a_run_without_a_sample_is_compared_with_nothing():
    full, empty = run(noisy(2)), run([])
    with pytest.raises(BadInput, match="has no finished sample yet; there is nothing to compare"):
        compare(full, empty)
