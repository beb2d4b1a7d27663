"""A shot is settled: what the film uses of it, what is remembered of that, and what was given up."""

from __future__ import annotations

from typing import Any

from kinograph.agents import concessions
from kinograph.agents.ties import follows
from kinograph.errors import OrchestrationError, RenderFailed, told
from kinograph.events import GivenUp, ShotSettled
from kinograph.film import Concession, Failure, Outcome, Take
from kinograph.graphs import rounds, tying
from kinograph.graphs.boundaries import rises, spared
from kinograph.graphs.judging import viewing_of
from kinograph.graphs.lives import as_data, attempt_of, choose, of_this_life, recalled_of, sent_back_with
from kinograph.graphs.production import Crew, Run, TakeState
from kinograph.tools.backends import card


def remember(state: TakeState, runtime: Run) -> dict[str, Any]:
    crew = runtime.context
    takes = [one for one in crew.ledger.takes(crew.id, state["shot"]) if one.attempt <= attempt_of(state)]
    best = choose(state["shot"], of_this_life(crew, state, takes))
    take = crew.ledger.take(crew.id, state["shot"], best.attempt)
    given_up = [Concession.model_validate(one) for one in state.get("given_up", [])]
    given_up = [one for one in given_up if one.task != "remember"]
    remembering(crew, take, given_up)
    return {"given_up": as_data(given_up)}


def remembering(crew: Crew, take: Take, given_up: list[Concession]) -> None:
    """Has the memory agent keep how an accepted take looks; where it fails that is noted in `given_up`."""
    shot = crew.storyboard.shot(take.shot)
    spared(
        "remember",
        lambda: crew.memory.remember(shot, crew.storyboard, take),
        (),
        given_up.append,
        "not remembered",
        "later shots are not held to how it looks",
        take.shot,
    )


def agreeing(crew: Crew, outcome: Outcome, given_up: list[Concession]) -> None:
    """Has the memory hold what the film uses of a shot that was made more than once, not what another take left."""
    if outcome.state != "accepted":
        return
    take = crew.ledger.take(crew.id, outcome.shot, outcome.attempt)
    spared(
        "remember",
        lambda: crew.memory.agree(crew.storyboard.shot(outcome.shot), crew.storyboard, take),
        None,
        given_up.append,
        "not remembered",
        "later shots are not held to how it looks",
        outcome.shot,
    )


def settle(state: TakeState, runtime: Run) -> dict[str, Any]:
    """Chooses what the film will use of this shot."""
    crew, shot, noted = runtime.context, state["shot"], list[Concession]()
    known = crew.ledger.takes(crew.id, shot)
    takes = [take for take in known if take.attempt <= attempt_of(state)]
    again = sent_back_with(crew, state)
    outcome = _chosen(crew, state, of_this_life(crew, state, takes), noted)
    if again is not None:
        outcome = _of_two(outcome, again.before)
        agreeing(crew, outcome, noted)
    if len(takes) < len(known):
        crew.ledger.forget_takes(crew.id, shot, max(attempt_of(state), outcome.attempt))
    noted += [Concession.model_validate(one) for one in state.get("given_up", [])]
    if outcome.state != "placeholder":
        noted += _afresh(crew, state, takes)
        used = crew.ledger.take(crew.id, shot, outcome.attempt)
        noted += tying.given_up(crew, used, state.get("round", 1))
    _settled(crew, outcome.changed(round=state.get("round", 1)), takes, noted)
    return {}


def _chosen(crew: Crew, state: TakeState, takes: list[Take], noted: list[Concession]) -> Outcome:
    """The best take, or the sound part of one."""
    outcome = choose(state["shot"], takes)
    if outcome.state != "best":
        return outcome
    part = spared(
        "salvage",
        lambda: _salvaged(crew, state, takes),
        None,
        noted.append,
        "default",
        "a whole take is used",
        outcome.shot,
    )
    return part or outcome


def _salvaged(crew: Crew, state: TakeState, takes: list[Take]) -> Outcome | None:
    """The longest sound part of a rejected take: what an editor would cut around the bad frames."""
    found: list[Outcome] = []
    for take in takes:
        if take.clip is not None and take.verdict is not None:
            part = crew.validator.salvage(viewing_of(crew, state, take, take.clip), take.verdict)
            if part is not None:
                found.append(
                    Outcome(shot=take.shot, state="trimmed", attempt=take.attempt, first=part[0], last=part[1])
                )
    return max(found, key=lambda outcome: outcome.last - outcome.first, default=None)


