"""Holding a production, so that nobody else makes it or changes what it remembers meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kinograph.errors import ProductionBusy

if TYPE_CHECKING:
    from kinograph.stage import Stage


@contextmanager
def holding(studio: Stage, production: str | None) -> Iterator[bool]:
    """Holds a production, so that nobody else changes what it remembers; False where another process makes it now."""
    folder = _folder(studio, production) if production is not None else None
    with ExitStack() as held:
        try:
            if production is not None and folder is not None:
                held.enter_context(studio.owning(folder, production))
        except ProductionBusy:
            yield False
            return
        yield True


def _folder(studio: Stage, production: str) -> Path | None:
    """Where a production is made; None for one that the ledger does not know, or whose folder is gone."""
    if isinstance(studio.place, Path) and not studio.place.is_file():
        return None
    with studio.ledger() as ledger:
        known = ledger.production(production) if ledger.has_production(production) else None
    return known.folder if known is not None and known.folder.is_dir() else None
