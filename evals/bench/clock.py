"""Runs a trace by a virtual clock: the scheduler's own decisions, and time that costs nothing."""

from __future__ import annotations

import heapq
from typing import Literal, NamedTuple

from kinograph.evals.bench.traces import JUDGING, Trace
from kinograph.graphs.dependencies import TaskGraph
from kinograph.graphs.schedule import Pace, Schedule

Happening = tuple[float, str, Literal["rendered", "judged"], int]
"""Second, shot, what, attempt: in this order, so that ties are told by name."""


class Ran(NamedTuple):
    """How a production went."""

    seconds: float
    renders: int
    """Renders that were begun."""
    wasted: float
    """Seconds of worker that went into takes nobody asked for."""
    starts: dict[tuple[str, int], float]
    """Shot and attempt -> second at which its render began."""


def play(trace: Trace, graph: TaskGraph, pace: Pace, workers: int, schedule: Schedule | None = None) -> Ran:
    """The trace's lives in the order in which the schedule grants them workers."""
    chosen = schedule or Schedule()
    chosen.enroll("film", graph, pace, workers)
    now, happenings, starts = 0.0, list[Happening](), {}
    while not chosen.finished("film"):
        while grant := chosen.next():
            starts[grant.task, grant.attempt] = now
            end = now + trace.renders[grant.task][grant.attempt - 1]
            heapq.heappush(happenings, (end, grant.task, "rendered", grant.attempt))
        now = happenings[0][0]
        while happenings and happenings[0][0] == now:
            _, shot, what, attempt = heapq.heappop(happenings)
            if what == "rendered":
                chosen.rendered("film", shot)
                heapq.heappush(happenings, (now + JUDGING, shot, "judged", attempt))
            elif attempt < trace.takes[shot]:
                chosen.again("film", shot)
            else:
                chosen.settle("film", shot)
    return Ran(now, len(starts), 0.0, starts)
