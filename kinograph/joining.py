"""Several processes at one production: rendering for the one that conducts, and going on where another was."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from kinograph.errors import Cancelled
from kinograph.events import Event, Lent, Progressed
from kinograph.film import Storyboard

if TYPE_CHECKING:
    from kinograph.agents.generation import Generation
    from kinograph.agents.overseeing import Oversight
    from kinograph.film import Decision
    from kinograph.graphs.production import Crew
    from kinograph.memory.ledger import Ledger
    from kinograph.memory.vault import Vault

LOOK = 0.1
"""Seconds between looks at what waits to be rendered."""
ASK = 0.5
"""Seconds between looks whether somebody still conducts the production, and how far it is."""


def move_in(crew: Crew, vault: Vault, remembered: set[str]) -> None:
    """Makes a production at home where it was not made so far: its clips' paths, and what its shots are held to."""
    for take in crew.ledger.takes(crew.id):
        if take.clip is None or Path(take.clip.path).is_file():
            continue
        if (clip := vault.clip(take.clip.request)) is not None:
            crew.ledger.record_take(crew.id, take.changed(clip=clip))
    for outcome in crew.ledger.outcomes(crew.id).values():
        if outcome.shot not in remembered and outcome.state == "accepted":
            take, board = crew.ledger.take(crew.id, outcome.shot, outcome.attempt), crew.storyboard
            clip = crew.generation.render(take.request, lambda _: None, crew.cancelled.is_set).clip
            crew.memory.remember(board.shot(outcome.shot), board, take.changed(clip=clip))


def lend(
    ledger: Ledger,
    production: str,
    generation: Generation,
    decision: Decision,
    hands: int,
    stop: threading.Event,
    free: Callable[[], bool],
    oversee: Callable[[str], Oversight | None] = lambda question: None,
) -> Generator[Event]:
    """Renders what the production announces, `hands` at a time, until `free()`: nobody conducts it any more.

    `oversee` opens who looks at a render for which the production asks that, and may end it: the one who waits is told
    why.
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
                        busy[request.digest] = pool.submit(generation.lend, request, stop.is_set, oversee)
                stop.wait(LOOK)
        except BaseException:
            stop.set()
            raise
