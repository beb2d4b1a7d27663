"""The generation agent: a request becomes a clip, out of the vault, by a worker here, or by whoever lends a hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from kinograph.agents.overseeing import Oversight, Stopping
from kinograph.agents.retreat import FAILED, failure_of
from kinograph.errors import Cancelled, Damaged, KinographError, LeaseLost, RenderFailed, Stopped, StorageError, told
from kinograph.film import Clip, RenderRequest
from kinograph.memory.jobs import Claim
from kinograph.memory.ledger import Ledger
from kinograph.memory.vault import Vault
from kinograph.memory.watches import Halt
from kinograph.tools.footage import load
from kinograph.tools.workers import WorkerPool

LOOK = 0.1
"""Seconds between looks at what others render."""


class Rendered(NamedTuple):
    """A clip, and whether it had been rendered before."""

    clip: Clip
    reused: bool


class Generation:
    """Turns requests into clips. Never renders the same request twice."""

    def __init__(
        self,
        vault: Vault,
        ledger: Ledger,
        workers: WorkerPool,
        production: str = "",
        slots: int | None = None,
        others: Callable[[str], WorkerPool | None] = lambda model: None,
    ) -> None:
        """At most `slots` renders at a time; what is asked beyond them waits for hands that others lend. `others`
        opens the workers of a model that is not the production's own; None for that one.
        """
        self._vault = vault
        self._jobs = ledger.jobs
        self._watches = ledger.watches
        self._workers = workers
        self._production = production
        self._slots = threading.Semaphore(slots) if slots is not None else None
        self._open = others
        self._others: dict[str, WorkerPool] = {}
        self._opening = threading.Lock()

    def revision(self, model: str) -> str:
        """The revision of a model as it renders here. Raises RenderFailed when it cannot be opened."""
        return self._pool(model).revision

    def _pool(self, model: str) -> WorkerPool:
        with self._opening:
            if model not in self._others:
                try:
                    self._others[model] = self._open(model) or self._workers
                except Exception as error:  # one model that cannot be opened leaves others to try
                    raise RenderFailed(f"{model} cannot be opened: {told(error)}") from error
            return self._others[model]

    def close(self) -> None:
        """Ends the workers of the production's own model and of all others that were opened."""
        for pool in {id(pool): pool for pool in (self._workers, *self._others.values())}.values():
            pool.close()

    def render(
        self,
        request: RenderRequest,
        on_progress: Callable[[float], None],
        cancelled: Callable[[], bool],
        oversight: Oversight | None = None,
        freed: Callable[[], None] = lambda: None,
    ) -> Rendered:
        """The clip of a request: out of the vault when it is there and whole, else rendered under a lease.

        While no slot is free the request waits in the ledger, and whoever lends a hand may render it. Waits for another
        worker that renders the same as long as that one's claim lives. `oversight` may look at the render and end it,
        and whoever lends a hand looks as it would; `freed` is called where the model can be asked for more while the
        clip is written. Raises RenderFailed, StorageError, Cancelled, or Stopped where it was ended.
        """
        if (clip := self._kept(request.digest)) is not None:
            return Rendered(clip, reused=True)
        asked = ours = False
        try:
            while True:
                if cancelled():
                    raise Cancelled("rendering was cancelled")
                if asked and (halt := self._watches.halted(self._production, request.digest)) is not None:
                    raise Stopped(halt.share, halt.findings)
                with self._slot(LOOK if asked else 0.0) as slot:
                    free = slot is not None
                    if slot is not None and (claim := self._jobs.claim(request)) is not None:
                        ended = Stopping(on_progress, oversight, (slot.close, freed))
                        if (made := self._made(request, claim, ended, cancelled)) is not None:
                            return made
                        continue
                job = self._jobs.job(request.digest)
                over = job is None or job.state in ("done", "failed")
                if job is not None and job.state == "done" and (clip := self._kept(request.digest)) is not None:
                    return Rendered(clip, reused=not ours)
                if job is not None and job.state == "failed" and ours:
                    raise RenderFailed(job.error or f"{request.model} failed where it was rendered")
                if not free and (over or not asked):
                    self._ask(request.digest, oversight)
                    ours = self._jobs.announce(self._production, request) or ours
                    asked = True
                elif free:
                    time.sleep(LOOK)  # another living worker renders this very clip
        finally:
            if asked:
                self._jobs.withdraw(self._production, request.digest)
                self._watches.close(self._production, request.digest)

    def lend(
        self,
        request: RenderRequest,
        cancelled: Callable[[], bool],
        oversee: Callable[[str], Oversight | None] = lambda question: None,
    ) -> bool:
        """Renders what the process that conducts waits for; False when another worker is at it, and when it was ended.

        `oversee` opens who looks at the render as that process asks; what they find goes back to it. Raises
        StorageError, Cancelled.
        """
        question = self._watches.question(self._production, request.digest)
        oversight = oversee(question) if question is not None else None
        claim = self._jobs.claim(request)
        if claim is None:
            return False

        def stopped(error: Stopped) -> None:
            halt = Halt(share=error.share, findings=error.findings)
            self._watches.halt(self._production, request.digest, halt)

        try:
            made = self._made(request, claim, Stopping(lambda _: None, oversight), cancelled, stopped)
        except Stopped:
            return False  # those who wait have read why
        except RenderFailed:
            return True  # the ledger says why to those who wait
        return made is not None and not made.reused

    def _ask(self, digest: str, oversight: Oversight | None) -> None:
        """Has whoever lends a hand look as `oversight` would, or not at all."""
        if oversight is not None and oversight.question:
            self._watches.ask(self._production, digest, oversight.question)
        else:
            self._watches.close(self._production, digest)  # that of a process that was killed may be there

    @contextmanager
    def _slot(self, patience: float) -> Iterator[ExitStack | None]:
        """What gives back the slot that was taken, after the block at the latest; None when none is free."""
        slots = self._slots
        if slots is not None and not (slots.acquire(timeout=patience) if patience else slots.acquire(blocking=False)):
            yield None
            return
        with ExitStack() as slot:
            if slots is not None:
                slot.callback(slots.release)
            yield slot

    def _kept(self, digest: str) -> Clip | None:
        for everywhere in (False, True):  # a copy that is damaged may be whole where it was fetched from
            clip = self._vault.clip(digest)
            if clip is None:
                return None
            try:
                load(clip)
            except Damaged:
                self._vault.drop_clip(digest, everywhere)
            else:
                return clip
        return None

    def _made(
        self,
        request: RenderRequest,
        claim: Claim,
        ended: Stopping,
        cancelled: Callable[[], bool],
        stopped: Callable[[Stopped], None] = lambda error: None,
    ) -> Rendered | None:
        """The clip of a claimed request, filed; None when another process took the job over meanwhile.

        `stopped` hears that it was ended before others may claim it.
        """
        try:
            if (clip := self._kept(request.digest)) is not None:  # whoever had the job before came as far as that
                self._jobs.release(claim)
                return Rendered(clip, reused=True)
            clip = self._pool(request.model).render(
                [request], ended.watched, lambda: claim.lost.is_set() or ended.asked or cancelled()
            )[0]
            return Rendered(self._vault.keep_clip(clip, self._jobs.committing(claim)), reused=False)
        except LeaseLost:
            return None
        except (Cancelled, StorageError) as error:
            own = isinstance(error, Cancelled) and not cancelled()
            why = Stopped(ended.share, ended.findings) if own and ended.asked and not claim.lost.is_set() else None
            try:
                if why is not None:
                    stopped(why)
            finally:
                self._jobs.give_back(claim, str(error))
            if own and claim.lost.is_set():
                return None
            if why is not None:
                raise why from error
            raise
        except KinographError as error:
            self._jobs.settle(claim, str(error))
            raise
        except Exception as error:  # whatever a model may raise costs one take, never the film
            self._jobs.settle(claim, repr(error))
            raise FAILED[failure_of(error)](f"{request.model} failed: {told(error)}") from error
        except BaseException:
            self._jobs.give_back(claim)
            raise
