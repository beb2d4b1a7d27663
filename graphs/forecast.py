"""When shots will be done: what is left of a production, played through the schedule by a virtual clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from kinograph.events import Event, Progressed, ShotSettled, TakeJudged, TakeStarted
from kinograph.film import Due
from kinograph.graphs.clock import Attempt, Clock
from kinograph.graphs.dependencies import TaskGraph
from kinograph.graphs.schedule import Pace, Schedule

FILM = "film"
MOST_FORECASTS = 100
"""Times that a production is played anew: what it costs grows with the shots, so the time of each shot does not."""


class Begun(NamedTuple):
    """Where a shot stands whose render was begun."""

    attempt: int
    elapsed: float = 0.0
    """Seconds since the render began."""


def forecast(
    graph: TaskGraph, pace: Pace, workers: int, settled: Collection[str] = (), begun: Mapping[str, Begun] | None = None
) -> tuple[Due, ...]:
    """When each shot that is not settled will begin and end, in seconds from now.

    Every life takes what it is expected to, with the retakes that may come counted as one longer take. Other
    productions on the same floor are not seen. Deterministic.
    """
    begun, schedule = begun or {}, Schedule()
    schedule.enroll(FILM, graph, pace, workers, settled)

    def life(shot: str, _: int) -> Attempt:
        at, seconds = begun.get(shot, Begun(1)), graph.tasks[shot].seconds
        left = pace.left(seconds, at.attempt)
        takes = left / (seconds + pace.judging) if left else 0.0
        return Attempt(max(seconds * takes - min(at.elapsed, seconds), 0.0), pace.judging * takes, accepted=True)

    clock = Clock(FILM, schedule, life)
    for shot in begun:
        schedule.under_way(FILM, shot)
        clock.begin(shot, 1)
    clock.run()
    return tuple(Due(shot=shot, begins=clock.starts[shot, 1], ends=end) for shot, end in clock.ends.items())


class Outlook:
    """How far the shots of a production are and how long they will take, told from what happens to them.

    May be used from many threads.
    """

    def __init__(
        self,
        graph: TaskGraph,
        pace: Pace,
        workers: int,
        settled: Collection[str] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._graph, self._pace, self._workers, self._now = graph, pace, workers, now
        self._settled = set(settled) & set(graph.tasks)
        self._begun: dict[str, tuple[int, float]] = {}
        """Shot whose render was begun -> attempt and when."""
        self._lock = threading.Lock()
        self._heard = 0
        self.due = forecast(graph, pace, workers, self._settled)
        """The plan: what was expected when nothing had happened yet."""
        self._end = now() + _last(self.due)

    @property
    def progress(self) -> Progressed:
        """Where things stand."""
        left = max(self._end - self._now(), 0.0) if len(self._settled) < len(self._graph.tasks) else 0.0
        return Progressed(
            stage="shooting", step=len(self._settled), steps=len(self._graph.tasks), seconds=round(left, 3)
        )

    def employ(self, workers: int) -> None:
        """So many workers render from now on."""
        with self._lock:
            self._workers = workers
            self._look_ahead()

    def hear(self, event: Event) -> Progressed | None:
        """Takes note of what happened; where things stand when a shot was settled by it, else None."""
        with self._lock:
            if isinstance(event, TakeStarted):
                self._begun[event.shot] = (event.attempt, self._now())
            elif isinstance(event, TakeJudged) and not event.take.accepted:
                self._begun.pop(event.take.shot, None)
            elif isinstance(event, ShotSettled):
                self._begun.pop(event.shot, None)
                self._settled.add(event.shot)
                self._look_ahead()
                return self.progress
        return None

    def _look_ahead(self) -> None:
        self._heard += 1
        if self._heard % max(len(self._graph.tasks) // MOST_FORECASTS, 1):
            return
        now = self._now()
        ready = {shot: at for shot, at in self._begun.items() if self._settled.issuperset(self._graph.needs(shot))}
        begun = {shot: Begun(attempt, now - since) for shot, (attempt, since) in ready.items()}
        self._end = now + _last(forecast(self._graph, self._pace, self._workers, self._settled, begun))


def _last(due: Collection[Due]) -> float:
    return max((one.ends for one in due), default=0.0)
