"""Chroma in this process: an approximate index in a folder, which outlives the process and may not survive its death.

A process killed while Chroma writes can leave an unreadable index (measured; upstream 7238, 7510), and a path that this
process has opened once cannot be opened anew: so every beginning is a folder of its own, and the older ones go.
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


class ChromaIndex:
    """Keyframes as a collection with role, about and shot for metadata."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.RLock()
        self._opened: Any = None

    def put(self, rows: Rows) -> None:
        with self._told() as collection:
            for start in range(0, len(rows.ids), MOST):
                part = slice(start, start + MOST)
                tags = zip(rows.roles[part], rows.abouts[part], rows.shots[part], strict=True)
                collection.upsert(
                    ids=list(rows.ids[part]),
                    embeddings=np.asarray(rows.vectors[part], np.float32),
                    metadatas=[{"role": role, "about": about, "shot": shot} for role, about, shot in tags],
                )

    def delete(self, ids: Sequence[str]) -> None:
        with self._told() as collection:
            for start in range(0, len(ids), MOST):
                collection.delete(ids=list(ids[start : start + MOST]))

    def query(self, vector: np.ndarray, where: Where, n: int) -> list[Hit]:
        if where.shots is not None and not where.shots:
            return []
        with self._told() as collection:
            answer = collection.query(
                query_embeddings=[np.asarray(vector, np.float32)],
                n_results=n,
                where=_filter(where),
                include=["distances"],
            )
        pairs = zip(answer["ids"][0], answer["distances"][0], strict=True)
        return [Hit(id, 1.0 - float(distance)) for id, distance in pairs]

    def ids(self) -> set[str]:
        with self._told() as collection:
            return set(collection.get(include=[])["ids"])

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

    def _open(self, place: Path | None) -> Any:
        """The collection; by default that of the newest folder. Raises Damaged where there is none."""
        import chromadb
        from chromadb.config import Settings

        if place is None:
            folders = self._folders()
            if not folders or not (folders[-1] / "chroma.sqlite3").is_file():
                raise Damaged(f"there is no index in {str(self._site.folder)!r}")
            place = folders[-1]
        client = chromadb.PersistentClient(str(place), settings=Settings(anonymized_telemetry=False))
        return client.get_or_create_collection(**options(self._site))

    @contextmanager
    def _told(self, place: Path | None = None) -> Iterator[Any]:
        """The collection; what Chroma complains about becomes Damaged, and StorageError where the disk is full."""
        try:
            with self._lock:  # held while opening only: Chroma's own calls may run beside each other
                if self._opened is None:
                    self._opened = self._open(place)
                collection = self._opened
            yield collection
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


def options(site: Site) -> dict[str, Any]:
    """What makes a collection of this site's vectors."""
    return {"name": site.space, "embedding_function": None, "configuration": {"hnsw": {"space": "cosine"}}}


def _filter(where: Where) -> dict[str, Any] | None:
    asked: list[dict[str, Any]] = []
    if where.role is not None:
        asked.append({"role": where.role})
    if where.about is not None:
        asked.append({"about": where.about})
    if where.shots is not None:
        asked.append({"shot": {"$in": list(where.shots)}})
    return {"$and": asked} if len(asked) > 1 else asked[0] if asked else None
