"""Runs as they lie on the disk: read, made into frames, exported."""

from __future__ import annotations

import sys
from pathlib import Path

import made_runs
import pandas
import pytest

from kinograph.errors import BadInput, Damaged
from kinograph.evals.runs import export, load, load_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made_runs.make(tmp_path / "run", samples=4, seeds=2)


def test_a_run_is_read_in_the_order_of_its_samples(folder: Path):
    lines = (folder / "samples.jsonl").read_text().splitlines()
    (folder / "samples.jsonl").write_text("\n".join(reversed(lines)) + "\n")
    run = load(folder)
    assert [(one.sample, one.seed) for one in run.samples[:3]] == [("story-000", 0), ("story-000", 1), ("story-001", 0)]
    assert (len(run.samples), run.wanted, run.torn) == (8, 8, False)
    assert [one.metric for one in run.sets] == ["FVD"]


def test_a_last_line_that_was_torn_is_as_if_not_there(folder: Path):
    path = folder / "samples.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    run = load(folder)
    assert (len(run.samples), run.torn) == (7, True)


def test_the_later_of_two_lines_for_a_sample_counts(folder: Path):
    path = folder / "samples.jsonl"
    first = load(folder).samples[0]
    path.write_text(path.read_text() + first.changed(scores={"identity": 0.125}).model_dump_json() + "\n")
    run = load(folder)
    assert len(run.samples) == 8
    assert run.samples[0].scores == {"identity": 0.125}


def test_a_run_of_which_nothing_is_done_yet_is_an_empty_one(folder: Path):
    (folder / "samples.jsonl").unlink()
    assert load(folder).samples == ()
    assert len(load_run(folder)) == 0


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("run.json", "{", "run.json' is not what was written"),
        ("run.json", '{"id": 3}', "id: Input should be a valid string"),
        ("samples.jsonl", '{"sample": "a"}\n', "line 1 of .*seed: Field required"),
        ("samples.jsonl", '{"sample": "a", "seed": 0, "state": "done", "scores": {"x": NaN}}\n', "line 1 .*'x' is nan"),
        ("sets.json", "[1]", "sets.json' is not what was written"),
    ],
)
def test_damage_is_told_in_one_line(folder: Path, file: str, content: str, words: str):
    (folder / file).write_text(content)
    with pytest.raises(Damaged, match=words) as told:
        load(folder)
    assert "\n" not in str(told.value)


def test_what_is_no_run_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match=r"there is no run.json in it"):
        load(tmp_path / "nowhere")


def test_a_frame_has_a_row_a_sample_and_seed(folder: Path):
    frame = load_run(folder)
    first = load(folder).samples[0]
    assert len(frame) == 8
    row = frame.iloc[0]
    assert row["system.topology"] == "chain"
    assert row["scores.identity"] == first.scores["identity"]
    assert pandas.isna(row["scores.aesthetics"])
    assert row["skipped.aesthetics"] == "needs weights of an aesthetic predictor"
    assert row["spent.tokens"] == 1400
    assert (row["shots"], row["takes"], row["retakes"]) == (2, 3, 1)
    assert row["path_match"] == pytest.approx(9 / 11)
    assert frame["scores.aesthetics"].dtype == "float64"


def test_both_exports_hold_the_frame(folder: Path, tmp_path: Path):
    frame = load_run(folder)
    back = pandas.read_parquet(export(folder, tmp_path / "out" / "run.parquet"))
    pandas.testing.assert_frame_equal(back, frame, check_dtype=False)
    text = pandas.read_csv(export(folder, tmp_path / "run.csv"), keep_default_na=False)
    assert list(text["asked"]) == list(frame["asked"])
    assert [float(one) for one in text["scores.identity"]] == list(frame["scores.identity"])
    assert not list(tmp_path.rglob(".*run*"))


def test_other_endings_are_refused_before_anything_is_read(tmp_path: Path):
    with pytest.raises(BadInput, match=r"ends in '.xlsx'; a run is exported to .csv or .parquet"):
        export(tmp_path / "nowhere", tmp_path / "run.xlsx")


def test_without_pandas_it_is_said_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(BadInput, match=r'need pandas, which is not installed: pip install "kinograph\[eval\]"'):
        load_run(folder)
