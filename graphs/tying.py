"""What a take is to fit to, as far as the film is made by now: the takes of the shots before and after it, and its own
that was not accepted."""

from __future__ import annotations

from collections.abc import Sequence

from kinograph.agents import concessions, ties
from kinograph.agents.ties import Ties
from kinograph.errors import Damaged
from kinograph.film import Concession, Outcome, RenderRequest, Take
from kinograph.graphs import rounds
from kinograph.graphs.production import Carried, Crew
from kinograph.tools.backends import ModelCard, card
from kinograph.tools.footage import load, png


def ties_of(crew: Crew, shot: str, round: int, model: ModelCard, source: Take | None = None) -> Ties:
    """What a take of a shot is to fit to; `source` is one of its own that is made anew in part.

    The same whenever it is asked in a round, whatever else is finished. Raises StorageError.
    """
    clip = source.clip.request if source is not None and source.clip is not None else None
    return Ties(before=_before(crew, shot), ending=_ending(crew, shot, round, model), source=clip)


def _before(crew: Crew, shot: str) -> RenderRequest | None:
    board = crew.storyboard
    before = ties.comes_out_of(board.shot(shot), board)
    take = _used(crew, crew.ledger.outcomes(crew.id).get(before)) if before else None
    return take.request if take else None


def _used(crew: Crew, outcome: Outcome | None) -> Take | None:
    """The take that the film uses of a shot; None where it has none."""
    if outcome is None or outcome.state in ("failed", "placeholder"):
        return None
    return crew.ledger.take(crew.id, outcome.shot, outcome.attempt)


def _ending(crew: Crew, shot: str, round: int, model: ModelCard) -> str | None:
    """The picture that the next shot begins with, where it goes on from this one and stays as it is."""
    board = crew.storyboard
    after = ties.leads_to(board.shot(shot), board, model)
    if after is None or not _stays(crew, after, round):
        return None
    outcome = crew.ledger.outcomes(crew.id).get(after)
    take = _used(crew, outcome)
    if outcome is None or take is None or take.clip is None:
        return None
    try:
        return crew.validator.vault.keep_picture(png(load(take.clip)[outcome.first]))
    except Damaged:
        return None  # nothing is to be met there any more; who cuts the film says so


def _stays(crew: Crew, shot: str, round: int) -> bool:
    """Whether a shot is made already and is not made in this round: it was taken over, or others were sent back."""
    carried = crew.ledger.paper(crew.id, "carried", Carried)
    if carried is not None and any(one.shot == shot for one in carried.shots):
        return True
    again = rounds.sent_back(crew, shot)
    return round > 1 and (again is None or again[0] < round)


def reworked(crew: Crew, sources: Sequence[Take], earlier: Sequence[Take]) -> Take | None:
    """The best of the earlier takes, where the last verdict asks that it be made anew in part.

    `sources` are those whose verdicts the next request carries.
    """
    last = sources[-1].verdict if sources else None
    if last is None or all(one.action != "rework" for one in last.corrections):
        return None
    whole = [one for one in earlier if one.clip is not None and one.verdict is not None and not one.placeholder]
    return max(whole, key=lambda one: (one.verdict.quality if one.verdict else 0, -one.attempt), default=None)


def given_up(crew: Crew, take: Take, round: int) -> list[Concession]:
    """What the take that the film uses was to fit to and does not."""
    model, board = card(take.request.model), crew.storyboard
    found = ties_of(crew, take.shot, round, model)
    told = ties.untied(board.shot(take.shot), board, model, take.request, found)
    return [concessions.left_out(take.shot, why, instead) for why, instead in told]
