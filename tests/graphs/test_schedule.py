"""Which shot next: what holds for every set of shots, durations and rejections."""

from __future__ import annotations

import heapq
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph.graphs.dependencies import TaskGraph, task
from kinograph.graphs.schedule import LIVES_PER_WORKER, Grant, Pace, Schedule

JUDGING = 2


class Show(NamedTuple):
    """A production as it will turn out."""

    graph: TaskGraph
    workers: int
    renders: dict[str, list[int]]
    """Shot -> seconds of each take it costs."""


@st.composite
def shows(draw: st.DrawFn, most: int = 10) -> Show:
    count = draw(st.integers(1, most))
    links = draw(st.sets(st.tuples(st.integers(0, most - 1), st.integers(0, most - 1)), max_size=12))
    names = [f"s{number}" for number in range(count)]
    tasks = [
        task(
            name,
            "shot",
            sorted(names[low] for low, high in links if low < high == number),
            seconds=draw(st.integers(1, 20)),
        )
        for number, name in enumerate(names)
    ]
    renders = {name: draw(st.lists(st.integers(0, 20), min_size=1, max_size=3)) for name in names}
    return Show(TaskGraph(tasks), draw(st.integers(1, 4)), renders)


class Event(NamedTuple):
    """Something that the schedule was told, or said."""

    at: int
    what: str
    production: str
    task: str
    attempt: int


def play(shows_by_name: dict[str, Show]) -> list[Event]:
    """What happens, second by second, until all is settled; checks that no worker idles while a task could begin."""
    schedule, log, coming, now = Schedule(), list[Event](), list[tuple[int, str, str, str, int]](), 0
    for name, show in shows_by_name.items():
        schedule.enroll(name, show.graph, Pace(JUDGING, 0.3, 3), show.workers)
    while not all(schedule.finished(name) for name in shows_by_name):
        while grant := schedule.next():
            log.append(Event(now, "begins", *grant))
            seconds = shows_by_name[grant.production].renders[grant.task][grant.attempt - 1]
            heapq.heappush(coming, (now + seconds, *grant[:2], "rendered", grant.attempt))
        assert coming, "nothing runs and nothing is granted: the schedule has come to a standstill"
        now = coming[0][0]
        while coming and coming[0][0] == now:
            _, production, shot, what, attempt = heapq.heappop(coming)
            if what == "rendered":
                schedule.rendered(production, shot)
                log.append(Event(now, "rendered", production, shot, attempt))
                heapq.heappush(coming, (now + JUDGING, production, shot, "verdict", attempt))
            elif attempt < len(shows_by_name[production].renders[shot]):
                schedule.again(production, shot)
                log.append(Event(now, "again", production, shot, attempt))
            else:
                schedule.settle(production, shot)
                log.append(Event(now, "settled", production, shot, attempt))
    return log


@given(shows())
def test_every_take_is_rendered_once_and_none_before_what_its_shot_needs(show: Show):
    log = play({"film": show})
    begun = [(event.task, event.attempt) for event in log if event.what == "begins"]
    assert sorted(begun) == sorted((name, n + 1) for name, takes in show.renders.items() for n in range(len(takes)))
    settled: set[str] = set()
    for event in log:
        if event.what == "begins":
            assert set(show.graph.needs(event.task)) <= settled
        if event.what == "settled":
            settled.add(event.task)


@given(st.lists(shows(), min_size=1, max_size=3))
def test_never_more_at_once_than_there_are_workers_for_each_and_for_all(several: list[Show]):
    by_name = {f"film{number}": show for number, show in enumerate(several)}
    running = dict.fromkeys(by_name, 0)
    for event in play(by_name):
        running[event.production] += {"begins": 1, "rendered": -1}.get(event.what, 0)
        assert running[event.production] <= by_name[event.production].workers
        assert sum(running.values()) <= max(show.workers for show in several)


@given(shows())
def test_no_worker_idles_while_a_shot_is_ready(show: Show):
    running, ready, lives = 0, {id for id in show.graph.tasks if not show.graph.needs(id)}, set[str]()
    missing, now = {id: set(show.graph.needs(id)) for id in show.graph.tasks}, 0
    for event in play({"film": show}):
        if event.at > now:
            fresh = ready - lives if len(lives) < LIVES_PER_WORKER * show.workers else set()
            assert running == show.workers or not (fresh | (ready & lives)), f"idle from {now} to {event.at}"
        now = event.at
        if event.what == "begins":
            running, ready, lives = running + 1, ready - {event.task}, lives | {event.task}
        elif event.what == "rendered":
            running -= 1
        elif event.what == "again":
            ready = ready | {event.task}
        else:
            lives = lives - {event.task}
            for later in show.graph.freed_by(event.task):
                missing[later].discard(event.task)
                ready = ready if missing[later] else ready | {later}


