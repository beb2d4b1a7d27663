"""The life of one shot: recall -> render -> judge -> remember, or a retake with corrections.

A render that fails is tried again with less (`agents/retreat.py`); where nothing helps a placeholder is shown.
"""

from __future__ import annotations

import time
from typing import Any

from langgraph.graph import END, START, StateGraph

from kinograph.agents import concessions, remedies, retreat
from kinograph.agents.generation import resolve, seed_for
from kinograph.agents.glance import Overseen, unfinished
from kinograph.agents.memory import Recalled
from kinograph.agents.remedies import Offer
from kinograph.agents.ties import follows
from kinograph.agents.verdicts import ACCEPTABLE, Viewing, verdict
from kinograph.errors import OrchestrationError, RenderFailed, Stopped, told
from kinograph.events import GivenUp, ShotSettled, TakeJudged, TakeProgress, TakeStarted, TakeStopped, Waiting, Warned
from kinograph.film import (
    Clip,
    Concession,
    Correction,
    Failure,
    Finding,
    Held,
    Means,
    Outcome,
    RenderRequest,
    Shot,
    Take,
    Verdict,
)
from kinograph.graphs import rounds, tying
from kinograph.graphs.boundaries import rises, spared
from kinograph.graphs.production import Crew, Run, TakeState
from kinograph.memory.keyframes import Keyframe
from kinograph.tools.backends import card

WAITS = (10.0, 60.0)
"""Seconds after which it is told that a render has not begun, and how long until it is told again."""
UNJUDGED = Verdict(accepted=True, unchecked=("everything: there is no validator",))
"""What is said of a take where the validator is taken away."""


def build() -> StateGraph[Any, Any, Any, Any]:
    """Takes {id, shot}, of a shot that was sent back also {attempt, most, round}; leaves its outcome in the ledger.

    Raises nothing for a shot that fails.
    """
    graph = StateGraph(TakeState, context_schema=Crew)
    graph.add_node("recall", recall)
    graph.add_node("render", render)
    graph.add_node("judge", judge)
    graph.add_node("remember", remember)
    graph.add_node("retake", retake)
    graph.add_node("settle", settle)
    graph.add_edge(START, "recall")
    graph.add_edge("recall", "render")
    graph.add_edge("render", "judge")
    graph.add_conditional_edges(
        "judge",
        lambda state: state.get("verdict"),
        {"accepted": "remember", "retake": "retake", "exhausted": "settle"},
    )
    graph.add_edge("retake", "render")
    graph.add_edge("remember", "settle")
    graph.add_edge("settle", END)
    return graph


def _attempt(state: TakeState) -> int:
    return state.get("attempt", 1)


def recall(state: TakeState, runtime: Run) -> dict[str, Any]:
    crew, board, given_up = runtime.context, runtime.context.storyboard, list[Concession]()
    crew.go_on()
    shot = board.shot(state["shot"])
    recalled = spared(
        "recall",
        lambda: crew.mind.think(crew.memory, crew.memory.recollection(shot, board)),
        Recalled(keyframes=()),
        given_up.append,
        "fresh start",
        "rendered and judged as if nothing were remembered",
        shot.id,
    )
    recalled = _ablated(crew, shot, recalled)
    if recalled.left_out:
        words = f"shot {shot.id}: {recalled.left_out} remembered pictures are left out; the budget is full"
        crew.tell(Warned(words=words))
    return {
        "attempt": _attempt(state),
        "recalled": [keyframe.model_dump() for keyframe in recalled.keyframes],
        "why": list(recalled.reasons),
        "given_up": _kept(given_up),
    }


def _ablated(crew: Crew, shot: Shot, recalled: Recalled) -> Recalled:
    """What a shot is held to where that is measured."""
    if crew.ablations.recall == "none":
        return Recalled(keyframes=())
    if crew.ablations.recall == "random":
        return crew.memory.at_random(recalled, shot, crew.storyboard, seed_for(crew.brief.seed, shot.id, "recall"))
    return recalled


def _kept(given_up: list[Concession]) -> list[dict[str, str]]:
    return [concession.model_dump() for concession in given_up]


def _again(crew: Crew, state: TakeState) -> rounds.SentBack | None:
    """What a shot that is made again was sent back with."""
    found = rounds.sent_back(crew, state["shot"]) if state.get("round", 1) > 1 else None
    return found[1] if found else None


