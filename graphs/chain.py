"""The chain, for light models: text parser -> motion -> one shot after the other -> a look at the whole film."""

from __future__ import annotations

from typing import Any

from langgraph.graph import START, StateGraph

from kinograph.graphs import planning, reviewing, shooting
from kinograph.graphs.production import Crew, Production, Run


def build() -> StateGraph[Any, Any, Any, Any]:
    """Takes {id}; leaves an outcome for every shot in the ledger, and {setback} when the film is not of one piece."""
    graph = StateGraph(Production, context_schema=Crew)
    graph.add_node("parse", parse)
    graph.add_node("motion", planning.motion)
    graph.add_node("board", planning.board)
    graph.add_node("shoot", shooting.one_by_one)
    graph.add_conditional_edges(START, planning.todo, {"plan": "parse", "board": "board"})
    graph.add_edge("parse", "motion")
    graph.add_edge("motion", "board")
    graph.add_edge("board", "shoot")
    graph.add_node("quality", reviewing.look)
    graph.add_edge("shoot", "quality")
    return graph


def parse(state: Production, runtime: Run) -> dict[str, Any]:
    """The text parser of a light model: planner, scene and style in one step."""
    planning.outline(state, runtime)
    planning.scene(state, runtime)
    planning.style(state, runtime)
    return {}
