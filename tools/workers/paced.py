"""A pool whose renders start when the machine has room for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from kinograph.film import Clip, RenderRequest
from kinograph.tools.backends import Progress, once_freed
from kinograph.tools.resources import Monitor
from kinograph.tools.workers import WorkerPool


class Paced:
    """Another pool, with every render held back until the monitor lets it start."""

    def __init__(self, pool: WorkerPool, monitor: Monitor, cost: float, most: Callable[[], int] | None = None) -> None:
        """`cost` of a render in 0..1; `most` is asked again before each render how many may run at a time."""
        self._pool = pool
        self._monitor = monitor
        self._cost = cost
        self._most = most
        self.revision = pool.revision

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        # Whoever waits says so: a render's lease is renewed by its progress.
        with ExitStack() as room:
            room.enter_context(self._monitor.room(self._cost, cancelled, lambda: on_progress(0, 0.0), self._most))
            return self._pool.render(requests, once_freed(on_progress, room.close), cancelled)

    def close(self) -> None:
        self._pool.close()
