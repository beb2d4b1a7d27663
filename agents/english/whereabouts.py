"""Where and when: the places and times of day that a text names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from kinograph.agents.english.lexicon import MODIFIERS, Word, lexicon, listed, singular
from kinograph.agents.english.words import words
from kinograph.film import TimeOfDay

_AWAY = frozenset(("from", "off", "out", "out of", "leaving"))
_LEAVING = ("leave", "exit")
_NEAR = frozenset(("by", "near", "beside", "against", "outside", "between"))
_INDOORS = frozenset(("in", "inside", "into", "within", "through", "throughout", "at", "aboard"))
_OPEN = frozenset(("moon", "mars", "bridge", "island", "tower", "spaceship", "volcano", "snow", "table"))
_SNOWS = frozenset(("fall", "begin", "start", "swirl", "blow", "drift", "come", "is", "covers", "cover"))
_ASIDE = frozenset(("toward", "towards", "past", "behind", "beyond"))
# Words that name a part of many places: they say nothing new where one is known.


class Where(NamedTuple):
    """A place that a text names."""

    setting: str
    start: int
    end: int
    """Offsets of its words in the text."""
    prep: str
    """What governs it, "" for nothing."""
    word: str
    """The brief's own last word for it."""
    weight: int
    """3 for the place of the action, 2 for one beside it, 1 for one left behind."""


class When(NamedTuple):
    """A time of day that a text names."""

    time: TimeOfDay
    start: int
    end: int
    vague: bool
    """Said in passing: "sunny", "moonlit"."""


def places(text: str) -> list[Where]:
    """The places that `text` names, in its order."""
    tokens = words(text)
    found = []
    for start, end, setting in _matches(tokens, lexicon().settings):
        where = _where(tokens, start, end, setting)
        if where is not None:
            found.append(where)
    known = {where.start for where in found}
    return sorted(
        (*found, *(where for where in _unlisted(tokens) if where.start not in known)),
        key=lambda where: where.start,
    )


def _unlisted(tokens: Sequence[Word]) -> list[Where]:
    """Places that no list knows, by their preposition: "in a laundromat", "inside the clock shop"."""
    lists, found = lexicon(), []
    for index, token in enumerate(tokens):
        if token.lower not in ("in", "inside", "into", "through", "at", "within") or token.tag != "prep":
            continue
        end = index + 1
        while end < len(tokens) and end < index + 7 and tokens[end].tag in (*MODIFIERS, "noun"):
            end += 1
        head = tokens[end - 1]
        plain = end > index + 2 and head.tag == "noun" and tokens[index + 1].tag == "det" and head.base == head.lower
        colored = any(word.tag in ("color", "poss") for word in tokens[index + 1 : end])
        if (
            plain
            and not colored
            and head.base not in lists.nouns
            and head.base not in lists.group("nouns", "manners")
            and not head.text.endswith("'s")
        ):
            found.append(Where(head.base, head.at, head.end, token.lower, head.lower, 2))
    return found


def times(text: str) -> list[When]:
    """The times of day that `text` names, in its order."""
    tokens = words(text)
    found = []
    for start, end, time in _matches(tokens, lexicon().times):
        before = tokens[start - 1].lower if start else ""
        after = tokens[end].lower if end < len(tokens) else ""
        name = " ".join(token.lower for token in tokens[start:end])
        passing = name == "day" and (
            before in ("one", "every", "each", "all", "another", "next", "good", "some", "the")
            or after in ("dream", "after")
        )
        if passing or before in ("until", "till", "good") or (end < len(tokens) and tokens[end].tag == "color"):
            continue
        found.append(
            When(cast(TimeOfDay, time), tokens[start].at, tokens[end - 1].end, name in listed("passing_times"))
        )
    return found


def time_of(text: str) -> TimeOfDay | None:
    """The time of day in which `text` plays; None when it says nothing."""
    found = times(text)
    firm = [when for when in found if not when.vague] or found
    return firm[0].time if firm else None


def setting_of(text: str, carried: str = "") -> str:
    """The setting in which `text` plays, "" when it names none; `carried` is the one the story is in."""
    found = [(where, _kept(where, carried)) for where in places(text)]
    if not found:
        return ""
    if carried and all(where.weight == 1 for where, _ in found):
        return carried
    strong = [pair for pair in found if pair[0].word not in listed("loose_places")] or found
    best = max(strong, key=lambda pair: pair[0].weight)
    return best[1]


