"""A take is judged: the validator looks at it, and whether its remedies have helped is learned."""

from __future__ import annotations

import time
from typing import Any

from kinograph.agents import remedies, retreat
from kinograph.agents.remedies import Offer
from kinograph.agents.verdicts import ACCEPTABLE, Viewing
from kinograph.events import TakeJudged
from kinograph.film import Clip, Concession, Finding, Take, Verdict
from kinograph.graphs.boundaries import spared
from kinograph.graphs.lives import attempt_of, counted, of_this_life, recalled_of, sources_of
from kinograph.graphs.production import Crew, Run, TakeState
from kinograph.tools.backends import card

UNJUDGED = Verdict(accepted=True, unchecked=("everything: there is no validator",))
"""What is said of a take where the validator is taken away."""


def judge(state: TakeState, runtime: Run) -> dict[str, Any]:
    """Has the validator look at the take and records the verdict. A validator that fails has seen nothing."""
    crew, failed = runtime.context, list[Concession]()
    crew.go_on()
    take = crew.ledger.take(crew.id, state["shot"], attempt_of(state))
    takes = [one for one in crew.ledger.takes(crew.id, take.shot) if one.attempt <= take.attempt]
    if take.clip is not None:
        started = time.monotonic()
        viewing = viewing_of(crew, state, take, take.clip, takes)
        with crew.ledger.stint(crew.id, take.shot, take.attempt, "verdict"):
            seen = spared(
                "judge",
                lambda: crew.mind.think(crew.validator, viewing) if crew.ablations.validator else UNJUDGED,
                None,
                failed.append,
                "default",
                "nobody has looked at it",
                take.shot,
            )
        seen = seen or _unseen(take, failed[0])
        if not crew.ablations.corrections:
            seen = seen.changed(corrections=())
        take = take.changed(verdict=seen, judging=round(time.monotonic() - started, 3))
        crew.ledger.record_take(crew.id, take)
        takes = [*takes[:-1], take]
    _learn(crew, takes)
    crew.tell(TakeJudged(take=take))
    candidates = counted(takes) < crew.candidates(take.shot) and state.get("round", 1) == 1
    if candidates and take.failure is None and not failed:
        return {"verdict": "retake"}
    if any(one.accepted for one in of_this_life(crew, state, takes)):
        return {"verdict": "accepted"}
    if take.clip is None and take.stopped is None:
        more = retreat.means_for(of_this_life(crew, state, takes), crew.decision) is not None
    elif "most" in state:
        more = not failed and take.attempt < state["most"]
    else:  # what cannot be looked at gets no better by another render
        more = not failed and counted(takes) < crew.takes(take.shot)
    return {"verdict": "retake" if more else "exhausted"}


def _learn(crew: Crew, takes: list[Take]) -> None:
    """Records whether what the last take was made with has helped against what was found before it."""
    last, sources = takes[-1], sources_of(crew, takes[:-1])
    if sources and last.verdict is not None:
        before = sources[-1]
        for trial in remedies.outcomes(before.verdict, last.verdict, ACCEPTABLE, before.request.model):
            if last.stopped is None or not trial.worked:  # an ended render shows what is wrong, not what is right
                crew.ledger.remedies.record(crew.id, last.shot, last.attempt, trial)


def _unseen(take: Take, failed: Concession) -> Verdict:
    """What a validator that cannot see says: it does not approve."""
    last = take.clip.frames - 1 if take.clip else 0
    words = f"the validator failed and has not seen it: {failed.why}"
    finding = Finding(kind="cannot see", words=words, shot=take.shot, last_frame=last, severity=1.0)
    return Verdict(accepted=False, findings=(finding,), unchecked=("everything: the validator failed",))


def viewing_of(crew: Crew, state: TakeState, take: Take, clip: Clip, takes: list[Take] | None = None) -> Viewing:
    """What the validator is asked; after these takes, remedies are offered."""
    board, shot = crew.storyboard, crew.storyboard.shot(take.shot)
    return Viewing(
        shot=shot,
        cast=tuple(board.character(appearance.who) for appearance in shot.cast),
        look=board.look,
        request=take.request,
        clip=clip,
        recalled=tuple(recalled_of(state)),
        offer=_offer(crew, state, take, takes or []),
    )


def _offer(crew: Crew, state: TakeState, take: Take, takes: list[Take]) -> Offer:
    """From what the remedies of a take are chosen."""
    request, models = take.request, (crew.decision.model, *crew.decision.fallback)
    others = len(models) - 1 - models.index(request.model) if request.model in models else 0
    sources = sources_of(crew, takes[:-1])
    return Offer(
        model=request.model,
        able=remedies.able(
            card(request.model), request, recalled_of(state), crew.brief.references, others, take.clip is not None
        ),
        seed=request.seed,
        learn=crew.learn,
        record=tuple(crew.ledger.remedies.tallies(request.model)) if crew.learn else (),
        tried=tuple(one for source in sources for one in remedies.given(source.verdict)),
        given=remedies.given(take.verdict),
    )
