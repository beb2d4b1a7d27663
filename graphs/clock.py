"""A production by a virtual clock: the scheduler's own decisions, and time that costs nothing."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import NamedTuple, Protocol

from kinograph.graphs.schedule import Grant


class Decides(Protocol):
    """What the clock asks of a scheduler: methods of Schedule."""

    def next(self) -> Grant | None: ...
    def rendered(self, production: str, task: str) -> None: ...
    def again(self, production: str, task: str) -> None: ...
    def settle(self, production: str, task: str) -> None: ...
    def finished(self, production: str) -> bool: ...


class Attempt(NamedTuple):
    """How an attempt at a task turns out."""

    render: float
    """Seconds that it holds a worker."""
    judging: float
    """Seconds from then to its verdict."""
    accepted: bool


class Happening(NamedTuple):
    """What will happen; ordered by time, then name, so that ties fall the same way every time."""

    at: float
    task: str
    what: str
    attempt: int


class Clock:
    """Plays one production: grants by the schedule it is enrolled with, durations and verdicts by `attempt`."""

    def __init__(self, production: str, schedule: Decides, attempt: Callable[[str, int], Attempt]) -> None:
        self._production, self._schedule, self._attempt = production, schedule, attempt
        self._coming: list[Happening] = []
        self.now = 0.0
        self.starts: dict[tuple[str, int], float] = {}
        """Task and attempt -> second at which its worker was granted."""
        self.ends: dict[str, float] = {}
        """Task -> second at which it was settled."""

    def run(self) -> None:
        """Until every task is settled."""
        while not self._schedule.finished(self._production):
            while grant := self._schedule.next():
                self.begin(grant.task, grant.attempt)
            self._rest()
            self.now = self._coming[0].at
            while self._coming and self._coming[0].at == self.now:
                self._happen(heapq.heappop(self._coming))

    def begin(self, task: str, attempt: int) -> None:
        """The attempt has its worker from now on."""
        self.starts[task, attempt] = self.now
        self._expect(self._attempt(task, attempt).render, task, "rendered", attempt)

    def _rest(self) -> None:
        """Nothing that was asked for can begin before the next thing happens."""

    def _expect(self, seconds: float, task: str, what: str, attempt: int) -> None:
        heapq.heappush(self._coming, Happening(self.now + seconds, task, what, attempt))

    def _happen(self, event: Happening) -> None:
        task, attempt = event.task, event.attempt
        if event.what == "rendered":
            self._schedule.rendered(self._production, task)
            self._expect(self._attempt(task, attempt).judging, task, "judged", attempt)
        elif self._attempt(task, attempt).accepted:
            self._settle(task)
        else:
            self._retake(task, attempt)

    def _settle(self, task: str) -> None:
        self.ends[task] = self.now
        self._schedule.settle(self._production, task)

    def _retake(self, task: str, attempt: int) -> None:
        self._schedule.again(self._production, task)
