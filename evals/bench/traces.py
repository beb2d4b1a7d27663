"""Productions whose renders and verdicts are known in advance, to everyone but the scheduler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from kinograph.graphs.dependencies import Task, TaskGraph, task
from kinograph.graphs.schedule import Pace

Chained = Literal["independent", "half chained", "all chained"]
CHAINED: dict[Chained, float] = {"independent": 0.0, "half chained": 0.5, "all chained": 1.0}
"""Chance that a shot goes on from the one before it in its scene."""
SCENES = 6
SHOTS = (3, 8)
"""Fewest and most shots of a scene."""
MU, SIGMA = 4.3, 0.35
"""Logarithm of a render's seconds: 79 s in the mean."""
REJECTED, TAKES = 0.3, 3
JUDGING = 8.0
EXPECTED = float(np.exp(MU + SIGMA**2 / 2))
PACE = Pace(judging=JUDGING, rejected=REJECTED, takes=TAKES)
"""What a ledger of many such takes has taught: means, and nothing of the take at hand."""


class Trace(NamedTuple):
    """One production as it will turn out."""

    graph: TaskGraph
    renders: dict[str, tuple[float, ...]]
    """Shot -> seconds of each take that it could cost."""
    takes: dict[str, int]
    """Shot -> takes until it is settled."""
    scenes: tuple[tuple[str, ...], ...]

    def life(self, shot: str) -> float:
        """Seconds of a shot with all its takes and verdicts, never waiting."""
        return sum(self.renders[shot][: self.takes[shot]]) + JUDGING * self.takes[shot]

    def bound(self, workers: int) -> float:
        """No schedule is shorter: the longest chain of lives, or all renders shared out evenly and one verdict."""
        work = sum(sum(self.renders[shot][:takes]) for shot, takes in self.takes.items())
        return max(self.chain, work / workers + JUDGING)

    @property
    def chain(self) -> float:
        """Seconds of the longest chain of shots that need each other."""
        ends: dict[str, float] = {}
        for shot in self.graph.order:
            ends[shot] = self.life(shot) + max((ends[need] for need in self.graph.needs(shot)), default=0.0)
        return max(ends.values())


def trace(seed: int, chained: Chained) -> Trace:
    """The production of a seed; the same seed has the same shots, renders and verdicts however it is chained."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(SHOTS[0], SHOTS[1] + 1, SCENES)
    scenes = tuple(
        tuple(f"s{scene}.{shot}" for shot in range(1, count + 1)) for scene, count in enumerate(counts, start=1)
    )
    shots = [shot for scene in scenes for shot in scene]
    renders = rng.lognormal(MU, SIGMA, (len(shots), TAKES))
    rejected = rng.random((len(shots), TAKES)) < REJECTED
    links = rng.random(len(shots)) < CHAINED[chained]
    takes = [int(np.argmin([*row[:-1], False])) + 1 for row in rejected]
    return Trace(
        TaskGraph(_tasks(scenes, dict(zip(shots, links, strict=True)))),
        {shot: tuple(row) for shot, row in zip(shots, renders.tolist(), strict=True)},
        dict(zip(shots, takes, strict=True)),
        scenes,
    )


def _tasks(scenes: Sequence[Sequence[str]], links: dict[str, bool]) -> Iterator[Task]:
    for scene in scenes:
        for before, shot in zip((None, *scene), scene, strict=False):
            yield task(shot, "shot", (before,) if before and links[shot] else (), EXPECTED)


def fenced(graph: TaskGraph, batches: Sequence[Sequence[str]]) -> TaskGraph:
    """The same tasks, none of a batch before all of the batch before it are settled."""
    before: dict[str, tuple[str, ...]] = {}
    for earlier, batch in pairwise(batches):
        before |= dict.fromkeys(batch, tuple(earlier))
    return TaskGraph(
        one.changed(needs=tuple(dict.fromkeys((*one.needs, *before.get(one.id, ()))))) for one in graph.tasks.values()
    )
