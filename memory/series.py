"""What productions of one series know of each other: pictures of their casts and places, in the keyframes' database.

A series is a name that the user gives; it is data, compared letter by letter, never a path. What one series holds no
other can see, and a production that names none sees nothing.
"""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kinograph import disk
from kinograph.errors import BadSetting
from kinograph.film import Noun, TimeOfDay, canonical_json, digest_of
from kinograph.memory.keyframe import Keyframe

SCHEMA = """
CREATE TABLE IF NOT EXISTS series (
  id TEXT PRIMARY KEY, series TEXT NOT NULL, story TEXT NOT NULL, embedder TEXT NOT NULL,
  since INTEGER NOT NULL, place INTEGER NOT NULL, noun TEXT NOT NULL, vector BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS series_of ON series (series, story);
"""


class Known(Noun):
    """A keyframe that outlives its production, and what it shows in words that other productions have too."""

    keyframe: Keyframe
    story: str
    """The production, or the session whose versions replace each other."""
    kind: str = ""
    """Of a character; empty for a place."""
    color: str | None = None
    words: str
    """How a prompt names the character, or the place."""
    time: TimeOfDay = "day"
    look: str = ""
    quality: float

    @property
    def figure(self) -> tuple[str, str]:
        """What makes a character the same one in another film."""
        return figure(self.kind, self.color, self.words)


def figure(kind: str, color: str | None, words: str) -> tuple[str, str]:
    """Who somebody is, whatever the film: by name where the words have one ("Rosa, a girl"), else kind and colour."""
    name = by_name(kind, words)
    return (name, "") if name and name != color else (kind, color or "")


def by_name(kind: str, words: str) -> str:
    """The name in the words for somebody, in small letters; "" for one who has none."""
    first = re.match(r"[^\W\d_]+", words)
    plain = first[0].casefold() if first else ""
    return plain if first and first[0][0].isupper() and plain not in (*kind.lower().split(), "a", "an", "the") else ""


class Pictured(NamedTuple):
    """Something known and the vector of its picture."""

    known: Known
    vector: np.ndarray


class Series:
    """The memory of one series. Safe for threads, and for several processes.

    What shares it must see alike: vectors of another embedder are refused, with the command that makes them anew.
    """

    def __init__(self, path: Path, name: str, embedder: str | None) -> None:
        """`embedder` is the name of what makes vectors now; None for who only looks at what is known."""
        self.name = name
        self._embedder = embedder
        self._path = path
        self._lock = threading.Lock()
        self._db = disk.connect(path, SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def known(self, without: str = "") -> list[Pictured]:
        """Everything remembered but that of one story: the story that was told first comes first.

        Raises BadSetting where another embedder saw any of it.
        """
        with self._lock:
            rows = self._db.execute(
                "SELECT noun, vector, embedder FROM series WHERE series = ? AND story != ? ORDER BY since, place",
                (self.name, without),
            ).fetchall()
        if others := [row[2] for row in rows if row[2] != self._embedder]:
            self._refuse(len(others), others[0])
        return [Pictured(Known.model_validate_json(row[0]), np.frombuffer(row[1], "<f4")) for row in rows]

    def _refuse(self, many: int, embedder: str) -> None:
        if self._embedder is not None:
            raise BadSetting(
                f"{many} pictures of the series {self.name!r} are remembered by {embedder!r}, not by "
                f"{self._embedder!r}; set embedder back, or have them looked at anew: "
                f"kinograph memory reembed --series {shlex.quote(self.name)}"
            )

    def keep(self, story: str, pictures: Sequence[Pictured]) -> None:
        """These are what a story leaves, in place of all that it left before: all or nothing. Raises StorageError."""
        assert self._embedder is not None, "whoever keeps pictures knows what made their vectors"
        with self._lock, disk.storage(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                since = self._db.execute(
                    "SELECT COALESCE(MIN(CASE WHEN story = ? THEN since END), MAX(since) + 1, 0) FROM series "
                    "WHERE series = ?",
                    (story, self.name),
                ).fetchone()[0]
                self._db.execute("DELETE FROM series WHERE series = ? AND story = ?", (self.name, story))
                for place, (known, vector) in enumerate(pictures):
                    self._db.execute(
                        "INSERT OR REPLACE INTO series VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                        (
                            self._id(known),
                            self.name,
                            story,
                            self._embedder,
                            since,
                            place,
                            known.model_dump_json(),
                            vector.tobytes(),
                        ),
                    )
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def forget(self, pictures: Sequence[Known]) -> None:
        """Drops single pictures, whatever story left them: all or nothing. Raises StorageError."""
        gone = [(self._id(one),) for one in pictures]
        with self._lock, disk.storage(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany("DELETE FROM series WHERE id = ?", gone)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _id(self, known: Known) -> str:
        return digest_of(canonical_json([self.name, known.story, known.keyframe.id, known.words]))


def names(path: Path) -> list[str]:
    """All series that anything is known of."""
    if not path.is_file():
        return []
    database = disk.connect(path, SCHEMA)
    try:
        return [row[0] for row in database.execute("SELECT DISTINCT series FROM series ORDER BY series")]
    finally:
        database.close()
