"""The ledger: leases, takes and papers that outlive the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kinograph.errors import UnknownName
from kinograph.film import Brief, Decision, Outcome, Take, Trial
from kinograph.memory.ledger import MOST_TRIALS, Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


def test_a_lease_keeps_others_out_until_it_ends(ledger: Ledger, request_of):
    other = Ledger(ledger.path)
    other.me = "elsewhere:1:0.00"
    assert other.claim(request_of(), lease_seconds=60)
    assert not ledger.claim(request_of())
    assert ledger.claim(request_of(seed=1)), "another request is free"
    other.settle(request_of().digest)
    assert ledger.claim(request_of())


def test_threads_of_one_process_keep_each_other_out_too(ledger: Ledger, request_of):
    other = Ledger(ledger.path)
    assert ledger.claim(request_of())
    assert not ledger.claim(request_of())
    assert not other.claim(request_of())
    assert Ledger(ledger.path.with_name("another.sqlite")).claim(request_of())
    ledger.settle(request_of().digest)
    assert other.claim(request_of())
    other.release(request_of().digest)
    assert ledger.claim(request_of())


def test_outcomes_are_kept_until_a_production_begins_again(ledger: Ledger):
    kept = [Outcome(shot="s1.2", state="failed"), Outcome(shot="s1.1", state="trimmed", attempt=2, first=3, last=9)]
    for outcome in kept:
        ledger.settle_shot("film", outcome)
    ledger.settle_shot("another", Outcome(shot="s1.1", state="accepted", attempt=1, last=7))
    assert Ledger(ledger.path).outcomes("film") == {outcome.shot: outcome for outcome in kept}
    ledger.unsettle("film")
    assert ledger.outcomes("film") == {}
    assert set(ledger.outcomes("another")) == {"s1.1"}


def test_a_lease_that_ran_out_is_free(ledger: Ledger, request_of):
    other = Ledger(ledger.path)
    other.me = "elsewhere:1:0.00"
    assert other.claim(request_of(), lease_seconds=-1)
    assert ledger.claim(request_of())


def test_a_dead_process_loses_its_lease_at_once(ledger: Ledger, request_of):
    code = (
        "import sys; from pathlib import Path; from kinograph.film import RenderRequest;"
        "from kinograph.memory.ledger import Ledger;"
        "assert Ledger(Path(sys.argv[1])).claim(RenderRequest.model_validate_json(sys.argv[2]), 3600)"
    )
    request = request_of()
    subprocess.run([sys.executable, "-c", code, str(ledger.path), request.model_dump_json()], check=True)
    assert ledger.claim(request)


def test_a_living_process_keeps_its_lease(ledger: Ledger, request_of):
    code = (
        "import sys; from pathlib import Path; from kinograph.film import RenderRequest;"
        "from kinograph.memory.ledger import Ledger;"
        "Ledger(Path(sys.argv[1])).claim(RenderRequest.model_validate_json(sys.argv[2]), 3600); print(1, flush=True);"
        "sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(ledger.path), request_of().model_dump_json()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert not ledger.claim(request_of())
        child.communicate(b"")
    assert ledger.claim(request_of())


def test_counts_only_renders_that_came_to_an_end(ledger: Ledger, request_of):
    for error in ("out of memory", None, None):
        ledger.claim(request_of())
        ledger.settle(request_of().digest, error)
    assert ledger.renders() == {request_of().digest: 2}


def test_takes_and_papers_are_kept(ledger: Ledger, request_of):
    brief = Brief(text="a ball")
    decision = Decision(model="m", revision="1", topology="chain", width=64, height=48, fps=8, takes=1)
    ledger.open_production("p", Path("/films/p"), brief, decision)
    ledger.file("p", "brief", brief)
    ledger.record_take("p", Take(shot="s1.1", attempt=1, request=request_of()))
    ledger.record_take("p", Take(shot="s1.1", attempt=1, request=request_of(), error="no"))
    ledger.close_session("p", "cancelled", 2.5)
    ledger.close()
    again = Ledger(ledger.path)
    assert again.paper("p", "brief", Brief) == brief
    assert again.paper("p", "other", Brief) is None
    assert [take.error for take in again.takes("p")] == ["no"]
    assert again.production("p").state == "cancelled"
    assert again.production("p").seconds == 2.5
    with pytest.raises(UnknownName, match="unknown production 'q'; available: p"):
        again.production("q")


def test_the_latest_trials_of_each_strategy_are_kept(ledger: Ledger):
    rare = Trial(strategy="sequential", model="m", succeeded=True, seconds=2.0, quality=0.5)
    ledger.record_trial("first", rare)
    for number in range(MOST_TRIALS + 30):
        ledger.record_trial(f"p{number}", Trial(strategy="parallel", model="m", succeeded=True, seconds=number))
    kept = Ledger(ledger.path).trials()
    assert kept[-1] == rare
    assert [trial.seconds for trial in kept[:-1]] == list(range(MOST_TRIALS + 29, 29, -1))


def test_a_production_is_one_trial_and_the_last_word_counts(ledger: Ledger):
    ledger.record_trial("p", Trial(strategy="parallel", model="m", succeeded=False))
    ledger.record_trial("p", Trial(strategy="parallel", model="m", succeeded=True, seconds=3.0))
    assert ledger.trials() == [Trial(strategy="parallel", model="m", succeeded=True, seconds=3.0)]


def test_a_stint_ends_however_the_work_goes(ledger: Ledger):
    seen = []

    def work() -> float:
        seen.extend(ledger.stints("film"))
        return 1 / 0

    with pytest.raises(ZeroDivisionError), ledger.stint("film", "s1", 2, "render", worker=3):
        work()
    assert [(stint.ended, stint.killed) for stint in seen] == [(None, False)]
    [stint] = ledger.stints("film")
    assert (stint.shot, stint.attempt, stint.what, stint.worker, stint.killed) == ("s1", 2, "render", 3, False)
    assert stint.ended is not None
    assert stint.ended >= stint.began
    assert ledger.stints("another") == []


def test_a_stint_that_kill_9_cut_short_is_kept_and_known_for_it(ledger: Ledger):
    script = (
        "import os, pathlib; from kinograph.memory.ledger import Ledger\n"
        f"ledger = Ledger(pathlib.Path({str(ledger.path)!r}))\n"
        "with ledger.stint('film', 's1', 1, 'render', 1): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script], check=False)
    with ledger.stint("film", "s1", 1, "render", 1):
        pass
    killed, again = ledger.stints("film")
    assert (killed.killed, killed.ended) == (True, None)
    assert not again.killed