def _of_two(new: Outcome, before: Outcome) -> Outcome:
    """Of a shot that was made again what its new life came to, unless what it came to before is better by itself."""
    ranks = ("failed", "placeholder", "best", "trimmed", "accepted", "chosen")
    return new if ranks.index(new.state) >= ranks.index(before.state) else before


def _afresh(crew: Crew, state: TakeState, takes: list[Take]) -> list[Concession]:
    """A shot that was to go on from one before it, of which nothing is remembered, has begun afresh."""
    shot, recalled = crew.storyboard.shot(state["shot"]), recalled_of(state)
    model = card(takes[-1].request.model) if takes and not takes[-1].placeholder else crew.card
    source = follows(shot, crew.storyboard, model)
    if source is None or any(keyframe.role == "last" for keyframe in recalled):
        return []
    if any(one.get("task") == "recall" for one in state.get("given_up", [])):
        return []  # that says so already
    before = crew.ledger.outcomes(crew.id).get(source)
    why = f"{source} is a placeholder" if before and before.state == "placeholder" else f"no take of {source} is kept"
    instead = f"it begins afresh, not where {source} ends"
    return [Concession(task="recall", shot=shot.id, kind="fresh start", why=why, instead=instead)]


def _settled(crew: Crew, outcome: Outcome, takes: list[Take], noted: list[Concession]) -> None:
    """Files what became of a shot, a placeholder where there is nothing else, and tells what was given up."""
    given_up = (*concessions.of_outcome(outcome, takes, crew.decision), *noted)
    if outcome.state == "placeholder":
        failures: list[Failure] = [take.failure for take in takes if take.failure]
        reason = concessions.SHORTLY[failures[-1] if failures else "other"]
        outcome = placeholder(crew, outcome.shot, takes, reason).changed(round=outcome.round)
    outcome = outcome.changed(given_up=given_up)
    crew.ledger.settle_shot(crew.id, outcome)
    for concession in given_up:
        crew.tell(GivenUp(concession=concession))
    crew.tell(ShotSettled(shot=outcome.shot, outcome=outcome.state))


def placeholder(crew: Crew, shot: str, takes: list[Take], reason: str) -> Outcome:
    """Draws the card that stands in the film for a shot, after the takes that were tried. Raises OrchestrationError."""
    one, decision = crew.storyboard.shot(shot), crew.decision
    frames = crew.card.legal_frames(round(one.seconds * decision.fps))
    request = concessions.card_request(one, crew.storyboard, decision, frames, reason)
    try:
        clip, reused = crew.generation.render(request, lambda _: None, crew.cancelled.is_set)
    except RenderFailed as error:
        raise OrchestrationError(f"the placeholder of shot {shot}", [error]) from error
    attempt = max((take.attempt for take in takes), default=0) + 1
    take = Take(shot=shot, attempt=attempt, request=request, clip=clip, reused=reused, placeholder=True)
    crew.ledger.record_take(crew.id, take)
    return Outcome(shot=shot, state="placeholder", attempt=attempt, last=clip.frames - 1)


def rescue(crew: Crew, shot: str, error: Exception) -> None:
    """Settles a shot whose life ended in something unforeseen: with the best take that it has, else a placeholder.

    Raises OrchestrationError when that fails too.
    """
    unforeseen = Concession(
        task="take", shot=shot, kind="default", why=told(error), instead="what there was by then is used"
    )
    noted = [unforeseen]
    again = rounds.sent_back(crew, shot)
    try:
        takes = [take for take in crew.ledger.takes(crew.id, shot) if not take.placeholder]
        outcome = choose(shot, takes)
        if again is not None:
            outcome = _of_two(outcome, again[1].before).changed(round=again[0])
            agreeing(crew, outcome, noted)
        _settled(crew, outcome, takes, noted)
    except Exception as second:
        if rises(second):
            raise
        raise OrchestrationError(f"shot {shot}", [error, second]) from second
