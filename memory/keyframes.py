"""Vector memory of keyframes: SQLite holds records and vectors, an index over them finds what looks alike.

Nothing exists only in the index (`indexes/`): it is compared with the records and probed when it is opened, and filled
anew when it does not answer for exactly them. What a shot left is kept in versions, of which one counts: making a shot
again supersedes what it left before, and `rollback` has an earlier version count again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import numpy as np

from kinograph.film import canonical_json, digest_of
from kinograph.memory import novelty, records
from kinograph.memory.embedders import Embedder
from kinograph.memory.indexes import Hit, Site, Where
from kinograph.memory.keyframe import Keyframe, Left, Match, Role
from kinograph.memory.owners import host
from kinograph.memory.reembedding import reembed, stale
from kinograph.memory.searching import Searching
from kinograph.memory.versions import Versions


class Keyframes:
    """The keyframes of one production. One process owns them at a time (the production's lock); its threads share them,
    and those that ask compare beside the one that writes."""

    def __init__(self, path: Path, folder: Path, production: str, embedder: Embedder, index: str = "exact") -> None:
        """`path` is the database of all productions, `folder` the index's own, `index` names one as a setting does."""
        self.production = production
        self.embedder = embedder
        self.tell: Callable[[str], None] = lambda words: None
        """Hears in one line what the user should know."""
        self._path = path
        self._lock = threading.RLock()
        self._db = records.connect(path)
        self._versions = Versions(self._db, production)
        space = digest_of(canonical_json([host(), str(path), production, embedder.name]))
        site = Site(folder, f"kinograph-{space}", embedder.size)
        self._index = Searching(self._db, path, self._lock, self._whose, index, site)
        self._index.tell = lambda words: self.tell(words)

    def close(self) -> None:
        with self._lock:
            self._index.drop()
            self._db.close()

    # ----------------------------------------------------------------------------------- writing

    def remember(self, keyframe: Keyframe, frame: np.ndarray) -> Keyframe:
        """Adds a keyframe with the vector of `frame` [H,W,3] uint8 to what counts of its shot; remembering it again
        changes nothing. Returns it with its version. Raises StorageError; then nothing is kept of it."""
        vector = self.embedder.embed(frame[None])[0]
        with self._changing({keyframe.shot}):
            version = self._versions.standing(keyframe.shot)
            if version == 0:
                version = self._versions.newest(keyframe.shot) + 1
                self._versions.stand({keyframe.shot: version})
            kept = keyframe.changed(version=version)
            records.write(self._db, self._whose, kept, vector)
        return kept

    def replace(self, shot: str, pictures: Sequence[tuple[Keyframe, np.ndarray]]) -> tuple[Keyframe, ...]:
        """These, with frames [H,W,3] uint8, are what counts of a shot from now on: a new version, all or nothing.

        The same as a version that there is makes that one count again. Raises StorageError; then all is as before.
        """
        vectors = [self.embedder.embed(frame[None])[0] for _, frame in pictures]
        with self._changing({shot}):
            self._versions.make_whole(shot)
            plain = _plain([keyframe for keyframe, _ in pictures])
            known = [left for left in self._versions.of(shot) if _plain(left.keyframes) == plain]
            version = max((left.version for left in known), default=self._versions.newest(shot) + 1)
            kept = tuple(keyframe.changed(version=version) for keyframe, _ in pictures)
            for keyframe, vector in zip(kept, vectors, strict=True):
                records.write(self._db, self._whose, keyframe, vector)
            self._versions.stand({shot: version})
        return kept

    def forget_shot(self, shot: str) -> None:
        """Nothing that a shot left counts any more: its accepted take is accepted no longer."""
        with self._changing({shot}):
            if self._versions.newest(shot):
                self._versions.stand({shot: 0})

    def drop(self, keyframes: Sequence[Keyframe]) -> int:
        """Forgets single keyframes for good, whatever version they are of; how many there were. Raises StorageError."""
        with self._changing({one.shot for one in keyframes}):
            return sum(self._db.execute("DELETE FROM keyframes WHERE id = ?", (one.id,)).rowcount for one in keyframes)

    def thin(self, keyframes: Sequence[Keyframe]) -> int:
        """Forgets single keyframes, to save room: their shots are `thinned` until they are remembered again, which the
        takes allow at any time. How many there were. Raises StorageError."""
        with self._lock:
            self._index.open()  # lest an index that is kept somewhere is found to be behind
        shots = {one.shot for one in keyframes}
        with self._changing(shots):
            marks = [(self.production, shot) for shot in sorted(shots)]
            self._db.executemany("INSERT OR IGNORE INTO thinned VALUES (?, ?)", marks)
            return sum(self._db.execute("DELETE FROM keyframes WHERE id = ?", (one.id,)).rowcount for one in keyframes)

    def thinned(self) -> set[str]:
        """The shots of which something was forgotten to save room."""
        with self._lock:
            rows = self._db.execute("SELECT shot FROM thinned WHERE production = ?", (self.production,))
            return {row["shot"] for row in rows}

    def learn(self, shot: str, about: str, vectors: np.ndarray) -> None:
        """Has the novelty of productions to come follow from what a take shows of a subject, `[N,size]`, rows of length
        1. Raises StorageError."""
        if novelty.fixed(self.embedder.name) is None and len(vectors) > 1:
            with self._lock, records.transaction(self._db, self._path):
                novelty.note(self._db, self._whose, shot, about, novelty.steadiness(vectors))

    @property
    def novelty(self) -> float:
        """Cosine likeness to what is known from which a picture shows nothing new, to this embedder: the same for all
        of the production."""
        if (value := novelty.fixed(self.embedder.name)) is not None:
            return value
        with self._lock, records.transaction(self._db, self._path):
            return novelty.begun_with(self._db, self._whose)

    def renew(self, picture: Callable[[str], np.ndarray]) -> None:
        """Embeds anew what another embedder saw, as after a change of the setting; `picture` gives the frame
        [H,W,3] uint8 of a digest. What cannot be looked at any more (Damaged) stays as it is and is not recalled.
        """
        with self._lock:
            if (old := stale(self._db, self.embedder.name, production=self.production)) and reembed(
                self._db, self._path, self.embedder, picture, old
            ).done:
                self._index.drop()  # it has other vectors now, which opening it finds out

    # ---------------------------------------------------------------------------------- versions

    def versions(self, shot: str) -> list[Left]:
        """All that a shot left, the oldest first."""
        with self._lock:
            return self._versions.of(shot)

    def standing(self) -> dict[str, int]:
        """Shot -> the version that counts; those of which nothing counts are not in it. To be kept and restored."""
        with self._lock:
            return self._versions.all_standing()

    def rollback(self, shot: str, version: int) -> None:
        """Has an earlier version of what a shot left count again. Raises UnknownName."""
        with self._lock:
            self._versions.must_have(shot, version)
            with self._changing({shot}):
                self._versions.stand({shot: version})

    def restore(self, standing: Mapping[str, int]) -> None:
        """Has exactly these versions count, as `standing` told them once; of other shots nothing. All or nothing.

        Raises UnknownName for a version that there is not, StorageError.
        """
        with self._lock:
            for shot, version in standing.items():
                self._versions.must_have(shot, version)
            now = self.standing()
            change = {shot: standing.get(shot, 0) for shot in now.keys() | standing.keys()}
            change = {shot: version for shot, version in change.items() if now.get(shot, 0) != version}
            with self._changing(set(change)):
                self._versions.stand(change)

    def prune(self, kept: Sequence[Mapping[str, int]] = ()) -> int:
        """Deletes the versions that neither count nor are in any of `kept`; how many keyframes that were."""
        with self._changing(set()):
            return self._versions.prune(kept)

    @contextmanager
    def _changing(self, shots: set[str]) -> Iterator[None]:
        """A transaction over what is kept of these shots; the index follows once it is committed."""
        with self._lock, self._index.following(shots), records.transaction(self._db, self._path):
            yield

    @property
    def _whose(self) -> tuple[str, str]:
        return self.production, self.embedder.name

    # ----------------------------------------------------------------------------------- reading

    def shots(self) -> set[str]:
        """The shots of which anything counts here."""
        return set(self.standing())

    def recall(self, role: Role, about: str, shots: tuple[str, ...]) -> list[Keyframe]:
        """The keyframes of one thing, out of these shots only, in the shots' order; of a shot the best view first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT noun FROM standing_keyframes WHERE production = ? AND embedder = ? AND role = ? AND about = ?",
                (*self._whose, role, about),
            ).fetchall()
        found = [Keyframe.model_validate_json(row["noun"]) for row in rows]
        place = dict(zip(shots, count(), strict=False))
        return sorted((k for k in found if k.shot in place), key=lambda k: (place[k.shot], k.view, k.frame))

    def vectors(self, keyframes: Sequence[Keyframe]) -> np.ndarray:
        """`[N,size]` float32, a row for each of those that are kept, in their order."""
        marks = ", ".join("?" * len(keyframes))
        with self._lock:
            which = f"SELECT id, vector FROM keyframes WHERE id IN ({marks})"
            rows = {row["id"]: row["vector"] for row in self._db.execute(which, [one.id for one in keyframes])}
        found = [np.frombuffer(rows[one.id], "<f4") for one in keyframes if one.id in rows]
        return np.stack(found) if found else np.empty((0, self.embedder.size), np.float32)

    def nearest(self, frame: np.ndarray, role: Role, shots: Sequence[str], n: int = 4) -> list[Match]:
        """The keyframes of a role, out of these shots only, that look most like `frame` [H,W,3] uint8, best first."""
        return self.search(self.embedder.embed(frame[None])[0], Where(role, None, shots), n)

    def search(self, vector: np.ndarray, where: Where, n: int = 4) -> list[Match]:
        """The keyframes that look most like what made a vector, out of those that are asked about, best first."""
        return self._matches(self._index.nearest(vector, where, n))

    def _matches(self, hits: Sequence[Hit]) -> list[Match]:
        marks = ", ".join("?" * len(hits))
        with self._lock:
            rows = self._db.execute(f"SELECT id, noun FROM keyframes WHERE id IN ({marks})", [hit.id for hit in hits])
            nouns = {row["id"]: row["noun"] for row in rows}
        known = [hit for hit in hits if hit.id in nouns]  # a writer beside may have dropped one since
        return [Match(Keyframe.model_validate_json(nouns[hit.id]), hit.similarity) for hit in known]

    def records(self) -> list[tuple[Keyframe, np.ndarray]]:
        """Every keyframe of the production that counts, with its vector, by id."""
        with self._lock:
            rows = self._db.execute(
                "SELECT noun, vector FROM standing_keyframes WHERE production = ? AND embedder = ? ORDER BY id",
                self._whose,
            ).fetchall()
        return [(Keyframe.model_validate_json(row["noun"]), np.frombuffer(row["vector"], "<f4")) for row in rows]

    @property
    def rebuilt(self) -> bool:
        """The index was found damaged or behind and was filled anew."""
        return self._index.rebuilt

    def check(self) -> bool:
        """Holds the index to the records; whether it had to be filled anew. Raises as VectorIndex does."""
        return self._index.check()


def _plain(keyframes: Sequence[Keyframe]) -> set[str]:
    """What was seen, whichever version it is."""
    return {keyframe.changed(version=1).model_dump_json() for keyframe in keyframes}
