"""Lending hands: this process renders what a production waits for that another process conducts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from kinograph.errors import Cancelled
from kinograph.events import Event, Lent, Progressed
from kinograph.film import Storyboard

if TYPE_CHECKING:
    from kinograph.agents.generation import Generation
    from kinograph.film import Decision
    from kinograph.memory.ledger import Ledger

LOOK = 0.1
"""Seconds between looks at what waits to be rendered."""
ASK = 0.5
"""Seconds between looks whether somebody still conducts the production, and how far it is."""


def lend(
    ledger: Ledger,
    production: str,
    generation: Generation,
    decision: Decision,
    hands: int,
    stop: threading.Event,
    free: Callable[[], bool],
) -> Generator[Event]:
    """Renders what the production announces, `hands` at a time, until `free()`: nobody conducts it any more.

    What is being rendered then is rendered to its end. Raises Cancelled once `stop` is set, and StorageError; then
    what was begun waits for others again.
    """
    busy: dict[str, Future[bool]] = {}
    count, step, asked = 0, -1, 0.0
    with ledger.jobs.lending(production, hands), ThreadPoolExecutor(hands, "hand") as pool:
        try:
            while True:
                for digest in [digest for digest, work in busy.items() if work.done()]:
                    if busy.pop(digest).result():
                        count += 1
                        yield Lent(request=digest, count=count)
                if stop.is_set():
                    raise Cancelled(f"stopped lending a hand to {production}")
                if time.monotonic() - asked >= ASK:
                    asked = time.monotonic()
                    if free():
                        return
                    board, done = ledger.paper(production, "storyboard", Storyboard), ledger.outcomes(production)
                    if board is not None and len(done) != step:
                        step = len(done)
                        yield Progressed(stage="shooting", step=step, steps=len(board.shots))
                for request in ledger.jobs.waiting(production):
                    fits = (request.model, request.revision) == (decision.model, decision.revision)
                    if fits and len(busy) < hands and request.digest not in busy:
                        busy[request.digest] = pool.submit(generation.lend, request, stop.is_set)
                stop.wait(LOOK)
        except BaseException:
            stop.set()
            raise
