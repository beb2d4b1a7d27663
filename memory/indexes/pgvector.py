"""Postgres with the extension pgvector: vectors in a table, compared exactly, found by role, thing and shot.

The filters leave few rows, so no approximate index is made; whoever has millions of keyframes in one role adds one:
`CREATE INDEX ON keyframe_vectors USING hnsw (vector vector_cosine_ops)`, with a size declared for the column.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from kinograph.errors import BadSetting, StorageError, Unreachable
from kinograph.memory.database import Server, connected
from kinograph.memory.indexes import Hit, Rows, Site, Where

if TYPE_CHECKING:
    from psycopg import Connection

SCHEMA = b"""
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE IF NOT EXISTS keyframe_vectors (
  space TEXT NOT NULL, id TEXT NOT NULL, role TEXT NOT NULL, about TEXT NOT NULL, shot TEXT NOT NULL,
  vector vector NOT NULL, PRIMARY KEY (space, id));
CREATE INDEX IF NOT EXISTS keyframe_vectors_of ON keyframe_vectors (space, role, about, shot);
"""
ASKED = b"""
SELECT id, 1 - (vector <=> %(vector)s::vector) AS similarity FROM keyframe_vectors
WHERE space = %(space)s AND (%(role)s::text IS NULL OR role = %(role)s)
  AND (%(about)s::text IS NULL OR about = %(about)s) AND (%(shots)s::text[] IS NULL OR shot = ANY(%(shots)s))
ORDER BY vector <=> %(vector)s::vector LIMIT %(n)s
"""
PUT = b"""
INSERT INTO keyframe_vectors VALUES (%s, %s, %s, %s, %s, %s::vector)
ON CONFLICT (space, id) DO UPDATE
  SET role = excluded.role, about = excluded.about, shot = excluded.shot, vector = excluded.vector
"""


class PgvectorIndex:
    """The rows of one space. The password is what PGPASSWORD or ~/.pgpass say."""

    def __init__(self, site: Site) -> None:
        if "@" in site.address and ":" in site.address.partition("@")[0]:
            raise BadSetting("index = 'pgvector://…' should hold no password; put it in PGPASSWORD or ~/.pgpass")
        self._space, self._url = site.space, f"postgresql://{site.address}"
        self._lock = threading.RLock()
        self._opened: Connection[Any] | None = None

    def put(self, rows: Rows) -> None:
        tags = zip(rows.ids, rows.roles, rows.abouts, rows.shots, rows.vectors, strict=True)
        values = [(self._space, *found, _spelt(vector)) for *found, vector in tags]
        with self._connection() as connection, connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(PUT, values)

    def delete(self, ids: Sequence[str]) -> None:
        which = b"DELETE FROM keyframe_vectors WHERE space = %s AND id = ANY(%s)"
        with self._connection() as connection:
            connection.execute(which, (self._space, list(ids)))

    def query(self, vector: np.ndarray, where: Where, n: int) -> list[Hit]:
        shots = None if where.shots is None else list(where.shots)
        asked = {"role": where.role, "about": where.about, "shots": shots}
        with self._connection() as connection:
            rows = connection.execute(
                ASKED, asked | {"space": self._space, "vector": _spelt(vector), "n": n}
            ).fetchall()
        return [Hit(row["id"], float(row["similarity"])) for row in rows]

    def ids(self) -> set[str]:
        with self._connection() as connection:
            rows = connection.execute(b"SELECT id FROM keyframe_vectors WHERE space = %s", (self._space,)).fetchall()
        return {row["id"] for row in rows}

    def clear(self) -> bool:
        with self._connection() as connection:
            gone = connection.execute(b"DELETE FROM keyframe_vectors WHERE space = %s", (self._space,)).rowcount
        return gone > 0

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                self._opened.close()
            self._opened = None

    @contextmanager
    def _connection(self) -> Iterator[Connection[Any]]:
        import psycopg

        with self._lock:
            try:
                if self._opened is None or self._opened.closed:
                    try:
                        self._opened = connected(Server(self._url))
                    except StorageError as error:
                        raise Unreachable(f"no pgvector index: {error}") from error
                    self._opened.execute(SCHEMA)
                yield self._opened
            except psycopg.OperationalError as error:
                raise Unreachable(f"the index {self._url!r} does not answer: {' '.join(str(error).split())}") from error
            except psycopg.Error as error:
                raise StorageError(f"the index {self._url!r} says no: {' '.join(str(error).split())}") from error


def _spelt(vector: np.ndarray) -> str:
    """A vector as pgvector reads it."""
    return "[" + ",".join(map(repr, np.asarray(vector, np.float32).tolist())) + "]"
