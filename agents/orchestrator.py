"""The orchestrator: chooses model, topology, sizes and budgets, and says why."""

from __future__ import annotations

import math

from kinograph.agents.planner import wishes
from kinograph.errors import BadInput, UnknownName
from kinograph.film import Aspect, Brief, Decision, Noun, Reason, Topology
from kinograph.tools.backends import ModelCard, card, cards
from kinograph.tools.machine import Machine

ASPECTS: dict[Aspect, float] = {"wide": 16 / 9, "square": 1.0, "vertical": 9 / 16}
QUALITY = {"low": 1, "medium": 2, "high": 3, "very high": 4}


class Commission(Noun):
    """What the orchestrator is asked."""

    brief: Brief
    machine: Machine
    topologies: tuple[Topology, ...]
    """Topologies this version can run."""
    workers: int | None = None
    """Shots at a time, when the caller insists."""


class Orchestrator:
    """Decides from the model cards, the brief and the machine."""

    role = "orchestrator"
    answer = Decision

    def rules(self, question: Commission) -> Decision:
        """Raises BadInput or UnknownName for a wish that cannot be met."""
        brief = question.brief
        model, why_model = choose_model(brief, question.machine)
        topology, why_topology = choose_topology(brief, model, question.topologies)
        width, height, why_size = choose_size(brief, model)
        workers, why_workers = choose_workers(question, model)
        fps = brief.fps or model.fps
        seconds = brief.seconds or wishes(brief.text).seconds
        shot_seconds = (choose_frames(brief, model) if brief.frames else model.legal_frames(model.frames)) / fps
        return Decision(
            model=model.id,
            revision="",
            topology=topology,
            width=width,
            height=height,
            fps=fps,
            steps=model.steps,
            guidance=model.guidance,
            takes=brief.takes,
            workers=workers,
            seconds=None if brief.frames else seconds,
            shot_seconds=shot_seconds,
            reasons=(
                Reason(choice=f"model {model.id}", why=why_model),
                Reason(choice=f"topology {topology}", why=why_topology),
                Reason(choice=f"size {width}x{height} at {fps} fps", why=why_size),
                Reason(choice=f"{workers} at a time", why=why_workers),
            ),
        )


def choose_model(brief: Brief, machine: Machine) -> tuple[ModelCard, str]:
    """The model asked for, else the best one that this version has and this machine carries."""
    if brief.model:
        chosen, why = card(brief.model), "asked for"
    else:
        able = [model for model in cards().values() if model.available and model.vram_gb <= machine.vram_gb]
        if brief.references:
            able = [model for model in able if "i2v" in model.tasks] or able
        chosen = max(able, key=_quality)
        shut = sum(not model.available for model in cards().values())
        why = f"best rated of the {len(able)} that run here ({machine}); {shut} other cards have no backend yet"
    if not chosen.available:
        able = ", ".join(model.id for model in cards().values() if model.available)
        raise BadInput(f"model {chosen.id!r} has a card but no backend in this version; these can render: {able}")
    if brief.references and "i2v" not in chosen.tasks:
        raise BadInput(
            f"model {chosen.id!r} cannot be conditioned on reference pictures (it does {', '.join(chosen.tasks)}); "
            "leave them out or choose a model with i2v"
        )
    if len(brief.references) > 1:
        raise BadInput(
            f"{len(brief.references)} reference pictures were given; one can be used, as the film's first frame"
        )
    return chosen, why


def _quality(model: ModelCard) -> tuple[int, int]:
    ratings = model.ratings
    fidelity = QUALITY[ratings.temporal_consistency] + QUALITY[ratings.character_consistency]
    return fidelity + QUALITY[ratings.scene_complexity], -QUALITY[ratings.resource_requirements]


def choose_topology(brief: Brief, model: ModelCard, able: tuple[Topology, ...]) -> tuple[Topology, str]:
    """The topology asked for, else the one that the card's orchestration complexity implies."""
    if brief.topology:
        if brief.topology not in able:
            raise UnknownName("topology", brief.topology, able)
        return brief.topology, "asked for"
    implied = model.ratings.topology
    why = f"orchestration complexity of {model.id} is rated {model.ratings.orchestration_complexity}"
    if implied in able:
        return implied, why
    return able[-1], f"{why}, which asks for {implied}; {able[-1]} is the nearest this version has"


def choose_size(brief: Brief, model: ModelCard) -> tuple[int, int, str]:
    """Width and height in pixels: as asked, else the model's native area in the aspect wished for."""
    if brief.width and brief.height:
        model.check_size(brief.width, brief.height)
        return brief.width, brief.height, "asked for"
    aspect = brief.aspect or wishes(brief.text).aspect
    if aspect is None:
        return model.width, model.height, f"native to {model.id}"
    width, height = sized(model, aspect, model.width * model.height)
    return width, height, f"{aspect}, with about as many pixels as {model.id} is native to"


def sized(model: ModelCard, aspect: Aspect, pixels: int) -> tuple[int, int]:
    """Width and height of about so many pixels in an aspect, as the model can render them."""
    height = math.sqrt(pixels / ASPECTS[aspect])
    return model.legal_side(height * ASPECTS[aspect]), model.legal_side(height)


def choose_frames(brief: Brief, model: ModelCard) -> int:
    """Frames a shot, as asked. Raises BadInput when the model cannot."""
    wanted = brief.frames or model.frames
    if not model.min_frames <= wanted <= model.max_frames:
        raise BadInput(f"{wanted} frames a shot do not fit {model.id}: {model.min_frames} to {model.max_frames}")
    return model.legal_frames(wanted)


def choose_workers(question: Commission, model: ModelCard) -> tuple[int, str]:
    """Half the logical cores for a model on the CPU, one for a model on a graphics card."""
    if question.workers:
        return question.workers, "asked for"
    if model.vram_gb:
        return 1, "the model has the graphics card to itself"
    cores = question.machine.cores
    return max(1, cores // 2), f"half of {cores} cores"
