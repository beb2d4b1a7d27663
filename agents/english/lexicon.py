"""The word lists of `agents/lexicon.toml`, turned round so that a word finds what it means."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

Tag = Literal[
    "det",
    "poss",
    "num",
    "adj",
    "color",
    "noun",
    "name",
    "pron",
    "rel",
    "verb",
    "aux",
    "to",
    "prep",
    "conj",
    "adv",
    "mark",
]
Form = Literal["", "base", "s", "ing", "past"]
MODIFIERS = frozenset({"det", "poss", "num", "adj", "color"})


class Word(NamedTuple):
    """One token. `base` is the singular of a noun, the infinitive of a verb, the plain name of a colour."""

    text: str
    tag: Tag
    base: str
    form: Form = ""
    at: int = 0

    @property
    def lower(self) -> str:
        return self.text.lower()

    @property
    def end(self) -> int:
        return self.at + len(self.text)


@dataclass(frozen=True)
class Lexicon:
    """`lexicon.toml`, turned round so that a word finds what it means."""

    data: dict[str, Any]
    colors: dict[str, str]
    verbs: dict[str, str]
    """Infinitive → the motion it means."""
    forms: dict[str, tuple[str, Form]]
    """Any form of a known verb → its infinitive and which form it is."""
    closed: dict[str, Tag]
    nouns: frozenset[str]
    """Every singular noun that the lists name."""
    settings: dict[tuple[str, ...], str]
    times: dict[tuple[str, ...], str]
    longest: int
    """Words in the longest setting or time."""
    beginnings: frozenset[str]
    """Their first words."""

    def group(self, table: str, name: str) -> frozenset[str]:
        return _members(table, name)


@cache
def _members(table: str, name: str) -> frozenset[str]:
    return frozenset(lexicon().data[table][name])


@cache
def lexicon() -> Lexicon:
    """The word lists, read once and only when needed."""
    data = tomllib.loads((files("kinograph.agents") / "lexicon.toml").read_text(encoding="utf-8"))
    verbs = {verb: motion for motion, known in reversed(data["verbs"].items()) for verb in known}
    settings, times = _phrases(data["settings"]), _phrases(data["times"])
    nouns = {
        noun for name in ("persons", "things", "parts", "film", "weather", "other") for noun in data["nouns"][name]
    }
    nouns |= {singular(words[-1], data) for words in settings if len(words) == 1}
    nouns |= {words[0] for words in times if len(words) == 1} - {
        "sunny",
        "starry",
        "moonlit",
        "sunlit",
        "starlit",
    }
    return Lexicon(
        data=data,
        colors={word: color for color, known in data["colors"].items() for word in (color, *known)},
        verbs=verbs,
        forms=_verb_forms(verbs, data["forms"]),
        closed=_closed(data["closed"]),
        nouns=frozenset(nouns),
        settings=settings,
        times=times,
        longest=max(map(len, (*settings, *times))),
        beginnings=frozenset(words[0] for words in (*settings, *times)),
    )


@cache
def listed(name: str) -> frozenset[str]:
    """A word set of `lexicon.toml` that single rules use."""
    return frozenset(lexicon().data["sets"][name])


def _phrases(table: dict[str, list[str]]) -> dict[tuple[str, ...], str]:
    return {tuple(phrase.split()): name for name, known in table.items() for phrase in (name, *known)}


def _closed(lists: dict[str, list[str]]) -> dict[str, Tag]:
    tags: dict[str, Tag] = {}
    order: dict[str, Tag] = {
        "numbers": "num",
        "adverbs": "adv",
        "prepositions": "prep",
        "conjunctions": "conj",
        "relatives": "rel",
        "auxiliaries": "aux",
        "pronouns": "pron",
        "possessives": "poss",
        "determiners": "det",
    }
    for name, tag in order.items():
        tags |= dict.fromkeys(lists[name], tag)
    return tags


def _verb_forms(verbs: Iterable[str], irregular: dict[str, list[str]]) -> dict[str, tuple[str, Form]]:
    forms: dict[str, tuple[str, Form]] = {}
    for verb in [verb for verb in verbs if " " not in verb]:
        stem = verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else verb
        third = re.sub(r"([^aeiou])y$", r"\1ie", verb) + "s"
        forms[re.sub(r"(s|x|z|ch|sh|o)s$", r"\1es", third) if third != "ss" else third] = (verb, "s")
        for root in (stem, verb + verb[-1]):
            forms.setdefault(root + "ing", (verb, "ing"))
            forms.setdefault(re.sub(r"([^aeiou])y$", r"\1i", root) + "ed", (verb, "past"))
        if verb.endswith("ie"):
            forms[verb[:-2] + "ying"] = (verb, "ing")
    for verb, known in irregular.items():
        forms.update((past, (verb, "past")) for past in known)
    forms.update({verb: (verb, "base") for verb in verbs if " " not in verb})
    return forms


def singular(noun: str, data: dict[str, Any] | None = None) -> str:
    """The singular of a lower-case noun."""
    nouns = (data or lexicon().data)["nouns"]
    if noun in nouns["plurals"]:
        return nouns["plurals"][noun]
    if noun in nouns["same"] or len(noun) < 4 or not noun.endswith("s") or noun.endswith(("ss", "us", "is")):
        return noun
    if noun.endswith("ies") and len(noun) > 4:
        return noun[:-3] + "y"
    return noun[:-2] if noun.endswith(("shes", "ches", "xes", "sses", "zzes")) else noun[:-1]


def plain_color(lower: str) -> str | None:
    """The plain colour that a word names: "teal" is cyan, "bright-red" is red."""
    colors = lexicon().colors
    return colors.get(lower) or (
        colors.get(lower.rpartition("-")[2]) or colors.get(lower.partition("-")[0]) if "-" in lower else None
    )
