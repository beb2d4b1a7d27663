"""The chain, for light models: text parser -> motion -> one shot after the other."""

from __future__ import annotations

from typing import Any

from langgraph.graph import START, StateGraph
from langgraph.types import Command, Send

from kinograph.graphs import planning, take
from kinograph.graphs.production import Crew, Outcomes, Production, Run


def build() -> StateGraph[Any, Any, Any, Any]:
    """Takes {id}; gives an outcome for every shot."""
    graph = StateGraph(Production, output_schema=Outcomes, context_schema=Crew)
    graph.add_node("parse", parse)
    graph.add_node("motion", planning.motion)
    graph.add_node("board", planning.board)
    graph.add_node("next_shot", next_shot, destinations=("take", "__end__"))
    graph.add_node("take", take.build().compile())
    graph.add_conditional_edges(START, planning.todo, {"plan": "parse", "board": "board"})
    graph.add_edge("parse", "motion")
    graph.add_edge("motion", "board")
    graph.add_edge("board", "next_shot")
    graph.add_edge("take", "next_shot")
    return graph


def parse(state: Production, runtime: Run) -> dict[str, Any]:
    """The text parser of a light model: planner, scene and style in one step."""
    planning.outline(state, runtime)
    planning.scene(state, runtime)
    planning.style(state, runtime)
    return {}


def next_shot(state: Production, runtime: Run) -> Command:
    """Sends the first shot that has no outcome."""
    runtime.context.go_on()
    for shot in runtime.context.storyboard.shots:
        if shot.id not in state.get("outcomes", {}):
            return Command(goto=Send("take", {"id": state["id"], "shot": shot.id}))
    return Command(goto="__end__")
