"""The exact index: the vectors of one production in memory, apart by role, so that a filter costs what it leaves.

Nothing of it is on disk, so nothing of it can be damaged, and no neighbour is missed. A million vectors of 128 numbers
are 512 MB, and as much as 300 MB more for what they are found by.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kinograph.memory.indexes import Hit, Rows, Site, Where

GATHER = 3
"""When more than one in so many vectors of a role is asked about, comparing all of them is quicker than picking."""


class ExactIndex:
    """Readers hold the lock while they choose rows and compare without it: a row that is written never changes."""

    def __init__(self, site: Site) -> None:
        self._size = site.size
        self._lock = threading.Lock()
        self._parts: dict[str, _Part] = {}

    def put(self, rows: Rows) -> None:
        vectors = np.asarray(rows.vectors, np.float32).reshape(-1, self._size)
        numbers: dict[str, list[int]] = {}
        for number, role in enumerate(rows.roles):
            numbers.setdefault(role, []).append(number)
        with self._lock:
            self._delete(rows.ids)
            for role, chosen in numbers.items():
                if role not in self._parts:
                    self._parts[role] = _Part(self._size)
                self._parts[role].add(chosen, rows, vectors)

    def delete(self, ids: Sequence[str]) -> None:
        with self._lock:
            self._delete(ids)

    def _delete(self, ids: Sequence[str]) -> None:
        for role, part in self._parts.items():
            part.delete(ids)
            if part.dead > 1024 and part.dead > len(part.row_of):
                self._parts[role] = part.compacted()

    def query(self, vector: np.ndarray, where: Where, n: int) -> list[Hit]:
        with self._lock:
            asked = self._parts.values() if where.role is None else filter(None, [self._parts.get(where.role)])
            chosen = [part.chosen(where) for part in asked]
        found = [hit for one in chosen for hit in one.nearest(np.asarray(vector, np.float32), n)]
        return sorted(found, key=lambda hit: -hit.similarity)[:n]

    def ids(self) -> set[str]:
        with self._lock:
            return {id for part in self._parts.values() for id in part.row_of}

    def clear(self) -> bool:
        with self._lock:
            self._parts = {}
        return False

    def close(self) -> None:
        self.clear()


class _Chosen(NamedTuple):
    """Rows to compare with."""

    vectors: np.ndarray
    ids: list[str]
    rows: np.ndarray | None
    """None for all."""

    def nearest(self, vector: np.ndarray, n: int) -> list[Hit]:
        many, rows = len(self.vectors), self.rows
        if rows is not None and len(rows) * GATHER < many:
            scores = self.vectors[rows] @ vector
        else:
            scores = self.vectors @ vector
            scores = scores if rows is None else scores[rows]
        most = min(n, len(scores))
        if most < 1:
            return []
        best = np.argpartition(scores, len(scores) - most)[-most:]
        best = best[np.argsort(-scores[best], kind="stable")]
        return [Hit(self.ids[int(at if rows is None else rows[at])], float(scores[at])) for at in best]


class _Part:
    """The vectors of one role. What is deleted keeps its row until the part is compacted."""

    def __init__(self, size: int) -> None:
        self.vectors = np.empty((16, size), np.float32)
        self.alive = np.zeros(16, bool)
        self.shot = np.zeros(16, np.int32)
        """Row -> code of its shot."""
        self.ids: list[str] = []
        self.row_of: dict[str, int] = {}
        self.dead = 0
        self._codes: dict[str, int] = {}
        self._of_shot: dict[str, array[int]] = {}
        self._of_about: dict[str, array[int]] = {}

    def add(self, chosen: Sequence[int], rows: Rows, vectors: np.ndarray) -> None:
        """Adds the rows of these numbers."""
        first = len(self.ids)
        self._make_room(first + len(chosen))
        span = slice(first, first + len(chosen))
        self.vectors[span] = vectors if len(chosen) == len(vectors) else vectors[chosen]
        self.shot[span] = [self._codes.setdefault(rows.shots[number], len(self._codes)) for number in chosen]
        self.alive[span] = True
        for row, number in enumerate(chosen, first):
            id = rows.ids[number]
            self.ids.append(id)
            self.row_of[id] = row
            self._of_shot.setdefault(rows.shots[number], array("i")).append(row)
            self._of_about.setdefault(rows.abouts[number], array("i")).append(row)

    def _make_room(self, wanted: int) -> None:
        have = len(self.vectors)
        if wanted <= have:
            return
        room = max(wanted, have + have // 2)
        for name in ("vectors", "alive", "shot"):  # new arrays: readers are at work on the old ones
            old = getattr(self, name)
            new = np.zeros(room, old.dtype) if old.ndim == 1 else np.empty((room, old.shape[1]), old.dtype)
            new[: len(self.ids)] = old[: len(self.ids)]
            setattr(self, name, new)

    def delete(self, ids: Sequence[str]) -> None:
        for id in ids:
            if (row := self.row_of.pop(id, None)) is not None:
                self.alive[row] = False
                self.dead += 1

    def compacted(self) -> _Part:
        """The same without what is deleted."""
        rows = np.array(sorted(self.row_of.values()), np.int64)
        shots, abouts = _inverse(self._of_shot), _inverse(self._of_about)
        fresh = _Part(self.vectors.shape[1])
        told = Rows(
            ids=[self.ids[row] for row in rows],
            roles=[""] * len(rows),
            abouts=[abouts[row] for row in rows],
            shots=[shots[row] for row in rows],
            vectors=self.vectors[rows],
        )
        fresh.add(range(len(rows)), told, told.vectors)
        return fresh

    def chosen(self, where: Where) -> _Chosen:
        """The rows that are asked about, for a comparison that others may write beside."""
        many = len(self.ids)
        rows: np.ndarray | None = None
        if where.about is not None:
            rows = np.array(self._of_about.get(where.about, array("i")), np.int32)
            if where.shots is not None:
                rows = rows[self._wanted(where.shots)[self.shot[rows]]]
        elif where.shots is not None:
            parts = [
                np.array(self._of_shot[shot], np.int32) for shot in dict.fromkeys(where.shots) if shot in self._of_shot
            ]
            rows = np.concatenate(parts) if parts else np.empty(0, np.int32)
        if self.dead:
            rows = np.flatnonzero(self.alive[:many]) if rows is None else rows[self.alive[rows]]
        return _Chosen(self.vectors[:many], self.ids, rows)

    def _wanted(self, shots: Sequence[str]) -> np.ndarray:
        """Code of a shot -> whether it is asked about."""
        wanted = np.zeros(len(self._codes), bool)
        wanted[[self._codes[shot] for shot in shots if shot in self._codes]] = True
        return wanted


def _inverse(rows_of: dict[str, array[int]]) -> dict[int, str]:
    return {row: name for name, rows in rows_of.items() for row in rows}
