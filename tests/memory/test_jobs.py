"""Jobs: leases that hearts renew, fences, and takeovers, on SQLite and on Postgres."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kinograph.errors import LeaseLost
from kinograph.memory.database import Place, Server
from kinograph.memory.jobs import BEATS
from kinograph.memory.ledger import Ledger

CLAIM = (
    "import sys; from pathlib import Path; from kinograph.film import RenderRequest;"
    "from kinograph.memory.database import Server; from kinograph.memory.ledger import Ledger;"
    "place = Server(sys.argv[1]) if '://' in sys.argv[1] else Path(sys.argv[1]);"
    "ledger = Ledger(place, lease=3600);"
    "assert ledger.jobs.claim(RenderRequest.model_validate_json(sys.argv[2]));"
)


@pytest.fixture
def open_ledger(ledger_place: Path | str) -> Iterator[Callable[..., Ledger]]:
    """Opens the ledger once more, as if by another process of that name."""
    opened: list[Ledger] = []

    def open_one(me: str | None = None, **more) -> Ledger:
        place: Place = ledger_place if isinstance(ledger_place, Path) else Server(ledger_place)
        ledger = Ledger(place, **more)
        if me is not None:
            ledger.jobs.me = me
        if more.get("lease", 1.0) < 0:
            ledger.jobs._closed.set()  # a process that hangs: its heart does not beat
        opened.append(ledger)
        return ledger

    yield open_one
    for ledger in opened:
        ledger.close()


@pytest.fixture
def jobs(open_ledger):
    return open_ledger().jobs


ELSEWHERE = "elsewhere:1:0.00"


def test_a_lease_keeps_others_out_until_it_ends(jobs, open_ledger, request_of):
    other = open_ledger(ELSEWHERE).jobs
    theirs = other.claim(request_of())
    assert theirs is not None
    assert jobs.claim(request_of()) is None
    assert jobs.claim(request_of(seed=1)), "another request is free"
    other.settle(theirs)
    assert jobs.claim(request_of())


def test_threads_of_one_process_keep_each_other_out_too(jobs, open_ledger, request_of):
    other = open_ledger().jobs
    mine = jobs.claim(request_of())
    assert jobs.claim(request_of()) is None
    assert other.claim(request_of()) is None
    jobs.settle(mine)
    theirs = other.claim(request_of())
    other.release(theirs)
    assert jobs.claim(request_of())


def test_another_ledger_knows_nothing_of_it(jobs, request_of, tmp_path: Path):
    assert jobs.claim(request_of())
    another = Ledger(tmp_path / "another.sqlite")
    assert another.jobs.claim(request_of())
    another.close()


def test_what_a_closed_ledger_held_is_free_for_this_process(jobs, open_ledger, request_of):
    gone = open_ledger()
    assert gone.jobs.claim(request_of())
    gone.close()
    assert jobs.claim(request_of())


def test_a_lease_that_ran_out_is_free_and_its_owner_is_fenced_off(jobs, open_ledger, request_of):
    slow = open_ledger(ELSEWHERE, lease=-1.0).jobs
    late = slow.claim(request_of())
    mine = jobs.claim(request_of())
    assert mine.attempt == late.attempt + 1
    assert not slow.renew(late)
    assert late.lost.is_set()
    assert not slow.settle(late)
    filed = []
    with pytest.raises(LeaseLost), slow.committing(late):
        filed.append("the late one")
    with jobs.committing(mine):
        filed.append("mine")
    assert filed == ["mine"]
    assert jobs.renders() == {request_of().digest: 1}


def test_an_owner_that_comes_back_before_others_took_over_keeps_its_job(jobs, open_ledger, request_of):
    slow = open_ledger(ELSEWHERE, lease=-1.0).jobs
    late = slow.claim(request_of())
    with slow.committing(late):
        pass
    assert jobs.job(request_of().digest).state == "done"


def test_a_clip_that_could_not_be_filed_leaves_the_job_to_its_worker(jobs, request_of):
    mine = jobs.claim(request_of())
    with pytest.raises(OSError, match="full"), jobs.committing(mine):
        raise OSError("full")
    assert jobs.job(request_of().digest).state == "leased"
    assert jobs.give_back(mine, "the disk is full")
    assert jobs.job(request_of().digest)[::2] == ("waiting", "the disk is full")
    assert jobs.renders() == {request_of().digest: 0}


def test_a_heart_keeps_a_claim_alive_while_nothing_is_told(jobs, open_ledger, request_of):
    lease = 0.4
    busy = open_ledger(ELSEWHERE, lease=lease).jobs  # whether it lives cannot be asked: only its heart tells
    claim = busy.claim(request_of())
    until = time.monotonic() + 4 * lease
    while time.monotonic() < until:
        assert jobs.claim(request_of()) is None
        time.sleep(lease / BEATS)
    assert busy.settle(claim)


def test_a_heart_that_stops_loses_what_it_held(jobs, open_ledger, request_of):
    stopped = open_ledger(ELSEWHERE, lease=0.3)
    assert stopped.jobs.claim(request_of())
    stopped.close()
    deadline = time.monotonic() + 10
    while jobs.claim(request_of()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_dead_process_loses_its_lease_at_once(jobs, ledger_place, request_of):
    script = f"{CLAIM} import os; os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", script, str(ledger_place), request_of().model_dump_json()], check=False)
    assert jobs.job(request_of().digest).state == "leased"
    assert jobs.collect(dry=True) == [request_of().digest]
    assert jobs.claim(request_of()).attempt == 2


def test_what_dead_processes_left_is_collected_and_what_living_ones_hold_is_not(jobs, ledger_place, request_of):
    script = f"{CLAIM} import os; os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", script, str(ledger_place), request_of().model_dump_json()], check=False)
    assert jobs.claim(request_of(seed=1))
    assert jobs.collect() == [request_of().digest]
    assert jobs.job(request_of().digest) == ("waiting", None, "its worker died")
    assert jobs.job(request_of(seed=1).digest).state == "leased"
    assert jobs.collect() == []


def test_a_living_process_keeps_its_lease_and_one_that_was_killed_and_not_buried_does_not(
    jobs, ledger_place, request_of
):
    script = f"{CLAIM} print(1, flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, str(ledger_place), request_of().model_dump_json()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert jobs.claim(request_of()) is None
        child.kill()
        deadline = time.monotonic() + 10
        while jobs.claim(request_of()) is None:  # nobody has waited for the child: it is a zombie
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_counts_only_renders_that_came_to_an_end(jobs, request_of):
    for error in ("out of memory", None, None):
        assert jobs.settle(jobs.claim(request_of()), error)
    assert jobs.renders() == {request_of().digest: 2}


def test_a_job_that_failed_is_recorded_with_its_reason(jobs, request_of):
    jobs.settle(jobs.claim(request_of()), "out of memory")
    assert jobs.job(request_of().digest) == ("failed", None, "out of memory")


def test_what_is_announced_waits_in_order_until_it_is_filed_or_withdrawn(jobs, open_ledger, request_of):
    requests = [request_of(seed=seed) for seed in range(4)]
    assert all(jobs.announce("film", one) for one in requests)
    assert jobs.waiting("film") == requests
    assert jobs.waiting("another") == []
    helper = open_ledger(ELSEWHERE).jobs
    taken = helper.claim(requests[0])
    assert jobs.waiting("film") == requests[1:]
    assert not jobs.announce("film", requests[0]), "somebody is at it"
    with helper.committing(taken):
        pass
    jobs.withdraw("film", requests[2].digest)
    assert jobs.waiting("film") == [requests[1], requests[3]]
    helper.give_back(helper.claim(requests[1]))
    assert jobs.waiting("film") == [requests[1], requests[3]]


def test_what_a_dead_helper_held_waits_again(jobs, ledger_place, request_of):
    jobs.announce("film", request_of())
    script = f"{CLAIM} import os; os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", script, str(ledger_place), request_of().model_dump_json()], check=False)
    assert jobs.waiting("film") == [request_of()]


def test_hands_count_while_their_process_lends_them(jobs, open_ledger):
    helpers = [open_ledger(f"elsewhere:{number}:0.00").jobs for number in (1, 2)]
    with helpers[0].lending("film", 2), helpers[1].lending("film", 3):
        assert jobs.hands("film") == 5
        assert jobs.hands("another") == 0
        assert helpers[0].hands("film") == 3, "its own do not count"
    assert jobs.hands("film") == 0


def test_hands_of_a_process_that_is_not_heard_of_do_not_count(jobs, open_ledger):
    silent = open_ledger(ELSEWHERE, lease=-1.0).jobs
    with silent.lending("film", 2):
        assert jobs.hands("film") == 0
