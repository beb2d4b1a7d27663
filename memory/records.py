"""The table of keyframes in SQLite: the truth of the vector memory, and how an older one becomes today's."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from kinograph import disk
from kinograph.errors import Damaged
from kinograph.memory import novelty
from kinograph.memory.indexes import Rows
from kinograph.memory.keyframe import Keyframe

SCHEMA = """
CREATE TABLE IF NOT EXISTS keyframes (
  id TEXT PRIMARY KEY, production TEXT NOT NULL, embedder TEXT NOT NULL, shot TEXT NOT NULL,
  role TEXT NOT NULL, about TEXT NOT NULL, noun TEXT NOT NULL, vector BLOB NOT NULL,
  version INTEGER NOT NULL DEFAULT 1);
CREATE INDEX IF NOT EXISTS keyframes_of ON keyframes (production, embedder, role, about);
CREATE TABLE IF NOT EXISTS standing (
  production TEXT NOT NULL, shot TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (production, shot));
CREATE TABLE IF NOT EXISTS thinned (production TEXT NOT NULL, shot TEXT NOT NULL, PRIMARY KEY (production, shot));
"""
VIEWS = """
CREATE INDEX IF NOT EXISTS keyframes_in ON keyframes (production, shot, version);
CREATE VIEW IF NOT EXISTS standing_keyframes AS
  SELECT k.* FROM keyframes k LEFT JOIN standing s ON s.production = k.production AND s.shot = k.shot
  WHERE k.version = COALESCE(s.version, 1);
"""
"""Of a shot that `standing` does not name the first version counts: it was never made again."""


def connect(path: Path) -> sqlite3.Connection:
    """The database of keyframes; one of before there were versions gets them. Raises StorageError or Damaged."""
    db = disk.connect(path, SCHEMA + novelty.SCHEMA)
    if "version" not in _columns(db):
        with transaction(db, path):
            if "version" not in _columns(db):  # another process may have been first
                db.execute("ALTER TABLE keyframes ADD COLUMN version INTEGER NOT NULL DEFAULT 1")
    with disk.storage(path):
        db.executescript(VIEWS)
    return db


def _columns(db: sqlite3.Connection) -> set[str]:
    return {row["name"] for row in db.execute("PRAGMA table_info(keyframes)")}


@contextmanager
def transaction(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All or nothing. Raises StorageError."""
    with disk.storage(path):
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:  # a full disk has rolled it back already
                db.execute("ROLLBACK")
            raise


def write(db: sqlite3.Connection, whose: tuple[str, str], keyframe: Keyframe, vector: np.ndarray) -> None:
    """Adds a keyframe of a production to what an embedder saw (`whose`), or writes it anew."""
    db.execute(
        "INSERT OR REPLACE INTO keyframes (id, production, embedder, shot, role, about, noun, vector, version) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            keyframe.id,
            *whose,
            keyframe.shot,
            keyframe.role,
            keyframe.about,
            keyframe.model_dump_json(),
            vector.astype("<f4").tobytes(),
            keyframe.version,
        ),
    )


def rows_of(
    db: sqlite3.Connection, path: Path, whose: tuple[str, str], size: int, ids: Sequence[str] | None = None
) -> Rows:
    """What counts of a production and embedder, or only these of it, as an index takes it. Raises Damaged."""
    which, values = "WHERE production = ? AND embedder = ?", list(whose)
    if ids is not None:
        # The plus keeps SQLite from going through all of the production's: it is to find these by their id.
        which = "WHERE +production = ? AND +embedder = ? AND id IN (SELECT value FROM json_each(?))"
        values = [*values, json.dumps(list(ids))]
    rows = Rows([], [], [], [], np.empty((0, size), np.float32))
    blobs = list[bytes]()
    tags = (rows.ids, rows.roles, rows.abouts, rows.shots)
    cursor = db.cursor()
    cursor.row_factory = None
    for id, role, about, shot, vector in cursor.execute(
        f"SELECT id, role, about, shot, vector FROM standing_keyframes {which}", values
    ):
        if len(vector) != 4 * size:
            raise Damaged(
                f"{str(path)!r} is damaged: the vector of keyframe {id} is {len(vector)} bytes, not {4 * size}"
            )
        for column, value in zip(tags, (id, role, about, shot), strict=True):
            column.append(value)  # type: ignore[attr-defined]
        blobs.append(vector)
    return rows._replace(vectors=np.frombuffer(b"".join(blobs), "<f4").reshape(-1, size))
