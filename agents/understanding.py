"""The reviser's rules: words about a storyboard, read piece by piece, become edits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kinograph.agents import arranging, edits
from kinograph.agents.adding import added, told
from kinograph.agents.altering import properties
from kinograph.agents.english import changes, orders, pieces
from kinograph.agents.piece import Piece
from kinograph.agents.removing import removed
from kinograph.agents.retaking import again, taken
from kinograph.agents.revising import Draft, Used, revise
from kinograph.agents.wish import Wish
from kinograph.errors import BadInput
from kinograph.film import Brief, Storyboard

_OF_SHOTS = (
    edits.Change,
    edits.Length,
    edits.Recast,
    edits.Act,
    edits.Enter,
    edits.Leave,
    edits.Again,
    edits.Unclear,
)


def understand(wish: Wish) -> list[edits.Edit]:
    """The edits that the words ask for, never none; what is not understood comes back as `Unclear`."""
    whole = orders.answer(wish.words)
    if whole is not None:
        return [edits.Approve() if whole == "yes" else edits.Decline()]
    found: list[edits.Edit] = []
    board, focus = wish.storyboard, wish.focus
    for sentence in pieces.told(wish.words):
        meant: tuple[str, ...] = ()
        for piece in sentence:
            said = Piece(piece, wish.changed(focus=focus), board, meant)
            new = _read(said)
            found += new
            # Later pieces speak of the storyboard as the earlier ones leave it.
            after = _after(board, new, wish)
            meant = _carried(said.shots, new[-1], board, after)
            board, focus = after, meant or focus
    return found


def _carried(shots: tuple[str, ...], last: edits.Edit, before: Storyboard, after: Storyboard) -> tuple[str, ...]:
    """The shots that an order goes on about where it names none: "make shot 2 at night and zoom in"."""
    if isinstance(last, edits.Add):
        old = {shot.id for shot in before.shots}
        return tuple(shot.id for shot in after.shots if shot.id not in old)
    here = {shot.id for shot in after.shots}
    return tuple(id for id in shots if id in here) if isinstance(last, _OF_SHOTS) else ()


def _after(board: Storyboard, new: Sequence[edits.Edit], wish: Wish) -> Storyboard:
    takes = {shot: tuple(map(str, range(count))) for shot, count in wish.takes.items()}
    try:
        return revise(Draft(brief=Brief(text="-"), storyboard=board), new, Used(takes=takes)).storyboard
    except BadInput:
        return board  # the session applies the same edits and says what is wrong


def _read(piece: Piece) -> list[edits.Edit]:
    """What one piece asks for, by the first way of reading it that fits."""
    if orders.answer(piece.words) == "yes":
        return [edits.Approve()]
    if changes.asks(piece.plain):
        return [piece.lost()]
    for read in (_steps, _whole, added, _ordered, taken, removed):
        if found := read(piece):
            return found
    if piece.tagged.missing:
        return [piece.unclear(arranging.absent(piece.tagged.missing, piece.board))]
    if piece.tagged.unknown or (not piece.tells_on() and piece.vague()):
        return [piece.which()]
    if orders.aside(piece.plain) and not piece.tagged.meant:
        return [piece.lost()]
    if not piece.tells_on():
        if found := list(properties(piece)):
            return found
        if (more := again(piece)) is not None:
            return [more]
    return told(piece) or [piece.lost()]


def _steps(piece: Piece) -> list[edits.Edit]:
    if (version := orders.visited(piece.plain, piece.wish.versions)) is not None:
        return [edits.Visit(version=version)]
    if steps := orders.undone(piece.plain):
        return [edits.Undo(steps=min(steps, 100))]
    if steps := orders.redone(piece.plain):
        return [edits.Redo(steps=min(steps, 100))]
    return []


def _whole(piece: Piece) -> list[edits.Edit]:
    if (title := orders.title(piece.plain)) is not None:
        return [edits.Whole(title=title)]
    if (seed := orders.seed(piece.plain)) is not None:
        shots = piece.tagged.ids if not piece.tagged.everything else ()
        return [edits.Again(shots=shots, seed=seed) if shots else edits.Whole(seed=seed)]
    match = re.search(r"\b(?:with|use|model)\s+(?:the\s+)?(?:model\s+)?([a-z]+(?:-[a-z0-9.]+)+)\b", piece.plain)
    if match and (match[1].startswith("storyworld-") or "model" in piece.plain):
        return [edits.Whole(model=match[1])]
    return []


def _ordered(piece: Piece) -> list[edits.Edit]:
    try:
        order = arranging.ordered(piece.plain, piece.board, piece.wish.focus)
    except BadInput as error:
        return [piece.unclear(str(error))]
    return [edits.Order(shots=tuple(order))] if order else []
