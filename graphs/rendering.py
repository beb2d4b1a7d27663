"""A take is rendered: with what earlier ones ask for, and ended midway where it becomes hopeless."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from kinograph.agents import retreat
from kinograph.agents.glance import Overseen, unfinished
from kinograph.agents.requesting import resolve
from kinograph.agents.verdicts import verdict
from kinograph.errors import RenderFailed, Stopped
from kinograph.events import TakeProgress, TakeStarted, TakeStopped, Waiting
from kinograph.film import Means, RenderRequest, Take
from kinograph.graphs import tying
from kinograph.graphs.judging import viewing_of
from kinograph.graphs.lives import (
    attempt_of,
    corrections_of,
    counted,
    held_to,
    of_the_film,
    of_this_life,
    recalled_of,
    sources_of,
)
from kinograph.graphs.production import Crew, Run, TakeState
from kinograph.tools.backends import card

WAITS = (10.0, 60.0)
"""Seconds after which it is told that a render has not begun, and how long until it is told again."""


def render(state: TakeState, runtime: Run) -> dict[str, Any]:
    """Records the take with its clip, or with the reason why there is none."""
    crew, shot, attempt = runtime.context, state["shot"], attempt_of(state)
    crew.go_on()
    earlier = [take for take in crew.ledger.takes(crew.id, shot) if take.attempt < attempt]
    means = retreat.means_for(of_this_life(crew, state, earlier), crew.decision)
    assert means is not None, "there is a retake only where something is left to try"
    asked = [take.verdict for take in sources_of(crew, earlier) if take.verdict]
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
    begun = Take(shot=shot, attempt=attempt, request=request, means=means, held=held_to(state))
    try:
        if unopened is not None:
            raise unopened
        with ExitStack() as work:
            worker = work.enter_context(crew.floor.worker(crew.id, shot))
            work.enter_context(crew.ledger.stint(crew.id, shot, attempt, "render", worker))
            crew.tell(TakeStarted(shot=shot, attempt=attempt))
            heard = _Heard(crew, shot, attempt)
            # While the clip is written its worker is another's.
            rendered = crew.generation.render(request, heard, crew.cancelled.is_set, oversight, work.close)
        take = begun.changed(clip=rendered.clip, reused=rendered.reused)
    except Stopped as error:
        take = _hopeless(crew, state, earlier, begun, error)
    except RenderFailed as error:
        take = begun.changed(error=str(error), failure=retreat.failure_of(error))
    crew.ledger.record_take(crew.id, _judged_before(crew, take))
    return {}


def _request(crew: Crew, state: TakeState, earlier: list[Take], means: Means, revision: str) -> RenderRequest:
    decision, sources = retreat.decision_for(crew.decision, means, revision, crew.brief), sources_of(crew, earlier)
    model, anew = card(decision.model), tying.reworked(crew, sources, earlier)
    return resolve(
        crew.storyboard.shot(state["shot"]),
        crew.storyboard,
        decision,
        crew.brief,
        model,
        counted(earlier) + 1,
        corrections_of(sources) + of_the_film(crew, state),
        recalled_of(state),
        means,
        tying.ties_of(crew, state["shot"], state.get("round", 1), model, anew),
    )


def _oversight(crew: Crew, state: TakeState, earlier: list[Take], request: RenderRequest) -> Overseen | None:
    """Who may end the render midway; nobody ends the last take that the shot may cost."""
    if crew.glance is None or not crew.ablations.validator:
        return None
    attempt = attempt_of(state)
    left = state["most"] - attempt if "most" in state else crew.takes(state["shot"]) - counted(earlier) - 1
    take = Take(shot=state["shot"], attempt=attempt, request=request)
    return crew.glance.over(viewing_of(crew, state, take, unfinished(request)), left)


def _stopped_before(crew: Crew, shot: str, attempt: int, request: RenderRequest) -> bool:
    """Whether this very render was ended before: what is hopeless once is so after a kill too."""
    takes = crew.ledger.takes(crew.id, shot)
    return any(
        one.attempt == attempt and one.stopped is not None and one.request.digest == request.digest for one in takes
    )


def _hopeless(crew: Crew, state: TakeState, earlier: list[Take], take: Take, error: Stopped) -> Take:
    """The take whose render was ended, with the verdict by which the next one does better."""
    crew.tell(TakeStopped(shot=take.shot, attempt=take.attempt, share=error.share, why=error.findings[0].words))
    viewing = viewing_of(crew, state, take, unfinished(take.request), [*earlier, take])
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
