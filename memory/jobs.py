"""Render jobs: who renders what, under a lease that its owner's heart renews, and who may say that it is done.

A claim is one attempt of one process at a job. Its number is its fence: once another process has taken the job
over, whatever the first one still writes about it changes nothing, and its clip is not filed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from kinograph.errors import LeaseLost, StorageError
from kinograph.film import RenderRequest
from kinograph.memory.database import Database
from kinograph.memory.owners import gone, whoami

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
  digest TEXT PRIMARY KEY, request TEXT NOT NULL, state TEXT NOT NULL, owner TEXT, lease {real},
  attempts INTEGER NOT NULL DEFAULT 0, renders INTEGER NOT NULL DEFAULT 0, error TEXT);
CREATE TABLE IF NOT EXISTS wanted (
  number {number}, production TEXT NOT NULL, digest TEXT NOT NULL, UNIQUE (production, digest));
CREATE TABLE IF NOT EXISTS hands (
  production TEXT NOT NULL, owner TEXT NOT NULL, hands INTEGER NOT NULL, lease {real} NOT NULL,
  PRIMARY KEY (production, owner));
"""
LEASE = 60.0
"""Seconds after which a claim whose owner was not heard of is free for others."""
BEATS = 4
"""Heartbeats in the time of a lease: all but one may be late before it is lost."""

JobState = Literal["waiting", "leased", "done", "failed"]


@dataclass(frozen=True, eq=False)
class Claim:
    """The right to render a request and to file its clip."""

    digest: str
    owner: str
    attempt: int
    """The fence: grows with every claim of the job."""
    lost: threading.Event = field(default_factory=threading.Event)
    """Set once it is known that another process has taken the job over."""


class Job(NamedTuple):
    """Where a job stands."""

    state: JobState
    owner: str | None
    error: str | None


HELD: dict[tuple[str, str], Claim] = {}
"""Ledger and digest -> the claim that a thread of this process holds."""
_HOLDING = threading.Lock()


