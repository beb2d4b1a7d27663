"""The life of one shot: recall -> render -> judge -> remember, or a retake with corrections.

A render that fails is tried again with less (`agents/retreat.py`); where nothing helps a placeholder is shown.
"""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph

from kinograph.agents.recalling import Recalled
from kinograph.agents.requesting import seed_for
from kinograph.events import Warned
from kinograph.film import Concession, Shot
from kinograph.graphs.boundaries import spared
from kinograph.graphs.judging import judge
from kinograph.graphs.lives import as_data, attempt_of
from kinograph.graphs.production import Crew, Run, TakeState
from kinograph.graphs.rendering import render
from kinograph.graphs.settling import remember, settle


def build() -> StateGraph[Any, Any, Any, Any]:
    """Takes {id, shot}, of a shot that was sent back also {attempt, most, round}; leaves its outcome in the ledger.

    Raises nothing for a shot that fails.
    """
    graph = StateGraph(TakeState, context_schema=Crew)
    graph.add_node("recall", recall)
    graph.add_node("render", render)
    graph.add_node("judge", judge)
    graph.add_node("remember", remember)
    graph.add_node("retake", retake)
    graph.add_node("settle", settle)
    graph.add_edge(START, "recall")
    graph.add_edge("recall", "render")
    graph.add_edge("render", "judge")
    graph.add_conditional_edges(
        "judge",
        lambda state: state.get("verdict"),
        {"accepted": "remember", "retake": "retake", "exhausted": "settle"},
    )
    graph.add_edge("retake", "render")
    graph.add_edge("remember", "settle")
    graph.add_edge("settle", END)
    return graph


def recall(state: TakeState, runtime: Run) -> dict[str, Any]:
    crew, board, given_up = runtime.context, runtime.context.storyboard, list[Concession]()
    crew.go_on()
    shot = board.shot(state["shot"])
    recalled = spared(
        "recall",
        lambda: crew.mind.think(crew.memory, crew.memory.recollection(shot, board)),
        Recalled(keyframes=()),
        given_up.append,
        "fresh start",
        "rendered and judged as if nothing were remembered",
        shot.id,
    )
    recalled = _ablated(crew, shot, recalled)
    if recalled.left_out:
        words = f"shot {shot.id}: {recalled.left_out} remembered pictures are left out; the budget is full"
        crew.tell(Warned(words=words))
    return {
        "attempt": attempt_of(state),
        "recalled": [keyframe.model_dump() for keyframe in recalled.keyframes],
        "why": list(recalled.reasons),
        "given_up": as_data(given_up),
    }


def _ablated(crew: Crew, shot: Shot, recalled: Recalled) -> Recalled:
    """What a shot is held to where that is measured."""
    if crew.ablations.recall == "none":
        return Recalled(keyframes=())
    if crew.ablations.recall == "random":
        return crew.memory.at_random(recalled, shot, crew.storyboard, seed_for(crew.brief.seed, shot.id, "recall"))
    return recalled


def retake(state: TakeState) -> dict[str, Any]:
    return {"attempt": attempt_of(state) + 1}
