"""The durable record of productions, takes and render jobs: SQLite, safe for many processes."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

import psutil

from kinograph import disk
from kinograph.errors import UnknownName
from kinograph.film import Brief, Decision, Noun, Outcome, RenderRequest, Sitting, Stint, Take, Trial

SCHEMA = """
CREATE TABLE IF NOT EXISTS productions (
  id TEXT PRIMARY KEY, folder TEXT NOT NULL, brief TEXT NOT NULL, state TEXT NOT NULL,
  opened REAL NOT NULL, seconds REAL NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS papers (
  production TEXT NOT NULL, name TEXT NOT NULL, noun TEXT NOT NULL, PRIMARY KEY (production, name));
CREATE TABLE IF NOT EXISTS takes (
  production TEXT NOT NULL, shot TEXT NOT NULL, attempt INTEGER NOT NULL, take TEXT NOT NULL,
  PRIMARY KEY (production, shot, attempt));
CREATE TABLE IF NOT EXISTS trials (
  number INTEGER PRIMARY KEY AUTOINCREMENT, production TEXT UNIQUE NOT NULL, strategy TEXT NOT NULL,
  trial TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outcomes (
  production TEXT NOT NULL, shot TEXT NOT NULL, outcome TEXT NOT NULL, PRIMARY KEY (production, shot));
CREATE TABLE IF NOT EXISTS sittings (
  number INTEGER PRIMARY KEY AUTOINCREMENT, production TEXT NOT NULL, sitting TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stints (
  number INTEGER PRIMARY KEY AUTOINCREMENT, production TEXT NOT NULL, shot TEXT NOT NULL, attempt INTEGER NOT NULL,
  what TEXT NOT NULL, worker INTEGER, began REAL NOT NULL, ended REAL, owner TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS stints_of ON stints (production);
CREATE TABLE IF NOT EXISTS jobs (
  digest TEXT PRIMARY KEY, request TEXT NOT NULL, state TEXT NOT NULL, owner TEXT, lease REAL,
  attempts INTEGER NOT NULL DEFAULT 0, renders INTEGER NOT NULL DEFAULT 0, error TEXT);
"""

MOST_TRIALS = 100
"""Trials that are kept of each strategy: the latest."""
RENDERING: set[tuple[Path, str]] = set()
"""Ledgers and digests that threads of this process hold a claim to; changed within a transaction."""

State = Literal["open", "finished", "cancelled", "failed"]
Paper = TypeVar("Paper", bound=Noun)


class Record(NamedTuple):
    """A production as the ledger knows it."""

    id: str
    folder: Path
    brief: Brief
    state: State
    opened: float
    """Unix time."""
    seconds: float
    """Wall time worked on it, all sessions together."""


def whoami() -> str:
    """host:pid:start of this process: unique, and checkable for life by others on the same host."""
    return f"{socket.gethostname()}:{os.getpid()}:{psutil.Process().create_time():.2f}"


def gone(owner: str) -> bool:
    """True when the owner was a process of this host that no longer runs."""
    host, pid, born = owner.rsplit(":", 2)
    if host != socket.gethostname():
        return False
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" != born
    except psutil.NoSuchProcess:
        return True


class Ledger:
    """What was asked, tried and rendered. Every change is one transaction."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.me = whoami()
        self._lock = threading.RLock()
        self._db = disk.connect(path, SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, disk.storage(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    # -------------------------------------------------------------------------------- productions

    def open_production(
        self,
        id: str,
        folder: Path,
        brief: Brief,
        decision: Decision,
        papers: Mapping[str, Noun] | None = None,
        takes: Sequence[Take] = (),
    ) -> Record:
        """Records a new production and how it will be made, with what is known of it before: all or nothing."""
        with self._transaction():
            for name, noun in {**(papers or {}), "decision": decision}.items():
                self._file(id, name, noun)
            for take in takes:
                self._record_take(id, take)
            self._db.execute(
                "INSERT INTO productions (id, folder, brief, state, opened) VALUES (?, ?, ?, 'open', ?)",
                (id, str(folder), brief.model_dump_json(), time.time()),
            )
        return self.production(id)

    def has_production(self, id: str) -> bool:
        with self._lock:
            return self._db.execute("SELECT 1 FROM productions WHERE id = ?", (id,)).fetchone() is not None

    def production(self, id: str) -> Record:
        """Raises UnknownName."""
        with self._lock:
            row = self._db.execute("SELECT * FROM productions WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise UnknownName("production", id, [record.id for record in self.productions()[:10]])
        return self._record(row)

    def productions(self) -> list[Record]:
        """All productions, newest first."""
        with self._lock:
            rows = self._db.execute("SELECT * FROM productions ORDER BY opened DESC").fetchall()
        return [self._record(row) for row in rows]

    @staticmethod
    def _record(row) -> Record:
        brief = Brief.model_validate_json(row["brief"])
        return Record(row["id"], Path(row["folder"]), brief, row["state"], row["opened"], row["seconds"])

    def close_session(self, id: str, state: State, seconds: float) -> None:
        """Adds a session's wall time to a production and sets what became of it."""
        with self._transaction():
            self._db.execute(
                "UPDATE productions SET state = ?, seconds = seconds + ? WHERE id = ?", (state, seconds, id)
            )

    def move_production(self, id: str, folder: Path) -> None:
        """Follows a production's folder to where it was moved."""
        with self._transaction():
            self._db.execute("UPDATE productions SET folder = ? WHERE id = ?", (str(folder), id))

    # ------------------------------------------------------------------------------------- papers

    def file(self, production: str, name: str, noun: Noun) -> None:
        """Files a noun of a production under a name: "storyboard", "decision", …"""
        with self._transaction():
            self._file(production, name, noun)

    def _file(self, production: str, name: str, noun: Noun) -> None:
        self._db.execute("INSERT OR REPLACE INTO papers VALUES (?, ?, ?)", (production, name, noun.model_dump_json()))

    def paper(self, production: str, name: str, kind: type[Paper]) -> Paper | None:
        """The noun filed under a name, or None."""
        with self._lock:
            row = self._db.execute(
                "SELECT noun FROM papers WHERE production = ? AND name = ?", (production, name)
            ).fetchone()
        return kind.model_validate_json(row["noun"]) if row else None

    # -------------------------------------------------------------------------------------- takes

    def record_take(self, production: str, take: Take) -> None:
        """Records a take, or what has become of it since."""
        with self._transaction():
            self._record_take(production, take)

    def _record_take(self, production: str, take: Take) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO takes VALUES (?, ?, ?, ?)",
            (production, take.shot, take.attempt, take.model_dump_json()),
        )

    def forget_takes(self, production: str, shot: str, after: int) -> None:
        """Drops the takes of a shot after one attempt: it came further before it was begun anew than it does now."""
        with self._transaction():
            self._db.execute(
                "DELETE FROM takes WHERE production = ? AND shot = ? AND attempt > ?", (production, shot, after)
            )

    def takes(self, production: str, shot: str | None = None) -> list[Take]:
        """The takes of a production, or of one of its shots, by shot and attempt."""
        with self._lock:
            rows = self._db.execute(
                "SELECT take FROM takes WHERE production = ? AND (? IS NULL OR shot = ?) ORDER BY shot, attempt",
                (production, shot, shot),
            ).fetchall()
        return [Take.model_validate_json(row["take"]) for row in rows]

    def latest_takes(self, most: int = 300) -> list[Take]:
        """The takes of all productions that were recorded last, newest first."""
        with self._lock:
            rows = self._db.execute("SELECT take FROM takes ORDER BY rowid DESC LIMIT ?", (most,)).fetchall()
        return [Take.model_validate_json(row["take"]) for row in rows]

    def take(self, production: str, shot: str, attempt: int) -> Take:
        """One take that was recorded before. Raises KeyError otherwise."""
        for take in self.takes(production, shot):
            if take.attempt == attempt:
                return take
        raise KeyError((production, shot, attempt))

    # ------------------------------------------------------------------------------------- timing

    def record_sitting(self, production: str, sitting: Sitting) -> None:
        """Records that work on the shots begins, and what is expected of it."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO sittings (production, sitting) VALUES (?, ?)", (production, sitting.model_dump_json())
            )

    def sittings(self, production: str) -> list[Sitting]:
        """The sittings of a production, the first first; none for one that is older than this record."""
        with self._lock:
            query = "SELECT sitting FROM sittings WHERE production = ? ORDER BY number"
            rows = self._db.execute(query, (production,)).fetchall()
        return [Sitting.model_validate_json(row["sitting"]) for row in rows]

    @contextmanager
    def stint(
        self, production: str, shot: str, attempt: int, what: Literal["render", "verdict"], worker: int | None = None
    ) -> Iterator[None]:
        """Records when work on a take begins and, however it goes, when it ends."""
        with self._transaction():
            number = self._db.execute(
                "INSERT INTO stints (production, shot, attempt, what, worker, began, owner) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (production, shot, attempt, what, worker, time.time(), self.me),
            ).lastrowid
        try:
            yield
        finally:
            with self._transaction():
                self._db.execute("UPDATE stints SET ended = ? WHERE number = ?", (time.time(), number))

    def stints(self, production: str) -> list[Stint]:
        """The work on a production's takes, in the order in which it began."""
        with self._lock:
            rows = self._db.execute(
                "SELECT * FROM stints WHERE production = ? ORDER BY number", (production,)
            ).fetchall()
        dead = {owner for owner in {row["owner"] for row in rows if row["ended"] is None} if gone(owner)}
        fields = ("shot", "attempt", "what", "worker", "began", "ended")
        return [
            Stint(**{name: row[name] for name in fields}, killed=row["ended"] is None and row["owner"] in dead)
            for row in rows
        ]

    # ------------------------------------------------------------------------------------- trials

    def record_trial(self, production: str, trial: Trial) -> None:
        """Records what a production came to, in place of what it came to before, and forgets the oldest."""
        with self._transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO trials (production, strategy, trial) VALUES (?, ?, ?)",
                (production, trial.strategy, trial.model_dump_json()),
            )
            self._db.execute(
                "DELETE FROM trials WHERE strategy = ?1 AND number NOT IN "
                "(SELECT number FROM trials WHERE strategy = ?1 ORDER BY number DESC LIMIT ?2)",
                (trial.strategy, MOST_TRIALS),
            )

    def trials(self) -> list[Trial]:
        """What the latest productions came to, newest first."""
        with self._lock:
            rows = self._db.execute("SELECT trial FROM trials ORDER BY number DESC").fetchall()
        return [Trial.model_validate_json(row["trial"]) for row in rows]

    # ----------------------------------------------------------------------------------- outcomes

    def settle_shot(self, production: str, outcome: Outcome) -> None:
        """Records what became of a shot: it needs no more takes, however often the production is resumed."""
        with self._transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?)",
                (production, outcome.shot, outcome.model_dump_json()),
            )

    def outcomes(self, production: str) -> dict[str, Outcome]:
        """What became of each shot that is settled."""
        with self._lock:
            rows = self._db.execute(
                "SELECT outcome FROM outcomes WHERE production = ? ORDER BY rowid", (production,)
            ).fetchall()
        found = (Outcome.model_validate_json(row["outcome"]) for row in rows)
        return {outcome.shot: outcome for outcome in found}

    def unsettle(self, production: str) -> None:
        """Forgets the outcomes of a production that goes through all of its steps again."""
        with self._transaction():
            self._db.execute("DELETE FROM outcomes WHERE production = ?", (production,))

    # --------------------------------------------------------------------------------------- jobs

    def claim(self, request: RenderRequest, lease_seconds: float = 60.0) -> bool:
        """Tries to become the one who renders `request`; False while another living worker holds it.

        A lease ends when it runs out, or at once when its owner was a process of this host that died. Within a process
        the threads are workers of their own.
        """
        digest, now = request.digest, time.time()
        with self._transaction():
            row = self._db.execute("SELECT state, owner, lease FROM jobs WHERE digest = ?", (digest,)).fetchone()
            if row is not None and row["state"] == "leased" and row["lease"] > now:
                mine = row["owner"] == self.me
                if (self.path, digest) in RENDERING if mine else not gone(row["owner"]):
                    return False
            self._db.execute(
                "INSERT INTO jobs (digest, request, state, owner, lease, attempts) VALUES (?, ?, 'leased', ?, ?, 1) "
                "ON CONFLICT (digest) DO UPDATE SET state = 'leased', owner = excluded.owner, "
                "lease = excluded.lease, attempts = attempts + 1",
                (digest, request.model_dump_json(), self.me, now + lease_seconds),
            )
            RENDERING.add((self.path, digest))
        return True

    def renew(self, digest: str, lease_seconds: float = 60.0) -> None:
        """Says that the worker still lives."""
        with self._transaction():
            self._db.execute(
                "UPDATE jobs SET lease = ? WHERE digest = ? AND owner = ?",
                (time.time() + lease_seconds, digest, self.me),
            )

    def release(self, digest: str) -> None:
        """Gives a claim back unused: the clip turned out to be there."""
        with self._transaction():
            self._db.execute("UPDATE jobs SET state = 'done', owner = NULL, lease = NULL WHERE digest = ?", (digest,))
            RENDERING.discard((self.path, digest))

    def settle(self, digest: str, error: str | None = None) -> None:
        """Ends a job: done, or failed with the reason."""
        with self._transaction():
            self._db.execute(
                "UPDATE jobs SET state = ?, owner = NULL, lease = NULL, error = ?, renders = renders + ? "
                "WHERE digest = ?",
                ("failed" if error else "done", error, 0 if error else 1, digest),
            )
            RENDERING.discard((self.path, digest))

    def renders(self) -> dict[str, int]:
        """How many times each request was rendered to the end."""
        with self._lock:
            rows = self._db.execute("SELECT digest, renders FROM jobs").fetchall()
        return {row["digest"]: row["renders"] for row in rows}
