"""What is left of a production: by its own estimates, the same every time, and nothing once all is settled."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph.events import ShotSettled, TakeStarted
from kinograph.graphs.dependencies import TaskGraph, task
from kinograph.graphs.forecast import Begun, Outlook, forecast
from kinograph.graphs.schedule import Pace

SURE = Pace(judging=2.0)
"""Every first take is accepted."""


def graph(**needs: str) -> TaskGraph:
    return TaskGraph(task(id, "shot", words.split(), seconds=10.0) for id, words in needs.items())


def ends(*arguments, **more) -> dict[str, float]:
    return {due.shot: due.ends for due in forecast(*arguments, **more)}


def test_a_chain_takes_its_lives_one_after_the_other_and_judging_takes_no_worker():
    assert ends(graph(a="", b="a", c=""), SURE, 1) == {"a": 12.0, "c": 22.0, "b": 32.0}
    assert ends(graph(a="", b="a", c=""), SURE, 2) == {"a": 12.0, "b": 24.0, "c": 12.0}


def test_retakes_that_may_come_are_counted_and_fewer_of_them_in_a_later_take():
    one, pace = graph(a=""), Pace(judging=0.0, rejected=0.5, takes=3)
    assert ends(one, pace, 1) == {"a": 17.5}
    assert ends(one, pace, 1, begun={"a": Begun(3)}) == {"a": 10.0}


def test_a_render_that_was_begun_keeps_its_worker_and_has_less_left():
    due = forecast(graph(a="", b="", later="b"), SURE, 1, begun={"a": Begun(1, elapsed=7.0)})
    assert next(one for one in due if one.shot == "a").ends == 5.0
    assert next(one for one in due if one.shot == "b").begins == 3.0
    assert ends(graph(a=""), SURE, 1, begun={"a": Begun(1, elapsed=500.0)}) == {"a": 2.0}


def test_what_is_settled_costs_nothing():
    assert forecast(graph(a="", b="a"), SURE, 2, settled=("a", "b")) == ()
    assert ends(graph(a="", b="a"), SURE, 2, settled=("a",)) == {"b": 12.0}


@st.composite
def graphs(draw: st.DrawFn) -> TaskGraph:
    names = [f"s{number}" for number in range(draw(st.integers(1, 12)))]
    tasks = []
    for number, name in enumerate(names):
        needs = draw(st.sets(st.sampled_from(names[:number]), max_size=2)) if number else set()
        tasks.append(task(name, "shot", sorted(needs), seconds=draw(st.integers(0, 9))))
    return TaskGraph(tasks)


@given(graphs(), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_a_plan_keeps_to_needs_and_workers_and_comes_out_the_same_every_time(shots: TaskGraph, workers: int):
    pace = Pace(judging=1.0, rejected=0.25, takes=3)
    due = forecast(shots, pace, workers)
    assert due == forecast(shots, pace, workers)
    at = {one.shot: one for one in due}
    assert set(at) == set(shots.tasks)
    assert all(at[need].ends <= at[shot].begins + 1e-9 for shot in at for need in shots.needs(shot))
    judging = pace.left(0.0, 1)
    renders = sorted((one.begins, one.ends - judging) for one in due)
    for begins, _ in renders:
        assert sum(begun <= begins < end - 1e-9 for begun, end in renders) <= workers


def test_the_time_left_falls_to_zero_as_shots_settle():
    clock = [0.0]
    outlook = Outlook(graph(a="", b="a", c="b"), SURE, 2, now=lambda: clock[0])
    assert (outlook.progress.step, outlook.progress.seconds) == (0, 36.0)
    left = []
    for number, shot in enumerate("abc", 1):
        assert outlook.hear(TakeStarted(shot=shot, attempt=1)) is None
        clock[0] += 15.0  # three seconds slower than expected
        told = outlook.hear(ShotSettled(shot=shot, outcome="accepted"))
        assert told is not None
        assert (told.stage, told.step, told.steps) == ("shooting", number, 3)
        left.append(told.seconds)
    assert left == [24.0, 12.0, 0.0]


def test_the_time_left_is_never_negative_however_long_it_takes():
    clock = [0.0]
    outlook = Outlook(graph(a=""), SURE, 1, now=lambda: clock[0])
    clock[0] = 1000.0
    assert outlook.progress.seconds == pytest.approx(0.0)
