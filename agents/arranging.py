"""Words about the order of shots, and about shots that are to go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from kinograph.agents.english.orders import listed_order
from kinograph.agents.english.shots import TOKEN, Tagged, tag
from kinograph.errors import BadInput
from kinograph.film import Storyboard

_SWAP = re.compile(r"\b(?:swap|switch|exchange|flip|trade)\b|\bchange (?:the )?(?:order|places)\b", re.I)
_REVERSE = re.compile(r"^(?:reverse|turn round|invert)\b(?: the)?(?: order| shots| film)?|\breverse order\b", re.I)
_PLACES = (
    r"(?P<start>(?:to|at|as)? ?(?:the )?(?:very )?(?:beginning|start|front|top|first)\b)"
    r"|(?P<end>(?:to|at|as)? ?(?:the )?(?:very )?(?:end|back|bottom|last|final)\b)"
    r"|(?P<before>before|ahead of|in front of)\s+⟨(?P<b>\d+)⟩|(?P<after>after|behind)\s+⟨(?P<a>\d+)⟩"
    r"|(?P<between>between)\s+⟨(?P<c>\d+)⟩|to (?:position|place|slot|number|spot)\s*⟨(?P<p>\d+)⟩"
)
_STEPS = (
    r"|(?P<earlier>(?:one )?(?:place |position |step )?(?:earlier|forward|forwards|up)\b)"
    r"|(?P<later>(?:one )?(?:place |position |step )?(?:later|backwards?|down)\b)"
)
_MOVE = re.compile(rf"^(?:move|put|place|bring|shift|show)\s+⟨(?P<who>\d+)⟩\s*(?:{_PLACES}{_STEPS})", re.I)
_COME = re.compile(
    r"^⟨(?P<who>\d+)⟩\s*(?:(?:should|must|shall|has to|needs to|have to|is to|could|can)\s+)?"
    r"(?P<verb>(?:come|go|be|move|stand|play|become)(?:e?s)?\s+)?(?:(?:right|directly)\s+)?"
    rf"(?:{_PLACES}{_STEPS})(?:\s+(?:one|place|in line|of (?:all|the film)))?\W*$",
    re.I,
)
_LEAD = re.compile(
    r"^(?:let\s+)?(?:(?:the (?:film|movie|video|story)|it)\s+)?(?:(?:should|must|has to|needs to)\s+)?"
    r"(?P<way>begin|start|open|end|finish|close)s?\s+(?:it\s+|the film\s+)?(?:with|on)\s+⟨(?P<who>\d+)⟩\W*$",
    re.I,
)


def ordered(text: str, board: Storyboard, focus: Sequence[str]) -> list[str]:
    """The ids of all shots in the order that a text asks for, none when it asks for none.

    Raises BadInput for a swap with a shot that is not there.
    """
    order = [shot.id for shot in board.shots]
    if _REVERSE.search(text):
        return order[::-1]
    bare, plain = tag(text, board, focus, bare=True), tag(text, board, focus)
    if _SWAP.search(text) and (bare.missing or len(bare.ids) == 2):
        if bare.missing:
            raise BadInput(absent(bare.missing, board))
        return _swapped(order, *bare.ids)
    if listed_order(text) and len(bare.ids) > 1:
        return [*bare.ids, *(id for id in order if id not in bare.ids)]
    if (match := _LEAD.match(_spaced(bare))) and (who := bare.meant[int(match["who"])]):
        rest = [id for id in order if id not in who]
        return [*who, *rest] if match["way"].lower() in ("begin", "start", "open") else [*rest, *who]
    for tagged in (plain, bare):
        said = _spaced(tagged)
        match = _MOVE.match(said) or _COME.match(said)
        if match and tagged.meant[int(match["who"])]:
            return _put(order, tagged, match)
    return []


def _spaced(tagged: Tagged) -> str:
    text = re.sub(r"\s+", " ", tagged.text).strip()
    return re.sub(r"\b(before|after|behind|between|position|place|slot|number|spot) ?(?=⟨)", r"\1 ", text)


def _swapped(order: Sequence[str], one: str, other: str) -> list[str]:
    there = {one: other, other: one}
    return [there.get(id, id) for id in order]


def _put(order: list[str], tagged: Tagged, match: re.Match[str]) -> list[str]:
    """The order after a move."""
    who = tagged.meant[int(match["who"])]
    rest = [id for id in order if id not in who]
    first = order.index(who[0])

    def beside(name: str, step: int) -> int:
        ids = [id for id in tagged.meant[int(match[name])] if id in rest]
        return rest.index(ids[0 if step == 0 else -1]) + step if ids else first

    if match["start"]:
        at = 0
    elif match["end"]:
        at = len(rest)
    elif match["before"]:
        at = beside("b", 0)
    elif match["after"]:
        at = beside("a", 1)
    elif match["between"]:
        at = beside("c", 0) + 1
    elif match["p"]:
        there = tagged.meant[int(match["p"])]
        at = order.index(there[0]) if there else first
    else:
        at = max(0, first - 1) if match["earlier"] else min(len(rest), first + 1)
    return [*rest[:at], *who, *rest[at:]]


def absent(missing: Sequence[str], board: Storyboard) -> str:
    """That some shots do not exist, in a line."""
    count = len(board.shots)
    verb = "does" if len(missing) == 1 else "do"
    return f"{', '.join(missing)} {verb} not exist; there {'is one shot' if count == 1 else f'are {count} shots'}"


# ---------------------------------------------------------------------------------------------- removal

_AWAY = re.compile(
    r"^(?:remove|delete|drop|cut(?: out)?|lose|skip|omit|scrap|ditch|get rid of|leave out|take out"
    r"|throw (?:out|away)|erase|without|no more|no)\b\s*(?P<what>.*)$"
    r"|^(?:take|leave|throw|cut)\s+(?P<out>.+?)\s+(?:out|away)\b(?P<rest>.*)$",
    re.I,
)
_NEEDLESS = re.compile(
    rf"^(?:{TOKEN}\s*(?:(?:can|should|must|has to|needs to|could)\s+"
    r"(?:go(?: away)?|be\s+(?:removed|deleted|dropped|cut|left out|gone|skipped|omitted))"
    r"|(?:is|are)\s+(?:not needed|unnecessary|superfluous|too much)|isn't needed)"
    rf"|(?:(?:i|we)\s+)?(?:don't|do not)\s+(?:need|want)\s+{TOKEN})\W*(?:any ?more)?\W*$",
    re.I,
)
_ONLY = re.compile(
    rf"^(?:keep|leave|use)\s+(?:only|just|nothing but)\s+{TOKEN}\W*$|^only (?:keep|use)\s+{TOKEN}\W*$", re.I
)
_PAST = re.compile(rf"^⟨\d+⟩\s*(?P<way>after|before|behind|following)\s+{TOKEN}\W*$", re.I)


class Removed(NamedTuple):
    """What is to go."""

    tagged: Tagged
    shots: tuple[str, ...]
    whole: bool
    """Shots are to go, and neither people nor moods of them."""


def removed(text: str, board: Storyboard, focus: Sequence[str]) -> Removed | None:
    """What a text asks to be taken away: "drop the third shot", "keep only shot 2"; None when it asks for nothing."""
    match = _AWAY.match(text)
    what = text if match is None else match["what"] if match["what"] is not None else f"{match['out']} {match['rest']}"
    tagged = tag(what, board, focus, bare=match is not None)
    said, order = _spaced(tagged), [shot.id for shot in board.shots]
    if match is None:
        if _ONLY.match(said) and tagged.ids:
            return Removed(tagged, tuple(id for id in order if id not in tagged.ids), True)
        return Removed(tagged, tagged.ids, True) if _NEEDLESS.match(said) else None
    if (past := _PAST.match(said)) and tagged.meant[int(past[2])]:
        edge = tagged.meant[int(past[2])]
        at = order.index(edge[0]) if past["way"].lower() == "before" else order.index(edge[-1]) + 1
        return Removed(tagged, tuple(order[:at] if past["way"].lower() == "before" else order[at:]), True)
    return Removed(tagged, tagged.ids, False)
