"""How busy the machine is now, and what may therefore be started on it.

Workers bound what we do ourselves; what is measured here is whether others leave room for it. So processor time of this
process and its children is not held against it, while memory is, since it runs out whoever holds it.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import psutil

from kinograph.errors import Cancelled
from kinograph.film import Noun
from kinograph.tools.gpus import Gpu, gpus
from kinograph.tools.machine import Machine, Tier, processors

CPU_BANDS = ((80, Fraction(1, 2)), (60, Fraction(3, 4)))
RAM_BANDS = ((85, Fraction(1, 2)), (70, Fraction(4, 5)))
"""(above so many percent, the share of the workers that is left)"""
COMPLEX = 0.7
"""Content more complex than this leaves three quarters of the workers."""
TIER_CAPS: dict[Tier, int] = {"D": 2, "C": 4, "B": 8, "A": 8}
STARTS = ((0.7, 60, 70), (0.4, 75, 80), (-1.0, 90, 90))
"""(a cost above, may start while the CPU is below so many percent, and memory below so many)"""
LAST_RESORT = 90
"""Percent of memory from which even a render that has waited for long is held back."""
PATIENCE = 120.0
"""Seconds after which a busy processor no longer holds a render back."""


class Snapshot(Noun):
    """A machine's load at one moment, in percent of all of it."""

    cpu_percent: float
    """Of the processors that this process may use."""
    ours_percent: float = 0.0
    """The part of `cpu_percent` that is this process and its children."""
    ram_percent: float
    disk_free_gb: float
    """Where clips are kept."""
    gpus: tuple[Gpu, ...] = ()

    @property
    def others_percent(self) -> float:
        """How busy other processes keep the processors."""
        return max(0.0, self.cpu_percent - self.ours_percent)

    def __str__(self) -> str:
        ours = f" ({self.ours_percent:.0f} % ours)" if self.ours_percent >= 1 else ""
        cards = "; ".join(map(str, self.gpus)) or "no GPU"
        return (
            f"CPU {self.cpu_percent:.0f} %{ours}, memory {self.ram_percent:.0f} %, "
            f"{self.disk_free_gb:.0f} GB of disk free, {cards}"
        )


class Recommendation(NamedTuple):
    """How many shots to render at a time, and why."""

    workers: int
    why: str


