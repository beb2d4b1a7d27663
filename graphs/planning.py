"""The planning steps that topologies share: each asks one agent and files its answer."""

from __future__ import annotations

from functools import partial
from typing import Any

from kinograph.agents.hierarchy import portrayed, recognised
from kinograph.agents.motion import Motion, Move, Moves
from kinograph.agents.outline import Assignment, Outline
from kinograph.agents.planner import Planner
from kinograph.agents.scene import Places, Scene
from kinograph.agents.storyboarding import storyboard
from kinograph.agents.style import Style
from kinograph.events import Planned, Progressed, Warned
from kinograph.film import Appearance, Look, Noun, Storyboard
from kinograph.graphs.boundaries import critical, dispensable
from kinograph.graphs.dependencies import tasks_of
from kinograph.graphs.production import Production, Run, telling

ANSWERS: dict[str, type[Noun]] = {"outline": Outline, "places": Places, "moves": Moves, "look": Look}
"""What agents must answer before the storyboard can stand, by the name that it is filed under."""


def todo(state: Production, runtime: Run) -> str:
    """Where planning begins: at "plan", or at "board" for a storyboard that stands already."""
    return "board" if stands(state, runtime) else "plan"


def stands(state: Production, runtime: Run) -> bool:
    """The storyboard was agreed on before, or made by a topology that this one goes on from."""
    return runtime.context.agreed or state.get("planned", False)


def unless_setback(state: Production) -> str:
    """Whether the topology works out so far: "go on" or "setback"."""
    return "setback" if state.get("setback") else "go on"


def file(runtime: Run, name: str, answer: Noun) -> None:
    """Files an agent's answer and tells how many of them there are."""
    crew = runtime.context
    crew.ledger.file(crew.id, name, answer)
    filed = sum(crew.ledger.paper(crew.id, name, kind) is not None for name, kind in ANSWERS.items())
    runtime.stream_writer(Progressed(stage="planning", step=filed, steps=len(ANSWERS)))


def outline(state: Production, runtime: Run) -> dict[str, Any]:
    """Raises OrchestrationError: without a script there is no film."""
    crew = runtime.context
    crew.go_on()
    question = Assignment(brief=crew.brief, max_subjects=crew.card.max_subjects, remembered=crew.memory.remembered())
    file(runtime, "outline", critical("the script (planner)", lambda: crew.mind.think(Planner(), question)))
    return {}


def scene(state: Production, runtime: Run) -> dict[str, Any]:
    """Raises OrchestrationError: a film that plays nowhere is not the one that was asked for."""
    crew = runtime.context
    file(runtime, "places", critical("the script (scene)", lambda: crew.mind.think(Scene(), crew.outline)))
    return {}


def motion(state: Production, runtime: Run) -> dict[str, Any]:
    crew, story = telling(runtime), runtime.context.outline
    still = tuple(Move(beat=beat.id, cast=tuple(Appearance(who=who) for who in beat.who)) for beat in story.beats)
    words = "everyone stays in place before a static camera"
    think = partial(crew.mind.think, Motion(), story)
    file(runtime, "moves", dispensable(crew, "motion", think, Moves(moves=still), "default", words))
    return {}


def style(state: Production, runtime: Run) -> dict[str, Any]:
    crew, story = telling(runtime), runtime.context.outline
    think = partial(crew.mind.think, Style(), story)
    file(runtime, "look", dispensable(crew, "style", think, Look(), "default", "the look is flat"))
    return {}


def board(state: Production, runtime: Run) -> dict[str, Any]:
    """Puts the specialists' answers together into the storyboard.

    Raises BadStoryboard for one that has no order, and OrchestrationError.
    """
    crew, decision = runtime.context, runtime.context.decision
    if stands(state, runtime):
        return {}
    papers = (crew.outline, crew.places, crew.moves, crew.look)

    def drawn() -> Storyboard:
        plan = storyboard(*papers, decision.seconds, decision.shot_seconds)
        return recognised(plan, crew.memory.known())

    plan = critical("the storyboard", drawn)
    tasks_of(plan)
    crew.ledger.file(crew.id, "storyboard", plan)
    runtime.stream_writer(Planned(storyboard=plan))
    found = portrayed(plan, crew.brief.cast)
    for name in dict.fromkeys(one.name for one in crew.brief.cast if one.name not in found):
        cast = ", ".join(one.words for one in plan.cast) or "nobody"
        runtime.stream_writer(Warned(words=f"nobody in the film is {name!r}, whose picture was given; there is {cast}"))
    return {"planned": True}
