"""The top graph: orchestrator -> one topology -> fusion -> cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from langgraph.graph import END, START, StateGraph

from kinograph.errors import Damaged, NoFilm
from kinograph.events import Decided, Planned, Progressed, ShotSettled, Warned
from kinograph.film import Outcome, Storyboard, Take
from kinograph.graphs import TOPOLOGIES, topology
from kinograph.graphs.production import Carried, Crew, Production, Run
from kinograph.tools import editing, footage


def build() -> StateGraph[Any, Any, Any, Any]:
    """Takes {id}; leaves film.mp4, contact_sheet.png, shots/ and captions in the production's folder."""
    from kinograph.graphs.fusing import fuse  # which asks this file what the film uses

    graph = StateGraph(Production, context_schema=Crew)
    graph.add_node("orchestrate", orchestrate)
    graph.add_node("carry", carry)
    graph.add_node("fuse", fuse)
    graph.add_node("cut", cut)
    graph.add_edge(START, "orchestrate")
    graph.add_edge("orchestrate", "carry")
    for name in TOPOLOGIES:
        graph.add_node(name, topology(name).compile())
        graph.add_edge(name, "fuse")
    graph.add_conditional_edges("carry", lambda state: state["topology"], list(TOPOLOGIES))
    graph.add_edge("fuse", "cut")
    graph.add_edge("cut", END)
    return graph


def orchestrate(state: Production, runtime: Run) -> dict[str, Any]:
    """Files the decision. The Studio has asked the same question before it opened the production."""
    crew = runtime.context
    crew.go_on()
    crew.ledger.unsettle(crew.id)  # checkpoints that begin here know of no outcome, and carried shots are taken again
    runtime.stream_writer(Decided(decision=crew.decision))
    return {"topology": crew.decision.topology}


def carry(state: Production, runtime: Run) -> dict[str, Any]:
    """Takes over the shots that an earlier version has and this one did not change, and remembers how they look."""
    crew = runtime.context
    carried = crew.ledger.paper(crew.id, "carried", Carried)
    if carried is not None:
        runtime.stream_writer(Planned(storyboard=crew.storyboard))
    for one in carried.shots if carried else ():
        crew.go_on()
        take = crew.ledger.take(crew.id, one.shot, one.attempt)
        # Out of the vault, or, lost there since, rendered again to the same pixels.
        clip = crew.generation.render(take.request, lambda _: None, crew.cancelled.is_set).clip
        board = crew.storyboard
        crew.memory.remember(board.shot(one.shot), board, take.changed(clip=clip))
        crew.ledger.settle_shot(crew.id, one)
        runtime.stream_writer(ShotSettled(shot=one.shot, outcome="kept"))
    return {}


def parts_of(storyboard: Storyboard, takes: Sequence[Take], outcomes: Mapping[str, Outcome]) -> list[editing.Part]:
    """What the film uses, in film order."""
    by_name = {(take.shot, take.attempt): take for take in takes}
    return [
        editing.Part(by_name[shot.id, outcome.attempt], outcome.first, outcome.last)
        for shot in storyboard.shots
        if (outcome := outcomes[shot.id]).state != "failed"
    ]


def cut(state: Production, runtime: Run) -> dict[str, Any]:
    """Joins the chosen takes. Raises NoFilm when every shot failed."""
    from kinograph.graphs import fusing

    crew, board = runtime.context, runtime.context.storyboard
    crew.go_on()
    outcomes = crew.ledger.outcomes(crew.id)
    takes = crew.ledger.takes(crew.id)
    parts = parts_of(board, takes, outcomes)
    if not parts:
        raise NoFilm(f"no shot could be rendered: {takes[-1].error if takes else 'the storyboard is empty'}")
    for shot in board.shots:
        if (became := outcomes[shot.id].state) not in ("accepted", "chosen"):
            runtime.stream_writer(Warned(words=f"shot {shot.id}: no take was accepted; {LEFT[became]}"))
    shots = []
    for part in parts:
        runtime.stream_writer(Progressed(stage="cutting", step=len(shots), steps=len(parts) + 1))
        shots.append(_shot_file(crew, part))
    runtime.stream_writer(Progressed(stage="cutting", step=len(parts), steps=len(parts) + 1))
    editing.contact_sheet(board, takes, parts, crew.folder / "contact_sheet.png")
    recipe = {"kinograph": crew.id, "brief": crew.brief.model_dump(mode="json"), "seed": crew.brief.seed}
    fusing.add_captions(crew)
    footage.join_mp4(crew.folder / "film.mp4", shots, recipe, fusing.add_sound(crew))
    runtime.stream_writer(Progressed(stage="cutting", step=len(parts) + 1, steps=len(parts) + 1))
    return {}


def _shot_file(crew: Crew, part: editing.Part) -> Path:
    """What the film uses of a take, as an mp4 of its own."""
    request = part.take.request
    frames = _frames(crew, part.take)[part.first : part.last + 1]
    path = crew.folder / "shots" / f"{part.take.shot}.mp4"
    size = (frames.shape[2], frames.shape[1])
    footage.write_mp4(path, frames, request.fps, size, request.model_dump(mode="json"))
    return path


def _frames(crew: Crew, take: Take) -> np.ndarray:
    """A take's frames; a clip that was lost or damaged since is rendered again, to the same pixels."""
    assert take.clip is not None, "a take without a clip is never chosen"
    try:
        return footage.load(take.clip)
    except Damaged:
        return footage.load(crew.generation.render(take.request, lambda _: None, crew.cancelled.is_set).clip)


LEFT = {
    "trimmed": "the bad frames of one are cut away",
    "best": "the best take is used",
    "failed": "the film is cut without it",
}
