"""The life of one shot: recall -> render -> judge -> remember, or a retake with corrections."""

from __future__ import annotations

import time
from typing import Any

from langgraph.graph import END, START, StateGraph

from kinograph.agents.generation import resolve
from kinograph.agents.verdicts import Viewing
from kinograph.errors import RenderFailed
from kinograph.events import ShotSettled, TakeJudged, TakeProgress, TakeStarted
from kinograph.film import Clip, Correction, Outcome, Take
from kinograph.graphs import rounds
from kinograph.graphs.production import Crew, Run, TakeState
from kinograph.memory.keyframes import Keyframe


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
    crew, board = runtime.context, runtime.context.storyboard
    crew.go_on()
    recalled = crew.mind.think(crew.memory, crew.memory.recollection(board.shot(state["shot"]), board))
    return {"attempt": _attempt(state), "recalled": [keyframe.model_dump() for keyframe in recalled.keyframes]}


def render(state: TakeState, runtime: Run) -> dict[str, Any]:
    """Records the take with its clip, or with the reason why there is none."""
    crew, shot, attempt = runtime.context, state["shot"], _attempt(state)
    crew.go_on()
    earlier = [take for take in crew.ledger.takes(crew.id, shot) if take.attempt < attempt]
    request = resolve(
        crew.storyboard.shot(shot),
        crew.storyboard,
        crew.decision,
        crew.brief,
        crew.card,
        attempt,
        corrections_of(earlier) + _of_the_film(crew, state),
        _recalled(state),
    )

    def progress(done: float) -> None:
        crew.tell(TakeProgress(shot=shot, attempt=attempt, done=done))

    try:
        with (
            crew.floor.worker(crew.id, shot) as worker,
            crew.ledger.stint(crew.id, shot, attempt, "render", worker),
        ):
            crew.tell(TakeStarted(shot=shot, attempt=attempt))
            clip, reused = crew.generation.render(request, progress, crew.cancelled.is_set)
        take = Take(shot=shot, attempt=attempt, request=request, clip=clip, reused=reused)
    except RenderFailed as error:
        take = Take(shot=shot, attempt=attempt, request=request, error=str(error))
    crew.ledger.record_take(crew.id, take)
    return {}


def corrections_of(takes: list[Take]) -> list[Correction]:
    """What the verdicts on earlier takes ask of the next request, oldest first."""
    return [correction for take in takes if take.verdict for correction in take.verdict.corrections]


def _of_the_film(crew: Crew, state: TakeState) -> list[Correction]:
    """What the quality agent asks of the next request, where it sent the shot back."""
    again = rounds.sent_back(crew, state["shot"]) if state.get("round", 1) > 1 else None
    return list(again[1].corrections) if again else []


def _recalled(state: TakeState) -> list[Keyframe]:
    return [Keyframe.model_validate(keyframe) for keyframe in state.get("recalled", [])]


def judge(state: TakeState, runtime: Run) -> dict[str, Any]:
    """Has the validator look at the take and records the verdict."""
    crew = runtime.context
    crew.go_on()
    take = crew.ledger.take(crew.id, state["shot"], _attempt(state))
    if take.clip is not None:
        started = time.monotonic()
        with crew.ledger.stint(crew.id, take.shot, take.attempt, "verdict"):
            verdict = crew.mind.think(crew.validator, _viewing(crew, state, take, take.clip))
        take = take.changed(verdict=verdict, judging=round(time.monotonic() - started, 3))
        crew.ledger.record_take(crew.id, take)
    crew.tell(TakeJudged(take=take))
    if take.accepted:
        return {"verdict": "accepted"}
    return {"verdict": "retake" if _attempt(state) < state.get("most", crew.decision.takes) else "exhausted"}


def _viewing(crew: Crew, state: TakeState, take: Take, clip: Clip) -> Viewing:
    board, shot = crew.storyboard, crew.storyboard.shot(take.shot)
    return Viewing(
        shot=shot,
        cast=tuple(board.character(appearance.who) for appearance in shot.cast),
        look=board.look,
        request=take.request,
        clip=clip,
        recalled=tuple(_recalled(state)),
    )


def retake(state: TakeState) -> dict[str, Any]:
    return {"attempt": _attempt(state) + 1}


def remember(state: TakeState, runtime: Run) -> dict[str, Any]:
    crew, board = runtime.context, runtime.context.storyboard
    take = crew.ledger.take(crew.id, state["shot"], _attempt(state))
    crew.memory.remember(board.shot(take.shot), board, take)
    return {}


def settle(state: TakeState, runtime: Run) -> dict[str, Any]:
    """Chooses what the film will use of this shot."""
    crew, shot = runtime.context, state["shot"]
    takes = [take for take in crew.ledger.takes(crew.id, shot) if take.attempt <= _attempt(state)]
    again = rounds.sent_back(crew, shot) if state.get("round", 1) > 1 else None
    outcome = _of_two(crew, state, again[1], takes) if again else _chosen(crew, state, takes)
    crew.ledger.settle_shot(crew.id, outcome)
    crew.tell(ShotSettled(shot=shot, outcome=outcome.state))
    return {}


def _chosen(crew: Crew, state: TakeState, takes: list[Take]) -> Outcome:
    outcome = choose(state["shot"], takes)
    return (_salvaged(crew, state, takes) or outcome) if outcome.state == "best" else outcome


def _of_two(crew: Crew, state: TakeState, again: rounds.SentBack, takes: list[Take]) -> Outcome:
    """Of a shot that was made again what its new life came to, unless what it came to before is better by itself."""
    new = _chosen(crew, state, [take for take in takes if take.attempt >= again.first])
    better = _rank(new) >= _rank(again.before)
    return (new if better else again.before).changed(round=state.get("round", 1))


def _rank(outcome: Outcome) -> int:
    """What one would rather use: the higher."""
    states = ("best", "trimmed", "accepted", "chosen")
    return states.index(outcome.state) if outcome.state in states else -1


def choose(shot: str, takes: list[Take]) -> Outcome:
    """The accepted take, else the one with the mildest findings, else nothing."""
    judged = [take for take in takes if take.clip is not None and take.verdict is not None]
    if not judged:
        return Outcome(shot=shot, state="failed")
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
