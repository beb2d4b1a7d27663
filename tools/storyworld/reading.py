"""Finding things in a prompt: who is named, in which color, what they do, and which nouns are strangers."""

from __future__ import annotations

import hashlib
import itertools
import re
from typing import NamedTuple

from kinograph.film import Motion
from kinograph.tools.storyworld import vocabulary as words
from kinograph.tools.storyworld.patterns import (
    ARTICLE,
    FORMS,
    IGNORED,
    MOTIONS,
    STOPS,
    Value,
    colors,
    kinds,
    words_of,
)
from kinograph.tools.storyworld.world import COLORS, KINDS, SETTINGS, Color, Kind, Setting

NUMBERS = words_of("two three four five many several")
PHRASE = r"((?:[a-z'-]+\s*){1,4})"
"""Up to four words: a noun, what is before it and maybe what follows."""


class Text:
    """A prompt of which parts are taken out as they are understood; bars `|` stay where something was."""

    def __init__(self, caption: str) -> None:
        text = re.sub(r"\s+", " ", f" {caption.lower()} ").replace("’", "'").replace("|", " ")
        text = re.sub(r"\b(?:rocket|space)[ -]?(?:ship|craft)", "rocket", text)
        self.rest = re.sub(r"\bsail(?:ing)?[ -]?boat", "boat", text)

    def blank(self, start: int, end: int) -> None:
        self.rest = self.rest[:start] + "|" * (end - start) + self.rest[end:]

    def cut(self, pattern: str) -> str:
        """Take out the first match and return it; an empty string when there is none."""
        found = re.search(pattern, self.rest)
        if not found:
            return ""
        self.blank(*found.span())
        return found[0]

    def take(self, patterns: dict[Value, re.Pattern[str]]) -> Value | None:
        """The value that is named first; everything that names any value is taken out."""
        hits = [
            (found.start(), -found.end(), value)
            for value, pattern in patterns.items()
            for found in pattern.finditer(self.rest)
        ]
        for start, end, _ in hits:
            self.blank(start, -end)
        return min(hits)[2] if hits else None


class Mention(NamedTuple):
    """A place in the prompt that names a thing."""

    start: int
    end: int
    subject: int | None
    """Index of the subject meant; `None` for one too many."""


class Found(NamedTuple):
    """A thing found in the prompt."""

    word: str
    kind: Kind
    color: Color
    named: bool
    """The prompt names its color; else it has its own."""


def subjects(text: Text, unknown: list[str]) -> list[dict]:
    """The things named in the prompt with kind, color and motion, two at most; they are taken out of it."""
    found: list[Found] = []
    mentions: list[Mention] = []
    tokens = list(re.finditer(r"[a-z'-]+|[|.;:!?]", text.rest))
    for i, token in enumerate(tokens):
        if token[0] not in kinds():
            continue
        after = tokens[i + 1] if i + 1 < len(tokens) else None
        if after and after[0] in kinds() and text.rest[token.end() : after.start()] == " ":
            if kinds()[after[0]] != kinds()[token[0]]:
                unknown.append(f"'{token[0]} {after[0]}' drawn as a {kinds()[after[0]].means}")
            continue
        index = _index(text.rest, tokens, i, found, unknown)
        mentions.append(Mention(token.start(), token.end(), index))
    does = motions(text.rest, mentions, len(found))
    for _, _, pattern in MOTIONS if found else ():
        for hit in re.finditer(pattern, text.rest):
            text.blank(*hit.span())
    for mention in mentions:
        text.blank(mention.start, mention.end)
    return [{"kind": thing.kind, "color": thing.color, "motion": does.get(i, "stays")} for i, thing in enumerate(found)]


def _index(text: str, tokens: list[re.Match], i: int, found: list[Found], unknown: list[str]) -> int | None:
    """Which of the things `found` token `i` names; a new one is added and what stands in is reported."""
    noun, (kind, stands_in) = tokens[i][0], kinds()[tokens[i][0]]
    shade, count = _adjectives(text, tokens, i)
    color: Color | None = colors()[shade].means if shade else None
    for index, thing in enumerate(found):
        if thing.kind == kind and (color == thing.color or (color is None and noun == thing.word)):
            if noun != thing.word:
                unknown.append(f"'{noun}' drawn as the same {thing.color} {kind}")
            return index
        known = re.search(rf"\bthe\s+{noun}$", text[: tokens[i].end()])
        if noun == thing.word and known and color and not thing.named:
            found[index] = thing._replace(color=color, named=True)
            return index
    if len(found) == 2:
        unknown.append(f"'{noun}' left out: two subjects at most")
        return None
    if stands_in:
        unknown.append(f"'{noun}' drawn as a {kind}")
    if shade and colors()[shade].stands_in:
        unknown.append(f"'{shade}' drawn as {color}")
    if count:
        unknown.append(f"'{count} {noun}' drawn as one")
    if color is None:
        taken = {thing.color for thing in found if thing.kind == kind}
        options: tuple[Color, ...] = (words.OWN_COLOR[kind], *COLORS)
        color = next(option for option in options if option not in taken)
    found.append(Found(noun, kind, color, bool(shade)))
    return len(found) - 1


