"""The floor: render workers that the productions of a studio share, and the threads on which shots live."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from kinograph.errors import Cancelled
from kinograph.graphs.boundaries import gravest
from kinograph.graphs.dependencies import TaskGraph
from kinograph.graphs.schedule import Pace, Schedule

LOOK = 0.2
"""Seconds between looks at whether a production was told to stop."""
PATIENCE = 60.0
"""Seconds that lives may take to end after their production was told to stop; then it ends without them."""


class _Company(NamedTuple):
    """What the floor knows of a production that runs on it."""

    live: Callable[[str], None]
    cancelled: threading.Event
    failures: list[BaseException]


class Floor:
    """Runs tasks on threads, each from the moment that the schedule gives it a worker.

    A life holds its worker while it renders: inside `worker`. What it does besides holds none.
    """

    def __init__(self) -> None:
        self._schedule = Schedule()
        self._changed = threading.Condition()
        self._companies: dict[str, _Company] = {}

    def run(
        self,
        production: str,
        graph: TaskGraph,
        pace: Pace,
        workers: int,
        live: Callable[[str], None],
        cancelled: threading.Event,
        settled: Collection[str] = (),
    ) -> None:
        """Has every task live that is not settled, `live(task)` on a thread of its own, and returns when all have.

        When a life raises, nothing more is begun; those that were begun end, and then the error rises; where several
        raise, what `gravest` makes of them. Raises Cancelled.
        """
        company = _Company(live, cancelled, [])
        with self._changed:
            self._schedule.enroll(production, graph, pace, workers, settled)
            self._companies[production] = company
            try:
                self._hand_out()
                self._wait(production, company)
            finally:
                del self._companies[production]
                self._schedule.leave(production)
                self._hand_out()
        if company.failures:
            raise gravest(f"shots of {production}", company.failures)
        if cancelled.is_set():
            raise Cancelled(f"{production} was stopped")

    def _wait(self, production: str, company: _Company) -> None:
        told = None
        while not self._schedule.finished(production):
            if company.cancelled.is_set():
                self._schedule.close(production)
                told = told or time.monotonic()
                if time.monotonic() - told > PATIENCE:
                    return
            if (told or company.failures) and not self._schedule.begun(production):
                return
            self._changed.wait(LOOK)

    def _hand_out(self) -> None:
        """Begins what the schedule says, and wakes the lives that wait. The caller holds the condition."""
        while grant := self._schedule.next():
            if grant.attempt == 1:
                life = (self._companies[grant.production], grant.production, grant.task)
                threading.Thread(target=self._live, args=life, name=f"{life[1]}/{life[2]}", daemon=True).start()
        self._changed.notify_all()

    def _live(self, company: _Company, production: str, task: str) -> None:
        failure: BaseException | None = None
        try:
            company.live(task)
        except BaseException as error:  # it rises again where the production is run
            failure = error
        with self._changed:
            if self._companies.get(production) is not company:
                return
            if failure is None:
                self._schedule.settle(production, task)
            else:
                company.failures.append(failure)
                self._schedule.close(production)
                self._schedule.drop(production, task)
            self._hand_out()

    @contextmanager
    def worker(self, production: str, task: str) -> Iterator[int]:
        """Waits for a worker, unless the task has one already, and takes it back after. Yields which, from 1.

        Raises Cancelled.
        """
        with self._changed:
            waiting = False
            while (worker := self._schedule.worker_of(production, task)) is None:
                company = self._companies.get(production)
                if company is None or company.cancelled.is_set():
                    raise Cancelled(f"{production} was stopped")
                if waiting:
                    self._changed.wait(LOOK)
                else:
                    self._schedule.again(production, task)
                    self._hand_out()
                    waiting = True
        try:
            yield worker
        finally:
            self.give_back(production, task)

    def employ(self, production: str, workers: int) -> None:
        """The production may hold so many workers from now on."""
        with self._changed:
            self._schedule.employ(production, workers)
            self._hand_out()

    def give_back(self, production: str, task: str) -> None:
        """The task needs no worker for what it does next."""
        with self._changed:
            self._schedule.rendered(production, task)
            self._hand_out()
