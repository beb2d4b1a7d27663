"""Systems under test: whatever makes something of a sample. A Studio of any settings, or a folder of videos."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from kinograph.evals.log import Spent
from kinograph.evals.suites import Does, Sample
from kinograph.film import Storyboard


class Footage:
    """The frames of a shot as the film shows them, read when they are first asked for."""

    def __init__(self, read: Callable[[], np.ndarray], fps: float) -> None:
        self._read = read
        self.fps = fps

    @cached_property
    def frames(self) -> np.ndarray:
        """`[T,H,W,3]` uint8 RGB. Raises Damaged."""
        return self._read()


class MadeShot(NamedTuple):
    """A shot of what a system made."""

    shot: str
    asked: str
    """What it should show, in words."""
    footage: Footage | None
    clip: Path | None = None
    """A file that a browser plays."""
    accepted: bool | None = None
    """What the system's own validator said; None where there is none."""
    found_right: float | None = None
    """The share of what was asked that it found nothing severe against; None where there is no verdict."""
    takes: int = 1
    findings: tuple[str, ...] = ()
    evidence: tuple[Path, ...] = ()
    """Pictures that show what the findings say."""
    digest: str = ""
    """Names its clip: the same digest, the very same clip."""
    cast: Mapping[str, tuple[Path, ...]] = {}
    """Who is in it -> pictures of them, none of them out of this very shot."""


class Made(NamedTuple):
    """What a system made of a sample."""

    shots: tuple[MadeShot, ...] = ()
    film: Path | None = None
    sheet: Path | None = None
    boards: tuple[Storyboard | None, ...] = ()
    """The storyboard, and in a conversation that after each turn."""
    films: tuple[tuple[MadeShot, ...] | None, ...] = ()
    """In a conversation that is rendered: the shots that stood after each turn, the brief's first."""
    error: str = ""
    """The one clear error that a dare ended in."""
    spent: Spent = Spent()
    path: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    """The path had no shot to be made twice; empty where nothing is known of paths."""


@runtime_checkable
class System(Protocol):
    """Something that is evaluated. With processes it travels by pickle."""

    def names(self) -> Mapping[str, str]:
        """What it is: settings by name."""
        ...

    def check(self, does: Does) -> None:
        """Raises BadInput, or another KinographError, for a system that could do nothing of the kind."""
        ...

    def make(self, sample: Sample, seed: int, folder: Path, does: Does) -> Made:
        """Does what the suite asks, in a folder of its own. Raises Cancelled when told to stop, anything on failure."""
        ...

    def cancel(self) -> None:
        """Asks what runs to stop. Safe from signal handlers."""
        ...
