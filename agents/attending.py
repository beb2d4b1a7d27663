"""Words about who is in a shot and who is not: "the ball should also be in shot 3", "shot 2 without the star"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kinograph.agents import edits, staging
from kinograph.film import Storyboard

_BE = r"(?:be|appear|come in|show up|be seen|be there)"
_THERE = re.compile(
    rf"\b(?:should|must|shall|has to|needs to)\s+(?:also\s+|too\s+)?{_BE}\s*(?:too|also|as well)?\W*$", re.I
)
_AWAY = re.compile(
    rf"\b(?:(?:should|must|shall|do|does)(?:\s+not|n't)\s+{_BE}|(?:is|are)\s+not\s+to\s+be|be\s+gone)\W*$"
    r"|^(?:but\s+)?without\b",
    re.I,
)
_STILL = re.compile(
    r"(?:n't|\bnot|\bnever|\bno longer|\bstops?)\s+(?:to\s+)?(?:be\s+)?"
    r"(?:mov|spin|rotat|bounc|jump|hop|fall|ris|climb|roll|grow|shrink|fly|circl)\w*|\bstop moving\b",
    re.I,
)


def attendance(text: str, shots: Sequence[str], board: Storyboard) -> list[edits.Edit]:
    """Who joins or leaves these shots; nothing without shots, or without somebody whom the film has."""
    people = staging.named(text, board) if shots else []
    where = tuple(shots)
    if _AWAY.search(text):
        return [edits.Leave(who=one.id, shots=where) for one in people]
    return [edits.Enter(character=one, shots=where) for one in people] if _THERE.search(text) else []


def halted(text: str, shots: Sequence[str], board: Storyboard) -> list[edits.Edit]:
    """Those who are no longer to move: "the star doesn't spin"."""
    people = staging.named(text, board) if _STILL.search(text) else []
    where = tuple(shots)
    return [edits.Act(who=one.id, motion="stays", action="stays still", shots=where) for one in people]


def away(edit: edits.Edit, board: Storyboard) -> str:
    """ "a red ball is not in shot 3" for an edit of somebody who is in none of its shots; "" when it is fine."""
    if not isinstance(edit, (edits.Recast, edits.Act, edits.Leave)) or not edit.shots:
        return ""
    places = {shot.id: place for place, shot in enumerate(board.shots, 1)}
    if any(one.who == edit.who for id in edit.shots for one in board.shot(id).cast):
        return ""
    said = board.character(edit.who).words
    numbers = " or ".join(str(places[id]) for id in edit.shots)
    return f"{said} is not in shot{'s' if len(edit.shots) > 1 else ''} {numbers}"
