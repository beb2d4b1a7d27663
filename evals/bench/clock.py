"""Runs a trace by a virtual clock, with takes rendered ahead on workers that would idle."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from kinograph.evals.bench.traces import JUDGING, PACE, Trace
from kinograph.graphs import clock
from kinograph.graphs.clock import Attempt, Happening
from kinograph.graphs.dependencies import TaskGraph
from kinograph.graphs.schedule import Pace, Schedule

FILM = "film"


class Decides(clock.Decides, Protocol):
    """What the clock asks of a scheduler: the methods of Schedule."""

    def enroll(self, production: str, graph: TaskGraph, pace: Pace, workers: int) -> None: ...


class Ran(NamedTuple):
    """How a production went."""

    seconds: float
    renders: int
    """Renders that were begun."""
    wasted: float
    """Seconds of worker that went into takes nobody asked for."""
    starts: dict[tuple[str, int], float]
    """Shot and attempt -> second at which its worker was granted."""


class Clock(clock.Clock):
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
        decides = schedule or Schedule()
        decides.enroll(FILM, graph or trace.graph, PACE, workers)
        super().__init__(FILM, decides, self._turns_out)
        self._wasted = 0.0
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
        self.run()
        return Ran(self.now, self._renders, self._wasted, self.starts)

    def _turns_out(self, shot: str, attempt: int) -> Attempt:
        return Attempt(self._trace.renders[shot][attempt - 1], JUDGING, attempt == self._trace.takes[shot])

    def begin(self, task: str, attempt: int) -> None:
        self.starts[task, attempt] = self.now
        self._attempts[task] = attempt
        self._rendering.add(task)
        seconds = self._trace.renders[task][attempt - 1]
        if (begun := self._early.pop((task, attempt), None)) is not None:
            seconds -= self.now - begun
        else:
            self._renders += 1
        self._expect(max(seconds, 0.0), task, "rendered", attempt)
        if len(self._rendering) + len(self._early) > self._workers:
            begun = self._early.pop(min(self._early, key=self._urgency))
            self._wasted += self.now - begun

    def _urgency(self, take: tuple[str, int]) -> tuple[float, str, int]:
        assert isinstance(self._schedule, Schedule), "takes are rendered ahead by our own schedule only"
        return self._schedule.path(FILM, *take), *take

    def _rest(self) -> None:
        idle = self._workers - len(self._rendering) - len(self._early) if self._ahead else 0
        while idle > 0 and (takes := self._worth_rendering()):
            take = max(takes, key=self._urgency)
            self._early[take] = self.now
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
        if event.what != "ahead":
            if event.what == "rendered":
                self._rendering.discard(event.task)
            super()._happen(event)
            return
        take = (event.task, event.attempt)
        if take in self._early and self._early[take] + self._trace.renders[take[0]][take[1] - 1] == event.at:
            self._kept[take] = self.now
            del self._early[take]

    def _retake(self, task: str, attempt: int) -> None:
        if (there := self._kept.pop((task, attempt + 1), None)) is not None:
            self._attempts[task] = attempt + 1
            self._expect(max(there + JUDGING - self.now, 0.0), task, "judged", attempt + 1)
        else:
            del self._attempts[task]
            super()._retake(task, attempt)

    def _settle(self, task: str) -> None:
        del self._attempts[task]
        super()._settle(task)
        for take in [take for take in self._early if take[0] == task]:
            self._wasted += self.now - self._early.pop(take)
        for take in [take for take in self._kept if take[0] == task]:
            self._wasted += self._trace.renders[take[0]][take[1] - 1]
            del self._kept[take]
