"""Takes, read out of a piece: one that is to be kept, or another that is to be made."""

from __future__ import annotations

import re

from kinograph.agents import arranging, edits
from kinograph.agents.english.counting import number
from kinograph.agents.piece import Piece

RANK = (
    r"(?P<rank>first|second|third|fourth|fifth|sixth|\d{1,2}(?:st|nd|rd|th)"
    r"|last|latest|previous|earlier|original|old)"
)
TAKE = re.compile(
    rf"\b{RANK}\s+(?:take|try|attempt)\b|\b(?:take|try|attempt)\s*(?:#|number\s*)?(?P<number>\d{{1,3}})\b(?!\s*(?:\.\d|seconds?|secs?|s\b))"
    r"|^(?:keep|use|take)\s+(?P<shot>\d{1,3})\.(?P<dotted>\d{1,3})$",
    re.I,
)
ONCE_MORE = re.compile(
    r"\b(?:again|(?:another|one more|a new|a different|a fresh) (?:try|take|attempt|go|time|shot at|seed)"
    r"|try (?=⟨)|retry|re-?roll|re-?shoot|re-?render|re-?do|re-?make|re-?take"
    r"|new seeds?|different (?:take|seed|try)s?"
    r"|once more|(?:don't|do not) like)\b",
    re.I,
)


def taken(piece: Piece) -> list[edits.Edit]:
    """The take that is to be kept, or why it cannot be; none where no take is named."""
    match = TAKE.search(piece.plain)
    if match is None or (ONCE_MORE.search(piece.plain) and not match["number"] and "again" not in piece.plain):
        return []
    if match["dotted"]:
        at = int(match["shot"])
        if not 1 <= at <= len(piece.board.shots):
            return [piece.unclear(arranging.absent([f"shot {at}"], piece.board))]
        return [edits.Keep(shot=piece.board.shots[at - 1].id, take=max(1, int(match["dotted"])))]
    if piece.tagged.missing:
        return []
    only = piece.board.shots[0].id if len(piece.board.shots) == 1 else None
    shot = next(iter(piece.tagged.ids or piece.wish.focus[:1]), only)
    if shot is None:
        return [piece.unclear('say of which shot, for example "the first take of shot 2"')]
    count = piece.wish.takes.get(shot, 0)
    rank = (match["rank"] or "").lower()
    if rank in ("last", "latest"):
        take = count
    elif rank in ("previous", "earlier", "old"):
        take = count - 1
    else:
        take = int(match["number"]) if match["number"] else 1 if rank == "original" else number(rank)
    if not 1 <= take <= count:
        place = [one.id for one in piece.board.shots].index(shot) + 1
        return [piece.unclear(f"shot {place} has {count or 'no'} take{'s' if count != 1 else ''} to choose from")]
    return [edits.Keep(shot=shot, take=take)]


def again(piece: Piece) -> edits.Again | None:
    """Another take, of the shots named or those spoken of last."""
    if not ONCE_MORE.search(piece.tagged.text):
        return None
    shots = piece.tagged.ids or piece.wish.focus
    return edits.Again(shots=() if piece.tagged.everything else shots)
