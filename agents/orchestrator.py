"""The orchestrator: chooses model, topology, sizes and budgets, and says why."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from kinograph.agents import strategy
from kinograph.agents.choosing import (
    able,
    choose_fallback,
    choose_frames,
    choose_model,
    choose_pool,
    choose_size,
    choose_strategy,
    choose_topology,
    choose_workers,
    in_range,
)
from kinograph.agents.commission import Commission, most_workers
from kinograph.agents.film_wishes import wishes
from kinograph.agents.mind import Ask
from kinograph.film import Aspect, Decision, Noun, Reason
from kinograph.tools.backends import card

MAX_TEXT = 2000
"""Most characters of a brief that the choice of a model needs."""
RULED = 8
"""Reasons that every decision has; the model fallen back to comes after them."""


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


def _fallback_reason(others: tuple[str, ...]) -> tuple[Reason, ...]:
    why = "renders the shots that it cannot"
    return (Reason(choice=f"then {', '.join(others)}", why=why),) if others else ()


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
