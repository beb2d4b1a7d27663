"""Conversations that outlive their process: sessions, their versions and turns in SQLite, one transaction a turn."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from kinograph import disk
from kinograph.errors import UnknownName
from kinograph.film import Brief, Decision, Noun, Storyboard, Usage

SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
  id TEXT PRIMARY KEY, noun TEXT NOT NULL, opened REAL NOT NULL, touched REAL NOT NULL);
CREATE TABLE IF NOT EXISTS versions (
  session TEXT NOT NULL, number INTEGER NOT NULL, noun TEXT NOT NULL, PRIMARY KEY (session, number));
CREATE TABLE IF NOT EXISTS turns (
  session TEXT NOT NULL, id TEXT NOT NULL, noun TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (session, id));
"""


class Version(Noun):
    """A storyboard of a session, with all that its film follows from."""

    number: int = Field(ge=1)
    parent: int | None = None
    """The version that was changed to make this one."""
    name: str
    words: str
    """What the user said to get it."""
    brief: Brief
    decision: Decision
    storyboard: Storyboard
    approved: bool = False
    """It was approved for rendering; only such a version has a production."""


class Session(Noun):
    """Where a conversation stands."""

    id: str
    folder: str
    wishes: dict[str, Any] = Field(default_factory=dict)
    """Fields of the brief that were given beside its text."""
    references: tuple[str, ...] = ()
    """Digests of reference pictures in the vault."""
    told: str = ""
    """What was said before there was a storyboard."""
    asked: bool = False
    """The one question was asked."""
    head: int | None = None
    """Number of the version at hand."""
    redo: tuple[int, ...] = ()
    """Versions that were undone, the next to redo last."""
    focus: tuple[str, ...] = ()
    """Shots that were last spoken of."""
    usage: Usage = Usage()
    """What thinking cost since the last film was begun; it is filed with the next."""


class Turn(Noun):
    """What was said, and what came of it."""

    id: str
    words: str
    does: Literal["ask", "say", "propose", "film"]
    """ask: a question; say: a line; propose: a storyboard waits for approval; film: it was approved."""
    said: str = ""
    """The crew's line."""


class Kept(NamedTuple):
    """A session as the list shows it."""

    session: Session
    title: str
    versions: int
    touched: float
    """Unix time of the last turn."""


class Sessions:
    """All sessions of one home. Whoever holds a session's lock writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._db = disk.connect(path, SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def keep(self, session: Session, version: Version | None = None, turn: Turn | None = None) -> None:
        """Writes a session with what is new in it, all or nothing. Raises StorageError."""
        now = time.time()
        with self._lock, disk.storage(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.execute(
                    "INSERT INTO sessions VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET noun = excluded.noun, "
                    "touched = excluded.touched",
                    (session.id, session.model_dump_json(), now, now),
                )
                if version is not None:
                    self._db.execute(
                        "INSERT OR REPLACE INTO versions VALUES (?, ?, ?)",
                        (session.id, version.number, version.model_dump_json()),
                    )
                if turn is not None:
                    self._db.execute(
                        "INSERT OR REPLACE INTO turns VALUES (?, ?, ?, ?)",
                        (session.id, turn.id, turn.model_dump_json(), now),
                    )
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def session(self, id: str) -> Session:
        """Raises UnknownName."""
        if (row := self._one("SELECT noun FROM sessions WHERE id = ?", (id,))) is None:
            raise UnknownName("session", id, [kept.session.id for kept in self.all()[:10]])
        return Session.model_validate_json(row)

    def has(self, id: str) -> bool:
        return self._one("SELECT noun FROM sessions WHERE id = ?", (id,)) is not None

    def all(self) -> list[Kept]:
        """All sessions, the last touched first."""
        with self._lock, disk.database(self.path):
            rows = self._db.execute(
                "SELECT s.noun, s.touched, (SELECT count(*) FROM versions v WHERE v.session = s.id) AS many "
                "FROM sessions s ORDER BY s.touched DESC"
            ).fetchall()
        found = []
        for row in rows:
            session = Session.model_validate_json(row["noun"])
            title = self.version(session.id, session.head).storyboard.title if session.head else session.told
            found.append(Kept(session, title, row["many"], row["touched"]))
        return found

    def versions(self, session: str) -> list[Version]:
        """The versions of a session by number."""
        return [
            Version.model_validate_json(noun)
            for noun in self._many("SELECT noun FROM versions WHERE session = ? ORDER BY number", (session,))
        ]

    def version(self, session: str, number: int) -> Version:
        """Raises UnknownName."""
        row = self._one("SELECT noun FROM versions WHERE session = ? AND number = ?", (session, number))
        if row is None:
            raise UnknownName("version", str(number), [str(one.number) for one in self.versions(session)])
        return Version.model_validate_json(row)

    def turn(self, session: str, id: str) -> Turn | None:
        """A turn that was answered before."""
        row = self._one("SELECT noun FROM turns WHERE session = ? AND id = ?", (session, id))
        return Turn.model_validate_json(row) if row else None

    def turns(self, session: str, last: int = 6) -> list[Turn]:
        """The last turns, oldest first."""
        rows = self._many("SELECT noun FROM turns WHERE session = ? ORDER BY at DESC LIMIT ?", (session, last))
        return [Turn.model_validate_json(noun) for noun in reversed(rows)]

    def _one(self, query: str, values: tuple[Any, ...]) -> str | None:
        return next(iter(self._many(query, values)), None)

    def _many(self, query: str, values: tuple[Any, ...]) -> list[str]:
        with self._lock, disk.database(self.path):
            return [row["noun"] for row in self._db.execute(query, values).fetchall()]
