"""The orchestrator: chooses model, topology, sizes and budgets, and says why."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import Any, TypeVar

from pydantic import Field

from kinograph.agents import strategy
from kinograph.agents.mind import Ask
from kinograph.agents.planner import wishes
from kinograph.errors import BadInput, UnknownName
from kinograph.film import Aspect, Brief, Decision, Noun, Reason, Stock, Strategy, Take, Topology, Trial
from kinograph.tools.backends import ModelCard, card, cards
from kinograph.tools.backends import ready as can_render
from kinograph.tools.machine import Machine
from kinograph.tools.resources import Snapshot
from kinograph.tools.workers import POOLS

Number = TypeVar("Number", int, float)
ASPECTS: dict[Aspect, float] = {"wide": 16 / 9, "square": 1.0, "vertical": 9 / 16}
MAX_TEXT = 2000
"""Most characters of a brief that the choice of a model needs."""
MOST_OTHERS = 2
"""Models that a film may fall back to where the brief names none."""
RULED = 8
"""Reasons that every decision has; the model fallen back to comes after them."""
QUALITY = {"low": 1, "medium": 2, "high": 3, "very high": 4}


class Experience(Noun):
    """What earlier takes with a model came to."""

    model: str
    takes: int
    accepted: int
    seconds_per_frame: float
    """Wall seconds of rendering, whatever the size was."""
    judging: float = 0.0
    """Wall seconds from a clip to its verdict."""


def experience(takes: Iterable[Take]) -> tuple[Experience, ...]:
    """Sums up earlier takes by model; takes that were judged and newly rendered count."""
    by_model: dict[str, list[Take]] = {}
    for take in takes:
        if take.clip is not None and take.verdict is not None and not take.reused:
            by_model.setdefault(take.request.model, []).append(take)
    return tuple(
        Experience(
            model=model,
            takes=len(judged),
            accepted=sum(take.accepted for take in judged),
            seconds_per_frame=round(
                sum(take.clip.render_seconds for take in judged if take.clip)
                / sum(take.clip.frames for take in judged if take.clip),
                4,
            ),
            judging=round(sum(take.judging for take in judged) / len(judged), 3),
        )
        for model, judged in sorted(by_model.items())
    )


class Commission(Noun):
    """What the orchestrator is asked."""

    brief: Brief
    machine: Machine
    ready: tuple[str, ...] | None = None
    """Models that can render here, by id; none: those that can without any settings."""
    load: Snapshot
    """How busy the machine is."""
    topologies: tuple[Topology, ...]
    """Topologies this version can run."""
    workers: int | None = None
    """Shots at a time, when the caller insists."""
    batch: int = 1
    """Most alike shots in one call, where the model allows more than one."""
    strategy: Strategy | None = None
    """When the caller insists."""
    pool: str | None = None
    """Where renders run, when the caller insists."""
    offline: bool = False
    """Nothing may be asked of other machines."""
    media: bool = False
    """There is a folder of the user's own pictures."""
    stock: tuple[Stock, ...] = ()
    """Those of them that fit the brief."""
    experience: tuple[Experience, ...] = ()
    """What earlier takes came to, by model."""
    trials: tuple[Trial, ...] = ()
    """What earlier productions came to, by strategy; newest first."""


class ReasonsDraft(Noun):
    """Why, a sentence each."""

    model: str = Field(min_length=1, max_length=200)
    topology: str = Field(min_length=1, max_length=200)
    size: str = Field(min_length=1, max_length=200)
    workers: str = Field(min_length=1, max_length=200)


class DecisionDraft(Noun):
    """A decision as a language model hands it back."""

    model: str = Field(max_length=400)
    topology: str = Field(max_length=20)
    aspect: Aspect | None
    seconds: float | None
    takes: int
    workers: int
    reasons: ReasonsDraft


