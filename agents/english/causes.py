"""What happens because of what: read from connecting words, and from who does something to whom."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kinograph.agents.english.casting import Act
from kinograph.agents.english.words import words

_RESULT = re.compile(
    r"^\W*so,?\s+(?!big|small|much|many|far|long|fast|high|is\b|are\b|that\b)"
    r"|\b(?:therefore|thus|hence|consequently|as a (?:result|consequence)|because of (?:this|that|it|him|her|them)"
    r"|that(?: i|')s why|this (?:makes|sends|causes|lets|wakes|frightens)|in response|in return"
    r"|startled|frightened|scared|alarmed|delighted|woken|awakened)\b",
    re.I,
)
"""Says that the beat follows from what was told just before."""
_REASON = re.compile(r"\b(?:because(?! of (?:this|that|it|him|her|them)\b)|since|after|when|once|now that)\b(.+)", re.I)
"""Names the reason in the beat's own words."""
_EMPTY = frozenset(("be", "have", "do", "go", "get", "make"))


def causes(texts: Sequence[str], told: Sequence[Sequence[Act]]) -> list[tuple[int, ...]]:
    """For each beat, by index, the earlier beats that it happens because of; `told` are the beats' acts."""
    return [tuple(sorted(_of(index, texts, told))) for index in range(len(texts))]


def _of(index: int, texts: Sequence[str], told: Sequence[Sequence[Act]]) -> set[int]:
    found: set[int] = set()
    if index and (_RESULT.search(texts[index]) or _moved(told[index - 1], told[index])):
        found.add(index - 1)
    if reason := _REASON.search(texts[index]):
        found |= _meant(reason[1], index, texts)
    return found


def _moved(before: Sequence[Act], now: Sequence[Act]) -> bool:
    """Whether somebody acts now to whom something was done before: "A dog kicks the ball. It rolls away." """
    done_to = {id for act in before if act.verb for prep, id in act.objects if not prep and id not in act.subjects}
    acting = {id for act in now if act.verb and not act.subordinate for id in act.subjects}
    return bool(done_to & acting)


def _meant(reason: str, index: int, texts: Sequence[str]) -> set[int]:
    """The latest earlier beat that says the same as a reason: two content words of it at least."""
    said = _content(reason)
    for earlier in reversed(range(index)):
        if len(said & _content(texts[earlier])) >= 2:
            return {earlier}
    return set()


def _content(text: str) -> set[str]:
    return {word.base for word in words(text) if word.tag in ("noun", "verb", "name", "color")} - _EMPTY
