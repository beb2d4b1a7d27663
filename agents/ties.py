"""What ties a take to more than its words: how its cast looks, the shots before and after it, a take that went before.

Pictures and clips are asked for only of models whose cards say that they take them; `untied` says what was not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kinograph.agents import remedies, strategy
from kinograph.agents.reasons import contradicts
from kinograph.film import (
    Blend,
    Brief,
    Character,
    Conditioning,
    Correction,
    Decision,
    RenderRequest,
    Shot,
    Storyboard,
)
from kinograph.memory.keyframe import Keyframe
from kinograph.tools.backends import ModelCard

LEAN = 0.3
"""How far a first take that comes out of the shot before it leans towards that: words and noise, 0..1. Measured on the
embedded model: at 0.3 all of six shots were accepted, at 0.5 none of three, which had their neighbour's colours."""
EASED = 0.5
"""Share of that which each further take keeps: a transition is never worth a shot that is not accepted."""


class Ties(NamedTuple):
    """What has been made by now that a take is to fit to."""

    before: RenderRequest | None = None
    """Of the take that the film uses of the shot that this one comes out of smoothly."""
    ending: str | None = None
    """Digest of the picture with which the next shot, which stays as it is, goes on from this one."""
    source: str | None = None
    """Digest that names the clip of a take that is made anew in part."""


FREE = Ties()
"""To nothing."""


def follows(shot: Shot, board: Storyboard, model: ModelCard) -> str | None:
    """The shot whose last frame this one goes on from; None where the model, or the storyboard, has it begin afresh."""
    if "i2v" not in model.tasks:
        return None
    here = (board.shot(need) for need in shot.needs if board.shot(need).scene == shot.scene)
    return next((one.id for one in here if not board.changed_between(one, shot)), None)


def comes_out_of(shot: Shot, board: Storyboard) -> str | None:
    """The shot that changes into this one smoothly; None where it is cut to, and for the film's first."""
    order = [one.id for one in board.shots]
    at = order.index(shot.id)
    return order[at - 1] if at and shot.transition == "smooth" else None


def stands_on(shot: Shot, board: Storyboard, model: ModelCard) -> tuple[str, ...]:
    """The shots whose takes in the film the requests of this one depend on."""
    smoothly = comes_out_of(shot, board) if model.blends else None
    return tuple(dict.fromkeys(one for one in (follows(shot, board, model), smoothly) if one))


def leads_to(shot: Shot, board: Storyboard, model: ModelCard) -> str | None:
    """The next shot of the film, where it goes on from the last frame of this one."""
    order = [one.id for one in board.shots]
    after = board.shots[order.index(shot.id) + 1 :][:1]
    return next((one.id for one in after if follows(one, board, model) == shot.id), None)


def blend(ties: Ties, card: ModelCard, attempt: int) -> Blend | None:
    """How far a take leans towards the shot that it comes out of: less with every take that was not accepted."""
    if ties.before is None or not card.blends:
        return None
    weight = round(LEAN * EASED ** (attempt - 1), 4)
    return Blend(prompt=ties.before.prompt, seed=ties.before.seed, weight=weight)


def untied(
    shot: Shot, board: Storyboard, card: ModelCard, request: RenderRequest, ties: Ties
) -> Iterator[tuple[str, str]]:
    """What a take was to be tied to and is not: why, and what is so instead. `card` is of the request's model."""
    before = comes_out_of(shot, board)
    if before is not None and request.blend is None:
        lost = f"{before} is a placeholder" if ties.before is None else ""
        yield (
            lost or f"{card.id} takes no words and noise of a neighbour",
            f"{before} is cut to it, and does not change into it",
        )
    if ties.ending is not None and all(one.role not in ("last", "source") for one in request.conditioning):
        after = leads_to(shot, board, card)
        yield f"{card.id} takes no last frame here", f"it does not end where {after or 'the next shot'} begins"


def conditioning(
    shot: Shot,
    storyboard: Storyboard,
    decision: Decision,
    brief: Brief,
    card: ModelCard,
    recalled: Sequence[Keyframe],
    attempt: int,
    corrections: Sequence[Correction],
    ties: Ties = FREE,
) -> tuple[Conditioning, ...]:
    """The pictures that the model can take: how the cast looks, what the shot begins with, and what it ends with; or
    the take that it is made of."""
    if ties.source is not None and remedies.reworks(card):
        return (Conditioning(keyframe=ties.source, role="source", strength=remedies.KEPT),)
    cast = [storyboard.character(one.who) for one in shot.cast]
    who = [found for one in cast if (found := _reference(one, recalled))][: card.references]
    first = _first(shot, storyboard, decision, brief, card, recalled, attempt)
    if first is None and remedies.times(corrections, "hold keyframe") and "i2v" in card.tasks:
        first = next((k.picture for k in recalled if k.role == "setting"), None)
    begins = (Conditioning(keyframe=first, role="first"),) if first else ()
    if begins and first not in brief.references and (loose := remedies.times(corrections, "loosen keyframe")):
        begins = remedies.loosened(begins[0], loose, card.graded)
    return (*begins, *_last(ties, card, begins), *(Conditioning(keyframe=one, role="reference") for one in who))


def _last(ties: Ties, card: ModelCard, begins: tuple[Conditioning, ...]) -> tuple[Conditioning, ...]:
    """What the shot ends with: models of first and last frame alone need both."""
    able = "keyframes" in card.tasks or ("flf2v" in card.tasks and bool(begins))
    return (Conditioning(keyframe=ties.ending, role="last"),) if ties.ending is not None and able else ()


def _reference(character: Character, recalled: Sequence[Keyframe]) -> str | None:
    """The picture that a character is held to: of this look of it, else of who it is, unless in another colour."""
    known = [k for k in recalled if k.role == "identity" and k.about == character.identity]
    own = [k for k in known if k.shows(character)]
    return next((k.picture for k in (*own, *known) if not contradicts(k, character)), None)


def _first(
    shot: Shot,
    storyboard: Storyboard,
    decision: Decision,
    brief: Brief,
    card: ModelCard,
    recalled: Sequence[Keyframe],
    attempt: int,
) -> str | None:
    """The first frame: the reference picture where the film begins, where the shot before ended, or an own picture."""
    if "i2v" not in card.tasks:
        return None
    if brief.references and shot.id == storyboard.shots[0].id:
        return brief.references[0]
    goes_on = next((keyframe.picture for keyframe in recalled if keyframe.role == "last"), None)
    return goes_on or strategy.begins_with(shot, storyboard, decision.visuals, decision.stock, attempt)
