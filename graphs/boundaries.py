"""Where a failure stops: what must succeed is tried again and then escalates; what need not gives something up.

Our own errors (damage, bad input, a stop on request) say what they are and pass through everything here, and so does
what the disk and SQLite say: no agent can be spared a disk that is full.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar

from kinograph.errors import Cancelled, KinographError, OrchestrationError, told
from kinograph.events import GivenUp
from kinograph.film import Concession, Noun
from kinograph.memory.ledger import Ledger

if TYPE_CHECKING:
    from kinograph.graphs.production import Crew

Result = TypeVar("Result")
TRIES = 2
"""Attempts at what must succeed, where another one may help."""
PASSING = (OSError, MemoryError, RuntimeError)
"""What may pass: something outside of the program. TimeoutError and ConnectionError are OSErrors."""
FOR_GOOD = (NotImplementedError, RecursionError)
"""RuntimeErrors that will not."""
TASKS = ("motion", "style", "review", "fusion", "captions", "sound", "contact sheet")
"""What a whole film can do without, by the name under which it is filed that it had to."""


def rises(error: Exception) -> bool:
    """Whether an error says by itself what is wrong with more than one task."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    of_postgres = type(error).__module__.partition(".")[0] == "psycopg"  # which need not be installed
    return of_postgres or isinstance(error, (KinographError, sqlite3.Error))


class Conceded(Noun):
    """What the whole film does without because a task failed."""

    given_up: tuple[Concession, ...] = ()


def critical(task: str, work: Callable[[], Result]) -> Result:
    """What `work` returns. Raises OrchestrationError with the cause of every attempt."""
    causes: list[Exception] = []
    while len(causes) < TRIES:
        try:
            return work()
        except Exception as error:  # a boundary: whatever an agent or a tool may raise
            if rises(error):
                raise
            causes.append(error)
            if not isinstance(error, PASSING) or isinstance(error, FOR_GOOD):
                break
    raise OrchestrationError(task, causes)


def spared(
    task: str,
    work: Callable[[], Result],
    otherwise: Result,
    give_up: Callable[[Concession], None],
    kind: Literal["default", "fresh start", "not remembered", "left out"],
    instead: str,
    shot: str = "",
) -> Result:
    """What `work` returns, or `otherwise` and a concession where it fails."""
    try:
        return work()
    except Exception as error:  # a boundary: whatever an agent or a tool may raise
        if rises(error):
            raise
        give_up(Concession(task=task, shot=shot, kind=kind, why=told(error), instead=instead))
        return otherwise


def dispensable(
    crew: Crew,
    task: str,
    work: Callable[[], Result],
    otherwise: Result,
    kind: Literal["default", "left out"],
    instead: str,
) -> Result:
    """What `work` returns, or `otherwise`, which is then told and filed: the whole film does without.

    `task` is one of TASKS. What was filed when it was tried before is taken back.
    """
    assert task in TASKS, f"{task} would not be listed among what was given up"
    found: list[Concession] = []
    result = spared(task, work, otherwise, found.append, kind, instead)
    for concession in found:
        crew.tell(GivenUp(concession=concession))
    _file(crew.ledger, crew.id, found[0] if found else None, task)
    return result


def _file(ledger: Ledger, production: str, concession: Concession | None, task: str) -> None:
    name = f"given up: {task}"
    if concession is not None:
        ledger.file(production, name, Conceded(given_up=(concession,)))
    elif ledger.paper(production, name, Conceded) is not None:
        ledger.file(production, name, Conceded())


def conceded(ledger: Ledger, production: str) -> tuple[Concession, ...]:
    """What the whole film does without."""
    papers = (ledger.paper(production, f"given up: {task}", Conceded) for task in TASKS)
    return tuple(one for paper in papers if paper for one in paper.given_up)


def gravest(task: str, failures: Sequence[BaseException]) -> BaseException:
    """The error that several failures come to: one of our own if there is any, with the others as its cause."""
    if len(failures) == 1:
        return failures[0]
    ours = [one for one in failures if isinstance(one, KinographError)]
    foreign = [one for one in failures if isinstance(one, Exception) and not isinstance(one, KinographError)]
    if len(foreign) == len(failures):
        return OrchestrationError(task, foreign)
    first = min(ours or failures, key=lambda one: isinstance(one, Cancelled))
    rest = [one for one in failures if one is not first]
    first.__cause__ = first.__cause__ or BaseExceptionGroup(f"{task}: others failed too", rest)
    return first