def recommended_concurrency(machine: Machine, load: Snapshot, complexity: float) -> Recommendation:
    """Half the logical cores, less what others use and what a `complexity` in 0..1 asks, within the tier's cap."""
    workers = Fraction(machine.cores // 2)
    why = [f"half of {machine.cores} cores"]
    for name, percent, bands in (("CPU", load.others_percent, CPU_BANDS), ("memory", load.ram_percent, RAM_BANDS)):
        for above, share in bands:
            if percent > above:
                workers *= share
                why.append(f"x{float(share):g} for {name} at {percent:.0f} %")
                break
    if complexity > COMPLEX:
        workers *= Fraction(3, 4)
        why.append(f"x0.75 for complexity {complexity:.2f}")
    if workers > TIER_CAPS[machine.tier]:
        why.append(f"at most {TIER_CAPS[machine.tier]} on tier {machine.tier}")
    return Recommendation(max(1, min(int(workers), TIER_CAPS[machine.tier])), ", ".join(why))


def can_start(cost: float, load: Snapshot) -> bool:
    """Whether others leave room for a task that costs `cost` in 0..1."""
    cpu, ram = next((cpu, ram) for above, cpu, ram in STARTS if cost > above)
    return load.others_percent < cpu and load.ram_percent < ram


class Meter:
    """Measures this machine. A reading covers the time since the one before, and the first a tenth of a second."""

    def __init__(self, disk: Path) -> None:
        self._disk = disk
        self._before: tuple[float, float, float, float] | None = None

    def __call__(self) -> Snapshot:
        if self._before is None:
            self._before = _times()
            time.sleep(0.1)
        at, busy, spent, ours = now = _times()
        before, self._before = self._before, now
        span = max(1e-9, spent - before[2])
        percent = 100 * min(1.0, max(0.0, busy - before[1]) / span)
        own = 100 * max(0.0, ours - before[3]) / max(1e-9, (at - before[0]) * len(processors()))
        spot = self._disk
        while not spot.exists():
            spot = spot.parent
        return Snapshot(
            cpu_percent=round(percent, 1),
            ours_percent=round(min(percent, own), 1),
            ram_percent=psutil.virtual_memory().percent,
            disk_free_gb=round(shutil.disk_usage(spot).free / 2**30, 1),
            gpus=gpus(),
        )


def _times() -> tuple[float, float, float, float]:
    """Now; seconds that our processors were busy, and all their seconds; seconds that we and our children worked."""
    every = psutil.cpu_times(percpu=True)
    times = [every[number] for number in processors() if number < len(every)] or every
    spent = sum(sum(cpu[:8]) for cpu in times)  # guest time, if any, is counted in user time already
    idle = sum(cpu.idle + getattr(cpu, "iowait", 0.0) for cpu in times)
    me = psutil.Process()
    ours = sum(me.cpu_times()[:4])  # with the children that have ended
    for child in me.children(recursive=True):
        try:
            ours += sum(child.cpu_times()[:2])
        except psutil.Error:
            continue  # ended in this very moment
    return time.monotonic(), spent - idle, spent, ours


class Monitor:
    """Reads the load now and then, and lets renders start as it allows. Safe for many threads."""

    def __init__(
        self,
        machine: Machine,
        read: Callable[[], Snapshot],
        fresh_seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.machine = machine
        self._read = read
        self._fresh = fresh_seconds
        self._clock = clock
        self._reading: tuple[float, Snapshot] | None = None
        self._running = 0
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    def snapshot(self) -> Snapshot:
        """The load, measured at most `fresh_seconds` ago."""
        with self._changed:
            if self._reading is None or self._clock() - self._reading[0] >= self._fresh:
                load = self._read()
                self._reading = self._clock(), load
            return self._reading[1]

    def recommended_concurrency(self, complexity: float) -> Recommendation:
        """How many shots to render at a time as things are now."""
        return recommended_concurrency(self.machine, self.snapshot(), complexity)

    def can_start(self, cost: float) -> bool:
        """Whether others leave room for a task of that cost now."""
        return can_start(cost, self.snapshot())

    @contextmanager
    def room(
        self,
        cost: float,
        cancelled: Callable[[], bool] = lambda: False,
        waiting: Callable[[], None] = lambda: None,
        most: Callable[[], int] | None = None,
        patience: float = PATIENCE,
    ) -> Iterator[None]:
        """Waits until a task of that cost may start, and counts it as running until the block ends.

        First come, first served. What has nothing of ours beside it starts at once, however busy the machine is, so
        something always runs. Others wait for `can_start`, `patience` seconds at most unless memory is nearly full,
        and while `most()` of ours or more are running. `waiting` is called about once a second meanwhile. Raises
        Cancelled.
        """
        place, since = object(), self._clock()
        with self._changed:
            self._queue.append(place)
        try:
            while not self._admitted(place, cost, most, since + patience):
                if cancelled():
                    raise Cancelled("stopped while waiting for the machine to have room")
                waiting()
        finally:
            with self._changed:
                self._queue.remove(place)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _admitted(self, place: object, cost: float, most: Callable[[], int] | None, until: float) -> bool:
        """Counts the task as running if it is its turn and there is room; else waits a moment for that to change."""
        with self._changed:
            if self._queue[0] is place and self._free(cost, most, self._clock() >= until):
                self._running += 1
                return True
            self._changed.wait(min(self._fresh, 1.0))
            return False

    def _free(self, cost: float, most: Callable[[], int] | None, late: bool) -> bool:
        if self._running == 0:
            return True
        if most is not None and self._running >= most():
            return False
        return self.can_start(cost) or (late and self.snapshot().ram_percent < LAST_RESORT)
