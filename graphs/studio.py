"""The top graph: orchestrator -> one topology -> fusion -> cut; a topology that does not work out is left for another,
once each.

orchestrate -> carry -> chain | hierarchical | distributed -> reconsider -> another topology, or fuse -> cut
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from langgraph.graph import END, START, StateGraph

from kinograph.agents import changing
from kinograph.agents.changing import Setback
from kinograph.agents.concessions import of_outcome
from kinograph.agents.verdicts import ACCEPTABLE
from kinograph.errors import BadStoryboard, Damaged, NoFilm, OrchestrationError, RenderFailed, told
from kinograph.events import Changed, Decided, GivenUp, Planned, Progressed, ShotSettled, Warned
from kinograph.film import Concession, FilmFinding, Noun, Outcome, Storyboard, Take, Topology, TopologyChange
from kinograph.graphs import TOPOLOGIES, reviewing, rounds, settling, topology
from kinograph.graphs.boundaries import critical, dispensable, rises
from kinograph.graphs.production import Carried, Crew, Production, Run, telling
from kinograph.tools import editing, footage


def build() -> StateGraph[Any, Any, Any, Any]:
    """Takes {id}; leaves film.mp4, contact_sheet.png, shots/ and captions in the production's folder."""
    from kinograph.graphs.fusing import fuse  # which asks this file what the film uses

    graph = StateGraph(Production, context_schema=Crew)
    graph.add_node("orchestrate", orchestrate)
    graph.add_node("carry", carry)
    graph.add_node("reconsider", reconsider)
    graph.add_node("fuse", fuse)
    graph.add_node("cut", cut)
    graph.add_edge(START, "orchestrate")
    graph.add_edge("orchestrate", "carry")
    for name in TOPOLOGIES:
        graph.add_node(name, topology(name).compile())
        graph.add_edge(name, "reconsider")
    graph.add_conditional_edges("carry", lambda state: state["topology"], list(TOPOLOGIES))
    graph.add_conditional_edges("reconsider", lambda state: state["then"], [*TOPOLOGIES, "fuse"])
    graph.add_edge("fuse", "cut")
    graph.add_edge("cut", END)
    return graph


def orchestrate(state: Production, runtime: Run) -> dict[str, Any]:
    """Files the decision. The Studio has asked the same question before it opened the production."""
    crew = runtime.context
    crew.go_on()
    crew.ledger.unsettle(crew.id)  # checkpoints that begin here know of no outcome, and carried shots are taken again
    rounds.forget(crew)
    reviewing.forget(crew)
    if changes_of(crew):
        crew.ledger.file(crew.id, CHANGES, Changes())
    runtime.stream_writer(Decided(decision=crew.decision))
    return {"topology": crew.decision.topology}


def carry(state: Production, runtime: Run) -> dict[str, Any]:
    """Takes over the shots that an earlier version has and this one did not change, and remembers how they look."""
    crew = telling(runtime)
    carried = crew.ledger.paper(crew.id, "carried", Carried)
    if carried is not None:
        crew.tell(Planned(storyboard=crew.storyboard))
    for one in carried.shots if carried else ():
        crew.go_on()
        taken = crew.ledger.take(crew.id, one.shot, one.attempt)
        try:
            # Out of the vault, or, lost there since, rendered again to the same pixels.
            clip = crew.generation.render(taken.request, lambda _: None, crew.cancelled.is_set).clip
        except RenderFailed as error:
            crew.tell(Warned(words=f"shot {one.shot} is lost and made anew: {error}"))
            continue
        noted: list[Concession] = []
        settling.remembering(crew, taken.changed(clip=clip), noted)
        given_up = (*(one.given_up or of_outcome(one, [taken], crew.decision)), *noted)
        crew.ledger.settle_shot(crew.id, one.changed(given_up=given_up))
        for concession in given_up:
            crew.tell(GivenUp(concession=concession))
        crew.tell(ShotSettled(shot=one.shot, outcome="kept"))
    return {}


class Changes(Noun):
    """The topologies that a production has left."""

    changes: tuple[TopologyChange, ...] = ()


CHANGES = "changes"


def changes_of(crew: Crew) -> tuple[TopologyChange, ...]:
    found = crew.ledger.paper(crew.id, CHANGES, Changes)
    return found.changes if found else ()


def reconsider(state: Production, runtime: Run) -> dict[str, Any]:
    """Leaves a topology that does not work out for another; what is settled stays so. Else on to fusion.

    Raises BadStoryboard for a film that could not be planned at all.
    """
    crew, found = runtime.context, state.get("setback")
    crew.go_on()
    if not found:
        return {"then": "fuse"}
    left = state.get("topology") or crew.decision.topology
    setback, made = Setback.model_validate(found), changes_of(crew)
    change = next((one for one in made if one.left == left), None)  # decided before a kill
    if change is None:
        tried: list[Topology] = [one.left for one in made]
        change = changing.reconsider(setback, left, tried, TOPOLOGIES, crew.brief.topology)
    if change is None:
        if setback.cause == "planning":
            raise BadStoryboard(f"no topology is left to plan the film with: {setback.why}")
        return {"then": "fuse", "setback": {}}
    if setback.cause == "scarcity":
        _make_lost_shots_again(crew)
    crew.ledger.file(crew.id, CHANGES, Changes(changes=(*(one for one in made if one != change), change)))
    runtime.stream_writer(Changed(change=change))
    return {"then": change.to, "topology": change.to, "setback": {}}


