"""The orchestrator's rules: each choice as asked for, else the best that the cards and the machine allow, and why."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TypeVar

from kinograph.agents import strategy
from kinograph.agents.commission import Commission
from kinograph.agents.film_wishes import wishes
from kinograph.errors import BadInput, UnknownName
from kinograph.film import Aspect, Brief, Strategy, Topology
from kinograph.tools.backends import ModelCard, card, cards
from kinograph.tools.backends import ready as can_render
from kinograph.tools.machine import Machine
from kinograph.tools.workers import POOLS

Number = TypeVar("Number", int, float)
ASPECTS: dict[Aspect, float] = {"wide": 16 / 9, "square": 1.0, "vertical": 9 / 16}
MOST_OTHERS = 2
"""Models that a film may fall back to where the brief names none."""
QUALITY = {"low": 1, "medium": 2, "high": 3, "very high": 4}
Ready = Collection[str] | None
"""Models that can render here, by id; None for those that can without any settings."""


def able(brief: Brief, machine: Machine, ready: Ready = None) -> list[ModelCard]:
    """The models that are ready and that this machine carries, those that take the brief's pictures if any do."""
    here = can_render({}) if ready is None else ready
    carried = [model for model in cards().values() if model.id in here and model.least_gb <= machine.vram_gb]
    return [model for model in carried if "i2v" in model.tasks] or carried if brief.references else carried


def choose_model(brief: Brief, machine: Machine, ready: Ready = None) -> tuple[ModelCard, str]:
    """The model asked for, else the best one that is ready and that this machine carries."""
    if brief.model:
        chosen, why = card(brief.model), "asked for"
    else:
        candidates = able(brief, machine, ready)
        chosen = max(candidates, key=_preference)
        others = len(cards()) - len(candidates)
        why = f"best rated that generates of the {len(candidates)} that run here ({machine}); {others} others do not"
    if not chosen.available:
        known = ", ".join(model.id for model in cards().values() if model.available)
        raise BadInput(f"model {chosen.id!r} has a card but no backend in this version; these can render: {known}")
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


def _preference(model: ModelCard) -> tuple[bool, int, int]:
    ratings = model.ratings
    fidelity = QUALITY[ratings.temporal_consistency] + QUALITY[ratings.character_consistency]
    rated = fidelity + QUALITY[ratings.scene_complexity]
    return not model.procedural, rated, -QUALITY[ratings.resource_requirements]


def choose_fallback(brief: Brief, chosen: ModelCard, machine: Machine, ready: Ready = None) -> tuple[str, ...]:
    """The models that may render what the chosen one cannot, generative ones first, then the best rated.

    Those that the brief names, in its order; none where a model was asked for by name, unless the brief allows it.
    Raises UnknownName or BadInput for one that cannot render here.
    """
    if brief.fallback == "no" or (brief.fallback is None and brief.model):
        return ()
    rated = sorted(able(brief, machine, ready), key=_preference, reverse=True)
    others = [model for model in rated if model.id != chosen.id]
    if brief.fallback in (None, "yes"):
        return tuple(model.id for model in others[:MOST_OTHERS])
    for name in brief.fallback:
        card(name)
        if name != chosen.id and name not in [model.id for model in others]:
            known = ", ".join(model.id for model in others) or "none"
            raise BadInput(f"fallback {name!r} cannot render this here; these can besides {chosen.id}: {known}")
    return tuple(dict.fromkeys(name for name in brief.fallback if name != chosen.id))


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
    """Width and height in pixels: as asked, or the nearest that the model renders, else its native area in the aspect
    wished for. Raises BadInput for more pixels than it can."""
    if brief.width and brief.height:
        sides = model.legal_size(brief.width, brief.height)
        model.check_size(*sides)
        if sides == (brief.width, brief.height):
            return *sides, "asked for"
        why = f"not {brief.width}x{brief.height}: sides of {model.id} are multiples of {model.size_multiple}"
        return *sides, why
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


def in_range(what: str, asked: Number | None, own: Number, least: Number, most: Number, model: ModelCard) -> Number:
    """A number as asked, else the model's own. Raises BadInput, which tells the model's range."""
    if asked is not None and not least <= asked <= most:
        raise BadInput(f"{what} {asked:g} does not fit {model.id}: {least:g} to {most:g}")
    return own if asked is None else asked


def choose_pool(asked: str | None, model: ModelCard) -> tuple[str, str]:
    """Where renders of a model run: as asked, else apart when it loads weights. Raises UnknownName."""
    if asked is not None:
        if asked not in POOLS:
            raise UnknownName("worker pool", asked, POOLS)
        return asked, "asked for"
    if model.weights:
        return (
            "local",
            f"{model.id} loads weights: in a process of its own a render that hangs, leaks or crashes is ended",
        )
    return "here", f"{model.id} loads no weights: a process of its own would only take time to start"


def choose_strategy(question: Commission, model: ModelCard, complexity: float, pool: str) -> strategy.Chosen:
    """The strategy asked for, or that follows from what is asked for; else the table's, corrected by the record.

    Raises BadInput for several workers at a time one at a time.
    """
    asked, workers = question.strategy, question.workers
    if asked == "sequential" and (workers or 1) > 1:
        raise BadInput(f"strategy 'sequential' renders one shot at a time; workers = {workers} was asked for as well")
    if asked:
        return strategy.Chosen(asked, "asked for")
    if workers:
        return strategy.Chosen("parallel" if workers > 1 else "sequential", f"{workers} at a time was asked for")
    if model.vram_gb and pool == "local" and (cards := question.machine.carrying(model.least_gb)) > 1:
        return strategy.Chosen("parallel", f"{cards} graphics cards carry {model.id}")
    if model.vram_gb:
        return strategy.Chosen("sequential", f"{model.id} has the graphics card to itself")
    chosen = strategy.by_table(question.machine, question.load, complexity, question.offline)
    return chosen if question.offline else strategy.by_record(chosen, question.trials, model.id)


def choose_workers(question: Commission, model: ModelCard, way: Strategy, complexity: float) -> strategy.Workers:
    """The number asked for, else what the strategy makes of the machine's load."""
    if question.workers:
        return strategy.Workers(question.workers, "asked for")
    return strategy.workers(way, model, question.machine, question.load, complexity)
