"""The hierarchy, for complex models: a planner over scene, motion and style agents, then every shot whose
needs are settled, side by side."""

from __future__ import annotations

from typing import Any

from langgraph.graph import START, StateGraph
from langgraph.types import Command, Send

from kinograph.graphs import planning, take
from kinograph.graphs.production import Crew, Outcomes, Production, Run


def build() -> StateGraph[Any, Any, Any, Any]:
    """Takes {id}; gives an outcome for every shot."""
    graph = StateGraph(Production, output_schema=Outcomes, context_schema=Crew)
    graph.add_node("planner", planning.outline)
    for specialist in (planning.scene, planning.motion, planning.style):
        graph.add_node(specialist.__name__, specialist)
        graph.add_edge("planner", specialist.__name__)
    graph.add_node("board", planning.board)
    graph.add_node("coordinate", coordinate, destinations=("take", "__end__"))
    graph.add_node("take", take.build().compile())
    graph.add_conditional_edges(START, planning.todo, {"plan": "planner", "board": "board"})
    graph.add_edge(["scene", "motion", "style"], "board")
    graph.add_edge("board", "coordinate")
    graph.add_edge("take", "coordinate")
    return graph


def coordinate(state: Production, runtime: Run) -> Command:
    """Sends every shot that has no outcome and whose needs all have one."""
    runtime.context.go_on()
    settled = state.get("outcomes", {})
    waiting = [shot for shot in runtime.context.storyboard.shots if shot.id not in settled]
    ready = [shot for shot in waiting if all(need in settled for need in shot.needs)]
    if not ready:
        return Command(goto="__end__")
    return Command(goto=[Send("take", {"id": state["id"], "shot": shot.id}) for shot in ready])
