"""The hierarchy, for complex models: a planner over scene, motion and style agents, then every shot as soon as what
it needs is settled, and a look at the whole film."""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph

from kinograph.graphs import planning, reviewing, shooting
from kinograph.graphs.production import Crew, Production


def build() -> StateGraph[Any, Any, Any, Any]:
    """Takes {id}; leaves an outcome for every shot in the ledger, or {setback}."""
    graph = StateGraph(Production, context_schema=Crew)
    graph.add_node("planner", planning.outline)
    for specialist in (planning.scene, planning.motion, planning.style):
        graph.add_node(specialist.__name__, specialist)
        graph.add_edge("planner", specialist.__name__)
    graph.add_node("board", planning.board)
    graph.add_node("shoot", shooting.side_by_side)
    graph.add_conditional_edges(START, planning.todo, {"plan": "planner", "board": "board"})
    graph.add_edge(["scene", "motion", "style"], "board")
    graph.add_edge("board", "shoot")
    graph.add_node("quality", reviewing.look)
    graph.add_conditional_edges("shoot", planning.unless_setback, {"go on": "quality", "setback": END})
    return graph
