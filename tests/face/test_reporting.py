"""kinograph eval report | compare | export."""

from __future__ import annotations

import json
from pathlib import Path

import made_runs
import pytest

from kinograph.evals.runs import load


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    one = made_runs.make(tmp_path / "chain", samples=4, seeds=2)
    return one, made_runs.make(tmp_path / "other", "hierarchical", better=0.1, samples=4, seeds=2)


def test_a_report_lies_in_the_runs_folder_unless_it_is_told_otherwise(kinograph, runs, tmp_path: Path):
    assert kinograph("eval", "report", str(runs[0])) == (0, f"{runs[0] / 'report.html'}\n", "")
    assert "<video" in (runs[0] / "report.html").read_text()
    to = tmp_path / "new" / "page.html"
    assert kinograph("eval", "report", str(runs[0]), "--out", str(to), "--inline", "0") == (0, f"{to}\n", "")
    assert "<video" not in to.read_text()


def test_a_comparison_is_a_table_a_page_and_data(kinograph, runs, tmp_path: Path):
    first, other = map(str, runs)
    status, out, _ = kinograph("eval", "compare", first, other, "--html", str(tmp_path / "page.html"))
    assert status == 0
    assert "topology=hierarchical against topology=chain" in out
    assert "text alignment" in out
    assert "seconds" in out
    assert "Difference of topology=hierarchical" in (tmp_path / "page.html").read_text()
    status, out, _ = kinograph("eval", "compare", first, other, "--metric", "identity", "--json")
    assert [one["name"] for one in json.loads(out)["differences"]] == ["identity"]


def test_runs_of_different_suites_are_refused_in_one_line(kinograph, runs):
    header = load(runs[1]).header
    (runs[1] / "run.json").write_text(header.changed(suite_digest="another").model_dump_json())
    status, out, err = kinograph("eval", "compare", *map(str, runs))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "cannot be compared: their suites differ" in err


def test_a_run_is_exported_by_the_name_of_the_file(kinograph, runs, tmp_path: Path):
    for name in ("run.csv", "run.parquet"):
        assert kinograph("eval", "export", str(runs[0]), "--to", str(tmp_path / name))[0] == 0
        assert (tmp_path / name).stat().st_size > 500
    status, _, err = kinograph("eval", "export", str(runs[0]), "--to", "run.txt")
    assert (status, err) == (2, "kinograph: 'run.txt' ends in '.txt'; a run is exported to .csv or .parquet\n")


@pytest.mark.parametrize(
    "command", [("report", "nowhere"), ("compare", "nowhere", "there"), ("export", "nowhere", "--to", "a.csv")]
)
def test_what_is_no_run_is_refused_in_one_line(kinograph, command):
    assert kinograph("eval", *command) == (2, "", "kinograph: 'nowhere' is no eval run: there is no run.json in it\n")


def test_a_run_is_not_compared_with_itself(kinograph, runs):
    status, _, err = kinograph("eval", "compare", str(runs[0]), str(runs[0]))
    assert (status, "cannot be compared with itself" in err) == (2, True)
