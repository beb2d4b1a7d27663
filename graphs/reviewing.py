"""The steps in which the quality agent looks at the whole film; in one topology it sends shots back.

Shots are sent back once. What a new take comes to is weighed against what there was before, shot by shot: the film is
never worse for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from kinograph.agents.changing import Setback
from kinograph.agents.quality import LOST, Quality, Screening, Used, corrections, to_send_back
from kinograph.agents.story import Story
from kinograph.events import Reviewed
from kinograph.film import Noun, Outcome, Review
from kinograph.graphs import rounds
from kinograph.graphs.boundaries import dispensable
from kinograph.graphs.production import Carried, Crew, Production, Run, telling

PAPER = "reviews"


class Reviews(Noun):
    """What the quality agent has said of a production."""

    reviews: tuple[Review, ...] = ()


def look(state: Production, runtime: Run) -> dict[str, Any]:
    """Reviews the film as it is. A film that is not of one piece, and could be, is a setback."""
    crew = runtime.context
    crew.go_on()
    question = screening(crew, crew.ledger.outcomes(crew.id))
    review = _review(runtime, question)
    _file(runtime, review)
    if back := _too_bad(crew, question, review):
        worst = max((one for one in review.findings if one.shot in back), key=lambda one: one.severity)
        why = f"the film is not of one piece: {worst.words}"
        return {"setback": Setback(cause="inconsistent", why=why).model_dump()}
    return {}


def judge(state: Production, runtime: Run) -> dict[str, Any]:
    """Reviews the film and files which shots are made again; when they have been, keeps the better takes."""
    crew = runtime.context
    crew.go_on()
    again = _round(crew)
    if again is None:
        _send_back(runtime)
    elif sent_back_shots_wait(crew) == "done":
        _weigh(runtime, again)
    return {}


def sent_back_shots_wait(crew: Crew) -> str:
    """ "shoot" while a shot that was sent back is not settled, else "done"."""
    back = {one.shot for each in rounds.rounds_of(crew) for one in each.shots}
    return "shoot" if back - set(rounds.settled(crew)) else "done"


def after(state: Production, runtime: Run) -> str:
    """Where the quality agent leads: to the shots that it sent back, or on."""
    return sent_back_shots_wait(runtime.context)


def _review(runtime: Run, question: Screening) -> Review:
    """What the quality agent says; where it fails, nobody has looked at the film as a whole."""
    unseen = Review(round=question.round, score=0.0, unchecked=("everything: the quality agent failed",))
    crew = telling(runtime)
    think = partial(crew.mind.think, Quality(crew.validator.vault), question)
    return dispensable(crew, "review", think, unseen, "default", "no shot is sent back")


def _round(crew: Crew) -> rounds.Round | None:
    return next((one for one in rounds.rounds_of(crew) if one.why == "quality"), None)


def _too_bad(crew: Crew, question: Screening, review: Review) -> list[str]:
    """Shots that should be made again; none where all takes that the film may cost are made."""
    return to_send_back(question, review, crew.decision.takes) if crew.ablations.renders is None else []


def _send_back(runtime: Run) -> None:
    crew = runtime.context
    outcomes = crew.ledger.outcomes(crew.id)
    question = screening(crew, outcomes)
    review = _review(runtime, question)
    made: dict[str, int] = {}
    for one in crew.ledger.takes(crew.id):
        made[one.shot] = max(made.get(one.shot, 0), one.attempt)
    back = [shot for shot in _too_bad(crew, question, review) if made[shot] < crew.decision.takes]
    _file(runtime, review.changed(sent_back=tuple(back)))
    shots = [
        rounds.SentBack(
            shot=shot,
            first=made[shot] + 1,
            most=crew.decision.takes,
            before=outcomes[shot],
            corrections=corrections(crew.storyboard, review, shot),
        )
        for shot in back
    ]
    rounds.begin(crew, "quality", shots)


def _weigh(runtime: Run, again: rounds.Round) -> None:
    """Settles every shot of a round with what makes the better film: its new take, or what there was before."""
    crew = runtime.context
    new = {one.shot: _new(crew, again, one) for one in again.shots}
    best = crew.ledger.outcomes(crew.id) | {one.shot: one.before for one in again.shots}
    review = _review(runtime, screening(crew, best, again.number))
    bettered = []
    for shot, outcome in new.items():
        if outcome is not None:
            tried = _review(runtime, screening(crew, best | {shot: outcome}, again.number))
            if tried.score > review.score:
                best, review = best | {shot: outcome}, tried
                bettered.append(shot)
    for one in again.shots:
        outcome = best[one.shot].changed(round=again.number)
        if outcome.state in ("accepted", "trimmed", "best") and one.shot not in bettered:
            take = crew.ledger.take(crew.id, one.shot, outcome.attempt)
            if take.accepted:
                crew.memory.agree(crew.storyboard.shot(one.shot), crew.storyboard, take)
        crew.ledger.settle_shot(crew.id, outcome)
    _file(runtime, review.changed(bettered=tuple(bettered)))


def _new(crew: Crew, again: rounds.Round, one: rounds.SentBack) -> Outcome | None:
    """The accepted take of a shot's new life, whatever the film uses of it by now."""
    for take in crew.ledger.takes(crew.id, one.shot):
        if take.attempt >= one.first and take.accepted and take.clip is not None:
            last = take.clip.frames - 1
            return Outcome(shot=one.shot, state="accepted", attempt=take.attempt, last=last, round=again.number)
    return None


def screening(crew: Crew, outcomes: Mapping[str, Outcome], round: int | None = None) -> Screening:
    """What the quality agent is asked of the film that these outcomes make."""
    board = crew.storyboard
    carried = crew.ledger.paper(crew.id, "carried", Carried)
    kept = {one.shot for one in carried.shots} if carried else set()
    takes = {(take.shot, take.attempt): take for take in crew.ledger.takes(crew.id)}
    used = [outcomes.get(shot.id, Outcome(shot=shot.id, state="failed")) for shot in board.shots]
    return Screening(
        storyboard=board,
        used=tuple(
            Used(
                outcome=one,
                take=takes.get((one.shot, one.attempt)) if one.state not in LOST else None,
                fixed=one.state == "chosen" or one.shot in kept,
            )
            for one in used
        ),
        seconds=crew.decision.seconds,
        round=round or len(rounds.rounds_of(crew)) + 1,
        because=_causes(crew),
    )


def _causes(crew: Crew) -> dict[str, tuple[str, ...]]:
    """Shot -> shots that it happens because of, where the film was told as a story and not changed since."""
    story = crew.ledger.paper(crew.id, "story", Story)
    shots = crew.storyboard.shots
    if story is None or [beat.text for beat in story.outline.beats] != [shot.text for shot in shots]:
        return {}
    of_beat = {beat.id: shot.id for beat, shot in zip(story.outline.beats, shots, strict=True)}
    return {of_beat[link.beat]: tuple(of_beat[cause] for cause in link.because) for link in story.links}


def reviews_of(crew: Crew) -> tuple[Review, ...]:
    found = crew.ledger.paper(crew.id, PAPER, Reviews)
    return found.reviews if found else ()


def forget(crew: Crew) -> None:
    """Of a production that goes through all of its steps again."""
    if reviews_of(crew):
        crew.ledger.file(crew.id, PAPER, Reviews())


def _file(runtime: Run, review: Review) -> None:
    """Files a review, in place of one of the same round."""
    crew = runtime.context
    others = [one for one in reviews_of(crew) if one.round != review.round]
    crew.ledger.file(crew.id, PAPER, Reviews(reviews=(*others, review)))
    runtime.stream_writer(Reviewed(review=review))
