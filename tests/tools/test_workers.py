"""Pools: renders that wait for room go on saying that they live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from kinograph.errors import Cancelled
from kinograph.film import Clip, RenderRequest
from kinograph.tools.backends import Progress, Watched, Workbench, open_backend
from kinograph.tools.machine import Machine
from kinograph.tools.resources import Monitor, Snapshot
from kinograph.tools.workers import open_pool
from kinograph.tools.workers.paced import Paced


@pytest.fixture
def monitor() -> Monitor:
    busy = Snapshot(cpu_percent=95, ram_percent=10, disk_free_gb=9)
    return Monitor(Machine(cores=4, ram_gb=8), lambda: busy, fresh_seconds=0.0)


def paced(monitor: Monitor, scratch: Path) -> Paced:
    return Paced(open_pool("here", open_backend("storyworld-render", Workbench(scratch, Path))), monitor, 0.3)


def test_a_render_that_waits_says_that_it_lives(monitor: Monitor, tmp_path: Path, request_of):
    told: list[tuple[int, float]] = []
    pool = paced(monitor, tmp_path)
    with monitor.room(1.0), pytest.raises(Cancelled):
        pool.render([request_of()], lambda *at: told.append(at), lambda: len(told) >= 3)
    assert told == [(0, 0.0)] * 3


def test_with_room_it_is_the_pool_itself(monitor: Monitor, tmp_path: Path, request_of):
    pool = paced(monitor, tmp_path)
    (clip,) = pool.render([request_of()], lambda *_: None, lambda: False)
    assert (clip.request, pool.revision) == (request_of().digest, "1")


class Frees:
    """A pool that says that its model is free, and then asks what there is room for."""

    revision = "1"

    def __init__(self, then: Callable[[], None]) -> None:
        self.then = then

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        assert isinstance(on_progress, Watched)
        on_progress.freed()
        self.then()
        return []

    def close(self) -> None:
        """Holds nothing."""


def test_a_render_whose_model_is_free_keeps_no_other_from_starting(monitor: Monitor, request_of):
    started = list[str]()

    def start() -> None:
        # The machine is busy: only what has nothing of ours beside it may start.
        with monitor.room(1.0, cancelled=lambda: True):
            started.append("another")

    Paced(Frees(start), monitor, 0.3).render([request_of()], lambda *_: None, lambda: False)
    with monitor.room(1.0, cancelled=lambda: True):
        started.append("and after it")
    assert started == ["another", "and after it"]
