"""What is to go, read out of a piece: shots, somebody, or a mood."""

from __future__ import annotations

import re

from kinograph.agents import arranging, edits, staging
from kinograph.agents.altering import mooded
from kinograph.agents.english import orders
from kinograph.agents.english.camera import cameras
from kinograph.agents.piece import Piece

NOTHING_ELSE = re.compile(
    r"^(?:(?:please|too|also|again|entirely|completely|altogether|as well|and|the|for good|in it"
    r"|from the (?:film|movie|video))\b\s*)*(?:$|[,;:–-]|because\b|since\b)",
    re.I,
)


def removed(piece: Piece) -> list[edits.Edit]:
    """What the piece takes away; none where it takes nothing."""
    gone = arranging.removed(piece.plain, piece.board, piece.wish.focus)
    if gone is None or cameras(piece.plain):
        return []
    tagged = gone.tagged
    if tagged.missing:
        return [piece.unclear(arranging.absent(tagged.missing, piece.board))]
    if tagged.unknown:
        return [piece.which()]
    if re.search(r"\b(?:but|except)\b", tagged.rest, re.I):
        return [piece.lost()]
    people = [] if gone.whole else staging.named(tagged.rest, piece.board)
    if people:
        shots = () if tagged.everything else tagged.ids
        return [edits.Leave(who=one.id, shots=shots) for one in people]
    mood = None if gone.whole else orders.moods(f"less {tagged.rest}")
    if mood is None and gone.shots:
        # "Remove the dragon from shot 2" is no order to remove shot 2.
        plain = gone.whole or NOTHING_ELSE.match(tagged.rest)
        return [edits.Remove(shots=gone.shots) if plain else piece.lost()]
    return mooded(piece, orders.Moods((), (*mood.more, *mood.less)), tagged.ids) if mood else []
