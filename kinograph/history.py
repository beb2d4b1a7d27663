"""The history of a session: its versions, with the films and takes there are of them, and what the next film costs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kinograph.errors import BadInput, UnknownName
from kinograph.events import Proposed
from kinograph.film import Film, Take
from kinograph.memory.sessions import Session as Record
from kinograph.memory.sessions import Sessions, Version
from kinograph.revisions import Costs, Filmed, costs

if TYPE_CHECKING:
    from kinograph.studio import Studio


class History:
    """What was made in one session. The caller holds its lock."""

    def __init__(self, studio: Studio, store: Sessions, record: Record) -> None:
        self.studio = studio
        self.record = record
        self._store = store

    @property
    def head(self) -> Version:
        """The version at hand. Raises BadInput before there is one."""
        if self.record.head is None:
            raise BadInput("there is no storyboard yet; say what is to be filmed")
        return self._store.version(self.record.id, self.record.head)

    @property
    def versions(self) -> list[Version]:
        return self._store.versions(self.record.id)

    def find(self, name: str) -> Version:
        """The version of that number or name. Raises UnknownName."""
        versions = self.versions
        if name == "last":
            return versions[-1]
        for one in versions:
            if name.lower().removeprefix("v") == str(one.number) or name.lower() == one.name.lower():
                return one
        raise UnknownName("version", name, [one.name for one in versions])

    def production(self, version: Version) -> str:
        """Id of the production that films a version."""
        return f"{self.record.id}-v{version.number}"

    def film_of(self, version: Version) -> Film | None:
        """The film of a version, once it is finished."""
        with self.studio.ledger() as ledger:
            return ledger.paper(self.production(version), "film", Film)

    def filmed(self) -> list[Filmed]:
        """The finished versions: those that the head comes from first, then the others, the latest first."""
        line = self._line()
        found = [(one, film) for one in self.versions if (film := self.film_of(one))]
        found.sort(key=lambda pair: (line.get(pair[0].number, len(line)), -pair[0].number))
        return [Filmed(one, film) for one, film in found]

    def _line(self) -> dict[int, int]:
        """Number of a version -> how far back the head comes from it."""
        by_number, line, at = {one.number: one for one in self.versions}, {}, self.record.head
        while at is not None:
            line[at] = len(line)
            at = by_number[at].parent
        return line

    def takes(self, shot: str) -> list[Take]:
        """All takes of a shot that have a clip, each once, oldest first."""
        found: dict[str, Take] = {}
        with self.studio.ledger() as ledger:
            for version in self.versions if self.record.head is not None else ():
                for take in ledger.takes(self.production(version), shot):
                    if take.clip is not None and not take.placeholder:
                        found.setdefault(take.request.digest, take)
        return list(found.values())

    def costs(self) -> Costs:
        """What filming the head comes to."""
        head, filmed = self.head, self.filmed()
        line = self._line()
        before = next((one.version for one in filmed if one.version.number in line), None)
        if before is not None and before.number == head.number:
            before = None
        takes = [take for shot in head.storyboard.shots if shot.keep for take in self.takes(shot.id)]
        return costs(
            head, [one for one in filmed if one.version.number != head.number], takes, before, self.studio.vault
        )

    def proposal(self, said: str = "") -> Proposed:
        """The head with what it will cost."""
        head, film = self.head, self.film_of(self.head)
        works = () if film else self.costs().works
        known = [work.seconds for work in works if work.seconds is not None]
        return Proposed(
            version=head.number,
            name=head.name,
            storyboard=head.storyboard,
            works=works,
            seconds=round(sum(known) / head.decision.workers, 2) if len(known) == len(works) else None,
            film=film.path if film else None,
            said=said,
        )

    def rename(self, name: str) -> Version:
        """Gives the head a name. Raises BadInput for one that is taken or could be a number."""
        name = " ".join(name.split())[:40]
        if not name or re.fullmatch(r"v?\d+|last", name.lower()):
            raise BadInput(f"{name!r} cannot name a version; take a word such as 'calm'")
        if any(one.name.lower() == name.lower() and one.number != self.record.head for one in self.versions):
            raise BadInput(f"another version is named {name!r}; names: {', '.join(one.name for one in self.versions)}")
        version = self.head.changed(name=name)
        self._store.keep(self.record, version)
        return version
