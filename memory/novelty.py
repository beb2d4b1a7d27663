"""Novelty: how little alike two pictures must be, to an embedder, for one to show something new; learnt from takes.

Embedders differ in scale: within a take cosines of one come to 0.95, of another to 0.99. What one take shows of a
subject sets the measure: a picture is new where it is less like what is known than nearly every picture of a take is
like the one nearest to it in that take. By that rule the pixel embedder comes to 0.933 where 0.94 was chosen by eye.
A production keeps the novelty that it began with: what it remembers must not depend on what else was filmed meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np

PLAIN = 0.94
"""Cosine likeness from which a picture shows nothing new, of an embedder of which too little is known."""
FIXED = {"pixels": PLAIN, "storyworld-clip": PLAIN}
"""Family of an embedder that everybody has -> its novelty, which was chosen by eye and is never learnt."""
QUANTILE = 0.05
"""Share of the pictures of takes that are less like the nearest one of their take."""
LEAST = 24
"""Takes, each of one subject, from which it is learnt."""
MOST = 400
"""Takes that are kept for that, of an embedder: the latest."""
SAME = 0.999
"""No novelty is more: takes in which nothing moves would have noise be new."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS steadiness (
  number INTEGER PRIMARY KEY AUTOINCREMENT, embedder TEXT NOT NULL, production TEXT NOT NULL, shot TEXT NOT NULL,
  about TEXT NOT NULL, likeness BLOB NOT NULL, UNIQUE (embedder, production, shot, about));
CREATE TABLE IF NOT EXISTS novelty (
  production TEXT NOT NULL, embedder TEXT NOT NULL, value REAL NOT NULL, PRIMARY KEY (production, embedder));
"""


def fixed(embedder: str) -> float | None:
    """The novelty of an embedder that everybody has; None for one that learns it."""
    return FIXED.get(embedder.rpartition("-")[0])


def steadiness(vectors: np.ndarray) -> np.ndarray:
    """How much each picture of a take is like the one nearest to it, `[N]`; of `[N,size]`, rows of length 1, N >= 2."""
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -1.0)
    return alike.max(axis=1)


def learnt(takes: Sequence[np.ndarray]) -> float:
    """The novelty that takes' steadiness comes to."""
    if len(takes) < LEAST:
        return PLAIN
    seen = np.quantile(np.concatenate(takes), QUANTILE, method="lower")  # one that was seen, whatever the scale
    return min(SAME, float(seen))


# ----------------------------------------------------------------------------- in the keyframes' database


def note(db: sqlite3.Connection, whose: tuple[str, str], shot: str, about: str, alike: np.ndarray) -> None:
    """Keeps what a take of a production showed an embedder (`whose`) of a subject; the oldest takes are forgotten."""
    (production, embedder), blob = whose, alike.astype("<f4").tobytes()
    db.execute(
        "INSERT OR REPLACE INTO steadiness (embedder, production, shot, about, likeness) VALUES (?, ?, ?, ?, ?)",
        (embedder, production, shot, about, blob),
    )
    latest = "SELECT number FROM steadiness WHERE embedder = ? ORDER BY number DESC LIMIT ?"
    db.execute(f"DELETE FROM steadiness WHERE embedder = ? AND number NOT IN ({latest})", (embedder, embedder, MOST))


def begun_with(db: sqlite3.Connection, whose: tuple[str, str]) -> float:
    """The novelty of a production and embedder: the one that it was first asked for with."""
    production, embedder = whose
    rows = db.execute("SELECT likeness FROM steadiness WHERE embedder = ?", (embedder,))
    value = learnt([np.frombuffer(row["likeness"], "<f4") for row in rows])
    db.execute("INSERT OR IGNORE INTO novelty VALUES (?, ?, ?)", (production, embedder, value))
    which = "SELECT value FROM novelty WHERE production = ? AND embedder = ?"
    return float(db.execute(which, (production, embedder)).fetchone()["value"])