def _adjectives(text: str, tokens: list[re.Match], i: int) -> tuple[str, str]:
    """The color word and the number word of the thing at token `i`; empty strings when there are none."""
    shade = count = ""
    for token in reversed(tokens[max(0, i - 5) : i]):
        word = token[0]
        if word in colors():
            shade = shade or word
        elif word in NUMBERS:
            count = word
            break
        elif word in kinds() and text[token.end() : tokens[i].start()] == " ":
            continue
        elif word in kinds() or word in STOPS or word in ARTICLE.split("|") or not word[0].isalpha():
            break
    if not shade:
        link = "that|which|who|is|are|in|colou?red|painted|dressed|of|wearing|with|a|an|the|all"
        later = re.match(rf"\s*,?\s*(?:(?:{link})\s+)+([a-z-]+)(?:\s+([a-z-]+))?", text[tokens[i].end() :])
        if later and later[1] in colors() and later[2] not in kinds():
            shade = later[1]
    return shade, count


def motions(text: str, mentions: list[Mention], count: int) -> dict[int, Motion]:
    """The motion of each subject that has one: the best phrase between its mention and the next thing's.

    Two things joined by "and" share a motion that follows them.
    """
    best: dict[int, tuple[int, int, int, Motion]] = {}
    for tier, motion, pattern in MOTIONS:
        for hit in re.finditer(pattern, text):
            before = [mention for mention in mentions if mention.start < hit.start()]
            owner = before[-1].subject if before else 0
            if owner is not None and owner < count:
                rank: tuple[int, int, int, Motion] = (tier, hit.start(), -len(hit[0]), motion)
                best[owner] = min(best.get(owner, rank), rank)
    does: dict[int, Motion] = {owner: rank[3] for owner, rank in best.items()}
    joint = rf"\s*,?\s*(?:and|&)\s+(?:(?:{ARTICLE})\s+)?(?:[a-z-]+\s+){{0,3}}"
    for one, other in itertools.pairwise(mentions):
        joined = re.fullmatch(joint, text[one.end : other.start])
        if joined and one.subject is not None and other.subject in does:
            does.setdefault(one.subject, does[other.subject])
    return does


def _chosen(word: str, options: tuple[Value, ...]) -> Value:
    """One of the options, the same for the same word on every machine."""
    number = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "big")
    return options[number % len(options)]


def _head(phrase: str) -> str:
    """The noun of "little zebra walks in": what stands before a preposition or a verb."""
    nouns = list(itertools.takewhile(lambda word: word not in STOPS and word not in FORMS, phrase.split()))
    if len(nouns) > 1 and re.search(r"(?:[^s]s|ing|ed|ly)$", nouns[-1]):
        nouns.pop()
    return nouns[-1] if nouns and nouns[-1] not in colors() and nouns[-1] not in IGNORED else ""


def strange_setting(text: Text, unknown: list[str]) -> Setting | None:
    """What stands in for a place the world does not have; `None` when no place is named."""
    for setting, places in words.STAND_IN_SETTINGS.items():
        word = text.cut(rf"(?<![\w-])(?:{'|'.join(places.split())})s?(?![\w-])")
        if word:
            unknown.append(f"'{word}' drawn as {_named(setting)}")
            return setting
    place = "in|on|at|inside|near|by|through|across|along|under|beside|over"
    for found in re.finditer(rf"\b(?:{place})\s+(?:{ARTICLE})\s+{PHRASE}", text.rest):
        head = _head(found[1])
        if head:
            chosen: Setting = _chosen(head, SETTINGS)
            unknown.append(f"'{head}' drawn as {_named(chosen)}")
            text.cut(rf"\b{re.escape(head)}\b")
            return chosen
    return None


def _named(setting: Setting) -> str:
    return setting if setting in ("snow", "hills", "space") else f"a {setting}"


def strange_subject(text: Text, unknown: list[str]) -> list[dict]:
    """What stands in for a thing the world does not have, as `subjects` gives it; none when none is named."""
    for found in re.finditer(rf"\b(?:a|an|the|my|his|her|two|some)\s+{PHRASE}", text.rest):
        head = _head(found[1])
        if not head:
            continue
        kind: Kind = _chosen(head, KINDS)
        named = [colors()[word].means for word in found[1].split() if word in colors()]
        does = motions(text.rest, [Mention(found.start(), found.end(), 0)], 1)
        unknown.append(f"'{head}' drawn as a {kind}")
        text.cut(rf"\b{re.escape(head)}\b")
        return [{"kind": kind, "color": (*named, words.OWN_COLOR[kind])[0], "motion": does.get(0, "stays")}]
    return []


def strangers(text: Text) -> list[str]:
    """Nouns with an article that are left when everything understood is taken out."""
    found = re.finditer(rf"\b(?:a|an|the|his|her|my|their|some)\s+{PHRASE}", text.rest)
    heads = [_head(hit[1]) for hit in found if text.rest[hit.end() : hit.end() + 1] != "|"]
    return [head for head in heads if head]
