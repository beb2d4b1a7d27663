"""The darkroom: clips are written to their files while the model that made them renders the next.

One clip of a device is written at a time. A model whose next clip is there meanwhile waits with it before it renders
another, so the frames of two calls lie in memory at most, however slow the disk is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from types import TracebackType
from typing import Self

from kinograph.film import Clip
from kinograph.tools.backends import Progress, Watched

LOOK = 0.5
"""Seconds between looks at whether what waits for the clip before it was cancelled."""
Write = Callable[[], Sequence[Clip]]
"""Writes the clips of one call of a model."""


class Darkroom:
    """Where the clips of one device are written. Safe for many threads."""

    def __init__(self) -> None:
        self._free = threading.Semaphore()

    def begin(self, write: Write, waits: Callable[[], object]) -> Future[Sequence[Clip]]:
        """Has a thread of its own `write`, once the clips before are written; `waits` is called until then, and may
        raise."""
        while not self._free.acquire(timeout=LOOK):
            waits()
        written = Future[Sequence[Clip]]()

        def work() -> None:
            try:
                written.set_result(self._done(write))
            except BaseException as error:  # it rises again where the clips were asked for
                written.set_exception(error)

        thread = threading.Thread(target=copy_context().run, args=(work,), name="darkroom", daemon=True)
        try:
            thread.start()
        except BaseException:
            self._free.release()
            raise
        return written

    def _done(self, write: Write) -> Sequence[Clip]:
        try:
            return write()
        finally:
            self._free.release()


class Writing:
    """The clips of one call of a backend's `render`, in order; each is written while the next is made.

    As a context it ends when nothing is being written any more, however it ends.
    """

    def __init__(self, room: Darkroom | None, on_progress: Progress) -> None:
        """Without a room each clip is written before anything goes on. Clips that are there are told as done."""
        self._room = room
        self._tell = on_progress
        self._under_way: Future[Sequence[Clip]] | None = None
        self._clips: list[Clip] = []

    def begin(self, write: Write, waits: Callable[[], object]) -> None:
        """Begins to write the clips that come next; call it while the model that made them is held.

        Raises what went wrong with the clips before, and what `waits` raises.
        """
        if self._room is None:
            self._keep(write())
            return
        self._collect()
        self._under_way = self._room.begin(write, waits)

    def clips(self) -> list[Clip]:
        """All clips; call it once the model is given back. Raises what went wrong with one of them."""
        if self._under_way is not None and isinstance(self._tell, Watched):
            self._tell.freed()
        self._collect()
        return self._clips

    def _collect(self) -> None:
        # Whoever cancels now gets a whole clip: it is made, and written in a moment.
        if self._under_way is not None:
            written, self._under_way = self._under_way, None
            self._keep(written.result())

    def _keep(self, clips: Sequence[Clip]) -> None:
        for clip in clips:
            self._clips.append(clip)
            self._tell(len(self._clips) - 1, 1.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._under_way is not None:
            self._under_way.exception()  # waits; what already rises says more


_ROOMS: dict[str, Darkroom] = {}


def darkroom(device: str) -> Darkroom:
    """The darkroom of a torch device; one for this process."""
    return _ROOMS.setdefault(device, Darkroom())
