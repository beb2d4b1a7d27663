"""The state of a production, its reducers, and the crew that every node works with.

State carries ids, digests and small facts; nouns are filed in the ledger, frames stay in the vault.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, NotRequired, TypedDict, TypeVar

from langgraph.runtime import Runtime

from kinograph.agents.generation import Generation
from kinograph.agents.memory import Memory
from kinograph.agents.mind import Mind
from kinograph.agents.motion import Moves
from kinograph.agents.planner import Outline
from kinograph.agents.scene import Places
from kinograph.agents.validator import Validator
from kinograph.errors import Cancelled
from kinograph.film import Brief, Decision, Look, Noun, Storyboard
from kinograph.memory.ledger import Ledger
from kinograph.tools.backends import ModelCard, card

Paper = TypeVar("Paper", bound=Noun)


class Outcome(TypedDict):
    """What became of a shot."""

    state: Literal["accepted", "trimmed", "best", "chosen", "failed"]
    """accepted; trimmed: no take was, but one is sound without its bad frames; best: the least bad; chosen: by the
    user; failed: none."""
    attempt: int
    first: int
    last: int
    """Frames to use, inclusive."""


def merge(old: Mapping[str, Outcome], new: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """Reducer: parallel shots each add their own outcome."""
    return {**old, **new}


class Carry(Noun):
    """What an earlier version's film used of a shot that has not changed since."""

    shot: str
    state: Literal["accepted", "trimmed", "best", "chosen"]
    attempt: int
    first: int
    last: int
    """Frames to use, inclusive."""


class Carried(Noun):
    """The shots that a production takes over from earlier versions; their takes are recorded with it."""

    shots: tuple[Carry, ...] = ()


class Production(TypedDict):
    """The state of the top graph and of every topology."""

    id: str
    topology: NotRequired[str]
    outcomes: NotRequired[Annotated[dict[str, Outcome], merge]]


class TakeState(TypedDict):
    """The state of one shot's life."""

    id: str
    shot: str
    attempt: NotRequired[int]
    recalled: NotRequired[list[dict[str, str | int]]]
    """Keyframe nouns, a few hundred bytes each."""
    verdict: NotRequired[Literal["accepted", "retake", "exhausted"]]
    outcomes: NotRequired[Annotated[dict[str, Outcome], merge]]


class Outcomes(TypedDict):
    """What a shot's life, or a topology, gives back to the graph around it."""

    outcomes: NotRequired[Annotated[dict[str, Outcome], merge]]


@dataclass(frozen=True)
class Crew:
    """The agents and records of one production; handed to every node as LangGraph's run context."""

    id: str
    folder: Path
    brief: Brief
    mind: Mind
    ledger: Ledger
    generation: Generation
    memory: Memory
    validator: Validator
    cancelled: threading.Event = field(default_factory=threading.Event)
    rendering: threading.Semaphore = field(default_factory=threading.Semaphore)
    """One permit a worker: LangGraph's own limit counts its waiting threads too."""

    def paper(self, name: str, kind: type[Paper]) -> Paper:
        """A noun that an earlier node filed."""
        noun = self.ledger.paper(self.id, name, kind)
        assert noun is not None, f"{name} was never filed"
        return noun

    @property
    def decision(self) -> Decision:
        return self.paper("decision", Decision)

    @property
    def agreed(self) -> bool:
        """The production was opened with a storyboard: there is nothing to plan."""
        return self.ledger.paper(self.id, "carried", Carried) is not None

    @property
    def outline(self) -> Outline:
        return self.paper("outline", Outline)

    @property
    def places(self) -> Places:
        return self.paper("places", Places)

    @property
    def moves(self) -> Moves:
        return self.paper("moves", Moves)

    @property
    def look(self) -> Look:
        return self.paper("look", Look)

    @property
    def storyboard(self) -> Storyboard:
        return self.paper("storyboard", Storyboard)

    @property
    def card(self) -> ModelCard:
        return card(self.decision.model)

    def go_on(self) -> None:
        """Raises Cancelled once the production was told to stop."""
        if self.cancelled.is_set():
            raise Cancelled(f"stopped; continue with: kinograph resume {self.id}")


Run = Runtime[Crew]
