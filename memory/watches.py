"""Watches: what the judge of a production asks of whoever renders for it, and what they ended a render for.

A question is text that only agents read: it travels with a request from the process that wants it to the one that lends
a hand, and comes back answered by findings.
"""

from __future__ import annotations

from pydantic import Field

from kinograph.film import Finding, Noun
from kinograph.memory.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS watches (
  production TEXT NOT NULL, digest TEXT NOT NULL, question TEXT NOT NULL, halt TEXT,
  PRIMARY KEY (production, digest));
"""


class Halt(Noun):
    """A render that was ended midway, because what it was coming to is hopeless."""

    share: float = Field(ge=0, le=1)
    """Of it that was done."""
    findings: tuple[Finding, ...] = Field(min_length=1)


class Watches:
    """The watches of a ledger, by production and digest of the request. May be used from many threads.

    Raises StorageError.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def ask(self, production: str, digest: str, question: str) -> None:
        """Has whoever renders it for the production watch it so; what was asked and answered before counts no more."""
        row = {"production": production, "digest": digest, "question": question, "halt": None}
        self._db.replace("watches", ("production", "digest"), row)

    def question(self, production: str, digest: str) -> str | None:
        """How a render is to be watched; None for one that goes to its end."""
        which = "SELECT question FROM watches WHERE production = ? AND digest = ? AND halt IS NULL"
        rows = self._db.rows(which, (production, digest))
        return rows[0]["question"] if rows else None

    def halt(self, production: str, digest: str, halt: Halt) -> None:
        """Says that a render was ended: nobody else is to begin it for this production. Nothing where nobody asks."""
        with self._db.transaction():
            if self._db.run(
                "UPDATE watches SET halt = ? WHERE production = ? AND digest = ?",
                (halt.model_dump_json(), production, digest),
            ):
                self._db.run("DELETE FROM wanted WHERE production = ? AND digest = ?", (production, digest))

    def halted(self, production: str, digest: str) -> Halt | None:
        """For what a render was ended, if it was."""
        which = "SELECT halt FROM watches WHERE production = ? AND digest = ? AND halt IS NOT NULL"
        rows = self._db.rows(which, (production, digest))
        return Halt.model_validate_json(rows[0]["halt"]) if rows else None

    def close(self, production: str, digest: str) -> None:
        """Nobody asks any more."""
        self._db.run("DELETE FROM watches WHERE production = ? AND digest = ?", (production, digest))
