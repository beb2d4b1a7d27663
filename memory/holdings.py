"""All keyframes of all productions, whoever saw them: what is counted and chosen from where something is forgotten."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kinograph.memory import novelty, records
from kinograph.memory.keyframe import Keyframe


class Holding(NamedTuple):
    """A keyframe as it is kept."""

    keyframe: Keyframe
    embedder: str
    vector: np.ndarray
    """`[size]` float32 of length 1."""
    counts: bool
    """Of the version of its shot that counts."""


def many(path: Path) -> dict[str, int]:
    """Production -> how many keyframes it has, those that do not count too."""
    with closing(records.connect(path)) as db:
        return dict(tuple(row) for row in db.execute("SELECT production, COUNT(*) FROM keyframes GROUP BY production"))


def holdings(path: Path, production: str) -> list[Holding]:
    """Everything that is kept of a production, by id."""
    which = (
        "SELECT k.noun, k.embedder, k.vector, k.version = COALESCE(s.version, 1) AS counts FROM keyframes k "
        "LEFT JOIN standing s ON s.production = k.production AND s.shot = k.shot WHERE k.production = ? ORDER BY k.id"
    )
    with closing(records.connect(path)) as db:
        return [
            Holding(Keyframe.model_validate_json(noun), embedder, np.frombuffer(vector, "<f4"), bool(counts))
            for noun, embedder, vector, counts in db.execute(which, (production,))
        ]


def novelty_of(path: Path, production: str, embedder: str) -> float:
    """What is new to a production and embedder; nothing is written down."""
    if (value := novelty.fixed(embedder)) is not None:
        return value
    with closing(records.connect(path)) as db:
        which = "SELECT value FROM novelty WHERE production = ? AND embedder = ?"
        row = db.execute(which, (production, embedder)).fetchone()
        return float(row["value"]) if row else novelty.PLAIN
