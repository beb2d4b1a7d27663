"""From where on a measured symptom is a fault: thresholds as data, each with how it was found and what it is worth.

`thresholds.json` holds what was measured on storyworld clips with faults drawn on purpose; a file of the same form for
one model, made from its own clips, goes before it for the kinds that it has. `calibrated/` has those of models that
ship; what a user's own calibration found goes before them.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from pydantic import Field, ValidationError

from kinograph import disk
from kinograph.errors import Damaged
from kinograph.film import FindingKind, Noun

SHIPPED = Path(__file__).with_name("thresholds.json")
OF_MODELS = Path(__file__).with_name("calibrated")


class Point(Noun):
    """One point of a receiver operating characteristic."""

    at: float
    alarms: float
    """Share of clean clips above it."""
    caught: dict[str, float]
    """Severity -> share of faulty clips above it."""


class Threshold(Noun):
    """What is too much of one symptom, in the symptom's own unit."""

    at: float
    """More than this is a finding."""
    sure: float
    """More than this needs no second opinion."""
    alarms: float = 0.0
    """Share of clean clips above `at`."""
    auc: dict[str, float] = Field(default_factory=dict)
    """Severity -> area under the ROC; empty where it was not measured."""
    caught: dict[str, float] = Field(default_factory=dict)
    roc: tuple[Point, ...] = ()


class Thresholds(Noun):
    """Thresholds of all kinds that were measured together."""

    model: str = ""
    """Whose clips they were measured on; empty for those of any model."""
    clips: int = 0
    """Clean ones, and as many with each fault."""
    alarms: float = 0.0
    """Share of clean clips with any finding."""
    command: str = ""
    """Makes them anew."""
    kinds: dict[FindingKind, Threshold]

    def __getitem__(self, kind: FindingKind) -> Threshold:
        return self.kinds[kind]

    def over(self, other: Thresholds) -> Thresholds:
        """These, and the other's for kinds that these lack."""
        return self.changed(kinds={**other.kinds, **self.kinds})


def shipped() -> Thresholds:
    """Those that hold for any model."""
    return _read(SHIPPED, SHIPPED.stat().st_mtime_ns)


def file_of(model: str, folder: Path) -> Path:
    """Where a model's own thresholds are kept."""
    return folder / f"{quote(model, safe='')}.json"


def thresholds_of(model: str, folder: Path | None) -> Thresholds:
    """Those of a model's own clips where there are such in `folder`, else those that ship with it, above those that
    hold for any. Raises Damaged."""
    for place in (folder, OF_MODELS):
        if place is not None and (own := file_of(model, place)).exists():
            return _read(own, own.stat().st_mtime_ns).over(shipped())
    return shipped()


def keep(thresholds: Thresholds, file: Path) -> None:
    """Writes them whole or not at all. Raises StorageError."""
    disk.write(file, thresholds.model_dump_json(indent=1) + "\n")


@lru_cache(maxsize=32)
def _read(file: Path, written: int) -> Thresholds:
    try:
        return Thresholds.model_validate_json(file.read_bytes())
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise Damaged(f"thresholds {str(file)!r} cannot be read: {why}; delete it, or calibrate again") from error
