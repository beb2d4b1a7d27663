"""Vector memory of keyframes: SQLite holds records and vectors, Chroma is a rebuildable index over them.

A process killed while Chroma writes can leave an unreadable index (measured; upstream 7238, 7510), so
nothing exists only there: on open the index is compared with the records and probed, and built anew
when it does not answer for exactly them.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from kinograph import disk
from kinograph.errors import Damaged
from kinograph.film import Noun, canonical_json, digest_of
from kinograph.memory.embedders import Embedder

SCHEMA = """
CREATE TABLE IF NOT EXISTS keyframes (
  id TEXT PRIMARY KEY, production TEXT NOT NULL, embedder TEXT NOT NULL, shot TEXT NOT NULL,
  role TEXT NOT NULL, about TEXT NOT NULL, noun TEXT NOT NULL, vector BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS keyframes_of ON keyframes (production, embedder, role, about);
"""

Role = Literal["identity", "setting", "look", "last"]


class Keyframe(Noun):
    """One remembered picture of an accepted take."""

    production: str
    shot: str
    role: Role
    """identity: a character cut out of its shot; setting: the place; look: the style; last: where the shot ended."""
    about: str
    """Character id, setting, look name or shot id."""
    picture: str
    """Digest of the picture in the vault."""
    frame: int
    seen: str = ""
    """Of a character: its colour as it was seen, where that has a plain name; "" in records from before."""

    @property
    def id(self) -> str:
        return digest_of(canonical_json([self.production, self.shot, self.role, self.about, self.frame]))

    @property
    def words(self) -> str:
        """What a model is told that it shows: "identity of c1 in s1.1"."""
        return f"{self.role} of {self.about} in {self.shot}"


class Match(NamedTuple):
    """A remembered keyframe and how much it looks like what was asked about (cosine, -1..1)."""

    keyframe: Keyframe
    similarity: float


class Keyframes:
    """The keyframes of one production. One process owns them at a time (the production's lock)."""

    def __init__(self, path: Path, index: Path, production: str, embedder: Embedder) -> None:
        self.production = production
        self.embedder = embedder
        self.rebuilt = False
        """The index was found damaged or behind and was built anew."""
        self._index = index
        self._lock = threading.RLock()
        self._db = disk.connect(path, SCHEMA)
        self._collection: Any = None

    def close(self) -> None:
        with self._lock:
            self._db.close()
            self._collection = None

    # ----------------------------------------------------------------------------------- writing

    def remember(self, keyframe: Keyframe, frame: np.ndarray) -> None:
        """Keeps a keyframe with the vector of `frame` [H,W,3] uint8; remembering it again changes nothing."""
        vector = self.embedder.embed(frame[None])[0]
        with self._lock:
            with disk.storage(self._index):
                self._db.execute(
                    "INSERT OR REPLACE INTO keyframes VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        keyframe.id,
                        self.production,
                        self.embedder.name,
                        keyframe.shot,
                        keyframe.role,
                        keyframe.about,
                        keyframe.model_dump_json(),
                        vector.astype("<f4").tobytes(),
                    ),
                )
            if self._collection is not None:
                self._put([keyframe], vector[None])

    def renew(self, picture: Callable[[str], np.ndarray]) -> None:
        """Embeds anew what another embedder saw, as after a change of the setting; `picture` gives the frame
        [H,W,3] uint8 of a digest. What cannot be looked at any more (Damaged) stays as it is and is not recalled.
        """
        with self._lock:
            theirs = "SELECT id, noun FROM keyframes WHERE production = ? AND embedder != ?"
            old = self._db.execute(theirs, (self.production, self.embedder.name)).fetchall()
        seen = {}
        for row in old:
            with suppress(Damaged):
                frame = picture(Keyframe.model_validate_json(row["noun"]).picture)
                seen[row["id"], row["noun"]] = self.embedder.embed(frame[None])[0].astype("<f4").tobytes()
        with self._lock, disk.storage(self._index):
            for (id, noun), vector in seen.items():
                change = "UPDATE keyframes SET embedder = ?, vector = ? WHERE id = ? AND noun = ?"
                self._db.execute(change, (self.embedder.name, vector, id, noun))
            if seen:
                self._collection = None  # the index has other vectors now, which opening it finds out

    def forget_shot(self, shot: str) -> None:
        """Drops what a shot left here: its accepted take is accepted no longer."""
        with self._lock, disk.storage(self._index):
            which = "FROM keyframes WHERE production = ? AND shot = ?"
            stale = [row["id"] for row in self._db.execute(f"SELECT id {which}", (self.production, shot))]
            self._db.execute(f"DELETE {which}", (self.production, shot))
            if stale and self._collection is not None:
                self._collection.delete(ids=stale)

    # ----------------------------------------------------------------------------------- reading

    def shots(self) -> set[str]:
        """The shots that left anything here."""
        with self._lock:
            rows = self._db.execute("SELECT DISTINCT shot FROM keyframes WHERE production = ?", (self.production,))
            return {row["shot"] for row in rows}

    def recall(self, role: Role, about: str, shots: tuple[str, ...]) -> list[Keyframe]:
        """The keyframes of one thing, out of these shots only, in the shots' order."""
        with self._lock:
            rows = self._db.execute(
                "SELECT noun FROM keyframes WHERE production = ? AND embedder = ? AND role = ? AND about = ?",
                (self.production, self.embedder.name, role, about),
            ).fetchall()
        found = [Keyframe.model_validate_json(row["noun"]) for row in rows]
        return sorted((k for k in found if k.shot in shots), key=lambda k: (shots.index(k.shot), k.frame))

    def nearest(self, frame: np.ndarray, role: Role, shots: Sequence[str], n: int = 4) -> list[Match]:
        """The keyframes of a role, out of these shots only, that look most like `frame` [H,W,3] uint8, best first."""
        vector = self.embedder.embed(frame[None])[0]
        where = {"$and": [{"role": role}, {"shot": {"$in": list(shots)}}]}
        with self._lock:
            answer = self._open().query(
                query_embeddings=[vector], n_results=n, where=where, include=["metadatas", "distances"]
            )
        return [
            Match(Keyframe.model_validate_json(str(metadata["noun"])), 1.0 - float(distance))
            for metadata, distance in zip(answer["metadatas"][0], answer["distances"][0], strict=True)
        ]

    def records(self) -> list[tuple[Keyframe, np.ndarray]]:
        """Every keyframe of the production with its vector, by id."""
        with self._lock:
            keyframes, vectors = self._records()
        return list(zip(keyframes, vectors, strict=True))

    # ------------------------------------------------------------------------------------- index

    def _records(self) -> tuple[list[Keyframe], np.ndarray]:
        rows = self._db.execute(
            "SELECT noun, vector FROM keyframes WHERE production = ? AND embedder = ? ORDER BY id",
            (self.production, self.embedder.name),
        ).fetchall()
        vectors = np.array([np.frombuffer(row["vector"], "<f4") for row in rows]).reshape(-1, self.embedder.size)
        return [Keyframe.model_validate_json(row["noun"]) for row in rows], vectors

    def _open(self) -> Any:
        if self._collection is None:
            keyframes, vectors = self._records()
            try:
                self._collection = self._healthy(keyframes, vectors)
            except BaseException as error:
                # Chroma's native part panics with a BaseException of its own; anything else rises.
                if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                    raise
                self._collection = None
            if self._collection is None:
                self._rebuild(keyframes, vectors)
        return self._collection

    def _healthy(self, keyframes: list[Keyframe], vectors: np.ndarray) -> Any | None:
        folders = sorted(self._index.glob("*/chroma.sqlite3"))
        if not folders:
            return None
        collection = _client(folders[-1].parent).get_or_create_collection(**self._collection_options())
        if set(collection.get(include=[])["ids"]) != {keyframe.id for keyframe in keyframes}:
            return None
        if keyframes:
            best = collection.query(query_embeddings=[vectors[0]], n_results=1, include=["distances"])
            if not best["ids"][0] or best["distances"][0][0] > 1e-3:
                return None
        return collection

    def _rebuild(self, keyframes: list[Keyframe], vectors: np.ndarray) -> None:
        # A fresh folder each time: Chroma cannot reopen a path that this process has opened before.
        older = sorted(self._index.glob("*/")) if self._index.is_dir() else []
        number = int(older[-1].name) + 1 if older else 0
        self.rebuilt = self.rebuilt or bool(older)
        fresh = disk.folder(self._index / f"{number:06d}")
        try:
            with disk.storage(fresh):
                self._collection = _client(fresh).get_or_create_collection(**self._collection_options())
                self._put(keyframes, vectors)
        except disk.KinographError:
            raise
        except Exception as error:
            raise Damaged(f"the keyframe index in {str(fresh)!r} cannot be built: {error}") from error
        for folder in older:
            shutil.rmtree(folder, ignore_errors=True)

    def _collection_options(self) -> dict[str, Any]:
        return {
            "name": self.embedder.name,
            "embedding_function": None,
            "configuration": {"hnsw": {"space": "cosine"}},
        }

    def _put(self, keyframes: list[Keyframe], vectors: np.ndarray) -> None:
        for start in range(0, len(keyframes), 5000):  # Chroma takes at most 5461 at once
            part = keyframes[start : start + 5000]
            self._collection.upsert(
                ids=[keyframe.id for keyframe in part],
                embeddings=list(vectors[start : start + 5000]),
                metadatas=[
                    {
                        "role": keyframe.role,
                        "about": keyframe.about,
                        "shot": keyframe.shot,
                        "noun": keyframe.model_dump_json(),
                    }
                    for keyframe in part
                ],
            )


def _client(path: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(path), settings=Settings(anonymized_telemetry=False))
