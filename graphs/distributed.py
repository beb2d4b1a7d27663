"""The distributed network, for the most demanding models: a narrative agent divides the story into acts, scene agents
plan them side by side, shots are made side by side, and a quality agent judges the film and may send shots back.

    narrate -> act | act | act -> join -> board -> shoot -> quality -> (shoot again, once) -> end

What is to follow the last look of the quality agent, such as a fusion agent, takes the place of END behind "quality".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from kinograph.agents.changing import Setback
from kinograph.agents.narrative import Narrative
from kinograph.agents.outline import Assignment
from kinograph.agents.plan import TRIES, plan_act
from kinograph.agents.story import Act, ActPlan, Story, disagreements, joined, scope
from kinograph.errors import OrchestrationError
from kinograph.events import Progressed, Warned
from kinograph.film import Usage
from kinograph.graphs import planning, reviewing, shooting
from kinograph.graphs.boundaries import critical
from kinograph.graphs.production import Crew, Production, Run


class Telling(Production):
    """The state of this topology."""

    tries: NotRequired[int]
    """How often the acts were planned."""


class ActState(TypedDict):
    """The state of one act's planning."""

    id: str
    act: str
    tries: int


def build() -> StateGraph[Any, Any, Any, Any]:
    """Takes {id}; leaves an outcome for every shot in the ledger, or {setback}."""
    graph = StateGraph(Telling, context_schema=Crew)
    graph.add_node("narrate", narrate)
    graph.add_node("act", act)
    graph.add_node("join", join)
    graph.add_node("board", planning.board)
    graph.add_node("shoot", shooting.side_by_side)
    graph.add_node("quality", reviewing.judge)
    graph.add_conditional_edges(START, planning.todo, {"plan": "narrate", "board": "board"})
    graph.add_conditional_edges("narrate", acts, ["act", END])
    graph.add_edge("act", "join")
    graph.add_conditional_edges("join", after_join, ["act", "board", END])
    graph.add_edge("board", "shoot")
    graph.add_conditional_edges("shoot", planning.unless_setback, {"go on": "quality", "setback": END})
    graph.add_conditional_edges("quality", reviewing.after, {"shoot": "shoot", "done": END})
    return graph


def narrate(state: Telling, runtime: Run) -> dict[str, Any]:
    """Files the story. A narrative agent that fails is a setback."""
    crew = runtime.context
    crew.go_on()
    question = Assignment(brief=crew.brief, max_subjects=crew.card.max_subjects, remembered=crew.memory.remembered())
    try:
        story = critical("the story (narrative)", lambda: crew.mind.think(Narrative(), question))
    except OrchestrationError as error:
        return {"setback": _setback(str(error))}
    crew.ledger.file(crew.id, "story", story)
    runtime.stream_writer(Progressed(stage="planning", step=1, steps=len(story.acts) + 1))
    return {}


def acts(state: Telling, runtime: Run) -> str | list[Send]:
    """A branch for each act that has no plan that fits; out of here without a story."""
    if state.get("setback"):
        return END
    crew, tries = runtime.context, state.get("tries", 0)
    story = _story(crew)
    waiting = [one.id for one in story.acts if _wrong(crew, story, one)]
    return [Send("act", {"id": crew.id, "act": one, "tries": tries}) for one in waiting or [story.acts[0].id]]


def act(state: ActState, runtime: Run) -> dict[str, Any]:
    """Files the plan of one act; the others are planned beside it."""
    crew = runtime.context
    crew.go_on()
    story = _story(crew)
    one = next(one for one in story.acts if one.id == state["act"])
    if wrong := _wrong(crew, story, one):
        told = wrong if state["tries"] else ()
        try:
            plan = critical(f"the plan of {one.id}", lambda: plan_act(crew.mind, story, one, told))
            crew.ledger.file(crew.id, _name(one), plan)
        except OrchestrationError as error:  # without a plan of its own the act is planned again, or by others
            runtime.stream_writer(Warned(words=str(error)))
    planned = sum(not _wrong(crew, story, other) for other in story.acts)
    runtime.stream_writer(Progressed(stage="planning", step=planned + 1, steps=len(story.acts) + 1))
    return {}


def join(state: Telling, runtime: Run) -> dict[str, Any]:
    """Files the acts' plans as one, whatever the order in which they came; else a setback, after TRIES."""
    crew, tries = runtime.context, state.get("tries", 0) + 1
    story = _story(crew)
    wrong = {one.id: found for one in story.acts if (found := _wrong(crew, story, one))}
    if not wrong and (why := _two_hands(crew, story)):
        return {"tries": tries, "setback": _setback(why)}
    if wrong:
        first = next(iter(wrong))
        why = f"the plans of the acts do not fit together: {first}: {wrong[first][0]}"
        return {"tries": tries} | ({"setback": _setback(why)} if tries >= TRIES else {})
    plans = {one.id: crew.paper(_name(one), ActPlan) for one in story.acts}
    plan = joined(story, plans)
    answers = {"outline": story.outline, "places": plan.places, "moves": plan.moves, "look": plan.look}
    for name, answer in answers.items():
        crew.ledger.file(crew.id, name, answer)
    return {"tries": tries}


def after_join(state: Telling, runtime: Run) -> str | Sequence[Send]:
    """To the board when the acts fit together, to those that do not once more, or out."""
    if state.get("setback"):
        return END
    story = _story(runtime.context)
    return acts(state, runtime) if any(_wrong(runtime.context, story, one) for one in story.acts) else "board"


def _story(crew: Crew) -> Story:
    return crew.paper("story", Story)


def _name(one: Act) -> str:
    """What the plan of an act is filed under."""
    return f"plan of {one.id}"


def _wrong(crew: Crew, story: Story, one: Act) -> list[str]:
    """What keeps the filed plan of an act from being used: it is not there, of another story, or does not fit."""
    plan = crew.ledger.paper(crew.id, _name(one), ActPlan)
    return disagreements(story, one, plan if plan and plan.scope == scope(story, one).digest else None)


def _two_hands(crew: Crew, story: Story) -> str:
    """Why the acts are not of one hand: the model's budget ended between them, and rules planned the rest."""
    usage = crew.ledger.paper(crew.id, "usage", Usage) or Usage()
    spent = [one.why for one in usage.fallbacks if one.role == "director" and one.why.startswith("the budget of")]
    if not 0 < len(spent) < len(story.acts):
        return ""
    return f"{len(spent)} of {len(story.acts)} acts were planned by rules: {spent[0]}"


def _setback(why: str) -> dict[str, str]:
    return Setback(cause="planning", why=why[:300]).model_dump()
