"""The index of a production's keyframes at work: opened when it is asked, held to the records, fed with changes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from kinograph.errors import Damaged, KinographError
from kinograph.memory import records
from kinograph.memory.indexes import Hit, Site, VectorIndex, Where, open_index


class Searching:
    """Of what counts of one production, to one embedder. Nothing exists only in the index."""

    def __init__(
        self, db: sqlite3.Connection, path: Path, lock: threading.RLock, whose: tuple[str, str], index: str, site: Site
    ) -> None:
        """`db` at `path` is that of the keyframes and `lock` theirs, `whose` a production and an embedder, `index` what
        a setting names, with vectors of `site`."""
        self.rebuilt = False
        """It was found damaged or behind and was filled anew."""
        self.tell: Callable[[str], None] = lambda words: None
        """Hears in one line what the user should know."""
        self.index: VectorIndex | None = None
        """None until it is asked."""
        self._db, self._path, self._lock = db, path, lock
        self._whose, self._kind, self._site = whose, index, site

    def open(self) -> VectorIndex:
        """The index, which answers for exactly the records when it is opened. Raises as VectorIndex does."""
        if self.index is None:
            opened = open_index(
                self._kind, self._site, lambda: records.rows_of(self._db, self._path, self._whose, self._site.size)
            )
            self.index = opened.searched
            if opened.repaired:
                self.rebuilt = True
                self.tell(
                    f"the {self._kind} index of {self._whose[0]}'s keyframes was damaged or behind and is made anew"
                )
        return self.index

    def drop(self) -> None:
        """Closes it; it is held to the records when it is asked again."""
        if self.index is not None:
            self.index.close()
        self.index = None

    def check(self) -> bool:
        """Holds the index to the records; whether it had to be filled anew. Raises as VectorIndex does."""
        with self._lock:
            self.drop()
            self.rebuilt = False
            self.open()
            return self.rebuilt

    def nearest(self, vector: np.ndarray, where: Where, n: int) -> list[Hit]:
        """Those most like what made a vector `[size]`, best first; one that breaks meanwhile is made anew and asked
        once more. Raises as VectorIndex does."""
        with self._lock:
            index = self.open()
        try:
            return index.query(vector, where, n)
        except Damaged:
            with self._lock:
                self.drop()
                index = self.open()
            return index.query(vector, where, n)

    @contextmanager
    def following(self, shots: set[str]) -> Iterator[None]:
        """Within, what is kept of these shots changes and is committed; the index follows."""
        before = self._vectors_of(shots) if self.index is not None else {}
        yield
        if self.index is None:
            return
        after = self._vectors_of(shots)
        try:
            if gone := [id for id in before if id not in after]:
                self.index.delete(gone)
            new = [id for id, vector in after.items() if before.get(id) != vector]
            if new:
                self.index.put(records.rows_of(self._db, self._path, self._whose, self._site.size, ids=new))
        except KinographError:
            self.drop()  # what was written counts; an index that missed it is held to it when it is asked

    def _vectors_of(self, shots: set[str]) -> dict[str, bytes]:
        # The plus keeps SQLite from going through all of the production's: it is to find these by their shot.
        which = "SELECT id, vector FROM standing_keyframes WHERE production = ? AND +embedder = ? AND shot = ?"
        return {
            row["id"]: row["vector"] for shot in sorted(shots) for row in self._db.execute(which, (*self._whose, shot))
        }
