"""The premises: what the settings name, opened when it is first needed, and closed by whoever opened it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinograph.errors import Damaged
from kinograph.film import Brief, Decision, Stock
from kinograph.settings import Settings

if TYPE_CHECKING:
    import numpy as np

    from kinograph.agents.memory import Memory
    from kinograph.graphs.floor import Floor
    from kinograph.memory.database import Place
    from kinograph.memory.keyframes import Keyframes
    from kinograph.memory.ledger import Ledger
    from kinograph.memory.series import Known
    from kinograph.memory.vault import Vault
    from kinograph.tools.backends import VideoBackend
    from kinograph.tools.resources import Monitor
    from kinograph.tools.workers import WorkerPool


class Premises:
    """Ledger, vault, memory, machine, models and the workers that run them."""

    def __init__(self, settings: Settings, monitor: Monitor | None = None) -> None:
        self.settings = settings
        self._given_monitor = monitor

    # ------------------------------------------------------------------------------------ records

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The record of productions, takes and jobs."""
        from kinograph.memory.ledger import Ledger

        ledger = Ledger(self.place)
        try:
            yield ledger
        finally:
            ledger.close()

    @cached_property
    def place(self) -> Place:
        """Where the ledger is."""
        from kinograph.memory.database import Server

        settings = self.settings
        if settings.ledger is None:
            return settings.home / "ledger.sqlite"
        password = settings.ledger_password
        return Server(settings.ledger, password.get_secret_value() if password is not None else None)

    @cached_property
    def vault(self) -> Vault:
        """Where clips and pictures are kept. Raises BadSetting."""
        from kinograph.memory.vault import open_vault

        return open_vault(self.settings.vault, self.settings.home / "vault")

    def _history(self) -> dict[str, Any]:
        """What the latest takes and productions came to; asking must not create a ledger."""
        from kinograph.agents.commission import experience

        if isinstance(self.place, Path) and not self.place.is_file():
            return {}
        with self.ledger() as ledger:
            return {"experience": experience(ledger.latest_takes()), "trials": tuple(ledger.trials())}

    def _stock(self, brief: Brief) -> tuple[Stock, ...]:
        """Pictures of the media folder that are named after something in the brief, kept in the vault."""
        from kinograph.agents.strategy import subjects
        from kinograph.tools.media import search

        if self.settings.media is None:
            return ()
        found = search(self.settings.media.expanduser(), subjects(brief))
        return tuple(Stock(picture=self.vault.keep_picture(one.png), words=one.words) for one in found.pictures)

    # ------------------------------------------------------------------------------------- memory

    @property
    def keyframes_file(self) -> Path:
        """The database of what is remembered."""
        return self.settings.home / "keyframes.sqlite"

    def _known(self, brief: Brief) -> list[Known]:
        """What the series of a brief knows; asking must not create a database.

        Raises BadSetting where another embedder saw it.
        """
        from kinograph.memory.embedders import open_embedder

        return self._looked_at(brief.series, open_embedder(self.settings.embedder).name) if brief.series else []

    def _looked_at(self, name: str, embedder: str | None = None) -> list[Known]:
        """What a series knows, whatever remembers it, or by one embedder."""
        from kinograph.memory.series import Series

        if not self.keyframes_file.is_file():
            return []
        with closing(Series(self.keyframes_file, name, embedder)) as series:
            return [one.known for one in series.known()]

    def remembered(self, picture: str) -> np.ndarray:
        """The frame of a remembered picture. Raises Damaged when it is gone or no picture."""
        from kinograph.tools.footage import load_picture

        file = self.vault.picture(picture)
        try:
            return load_picture(file)
        except (OSError, ValueError, SyntaxError) as error:  # as Pillow tells of broken files
            raise Damaged(f"{str(file)!r} is no picture any more: {error}") from error

    def keyframes(self, production: str) -> Keyframes:
        """What a production remembers, to be closed. Raises UnknownName or BadSetting for a setting."""
        from kinograph.memory.embedders import open_embedder
        from kinograph.memory.keyframes import Keyframes

        place, settings = self.settings.home / "index" / production, self.settings
        embedder = open_embedder(settings.embedder)
        return Keyframes(self.keyframes_file, place, production, embedder, settings.index)

    @contextmanager
    def _memory(self, production: str, brief: Brief) -> Iterator[tuple[Memory, Keyframes]]:
        from kinograph.agents.memory import Memory
        from kinograph.memory.series import Series

        with ExitStack() as opened:
            keyframes = self.keyframes(production)
            opened.callback(keyframes.close)
            keyframes.renew(self.remembered)
            series = Series(self.keyframes_file, brief.series, keyframes.embedder.name) if brief.series else None
            if series:
                opened.callback(series.close)
                series.known(story_of(production))  # refuses what another embedder saw before anything is rendered
            yield Memory(keyframes, self.vault, series, story_of(production), given=brief.cast), keyframes

    # ------------------------------------------------------------------------------------ renders

    @cached_property
    def monitor(self) -> Monitor:
        """How busy the machine is; lets the renders of all productions of this Studio start."""
        from kinograph.tools.machine import this_machine
        from kinograph.tools.resources import Meter, Monitor

        return self._given_monitor or Monitor(this_machine(), Meter(self.settings.home), self.settings.reading_seconds)

    @cached_property
    def _floor(self) -> Floor:
        """Productions that run at the same time share the render workers."""
        from kinograph.graphs.floor import Floor

        return Floor()

    def _backend(self, model: str, scratch: Path, ledger: Ledger | None = None) -> VideoBackend:
        """A model's backend; it remembers in the ledger what it has under way elsewhere, so give it one to render."""
        from kinograph.tools.backends import Workbench, open_backend

        workbench = Workbench(
            scratch,
            self.vault.material,
            None if ledger is None else ledger.errands,
            self.settings.home / "machine",
        )
        return open_backend(model, workbench, self.settings.backends.get(model))

    def _pool(self, backend: VideoBackend, decision: Decision) -> WorkerPool:
        """Where the renders of one of a production's models run. On this machine each starts once there is room."""
        from kinograph.agents.choosing import choose_pool
        from kinograph.tools.workers import Terms, open_pool
        from kinograph.tools.workers.paced import Paced
        from kinograph.tools.workers.together import Together

        settings, monitor, adapts = self.settings, self.monitor, decision.strategy == "adaptive"
        decided = decision.pool if backend.card.id == decision.model else None
        name, _ = choose_pool(settings.pool or decided, backend.card)
        if getattr(backend, "orders", False):
            name = "here"  # what is ordered elsewhere is noted by this process, and by no worker
        terms = Terms(decision.workers, settings.stall_seconds, settings.leak_gb, settings.ray)
        pool = open_pool(name, backend, terms)
        if name != "ray":  # which knows what its machines have room for
            most = (lambda: monitor.recommended_concurrency(decision.complexity).workers) if adapts else None
            pool = Paced(pool, monitor, backend.card.cost, most)
        if decision.batch > 1 and backend.card.batch:
            joins = getattr(backend, "batches", lambda request: True)
            pool = Together(pool, decision.workers, decision.batch, joins)
        return pool

    def _others(self, decision: Decision, scratch: Path, ledger: Ledger) -> Callable[[str], WorkerPool | None]:
        """Opens the workers of other models than the decision's, for shots that it cannot render."""

        def opened(model: str) -> WorkerPool | None:
            from kinograph.agents.concessions import PLACEHOLDER
            from kinograph.tools.backends.placeholder import Placeholders

            if model == PLACEHOLDER:
                return Placeholders(scratch)
            if model == decision.model:
                return None
            return self._pool(self._backend(model, scratch, ledger), decision)

        return opened


def story_of(production: str) -> str:
    """What a production tells: versions of one conversation (SESSION-v1, SESSION-v2) tell the same story."""
    return re.sub(r"-v\d+$", "", production)
