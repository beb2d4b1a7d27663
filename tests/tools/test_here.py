"""Renders in this process: told of, cancelled, and left behind where they stand still."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from oddities import ask, odd

from kinograph.errors import Cancelled, RenderStalled
from kinograph.film import Clip
from kinograph.tools.backends import Watched
from kinograph.tools.footage import load
from kinograph.tools.shelf import shelf
from kinograph.tools.workers import Terms, here
from kinograph.tools.workers.here import Here


class Held:
    """A backend that does as it is told once it has begun, and knows how it ended."""

    def __init__(self, backend: Any, what: Callable[[Any, Callable[[], bool]], Any]) -> None:
        self.card, self.revision, self._backend, self._what = backend.card, backend.revision, backend, what
        self.ended: BaseException | str = ""
        self.over = threading.Event()

    def render(self, requests: Any, on_progress: Any, cancelled: Any) -> list[Clip]:
        try:
            self._what(on_progress, cancelled)
            self.ended = "done"
            return self._backend.render(requests, on_progress, cancelled)
        except BaseException as error:
            self.ended = error
            raise
        finally:
            self.over.set()


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Lets go of what hangs when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def render(backend: Any, cancelled: Callable[[], bool] = lambda: False, heard: Any = lambda *_: None, **terms) -> Clip:
    (clip,) = Here(backend, Terms(**terms)).render([ask()], heard, cancelled)
    return clip


def test_a_clip_comes_with_its_progress_told_on_the_thread_that_asked(tmp_path: Path):
    told = list[tuple[int, float, threading.Thread]]()
    clip = render(odd(tmp_path), heard=lambda *at: told.append((*at, threading.current_thread())))
    assert load(clip).shape == (3, 48, 64, 3)
    assert told == [(0, share, threading.current_thread()) for share in (0.1, 0.9)]


def test_that_the_model_is_free_is_told_on_the_thread_that_asked(tmp_path: Path):
    told = list[threading.Thread]()
    watched = Watched(lambda *_: None, (), lambda *_: None, lambda: told.append(threading.current_thread()))
    render(Held(odd(tmp_path), lambda tell, _: tell.freed()), heard=watched)
    assert told == [threading.current_thread()]


def test_what_stands_still_is_given_up_at_its_deadline_and_hears_so_when_it_wakes(tmp_path: Path, release):
    one = Held(odd(tmp_path), lambda tell, _: (release.wait(60), tell(0, 0.5)))
    started = time.monotonic()
    with pytest.raises(RenderStalled, match=r"odd made no progress for 0\.5 s \(stall_seconds\)"):
        render(one, stall_seconds=0.5)
    assert 0.5 <= time.monotonic() - started < 30
    release.set()
    assert one.over.wait(30)
    assert isinstance(one.ended, Cancelled)


def test_the_model_of_what_was_left_behind_is_loaded_anew(tmp_path: Path, release):
    def holds(_: Any, __: Any) -> None:
        with shelf("cpu").lend("left behind", 0.0, 0.0, lambda _: "first"):
            release.wait(60)

    one = Held(odd(tmp_path), holds)
    with pytest.raises(RenderStalled):
        render(one, stall_seconds=0.5)
    with shelf("cpu").lend("left behind", 0.0, 0.0, lambda _: "second", lambda: True) as model:
        assert model == "second"
    release.set()
    assert one.over.wait(30)


def test_one_that_does_not_listen_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(here, "GRACE", 0.3)

    def stubborn(tell: Callable[..., None], _: Callable[[], bool]) -> None:
        while True:
            time.sleep(0.02)
            tell(0, 0.2)

    one, stop = Held(odd(tmp_path), stubborn), threading.Event()
    with pytest.raises(Cancelled, match=r"did not answer for 0\.3 s"):
        render(one, stop.is_set, lambda *_: stop.set())
    assert one.over.wait(30)


def test_one_that_listens_ends_by_itself(tmp_path: Path):
    stop = threading.Event()
    with pytest.raises(Cancelled, match=r"^rendering was cancelled$"):
        render(odd(tmp_path, hold=60.0), stop.is_set, lambda *_: stop.set())


def test_whoever_waits_is_told_that_it_is_tended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(here, "BEAT", 0.2)
    told = list[tuple[int, float]]()
    render(odd(tmp_path, hold=1.5), heard=lambda *at: told.append(at))
    assert told.count((0, 0.1)) >= 4


def test_an_error_of_who_listens_ends_the_render(tmp_path: Path, release):
    one = Held(odd(tmp_path), lambda tell, cancelled: (tell(0, 0.5), [time.sleep(0.02) for _ in iter(cancelled, True)]))

    def heard(*_: Any) -> None:
        raise OSError("no more paper")

    with pytest.raises(OSError, match="no more paper"):
        render(one, heard=heard)
    assert one.over.wait(30)


def test_what_a_model_raises_is_raised_where_it_was_asked_for(tmp_path: Path):
    with pytest.raises(RuntimeError, match="CUDA out of memory"):
        Here(odd(tmp_path), Terms()).render([ask("raise")], lambda *_: None, lambda: False)


def test_what_only_ever_says_that_it_waits_is_given_up_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(here, "WAITS", 2)

    def waits(tell: Callable[..., None], _: Callable[[], bool]) -> None:
        while True:
            time.sleep(0.02)
            tell(0, 0.0)

    one = Held(odd(tmp_path), waits)
    started = time.monotonic()
    with pytest.raises(RenderStalled, match="made no progress"):
        render(one, stall_seconds=0.3)
    assert time.monotonic() - started >= 0.6
    assert one.over.wait(30)
