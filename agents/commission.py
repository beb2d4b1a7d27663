"""A commission: what the orchestrator is asked, with what earlier takes and productions came to."""

from __future__ import annotations

from collections.abc import Iterable

from kinograph.film import Brief, Noun, Stock, Strategy, Take, Topology, Trial
from kinograph.tools.machine import Machine
from kinograph.tools.resources import Snapshot


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


def most_workers(question: Commission) -> int:
    """Most shots at a time that a language model may decide on."""
    if question.offline or question.strategy == "sequential":
        return question.workers or 1
    return question.workers or max(1, question.machine.cores)
