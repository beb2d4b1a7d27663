"""A pool that renders alike requests in one call, for models whose card says that this gives the same clips.

Whoever asks waits for a place, and whoever waits first when one is free takes those along that are like it: what asks
while renders are under way gathers by itself (the dynamic batching of inference servers).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from kinograph.errors import Cancelled, OutOfMemory, RenderFailed, RenderStalled, StorageError
from kinograph.film import Clip, RenderRequest
from kinograph.tools.backends import Progress, Watched, alike, once_freed
from kinograph.tools.workers import WorkerPool
from kinograph.tools.workers.errand import FOREIGN

GATHER = 0.2
"""Seconds after the last request for which a free place waits for more: lives that begin together ask within them."""
LOOK = 0.5
"""Seconds between looks at whether what waits was cancelled."""


class _Ask:
    """A request that waits for its clip, and the thread that wants it."""

    def __init__(self, request: RenderRequest, on_progress: Progress, cancelled: Callable[[], bool]) -> None:
        self.request, self.on_progress, self.cancelled = request, on_progress, cancelled
        self.kind = alike(request)
        self.alone = False
        """It failed with others, and is tried without them."""
        self.share = 0.0
        self.gone = False
        """Nobody wants the clip any more."""
        self.outcome: Clip | BaseException | None = None

    def tell(self) -> None:
        if not self.gone:
            self.on_progress(0, self.share)


class Together:
    """Another pool, asked for several clips at a time where several are wanted.

    What fails together is tried one by one, so that one bad request costs the others no take. Where memory did not
    suffice, calls are half as large from then on. May be used from many threads.
    """

    def __init__(
        self, pool: WorkerPool, places: int, most: int, joins: Callable[[RenderRequest], bool] = lambda request: True
    ) -> None:
        """At most `places` calls at a time, each for at most `most` clips; `joins` says whether a request can be one of
        several.
        """
        self._pool = pool
        self._places = places
        self._most = most
        self._joins = joins
        self._waiting: list[_Ask] = []
        self._since = 0.0
        """When the last request came."""
        self._changed = threading.Condition()
        self.revision = pool.revision

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        if len(requests) != 1:
            return self._pool.render(requests, on_progress, cancelled)
        ask = _Ask(requests[0], on_progress, cancelled)
        ask.alone = not self._joins(requests[0])
        self._queue([ask])
        try:
            while ask.outcome is None:
                if cancelled():
                    raise Cancelled("stopped while waiting to be rendered with others")
                if batch := self._batch(ask):
                    self._make(batch)
        finally:
            with self._changed:
                ask.gone = True
                if ask in self._waiting:
                    self._waiting.remove(ask)
                    self._changed.notify_all()
        if isinstance(ask.outcome, BaseException):
            raise ask.outcome
        return [ask.outcome]

    def _queue(self, asks: Sequence[_Ask]) -> None:
        with self._changed:
            self._waiting += asks
            self._since = time.monotonic()
            self._changed.notify_all()

    def _batch(self, ask: _Ask) -> list[_Ask]:
        """Takes a place and who goes along, when it is this one's turn; else waits a moment for that to change."""
        with self._changed:
            first = bool(self._waiting) and self._waiting[0] is ask
            if not first or not self._places:
                self._changed.wait(LOOK)
            else:
                kin = [one for one in self._waiting if one.kind == ask.kind and not one.alone]
                full = ask.alone or len(kin) >= self._most * self._places
                # What waits is shared among the places that are free: none is idle while another has several.
                batch = [ask] if ask.alone else kin[: min(self._most, -(-len(kin) // self._places))]
                left = self._since + GATHER - time.monotonic()
                if full or left <= 0:
                    self._places -= 1
                    self._waiting = [one for one in self._waiting if one not in batch]
                    return batch
                self._changed.wait(left)
        if ask in self._waiting:
            ask.tell()  # whoever waits says that it lives
        return []

    def _make(self, batch: Sequence[_Ask]) -> None:
        """Renders, and leaves with each of the batch what became of it."""

        def heard(index: int, share: float) -> None:
            batch[index].share = share
            for one in batch:  # each has a lease of its own that lives by this
                one.tell()

        place = ExitStack()
        place.callback(self._free)
        outcomes: Sequence[Clip | BaseException] = ()
        try:
            outcomes = self._pool.render(
                [one.request for one in batch],
                once_freed(_seen(batch, heard), place.close),
                lambda: all(one.gone or one.cancelled() for one in batch),
            )
            if len(outcomes) != len(batch):
                outcomes = [RenderFailed(f"{len(outcomes)} clips came for {len(batch)} requests")] * len(batch)
        except (Cancelled, RenderStalled, StorageError) as error:
            outcomes = [error] * len(batch)
        except Exception as error:  # it rises where each clip was asked for
            if len(batch) == 1:
                outcomes = [error]
            elif isinstance(error, OutOfMemory) or FOREIGN.get(type(error).__name__) is OutOfMemory:
                self._most = max(1, len(batch) // 2)
        except BaseException as error:
            outcomes = [error] * len(batch)
            raise
        finally:
            place.close()
            with self._changed:
                for one, outcome in zip(batch, outcomes, strict=False):
                    one.outcome = outcome
                if not outcomes:
                    for one in batch:
                        one.alone, one.share = True, 0.0
                    self._waiting[:0] = [one for one in batch if not one.gone]
                self._changed.notify_all()

    def _free(self) -> None:
        with self._changed:
            self._places += 1
            self._changed.notify_all()

    def close(self) -> None:
        self._pool.close()


def _seen(batch: Sequence[_Ask], heard: Progress) -> Progress:
    """`heard`, with what comes shown to whoever asked alone: of several that are made together, to end one before the
    others do saves nothing. That the model is free all hear."""
    asked = [one.on_progress for one in batch if isinstance(one.on_progress, Watched)]
    if len(batch) == 1 and asked:
        return asked[0]._replace(progress=heard)
    told = heard
    for one in asked:
        told = once_freed(told, one.freed)
    return told
