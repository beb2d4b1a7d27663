"""Questions that wait at the same time share a call, and nobody waits long or for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from kinograph.agents.language.gathering import GRACE, WINDOW, Gathering
from kinograph.errors import Cancelled

SLOW = 0.5
"""Seconds that a busy machine may add."""


class Crowd:
    """Threads that ask a gathering, and the calls that are made for them."""

    def __init__(self, seconds: float = 0.0, error: BaseException | None = None) -> None:
        self.calls: list[list[int]] = []
        self.stop = threading.Event()
        self.gathering = Gathering(self.stop.is_set)
        self._seconds, self._error = seconds, error
        self._pool = ThreadPoolExecutor(16)

    def _call(self, items: Sequence[int]) -> list[int]:
        self.calls.append(list(items))
        time.sleep(self._seconds)
        if self._error is not None:
            raise self._error
        return [item * 10 for item in items]

    def ask(self, item: int, most: int = 4) -> Future[Any]:
        return self._pool.submit(self.gathering.answer, item, most, self._call)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_lone_question_hardly_waits():
    crowd, started = Crowd(), time.monotonic()
    assert crowd.ask(1).result(5) == 10
    assert GRACE <= time.monotonic() - started < GRACE + SLOW


def test_questions_that_come_together_share_a_call_each_with_its_own_answer():
    crowd = Crowd()
    asked = [crowd.ask(item) for item in (1, 2, 3)]
    assert [one.result(5) for one in asked] == [10, 20, 30]
    assert [sorted(call) for call in crowd.calls] == [[1, 2, 3]]


def test_a_full_call_is_made_at_once_and_the_rest_goes_into_the_next():
    crowd = Crowd()
    with crowd.gathering.coming():  # without it being full, it would wait for the one that is coming
        started = time.monotonic()
        first = [crowd.ask(item) for item in range(4)]
        assert [one.result(5) for one in first] == [0, 10, 20, 30]
        assert time.monotonic() - started < WINDOW
        assert crowd.ask(9).result(5) == 90
    assert [len(call) for call in crowd.calls] == [4, 1]


def test_a_question_waits_for_one_that_is_being_prepared():
    crowd = Crowd()
    with crowd.gathering.coming():
        first = crowd.ask(1)
        time.sleep(WINDOW / 3)
    assert crowd.ask(2).result(5) == 20
    assert first.result(5) == 10
    assert crowd.calls == [[1, 2]]


def test_what_takes_long_to_prepare_is_not_waited_for():
    crowd, started = Crowd(), time.monotonic()
    with crowd.gathering.coming():
        assert crowd.ask(1).result(5) == 10
    assert WINDOW <= time.monotonic() - started < WINDOW + SLOW


def test_questions_gather_while_a_call_is_under_way():
    crowd = Crowd(seconds=0.6)
    first = crowd.ask(1)
    until(lambda: crowd.calls == [[1]])
    second = crowd.ask(2)
    time.sleep(GRACE * 2)
    third = crowd.ask(3)
    assert [one.result(5) for one in (first, second, third)] == [10, 20, 30]
    assert crowd.calls == [[1], [2, 3]]


def test_what_a_call_raises_reaches_all_that_it_was_made_for_and_nobody_else():
    crowd = Crowd(error=ValueError("no"))
    asked = [crowd.ask(item) for item in (1, 2)]
    for one in asked:
        with pytest.raises(ValueError, match="no"):
            one.result(5)
    crowd._error = None
    assert crowd.ask(3).result(5) == 30


def test_an_answer_too_few_is_an_error_for_all_rather_than_a_wait_without_end():
    gathering = Gathering(lambda: False)
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(gathering.answer, item, 4, lambda items: [1]) for item in (1, 2)]
        assert [isinstance(one.exception(5), ValueError) for one in asked].count(True) >= 1


def test_cancelling_reaches_those_in_line():
    crowd = Crowd()
    with crowd.gathering.coming():
        asked = [crowd.ask(item) for item in (1, 2)]
        time.sleep(0.1)
        crowd.stop.set()
        for one in asked:
            with pytest.raises(Cancelled):
                one.result(WINDOW)
    assert crowd.calls == []
    crowd.stop.clear()
    assert crowd.ask(3).result(5) == 30, "those who left hold nobody up"
