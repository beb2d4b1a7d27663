"""The top graph: orchestrator -> one topology -> cut."""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph

from kinograph.errors import NoFilm
from kinograph.events import Decided, Warned
from kinograph.film import Take
from kinograph.graphs import TOPOLOGIES, topology
from kinograph.graphs.production import Crew, Production, Run
from kinograph.tools import editing, footage


def build() -> StateGraph:
    """Takes {id}; leaves film.mp4, contact_sheet.png and shots/ in the production's folder."""
    graph = StateGraph(Production, context_schema=Crew)
    graph.add_node("orchestrate", orchestrate)
    graph.add_node("cut", cut)
    graph.add_edge(START, "orchestrate")
    for name in TOPOLOGIES:
        graph.add_node(name, topology(name).compile())
        graph.add_edge(name, "cut")
    graph.add_conditional_edges("orchestrate", lambda state: state["topology"], list(TOPOLOGIES))
    graph.add_edge("cut", END)
    return graph


def orchestrate(state: Production, runtime: Run) -> dict[str, Any]:
    """Files the decision. The Studio has asked the same question before it opened the production."""
    crew = runtime.context
    crew.go_on()
    runtime.stream_writer(Decided(decision=crew.decision))
    return {"topology": crew.decision.topology}


def chosen_takes(crew: Crew, state: Production) -> list[Take]:
    """The takes that the film uses, in film order."""
    outcomes = state.get("outcomes", {})
    return [
        crew.ledger.take(crew.id, shot.id, outcomes[shot.id]["attempt"])
        for shot in crew.storyboard.shots
        if outcomes[shot.id]["state"] != "failed"
    ]


def cut(state: Production, runtime: Run) -> dict[str, Any]:
    """Joins the chosen takes. Raises NoFilm when every shot failed."""
    crew, board = runtime.context, runtime.context.storyboard
    crew.go_on()
    chosen, takes = chosen_takes(crew, state), crew.ledger.takes(crew.id)
    if not chosen:
        raise NoFilm(f"no shot could be rendered: {takes[-1].error if takes else 'the storyboard is empty'}")
    for shot, outcome in state.get("outcomes", {}).items():
        if outcome["state"] != "accepted":
            what = "the best take is used" if outcome["state"] == "best" else "the film is cut without it"
            runtime.stream_writer(Warned(words=f"shot {shot}: no take was accepted; {what}"))
    # A clip that was lost or damaged since is rendered again: the same request gives the same frames.
    clips = [crew.generation.render(take.request, lambda _: None, crew.cancelled.is_set).clip for take in chosen]
    for take, clip in zip(chosen, clips, strict=True):
        path = crew.folder / "shots" / f"{take.shot}.mp4"
        footage.write_mp4(
            path, footage.load(clip), clip.fps, (clip.width, clip.height), take.request.model_dump(mode="json")
        )
    editing.contact_sheet(board, takes, chosen, crew.folder / "contact_sheet.png")
    recipe = {"kinograph": crew.id, "brief": crew.brief.model_dump(), "seed": crew.brief.seed}
    editing.join(clips, crew.folder / "film.mp4", recipe)
    return {}
