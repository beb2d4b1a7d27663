"""Errands: what backends must remember of a request across crashes, such as the job that another server has for it."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

from kinograph.memory.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS errands (digest TEXT PRIMARY KEY, note TEXT NOT NULL);
"""


class Errands(MutableMapping[str, str]):
    """Notes of a ledger by the digest of their request. What is written stays, whoever is killed; may be used from
    many threads. Raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def __getitem__(self, digest: str) -> str:
        for row in self._db.rows("SELECT note FROM errands WHERE digest = ?", (digest,)):
            return row["note"]
        raise KeyError(digest)

    def __setitem__(self, digest: str, note: str) -> None:
        self._db.replace("errands", ("digest",), {"digest": digest, "note": note})

    def __delitem__(self, digest: str) -> None:
        if not self._db.run("DELETE FROM errands WHERE digest = ?", (digest,)):
            raise KeyError(digest)

    def __iter__(self) -> Iterator[str]:
        return iter([row["digest"] for row in self._db.rows("SELECT digest FROM errands ORDER BY digest")])

    def __len__(self) -> int:
        return self._db.rows("SELECT count(*) AS many FROM errands")[0]["many"]