def _make_lost_shots_again(crew: Crew) -> None:
    """Takes that the machine was too small for do not count: those shots have all their takes again."""
    outcomes, takes = crew.ledger.outcomes(crew.id), crew.ledger.takes(crew.id)
    lost, _ = changing.scarcity(outcomes.values(), takes)
    made = {shot: max(take.attempt for take in takes if take.shot == shot) for shot in lost}
    rounds.begin(
        crew,
        "scarcity",
        [
            rounds.SentBack(
                shot=shot, first=made[shot] + 1, most=made[shot] + crew.decision.takes, before=outcomes[shot]
            )
            for shot in lost
        ],
    )


def parts_of(storyboard: Storyboard, takes: Sequence[Take], outcomes: Mapping[str, Outcome]) -> list[editing.Part]:
    """What the film uses, in film order."""
    by_name = {(take.shot, take.attempt): take for take in takes}
    return [
        editing.Part(by_name[shot.id, outcome.attempt], outcome.first, outcome.last)
        for shot in storyboard.shots
        if (outcome := outcomes[shot.id]).state != "failed"
    ]


def cut(state: Production, runtime: Run) -> dict[str, Any]:
    """Joins the chosen takes. Raises NoFilm when no shot was rendered, and OrchestrationError."""
    from kinograph.graphs import fusing

    crew = telling(runtime)
    crew.go_on()
    takes = crew.ledger.takes(crew.id)
    parts = _shown(crew, takes)
    for finding in _not_of_one_piece(crew):
        crew.tell(Warned(words=f"the film is not of one piece: {finding.words}"))
    shots = []
    for part in parts:
        crew.tell(Progressed(stage="cutting", step=len(shots), steps=len(parts) + 1))
        shots.append(_shot_file(crew, part))
    crew.tell(Progressed(stage="cutting", step=len(parts), steps=len(parts) + 1))
    takes = crew.ledger.takes(crew.id)
    parts = _shown(crew, takes)
    sheet = crew.folder / "contact_sheet.png"
    draw = partial(editing.contact_sheet, crew.storyboard, takes, parts, sheet)
    dispensable(crew, "contact sheet", draw, None, "left out", "there is none")
    recipe = {"kinograph": crew.id, "brief": crew.brief.model_dump(mode="json"), "seed": crew.brief.seed}
    dispensable(crew, "captions", partial(fusing.add_captions, crew), None, "left out", "they are not written")
    sound = dispensable(crew, "sound", partial(fusing.add_sound, crew), None, "left out", "the film is silent")
    critical("the cut", lambda: footage.join_mp4(crew.folder / "film.mp4", shots, recipe, sound))
    crew.tell(Progressed(stage="cutting", step=len(parts) + 1, steps=len(parts) + 1))
    return {}


def _shown(crew: Crew, takes: Sequence[Take]) -> list[editing.Part]:
    """What the film uses. Raises NoFilm when that is nothing but placeholders."""
    parts = parts_of(crew.storyboard, takes, crew.ledger.outcomes(crew.id))
    if all(part.take.placeholder for part in parts):
        errors = [take.error for take in takes if take.error]
        raise NoFilm(f"no shot could be rendered: {errors[-1] if errors else 'nothing was begun'}")
    return parts


def _not_of_one_piece(crew: Crew) -> list[FilmFinding]:
    """What the last review has against the film."""
    reviews = reviewing.reviews_of(crew)
    found = reviews[-1].findings if reviews else ()
    return [one for one in found if one.severity >= ACCEPTABLE and one.kind != "missing"]


def _shot_file(crew: Crew, part: editing.Part) -> Path:
    """What the film uses of a take, as an mp4 of its own; its placeholder's, where that cannot be had any more."""
    shot = part.take.shot
    try:
        return _written(crew, part)
    except Exception as error:  # a boundary: one shot's clip never sinks the film
        if rises(error) and not isinstance(error, (RenderFailed, Damaged)):
            raise
        if part.take.placeholder:
            raise OrchestrationError(f"the cut of shot {shot}", [error]) from error
        takes = [one for one in crew.ledger.takes(crew.id, shot) if not one.placeholder]
        outcome = settling.placeholder(crew, shot, takes, "its clip was lost")
        lost = Concession(
            task="cut",
            shot=shot,
            kind="placeholder",
            why=f"its clip cannot be read or rendered again: {told(error)}",
            instead="a placeholder card stands in its place",
        )
        crew.ledger.settle_shot(crew.id, outcome.changed(given_up=(lost,)))
        crew.tell(GivenUp(concession=lost))
        card = crew.ledger.take(crew.id, shot, outcome.attempt)
        return critical(f"the cut of shot {shot}", lambda: _written(crew, editing.Part(card, 0, outcome.last)))


def _written(crew: Crew, part: editing.Part) -> Path:
    """A part as an mp4 of the film's size and rate, whatever it was rendered in."""
    request, decision = part.take.request, crew.decision
    path = crew.folder / "shots" / f"{part.take.shot}.mp4"
    frames = _frames(crew, part.take)[part.first : part.last + 1]
    size = (decision.width, decision.height)
    frames = footage.conformed(frames, size, editing.frames_of(part, decision.fps))
    footage.write_mp4(path, frames, decision.fps, size, request.model_dump(mode="json"))
    return path


def _frames(crew: Crew, take: Take) -> np.ndarray:
    """A take's frames; a clip that was lost or damaged since is rendered again, to the same pixels."""
    assert take.clip is not None, "a take without a clip is never chosen"
    try:
        return footage.load(take.clip)
    except Damaged:
        return footage.load(crew.generation.render(take.request, lambda _: None, crew.cancelled.is_set).clip)
