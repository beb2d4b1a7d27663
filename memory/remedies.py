"""What was tried against findings, on which model, and whether it worked: a table of the ledger's database."""

from __future__ import annotations

from kinograph.film import FindingKind, Noun
from kinograph.memory.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS remedies (
  production TEXT NOT NULL, shot TEXT NOT NULL, attempt INTEGER NOT NULL, finding TEXT NOT NULL,
  model TEXT NOT NULL, remedy TEXT NOT NULL, worked INTEGER NOT NULL,
  PRIMARY KEY (production, shot, attempt, finding));
CREATE INDEX IF NOT EXISTS remedies_of ON remedies (model, finding, remedy);
"""


class Trial(Noun):
    """A remedy that a take was made with."""

    finding: FindingKind
    model: str
    """What rendered the take in which it was found."""
    remedy: str
    worked: bool
    """The finding was gone in the next take."""


class Tally(Noun):
    """How often a remedy was tried against a finding on a model, and how often that has worked."""

    finding: FindingKind
    model: str
    remedy: str
    tried: int
    worked: int


class Remedies:
    """The record of remedies. May be used from many threads. Raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def record(self, production: str, shot: str, attempt: int, trial: Trial) -> None:
        """Records what a take has shown of a remedy, once: again it takes the place of what was recorded before."""
        row = {"production": production, "shot": shot, "attempt": attempt} | trial.model_dump()
        keys = ("production", "shot", "attempt", "finding")
        self._db.replace("remedies", keys, row | {"worked": int(trial.worked)})

    def tallies(self, model: str | None = None) -> list[Tally]:
        """What has been learned, of one model or of all: by finding and model, what worked most often first."""
        where, values = ("WHERE model = ? ", (model,)) if model is not None else ("", ())
        rows = self._db.rows(
            f"SELECT finding, model, remedy, count(*) AS tried, sum(worked) AS worked FROM remedies {where}"
            "GROUP BY finding, model, remedy ORDER BY finding, model, 1.0 * sum(worked) / count(*) DESC, remedy",
            values,
        )
        return [Tally(**{name: row[name] for name in Tally.model_fields}) for row in rows]