@given(st.lists(shows(), min_size=1, max_size=3))
def test_the_same_durations_give_the_same_schedule(several: list[Show]):
    by_name = {f"film{number}": show for number, show in enumerate(several)}
    assert play(by_name) == play(dict(reversed(by_name.items())))


@given(st.integers(1, 4), st.integers(2, 3), st.integers(4, 25))
@settings(max_examples=50)
def test_productions_that_share_workers_get_as_much_of_them(workers: int, productions: int, shots: int):
    tasks = [task(f"s{number:02}", "shot", seconds=10) for number in range(shots)]
    show = Show(TaskGraph(tasks), workers, {one.id: [10] for one in tasks})
    granted = dict.fromkeys((f"film{number}" for number in range(productions)), 0)
    for event in play(dict.fromkeys(granted, show)):
        if event.what == "begins":
            granted[event.production] += 1
            waiting = [count for count in granted.values() if count < shots]
            assert max(granted.values()) - min(waiting, default=shots) <= 1


def test_who_comes_late_neither_starves_nor_makes_up_for_the_time_before():
    schedule, tasks = Schedule(), [task(f"s{number:03}", "shot", seconds=10) for number in range(100)]
    schedule.enroll("early", TaskGraph(tasks), Pace(), 1)

    def serve() -> str:
        grant = schedule.next()
        assert grant is not None
        schedule.settle(grant.production, grant.task)
        return grant.production

    assert {serve() for _ in range(50)} == {"early"}
    schedule.enroll("late", TaskGraph(tasks), Pace(), 1)
    served = [serve() for _ in range(40)]
    assert served.count("late") == 20
    assert "early" in served[:3]


def test_the_longest_path_goes_first_and_counts_the_takes_that_may_come():
    chain = [task("a1", "shot", seconds=10), task("a2", "shot", ["a1"], seconds=10)]
    schedule = Schedule()
    schedule.enroll("film", TaskGraph([task("b", "shot", seconds=15), *chain]), Pace(5, 0.5, 3), 1)
    assert schedule.path("film", "a1", 1) == pytest.approx(2 * 15 * 1.75)
    assert schedule.path("film", "b", 2) == pytest.approx(20 * 1.5)
    assert schedule.next() == Grant("film", "a1", 1)
    schedule.rendered("film", "a1")
    schedule.again("film", "a1")
    assert schedule.next() == Grant("film", "a1", 2), (
        "a retake that much waits on goes before the first take of another"
    )
    schedule.settle("film", "a1")
    assert schedule.next() == Grant("film", "b", 1)


def test_ties_fall_by_priority_then_by_name():
    schedule = Schedule()
    ties = [task(id, "shot") for id in ("c", "b")] + [task("a", "captions"), task("d", "keyframe")]
    schedule.enroll("film", TaskGraph(ties), Pace(), 4)
    granted = [grant.task for grant in iter(schedule.next, None)]
    assert granted == ["d", "b", "c", "a"]


def test_a_judge_that_lags_holds_back_first_takes_but_never_retakes():
    schedule, tasks = Schedule(), [task(f"s{number:02}", "shot") for number in range(20)]
    schedule.enroll("film", TaskGraph(tasks), Pace(takes=2), 2)
    while grant := schedule.next():
        schedule.rendered("film", grant.task)
    assert len(schedule.begun("film")) == 2 * LIVES_PER_WORKER
    schedule.again("film", "s03")
    assert schedule.next() == Grant("film", "s03", 2)


def test_what_is_settled_before_is_not_run_and_what_it_frees_is():
    chain = TaskGraph([task("a", "shot"), task("b", "shot", ["a"]), task("c", "shot", ["b"])])
    schedule = Schedule()
    schedule.enroll("film", chain, Pace(), 3, settled={"a"})
    assert schedule.next() == Grant("film", "b", 1)
    assert schedule.next() is None
    schedule.settle("film", "b")
    assert not schedule.finished("film")
    assert schedule.next() == Grant("film", "c", 1)
    schedule.settle("film", "c")
    assert schedule.finished("film")


def test_a_closed_production_begins_nothing_more_and_one_that_left_holds_nothing():
    schedule, graph = Schedule(), TaskGraph([task("a", "shot"), task("b", "shot")])
    schedule.enroll("film", graph, Pace(takes=2), 1)
    assert schedule.next() == Grant("film", "a", 1)
    schedule.close("film")
    schedule.rendered("film", "a")
    schedule.again("film", "a")
    assert schedule.next() == Grant("film", "a", 2)
    schedule.drop("film", "a")
    assert schedule.next() is None
    assert not schedule.begun("film")
    schedule.leave("film")
    schedule.rendered("film", "a")
    schedule.drop("film", "a")
    assert schedule.worker_of("film", "a") is None
