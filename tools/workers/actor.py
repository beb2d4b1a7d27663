"""The Ray actor that renders: on whichever machine Ray puts it, with nothing but what it is sent."""

from __future__ import annotations

import os
import platform
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import ray

from kinograph.tools.backends import Preview, Watched
from kinograph.tools.gpus import held_gb
from kinograph.tools.previews import packed
from kinograph.tools.workers.errand import Errand, failure, perform

WATCH = 2.0
"""Most seconds that a question about progress stays unanswered."""


class Place(NamedTuple):
    """Where an actor is."""

    host: str
    node: str
    """Ray's id of the node."""
    pid: int


class Renderer:
    """One model's worker. It renders one errand at a time, and answers at its desk meanwhile: `ray.cancel` does not
    interrupt what runs on a thread, so a cancellation is a message like any other."""

    def __init__(self, threads: str | None) -> None:
        """`threads` is what OMP_NUM_THREADS says where the render is asked for. Ray says one for each CPU reserved, but
        how sums are split among threads shows in a network's pixels."""
        os.environ.pop("OMP_NUM_THREADS", None)
        if threads is not None:
            os.environ["OMP_NUM_THREADS"] = threads
        self._at: dict[int, tuple[int, int, float]] = {}
        """Errand -> how many times it told progress, and the last: one that waits tells the same again and again."""
        self._shown: dict[int, list[dict[str, Any]]] = {}
        """Errand -> what it will look like, where somebody wants to see that, in the order of the shares asked for."""
        self._cancelled: set[int] = set()
        self._moved = threading.Condition()

    @ray.method(concurrency_group="render")
    def render(self, number: int, errand: dict[str, Any], pictures: dict[str, bytes]) -> dict[str, Any]:
        """{"clips": [(clip, bytes of its file), …]} or {"failure": …}, and the GB that the process holds."""

        def progress(index: int, share: float) -> None:
            with self._moved:
                self._at[number] = self._at.get(number, (0,))[0] + 1, index, share
                self._moved.notify_all()

        def see(index: int, preview: Preview) -> None:
            self._shown.setdefault(number, []).append(packed(index, preview))
            progress(index, self._at.get(number, (0, 0, 0.0))[2])  # whoever watches hears that there is something new

        with tempfile.TemporaryDirectory(prefix="kinograph-") as scratch:
            files = {digest: Path(scratch) / f"{digest}.png" for digest in pictures}
            for digest, png in pictures.items():
                files[digest].write_bytes(png)
            sent = Errand.model_validate(
                {**errand, "scratch": scratch, "pictures": {digest: str(file) for digest, file in files.items()}}
            )
            try:
                clips = perform(sent, Watched(progress, sent.previews, see), lambda: number in self._cancelled)
                done = {"clips": [(clip.model_dump(), Path(clip.path).read_bytes()) for clip in clips]}
            except Exception as error:  # whatever a model may raise is told, and the actor lives on
                done = {"failure": failure(error).model_dump()}
        self._shown.pop(number, None)
        held = (psutil.Process().memory_info().rss / 2**30, held_gb(os.getpid()))
        return {**done, "held": held}

    @ray.method(concurrency_group="desk")
    def watch(self, number: int, seen: tuple[int, int, float] | None) -> tuple[int, int, float] | None:
        """The progress of an errand once it differs from what was seen, or after a moment."""
        until = time.monotonic() + WATCH
        with self._moved:
            while self._at.get(number) == seen and (left := until - time.monotonic()) > 0:
                self._moved.wait(left)
            return self._at.get(number)

    @ray.method(concurrency_group="desk")
    def shown(self, number: int, seen: int) -> list[dict[str, Any]]:
        """The previews of an errand after the first `seen`, packed."""
        return self._shown.get(number, [])[seen:]

    @ray.method(concurrency_group="desk")
    def cancel(self, number: int) -> None:
        """Has an errand stop at its next step, also one that has not begun."""
        self._cancelled.add(number)

    @ray.method(concurrency_group="desk")
    def place(self) -> Place:
        """Answered as soon as Ray has found a place for the actor."""
        return Place(platform.node(), ray.get_runtime_context().get_node_id(), os.getpid())
