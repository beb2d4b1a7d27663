"""The ledger: takes and papers that outlive the process, on SQLite and on Postgres."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kinograph.errors import UnknownName
from kinograph.film import Brief, Decision, Outcome, Take, Trial
from kinograph.memory.database import Server
from kinograph.memory.ledger import MOST_TRIALS, Ledger


@pytest.fixture
def ledger(ledger_place: Path | str) -> Iterator[Ledger]:
    with closing(Ledger(ledger_place if isinstance(ledger_place, Path) else Server(ledger_place))) as ledger:
        yield ledger


def test_outcomes_are_kept_until_a_production_begins_again(ledger: Ledger):
    kept = [Outcome(shot="s1.2", state="failed"), Outcome(shot="s1.1", state="trimmed", attempt=2, first=3, last=9)]
    for outcome in kept:
        ledger.settle_shot("film", outcome)
    ledger.settle_shot("another", Outcome(shot="s1.1", state="accepted", attempt=1, last=7))
    assert Ledger(ledger.place).outcomes("film") == {outcome.shot: outcome for outcome in kept}
    ledger.unsettle("film")
    assert ledger.outcomes("film") == {}
    assert set(ledger.outcomes("another")) == {"s1.1"}


def test_takes_and_papers_are_kept(ledger: Ledger, request_of):
    brief = Brief(text="a ball")
    decision = Decision(model="m", revision="1", topology="chain", width=64, height=48, fps=8, takes=1)
    ledger.open_production("p", Path("/films/p"), brief, decision)
    ledger.file("p", "brief", brief)
    ledger.record_take("p", Take(shot="s1.1", attempt=1, request=request_of()))
    ledger.record_take("p", Take(shot="s1.1", attempt=1, request=request_of(), error="no"))
    ledger.close_session("p", "cancelled", 2.5)
    ledger.close()
    again = Ledger(ledger.place)
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
    kept = Ledger(ledger.place).trials()
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
        "import os; from pathlib import Path, PosixPath; from kinograph.memory.ledger import Ledger\n"
        "from kinograph.memory.database import Server\n"
        f"ledger = Ledger({ledger.place!r})\n"
        "with ledger.stint('film', 's1', 1, 'render', 1): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script], check=False)
    with ledger.stint("film", "s1", 1, "render", 1):
        pass
    killed, again = ledger.stints("film")
    assert (killed.killed, killed.ended) == (True, None)
    assert not again.killed
