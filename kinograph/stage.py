"""The stage: a production at work, with its crew, to its film; or hands lent to one that others conduct."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kinograph.desk import Desk
from kinograph.errors import (
    BadInput,
    Cancelled,
    Damaged,
    KinographError,
    RenderFailed,
    StorageError,
    Unreachable,
)
from kinograph.events import Event, Finished, Warned
from kinograph.film import Brief, Decision, Film, Trial, Usage
from kinograph.telling import fallen_back

if TYPE_CHECKING:
    from kinograph.agents.mind import Mind
    from kinograph.graphs.production import Crew
    from kinograph.memory.ledger import Ledger, Record
    from kinograph.memory.seats import What


class Stage(Desk):
    """Runs one production at a time in this process; others may run beside it."""

    @contextmanager
    def owning(self, folder: Path, id: str, what: What = "production") -> Iterator[None]:
        """Holds a production or a session for this process alone; the lock dies with the process."""
        from kinograph.memory.seats import seat

        with seat(self.place, folder, id, what, lost=self.cancel):
            yield

    def _run(self, ledger: Ledger, record: Record, mind: Mind | None = None) -> Generator[Event]:
        """Runs the graph; `mind` is the one that has thought about this production before, else one anew."""
        from kinograph.graphs.running import run
        from kinograph.manifest import publish

        started, state = time.monotonic(), "failed"
        ledger.open_session(record.id)
        mind = mind or self.fresh_mind()
        _account(ledger, record, mind)
        try:
            with self._crew(ledger, record, mind) as crew:
                outcomes = yield from run(crew)
                film = publish(ledger, record, outcomes, record.seconds + time.monotonic() - started)
            self._promote(film)
            state = "finished"
            if record.state != "finished" and (trial := _trial(film, ledger)):
                ledger.record_trial(record.id, trial)
        except RenderFailed:
            if decision := ledger.paper(record.id, "decision", Decision):
                failed = Trial(strategy=decision.strategy, model=decision.model, succeeded=False)
                ledger.record_trial(record.id, failed)
            raise
        except Cancelled as error:
            state = "cancelled"
            raise Cancelled(f"stopped; continue with: kinograph resume {record.id}") from error
        except (KeyboardInterrupt, GeneratorExit):
            state = "cancelled"
            raise
        finally:
            ledger.close_session(record.id, state, time.monotonic() - started)
        if words := fallen_back(film.usage):
            yield Warned(words=words)
        yield from self._forget(ledger, film)
        yield Finished(film=film)

    def _forget(self, ledger: Ledger, film: Film) -> Iterator[Event]:
        """Keeps the memory bounded; a memory that cannot be written keeps no film from being finished."""
        from kinograph.forgetting import forget

        try:
            forgot = forget(self, ledger, film.id)
        except (StorageError, Damaged, Unreachable) as error:
            yield Warned(words=f"the memory is not bounded: {error}")
            return
        if forgot is not None:
            yield forgot

    @contextmanager
    def _crew(self, ledger: Ledger, record: Record, mind: Mind) -> Iterator[Crew]:
        from kinograph.agents.fusion import Fusion
        from kinograph.agents.generation import Generation
        from kinograph.agents.glance import open_glance
        from kinograph.agents.validator import Validator
        from kinograph.graphs.production import Crew
        from kinograph.joining import move_in
        from kinograph.tools.speech import open_voice

        vault, decision = self.vault, ledger.paper(record.id, "decision", Decision)
        assert decision is not None, "a production is opened with its decision"
        vault.clear_scratch(record.id)
        scratch = vault.scratch(record.id)
        pool = self._pool(self._backend(decision.model, scratch, ledger), decision)
        others = self._others(decision, scratch, ledger)
        generation = Generation(vault, ledger, pool, record.id, decision.lanes, others)
        try:
            with self._stoppable() as stop, self._memory(record.id, record.brief) as (memory, keyframes):
                crew = Crew(
                    id=record.id,
                    folder=record.folder,
                    brief=record.brief,
                    mind=mind,
                    ledger=ledger,
                    generation=generation,
                    memory=memory,
                    validator=Validator(vault, keyframes, self.settings.home / "thresholds"),
                    glance=open_glance(keyframes.embedder, self.settings.early_stop, vault.picture),
                    fusion=Fusion(vault, open_voice(self.settings.speech)),
                    floor=self._floor,
                    learn=self.settings.learn_corrections,
                    ablations=self.settings.ablations,
                    cancelled=stop,
                )
                keyframes.tell = lambda words: crew.tell(Warned(words=words))
                move_in(crew, vault, keyframes.shots() - keyframes.thinned())
                yield crew
        finally:
            generation.close()
            vault.clear_scratch(record.id)

    def _lend(self, ledger: Ledger, record: Record, free: Callable[[], bool]) -> Generator[Event, None, Film | None]:
        """Renders for whoever conducts until the film is there; None when they died over it."""
        from kinograph.agents.generation import Generation
        from kinograph.agents.glance import watching
        from kinograph.joining import lend
        from kinograph.memory.embedders import open_embedder

        decision = ledger.paper(record.id, "decision", Decision)
        assert decision is not None, "a production is opened with its decision"
        place = f"{record.id}+hands"
        backend = self._backend(decision.model, self.vault.scratch(place), ledger)
        if backend.revision != decision.revision:
            raise BadInput(
                f"{record.id} is made with {decision.model} of revision {decision.revision!r}, which is "
                f"{backend.revision!r} here; use the same version and the same [backends.{decision.model}]"
            )
        hands = decision.changed(workers=self.settings.workers or decision.workers).lanes
        generation = Generation(self.vault, ledger, self._pool(backend, decision), record.id)
        oversee = partial(watching, open_embedder(self.settings.embedder))
        with self._stoppable() as stop:
            try:
                yield from lend(ledger, record.id, generation, decision, hands, stop, free, oversee)
            finally:
                generation.close()
                self.vault.clear_scratch(place)
        state = ledger.production(record.id).state
        if state == "cancelled":
            raise Cancelled(f"stopped where it was conducted; continue with: kinograph resume {record.id}")
        if state == "failed":
            raise KinographError(f"{record.id} failed where it was conducted; try: kinograph resume {record.id}")
        return ledger.paper(record.id, "film", Film) if state == "finished" else None

    def stand(self, production: str, brief: Brief) -> None:
        """Has a version be the one that counts: what it remembers, and nothing of other versions, is what the story
        leaves to its series; a version without a film leaves nothing."""
        with self.ledger() as ledger:
            film = ledger.paper(production, "film", Film)
        if film is not None:
            self._promote(film)
        elif brief.series is not None:
            with self._memory(production, brief) as (memory, _):
                memory.withdraw()

    def _promote(self, film: Film) -> None:
        if film.brief.series is not None:
            with self._memory(film.id, film.brief) as (memory, _):
                memory.recover(film)
                memory.promote(film)


def _account(ledger: Ledger, record: Record, mind: Mind) -> None:
    """Has a language mind file what it costs with the production, beside what earlier sessions cost."""
    from kinograph.agents.language.mind import LanguageMind

    if isinstance(mind, LanguageMind):
        before = ledger.paper(record.id, "usage", Usage)
        mind.accounts.keep_in(lambda usage: ledger.file(record.id, "usage", usage), before)


def _trial(film: Film, ledger: Ledger) -> Trial | None:
    """What a film says of its strategy; None when nothing was rendered for it."""
    from kinograph.graphs.production import Carried

    carried = ledger.paper(film.id, "carried", Carried)
    kept = {one.shot for one in carried.shots} if carried else set()
    new = [t for t in film.takes if t.clip and not (t.reused or t.placeholder or t.shot in kept)]
    if not new:
        return None
    return Trial(
        strategy=film.decision.strategy,
        model=film.decision.model,
        succeeded=not film.missing and not film.placeholders,
        seconds=round(film.seconds / len(new), 3),
        quality=round(sum(take.verdict.quality if take.verdict else 0.0 for take in new) / len(new), 3),
    )