class Jobs:
    """The render jobs of a ledger. Every change is one transaction; may be used from many threads."""

    def __init__(self, database: Database, lease: float = LEASE) -> None:
        self.me = whoami()
        self._db = database
        self._lease = lease
        self._lent: set[str] = set()
        """Productions that this process lends hands to."""
        self._mine: set[Claim] = set()
        self._closed = threading.Event()
        self._heart: threading.Thread | None = None

    def close(self) -> None:
        """Stops the heart: claims that are still held are free for others when their lease ends."""
        self._closed.set()
        if self._heart is not None and self._heart is not threading.current_thread():
            self._heart.join(self._lease)
        for claim in tuple(self._mine):
            self._forget(claim)

    # ------------------------------------------------------------------------------------- claims

    def claim(self, request: RenderRequest) -> Claim | None:
        """Tries to become the one who renders `request`; None while another living worker holds it.

        A lease ends when it runs out by the database's clock, or at once when its owner was a process of this host
        that died. Within a process the threads are workers of their own.
        """
        digest = request.digest
        with _HOLDING:
            rows = self._db.rows(
                f"SELECT state, owner, attempts, lease > {self._db.clock} AS live FROM jobs WHERE digest = ?", (digest,)
            )
            seen, left_by = 0, ""
            for row in rows:
                seen = row["attempts"]
                if row["state"] == "leased" and row["live"]:
                    mine = row["owner"] == self.me
                    if (self._db.name, digest) in HELD if mine else not gone(row["owner"]):
                        return None
                    left_by = row["owner"]
            # Whoever changes the row first has the job: for the others it is no longer as they saw it.
            taken = self._db.rows(
                "INSERT INTO jobs (digest, request, state, owner, lease, attempts) "
                f"VALUES (?, ?, 'leased', ?, {self._db.clock} + ?, 1) ON CONFLICT (digest) DO UPDATE SET "
                "state = 'leased', owner = excluded.owner, lease = excluded.lease, attempts = jobs.attempts + 1, "
                "error = NULL WHERE jobs.attempts = ? "
                f"AND (jobs.state <> 'leased' OR jobs.lease <= {self._db.clock} OR jobs.owner = ?) RETURNING attempts",
                (digest, request.model_dump_json(), self.me, self._lease, seen, left_by),
            )
            if not taken:
                return None
            claim = HELD[self._db.name, digest] = Claim(digest, self.me, taken[0]["attempts"])
            self._mine.add(claim)
        self._beat_from_now_on()
        return claim

    def renew(self, claim: Claim) -> bool:
        """Says that the claim's worker still lives; False, and the claim is lost, when another has taken over."""
        kept = self._db.run(
            f"UPDATE jobs SET lease = {self._db.clock} + ? "
            "WHERE digest = ? AND state = 'leased' AND owner = ? AND attempts = ?",
            (self._lease, claim.digest, claim.owner, claim.attempt),
        )
        if not kept and claim in self._mine:
            claim.lost.set()
        return bool(kept)

    @contextmanager
    def committing(self, claim: Claim) -> Iterator[None]:
        """The fence around filing a clip: within it nobody else can, and when it ends well the job is done.

        Raises LeaseLost, before anything is filed, when another process has taken the job over.
        """
        try:
            with self._db.transaction():
                if not self._end(claim, "state = 'done', error = NULL, renders = renders + 1"):
                    claim.lost.set()
                    raise LeaseLost(f"another process took over the render of {claim.digest}")
                self._db.run("DELETE FROM wanted WHERE digest = ?", (claim.digest,))
                yield
        finally:
            self._forget(claim)

    def settle(self, claim: Claim, error: str | None = None) -> bool:
        """Ends a job: done, or failed with the reason; False when it is another's by now."""
        if error is None:
            return self._ended(claim, "state = 'done', error = NULL, renders = renders + 1")
        return self._ended(claim, "state = 'failed', error = ?", error)

    def release(self, claim: Claim) -> bool:
        """Gives a claim back unused because the clip turned out to be there: it was rendered once at least."""
        return self._ended(
            claim, "state = 'done', error = NULL, renders = CASE WHEN renders = 0 THEN 1 ELSE renders END"
        )

    def give_back(self, claim: Claim, why: str | None = None) -> bool:
        """Gives a claim back unfinished: the job waits for whoever wants to render it."""
        return self._ended(claim, "state = 'waiting', error = ?", why)

    def _ended(self, claim: Claim, becomes: str, *values: str | None) -> bool:
        try:
            return self._end(claim, becomes, *values)
        finally:
            self._forget(claim)

    def _end(self, claim: Claim, becomes: str, *values: str | None) -> bool:
        return bool(
            self._db.run(
                f"UPDATE jobs SET {becomes}, owner = NULL, lease = NULL "
                "WHERE digest = ? AND state = 'leased' AND owner = ? AND attempts = ?",
                (*values, claim.digest, claim.owner, claim.attempt),
            )
        )

    def _forget(self, claim: Claim) -> None:
        with _HOLDING:
            self._mine.discard(claim)
            if HELD.get((self._db.name, claim.digest)) is claim:
                del HELD[self._db.name, claim.digest]

    # -------------------------------------------------------------------------------------- heart

    def _beat_from_now_on(self) -> None:
        if self._heart is None:
            with _HOLDING:
                if self._heart is None:
                    self._heart = threading.Thread(target=self._beat, name="heart", daemon=True)
                    self._heart.start()

    def _beat(self) -> None:
        while not self._closed.wait(self._lease / BEATS):
            with _HOLDING:
                claims, lent = tuple(self._mine), tuple(self._lent)
            try:
                for claim in claims:
                    self.renew(claim)
                for production in lent:
                    self._say_hands(production)
            except StorageError:
                continue  # the next beat tries again; if none gets through, the fence says what was lost

    # ------------------------------------------------------------------- several processes at one film

    def announce(self, production: str, request: RenderRequest) -> bool:
        """Says that a production wants a request rendered, by whoever is free first; False when someone is at it."""
        digest = request.digest
        with self._db.transaction():
            self._db.run(
                "INSERT INTO jobs (digest, request, state) VALUES (?, ?, 'waiting') ON CONFLICT (digest) "
                "DO UPDATE SET state = 'waiting', error = NULL WHERE jobs.state IN ('done', 'failed')",
                (digest, request.model_dump_json()),
            )
            self._db.run(
                "INSERT INTO wanted (production, digest) VALUES (?, ?) ON CONFLICT DO NOTHING", (production, digest)
            )
            (row,) = self._db.rows("SELECT state FROM jobs WHERE digest = ?", (digest,))
        return row["state"] == "waiting"

    def withdraw(self, production: str, digest: str) -> None:
        """The production no longer waits for it."""
        self._db.run("DELETE FROM wanted WHERE production = ? AND digest = ?", (production, digest))

    def waiting(self, production: str) -> list[RenderRequest]:
        """What the production announced and nobody renders, the first announced first."""
        rows = self._db.rows(
            f"SELECT jobs.request, jobs.state, jobs.owner, jobs.lease > {self._db.clock} AS live "
            "FROM wanted JOIN jobs ON jobs.digest = wanted.digest "
            "WHERE wanted.production = ? AND jobs.state IN ('waiting', 'leased') ORDER BY wanted.number",
            (production,),
        )
        free = (row for row in rows if row["state"] == "waiting" or not row["live"] or gone(row["owner"]))
        return [RenderRequest.model_validate_json(row["request"]) for row in free]

    def job(self, digest: str) -> Job | None:
        """Where the job of a request stands."""
        rows = self._db.rows("SELECT state, owner, error FROM jobs WHERE digest = ?", (digest,))
        return Job(rows[0]["state"], rows[0]["owner"], rows[0]["error"]) if rows else None

    @contextmanager
    def lending(self, production: str, hands: int) -> Iterator[None]:
        """Lets a production count on so many renders at a time of this process."""
        self._db.replace(
            "hands",
            ("production", "owner"),
            {"production": production, "owner": self.me, "hands": hands, "lease": 0.0},
        )
        self._say_hands(production)
        with _HOLDING:
            self._lent.add(production)
        self._beat_from_now_on()
        try:
            yield
        finally:
            with _HOLDING:
                self._lent.discard(production)
            self._db.run("DELETE FROM hands WHERE production = ? AND owner = ?", (production, self.me))

    def _say_hands(self, production: str) -> None:
        self._db.run(
            f"UPDATE hands SET lease = {self._db.clock} + ? WHERE production = ? AND owner = ?",
            (self._lease, production, self.me),
        )

    def hands(self, production: str) -> int:
        """How many renders at a time other living processes lend to a production."""
        rows = self._db.rows(
            f"SELECT owner, hands FROM hands WHERE production = ? AND owner <> ? AND lease > {self._db.clock}",
            (production, self.me),
        )
        return sum(row["hands"] for row in rows if not gone(row["owner"]))

    # ------------------------------------------------------------------------------------- record

    def renders(self) -> dict[str, int]:
        """How many times each request's clip was filed."""
        return {row["digest"]: row["renders"] for row in self._db.rows("SELECT digest, renders FROM jobs")}

    def collect(self, dry: bool = False) -> list[str]:
        """Gives back what dead owners left behind: their jobs wait for others. Returns the digests."""
        rows = self._db.rows(
            f"SELECT digest, owner, attempts, lease > {self._db.clock} AS live FROM jobs WHERE state = 'leased'"
        )
        left = [row for row in rows if not row["live"] or gone(row["owner"])]
        for row in () if dry else left:
            self._db.run(
                "UPDATE jobs SET state = 'waiting', owner = NULL, lease = NULL, error = 'its worker died' "
                "WHERE digest = ? AND state = 'leased' AND owner = ? AND attempts = ?",
                (row["digest"], row["owner"], row["attempts"]),
            )
        if not dry:
            self._db.run(f"DELETE FROM hands WHERE lease <= {self._db.clock}")
        return [row["digest"] for row in left]
