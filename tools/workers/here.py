"""Renders in this process: for models that are light and let others run."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import Literal, NamedTuple

from kinograph.errors import Cancelled, RenderStalled
from kinograph.film import Clip, RenderRequest
from kinograph.tools.backends import Preview, Progress, VideoBackend, Watched
from kinograph.tools.shelf import forget
from kinograph.tools.workers import Terms
from kinograph.tools.workers.errand import BEAT
from kinograph.tools.workers.process import GRACE, LOOK

WAITS = 10
"""So many times longer than it may stand still a render may wait to begin: others have the model, or it is loaded."""


class Shown(NamedTuple):
    """What a request of a render will look like."""

    request: int
    preview: Preview


Said = tuple[int, float] | Shown | Literal["freed"] | list[Clip] | BaseException
"""Of a render: how far it is, what comes, that its model is free, or how it ended."""


class Here:
    """This process. What stands still is left behind on its thread: only a process can be killed."""

    def __init__(self, backend: VideoBackend, terms: Terms) -> None:
        self._backend = backend
        self._stall_seconds = terms.stall_seconds
        self.revision = backend.revision

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        heard, left = queue.SimpleQueue[Said](), threading.Event()

        def tell(index: int, share: float) -> None:
            if left.is_set():
                raise Cancelled("nobody waits for it any more")
            heard.put((index, share))

        heed: Progress = tell
        if isinstance(on_progress, Watched):
            heed = on_progress._replace(
                progress=tell, see=lambda *shown: heard.put(Shown(*shown)), freed=lambda: heard.put("freed")
            )

        def work() -> None:
            try:
                heard.put(self._backend.render(requests, heed, lambda: left.is_set() or cancelled()))
            except BaseException as error:  # it rises again where the clips were asked for
                heard.put(error)

        name = f"{threading.current_thread().name} renders"
        thread = threading.Thread(target=copy_context().run, args=(work,), name=name, daemon=True)
        thread.start()
        try:
            return self._awaited(heard, on_progress, cancelled)
        except (RenderStalled, Cancelled):
            if thread.is_alive() and thread.ident is not None:
                forget(thread.ident)  # else the next render would wait for the model until it gives up too
            raise
        finally:
            left.set()

    def _awaited(
        self, heard: queue.SimpleQueue[Said], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        """Raises RenderStalled, Cancelled when the render does not answer to that, and what it raises."""
        model, at, asked = self._backend.card.id, (0, 0.0), None
        moved = told = time.monotonic()
        while True:
            try:
                said = heard.get(timeout=LOOK)
            except queue.Empty:
                said = None
            now = time.monotonic()
            if isinstance(said, BaseException):
                raise said
            if isinstance(said, list):
                return said
            if isinstance(said, Shown | str):
                moved = now
                if isinstance(on_progress, Watched):
                    on_progress.freed() if isinstance(said, str) else on_progress.see(*said)
                said = None
            if said is not None:
                # A word that says no more than the one before is a sign of life, as of one that waits for its model.
                moved, at = (now if said != at else moved), said
            if said is not None or now - told >= BEAT:
                told = now
                on_progress(*at)
            if asked is None and cancelled():
                asked = now
            if asked is not None and now - asked > GRACE:
                raise Cancelled(f"rendering was cancelled; {model} did not answer for {GRACE:g} s")
            if now - moved > self._stall_seconds * (1 if at[1] else WAITS):
                raise RenderStalled(
                    f"{model} made no progress for {self._stall_seconds:g} s (stall_seconds) and was left behind; "
                    "pool = 'local' can kill what hangs"
                )

    def close(self) -> None:
        """What is loaded stays on the shelf for the next production."""
