"""What scheduling costs as productions grow.

    python -m kinograph.evals.bench.scaling [shots …]

For each size, in a process of its own: the CPU seconds and memory of the storyboard's task graph and of every
decision until all shots are settled, three of ten takes being rejected; then of the floor, with lives on real
threads that do nothing. Shots stand in chains of ten.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import threading
import time
from typing import NamedTuple

import psutil

from kinograph.evals.bench.clock import Clock
from kinograph.evals.bench.overhead import board_of
from kinograph.evals.bench.traces import PACE, Trace
from kinograph.graphs.dependencies import tasks_of
from kinograph.graphs.floor import Floor

SIZES = (10, 100, 1_000, 10_000)
WORKERS = 8
REJECTED = (2, 1, 3, 1, 1, 2, 1, 1, 1, 1)
"""Takes of every ten shots."""


class Cost(NamedTuple):
    """What a production of so many shots cost."""

    shots: int
    graph: float
    """CPU seconds from storyboard to task graph."""
    decisions: float
    """CPU seconds of all decisions, the virtual clock's own share included."""
    floor: float
    """CPU seconds on real threads."""
    grown: float
    """MB that the process grew."""
    peak: float
    """MB that the process held at most."""


def trace_of(shots: int) -> Trace:
    """A production of a storyboard of so many shots."""
    graph = tasks_of(board_of(shots)).of("shot")
    takes = {id: REJECTED[number % 10] for number, id in enumerate(graph.tasks)}
    return Trace(graph, {id: (60.0 + number % 37,) * 3 for number, id in enumerate(graph.tasks)}, takes, ())


def measure(shots: int) -> Cost:
    """Schedules a production twice: by the virtual clock, and on threads."""
    before = psutil.Process().memory_info().rss / 2**20
    started = time.process_time()
    one = trace_of(shots)
    graph = time.process_time() - started
    started = time.process_time()
    Clock(one, WORKERS).play()
    decisions = time.process_time() - started
    floor = Floor()

    def live(shot: str) -> None:
        for _ in range(one.takes[shot]):
            with floor.worker("film", shot):
                pass

    started = time.process_time()
    floor.run("film", one.graph, PACE, WORKERS, live, threading.Event())
    on_threads = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return Cost(shots, graph, decisions, on_threads, peak - before, peak)


def main() -> None:
    sizes = [int(count) for count in sys.argv[1:]] or list(SIZES)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; CPU seconds, MB")
    print(f"{'shots':>6} {'graph':>8} {'decisions':>10} {'µs a shot':>10} {'floor':>8} {'grown':>8} {'peak':>7}")
    fresh = multiprocessing.get_context("spawn")
    for shots in sizes:
        with fresh.Pool(1) as pool:
            cost = pool.apply(measure, (shots,))
        each = 1e6 * (cost.graph + cost.decisions) / shots
        print(
            f"{cost.shots:6} {cost.graph:8.3f} {cost.decisions:10.3f} {each:10.0f} {cost.floor:8.3f} "
            f"{cost.grown:8.1f} {cost.peak:7.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
