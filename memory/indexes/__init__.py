"""Vector indexes: which keyframes look most like a picture, out of those that are asked about.

The records in SQLite are the truth and an index is only as good as what it answers: it is held to the records when it
is opened, and filled anew when it does not answer for exactly them. A setting names one: `exact`, `chroma`,
`chroma-server://host:port`, `pgvector://user@host/database`. Adding one is a file here and a line in INDEXES: any store
of vectors with a filter (Qdrant, Milvus, LanceDB) fits behind the six methods, with `Site.space` for its collection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from kinograph.errors import BadSetting, Damaged, UnknownName

INDEXES = {
    "exact": "kinograph.memory.indexes.exact:ExactIndex",
    "chroma": "kinograph.memory.indexes.chroma:ChromaIndex",
    "chroma-server": "kinograph.memory.indexes.chroma_server:ChromaServerIndex",
    "pgvector": "kinograph.memory.indexes.pgvector:PgvectorIndex",
}
ADDRESSED = ("chroma-server", "pgvector")
"""Those that are elsewhere, so that a setting says where."""
ALIKE = 1 - 1e-3
"""Cosine of a vector and itself, as an index must answer it at least."""


class Site(NamedTuple):
    """Where an index keeps what it keeps."""

    folder: Path
    """Its own; it need not exist yet."""
    space: str
    """Names the vectors, letters, digits and dashes: those of one production and one embedder."""
    size: int
    """Length of a vector."""
    address: str = ""
    """What the setting says after ://."""


class Rows(NamedTuple):
    """Vectors, and what they are found by, in the same order."""

    ids: Sequence[str]
    """What has an id has one role, whatever else of it changes."""
    roles: Sequence[str]
    abouts: Sequence[str]
    shots: Sequence[str]
    vectors: np.ndarray
    """`[N,size]` float32, each row of length 1."""


class Where(NamedTuple):
    """Which keyframes are asked about; None asks about all."""

    role: str | None = None
    about: str | None = None
    """One character, place or look."""
    shots: Sequence[str] | None = None


class Hit(NamedTuple):
    """The id of a keyframe, and how much it looks like what was asked about (cosine, -1..1)."""

    id: str
    similarity: float


class VectorIndex(Protocol):
    """Made with a Site; opens nothing before the first call. Safe for threads: many may query while one writes.

    Raises Damaged where it cannot be read any more (it will be cleared and filled anew), StorageError where the disk
    takes nothing, Unreachable where another machine does not answer.
    """

    def put(self, rows: Rows) -> None:
        """Adds rows, in place of those with the same ids. They are found as soon as this returns."""
        ...

    def delete(self, ids: Sequence[str]) -> None:
        """Forgets rows; ids that are not there are nothing."""
        ...

    def query(self, vector: np.ndarray, where: Where, n: int) -> list[Hit]:
        """The n nearest of those asked about, best first; fewer where there are fewer. `vector` is `[size]` float32."""
        ...

    def ids(self) -> set[str]:
        """What it answers for."""
        ...

    def clear(self) -> bool:
        """Begins anew and empty, whatever state it is in; whether there was anything before."""
        ...

    def close(self) -> None: ...


class Opened(NamedTuple):
    """An index that answers for exactly the records."""

    searched: VectorIndex
    repaired: bool
    """It was there and did not: it was filled anew."""


def named(setting: str) -> tuple[str, str]:
    """Name and address of the index that a setting means. Raises UnknownName or BadSetting."""
    name, colon, address = setting.partition("://")
    if name not in INDEXES:
        raise UnknownName("index", name, INDEXES)
    if (name in ADDRESSED) != bool(colon and address):
        raise BadSetting(f"index = {setting!r}; it is {name}{'://host:port' if name in ADDRESSED else ' alone'}")
    return name, address


def open_index(setting: str, site: Site, records: Callable[[], Rows]) -> Opened:
    """The index that a setting means, answering for exactly the records. Raises as `named` and VectorIndex do."""
    name, address = named(setting)
    module, _, attribute = INDEXES[name].partition(":")
    index: VectorIndex = getattr(import_module(module), attribute)(site._replace(address=address))
    rows = records()
    try:
        if answers(index, rows):
            return Opened(index, False)
        had = index.clear()
        index.put(rows)
    except BaseException:
        index.close()
        raise
    return Opened(index, had)


def answers(index: VectorIndex, rows: Rows) -> bool:
    """Whether an index has exactly these ids, and finds some of these vectors when it is asked for them."""
    try:
        if index.ids() != set(rows.ids):
            return False
        for number in {0, len(rows.ids) // 2, len(rows.ids) - 1} if rows.ids else ():
            best = index.query(rows.vectors[number], Where(), 1)
            if not best or best[0].similarity < ALIKE:
                return False
    except Damaged:
        return False
    return True
