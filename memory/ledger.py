"""The durable record of productions and takes, in SQLite or Postgres, safe for many processes; and its render jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from kinograph.errors import UnknownName
from kinograph.film import Brief, Decision, Noun, Outcome, Sitting, Stint, Take, Trial
from kinograph.memory import errands, jobs, remedies, watches
from kinograph.memory.database import Place, Row, open_database
from kinograph.memory.errands import Errands
from kinograph.memory.jobs import Jobs
from kinograph.memory.owners import gone
from kinograph.memory.remedies import Remedies
from kinograph.memory.watches import Watches

SCHEMA = """
CREATE TABLE IF NOT EXISTS productions (
  id TEXT PRIMARY KEY, folder TEXT NOT NULL, brief TEXT NOT NULL, state TEXT NOT NULL,
  opened {real} NOT NULL, seconds {real} NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS papers (
  production TEXT NOT NULL, name TEXT NOT NULL, noun TEXT NOT NULL, PRIMARY KEY (production, name));
CREATE TABLE IF NOT EXISTS takes (
  production TEXT NOT NULL, shot TEXT NOT NULL, attempt INTEGER NOT NULL, take TEXT NOT NULL,
  PRIMARY KEY (production, shot, attempt){order});
CREATE TABLE IF NOT EXISTS trials (
  number {number}, production TEXT UNIQUE NOT NULL, strategy TEXT NOT NULL, trial TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outcomes (
  production TEXT NOT NULL, shot TEXT NOT NULL, outcome TEXT NOT NULL, PRIMARY KEY (production, shot){order});
CREATE TABLE IF NOT EXISTS sittings (
  number {number}, production TEXT NOT NULL, sitting TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stints (
  number {number}, production TEXT NOT NULL, shot TEXT NOT NULL, attempt INTEGER NOT NULL,
  what TEXT NOT NULL, worker INTEGER, began {real} NOT NULL, ended {real}, owner TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS stints_of ON stints (production);
"""

MOST_TRIALS = 100
"""Trials that are kept of each strategy: the latest."""

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


class Ledger:
    """What was asked, tried and rendered. Every change is one transaction."""

    def __init__(self, place: Place, lease: float = jobs.LEASE) -> None:
        """Raises StorageError, Damaged, or BadSetting where Postgres is not installed."""
        self.place = place
        self._db = open_database(place, SCHEMA + jobs.SCHEMA + errands.SCHEMA + remedies.SCHEMA + watches.SCHEMA)
        self.jobs = Jobs(self._db, lease)
        """Who renders what."""
        self.errands = Errands(self._db)
        """What backends have under way elsewhere."""
        self.remedies = Remedies(self._db)
        """What has helped against findings."""
        self.watches = Watches(self._db)
        """How renders that others do are overseen."""

    def close(self) -> None:
        self.jobs.close()
        self._db.close()

    def _nouns(self, kind: type[Paper], query: str, *values: Any) -> list[Paper]:
        """The nouns of an answer's column `noun`."""
        return [kind.model_validate_json(row["noun"]) for row in self._db.rows(query, values)]

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
        with self._db.transaction():
            for name, noun in {**(papers or {}), "decision": decision}.items():
                self.file(id, name, noun)
            for take in takes:
                self.record_take(id, take)
            self._db.run(
                "INSERT INTO productions (id, folder, brief, state, opened) VALUES (?, ?, ?, 'open', ?)",
                (id, str(folder), brief.model_dump_json(), time.time()),
            )
        return self.production(id)

    def has_production(self, id: str) -> bool:
        return bool(self._db.rows("SELECT 1 AS one FROM productions WHERE id = ?", (id,)))

    def production(self, id: str) -> Record:
        """Raises UnknownName."""
        for row in self._db.rows("SELECT * FROM productions WHERE id = ?", (id,)):
            return self._record(row)
        raise UnknownName("production", id, [record.id for record in self.productions()[:10]])

    def productions(self) -> list[Record]:
        """All productions, newest first."""
        return [self._record(row) for row in self._db.rows("SELECT * FROM productions ORDER BY opened DESC")]

    @staticmethod
    def _record(row: Row) -> Record:
        brief = Brief.model_validate_json(row["brief"])
        return Record(row["id"], Path(row["folder"]), brief, row["state"], row["opened"], row["seconds"])

    def open_session(self, id: str) -> None:
        """Somebody works on the production: "open" without anybody who holds it means that they died over it."""
        self._db.run("UPDATE productions SET state = 'open' WHERE id = ? AND state <> 'finished'", (id,))

    def close_session(self, id: str, state: State, seconds: float) -> None:
        """Adds a session's wall time to a production and sets what became of it."""
        self._db.run("UPDATE productions SET state = ?, seconds = seconds + ? WHERE id = ?", (state, seconds, id))

    def move_production(self, id: str, folder: Path) -> None:
        """Follows a production's folder to where it was moved."""
        self._db.run("UPDATE productions SET folder = ? WHERE id = ?", (str(folder), id))

    # ------------------------------------------------------------------------------------- papers

    def file(self, production: str, name: str, noun: Noun) -> None:
        """Files a noun of a production under a name: "storyboard", "decision", …"""
        self._db.replace(
            "papers",
            ("production", "name"),
            {"production": production, "name": name, "noun": noun.model_dump_json()},
        )

    def paper(self, production: str, name: str, kind: type[Paper]) -> Paper | None:
        """The noun filed under a name, or None."""
        query = "SELECT noun FROM papers WHERE production = ? AND name = ?"
        return next(iter(self._nouns(kind, query, production, name)), None)

    # -------------------------------------------------------------------------------------- takes

    def record_take(self, production: str, take: Take) -> None:
        """Records a take, or what has become of it since."""
        self._db.replace(
            "takes",
            ("production", "shot", "attempt"),
            {"production": production, "shot": take.shot, "attempt": take.attempt, "take": take.model_dump_json()},
        )

    def forget_takes(self, production: str, shot: str, after: int) -> None:
        """Drops the takes of a shot after one attempt: it came further before it was begun anew than it does now."""
        self._db.run("DELETE FROM takes WHERE production = ? AND shot = ? AND attempt > ?", (production, shot, after))

    def takes(self, production: str, shot: str | None = None) -> list[Take]:
        """The takes of a production, or of one of its shots, by shot and attempt."""
        query = "SELECT take AS noun FROM takes WHERE production = ?"
        if shot is None:
            return self._nouns(Take, f"{query} ORDER BY shot, attempt", production)
        return self._nouns(Take, f"{query} AND shot = ? ORDER BY attempt", production, shot)

    def latest_takes(self, most: int = 300) -> list[Take]:
        """The takes of all productions that were recorded last, newest first."""
        return self._nouns(Take, "SELECT take AS noun FROM takes ORDER BY rowid DESC LIMIT ?", most)

    def take(self, production: str, shot: str, attempt: int) -> Take:
        """One take that was recorded before. Raises KeyError otherwise."""
        query = "SELECT take AS noun FROM takes WHERE production = ? AND shot = ? AND attempt = ?"
        for take in self._nouns(Take, query, production, shot, attempt):
            return take
        raise KeyError((production, shot, attempt))

    def speaks_of(self, digest: str) -> bool:
        """Whether any take names a clip or picture of that digest, or a job is at it."""
        found = "SELECT 1 AS one FROM takes WHERE take LIKE ? LIMIT 1"
        busy = "SELECT 1 AS one FROM jobs WHERE digest = ? AND state = 'leased'"
        return bool(self._db.rows(found, (f"%{digest}%",)) or self._db.rows(busy, (digest,)))

    # ------------------------------------------------------------------------------------- timing

    def record_sitting(self, production: str, sitting: Sitting) -> None:
        """Records that work on the shots begins, and what is expected of it."""
        self._db.run(
            "INSERT INTO sittings (production, sitting) VALUES (?, ?)", (production, sitting.model_dump_json())
        )

    def sittings(self, production: str) -> list[Sitting]:
        """The sittings of a production, the first first; none for one that is older than this record."""
        query = "SELECT sitting AS noun FROM sittings WHERE production = ? ORDER BY number"
        return self._nouns(Sitting, query, production)

    @contextmanager
    def stint(
        self, production: str, shot: str, attempt: int, what: Literal["render", "verdict"], worker: int | None = None
    ) -> Iterator[None]:
        """Records when work on a take begins and, however it goes, when it ends."""
        (begun,) = self._db.rows(
            "INSERT INTO stints (production, shot, attempt, what, worker, began, owner) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number",
            (production, shot, attempt, what, worker, time.time(), self.jobs.me),
        )
        try:
            yield
        finally:
            self._db.run("UPDATE stints SET ended = ? WHERE number = ?", (time.time(), begun["number"]))

    def stints(self, production: str) -> list[Stint]:
        """The work on a production's takes, in the order in which it began."""
        rows = self._db.rows("SELECT * FROM stints WHERE production = ? ORDER BY number", (production,))
        dead = {owner for owner in {row["owner"] for row in rows if row["ended"] is None} if gone(owner)}
        fields = ("shot", "attempt", "what", "worker", "began", "ended")
        return [
            Stint(**{name: row[name] for name in fields}, killed=row["ended"] is None and row["owner"] in dead)
            for row in rows
        ]

    # ------------------------------------------------------------------------------------- trials

    def record_trial(self, production: str, trial: Trial) -> None:
        """Records what a production came to, in place of what it came to before, and forgets the oldest."""
        row = {"production": production, "strategy": trial.strategy, "trial": trial.model_dump_json()}
        with self._db.transaction():
            self._db.replace("trials", ("production",), row)
            self._db.run(
                "DELETE FROM trials WHERE strategy = ? AND number NOT IN "
                "(SELECT number FROM trials WHERE strategy = ? ORDER BY number DESC LIMIT ?)",
                (trial.strategy, trial.strategy, MOST_TRIALS),
            )

    def trials(self) -> list[Trial]:
        """What the latest productions came to, newest first."""
        return self._nouns(Trial, "SELECT trial AS noun FROM trials ORDER BY number DESC")

    # ----------------------------------------------------------------------------------- outcomes

    def settle_shot(self, production: str, outcome: Outcome) -> None:
        """Records what became of a shot: it needs no more takes, however often the production is resumed."""
        self._db.replace(
            "outcomes",
            ("production", "shot"),
            {"production": production, "shot": outcome.shot, "outcome": outcome.model_dump_json()},
        )

    def outcomes(self, production: str) -> dict[str, Outcome]:
        """What became of each shot that is settled."""
        query = "SELECT outcome AS noun FROM outcomes WHERE production = ? ORDER BY rowid"
        return {outcome.shot: outcome for outcome in self._nouns(Outcome, query, production)}

    def unsettle(self, production: str) -> None:
        """Forgets the outcomes of a production that goes through all of its steps again."""
        self._db.run("DELETE FROM outcomes WHERE production = ?", (production,))

    # --------------------------------------------------------------------------------------- jobs

    def renders(self) -> dict[str, int]:
        """How many times each request was rendered to the end."""
        return self.jobs.renders()