def _of_life(crew: Crew, state: TakeState, takes: list[Take]) -> list[Take]:
    """Those of a shot's takes that belong to this life of it: what failed before says nothing of a shot made again."""
    again = _again(crew, state)
    return [take for take in takes if again is None or take.attempt >= again.first]


def render(state: TakeState, runtime: Run) -> dict[str, Any]:
    """Records the take with its clip, or with the reason why there is none."""
    crew, shot, attempt = runtime.context, state["shot"], _attempt(state)
    crew.go_on()
    earlier = [take for take in crew.ledger.takes(crew.id, shot) if take.attempt < attempt]
    means = retreat.means_for(_of_life(crew, state, earlier), crew.decision)
    assert means is not None, "there is a retake only where something is left to try"
    asked = [take.verdict for take in _sources(crew, earlier) if take.verdict]
    elsewhere = sum(any(one.action == "other model" for one in verdict.corrections) for verdict in asked)
    means = retreat.elsewhere(means, elsewhere, crew.decision)
    unopened, revision = None, ""
    try:
        revision = crew.generation.revision(means.model) if means.model else ""
    except RenderFailed as error:
        unopened = error
    request = _request(crew, state, earlier, means, revision)
    oversight = _oversight(crew, state, earlier, request)
    if oversight is not None and _stopped_before(crew, shot, attempt, request):
        return {}
    begun = Take(shot=shot, attempt=attempt, request=request, means=means, held=_held(state))
    try:
        if unopened is not None:
            raise unopened
        with (
            crew.floor.worker(crew.id, shot) as worker,
            crew.ledger.stint(crew.id, shot, attempt, "render", worker),
        ):
            crew.tell(TakeStarted(shot=shot, attempt=attempt))
            seen = (oversight,) if oversight else ()
            rendered = crew.generation.render(request, _Heard(crew, shot, attempt), crew.cancelled.is_set, *seen)
        take = begun.changed(clip=rendered.clip, reused=rendered.reused)
    except Stopped as error:
        take = _hopeless(crew, state, earlier, begun, error)
    except RenderFailed as error:
        take = begun.changed(error=str(error), failure=retreat.failure_of(error))
    crew.ledger.record_take(crew.id, _judged_before(crew, take))
    return {}


def _oversight(crew: Crew, state: TakeState, earlier: list[Take], request: RenderRequest) -> Overseen | None:
    """Who may end the render midway; nobody ends the last take that the shot may cost."""
    if crew.glance is None or not crew.ablations.validator:
        return None
    attempt = _attempt(state)
    left = state["most"] - attempt if "most" in state else crew.takes(state["shot"]) - _judged(earlier) - 1
    take = Take(shot=state["shot"], attempt=attempt, request=request)
    return crew.glance.over(_viewing(crew, state, take, unfinished(request)), left)


def _stopped_before(crew: Crew, shot: str, attempt: int, request: RenderRequest) -> bool:
    """Whether this very render was ended before: what is hopeless once is so after a kill too."""
    takes = crew.ledger.takes(crew.id, shot)
    return any(
        one.attempt == attempt and one.stopped is not None and one.request.digest == request.digest for one in takes
    )


def _hopeless(crew: Crew, state: TakeState, earlier: list[Take], take: Take, error: Stopped) -> Take:
    """The take whose render was ended, with the verdict by which the next one does better."""
    crew.tell(TakeStopped(shot=take.shot, attempt=take.attempt, share=error.share, why=error.findings[0].words))
    viewing = _viewing(crew, state, take, unfinished(take.request), [*earlier, take])
    against = verdict(list(error.findings), [], ["the clip: its render was ended midway"], viewing)
    if not crew.ablations.corrections:
        against = against.changed(corrections=())
    return take.changed(verdict=against, stopped=error.share)


def _judged_before(crew: Crew, take: Take) -> Take:
    """The take with the verdict that the very same one was given before, by which its remedies are chosen again."""
    for known in crew.ledger.takes(crew.id, take.shot):
        if known.attempt == take.attempt and known.request == take.request and take.clip is not None:
            return take.changed(verdict=known.verdict)
    return take


