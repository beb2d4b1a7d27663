"""From what to what: places and times that an order puts in the place of others, what it denies, what only asks."""

from __future__ import annotations

import re
from typing import NamedTuple

from kinograph.agents.english.whereabouts import setting_of, time_of

_ASKS = re.compile(
    r"^(?:(?:is|are|was|were|does|did|will|why|who|whose|which)\b|how\b(?! about)|what\b(?! about| if)"
    r"|(?:when|where)\s+(?:is|are|do|does|did|was|will)\b|do\s+(?:i|we|you|they)\b)",
    re.I,
)
_NOT = re.compile(r"\b(?:not|never|no longer|without|cannot)\b|\w+n't\b", re.I)
_RATHER = re.compile(
    r"\bnot\s+(?:(?:in|at|by|on)\s+)?(?:the\s+|an?\s+)?\w+,?\s+but\b"
    r"|(?:,|\s)\s*(?:and\s+|but\s+)?not\s+(?:(?:in|at|by|on|during)\s+)?(?:the\s+|an?\s+)?\w+\s*$"
    r"|\bnot\s+(?:only|just|so|too|as)\b"
    r"|\b(?:instead of|rather than)\s+(?:(?:in|at|by|on)\s+)?(?:the\s+|an?\s+)?\w+\s*$",
    re.I,
)
_FOR = re.compile(
    r"\b(?:replace|swap|exchange)\s+(?P<old>.+?)\s+(?:with|by|for|against)\s+(?P<new>.+)$"
    r"|\b(?:change|turn|switch|move)\s+(?:.*?\bfrom\s+)?(?P<old2>.+?)\s+(?:into|to)\s+(?P<new2>.+)$",
    re.I,
)


class Exchange(NamedTuple):
    """A place or a time that another one takes the place of."""

    field: str
    """ "setting" or "time"."""
    old: str
    new: str


def asks(text: str) -> bool:
    """Whether a text is a question rather than an order: "why is shot 2 at night"."""
    return bool(_ASKS.match(text))


def denies(text: str) -> bool:
    """Whether a text says what is not to be."""
    return bool(_NOT.search(text))


def affirmed(text: str) -> str:
    """A text without what is only said to tell the new from the old: "in a city, not by the sea"."""
    return " ".join(_RATHER.sub(" ", text).split())


def exchanged(text: str) -> Exchange | None:
    """ "replace the sea with a forest", "turn night into day"."""
    match = _FOR.search(text.strip(" .,!"))
    if match is None:
        return None
    old, new = match["old"] or match["old2"], match["new"] or match["new2"]
    one, other = _plain(old), _plain(new)
    for field, was, now in (
        ("time", time_of(f"at {one}"), time_of(f"at {other}")),
        ("setting", setting_of(f"in the {one}"), setting_of(f"in the {other}")),
    ):
        if was and now:
            return Exchange(field, was, now)
    return None


def _plain(said: str) -> str:
    return re.sub(r"^(?:(?:in|at|by|on)\s+)?(?:the\s+|an?\s+)?", "", said.strip(), flags=re.I)
