"""Every error kinograph raises on purpose.

    KinographError              exit 1
    ├── BadInput                exit 2   the caller can mend it: the message quotes the value and what is allowed
    │   ├── BadBrief
    │   ├── BadSetting
    │   ├── BadStoryboard                shots that need each other in a circle, or need what does not exist
    │   ├── BadReference                 a reference picture that is not one, or is too big to open
    │   └── UnknownName                  a model, topology, production … that does not exist
    ├── ProductionBusy          exit 3   another process owns the production
    ├── StorageError            exit 4   the disk is full, read-only or not ours
    ├── Damaged                 exit 5   a file is not what was written
    ├── RenderFailed            exit 6   a backend gave no clip
    │   ├── WorkerLost                   what rendered died, stood still, or could not be had
    │   └── NoFilm                       not one shot of the film could be rendered
    ├── LeaseLost                        another process took a render over: what came of it here is not filed
    └── Cancelled               exit 130 stopped on request; the production can be resumed

A message is one line.
"""

from __future__ import annotations

from collections.abc import Iterable


class KinographError(Exception):
    """Root of the tree."""

    exit_code = 1


class BadInput(KinographError):
    """Something the caller gave cannot be used."""

    exit_code = 2


class BadBrief(BadInput):
    """The brief cannot be filmed."""


class BadSetting(BadInput):
    """A setting is unknown or impossible."""


class BadStoryboard(BadInput):
    """The shots cannot be made in any order."""


class BadReference(BadInput):
    """A reference picture cannot be used."""


class UnknownName(BadInput):
    """A name that nothing answers to."""

    def __init__(self, what: str, name: str, available: Iterable[str]) -> None:
        known = ", ".join(available) or "none"
        super().__init__(f"unknown {what} {name!r}; available: {known}")


class ProductionBusy(KinographError):
    """Another process owns the production."""

    exit_code = 3


class StorageError(KinographError):
    """The disk does not take what must be written."""

    exit_code = 4


class Damaged(KinographError):
    """A file is not what was written."""

    exit_code = 5


class RenderFailed(KinographError):
    """A backend gave no clip."""

    exit_code = 6


class WorkerLost(RenderFailed):
    """The process or machine that rendered died or stood still, or there is none for this model."""


class NoFilm(RenderFailed):
    """Not one shot of the film could be rendered."""


class LeaseLost(KinographError):
    """Another process has taken a render over, so that what came of it here is not filed."""


class Cancelled(KinographError):
    """Stopped on request; finished shots are kept and the production can be resumed."""

    exit_code = 130
