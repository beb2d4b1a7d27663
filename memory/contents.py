"""What is in the database of keyframes, whosever it is, and whether it is as it was written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import ValidationError

from kinograph import disk
from kinograph.film import Noun
from kinograph.memory import records
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.series import SCHEMA, Known


class Entry(Noun):
    """One remembered picture, and of whom."""

    of: Literal["production", "series"]
    whose: str
    """Id of the production, or name of the series."""
    keyframe: Keyframe
    embedder: str
    counts: bool = True
    """It is recalled; no longer what a shot left that was made again."""
    words: str = ""
    """What it shows, as other productions of the series have it too."""


def contents(path: Path, production: str | None = None, series: str | None = None) -> list[Entry]:
    """What is remembered, of one production, of one series or at all; superseded versions too. Raises StorageError."""
    if not path.is_file():
        return []
    with closing(records.connect(path)) as db, disk.database(path):
        db.executescript(SCHEMA)
        every = (production, series) == (None, None)
        found = list(_of_productions(db, production)) if every or production is not None else []
        return found + (list(_of_series(db, series)) if every or series is not None else [])


def _of_productions(db: sqlite3.Connection, production: str | None) -> Iterator[Entry]:
    rows = db.execute(
        "SELECT k.noun, k.embedder, k.version = COALESCE(s.version, 1) AS counts "
        "FROM keyframes k LEFT JOIN standing s ON s.production = k.production AND s.shot = k.shot "
        "WHERE k.production = COALESCE(?, k.production) ORDER BY k.production, k.rowid",
        (production,),
    )
    for row in rows:
        one = Keyframe.model_validate_json(row["noun"])
        counts = bool(row["counts"])
        yield Entry(of="production", whose=one.production, keyframe=one, embedder=row["embedder"], counts=counts)


def _of_series(db: sqlite3.Connection, series: str | None) -> Iterator[Entry]:
    rows = db.execute(
        "SELECT series, noun, embedder FROM series WHERE series = COALESCE(?, series) ORDER BY series, since, place",
        (series,),
    )
    for row in rows:
        known = Known.model_validate_json(row["noun"])
        told = {"keyframe": known.keyframe, "embedder": row["embedder"], "words": known.words}
        yield Entry(of="series", whose=row["series"], **told)


class Torn(Noun):
    """A record that is not as it was written."""

    whose: str
    id: str
    why: str


def torn(path: Path) -> list[Torn]:
    """Looks at every record of productions and series. Raises Damaged for a file that is no database any more."""
    if not path.is_file():
        return []
    with closing(records.connect(path)) as db, disk.database(path):
        db.executescript(SCHEMA)
        found = [Torn(whose="", id="", why=row[0]) for row in db.execute("PRAGMA quick_check") if row[0] != "ok"]
        for table, whose, kind in (("keyframes", "production", Keyframe), ("series", "series", Known)):
            rows = db.execute(f"SELECT {whose} AS whose, id, noun, vector FROM {table}")
            found += [Torn(whose=row["whose"], id=row["id"], why=why) for row in rows if (why := _why(row, kind))]
        return found


def _why(row: sqlite3.Row, kind: type[Keyframe | Known]) -> str:
    """What is wrong with a record; empty when nothing is."""
    try:
        noun = kind.model_validate_json(row["noun"])
    except ValidationError as error:
        return f"it is no {kind.__name__.lower()}: {error.errors()[0]['msg']}"
    if isinstance(noun, Keyframe) and noun.id != row["id"]:
        return "it is filed under the name of another"
    if len(row["vector"]) % 4 or not row["vector"]:
        return f"its vector is {len(row['vector'])} bytes long"
    length = float(np.linalg.norm(np.frombuffer(row["vector"], "<f4")))
    return "" if abs(length - 1) < 1e-3 else f"its vector is {length:.3f} long, not 1"
