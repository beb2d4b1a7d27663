"""Chroma in this process: an approximate index in a folder, which outlives the process and may not survive its death.

A process killed while Chroma writes can leave an unreadable index (measured; upstream 7238, 7510), and a path that this
process has opened once cannot be opened anew: so every beginning is a folder of its own, and the older ones go.

A filter makes Chroma go through the metadata of a whole collection, in SQLite, so that it costs by what is there and
not by what is asked about. Nearly all questions are about one role: each role is a collection.

Readers and the writer still wait for each other, at the rollback journal of Chroma's SQLite file. A write-ahead log
there halves that, but maps a file into memory: where that file is damaged the process dies of SIGBUS instead of making
the index anew (tried, seen). Whoever reads much beside a writer is better off with the exact index.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from kinograph import disk
from kinograph.errors import Damaged, KinographError, StorageError
from kinograph.memory.indexes import Hit, Rows, Site, Where

MOST = 5000
"""Rows of one call: Chroma takes at most 5461."""


class Parts:
    """The collections of one index: one for each role that there is."""

    def __init__(self, client: Any, site: Site) -> None:
        self._client, self._site, self._lock = client, site, threading.Lock()
        named = {str(one.name): one for one in client.list_collections()}
        self._parts = {name.removeprefix(self._name("")): one for name, one in named.items() if self._mine(name)}

    def _name(self, role: str) -> str:
        return f"{self._site.space}-of-{role}"

    def _mine(self, name: str) -> bool:
        return name.startswith(self._name(""))

    def of(self, role: str | None) -> list[Any]:
        """The collection of a role, if there is one, or all."""
        with self._lock:
            return [part for name, part in self._parts.items() if role in (None, name)]

    def made(self, role: str) -> Any:
        """The collection of a role, which is made where there is none."""
        with self._lock:
            if role not in self._parts:
                how = {"embedding_function": None, "configuration": {"hnsw": {"space": "cosine"}}}
                self._parts[role] = self._client.get_or_create_collection(self._name(role), **how)
            return self._parts[role]

    def emptied(self) -> bool:
        """Deletes all of them, and what an earlier version kept under the plain name; whether there was anything."""
        with self._lock:
            gone = [one.name for one in self._client.list_collections() if self._mine(one.name)]
            gone += [one.name for one in self._client.list_collections() if one.name == self._site.space]
            for name in gone:
                self._client.delete_collection(name)
            self._parts = {}
            return bool(gone)


class ChromaIndex:
    """Keyframes as a collection for each role, with about and shot for metadata."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.RLock()
        self._opened: Parts | None = None

    def put(self, rows: Rows) -> None:
        numbers: dict[str, list[int]] = {}
        for number, role in enumerate(rows.roles):
            numbers.setdefault(role, []).append(number)
        with self._told() as opened:
            for role, chosen in numbers.items():
                for start in range(0, len(chosen), MOST):
                    part = chosen[start : start + MOST]
                    opened.made(role).upsert(
                        ids=[rows.ids[at] for at in part],
                        embeddings=np.asarray(rows.vectors[part], np.float32),
                        metadatas=[{"about": rows.abouts[at], "shot": rows.shots[at]} for at in part],
                    )

    def delete(self, ids: Sequence[str]) -> None:
        with self._told() as opened:
            for start in range(0, len(ids), MOST):
                for collection in opened.of(None):
                    asked = list(ids[start : start + MOST])
                    if there := collection.get(ids=asked, include=[])["ids"]:  # quicker than deleting what is not there
                        collection.delete(ids=there)

    def query(self, vector: np.ndarray, where: Where, n: int) -> list[Hit]:
        if where.shots is not None and not where.shots:
            return []
        hits = list[Hit]()
        with self._told() as opened:
            for collection in opened.of(where.role):
                answer = collection.query(
                    query_embeddings=[np.asarray(vector, np.float32)],
                    n_results=n,
                    where=_filter(where),
                    include=["distances"],
                )
                pairs = zip(answer["ids"][0], answer["distances"][0], strict=True)
                hits += [Hit(id, 1.0 - float(distance)) for id, distance in pairs]
        return sorted(hits, key=lambda hit: -hit.similarity)[:n]

    def ids(self) -> set[str]:
        with self._told() as opened:
            return {id for collection in opened.of(None) for id in collection.get(include=[])["ids"]}

    def clear(self) -> bool:
        with self._lock:
            older = self._folders()
            fresh = self._site.folder / f"{int(older[-1].name) + 1 if older else 0:06d}"
            disk.folder(fresh)
            self._opened = None
            with self._told(fresh):
                pass  # it is made while it is opened
            for folder in older:
                shutil.rmtree(folder, ignore_errors=True)
            return bool(older)

    def close(self) -> None:
        with self._lock:
            self._opened = None

    def _folders(self) -> list[Path]:
        return sorted(path for path in self._site.folder.glob("*/") if path.name.isdigit())

    def _open(self, place: Path | None) -> Parts:
        """The collections; by default those of the newest folder. Raises Damaged where there is none."""
        import chromadb
        from chromadb.config import Settings

        if place is None:
            folders = self._folders()
            if not folders or not (folders[-1] / "chroma.sqlite3").is_file():
                raise Damaged(f"there is no index in {str(self._site.folder)!r}")
            place = folders[-1]
        client = chromadb.PersistentClient(str(place), settings=Settings(anonymized_telemetry=False))
        return Parts(client, self._site)

    @contextmanager
    def _told(self, place: Path | None = None) -> Iterator[Parts]:
        """The collections; what Chroma complains about becomes Damaged, and StorageError where the disk is full."""
        try:
            with self._lock:  # held while opening only: Chroma's own calls may run beside each other
                if self._opened is None:
                    self._opened = self._open(place)
                opened = self._opened
            yield opened
        except KinographError:
            raise
        except BaseException as error:
            # Chroma's native part panics with a BaseException of its own; anything else that is no Exception rises.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise self._complaint(error) from error

    def _complaint(self, error: BaseException) -> KinographError:
        words = " ".join(str(error).split())[:200]
        if isinstance(error, OSError):
            return disk.storage_error(self._site.folder, error)
        if "disk is full" in words or "No space left" in words or "disk I/O error" in words:
            return StorageError(f"cannot write {str(self._site.folder)!r}: {words}")
        return Damaged(f"the keyframe index in {str(self._site.folder)!r} cannot be used: {words}")


def _filter(where: Where) -> dict[str, Any] | None:
    asked: list[dict[str, Any]] = []
    if where.about is not None:
        asked.append({"about": where.about})
    if where.shots is not None:
        asked.append({"shot": {"$in": list(where.shots)}})
    return {"$and": asked} if len(asked) > 1 else asked[0] if asked else None
