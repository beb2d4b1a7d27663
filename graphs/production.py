"""The state of a production and of a shot, and the crew that every node works with.

State carries ids, digests and small facts; nouns and outcomes are filed in the ledger, frames stay in the vault.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict, TypeVar

from langgraph.runtime import Runtime

from kinograph.agents.fusion import Fusion
from kinograph.agents.generation import Generation
from kinograph.agents.glance import Glance
from kinograph.agents.memory import Memory
from kinograph.agents.mind import Mind
from kinograph.agents.motion import Moves
from kinograph.agents.outline import Outline
from kinograph.agents.scene import Places
from kinograph.agents.validator import Validator
from kinograph.errors import Cancelled
from kinograph.events import Event
from kinograph.film import Brief, Decision, Look, Noun, Outcome, Storyboard, Topology
from kinograph.graphs.floor import Floor
from kinograph.memory.ledger import Ledger
from kinograph.settings import Ablations
from kinograph.tools.backends import ModelCard, card

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

Paper = TypeVar("Paper", bound=Noun)


class Carried(Noun):
    """What earlier versions' films used of shots that have not changed since; their takes are recorded with the
    production."""

    shots: tuple[Outcome, ...] = ()


class Production(TypedDict):
    """The state of the top graph and of every topology."""

    id: str
    topology: NotRequired[Topology]
    planned: NotRequired[bool]
    """The storyboard stands: a topology that goes on in place of another does not plan again."""
    setback: NotRequired[dict[str, str]]
    """A Setback noun: why the topology does not work out."""
    then: NotRequired[str]
    """Where the top graph goes next: a topology, or the cut."""


class TakeState(TypedDict):
    """The state of one shot's life."""

    id: str
    shot: str
    attempt: NotRequired[int]
    round: NotRequired[int]
    """Of a shot that was sent back: which time this is."""
    most: NotRequired[int]
    """Last attempt of such a shot."""
    recalled: NotRequired[list[dict[str, str | int | float]]]
    """Keyframe nouns, a few hundred bytes each."""
    why: NotRequired[list[str]]
    """Why each of them is recalled."""
    verdict: NotRequired[Literal["accepted", "retake", "exhausted"]]
    given_up: NotRequired[list[dict[str, str]]]
    """Concession nouns of memory and validator, at most three."""


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
    glance: Glance | None = None
    """Looks at renders under way and ends hopeless ones; None where every render goes to its end."""
    fusion: Fusion | None = None
    """Puts sound and captions beside the picture; None where nobody asked for any."""
    floor: Floor = field(default_factory=Floor)
    """Where shots are rendered, perhaps beside those of other productions."""
    learn: bool = True
    """Rejected takes are mended by what has worked before."""
    ablations: Ablations = field(default_factory=Ablations)
    """What is taken away for a measurement."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    checkpoints: BaseCheckpointSaver[Any] | None = None
    """Where the life of each shot is kept; None before the production runs."""
    tell: Callable[[Event], None] = field(default=lambda event: None)
    """Hears what happens in the life of a shot."""

    def paper(self, name: str, kind: type[Paper]) -> Paper:
        """A noun that an earlier node filed."""
        noun = self.ledger.paper(self.id, name, kind)
        assert noun is not None, f"{name} was never filed"
        return noun

    @cached_property
    def decision(self) -> Decision:
        return self.paper("decision", Decision)

    def candidates(self, shot: str) -> int:
        """Takes of a shot that differ in their seed alone."""
        shots = self.storyboard.shots
        if self.ablations.renders is None:
            return self.decision.candidates
        each, over = divmod(self.ablations.renders, len(shots))
        return max(1, each + ([one.id for one in shots].index(shot) < over))

    def takes(self, shot: str) -> int:
        """Most takes that a shot may cost."""
        return self.decision.takes if self.ablations.renders is None else self.candidates(shot)

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

    @cached_property
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


def telling(runtime: Run) -> Crew:
    """The crew of a node, with what it tells going to the graph's stream."""
    return replace(runtime.context, tell=runtime.stream_writer)
