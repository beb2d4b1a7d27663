"""What shots left, in versions of which one counts: how the keyframes' database says so.

A shot that `standing` does not name counts in its first version: it was never made again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from kinograph.errors import UnknownName
from kinograph.memory.keyframe import Keyframe, Left


class Versions:
    """Those of one production's shots. Whoever asks holds the lock of its keyframes, and for changes a transaction."""

    def __init__(self, db: sqlite3.Connection, production: str) -> None:
        self._db = db
        self.production = production

    def of(self, shot: str) -> list[Left]:
        """All that a shot left, the oldest first."""
        rows = self._db.execute(
            "SELECT noun, version FROM keyframes WHERE production = ? AND shot = ? ORDER BY version, rowid",
            (self.production, shot),
        ).fetchall()
        stands, found = self.standing(shot), dict[int, list[Keyframe]]()
        for row in rows:
            found.setdefault(row["version"], []).append(Keyframe.model_validate_json(row["noun"]))
        return [Left(version, tuple(keyframes), version == stands) for version, keyframes in found.items()]

    def all_standing(self) -> dict[str, int]:
        """Shot -> the version that counts; those of which nothing counts are not in it."""
        rows = self._db.execute(
            "SELECT DISTINCT shot, version FROM standing_keyframes WHERE production = ? ORDER BY shot",
            (self.production,),
        )
        return {row["shot"]: row["version"] for row in rows}

    def standing(self, shot: str) -> int:
        """The version that counts; 0 for none."""
        which = "SELECT version FROM standing WHERE production = ? AND shot = ?"
        row = self._db.execute(which, (self.production, shot)).fetchone()
        return 1 if row is None else row["version"]

    def newest(self, shot: str) -> int:
        """The latest version; 0 for a shot that left nothing."""
        which = "SELECT COALESCE(MAX(version), 0) FROM keyframes WHERE production = ? AND shot = ?"
        return self._db.execute(which, (self.production, shot)).fetchone()[0]

    def stand(self, versions: Mapping[str, int]) -> None:
        """Has these versions of these shots count; 0 has none."""
        change = [(self.production, shot, version) for shot, version in versions.items()]
        self._db.executemany("INSERT OR REPLACE INTO standing VALUES (?, ?, ?)", change)

    def must_have(self, shot: str, version: int) -> None:
        """Raises UnknownName for a version that there is not."""
        if version not in (known := [left.version for left in self.of(shot)]):
            raise UnknownName(f"version of {shot!r}", str(version), map(str, known))

    def make_whole(self, shot: str) -> None:
        """Before a shot is remembered: what was left of it by thinning makes room for all of it, under its number."""
        if self._db.execute("DELETE FROM thinned WHERE production = ? AND shot = ?", (self.production, shot)).rowcount:
            which = "DELETE FROM keyframes WHERE production = ? AND shot = ? AND version = ?"
            self._db.execute(which, (self.production, shot, self.standing(shot)))

    def prune(self, kept: Sequence[Mapping[str, int]]) -> int:
        """Deletes the versions that neither count nor are in any of `kept`; how many keyframes that were."""
        stays = {pair for one in (self.all_standing(), *kept) for pair in one.items()}
        rows = self._db.execute(
            "SELECT DISTINCT shot, version FROM keyframes WHERE production = ?", (self.production,)
        ).fetchall()
        gone = [(self.production, *row) for row in rows if tuple(row) not in stays]
        which = "DELETE FROM keyframes WHERE production = ? AND shot = ? AND version = ?"
        return sum(self._db.execute(which, one).rowcount for one in gone)
