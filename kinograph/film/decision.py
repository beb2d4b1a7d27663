"""How a production is made, and why: model, topology, sizes, budgets, and what became of a topology."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kinograph.film.brief import Topology
from kinograph.film.nouns import Noun

Rating = Literal["low", "medium", "high", "very high"]
Strategy = Literal["sequential", "parallel", "adaptive"]
"""One shot at a time; a fixed number; as many as the machine has room for, asked again before each render."""
Visuals = Literal["stock only", "AI only", "hybrid stock first", "hybrid AI first"]
"""Where pictures come from: the user's own media folder (stock), a video model, or one before the other."""


class Stock(Noun):
    """A picture out of the user's media folder that a shot may begin with."""

    picture: str
    """Digest of the picture in the vault."""
    words: tuple[str, ...]
    """The words of its file name: what it is taken to show."""


class Reason(Noun):
    """One choice of the orchestrator and why it was made."""

    choice: str
    why: str


class Decision(Noun):
    """How a production will be made."""

    model: str
    revision: str
    topology: Topology
    width: int
    height: int
    fps: int
    steps: int = 0
    guidance: float = 0.0
    takes: int
    candidates: int = Field(default=1, ge=1, le=4)
    """Takes of a shot, of those that it may cost, that differ in their seed alone; the best of them goes on."""
    workers: int = 1
    """Render calls at the same time; with the adaptive strategy, at most."""
    batch: int = 1
    """Most alike shots that one call renders."""
    pool: str = "here"
    """Where renders run, unless the settings say otherwise when they do."""
    strategy: Strategy = "parallel"
    visuals: Visuals = "AI only"
    complexity: float = Field(default=0.5, ge=0, le=1)
    stock: tuple[Stock, ...] = ()
    """Pictures that shots may begin with, as `visuals` says."""
    seconds: float | None = None
    """Length asked of the whole film; `None` leaves the storyboard's own."""
    shot_seconds: float = 3.0
    """Length of a shot where the film's length is left open."""
    fallback: tuple[str, ...] = ()
    """Models that render a shot that `model` cannot, in this order."""
    reasons: tuple[Reason, ...] = ()

    @property
    def lanes(self) -> int:
        """Shots rendered at the same time."""
        return self.workers * self.batch


class TopologyChange(Noun):
    """A topology that did not work out, and the one that goes on in its place."""

    left: Topology
    to: Topology
    why: str
