"""Which models are loaded: decisions by property, and a shelf whose device is scripted."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinograph.errors import Cancelled, RenderFailed
from kinograph.tools.shelf import MARGIN_GB, Placement, Resident, Room, Shelf, budget, place, shelf

sizes = st.floats(0, 100)
residents = st.lists(
    st.builds(Resident, st.text("abc", min_size=1, max_size=6), sizes, st.integers(0, 50), st.booleans()),
    max_size=8,
    unique_by=lambda one: one.key,
)


# ------------------------------------------------------------------------------------------- deciding


@given(sizes, st.none() | sizes, residents, sizes)
def test_placing_keeps_the_budget_and_never_evicts_one_in_use(
    gb: float, offloaded: float | None, held: list[Resident], have: float
):
    found = place(gb, offloaded, held, have)
    by_key = {one.key: one for one in held}
    gone = [by_key[key] for key in found.evict]
    kept = [one for one in held if one not in gone]
    assert not any(one.busy for one in gone)
    if found.how in ("whole", "offloaded"):
        need = gb if found.how == "whole" else offloaded
        assert need is not None
        assert need + sum(one.gb for one in kept) <= have or not kept
        assert need <= have
        idle = [one for one in kept if not one.busy]
        assert all((one.used, one.key) < (other.used, other.key) for one in gone for other in idle)
        if gone:  # no more than needed
            assert need + sum(one.gb for one in kept) + gone[-1].gb > have
    else:
        assert not gone
    alone = [need for need in (gb, offloaded) if need is not None and need <= have]
    assert (found.how == "never") == (not alone)
    assert (found.how == "whole") <= (gb <= have)
    assert (found.how == "offloaded") <= (gb > have)


@given(sizes, st.none() | sizes, residents, sizes, st.randoms())
def test_placing_is_the_same_in_whatever_order_the_shelf_is_listed(
    gb: float, offloaded: float | None, held: list[Resident], have: float, chance: random.Random
):
    again = held.copy()
    chance.shuffle(again)
    assert place(gb, offloaded, held, have) == place(gb, offloaded, again, have)


@pytest.mark.parametrize(
    ("gb", "offloaded", "have", "expected"),
    [
        (4, None, 20, Placement("whole")),
        (9, None, 20, Placement("whole", ("old",))),
        (13, None, 20, Placement("whole", ("old", "new"))),
        (15, None, 20, Placement("later")),
        (15, 2, 20, Placement("later")),
        (21, None, 20, Placement("never")),
        (21, 6, 20, Placement("offloaded", ("old",))),
        (21, 22, 20, Placement("never")),
        (0, None, 0, Placement("later")),
    ],
)
def test_least_recently_used_goes_first(gb: float, offloaded: float | None, have: float, expected: Placement):
    held = [Resident("new", 4, 3, False), Resident("at work", 6, 1, True), Resident("old", 5, 2, False)]
    assert place(gb, offloaded, held, have) == expected


@given(sizes, sizes, sizes, residents)
def test_a_budget_never_counts_memory_that_others_hold(total: float, free: float, ours: float, held: list[Resident]):
    room = Room(total, min(free, total), ours)
    have = budget(room, held)
    assert 0 <= have <= total
    others = total - room.free_gb - ours
    assert have <= max(0.0, total - max(0.0, others) - MARGIN_GB)


# -------------------------------------------------------------------------------------------- lending


class Card:
    """A device of 24 GB: what is loaded on it and was not swept takes room; others hold what they hold."""

    def __init__(self) -> None:
        self.loaded: dict[str, float] = {}
        self.others = 0.0
        self.sweeps = 0
        self.shelf = Shelf("card", self.read, self.sweep)

    def read(self) -> Room:
        ours = sum(self.loaded.values())
        return Room(24.0, 24.0 - ours - self.others, ours)

    def sweep(self) -> None:
        self.sweeps += 1
        here = {one.key for one in self.shelf.residents()}
        self.loaded = {key: gb for key, gb in self.loaded.items() if key in here}

    def lend(self, key: str, gb: float, offloaded: float | None = None, cancelled=lambda: False) -> Any:
        def load(off: bool) -> str:
            assert key not in self.loaded
            self.loaded[key] = (offloaded or 0.0) if off else gb
            assert sum(self.loaded.values()) + self.others <= 24.0
            return f"{key} offloaded" if off else key

        return self.shelf.lend(key, gb, offloaded, load, cancelled)


def test_a_model_stays_loaded_until_another_needs_its_room():
    card = Card()
    for key, gb in (("a", 10), ("b", 10), ("a", 10), ("c", 12)):
        with card.lend(key, gb) as model:
            assert model == key
    assert card.loaded == {"a": 10, "c": 12}  # b was used longest ago
    assert card.sweeps == 1


def test_what_does_not_fit_is_offloaded_if_it_may_be_and_else_refused_with_numbers():
    card = Card()
    with card.lend("big", 40, 6) as model:
        assert model == "big offloaded"
    assert card.loaded == {"big": 6}
    card.others = 12
    with (
        pytest.raises(RenderFailed, match=r"wide needs 15\.0 GB on card; others leave 11\.5 of its 24\.0 GB"),
        card.lend("wide", 15),
    ):
        pytest.fail("it does not fit")


def test_a_model_in_use_is_waited_for_and_never_evicted():
    card = Card()
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 1

    with card.lend("a", 20):
        with pytest.raises(Cancelled, match="waiting for b"), card.lend("b", 20, cancelled=cancelled):
            pytest.fail("there is no room")
        with pytest.raises(Cancelled, match="waiting for a"), card.lend("a", 20, cancelled=lambda: True):
            pytest.fail("it is lent")
    with card.lend("b", 20):
        assert card.loaded == {"b": 20}


def test_a_model_that_cannot_be_loaded_leaves_no_trace():
    card = Card()

    def load(_: bool) -> str:
        raise ValueError("damaged")

    for _ in range(2):
        with pytest.raises(ValueError, match="damaged"), card.shelf.lend("a", 20, None, load):
            pytest.fail("nothing was loaded")
    assert card.shelf.residents() == ()


def test_many_threads_share_a_shelf_within_its_budget():
    card, served = Card(), []
    sizes = {"a": 10.0, "b": 8.0, "c": 20.0, "d": 40.0}

    def work(number: int) -> None:
        for key in random.Random(number).choices(list(sizes), k=6):
            with card.lend(key, sizes[key], 2.0) as model:
                assert model.split()[0] == key
                served.append(key)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(served) == 36
    assert not any(one.busy for one in card.shelf.residents())


def test_what_a_thread_that_was_left_behind_has_borrowed_is_loaded_anew_and_counts_no_more():
    card, release, has = Card(), threading.Event(), threading.Event()

    def hangs() -> None:
        with card.shelf.lend("a", 20.0, 2.0, lambda _: "first"):
            has.set()
            release.wait(60)

    thread = threading.Thread(target=hangs)
    thread.start()
    assert has.wait(30)
    card.shelf.forget(threading.get_ident())
    assert [one.key for one in card.shelf.residents()] == ["a"], "what others have stays theirs"
    assert thread.ident is not None
    card.shelf.forget(thread.ident)
    assert card.shelf.residents() == ()
    with card.shelf.lend("a", 20.0, 2.0, lambda _: "second") as model:
        assert model == "second"
        release.set()
        thread.join(30)
        assert [(one.key, one.busy) for one in card.shelf.residents()] == [("a", True)]
    assert [(one.key, one.busy) for one in card.shelf.residents()] == [("a", False)]


def test_main_memory_is_a_device_too_and_each_has_one_shelf():
    here = shelf("cpu")
    assert here is shelf("cpu")
    with here.lend("nothing", 0.0, 0.0, lambda off: "loaded") as model:
        assert model == "loaded"
    assert "nothing" in {one.key for one in here.residents()}