class _Heard:
    """Tells how far a render is, and that it has not begun for long."""

    def __init__(self, crew: Crew, shot: str, attempt: int) -> None:
        self._crew, self._shot, self._attempt = crew, shot, attempt
        self._since = time.monotonic()
        self._next = WAITS[0]

    def __call__(self, done: float) -> None:
        self._crew.tell(TakeProgress(shot=self._shot, attempt=self._attempt, done=done))
        waited = time.monotonic() - self._since
        if done == 0 and waited >= self._next:
            self._next = waited + WAITS[1]
            self._crew.tell(Waiting(shot=self._shot, attempt=self._attempt, seconds=round(waited, 1)))


def _request(crew: Crew, state: TakeState, earlier: list[Take], means: Means, revision: str) -> RenderRequest:
    decision, sources = retreat.decision_for(crew.decision, means, revision, crew.brief), _sources(crew, earlier)
    model, anew = card(decision.model), tying.reworked(crew, sources, earlier)
    return resolve(
        crew.storyboard.shot(state["shot"]),
        crew.storyboard,
        decision,
        crew.brief,
        model,
        _judged(earlier) + 1,
        corrections_of(sources) + _of_the_film(crew, state),
        _recalled(state),
        means,
        tying.ties_of(crew, state["shot"], state.get("round", 1), model, anew),
    )


def _judged(takes: list[Take]) -> int:
    """Takes that count against those that the shot may cost: renders that failed do not."""
    return sum(take.failure is None and not take.placeholder for take in takes)


def corrections_of(takes: list[Take]) -> list[Correction]:
    """What the verdicts on earlier takes ask of the next request, oldest first."""
    return [correction for take in takes if take.verdict for correction in take.verdict.corrections]


def _of_the_film(crew: Crew, state: TakeState) -> list[Correction]:
    """What the quality agent asks of the next request, where it sent the shot back."""
    again = _again(crew, state)
    return list(again.corrections) if again and crew.ablations.corrections else []


def _sources(crew: Crew, earlier: list[Take]) -> list[Take]:
    """The takes whose verdicts a request after them carries: of candidates the best, once all are judged."""
    judged = [take for take in earlier if take.failure is None and not take.placeholder]
    if not judged or len(judged) < (candidates := crew.candidates(judged[0].shot)):
        return []
    first, later = judged[:candidates], judged[candidates:]
    best = choose(first[0].shot, first).attempt
    return ([take for take in first if take.attempt == best] or first[-1:]) + later  # all may have been stopped


def _recalled(state: TakeState) -> list[Keyframe]:
    return [Keyframe.model_validate(keyframe) for keyframe in state.get("recalled", [])]


def _held(state: TakeState) -> tuple[Held, ...]:
    """The pictures that the takes of a shot are held to, as a take tells them."""
    told = zip(_recalled(state), state.get("why", []), strict=False)  # lives begun before there were reasons have none
    return tuple(Held(picture=one.picture, shows=one.words, why=why) for one, why in told)


def judge(state: TakeState, runtime: Run) -> dict[str, Any]:
    """Has the validator look at the take and records the verdict. A validator that fails has seen nothing."""
    crew, failed = runtime.context, list[Concession]()
    crew.go_on()
    take = crew.ledger.take(crew.id, state["shot"], _attempt(state))
    takes = [one for one in crew.ledger.takes(crew.id, take.shot) if one.attempt <= take.attempt]
    if take.clip is not None:
        started = time.monotonic()
        viewing = _viewing(crew, state, take, take.clip, takes)
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
    candidates = _judged(takes) < crew.candidates(take.shot) and state.get("round", 1) == 1
    if candidates and take.failure is None and not failed:
        return {"verdict": "retake"}
    if any(one.accepted for one in _of_life(crew, state, takes)):
        return {"verdict": "accepted"}
    if take.clip is None and take.stopped is None:
        more = retreat.means_for(_of_life(crew, state, takes), crew.decision) is not None
    elif "most" in state:
        more = not failed and take.attempt < state["most"]
    else:  # what cannot be looked at gets no better by another render
        more = not failed and _judged(takes) < crew.takes(take.shot)
    return {"verdict": "retake" if more else "exhausted"}


def _learn(crew: Crew, takes: list[Take]) -> None:
    """Records whether what the last take was made with has helped against what was found before it."""
    last, sources = takes[-1], _sources(crew, takes[:-1])
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


