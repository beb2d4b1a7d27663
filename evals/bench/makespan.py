"""How near to the shortest possible time productions are scheduled.

    python -m kinograph.evals.bench.makespan [--seeds 300] [--replay 2] [--films 0] [--scale 100]

Six scenes of three to eight shots; renders take 79 s in the mean (lognormal), a verdict 8 s beside the workers, and
three of ten takes are rejected, up to three takes a shot. The scheduler knows means, not the production at hand. A
table of seconds over the lower bound follows, by a virtual clock; then some of the same productions in real time,
with renderers that sleep: on the floor alone, or as whole films with graph, checkpoints, ledger, vault and memory.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import deque
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kinograph.evals.bench.clock import Clock, Ran
from kinograph.evals.bench.replay import film_of, on_the_floor
from kinograph.evals.bench.traces import CHAINED, Chained, Trace, fenced, trace
from kinograph.events import ShotSettled, TakeStarted
from kinograph.graphs.dependencies import TaskGraph
from kinograph.graphs.schedule import Grant, Pace

WORKERS = (4, 8)
TARGETS: dict[tuple[int, Chained], float] = {
    (4, "independent"): 1.07, (4, "half chained"): 1.08, (4, "all chained"): 1.11,
    (8, "independent"): 1.21, (8, "half chained"): 1.10, (8, "all chained"): 1.01,
}  # fmt: skip


class Fifo:
    """First ready, first served; retakes queue up like anyone else."""

    def enroll(self, production: str, graph: TaskGraph, pace: Pace, workers: int) -> None:
        self._graph, self._free = graph, workers
        self._missing = {id: len(graph.needs(id)) for id in graph.tasks}
        self._queue = deque((id, 1) for id in graph.tasks if not self._missing[id])
        self._attempts: dict[str, int] = {}

    def next(self) -> Grant | None:
        if not self._free or not self._queue:
            return None
        task, self._attempts[task] = self._queue[0]
        self._queue.popleft()
        self._free -= 1
        return Grant("film", task, self._attempts[task])

    def rendered(self, production: str, task: str) -> None:
        self._free += 1

    def again(self, production: str, task: str) -> None:
        self._queue.append((task, self._attempts[task] + 1))

    def settle(self, production: str, task: str) -> None:
        del self._missing[task]
        for later in self._graph.freed_by(task):
            self._missing[later] -= 1
            if not self._missing[later]:
                self._queue.append((later, 1))

    def finished(self, production: str) -> bool:
        return not self._missing


def serial(one: Trace, _: int) -> Ran:
    """A shot at a time, in film order."""
    return Clock(one, 1, fenced(one.graph, [[shot] for scene in one.scenes for shot in scene]), Fifo()).play()


def scenes_serial(one: Trace, workers: int) -> Ran:
    """A scene at a time, its shots side by side."""
    return Clock(one, workers, fenced(one.graph, one.scenes), Fifo()).play()


def superstep(one: Trace, workers: int) -> Ran:
    """All ready shots at a time; the next begin when the last of them is settled."""
    return Clock(one, workers, fenced(one.graph, one.graph.batches), Fifo()).play()


POLICIES: dict[str, Callable[[Trace, int], Ran]] = {
    "fully serial": serial,
    "scenes serial": scenes_serial,
    "superstep barrier": superstep,
    "FIFO": lambda one, workers: Clock(one, workers, schedule=Fifo()).play(),
    "kinograph": lambda one, workers: Clock(one, workers).play(),
    "next take ahead": lambda one, workers: Clock(one, workers, ahead=1).play(),
    "all takes ahead": lambda one, workers: Clock(one, workers, ahead=2).play(),
}


class Measured(NamedTuple):
    """A policy over many seeds."""

    ratios: np.ndarray
    """Seconds over the bound, by seed."""
    extra: float
    """Renders that nobody asked for, in the mean, for each that was."""
    wasted: float
    """The same in seconds."""

    @property
    def mean(self) -> float:
        return float(self.ratios.mean())


def measure(policy: str, workers: int, chained: Chained, seeds: int) -> Measured:
    """The policy's makespan over the lower bound, for the first seeds."""
    ratios, extra, wasted = [], [], []
    for seed in range(seeds):
        one = trace(seed, chained)
        ran = POLICIES[policy](one, workers)
        needed = sum(one.takes.values())
        work = sum(sum(one.renders[shot][:takes]) for shot, takes in one.takes.items())
        ratios.append(ran.seconds / one.bound(workers))
        extra.append((ran.renders - needed) / needed)
        wasted.append(ran.wasted / work)
    return Measured(np.array(ratios), float(np.mean(extra)), float(np.mean(wasted)))


