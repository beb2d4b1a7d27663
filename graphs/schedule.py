"""Which shot next: the scheduler's decisions, without clock or threads.

A task is ready the moment everything it needs is settled. Of the ready ones the one with the longest path ahead goes
first, counting the takes that may still come (the upward rank of HEFT, Topcuoglu et al. 2002, with expected lives
for weights). Whoever runs the tasks, on threads or by a virtual clock, tells what happened and asks `next`.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection
from typing import NamedTuple

from kinograph.graphs.dependencies import TaskGraph

LIVES_PER_WORKER = 4
"""Most tasks that are begun and not settled, for each worker: those that wait for a judge hold threads and memory."""


class Pace(NamedTuple):
    """What the takes of a production are expected to come to, besides the seconds of each render."""

    judging: float = 0.0
    """Seconds from the end of a render to its verdict."""
    rejected: float = 0.0
    """Chance that a take is not accepted."""
    takes: int = 1
    """Most takes of a task."""

    def left(self, seconds: float, attempt: int) -> float:
        """Expected seconds of a life from the beginning of an attempt on, each of `seconds` to render."""
        more = max(self.takes - attempt, 0)
        return (seconds + self.judging) * sum(self.rejected**n for n in range(more + 1))


class Grant(NamedTuple):
    """A worker for an attempt at a task."""

    production: str
    task: str
    attempt: int


Turn = tuple[float, int, str]
"""What ready tasks are ordered by: longest path ahead, priority, id."""


class _Production:
    """Where the tasks of one production stand."""

    def __init__(self, graph: TaskGraph, pace: Pace, workers: int, settled: Collection[str]) -> None:
        self.graph, self.pace, self.workers = graph, pace, workers
        self.missing: dict[str, int] = {}
        """Task that waits -> how many of its needs are not settled."""
        self.ahead: dict[str, float] = {}
        """Task -> expected seconds from its acceptance to the end of the longest path that waits on it."""
        self.fresh: list[Turn] = []
        self.again: list[Turn] = []
        """Heaps of the ready: first takes, and retakes."""
        self.attempts: dict[str, int] = {}
        """Begun and not settled task -> the attempt it is at."""
        self.rendering: dict[str, int] = {}
        """Task that holds a worker -> which, from 1."""
        self.closed = False
        self.served = 0.0
        """Expected seconds of worker it was granted, in the shared account."""
        done = set(settled)
        for id in reversed(graph.order):
            later = (self.ahead[one] + pace.left(graph.tasks[one].seconds, 1) for one in graph.freed_by(id))
            self.ahead[id] = max(later, default=0.0)
        for id in graph.order:
            if id not in done:
                self.missing[id] = sum(need not in done for need in graph.needs(id))
                if not self.missing[id]:
                    heapq.heappush(self.fresh, self.turn(id, 1))

    def path(self, id: str, attempt: int) -> float:
        return self.pace.left(self.graph.tasks[id].seconds, attempt) + self.ahead[id]

    def turn(self, id: str, attempt: int) -> Turn:
        return -self.path(id, attempt), -self.graph.tasks[id].priority, id

    def ready(self) -> list[Turn] | None:
        """The heap whose first is to go next; None when nothing can."""
        if len(self.rendering) >= self.workers:
            return None
        full = self.closed or len(self.attempts) >= LIVES_PER_WORKER * self.workers
        heaps = [heap for heap in (self.again, [] if full else self.fresh) if heap]
        return min(heaps, key=lambda heap: heap[0], default=None)


class Schedule:
    """Hands out workers to the tasks of productions that share them.

    Between productions the one that was granted least, in expected seconds, goes first (start-time fair queueing,
    Goyal et al. 1996): none starves, and none saves up turns while it has nothing ready.
    """

    def __init__(self) -> None:
        self._productions: dict[str, _Production] = {}
        self._clock = 0.0

    def enroll(
        self, production: str, graph: TaskGraph, pace: Pace, workers: int, settled: Collection[str] = ()
    ) -> None:
        """Takes on a production that may hold `workers` at once; the most that any may hold are there for all."""
        assert production not in self._productions, f"{production} is enrolled already"
        self._productions[production] = _Production(graph, pace, workers, settled)

    def employ(self, production: str, workers: int) -> None:
        """From now on the production may hold so many; of what it holds nothing is taken away."""
        if production in self._productions:
            self._productions[production].workers = workers

    def leave(self, production: str) -> None:
        """Forgets a production and takes back what it holds."""
        self._productions.pop(production, None)

    def close(self, production: str) -> None:
        """Begins nothing more of a production; what was begun goes on."""
        self._productions[production].closed = True

    def next(self) -> Grant | None:
        """Gives the next task a worker; None when no worker is free or nothing is ready."""
        everyone = self._productions.values()
        if sum(len(one.rendering) for one in everyone) >= max((one.workers for one in everyone), default=0):
            return None
        ready = [(max(one.served, self._clock), name) for name, one in self._productions.items() if one.ready()]
        if not ready:
            return None
        self._clock, name = min(ready)
        production = self._productions[name]
        heap = production.ready()
        assert heap is not None, "it was ready a moment ago"
        _, _, task = heapq.heappop(heap)
        production.served = self._clock + production.graph.tasks[task].seconds
        production.attempts.setdefault(task, 1)
        production.rendering[task] = self._free_worker()
        return Grant(name, task, production.attempts[task])

    def _free_worker(self) -> int:
        held = {worker for one in self._productions.values() for worker in one.rendering.values()}
        return next(number for number in range(1, len(held) + 2) if number not in held)

    def under_way(self, production: str, task: str) -> None:
        """Tells of a ready task that was begun before: it has a worker without waiting for its turn."""
        one = self._productions[production]
        one.fresh = [turn for turn in one.fresh if turn[-1] != task]
        heapq.heapify(one.fresh)
        one.attempts[task] = 1
        one.rendering[task] = self._free_worker()

    def rendered(self, production: str, task: str) -> None:
        """The task gives its worker back, if it holds one: its take is there or will never be."""
        if production in self._productions:
            self._productions[production].rendering.pop(task, None)

    def again(self, production: str, task: str) -> None:
        """The task wants a worker for another take."""
        one = self._productions[production]
        one.attempts[task] += 1
        heapq.heappush(one.again, one.turn(task, one.attempts[task]))

    def settle(self, production: str, task: str) -> None:
        """The task is done, which frees those that wait for nothing else."""
        one = self._productions[production]
        one.rendering.pop(task, None)
        del one.attempts[task], one.missing[task]
        for later in one.graph.freed_by(task):
            if later in one.missing:
                one.missing[later] -= 1
                if not one.missing[later]:
                    heapq.heappush(one.fresh, one.turn(later, 1))

    def drop(self, production: str, task: str) -> None:
        """The task ended without being settled: it holds nothing more, and what waits on it will never be ready."""
        if production in self._productions:
            self._productions[production].rendering.pop(task, None)
            self._productions[production].attempts.pop(task, None)

    def path(self, production: str, task: str, attempt: int) -> float:
        """Expected seconds from the beginning of an attempt to the end of the longest path behind the task."""
        return self._productions[production].path(task, attempt)

    def worker_of(self, production: str, task: str) -> int | None:
        """Which worker the task holds, counted from 1; None when it holds none."""
        return self._productions[production].rendering.get(task) if production in self._productions else None

    def finished(self, production: str) -> bool:
        """Every task is settled."""
        return not self._productions[production].missing

    def begun(self, production: str) -> Collection[str]:
        """Tasks that are begun and not settled."""
        return self._productions[production].attempts
