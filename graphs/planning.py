"""The planning steps that topologies share: each asks one agent and files its answer."""

from __future__ import annotations

from typing import Any

from kinograph.agents.hierarchy import recognised
from kinograph.agents.motion import Motion, Moves
from kinograph.agents.planner import Assignment, Outline, Planner, storyboard
from kinograph.agents.scene import Places, Scene
from kinograph.agents.style import Style
from kinograph.events import Planned, Progressed
from kinograph.film import Look, Noun
from kinograph.graphs.dependencies import tasks_of
from kinograph.graphs.production import Production, Run

ANSWERS: dict[str, type[Noun]] = {"outline": Outline, "places": Places, "moves": Moves, "look": Look}
"""What agents must answer before the storyboard can stand, by the name that it is filed under."""


def todo(state: Production, runtime: Run) -> str:
    """Where planning begins: at "plan", or at "board" for a storyboard that was agreed on before."""
    return "board" if runtime.context.agreed else "plan"


def _file(runtime: Run, name: str, answer: Noun) -> None:
    """Files an agent's answer and tells how many of them there are."""
    crew = runtime.context
    crew.ledger.file(crew.id, name, answer)
    filed = sum(crew.ledger.paper(crew.id, name, kind) is not None for name, kind in ANSWERS.items())
    runtime.stream_writer(Progressed(stage="planning", step=filed, steps=len(ANSWERS)))


def outline(state: Production, runtime: Run) -> dict[str, Any]:
    crew = runtime.context
    crew.go_on()
    question = Assignment(brief=crew.brief, max_subjects=crew.card.max_subjects, remembered=crew.memory.remembered())
    _file(runtime, "outline", crew.mind.think(Planner(), question))
    return {}


def scene(state: Production, runtime: Run) -> dict[str, Any]:
    crew = runtime.context
    _file(runtime, "places", crew.mind.think(Scene(), crew.outline))
    return {}


def motion(state: Production, runtime: Run) -> dict[str, Any]:
    crew = runtime.context
    _file(runtime, "moves", crew.mind.think(Motion(), crew.outline))
    return {}


def style(state: Production, runtime: Run) -> dict[str, Any]:
    crew = runtime.context
    _file(runtime, "look", crew.mind.think(Style(), crew.outline))
    return {}


def board(state: Production, runtime: Run) -> dict[str, Any]:
    """Puts the specialists' answers together into the storyboard. Raises BadStoryboard for one that has no order."""
    crew, decision = runtime.context, runtime.context.decision
    if crew.agreed:
        return {}
    plan = storyboard(crew.outline, crew.places, crew.moves, crew.look, decision.seconds, decision.shot_seconds)
    plan = recognised(plan, crew.memory.known())
    tasks_of(plan)
    crew.ledger.file(crew.id, "storyboard", plan)
    runtime.stream_writer(Planned(storyboard=plan))
    return {}
