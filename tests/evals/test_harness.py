"""The harness: every sample once, whatever is killed, and nothing counted that was not measured."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from painted import Painted, ball, evaluated, suite_of

from kinograph import Studio
from kinograph.errors import BadInput, Cancelled, Damaged, ProductionBusy, UnknownName
from kinograph.evals import run
from kinograph.evals.folder import RunFolder
from kinograph.evals.harness import Progress, RunResult
from kinograph.evals.intervals import Estimate
from kinograph.evals.log import Run, SampleLog, Shown, Spent
from kinograph.evals.runs import load
from kinograph.evals.statistics import means
from kinograph.evals.systems.studio import Crewed
from kinograph.settings import Settings


def plain(result: RunResult) -> list[SampleLog]:
    """What came of a run, but for times."""
    return [log.changed(spent=log.spent.changed(seconds=0.0, judging=0.0)) for log in result.samples]


def test_a_run_that_was_killed_half_way_goes_on_to_the_same_result_and_runs_nothing_twice(tmp_path: Path):
    notes, script = tmp_path / "notes", Path(__file__).parent.parent / "painted.py"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(script.parent), *sys.path])}
    child = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "run"), str(notes), "5", "0.2"], env=environment
    )
    place, deadline = RunFolder(tmp_path / "run"), time.monotonic() + 60
    while len(place.logs()) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    finished = place.logs()
    assert 5 <= len(finished) < 10
    with (place.path / "samples.jsonl").open("ab") as lines:
        lines.write(b'{"sample":"s4","seed":1,"sta')  # as a kill amid a write leaves it
    result = evaluated(place.path, notes, 5, 0.0)
    whole = evaluated(tmp_path / "whole", tmp_path / "other notes", 5, 0.0)
    assert plain(result) == plain(whole)
    assert [log.state for log in result.samples] == ["done"] * 10
    again = Counter(Painted(notes).made())
    assert all(again[f"{key.sample}@{key.seed}"] == 1 for key in finished)
    assert sum(again.values()) <= 11, "only the sample at hand began anew"
    assert not (place.path / "work").exists()


def test_what_is_finished_is_not_run_again_and_more_can_not_be_smuggled_in(tmp_path: Path):
    system = Painted(tmp_path / "notes")
    run(suite_of(3), system, folder=tmp_path / "run", metrics=())
    run(suite_of(3), system, folder=tmp_path / "run", metrics=())
    assert system.made() == ["s0@0", "s1@0", "s2@0"]
    with pytest.raises(BadInput, match="another suite_digest"):
        run(suite_of(4), system, folder=tmp_path / "run", metrics=())
    with pytest.raises(BadInput, match="another seeds: 0, not 0, 1"):
        run(suite_of(3), system, folder=tmp_path / "run", seeds=2, metrics=())
    with pytest.raises(BadInput, match="another system: system=painted, not system=other"):
        run(suite_of(3), Painted(tmp_path / "notes", name="other"), folder=tmp_path / "run", metrics=())


def test_two_harnesses_do_not_write_one_folder(tmp_path: Path):
    with RunFolder(tmp_path / "run").held(), pytest.raises(ProductionBusy, match="another process"):
        run(suite_of(1), Painted(tmp_path / "notes"), folder=tmp_path / "run", metrics=())


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadInput, match=r"it has 'mine\.txt'"):
        run(suite_of(1), Painted(tmp_path.parent / "notes"), folder=tmp_path, metrics=())


def test_a_line_in_the_middle_that_is_no_sample_is_damage(tmp_path: Path):
    result = run(suite_of(2), Painted(tmp_path / "notes"), folder=tmp_path / "run", metrics=())
    file = result.folder / "samples.jsonl"
    file.write_bytes(b"nonsense\n" + file.read_bytes())
    with pytest.raises(Damaged, match="line 1 of"):
        RunFolder(result.folder).logs()


def test_a_whole_last_line_without_its_newline_counts(tmp_path: Path):
    result = run(suite_of(2), Painted(tmp_path / "notes"), folder=tmp_path / "run", metrics=())
    file = result.folder / "samples.jsonl"
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    assert len(RunFolder(result.folder).logs()) == 2
    RunFolder(result.folder).mend()
    assert file.read_bytes().endswith(b"}\n")
    assert len(RunFolder(result.folder).logs()) == 2


def test_a_sample_that_crashes_counts_as_the_worst_value(tmp_path: Path):
    suite = suite_of(2)
    bad = suite.samples[1].changed(wishes={"bug": True})
    result = run(
        suite.model_copy(update={"samples": (suite.samples[0], bad)}),
        Painted(tmp_path / "notes"),
        folder=tmp_path / "run",
        metrics=(),
    )
    assert [(log.state, log.error) for log in result.samples] == [("done", ""), ("crashed", "ZeroDivisionError: a bug")]
    assert result.samples[0].scores["kind"] == 1
    assert result.means["kind"] == 0.5


def test_a_crash_costs_nothing_in_what_its_sample_could_not_be_measured_by(tmp_path: Path):
    """Its film would have had one shot: nobody who recurs, and no order."""
    single = suite_of(1).samples[0].changed(id="single", wishes={"bug": True})
    cast = single.shots[0].changed(subjects=(ball(who="ball"),))
    double = single.changed(id="double", wishes={}, shots=(cast, cast.changed(setting="city")))
    suite = suite_of(1).model_copy(update={"samples": (single, double)})
    result = run(suite, Painted(tmp_path / "notes"), folder=tmp_path / "run", metrics=())
    (crashed,) = result.crashed
    assert {"identity held", "order"} <= set(crashed.skipped)
    assert (result.means["identity held"], result.means["kind"]) == (1, 0.5)
    found = {one.shown.metric: one for one in means(load(result.folder))}
    assert (found["identity held"].crashed, found["kind"].crashed) == (0, 1)
    assert found["identity held"].estimate == Estimate(value=1.0, n=1, clusters=1)


def test_a_sample_is_left_out_only_aloud_and_may_be_so_afterwards(tmp_path: Path):
    suite, system = suite_of(2, fails=9), Painted(tmp_path / "notes")
    assert len(run(suite, system, folder=tmp_path / "run", metrics=()).crashed) == 2
    result = run(suite, system, folder=tmp_path / "run", metrics=(), exclude={"s1": "needs blue paint"})
    assert [(log.sample, log.state, log.error) for log in result.samples] == [
        ("s0", "crashed", "the paint is dry"),
        ("s1", "excluded", "needs blue paint"),
    ]
    with pytest.raises(UnknownName, match="unknown excluded sample 's7'"):
        run(suite, system, folder=tmp_path / "other", metrics=(), exclude={"s7": "why not"})


@pytest.mark.parametrize(("retries", "state"), [(1, "crashed"), (2, "done")])
def test_what_crashes_is_tried_again_as_often_as_asked(retries: int, state: str, tmp_path: Path):
    system = Painted(tmp_path / "notes")
    result = run(suite_of(1, fails=2), system, folder=tmp_path / "run", metrics=(), retry_on_error=retries)
    assert [log.state for log in result.samples] == [state]
    assert system.made() == ["s0@0"] * (retries + 1)


@pytest.mark.parametrize("by", ["threads", "processes"])
def test_samples_side_by_side_come_to_the_same(by: str, tmp_path: Path):
    alone = run(suite_of(4), Painted(tmp_path / "a"), folder=tmp_path / "alone", metrics=())
    side = run(suite_of(4), Painted(tmp_path / "b"), folder=tmp_path / "side", metrics=(), parallel=2, by=by)  # type: ignore[arg-type]
    assert plain(alone) == plain(side)


def test_progress_is_told_sample_by_sample_and_a_stop_keeps_what_is_finished(tmp_path: Path):
    stop, heard = threading.Event(), list[Progress]()

    def hear(now: Progress) -> None:
        heard.append(now)
        if now.done == 2:
            stop.set()

    system = Painted(tmp_path / "notes")
    with pytest.raises(Cancelled):
        run(suite_of(5), system, folder=tmp_path / "run", metrics=(), stop=stop, on_progress=hear)
    kept = len(RunFolder(tmp_path / "run").logs())
    assert 2 <= kept <= 3
    assert [now.done for now in heard] == list(range(kept + 1))
    run(suite_of(5), system, folder=tmp_path / "run", metrics=())
    assert sorted(system.made()) == [f"s{n}@0" for n in range(5)]


def test_a_limit_and_ids_choose_samples(tmp_path: Path):
    system = Painted(tmp_path / "notes")
    run(suite_of(5), system, folder=tmp_path / "run", metrics=(), sample_ids=["s4", "s1"], limit=1, seeds=(7,))
    assert system.made() == ["s4@7"]
    with pytest.raises(UnknownName, match="unknown sample of small 's9'"):
        run(suite_of(5), system, folder=tmp_path / "other", sample_ids=["s9"])


def test_a_reused_clip_is_a_call_of_the_generator_unless_told_otherwise():
    spent = Spent(renders=2.5, reused=3)
    assert (spent.generated(), spent.generated(reused=False)) == (5.5, 2.5)


def test_a_header_with_bounds_without_end_is_read_back(tmp_path: Path):
    endless = Shown(metric="loss", better="lower", least=0, greatest=float("inf"))
    header = Run(id="r", suite="s", suite_digest="d", system={}, seeds=(0,), metrics=(endless,), began="now")
    RunFolder(tmp_path / "run").begin(header)
    assert RunFolder(tmp_path / "run").header() == header


SMALL = {"width": 128, "height": 96, "frames": 9, "fps": 8}


def test_a_studio_films_a_story_and_all_that_it_did_is_logged(tmp_path: Path):
    system = Crewed(Settings.load(topology="chain"), SMALL)
    result = run("storyworld-story", system, folder=tmp_path / "run", sample_ids=["story-001"])
    log = result.samples[0]
    assert log.state == "done", log.error
    assert (log.scores["all right"], log.scores["identity held"], log.scores["order"]) == (1, 1, 1)
    assert [shot.takes for shot in log.shots] == [1, 1, 1]
    assert (log.spent.renders, log.spent.reused, log.spent.calls) == (3, 0, 0)
    assert log.path[:3] == ("orchestrate", "carry", "chain")
    assert Counter(log.path)["render"] == 3
    files = [log.film, log.sheet, *(file for shot in log.shots for file in (shot.clip, shot.sheet))]
    assert all((result.folder / file).stat().st_size > 100 for file in files)
    assert result.run.system["topology"] == "chain"
    assert "python" in result.run.versions


def test_clips_that_were_there_already_are_told_as_reused(tmp_path: Path):
    asked = {"sample_ids": ["basic-002"], "metrics": ()}
    system = Crewed(Settings.load(topology="chain"), SMALL, fresh=False)
    first = run("storyworld-basic", system, folder=tmp_path / "one", **asked)
    second = run("storyworld-basic", system, folder=tmp_path / "two", **asked)
    assert (first.samples[0].spent.renders, second.samples[0].spent.renders) == (1, 0)
    assert (first.samples[0].spent.generated(), second.samples[0].spent.generated()) == (1, 1)
    assert first.means == second.means


def test_a_studio_is_a_system_with_its_own_home(home: Path, tmp_path: Path):
    studio = Studio(topology="chain")
    run("planning", studio, folder=tmp_path / "run", limit=1)
    assert RunFolder(tmp_path / "run").header().system["home"] == "shared"
    with pytest.raises(BadInput, match="3 is no system"):
        run("planning", 3, folder=tmp_path / "other")


def test_a_system_that_can_do_nothing_is_told_before_anything_is_written(tmp_path: Path):
    with pytest.raises(UnknownName, match="unknown model 'nothing'"):
        run("planning", Crewed(Settings.load(model="nothing")), folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_system_is_named_by_its_settings_and_found_again_by_its_name(monkeypatch: pytest.MonkeyPatch):
    backends = {"storyworld-render": {"fault_rate": 0.5}}
    system = Crewed(Settings.load(takes=1, backends=backends), {"width": 128})
    again = Crewed.named(system.names())
    assert again.names() == system.names()
    assert (again.settings.takes, again.settings.backends) == (1, backends)
    assert again.wishes == {"width": "128"}
    with pytest.raises(BadInput, match="'colour' is no wish"):
        Crewed(Settings.load(), {"colour": "red"})


def test_importing_evals_loads_nothing_heavy():
    code = (
        "import sys; import kinograph.evals; print([m for m in ('torch','scipy','pandas','cv2') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
