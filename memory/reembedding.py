"""Looking again at what another embedder saw: row by row, so that whoever is stopped goes on where it was."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from kinograph.errors import Damaged
from kinograph.memory import records
from kinograph.memory.embedders import Embedder

AT_ONCE = 16
"""Rows of one transaction: what a kill costs at most."""

Table = Literal["keyframes", "series"]
OWNER: dict[Table, str] = {"keyframes": "production", "series": "series"}


class Stale(NamedTuple):
    """A row whose vector another embedder made."""

    table: Table
    whose: str
    """A production, or a series."""
    id: str
    noun: str


class Renewed(NamedTuple):
    """What looking again came to."""

    done: int
    lost: int
    """Pictures that cannot be looked at any more; their rows stay as they are."""


def stale(
    db: sqlite3.Connection, embedder: str, production: str | None = None, series: str | None = None
) -> list[Stale]:
    """What other embedders than this saw: of one production, of one series, or of all."""
    asked: list[tuple[Table, str | None]] = [("keyframes", production), ("series", series)]
    found = list[Stale]()
    for table, name in asked:
        if name is None and (production, series) != (None, None):
            continue
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is None:
            continue
        owner = OWNER[table]
        rows = db.execute(
            f"SELECT {owner}, id, noun FROM {table} "
            f"WHERE embedder != ? AND {owner} = COALESCE(?, {owner}) ORDER BY 1, 2",
            (embedder, name),
        )
        found += [Stale(table, *row) for row in rows]
    return found


def reembed(
    db: sqlite3.Connection,
    path: Path,
    embedder: Embedder,
    picture: Callable[[str], np.ndarray],
    rows: Sequence[Stale],
    on_progress: Callable[[int], None] = lambda seen: None,
) -> Renewed:
    """Looks at these rows' pictures with `embedder`.

    `picture` gives the frame [H,W,3] uint8 of a digest, or raises Damaged where it is gone. `on_progress` hears how
    many were looked at. Raises StorageError; what was done until then stays done.
    """
    done = 0
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start : start + AT_ONCE]
        seen = [(row, vector) for row in part if (vector := _seen(row, embedder, picture)) is not None]
        done += len(seen)
        with records.transaction(db, path):
            for row, vector in seen:
                db.execute(  # the noun, lest a row that was replaced meanwhile gets the vector of another picture
                    f"UPDATE {row.table} SET embedder = ?, vector = ? WHERE id = ? AND noun = ?",
                    (embedder.name, vector, row.id, row.noun),
                )
        on_progress(start + len(part))
    return Renewed(done, len(rows) - done)


def _seen(row: Stale, embedder: Embedder, picture: Callable[[str], np.ndarray]) -> bytes | None:
    noun = json.loads(row.noun)
    try:
        frame = picture((noun["keyframe"] if row.table == "series" else noun)["picture"])
    except Damaged:
        return None
    return embedder.embed(frame[None])[0].astype("<f4").tobytes()
