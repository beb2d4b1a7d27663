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
    ├── RenderFailed            exit 6   a backend gave no clip; how it failed says what may help
    │   ├── OutOfMemory                  less at a time may fit
    │   ├── RenderStalled                nothing came in time; less of it may
    │   ├── WorkerLost                   what rendered died or is not to be had; the same may pass the next time
    │   └── NoFilm                       not one shot of the film could be rendered
    ├── Stopped                          a render was ended as hopeless; no failure of its worker
    ├── OrchestrationError      exit 8   a task without which there is no film failed; carries the causes
    ├── Unreachable                      another machine does not answer, or not as it should; asking again may help
    ├── LeaseLost                        another process took a render over: what came of it here is not filed
    └── Cancelled               exit 130 stopped on request; the production can be resumed

Exit 7 (GAVE_UP) is no error: the film is there, and lacks something that was asked for, which is listed.
A message is one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kinograph.film import Finding

GAVE_UP = 7
"""Exit status of a film that is finished and lacks something that was asked for."""


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


class OutOfMemory(RenderFailed):
    """A render did not fit into the memory that there is."""


class RenderStalled(RenderFailed):
    """A render did not come to an end in time."""


class WorkerLost(RenderFailed):
    """The process or machine that rendered died or stood still, or there is none for this model."""


class NoFilm(RenderFailed):
    """Not one shot of the film could be rendered."""


class Unreachable(KinographError):
    """Another machine that was asked does not answer, or not as it should."""


class Stopped(KinographError):
    """A render was ended before time, because what it was coming to is hopeless.

    `share` is how much of it was done, 0..1, and `findings` say what is wrong.
    """

    def __init__(self, share: float, findings: Sequence[Finding]) -> None:
        self.share, self.findings = share, tuple(findings)
        super().__init__(f"stopped at {share:.0%}: {'; '.join(one.words for one in self.findings)}")


class LeaseLost(KinographError):
    """Another process has taken a render over, so that what came of it here is not filed."""


class OrchestrationError(KinographError):
    """A task without which there is no film failed for good.

    `causes` are the failures of all attempts, the first first; its `__cause__` is the only one, or a group of them.
    """

    exit_code = 8

    def __init__(self, task: str, causes: Sequence[Exception]) -> None:
        self.task, self.causes = task, tuple(causes)
        times = f" {len(self.causes)} times" if len(self.causes) > 1 else ""
        super().__init__(f"{task} failed{times}: {'; '.join(dict.fromkeys(map(told, self.causes)))}")
        self.__cause__ = self.causes[0] if len(self.causes) == 1 else ExceptionGroup(task, self.causes)


def told(error: BaseException) -> str:
    """An error in one line: our own as it says itself, others with their kind."""
    words = " ".join(str(error).split())[:300]
    if isinstance(error, KinographError) and words:
        return words
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


class Cancelled(KinographError):
    """Stopped on request; finished shots are kept and the production can be resumed."""

    exit_code = 130