def _kept(where: Where, carried: str) -> str:
    """A loose word for a place keeps the story where it is: the street of a village, the sky over it."""
    if carried and (
        where.word in listed("loose_places") or carried in lexicon().data["compatible"].get(where.word, ())
    ):
        strong = where.word == "moon" and where.prep in ("on", "onto", "to", "of")
        return where.setting if strong else carried
    return where.setting


def _matches(tokens: Sequence[Word], table: dict[tuple[str, ...], str]) -> list[tuple[int, int, str]]:
    """The longest phrases of `table` in `tokens`, none overlapping."""
    found, start, lists = [], 0, lexicon()
    lower = [token.lower for token in tokens]
    while start < len(tokens):
        begins = lower[start] in lists.beginnings or singular(lower[start]) in lists.beginnings
        for length in range(min(lists.longest, len(tokens) - start) if begins else 0, 0, -1):
            said = tuple(lower[start : start + length])
            plain = (*said[:-1], singular(said[-1]))
            name = table.get(said) or table.get(plain)
            whole = length > 1 and said in table
            if name and (whole or tokens[start + length - 1].tag not in ("verb", "aux")):
                found.append((start, start + length, name))
                start += length - 1
                break
        start += 1
    return found


def _where(tokens: Sequence[Word], start: int, end: int, setting: str) -> Where | None:
    """The place at tokens `start`…`end`, unless the words mean a thing: "a city bus", "like the sea"."""
    word = tokens[end - 1].lower
    after = tokens[end] if end < len(tokens) else None
    if (
        after
        and after.tag == "noun"
        and after.lower not in listed("place_parts")
        and (after.lower,) not in lexicon().settings
    ):
        return None
    if (
        tokens[start].tag == "adj"
        and (after is None or after.tag != "noun")
        and end - start == 1
        and setting not in ("underwater", "house")
    ):
        return None
    prep, verb = _governor(tokens, start)
    if word == "snow" and not prep and not verb and after and after.base in _SNOWS:
        return None
    if tokens[start].tag == "prep":
        prep = tokens[start].lower
    if prep in ("like", "as", "of a kind", "without", "than", "with"):
        return None
    if (word in listed("things_or_places") or singular(word) in listed("things_or_places")) and not (
        prep in _INDOORS
        or (not prep and verb in ("cross", "enter", "traverse", "explore", "roam", *_LEAVING))
        or (prep in listed("within") and setting in _OPEN)
        or (setting == "moon" and (prep == "of" or (prep == "to" and verb in listed("moonward"))))
    ):
        return None
    if prep == "as":
        return None
    if word == "stars" and prep in ("under", "beneath", "below"):
        return None
    if word == "moon" and prep in ("in", "at", "through", "across", "around"):
        return None
    if (
        word
        in (
            "trees",
            "pines",
            "clouds",
            "buildings",
            "rooftops",
            "roofs",
            "waves",
            "wave",
            "asteroids",
            "stars",
            "grass",
        )
        and not prep
    ):
        return None
    return Where(setting, tokens[start].at, tokens[end - 1].end, prep, word, _weight(prep, verb))


def _governor(tokens: Sequence[Word], start: int) -> tuple[str, str]:
    """The preposition and the verb right before the noun phrase that holds the place."""
    at = start - 1
    while at >= 0 and (
        tokens[at].tag in MODIFIERS
        or (tokens[at].tag in ("adv", "conj") and at and tokens[at - 1].tag in ("adj", "color"))
    ):
        at -= 1
    while (
        at > 0
        and tokens[at].tag == "noun"
        and tokens[at].lower not in ("view", "edge")
        and tokens[at - 1].tag in MODIFIERS
    ):
        at -= 1
        break
    if at < 0:
        return "", ""
    if tokens[at].lower == "of" and at > 0:
        before = tokens[at - 1]
        if before.lower in ("out", "outside", "inside", "top", "front"):
            return {"out": "out of", "front": "near"}.get(before.lower, "in"), ""
        outer = _governor(tokens, at - 1) if before.tag == "noun" else ("", "")
        return (outer[0] if outer[0] not in ("with", "without", "to") else "") or "of", outer[1]
    before = tokens[at - 1] if at and tokens[at].tag == "prep" else tokens[at]
    verb = before.base if before.tag == "verb" else ""
    return (tokens[at].lower if tokens[at].tag in ("prep", "to") else ""), verb


def _weight(prep: str, verb: str) -> int:
    if (verb in _LEAVING and not prep) or prep in _AWAY or prep in _ASIDE or (verb in listed("looked") and prep):
        return 1
    if prep in _NEAR:
        return 2
    return 3 if prep in listed("place_prepositions") or (verb in listed("entered") and not prep) or not prep else 2
