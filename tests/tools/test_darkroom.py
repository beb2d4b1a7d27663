"""The darkroom: one clip is written while the next is made, in order, and what goes wrong with one is its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinograph.errors import Cancelled, StorageError
from kinograph.film import Clip
from kinograph.tools.backends import Watched
from kinograph.tools.darkroom import Darkroom, Writing, darkroom

PATIENCE = 30.0
"""Seconds after which what should happen has not."""


def clip(number: int) -> Clip:
    said = {"request": f"{number}", "path": f"{number}.mkv", "frames": 1, "fps": 8, "width": 1, "height": 1}
    return Clip.model_validate(said | {"pixels": "", "model": "m", "revision": "r", "render_seconds": 0.0})


class Gate:
    """A write that has begun, and ends when it is let go."""

    def __init__(self, number: int = 0, error: Exception | None = None) -> None:
        self.number, self.error = number, error
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self) -> list[Clip]:
        self.begun.set()
        assert self.go.wait(PATIENCE), "nobody let it go"
        if self.error is not None:
            raise self.error
        return [clip(self.number)]


@pytest.fixture
def gates() -> Iterator[list[Gate]]:
    """Two writes; both are let go in the end."""
    made = [Gate(0), Gate(1)]
    yield made
    for one in made:
        one.go.set()


def never() -> None:
    raise AssertionError("it waits, and should not")


def test_the_next_clip_is_made_while_one_is_written(gates: list[Gate]):
    told = list[Any]()
    with Writing(Darkroom(), lambda *at: told.append(at)) as writing:
        writing.begin(gates[0], never)
        assert gates[0].begun.wait(PATIENCE)
        assert not told, "the clip is not there yet, and its renderer is here again"
        gates[0].go.set()
        gates[1].go.set()
        writing.begin(gates[1], never)
        assert told == [(0, 1.0)]
        assert writing.clips() == [clip(0), clip(1)]
    assert told == [(0, 1.0), (1, 1.0)]


def test_without_a_darkroom_nothing_goes_on_before_a_clip_is_written():
    told, freed = list[Any](), list[str]()
    watched = Watched(lambda *at: told.append(at), (), lambda *_: None, lambda: freed.append("freed"))
    with Writing(None, watched) as writing:
        writing.begin(lambda: [clip(0)], never)
        assert told == [(0, 1.0)]
        assert writing.clips() == [clip(0)]
    assert not freed


def test_the_model_is_told_to_be_free_while_the_last_clip_is_written(gates: list[Gate]):
    freed = list[bool]()

    def hear() -> None:
        freed.append(gates[0].begun.wait(PATIENCE) and not gates[0].go.is_set())
        gates[0].go.set()

    with Writing(Darkroom(), Watched(lambda *_: None, (), lambda *_: None, hear)) as writing:
        writing.begin(gates[0], never)
        assert writing.clips() == [clip(0)]
    assert freed == [True]


def test_one_clip_waits_at_most_and_whoever_made_it_waits_too(gates: list[Gate]):
    room, waited = Darkroom(), list[bool]()
    room.begin(gates[0], never)

    def waits() -> None:
        waited.append(gates[1].begun.is_set())
        gates[0].go.set()

    later = room.begin(gates[1], waits)
    assert waited
    assert not any(waited), "one at a time is written"
    gates[1].go.set()
    assert later.result(PATIENCE) == [clip(1)]


def test_what_waits_for_the_clip_before_can_be_cancelled_and_leaves_the_room_as_it_was(gates: list[Gate]):
    room = Darkroom()
    first = room.begin(gates[0], never)

    def cancelled() -> None:
        raise Cancelled("rendering was cancelled")

    with pytest.raises(Cancelled), Writing(room, lambda *_: None) as writing:
        writing.begin(gates[1], cancelled)
    assert not gates[1].begun.is_set()
    gates[0].go.set()
    assert first.result(PATIENCE) == [clip(0)]
    gates[1].go.set()
    assert room.begin(gates[1], lambda: None).result(PATIENCE) == [clip(1)]


def test_a_clip_that_cannot_be_written_costs_its_own_render_and_no_other():
    room, full = Darkroom(), StorageError("cannot write 'a.mkv': the disk is full")
    bad, good = Gate(0, full), Gate(1)
    with Writing(room, lambda *_: None) as writing, Writing(room, lambda *_: None) as other:
        writing.begin(bad, never)
        bad.go.set()
        other.begin(good, lambda: None)
        good.go.set()
        with pytest.raises(StorageError, match="the disk is full"):
            writing.clips()
        assert other.clips() == [clip(1)]


def test_a_clip_that_could_not_be_written_is_told_before_another_is_begun():
    told = list[Any]()
    bad, good = Gate(0, StorageError("the disk is full")), Gate(1)
    bad.go.set()
    with Writing(Darkroom(), lambda *at: told.append(at)) as writing:
        writing.begin(bad, never)
        with pytest.raises(StorageError):
            writing.begin(good, never)
    assert not good.begun.is_set()
    assert not told


def test_whatever_rises_nothing_is_written_any_more_when_the_call_ends(gates: list[Gate]):
    over = threading.Event()

    def write() -> Sequence[Clip]:
        made = gates[0]()
        over.set()
        return made

    def call() -> None:
        with Writing(Darkroom(), lambda *_: None) as writing:
            writing.begin(write, never)
            threading.Timer(0.1, gates[0].go.set).start()
            raise Cancelled("the next one was cancelled")

    with pytest.raises(Cancelled, match="the next one"):
        call()
    assert over.is_set()


@given(st.lists(st.integers(1, 3), max_size=6), st.booleans())
def test_clips_come_in_the_order_of_their_requests_and_each_is_told_once(parts: list[int], overlap: bool):
    told, made = list[Any](), 0
    with Writing(Darkroom() if overlap else None, lambda *at: told.append(at)) as writing:
        for many in parts:
            writing.begin(lambda first=made, many=many: [clip(first + number) for number in range(many)], never)
            made += many
        clips = writing.clips()
    assert clips == [clip(number) for number in range(made)]
    assert told == [(number, 1.0) for number in range(made)]


def test_each_device_has_one_darkroom():
    assert darkroom("cpu") is darkroom("cpu")
    assert darkroom("cpu") is not darkroom("cuda:1")