def interval(values: np.ndarray) -> str:
    """Mean and half of the 95 % interval."""
    return f"{values.mean():6.3f} ±{1.96 * values.std(ddof=1) / len(values) ** 0.5:.3f}"


def table(seeds: int) -> None:
    cases = list(TARGETS)
    found = {(policy, *case): measure(policy, *case, seeds) for policy in POLICIES for case in cases}
    print(f"makespan over the lower bound, {seeds} seeds, mean and 95 % interval")
    print(f"{'':18}" + "".join(f"{f'k={workers} {chained}':>18}" for workers, chained in cases))
    for policy in POLICIES:
        print(f"{policy:18}" + "".join(f"{interval(found[policy, *case].ratios):>18}" for case in cases))
    print(f"{'target':18}" + "".join(f"{f'{TARGETS[case]:.2f}':>18}" for case in cases))
    saved = {case: 100 * (1 - found["kinograph", *case].ratios / found["FIFO", *case].ratios) for case in cases}
    print(f"{'saved of FIFO, %':18}" + "".join(f"{interval(saved[case]):>18}" for case in cases))
    print("(below 1 because the bound has the takes of a shot one after the other)")
    print("what takes ahead cost: renders that nobody asked for, and their seconds, for each 100 that were")
    for policy in ("next take ahead", "all takes ahead"):
        costs = (found[policy, *case] for case in cases)
        print(f"{policy:18}" + "".join(f"{f'{100 * m.extra:.1f} / {100 * m.wasted:.1f}':>18}" for m in costs))


def on_the_whole(one: Trace, workers: int, scale: float) -> float:
    """Wall seconds of a whole film from its first take to its last shot settled, `scale` times faster than life."""
    with tempfile.TemporaryDirectory() as home:
        played = film_of(one, Path(home), workers, scale)
    begun = next(at for at, event in played.events if isinstance(event, TakeStarted))
    return played.last(ShotSettled) - begun


def replays(seeds: int, scale: float, what: str, run: Callable[[Trace, int, float], float]) -> None:
    print(f"by the clock and as {what}, {scale:g} times faster than life, load {os.getloadavg()[0]:.1f}")
    for seed, workers, chained in product(range(seeds), WORKERS, CHAINED):
        one = trace(seed, chained)
        clock, real = Clock(one, workers).play().seconds, run(one, workers, scale) * scale
        over = 100 * (real / clock - 1)
        print(f"seed {seed} k={workers} {chained:>13}: {clock:7.1f} s {real:7.1f} s {over:5.1f} %", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--replay", type=int, default=2, help="seeds that are replayed on the floor")
    parser.add_argument("--films", type=int, default=0, help="seeds that are replayed as whole films")
    parser.add_argument("--scale", type=float, default=100.0, help="how much faster than life")
    arguments = parser.parse_args()
    table(arguments.seeds)
    if arguments.replay:
        replays(arguments.replay, arguments.scale, "lives on the floor", on_the_floor)
    if arguments.films:
        replays(arguments.films, arguments.scale, "whole films", on_the_whole)


if __name__ == "__main__":
    main()
