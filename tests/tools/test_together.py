"""Alike requests are rendered in one call, and none costs another its clip."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from kinograph.errors import Cancelled, OutOfMemory, RenderFailed, RenderStalled
from kinograph.film import Clip, Conditioning, RenderRequest
from kinograph.tools.backends import Progress, Watched
from kinograph.tools.workers import together
from kinograph.tools.workers.together import Together


class Pool:
    """Renders whatever is asked at once, and keeps a list of the calls. A call waits until it may go on."""

    revision = "1"

    def __init__(self, may: Callable[[Sequence[RenderRequest]], None] = lambda _: None) -> None:
        self.calls: list[list[int]] = []
        self.may = may
        self.go_on = threading.Event()
        self.go_on.set()
        self.closed = False

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        self.calls.append([request.seed for request in requests])
        while not self.go_on.wait(0.01):
            if cancelled():
                raise Cancelled("as told")
        self.may(requests)
        for index in range(len(requests)):
            on_progress(index, 1.0)
        plain = {"path": "c", "frames": 1, "fps": 8, "width": 64, "height": 48, "model": "m", "revision": "1"}
        return [
            Clip.model_validate(plain | {"request": one.digest, "pixels": one.digest, "render_seconds": 0.0})
            for one in requests
        ]

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, threads that ask together are there before a place stops to wait for them."""
    monkeypatch.setattr(together, "GATHER", 30.0)


@pytest.fixture
def threads():
    with ThreadPoolExecutor(16) as pool:
        yield pool


def ask(
    threads: ThreadPoolExecutor, pool: Together, request: RenderRequest, cancelled: Callable[[], bool] = lambda: False
) -> Future[list[Clip]]:
    return threads.submit(pool.render, [request], lambda *_: None, cancelled)


