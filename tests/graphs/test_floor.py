"""The floor: shots live on threads, from the moment that the schedule gives them a worker."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from kinograph.errors import Cancelled, RenderFailed
from kinograph.graphs import floor as floors
from kinograph.graphs.dependencies import TaskGraph, task
from kinograph.graphs.floor import Floor
from kinograph.graphs.schedule import Pace

DEADLINE = 60.0
"""Seconds after which a test that waits has hung."""


def graph(**needs: str) -> TaskGraph:
    return TaskGraph(task(id, "shot", words.split()) for id, words in needs.items())


def run(floor: Floor, shots: TaskGraph, live: Callable[[str], None], workers: int = 2, **more) -> None:
    cancelled = more.pop("cancelled", threading.Event())
    floor.run(more.pop("name", "film"), shots, Pace(takes=3), workers, live, cancelled, **more)


def in_time(happened: threading.Event) -> None:
    assert happened.wait(DEADLINE), "it never happened"


def test_a_shot_begins_when_what_it_needs_is_settled_whatever_else_still_runs():
    floor, second = Floor(), threading.Event()

    def live(shot: str) -> None:
        with floor.worker("film", shot):
            if shot == "slow":
                in_time(second)  # with a barrier between levels a2 would wait for this shot, and it for a2
        if shot == "a2":
            second.set()

    run(floor, graph(a1="", slow="", a2="a1"), live)


def test_a_shot_that_waits_for_its_verdict_holds_no_worker():
    floor, other = Floor(), threading.Event()

    def live(shot: str) -> None:
        with floor.worker("film", shot):
            if shot == "b":
                other.set()
        if shot == "a":
            in_time(other)

    run(floor, graph(a="", b=""), live, workers=1)


def test_every_take_is_granted_and_never_more_at_once_than_workers():
    floor, rng, lock = Floor(), random.Random(5), threading.Lock()
    takes = {f"s{number}": rng.randint(1, 3) for number in range(40)}
    most, running, rendered = 0, 0, Counter[str]()

    def live(shot: str) -> None:
        nonlocal most, running
        for _ in range(takes[shot]):
            with floor.worker("film", shot):
                with lock:
                    running += 1
                    most = max(most, running)
                    rendered[shot] += 1
                time.sleep(0.001)
                with lock:
                    running -= 1

    run(floor, graph(**{shot: "s0" if shot != "s0" else "" for shot in takes}), live, workers=3)
    assert rendered == takes
    assert 1 < most <= 3


def test_productions_share_the_workers():
    floor, lock = Floor(), threading.Lock()
    most, running, order = 0, 0, list[str]()
    together = threading.Barrier(2)

    def produce(name: str) -> None:
        def live(shot: str) -> None:
            nonlocal most, running
            with floor.worker(name, shot):
                with lock:
                    running += 1
                    most = max(most, running)
                    order.append(name)
                time.sleep(0.002)
                with lock:
                    running -= 1

        together.wait(DEADLINE)
        run(floor, graph(**{f"s{number}": "" for number in range(30)}), live, workers=2, name=name)

    threads = [threading.Thread(target=produce, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert most <= 2
    assert Counter(order) == {"one": 30, "two": 30}
    both = order[max(order.index("one"), order.index("two")) :]
    last = min(len(both) - both[::-1].index(name) for name in ("one", "two"))
    counts = Counter(both[:last])
    assert abs(counts["one"] - counts["two"]) <= 4, "while both have shots, both get workers"


def test_an_error_rises_after_the_shots_that_were_begun_have_ended():
    floor, failing, lived = Floor(), threading.Event(), list[str]()

    def live(shot: str) -> None:
        with floor.worker("film", shot):
            if shot == "a":
                failing.set()
                raise RenderFailed("the disk is full")
            in_time(failing)
        time.sleep(0.05)
        with floor.worker("film", shot):  # a retake of what was begun is still granted
            lived.append(shot)

    with pytest.raises(RenderFailed, match="the disk is full"):
        run(floor, graph(a="", b="", c="a", d="", e=""), live)
    assert "b" in lived
    assert "c" not in lived
    run(floor, graph(a=""), lambda shot: None)  # and the floor is as it was before


def test_cancelling_reaches_shots_that_render_and_shots_that_wait():
    floor, cancelled, both = Floor(), threading.Event(), threading.Barrier(2)
    ended: dict[str, BaseException] = {}

    def live(shot: str) -> None:
        try:
            with floor.worker("film", shot):
                pass
            if shot == "a":
                both.wait(DEADLINE)
                with floor.worker("film", shot):
                    pass
            else:
                with floor.worker("film", shot):
                    both.wait(DEADLINE)
                    cancelled.set()
                    while not ended:  # holds the only worker until the other has been told
                        time.sleep(0.01)
                    raise Cancelled("stopped")
        except Cancelled as error:
            ended[shot] = error
            raise

    with pytest.raises(Cancelled):
        run(floor, graph(a="", b=""), live, workers=1, cancelled=cancelled)
    assert set(ended) == {"a", "b"}


def test_a_render_that_does_not_heed_the_stop_does_not_hold_the_production(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(floors, "PATIENCE", 0.3)
    floor, cancelled, release, gone = Floor(), threading.Event(), threading.Event(), threading.Event()

    def live(shot: str) -> None:
        try:
            with floor.worker("film", shot):
                cancelled.set()
                in_time(release)
            with pytest.raises(Cancelled), floor.worker("film", shot):
                pass
        finally:
            gone.set()

    with pytest.raises(Cancelled):
        run(floor, graph(a=""), live, cancelled=cancelled)
    release.set()
    in_time(gone)


def test_settled_shots_do_not_live_again():
    floor, lived = Floor(), list[str]()
    run(floor, graph(a="", b="a", c="b"), lived.append, settled={"a", "b"})
    assert lived == ["c"]
    run(floor, graph(a=""), lived.append, settled={"a"})
    assert lived == ["c"]


def test_a_shot_that_needs_no_render_gives_its_worker_back():
    floor, other = Floor(), threading.Event()

    def live(shot: str) -> None:
        if shot == "a":
            floor.give_back("film", shot)
            in_time(other)
            return
        with floor.worker("film", shot):
            other.set()

    run(floor, graph(a="", b=""), live, workers=1)
