"""Which models are loaded on a device: loads, evicts the least recently used, offloads what does not fit.

`place` decides and touches nothing; a `Shelf` does what was decided. A loaded model outlives the backend that loaded
it, so the next production, or the next version of a film, finds it there.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, TypeVar

import psutil

from kinograph.errors import Cancelled, OutOfMemory

Model = TypeVar("Model")
MARGIN_GB = 0.5
"""GB of a device that are left free: contexts and fragmentation take some."""


class Resident(NamedTuple):
    """A loaded model as the shelf accounts for it."""

    key: str
    gb: float
    """What it takes at most while it renders."""
    used: int
    """When it was last lent; larger is later."""
    busy: bool


class Placement(NamedTuple):
    """Where a model goes, and which others go first."""

    how: Literal["whole", "offloaded", "later", "never"]
    """later: once a busy model comes back; never: it alone is too big."""
    evict: tuple[str, ...] = ()


def place(gb: float, offloaded_gb: float | None, residents: Sequence[Resident], budget_gb: float) -> Placement:
    """Decides how a model that takes `gb`, or `offloaded_gb` with its parts in main memory, gets onto a device.

    Whole if it alone fits into `budget_gb`, else offloaded if it may be and that fits. Evicts idle models, least
    recently used first and no more than needed; none while busy ones alone leave too little.
    """
    ways: tuple[tuple[float | None, Literal["whole", "offloaded"]], ...] = ((gb, "whole"), (offloaded_gb, "offloaded"))
    oldest_first = sorted(residents, key=lambda one: (one.used, one.key))
    for need, how in ways:
        if need is None or need > budget_gb:
            continue
        if need + sum(one.gb for one in oldest_first if one.busy) > budget_gb:
            return Placement("later")
        kept, evict = oldest_first.copy(), []
        for one in oldest_first:
            if need + sum(other.gb for other in kept) <= budget_gb:
                break
            if not one.busy:
                kept.remove(one)
                evict.append(one.key)
        return Placement(how, tuple(evict))
    return Placement("never")


class Room(NamedTuple):
    """A device's memory as its driver tells it."""

    total_gb: float
    free_gb: float
    ours_gb: float
    """Of what is not free, what this process holds."""


def budget(room: Room, residents: Sequence[Resident]) -> float:
    """GB that our models may take together: what others leave, and no more than is free or accounted for."""
    others = max(0.0, room.total_gb - room.free_gb - room.ours_gb)
    accounted = sum(one.gb for one in residents)
    return max(0.0, min(room.total_gb - others, room.free_gb + accounted) - MARGIN_GB)


class _Entry:
    """A place on the shelf: its model is None until it is loaded."""

    def __init__(self, gb: float, used: int) -> None:
        self.gb = gb
        self.used = used
        self.busy = True
        self.borrower = threading.get_ident()
        self.model: Any = None


class Shelf:
    """The models of one device. Safe for many threads; one at a time has a model."""

    def __init__(self, device: str, read: Callable[[], Room], sweep: Callable[[], object] = gc.collect) -> None:
        """`read` tells the device's memory now; `sweep` gives back what evicted models held."""
        self.device = device
        self._read = read
        self._sweep = sweep
        self._entries: dict[str, _Entry] = {}
        self._lent = 0
        self._changed = threading.Condition()

    def residents(self) -> tuple[Resident, ...]:
        """What is loaded now, or being loaded."""
        with self._changed:
            return tuple(Resident(key, one.gb, one.used, one.busy) for key, one in self._entries.items())

    @contextmanager
    def lend(
        self,
        key: str,
        gb: float,
        offloaded_gb: float | None,
        load: Callable[[bool], Model],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[Model]:
        """The model named `key`, for this thread alone; `load(offloaded)` makes it where it is not here.

        `cancelled` is asked about twice a second while it waits. Raises OutOfMemory when the model can never fit,
        Cancelled, and what `load` raises.
        """
        while (taken := self._taken(key, gb, offloaded_gb)) is None:
            if cancelled():
                raise Cancelled(f"stopped while waiting for {key}")
        entry, how = taken
        try:
            if how != "loaded":
                entry.model = load(how == "offloaded")
            yield entry.model
        finally:
            with self._changed:
                entry.busy = False
                if entry.model is None and self._entries.get(key) is entry:
                    del self._entries[key]  # it could not be loaded
                self._changed.notify_all()

    def forget(self, borrower: int) -> None:
        """Counts no longer on what a thread has borrowed that does not come back; who wants it next loads it anew.

        What it holds of the device is gone until it ends: `read` tells of it as of any other program's.
        """
        with self._changed:
            for key in [key for key, one in self._entries.items() if one.busy and one.borrower == borrower]:
                del self._entries[key]
            self._changed.notify_all()

    def _taken(
        self, key: str, gb: float, offloaded_gb: float | None
    ) -> tuple[_Entry, Literal["loaded", "whole", "offloaded"]] | None:
        """Marks the model's place busy, or waits a moment for that to become possible."""
        with self._changed:
            entry = self._entries.get(key)
            if entry is not None and not entry.busy:
                entry.busy, entry.used, entry.borrower = True, self._tick(), threading.get_ident()
                return entry, "loaded"
            how = self._made_room(key, gb, offloaded_gb) if entry is None else "later"
            if how == "later":
                self._changed.wait(0.5)
                return None
            entry = self._entries[key] = _Entry(gb if how == "whole" else offloaded_gb or 0.0, self._tick())
            return entry, how

    def _made_room(self, key: str, gb: float, offloaded_gb: float | None) -> Literal["whole", "offloaded", "later"]:
        residents, room = self.residents(), self._read()
        found = place(gb, offloaded_gb, residents, have := budget(room, residents))
        if found.how == "never":
            raise OutOfMemory(
                f"{key} needs {gb if offloaded_gb is None else offloaded_gb:.1f} GB on {self.device}; "
                f"others leave {have:.1f} of its {room.total_gb:.1f} GB"
            )
        for name in found.evict:
            del self._entries[name]
        if found.evict:
            self._sweep()
        return found.how

    def _tick(self) -> int:
        self._lent += 1
        return self._lent


_SHELVES: dict[str, Shelf] = {}
_FIRST = threading.Lock()


def shelf(device: str) -> Shelf:
    """The shelf of a torch device: "cpu", "cuda", "cuda:1", …; one for this process."""
    with _FIRST:
        if device not in _SHELVES:
            _SHELVES[device] = _set_up(device)
        return _SHELVES[device]


def forget(borrower: int) -> None:
    """Has every shelf forget what a thread that was left behind has borrowed."""
    for one in list(_SHELVES.values()):
        one.forget(borrower)


def _set_up(device: str) -> Shelf:
    import torch

    where = torch.device(device)
    if where.type != "cuda":
        return Shelf(device, _main_memory)

    def sweep() -> None:
        gc.collect()
        torch.cuda.empty_cache()

    def read() -> Room:
        free, total = torch.cuda.mem_get_info(where)
        return Room(total / 2**30, free / 2**30, torch.cuda.memory_reserved(where) / 2**30)

    return Shelf(device, read, sweep)


def _main_memory() -> Room:
    memory = psutil.virtual_memory()
    return Room(memory.total / 2**30, memory.available / 2**30, psutil.Process().memory_info().rss / 2**30)