def _viewing(crew: Crew, state: TakeState, take: Take, clip: Clip, takes: list[Take] | None = None) -> Viewing:
    """What the validator is asked; after these takes, remedies are offered."""
    board, shot = crew.storyboard, crew.storyboard.shot(take.shot)
    return Viewing(
        shot=shot,
        cast=tuple(board.character(appearance.who) for appearance in shot.cast),
        look=board.look,
        request=take.request,
        clip=clip,
        recalled=tuple(_recalled(state)),
        offer=_offer(crew, state, take, takes or []),
    )


def _offer(crew: Crew, state: TakeState, take: Take, takes: list[Take]) -> Offer:
    """From what the remedies of a take are chosen."""
    request, models = take.request, (crew.decision.model, *crew.decision.fallback)
    others = len(models) - 1 - models.index(request.model) if request.model in models else 0
    sources = _sources(crew, takes[:-1])
    return Offer(
        model=request.model,
        able=remedies.able(
            card(request.model), request, _recalled(state), crew.brief.references, others, take.clip is not None
        ),
        seed=request.seed,
        learn=crew.learn,
        record=tuple(crew.ledger.remedies.tallies(request.model)) if crew.learn else (),
        tried=tuple(one for source in sources for one in remedies.given(source.verdict)),
        given=remedies.given(take.verdict),
    )


def retake(state: TakeState) -> dict[str, Any]:
    return {"attempt": _attempt(state) + 1}


def remember(state: TakeState, runtime: Run) -> dict[str, Any]:
    crew = runtime.context
    takes = [one for one in crew.ledger.takes(crew.id, state["shot"]) if one.attempt <= _attempt(state)]
    best = choose(state["shot"], _of_life(crew, state, takes))
    take = crew.ledger.take(crew.id, state["shot"], best.attempt)
    given_up = [Concession.model_validate(one) for one in state.get("given_up", [])]
    given_up = [one for one in given_up if one.task != "remember"]
    remembering(crew, take, given_up)
    return {"given_up": _kept(given_up)}


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
    takes = [take for take in known if take.attempt <= _attempt(state)]
    again = _again(crew, state)
    outcome = _chosen(crew, state, _of_life(crew, state, takes), noted)
    if again is not None:
        outcome = _of_two(outcome, again.before)
        agreeing(crew, outcome, noted)
    if len(takes) < len(known):
        crew.ledger.forget_takes(crew.id, shot, max(_attempt(state), outcome.attempt))
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


def _of_two(new: Outcome, before: Outcome) -> Outcome:
    """Of a shot that was made again what its new life came to, unless what it came to before is better by itself."""
    ranks = ("failed", "placeholder", "best", "trimmed", "accepted", "chosen")
    return new if ranks.index(new.state) >= ranks.index(before.state) else before


def _afresh(crew: Crew, state: TakeState, takes: list[Take]) -> list[Concession]:
    """A shot that was to go on from one before it, of which nothing is remembered, has begun afresh."""
    shot, recalled = crew.storyboard.shot(state["shot"]), _recalled(state)
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


def choose(shot: str, takes: list[Take]) -> Outcome:
    """The accepted take, else the one with the mildest findings, else a placeholder, which is yet to be drawn."""
    judged = [take for take in takes if take.clip is not None and take.verdict is not None]
    if not judged:
        return Outcome(shot=shot, state="placeholder")
    best = max(judged, key=lambda take: (take.accepted, take.verdict.quality if take.verdict else 0, -take.attempt))
    assert best.clip is not None
    state = "accepted" if best.accepted else "best"
    return Outcome(shot=shot, state=state, attempt=best.attempt, last=best.clip.frames - 1)


def _salvaged(crew: Crew, state: TakeState, takes: list[Take]) -> Outcome | None:
    """The longest sound part of a rejected take: what an editor would cut around the bad frames."""
    found: list[Outcome] = []
    for take in takes:
        if take.clip is not None and take.verdict is not None:
            part = crew.validator.salvage(_viewing(crew, state, take, take.clip), take.verdict)
            if part is not None:
                found.append(
                    Outcome(shot=take.shot, state="trimmed", attempt=take.attempt, first=part[0], last=part[1])
                )
    return max(found, key=lambda outcome: outcome.last - outcome.first, default=None)