class Orchestrator:
    """Decides from the model cards, the brief and the machine."""

    role = "orchestrator"
    answer = Decision

    def ask(self, question: Commission) -> Ask[Decision]:
        """Raises BadInput or UnknownName for a wish that cannot be met, before a model is asked."""
        from kinograph.tools import toolbox

        proposal = self.rules(question)
        return Ask(
            facts=facts(question, proposal),
            draft=DecisionDraft,
            check=lambda draft: complaints(question, draft),
            accept=lambda draft: self._accepted(question, proposal, draft),
            without=lambda why: proposal,
            tools=toolbox.of_models(),
        )

    def _accepted(self, question: Commission, proposal: Decision, draft: DecisionDraft) -> Decision:
        """The decision that a draft says, made by the same rules as any. Raises BadInput for what does not exist."""
        wish = {"model": draft.model, "topology": draft.topology, "takes": draft.takes}
        wish |= {"aspect": question.brief.aspect or draft.aspect, "seconds": question.brief.seconds or draft.seconds}
        brief = question.brief.changed(**wish)
        # A number that is only agreed to stays the strategy's own, which may ask for it again.
        insists = question.workers if draft.workers == proposal.workers else draft.workers
        decided = self.rules(question.changed(brief=brief, workers=insists))
        why = (draft.reasons.model, draft.reasons.topology, draft.reasons.size, draft.reasons.workers)
        reasons = (rule.changed(why=words) for rule, words in zip(decided.reasons, why, strict=False))
        others = choose_fallback(question.brief, card(decided.model), question.machine, question.ready)
        return decided.changed(
            reasons=(*reasons, *decided.reasons[len(why) : RULED], *_fallback_reason(others)), fallback=others
        )

    def rules(self, question: Commission) -> Decision:
        """Raises BadInput or UnknownName for a wish that cannot be met."""
        brief = question.brief
        model, why_model = choose_model(brief, question.machine, question.ready)
        why_model += "".join(
            f"; {known.accepted} of {known.takes} earlier takes with it were accepted"
            for known in question.experience
            if known.model == model.id
        )
        topology, why_topology = choose_topology(brief, model, question.topologies)
        width, height, why_size = choose_size(brief, model)
        if brief.frames and (legal := choose_frames(brief, model)) != brief.frames:
            why_size += f"; {legal} frames a shot, not {brief.frames}: it renders {model.frames_rule}"
        content = strategy.complexity(brief)
        pool, why_pool = choose_pool(question.pool, model)
        way = choose_strategy(question, model, content.value, pool)
        workers, why_workers = choose_workers(question, model, way.strategy, content.value)
        batch = question.batch if model.batch else 1
        why_workers += f"; up to {batch} alike in one call" if batch > 1 else ""
        shown = strategy.visuals(content, question.offline, model, question.stock, question.media)
        fps = brief.fps or model.fps
        seconds = brief.seconds or wishes(brief.text).seconds
        others = choose_fallback(brief, model, question.machine, question.ready)
        shot_seconds = (choose_frames(brief, model) if brief.frames else model.legal_frames(model.frames)) / fps
        return Decision(
            model=model.id,
            revision="",
            topology=topology,
            width=width,
            height=height,
            fps=fps,
            steps=in_range("steps", brief.steps, model.steps, model.min_steps, model.max_steps, model),
            guidance=in_range(
                "guidance", brief.guidance, model.guidance, model.min_guidance, model.max_guidance, model
            ),
            takes=brief.takes,
            workers=workers,
            batch=batch,
            pool=pool,
            strategy=way.strategy,
            visuals=shown.visuals,
            complexity=content.value,
            stock=() if shown.visuals == "AI only" else question.stock,
            seconds=None if brief.frames else seconds,
            shot_seconds=shot_seconds,
            fallback=others,
            reasons=(
                Reason(choice=f"model {model.id}", why=why_model),
                Reason(choice=f"topology {topology}", why=why_topology),
                Reason(choice=f"size {width}x{height} at {fps} fps", why=why_size),
                Reason(choice=f"{workers} at a time", why=why_workers),
                Reason(choice=f"strategy {way.strategy}", why=way.why),
                Reason(choice=f"pictures {shown.visuals}", why=shown.why),
                Reason(choice=f"complexity {content.value:g}", why=content.why),
                Reason(choice=f"pool {pool}", why=why_pool),
                *_fallback_reason(others),
            ),
        )


def facts(question: Commission, proposal: Decision) -> dict[str, Any]:
    """The commission as a model is told it."""
    brief, machine = question.brief, question.machine
    wanted = {"id", "summary", "tasks", "width", "height", "frames", "fps", "seconds_per_frame", "max_subjects"}
    return {
        "brief": brief.text[:MAX_TEXT],
        "demands": brief.model_dump(mode="json", exclude_defaults=True, exclude={"text", "references", "seed"}),
        "reference_pictures": len(brief.references),
        "machine": f"{machine}; {question.load}",
        "models": [
            model.model_dump(mode="json", include=wanted | {"ratings"})
            for model in able(brief, machine, question.ready)
        ],
        "topologies": list(question.topologies),
        "max_takes": brief.takes,
        "max_workers": most_workers(question),
        "experience": [known.model_dump() for known in question.experience],
        "proposal": {
            "model": proposal.model,
            "topology": proposal.topology,
            "aspect": brief.aspect or wishes(brief.text).aspect,
            "seconds": proposal.seconds,
            "takes": proposal.takes,
            "workers": proposal.workers,
            "reasons": dict(zip(ReasonsDraft.model_fields, (why.why for why in proposal.reasons), strict=False)),
        },
    }


def complaints(question: Commission, draft: DecisionDraft) -> list[str]:
    """What lies outside what exists or what the brief demands."""
    brief, found = question.brief, []
    models = [model.id for model in able(brief, question.machine, question.ready)]
    if brief.model is not None and draft.model != brief.model:
        found.append(f"model {draft.model!r}: the brief demands {brief.model!r}")
    elif brief.model is None and draft.model not in models:
        found.append(f"model {draft.model!r} cannot run here; these can: {', '.join(models)}")
    if brief.topology is not None and draft.topology != brief.topology:
        found.append(f"topology {draft.topology!r}: the brief demands {brief.topology!r}")
    elif draft.topology not in question.topologies:
        found.append(f"topology {draft.topology!r} does not exist; these do: {', '.join(question.topologies)}")
    if not 1 <= draft.takes <= brief.takes:
        found.append(f"takes {draft.takes}: 1 to {brief.takes} are allowed")
    most = most_workers(question)
    if question.workers is not None and draft.workers != question.workers:
        found.append(f"workers {draft.workers}: {question.workers} are demanded")
    elif question.workers is None and not 1 <= draft.workers <= most:
        found.append(f"workers {draft.workers}: 1 to {most} are allowed here")
    asked = brief.seconds or wishes(brief.text).seconds
    if draft.seconds is not None and draft.seconds != asked:
        told = f"the brief asks for {asked:g}" if asked else "the brief names no length, so it must be null"
        found.append(f"seconds {draft.seconds:g}: {told}")
    return found


def most_workers(question: Commission) -> int:
    """Most shots at a time that a language model may decide on."""
    if question.offline or question.strategy == "sequential":
        return question.workers or 1
    return question.workers or max(1, question.machine.cores)


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


def _fallback_reason(others: tuple[str, ...]) -> tuple[Reason, ...]:
    why = "renders the shots that it cannot"
    return (Reason(choice=f"then {', '.join(others)}", why=why),) if others else ()


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
