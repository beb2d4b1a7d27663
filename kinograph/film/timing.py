"""When shots are expected to be made, and when they were."""

from __future__ import annotations

from typing import Literal

from kinograph.film.nouns import Noun


class Due(Noun):
    """When a shot is expected to be made, in seconds from the beginning of the sitting."""

    shot: str
    begins: float
    """Its first take gets a worker."""
    ends: float
    """It needs no more takes."""


class Sitting(Noun):
    """A stretch of time in which shots of a production were made without a stop, and what was expected of it."""

    began: float
    """Unix time."""
    workers: int
    due: tuple[Due, ...]


class Stint(Noun):
    """A stretch of work on a take, as it was."""

    shot: str
    attempt: int
    what: Literal["render", "verdict"]
    worker: int | None = None
    """Which worker rendered, from 1; verdicts are made beside the workers."""
    began: float
    """Unix time."""
    ended: float | None = None
    """Unix time; None while it goes on, and when a kill cut it short."""
    killed: bool = False
    """Nobody will ever end it."""
