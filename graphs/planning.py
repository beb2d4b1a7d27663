"""The planning steps that topologies share: each asks one agent and files its answer."""

from __future__ import annotations

from typing import Any

from kinograph.agents.motion import Motion
from kinograph.agents.planner import Assignment, Planner, storyboard
from kinograph.agents.scene import Scene
from kinograph.agents.style import Style
from kinograph.events import Planned
from kinograph.graphs.dependencies import tasks_of
from kinograph.graphs.production import Production, Run


def todo(state: Production, runtime: Run) -> str:
    """Where planning begins: at "plan", or at "board" for a storyboard that was agreed on before."""
    return "board" if runtime.context.agreed else "plan"


def outline(state: Production, runtime: Run) -> dict[str, Any]:
    crew = runtime.context
    crew.go_on()
    question = Assignment(brief=crew.brief, max_subjects=crew.card.max_subjects)
    crew.ledger.file(crew.id, "outline", crew.mind.think(Planner(), question))
    return {}


def scene(state: Production, runtime: Run) -> dict[str, Any]:
    crew = runtime.context
    crew.ledger.file(crew.id, "places", crew.mind.think(Scene(), crew.outline))
    return {}


def motion(state: Production, runtime: Run) -> dict[str, Any]:
    crew = runtime.context
    crew.ledger.file(crew.id, "moves", crew.mind.think(Motion(), crew.outline))
    return {}


def style(state: Production, runtime: Run) -> dict[str, Any]:
    crew = runtime.context
    crew.ledger.file(crew.id, "look", crew.mind.think(Style(), crew.outline))
    return {}


def board(state: Production, runtime: Run) -> dict[str, Any]:
    """Puts the specialists' answers together into the storyboard. Raises BadStoryboard for one that has no order."""
    crew, decision = runtime.context, runtime.context.decision
    if crew.agreed:
        return {}
    plan = storyboard(crew.outline, crew.places, crew.moves, crew.look, decision.seconds, decision.shot_seconds)
    tasks_of(plan)
    crew.ledger.file(crew.id, "storyboard", plan)
    runtime.stream_writer(Planned(storyboard=plan))
    return {}
