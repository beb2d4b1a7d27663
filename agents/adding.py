"""New shots, read out of a piece: where they come, and the story that they tell."""

from __future__ import annotations

import re

from kinograph.agents import arranging, edits, staging
from kinograph.agents.english import orders
from kinograph.agents.english.clauses import clauses
from kinograph.agents.english.counting import ORDINAL, places
from kinograph.agents.english.roles import tells
from kinograph.agents.english.shots import TOKEN, tag
from kinograph.agents.english.wishes import story
from kinograph.agents.piece import Piece

NEW = re.compile(
    r"^(?!(?:give me|we need|include|put in)\s+the\b)"
    r"(?:(?:(?:add|insert|include|append|create|put in|give me|we need|there should be|another"
    r"|put(?=\s+(?:an?|another|one)\s+(?:\w+\s+)?(?:shot|scene|clip)\b))\b\s*)+"
    r"|(?=one more\s+(?:shot|scene|clip)\b(?!\s+at\b))"
    r"|(?=(?:an?|one more)\s+(?:closing|opening|final|establishing|ending|new|extra|further)\b))"
    r"(?:(?:an?|one|another|one more|the)\s+)*(?:new\s+|extra\s+|further\s+)?"
    r"(?P<rank>(?:closing|opening|final|last|first|establishing|wide|long|short|quick|new|ending)\s+)*"
    rf"(?:(?<!\bthe )(?P<place>{ORDINAL})\s+)?"
    r"(?:(?:shots?|scenes?|endings?|clips?)\b|(?<=\bone )(?=(?:where|in which|with|showing)\b))\s*(?P<rest>.*)$",
    re.I,
)
HEADED = re.compile(
    r"^(?P<where>(?:after|before|following|between)\b.+?),?\s+"
    r"(?P<add>(?:add|insert|include|append|put|there should be|we need|another)\b.*)$",
    re.I,
)
DOING = re.compile(r"^(?:add|insert|include)\s+(?P<story>an?\s+.+?\s+(?:that|who|which|\w+ing)\s+.+)$", re.I)
FIRST = re.compile(
    r"^(?:begin|start|open)s?\s+(?:it\s+|the (?:film|movie)\s+)?(?:with|on)\s+(?P<rest>.*)$"
    r"|^(?:at|in) the (?:very )?(?:beginning|start),?\s+(?P<more>.*)$",
    re.I,
)
LAST = re.compile(
    r"^(?:end|close|finish|conclude)s?\s+(?:it\s+|the (?:film|movie)\s+)?(?:with|on)\s+(?P<rest>.*)$"
    r"|^(?:at|in) the (?:very )?end,?\s+(?P<more>.*)$",
    re.I,
)
AT_START = re.compile(
    r"\b(?:at|to|in) the (?:very )?(?:beginning|start|front)\b|\bas the (?:first|opening) shot\b", re.I
)
AT_END = re.compile(r"\b(?:at|to|in) the (?:very )?end\b|\bas the (?:last|final|closing) shot\b", re.I)
LEADS = re.compile(r"^(?:\s*(?:[,:–-]|(?:of|with|where|in which|showing|that shows|about|when)\b))+\s*", re.I)


def added(piece: Piece) -> list[edits.Edit]:
    """The shots that the piece orders; none where it orders none."""
    order = [shot.id for shot in piece.board.shots]
    headed = HEADED.match(piece.plain)
    plain = f"{headed['add']} {headed['where']}" if headed else piece.plain
    if match := NEW.match(plain):
        ranks = (match["rank"] or "").lower()
        after = "" if re.search("opening|first|establishing", ranks) else order[-1]
        if match["place"]:
            at = places(match["place"], len(order))[0]
            after = order[min(at - 2, len(order) - 1)] if at > 1 else ""
        rest = match["rest"]
        for pattern, place in ((AT_START, ""), (AT_END, order[-1])):
            if pattern.search(rest):
                after, rest = place, pattern.sub(" ", rest)
        rest, place = _placed(piece, rest)
        if isinstance(place, edits.Unclear):
            return [place]
        return _shots(piece, LEADS.sub("", rest.strip()), after if place is None else place)
    if not piece.tagged.meant and (match := DOING.match(piece.plain)):
        return _shots(piece, match["story"], order[-1])
    for pattern, after in ((FIRST, ""), (LAST, order[-1])):
        match = pattern.match(piece.plain)
        if match and not piece.tagged.meant and tells(match["rest"] or match["more"], alone=False):
            return _shots(piece, match["rest"] or match["more"], after)
    return []


def told(piece: Piece) -> list[edits.Edit]:
    """The shots of a piece that goes on telling the story; none where it does not."""
    told = piece.tells_on()
    if piece.tagged.meant or orders.imperative(piece.plain) or not tells(story(piece.plain), alone=not told):
        return []
    found = clauses(story(piece.plain))
    # "Tell it as a fable would" begins with an order that is not known: it is no story.
    acting = told or bool(found and found[0].verb is not None and found[0].subjects)
    return _shots(piece, piece.plain, piece.board.shots[-1].id) if acting else []


def _placed(piece: Piece, text: str) -> tuple[str, str | edits.Unclear | None]:
    """The text without "after shot 2", and the id of the shot that a new one comes after."""
    order = [shot.id for shot in piece.board.shots]
    numbered = re.sub(r"\bbetween (\w+) and (\w+)(?=\W|$)", r"between shots \1 and \2", text, flags=re.I)
    numbered = re.sub(r"\b(after|before|following) (?=\d)", r"\1 shot ", numbered, flags=re.I)
    tagged = tag(numbered, piece.board, piece.wish.focus)
    match = re.search(
        rf"\b(?P<way>after|behind|following|before|ahead of|between)\s+{TOKEN}(?:\s*and\s+{TOKEN})?",
        tagged.text,
        re.I,
    )
    if match is None:
        return text, None
    if not (ids := tagged.meant[int(match[2])]):
        return text, piece.unclear(arranging.absent(tagged.missing, piece.board)) if tagged.missing else None
    rest = tagged.text[: match.start()] + tagged.text[match.end() :]
    way = match["way"].lower()
    if way in ("before", "ahead of"):
        at = order.index(ids[0])
        return rest, order[at - 1] if at else ""
    return rest, min(ids, key=order.index) if way == "between" else ids[-1]


def _shots(piece: Piece, text: str, after: str) -> list[edits.Edit]:
    """The shots that a story makes, after the shot of that id; one at least."""
    return list(staging.shots(text.strip(" .,:;"), after, piece.board))
