"""kinograph eval: what is shown, what is refused, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

from kinograph.evals.smoke import PARTS, Level, level, levels, measured, regressions
from kinograph.evals.suites import SUITES


def test_suites_are_listed_with_their_sizes(kinograph):
    status, out, _ = kinograph("eval", "suites")
    assert status == 0
    assert all(name in out for name in SUITES)
    assert "vbench:PATH" in out
    rows = json.loads(kinograph("eval", "suites", "--json")[1])
    assert rows[0] == {
        "name": "storyworld-basic",
        "samples": 70,
        "does": "film",
        "about": SUITES["storyworld-basic"].about,
    }


def test_a_run_ends_in_a_table_and_a_folder_that_goes_on(kinograph, tmp_path: Path):
    arguments = ("eval", "run", "planning", "--limit", "2", "--set", "takes=1", "--out", "run", "--mind", "rules")
    status, out, err = kinograph(*arguments)
    assert (status, err) == (0, "")
    assert "planned" in out
    assert "2 samples, 0 crashed" in out
    lines = (tmp_path / "run" / "samples.jsonl").read_text().splitlines()
    (tmp_path / "run" / "samples.jsonl").write_text(lines[0] + "\n")
    status, out, _ = kinograph("eval", "run", "--resume", "run", "--json")
    assert (status, json.loads(out)["samples"]["done"]) == (0, 2)
    again = (tmp_path / "run" / "samples.jsonl").read_text().splitlines()
    assert (again[0], len(again)) == (lines[0], 2)


def test_a_run_ends_with_a_report_unless_none_is_wanted(kinograph, tmp_path: Path):
    arguments = ("eval", "run", "planning", "--limit", "1", "--mind", "rules")
    status, out, _ = kinograph(*arguments, "--out", "run")
    assert (status, out.splitlines()[-1]) == (0, str(tmp_path / "run" / "report.html"))
    assert "<title>planning" in (tmp_path / "run" / "report.html").read_text()
    status, out, _ = kinograph(*arguments, "--out", "bare", "--no-report")
    assert (status, out.splitlines()[-1]) == (0, str(tmp_path / "bare"))
    assert not (tmp_path / "bare" / "report.html").exists()


def test_metrics_of_all_clips_are_in_the_table_and_skipped_aloud(kinograph, tmp_path: Path):
    small = ("--size", "96x64", "--frames", "9", "--topology", "chain", "--set", "embedder=pixels")
    arguments = ("eval", "run", "storyworld-basic", "--limit", "1", "--model", "storyworld-render", *small)
    asked = ("--set-metrics", "inception score,frechet video distance", "--no-report", "--json", "--out", "run")
    status, out, _ = kinograph(*arguments, *asked)
    assert status == 0
    found = {one["metric"]: one for one in json.loads(out)["sets"]}
    assert found["inception score"]["value"] == 1
    assert found["frechet video distance"]["skipped"] == "needs two clips on either side"
    status, out, _ = kinograph("eval", "run", "--resume", "run", "--no-report")
    assert status == 0
    assert "all clips" in out
    assert "needs two clips on either side" in out


def test_studies_are_listed_and_what_is_none_is_refused(kinograph):
    status, out, _ = kinograph("eval", "study")
    assert status == 0
    assert "agents" in out
    assert "topologies" in out
    status, _, err = kinograph("eval", "study", "nothing")
    assert (status, err.count("\n")) == (2, 1)


def test_samples_that_crashed_end_in_status_seven_unless_they_are_left_out(kinograph, tmp_path: Path):
    (tmp_path / "mine.jsonl").write_text('{"id": "a", "brief": "A red ball."}\n{"id": "b", "brief": " "}\n')
    (tmp_path / "videos").mkdir()
    status, _, err = kinograph("eval", "run", "mine.jsonl", "--videos", "videos", "--out", "run")
    assert status == 7
    assert "a with seed 0 crashed: no video of a with seed 0" in err
    left_out = ("--exclude", "a=no video", "--exclude", "b=says nothing")
    assert kinograph("eval", "run", "--resume", "run", *left_out)[0] == 0


def test_what_cannot_be_run_is_one_line_and_status_two(kinograph, tmp_path: Path):
    refused = {
        ("nothing",): "unknown suite 'nothing'",
        (): "name a suite",
        ("planning", "--seeds", "none"): "seeds 'none' is neither",
        ("planning", "--seeds", "0"): "seeds '0' is neither",
        ("planning", "--size", "big"): "size 'big' is not",
        ("planning", "--by", "magic"): "neither threads nor processes",
        ("planning", "--mind", "llm"): "mind llm needs a model",
        ("planning", "--mind", "cat"): "unknown mind 'cat'",
        ("planning", "--render"): "only conversations are rendered on request",
        ("planning", "--set", "takes"): "is not NAME=VALUE",
        ("planning", "--set", "color=red"): "unknown setting 'color'",
        ("planning", "--exclude", "m001"): "is not ID=REASON",
        ("planning", "--sample-id", "zzz"): "unknown sample of planning 'zzz'",
        ("storyworld-basic", "--set-metrics", "beauty"): "unknown metric of sets 'beauty'",
        ("storyworld-basic", "--metrics", "beauty"): "unknown metric 'beauty'",
        ("planning", "--videos", "nowhere"): "is no folder of videos",
        ("--resume", "nowhere"): "holds no run of an evaluation",
        ("--resume", "nowhere", "--model", "x"): "keeps its own model",
        ("--resume", "nowhere", "--render"): "keeps its own rendering",
    }
    for arguments, words in refused.items():
        status, _, err = kinograph("eval", "run", *arguments, "--parallel", "1")
        assert (status, words in err, err.count("\n")) == (2, True, 1), (arguments, err)
    assert not [one for one in tmp_path.iterdir() if one.name == "runs"]


def test_help_teaches_by_examples(kinograph):
    status, out, _ = kinograph("eval", "run", "--help")
    assert status == 0
    assert "kinograph eval run storyworld-basic --model storyworld-render" in out
    assert "Exit status" in out


# --------------------------------------------------------------------------------------------- the smoke test


def test_what_left_its_interval_on_the_bad_side_got_worse_and_nothing_else():
    before = {"good": Level(0.9, 0.8, 1.0, 9), "bad": Level(2, 1, 3, 9), "gone": Level(1, 1, 1, 9)}
    now = {"good": level([0.7] * 9), "bad": level([4.0] * 9), "new": level([1.0])}
    better = {"good": "higher", "bad": "lower"}
    assert [name for name, _ in regressions(before, now, better)] == ["good", "bad", "gone"]
    assert not list(regressions(before, {"good": level([0.99]), "bad": level([0.5]), "gone": level([1])}, better))
    assert not list(regressions(before, before, better))


def test_faults_that_are_drawn_on_purpose_are_told_as_regressions_and_nothing_else_is(tmp_path: Path):
    few = PARTS[0]._replace(most=4)
    good, again = (measured(few, tmp_path / name) for name in ("good", "again"))
    bad = measured(few, tmp_path / "bad", faults=1.0)
    better = {one.metric: one.better for one in good.run.metrics}
    assert not list(regressions(levels(good), levels(again), better))
    worse = [name for name, _ in regressions(levels(good), levels(bad), better)]
    assert {"all right", "accepted", "renders"} <= set(worse)


def test_an_interval_is_that_of_the_textbook_and_a_perfect_share_may_lose_half_a_sample():
    assert level([1.0] * 4) == Level(1.0, 0.875, 1.125, 4)
    mean, low, high, n = level([0.2, 0.4, 0.6, 0.8])
    assert (mean, n) == (0.5, 4)
    assert round(high - mean, 4) == round(mean - low, 4) == round(1.96 * 0.2581989 / 2, 4)


def test_the_baseline_is_of_the_samples_that_are_committed():
    from kinograph.evals.smoke import BASELINE
    from kinograph.evals.suites import open_suite

    kept = json.loads(BASELINE.read_text())["parts"]
    assert set(kept) == {part.name for part in PARTS}
    for part in PARTS:
        suite = open_suite(part.suite)
        ids = [sample.id for sample in suite.samples][:: part.every][: part.most]
        assert kept[part.name]["suite"] == suite.only(ids).digest
