"""The archive: what was made here before, looked up."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from kinograph import folders
from kinograph.errors import UnknownName
from kinograph.film import Film
from kinograph.premises import Premises

if TYPE_CHECKING:
    from kinograph.memory.ledger import Ledger, Record
    from kinograph.memory.remedies import Tally
    from kinograph.memory.series import Known
    from kinograph.memory.sessions import Kept
    from kinograph.soundtrack import Tracks
    from kinograph.timeline import Timeline


class Archive(Premises):
    """Productions, conversations and series, and what was learned; nothing here makes anything."""

    def productions(self) -> list[Record]:
        """Everything ever opened here, newest first."""
        with self.ledger() as ledger:
            return ledger.productions()

    def sessions(self) -> list[Kept]:
        """All conversations, the last touched first."""
        from kinograph.memory.sessions import Sessions

        if not (path := self.settings.home / "sessions.sqlite").exists():
            return []
        with closing(Sessions(path)) as sessions:
            return sessions.all()

    def show(self, production: str | Path) -> Film | Record:
        """A finished film, or the record of a production that is not finished."""
        with self.ledger() as ledger:
            record = self._find(ledger, production)
            film = ledger.paper(record.id, "film", Film)
            return film.changed(folder=str(record.folder)) if film else record

    def tracks(self, production: str | Path) -> Tracks | None:
        """What is seen, said, read and played when in a film; None for one that has nothing but its picture."""
        from kinograph.soundtrack import Tracks

        with self.ledger() as ledger:
            return ledger.paper(self._find(ledger, production).id, "tracks", Tracks)

    def timeline(self, production: str | Path) -> Timeline:
        """How a production went, or goes. Raises BadInput for one of which that was not recorded, UnknownName."""
        from kinograph.timeline import timeline_of

        with self.ledger() as ledger:
            return timeline_of(ledger, self._find(ledger, production))

    def remedies(self, model: str | None = None) -> list[Tally]:
        """What has helped against findings, on one model or on all. Raises UnknownName."""
        from kinograph.tools.backends import card

        if model is not None:
            card(model)
        if isinstance(self.place, Path) and not self.place.is_file():
            return []  # asking must not create a ledger
        with self.ledger() as ledger:
            return ledger.remedies.tallies(model)

    def series(self, name: str) -> list[Known]:
        """What a series knows: pictures of its cast and places. Raises UnknownName."""
        from kinograph.memory.series import names

        found = self._looked_at(name)
        if not found:
            raise UnknownName("series", name, names(self.keyframes_file))
        return found

    def _find(self, ledger: Ledger, production: str | Path) -> Record:
        """By id, or by folder: the folder knows its id even after it was moved."""
        folder = Path(production).expanduser()
        if (id := folders.signed(folder)) is None:
            return ledger.production(str(production))
        if ledger.production(id).folder != folder.absolute():
            ledger.move_production(id, folder.absolute())
        return ledger.production(id)