def until(holds: Callable[[], object]) -> None:
    for _ in range(1000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to that")


def test_what_asks_at_the_same_time_is_rendered_in_one_call_and_each_gets_its_own(threads, request_of):
    pool = Pool()
    requests = [request_of(seed=seed, prompt=f"ball {seed}") for seed in range(4)]
    shared = Together(pool, 1, 4)
    for request, future in [(one, ask(threads, shared, one)) for one in requests]:
        assert [clip.request for clip in future.result(10)] == [request.digest]
    assert [sorted(call) for call in pool.calls] == [[0, 1, 2, 3]]


def test_who_is_alone_waits_for_others_no_longer_than_it_is_worth(threads, request_of, monkeypatch):
    monkeypatch.setattr(together, "GATHER", 0.05)
    pool = Pool()
    assert ask(threads, Together(pool, 1, 4), request_of(seed=3)).result(10)
    assert pool.calls == [[3]]


def test_what_cannot_be_one_of_several_is_not(threads, request_of):
    pool = Pool()
    shared = Together(pool, 1, 4, lambda request: request.seed > 1)
    for future in [ask(threads, shared, request_of(seed=seed)) for seed in range(6)]:
        assert future.result(10)
    assert sorted(map(sorted, pool.calls)) == [[0], [1], [2, 3, 4, 5]]


def test_a_pool_that_gives_fewer_clips_than_it_was_asked_for_has_failed(threads, request_of):
    class Short(Pool):
        def render(self, requests, on_progress, cancelled):
            return super().render(requests, on_progress, cancelled)[:1]

    shared = Together(Short(), 1, 2)
    futures = [ask(threads, shared, request_of(seed=seed)) for seed in range(2)]
    for future in futures:
        with pytest.raises(RenderFailed, match="1 clips came for 2 requests"):
            future.result(10)


def test_what_asks_while_all_places_are_taken_gathers_and_only_what_is_alike_goes_together(
    threads, request_of, monkeypatch
):
    monkeypatch.setattr(together, "GATHER", 0.0)
    pool = Pool()
    pool.go_on.clear()
    shared = Together(pool, 1, 3)
    futures = [ask(threads, shared, request_of(seed=100))]
    until(lambda: pool.calls)
    first, last = (Conditioning(keyframe="ab", role=role) for role in ("first", "last"))
    for seed, fields in enumerate(
        [{}, {"frames": 8}, {}, {"conditioning": [first]}, {}, {}, {"conditioning": [last]}, {"frames": 8}]
    ):
        futures.append(ask(threads, shared, request_of(seed=seed, **fields)))
        until(lambda: len(shared._waiting) == len(futures) - 1)
    pool.go_on.set()
    for future in futures:
        future.result(10)
    assert pool.calls == [[100], [0, 2, 4], [1, 7], [3], [5], [6]]


def test_every_place_is_used(threads, request_of, monkeypatch):
    pool = Pool()
    pool.go_on.clear()
    shared = Together(pool, 2, 2)
    futures = [ask(threads, shared, request_of(seed=seed)) for seed in range(6)]
    until(lambda: len(pool.calls) == 2)
    time.sleep(0.3)
    assert [len(call) for call in pool.calls] == [2, 2]
    monkeypatch.setattr(together, "GATHER", 0.05)
    pool.go_on.set()
    for future in futures:
        future.result(10)
    assert sorted(seed for call in pool.calls for seed in call) == list(range(6))


def test_a_place_is_anothers_while_the_clips_of_a_call_are_written(threads, request_of, monkeypatch):
    monkeypatch.setattr(together, "GATHER", 0.0)
    told, another = list[int](), threading.Event()

    class Frees(Pool):
        def render(self, requests, on_progress, cancelled):
            if requests[0].seed == 0 and isinstance(on_progress, Watched):
                on_progress.freed()
                assert another.wait(30), "its place was no other's"
            another.set()
            return super().render(requests, on_progress, cancelled)

    shared = Together(Frees(), 1, 2)
    watched = Watched(lambda *_: None, (), lambda *_: None, lambda: told.append(0))
    first = threads.submit(shared.render, [request_of(seed=0)], watched, lambda: False)
    until(lambda: told)
    second = ask(threads, shared, request_of(seed=1))
    first.result(60)
    second.result(60)
    assert told == [0]
    assert shared._places == 1, "it is given back once"


def test_a_bad_request_costs_the_others_nothing(threads, request_of):
    def may(requests: Sequence[RenderRequest]) -> None:
        if any(one.seed == 2 for one in requests):
            raise RenderFailed("I will not draw that")

    pool = Pool(may)
    shared = Together(pool, 1, 4)
    futures = [ask(threads, shared, request_of(seed=seed)) for seed in range(4)]
    for seed, future in enumerate(futures):
        if seed == 2:
            with pytest.raises(RenderFailed, match="will not draw"):
                future.result(10)
        else:
            assert future.result(10)
    assert sorted(map(tuple, pool.calls[1:])) == [(0,), (1,), (2,), (3,)]


@pytest.mark.parametrize("error", [OutOfMemory("full"), MemoryError("full")])
def test_where_memory_does_not_suffice_calls_get_smaller(threads, request_of, error: Exception):
    def may(requests: Sequence[RenderRequest]) -> None:
        if len(requests) > 2:
            raise error

    pool = Pool(may)
    shared = Together(pool, 1, 4)
    for future in [ask(threads, shared, request_of(seed=seed)) for seed in range(4)]:
        assert future.result(10)
    before = len(pool.calls)
    for future in [ask(threads, shared, request_of(seed=seed)) for seed in range(4)]:
        assert future.result(10)
    assert [len(call) for call in pool.calls[before:]] == [2, 2]


def test_a_stall_has_cost_enough_and_is_not_tried_one_by_one(threads, request_of):
    def may(_: Sequence[RenderRequest]) -> None:
        raise RenderStalled("no progress")

    pool = Pool(may)
    shared = Together(pool, 1, 2)
    for future in [ask(threads, shared, request_of(seed=seed)) for seed in range(2)]:
        with pytest.raises(RenderStalled):
            future.result(10)
    assert len(pool.calls) == 1


def test_who_is_cancelled_leaves_and_the_others_get_their_clips(threads, request_of):
    pool = Pool()
    pool.go_on.clear()
    shared, stop = Together(pool, 1, 2), threading.Event()
    first = ask(threads, shared, request_of(seed=0), stop.is_set)
    until(lambda: shared._waiting)
    second = ask(threads, shared, request_of(seed=1))
    third = ask(threads, shared, request_of(seed=2), stop.is_set)
    until(lambda: pool.calls)
    stop.set()
    with pytest.raises(Cancelled):
        third.result(10)  # it had not begun
    time.sleep(0.1)
    assert not second.done()
    pool.go_on.set()
    assert second.result(10)
    assert first.exception(10) is None or isinstance(first.exception(), Cancelled)
    assert pool.calls == [[0, 1]]


def test_when_all_are_cancelled_the_call_ends(threads, request_of):
    pool, stop = Pool(), threading.Event()
    pool.go_on.clear()
    shared = Together(pool, 1, 2)
    futures = [ask(threads, shared, request_of(seed=seed), stop.is_set) for seed in range(2)]
    until(lambda: pool.calls)
    stop.set()
    for future in futures:
        with pytest.raises(Cancelled):
            future.result(10)


def test_each_of_a_call_hears_that_it_lives(threads, request_of):
    """A lease lives by its own render's progress, whichever clip of the call the model is at."""
    pool, heard = Pool(), dict[int, list[tuple[int, float]]]({0: [], 1: []})
    shared = Together(pool, 1, 2)
    futures = [
        threads.submit(
            shared.render, [request_of(seed=seed)], lambda *at, seed=seed: heard[seed].append(at), lambda: False
        )
        for seed in range(2)
    ]
    for future in futures:
        future.result(10)
    assert all(
        len(told) >= 2 and told[-1] == (0, 1.0) and {index for index, _ in told} == {0} for told in heard.values()
    )


def test_the_pool_behind_is_closed_and_its_revision_told():
    pool = Pool()
    shared = Together(pool, 1, 2)
    shared.close()
    assert (shared.revision, pool.closed) == ("1", True)
