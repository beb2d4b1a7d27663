"""Words by which a brief points back at an earlier film: "the same ball as yesterday", "the fox from the last film"."""

from __future__ import annotations

import re

from kinograph.agents.english.camera import Remark

_FILM = r"(?:film|movie|story|episode|video|clip|one|time)"
_THEN = (
    rf"(?:yesterday|before|earlier|last time|(?:in |from |of )?(?:the|our|my) (?:last|previous|first|other) {_FILM})"
)
_SAME = re.compile(
    rf"\b(?:the|that|this) (?P<same>same )?(?P<who>[\w-]+(?: [\w-]+){{0,3}}?)(?P<when>"
    rf" (?:as|that|like|from|of|in)(?: (?:it|he|she|they) (?:was|were))?(?: in| from)? {_THEN}"
    rf"|(?: (?:that )?we (?:know|saw|had|met))(?: in| from)? {_THEN})",
    re.I,
)


def recurrences(text: str) -> list[Remark]:
    """The parts that say when somebody was seen before: "as yesterday"; who that is stays in the text."""
    return [Remark(*match.span("when"), None) for match in _SAME.finditer(text)]


def recurs(text: str, kind: str) -> bool:
    """Whether a text says of one of this kind that it is from an earlier film."""
    return any(kind.casefold() in match["who"].casefold().split() for match in _SAME.finditer(text))
