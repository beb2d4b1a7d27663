"""Runs a trace by a virtual clock: the scheduler's own decisions, and time that costs nothing."""

from __future__ import annotations

import heapq
from typing import Literal, NamedTuple, Protocol

from kinograph.evals.bench.traces import JUDGING, PACE, Trace
from kinograph.graphs.dependencies import TaskGraph
from kinograph.graphs.schedule import Grant, Pace, Schedule

FILM = "film"


class Decides(Protocol):
    """What the clock asks of a scheduler: the methods of Schedule."""

    def enroll(self, production: str, graph: TaskGraph, pace: Pace, workers: int) -> None: ...
    def next(self) -> Grant | None: ...
    def rendered(self, production: str, task: str) -> None: ...
    def again(self, production: str, task: str) -> None: ...
    def settle(self, production: str, task: str) -> None: ...
    def finished(self, production: str) -> bool: ...


class Ran(NamedTuple):
    """How a production went."""

    seconds: float
    renders: int
    """Renders that were begun."""
    wasted: float
    """Seconds of worker that went into takes nobody asked for."""
    starts: dict[tuple[str, int], float]
    """Shot and attempt -> second at which its worker was granted."""


class Happening(NamedTuple):
    """What will happen; ordered by time, then name, so that ties fall the same way every time."""

    at: float
    shot: str
    what: Literal["rendered", "ahead", "judged"]
    attempt: int


class Clock:
    """Plays a trace: grants by the schedule, durations and verdicts by the trace.

    `ahead` is how many takes after the one at hand may be rendered on workers that would idle. A worker that is
    wanted is taken from the least urgent of them, and what turns out not to be needed is thrown away.
    """

    def __init__(
        self,
        trace: Trace,
        workers: int,
        graph: TaskGraph | None = None,
        schedule: Decides | None = None,
        ahead: int = 0,
    ) -> None:
        self._trace, self._workers, self._ahead = trace, workers, ahead
        self._schedule = schedule or Schedule()
        self._schedule.enroll(FILM, graph or trace.graph, PACE, workers)
        self._now = self._wasted = 0.0
        self._coming: list[Happening] = []
        self._starts: dict[tuple[str, int], float] = {}
        self._renders = 0
        self._attempts: dict[str, int] = {}
        """Shot that is rendered or judged -> attempt."""
        self._rendering: set[str] = set()
        self._early: dict[tuple[str, int], float] = {}
        """Take that is rendered ahead -> second at which it began."""
        self._kept: dict[tuple[str, int], float] = {}
        """Take that was rendered ahead -> second at which it was there."""

    def play(self) -> Ran:
        """Until every shot is settled."""
        while not self._schedule.finished(FILM):
            while grant := self._schedule.next():
                self._begin(grant.task, grant.attempt)
            if self._ahead:
                self._use_idle_workers()
            self._now = self._coming[0].at
            while self._coming and self._coming[0].at == self._now:
                self._happen(heapq.heappop(self._coming))
        return Ran(self._now, self._renders, self._wasted, self._starts)

    def _expect(self, seconds: float, shot: str, what: Literal["rendered", "ahead", "judged"], attempt: int) -> None:
        heapq.heappush(self._coming, Happening(self._now + seconds, shot, what, attempt))

    def _begin(self, shot: str, attempt: int) -> None:
        self._starts[shot, attempt] = self._now
        self._attempts[shot] = attempt
        self._rendering.add(shot)
        seconds = self._trace.renders[shot][attempt - 1]
        if (begun := self._early.pop((shot, attempt), None)) is not None:
            seconds -= self._now - begun
        else:
            self._renders += 1
        self._expect(max(seconds, 0.0), shot, "rendered", attempt)
        if len(self._rendering) + len(self._early) > self._workers:
            begun = self._early.pop(min(self._early, key=self._urgency))
            self._wasted += self._now - begun

    def _urgency(self, take: tuple[str, int]) -> tuple[float, str, int]:
        assert isinstance(self._schedule, Schedule), "takes are rendered ahead by our own schedule only"
        return self._schedule.path(FILM, *take), *take

    def _use_idle_workers(self) -> None:
        idle = self._workers - len(self._rendering) - len(self._early)
        while idle > 0 and (takes := self._worth_rendering()):
            take = max(takes, key=self._urgency)
            self._early[take] = self._now
            self._renders += 1
            self._expect(self._trace.renders[take[0]][take[1] - 1], take[0], "ahead", take[1])
            idle -= 1

    def _worth_rendering(self) -> list[tuple[str, int]]:
        """The next take of each shot, of those that may be rendered ahead, that is not begun."""
        found = []
        for shot, attempt in self._attempts.items():
            last = min(attempt + self._ahead, PACE.takes)
            takes = ((shot, later) for later in range(attempt + 1, last + 1))
            found += [take for take in takes if take not in self._early and take not in self._kept][:1]
        return found

    def _happen(self, event: Happening) -> None:
        shot, attempt = event.shot, event.attempt
        take = (shot, attempt)
        if event.what == "rendered":
            self._rendering.discard(shot)
            self._schedule.rendered(FILM, shot)
            self._expect(JUDGING, shot, "judged", attempt)
        elif event.what == "ahead":
            if take in self._early and self._early[take] + self._trace.renders[shot][attempt - 1] == event.at:
                self._kept[take] = self._now
                del self._early[take]
        elif attempt == self._trace.takes[shot]:
            self._settle(shot)
        elif (shot, attempt + 1) in self._kept:
            there = self._kept.pop((shot, attempt + 1))
            self._attempts[shot] = attempt + 1
            self._expect(max(there + JUDGING - self._now, 0.0), shot, "judged", attempt + 1)
        else:
            del self._attempts[shot]
            self._schedule.again(FILM, shot)

    def _settle(self, shot: str) -> None:
        del self._attempts[shot]
        self._schedule.settle(FILM, shot)
        for take in [take for take in self._early if take[0] == shot]:
            self._wasted += self._now - self._early.pop(take)
        for take in [take for take in self._kept if take[0] == shot]:
            self._wasted += self._trace.renders[take[0]][take[1] - 1]
            del self._kept[take]
