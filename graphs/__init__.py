"""Who acts when. LangGraph lives only here.

    production      state, and the crew every node works with
    studio          the top graph: brief -> orchestrator -> one topology, or another in its place -> fusion -> cut
    chain           one shot after the other
    hierarchical    planner over scene, motion and style agents; ready shots side by side
    distributed     narrative agent, acts planned side by side; a quality agent that sends shots back
    shooting        the step of a topology that makes its shots
    take            the life of one shot: its steps, which the next four files take
    rendering       a take is rendered, and ended midway where it becomes hopeless
    judging         a take is judged
    settling        what the film uses of a shot, and a placeholder where there is nothing
    lives           what a shot has come to so far
    reviewing       the steps in which the quality agent looks at the whole film
    rounds          shots that are made again
    fusing          sound and captions beside the picture
    dependencies    what a film is made of, and what waits on what
    schedule        which shot next
    floor           render workers that productions share, and the threads on which shots live
    conversation    listen -> wait for approval -> film, with messages at the door

Adding a topology is one file with `build() -> StateGraph` and one line in TOPOLOGIES.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kinograph.errors import UnknownName
from kinograph.film import Topology

if TYPE_CHECKING:
    from langgraph.graph import StateGraph

TOPOLOGIES: dict[Topology, str] = {
    "chain": "kinograph.graphs.chain",
    "hierarchical": "kinograph.graphs.hierarchical",
    "distributed": "kinograph.graphs.distributed",
}
"""Lightest first."""


def topology(name: str) -> StateGraph[Any, Any, Any, Any]:
    """The graph of a topology, not yet compiled. Raises UnknownName."""
    for known, module in TOPOLOGIES.items():
        if known == name:
            return import_module(module).build()
    raise UnknownName("topology", name, TOPOLOGIES)
