"""Where one order ends and the next begins: "swap 2 and 3, then make shot 1 darker" is two."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kinograph.agents.english.counting import NUMBERS, ORDINAL
from kinograph.agents.english.lexicon import plain_color
from kinograph.agents.english.orders import VERBS, answer
from kinograph.agents.english.shots import NOUN, ending, heading, names, only_names

_SENTENCES = re.compile(r"(?<=[a-z\d”\"')])(?!(?<=\bno)\.\s*#?\d)[.!?;]+(?=\s|$)|\n+", re.I)
_BY_VERB = re.compile(
    rf"\s*[,;]?\s+(?:and|but|then|and then|also)\s+(?:also\s+|please\s+|then\s+)?"
    rf"(?={VERBS}\b(?!\w))|\s*,\s*(?={VERBS}\b)",
    re.I,
)
_BY_SHOT = re.compile(
    rf"\s*(?:,\s*(?:and\s+|but\s+)?|\b(?:and|but)\s+)(?=(?:(?:in|for)\s+)?(?:the\s+)?"
    rf"(?:{NOUN}\s*(?:#|no\.?|number)?\s*{NUMBERS}|{ORDINAL}(?:\s+\w+)?\s+(?:{NOUN}|ones?)\b"
    rf"|(?:other|remaining)\s+(?:{NOUN}|ones?)\b|(?:others|rest)\b|(?:everything|everywhere|all)\s+else\b"
    rf"|(?<=the\s){ORDINAL}\s+(?:at|in|by|night|day|dawn|sunset)\b))",
    re.I,
)
_BY_CAST = re.compile(r"\s*,?\s+(?:and|but|while)\s+(?=the\s+[a-z])", re.I)
_SAYING = r"(?:is|are|should|must|has to|needs to|becomes?)"
_ARRANGING = re.compile(
    r"^\W*(?:please\s+)?(?:swap|switch|exchange|flip|trade|re-?order|re-?arrange|(?:the\s+|change the\s+)?order"
    r"|remove|delete|drop|merge)\b|\bbetween\b[^,]*$",
    re.I,
)


def told(text: str) -> list[list[str]]:
    """As `sentences`, without the yes or no that leads over to an order: "ok, make shot 2 darker" approves nothing."""
    found = sentences(text)
    while len([piece for sentence in found for piece in sentence]) > 1 and answer(found[0][0]) is not None:
        found = [found[0][1:], *found[1:]] if found[0][1:] else found[1:]
    return found


def sentences(text: str) -> list[list[str]]:
    """The single orders of a text by sentence."""
    found = [
        [plain for part in _parts(sentence) if (plain := part.strip(" ,.;!"))]
        for sentence in _SENTENCES.split(text.replace("’", "'"))
    ]
    return [parts for parts in found if parts] or [[text.strip()]]


def _parts(sentence: str) -> list[str]:
    """One sentence cut before every verb of order, before other shots, and before other characters."""
    by_verb = _cut(sentence, [match.span() for match in _BY_VERB.finditer(sentence)])
    by_shot = [part for piece in by_verb for part in _cut(piece, _other_shots(piece))]
    return [part for piece in by_shot for part in _by_cast(piece)]


def _cut(text: str, spans: Sequence[tuple[int, int]]) -> list[str]:
    """The text between the spans; what only names shots is no order of its own and goes on."""
    parts, start = [], 0
    for left, right in spans:
        if not _unfinished(text[start:left]):
            parts.append(text[start:left])
            start = right
    return [*parts, text[start:]]


def _unfinished(text: str) -> bool:
    plain = re.sub(
        r"^\W*(?:please\s+)?(?:(?:make|set|put|let|keep|change|turn|move|have|give|use)\s+)?", "", text, flags=re.I
    )
    return only_names(plain)


def _other_shots(piece: str) -> list[tuple[int, int]]:
    """Where a piece goes on about other shots: "shot 1 at night, shot 3 at dawn"."""
    if _ARRANGING.search(piece):
        return []
    return [
        match.span()
        for match in _BY_SHOT.finditer(piece)
        if names(piece[: match.start()])
        and not only_names(piece[match.end() :])
        and not _ARRANGING.search(piece[: match.start()])
    ]


def _by_cast(piece: str) -> list[str]:
    """ "in shot 2 the ball is blue and the star is green" as two orders, both of shot 2."""
    for match in _BY_CAST.finditer(piece):
        left, right = piece[: match.start()], piece[match.end() :]
        if not _said_of_another(left, right):
            continue
        front, back = heading(left), ending(right)
        if front and not names(right):
            right = front + right
        elif back and not names(left):
            left += back
        return [left, *_by_cast(right)]
    return [piece]


def _said_of_another(left: str, right: str) -> bool:
    """Whether `left` is complete and `right` says something of its own of another character."""
    if re.match(rf"the\s+(?:[a-z-]+\s+){{1,3}}?{_SAYING}\b", right, re.I):
        return bool(re.search(rf"\b(?:{_SAYING}|make|paint|turn|colou?r|let)\b", left, re.I))
    hues = re.findall(r"[a-z-]+", left.lower())[-1:]
    bare = re.match(r"the\s+[a-z-]+\s+([a-z-]+)\s*(?:$|,|in\b)", right, re.I)
    return bool(hues and bare and plain_color(hues[0]) and plain_color(bare[1].lower()))
