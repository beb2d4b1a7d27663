"""What a stretch of a brief is for: a shot of its own, or a remark on other shots or on the film."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from kinograph.agents.english.camera import cameras
from kinograph.agents.english.clauses import WEATHER_VERBS, Clause, clauses, of_weather
from kinograph.agents.english.groups import Group
from kinograph.agents.english.lexicon import Word, lexicon, listed
from kinograph.agents.english.whereabouts import Where, places, times
from kinograph.agents.english.wishes import about_film, openings, story, wished

Role = Literal["shot", "ahead", "remark", "film"]
ORDER = (
    r"(?:then|after (?:that|this|which|a while|a moment)|afterwards?|next(?!\s+to)|finally|meanwhile"
    r"|at last|lastly|last of all|later(?: on)?|eventually|in the end|at the end"
    r"|(?:a few )?(?:moments?|seconds?|minutes?|hours?) later|a (?:moment|second|minute|little|while) "
    r"later|soon(?: after)?|shortly after(?:wards)?|subsequently|thereafter|followed by|cut to|cutting "
    r"to|second(?:ly)?(?=,)|third(?:ly)?(?=,)|fourth(?:ly)?(?=,)|to finish|to end)"
)
_STATE = (
    r",?\s+(?:in\s|wearing\s|(?:[a-z]+\s+)?[a-z]+,"
    r"|(?:it|he|she|they|(?:the|its|his|her)(?:\s+[a-z]+){1,2})\s+(?:is|are|wears?)\b)"
)
"""What "now" tells a change of, where it is no mere order word: "now it is blue", "now in a coat"."""
ORDER_WORDS = re.compile(
    rf"^\W*(?:(?:and|but|so)\s+)?(?:(?:{ORDER}|first(?:ly)?(?! light)|first of all|second(?:ly)?|third(?:ly)?"
    rf"|fourth(?:ly)?|at first|to (?:begin|start)(?: with)?|in the (?:beginning|first|second|third|next"
    rf"|last|final|opening)(?: (?:shot|scene))?|now(?!{_STATE})|cut to(?: black)?|fade (?:in|to)|dissolve to|once "
    rf"upon a time|suddenly|and)\b[\s,:…–—-]*)+",
    re.I,
)
FIELD = re.compile(r"^\s*(?:setting|location|place|time|time of day|characters?|cast|scene)\s*[:=]\s*", re.I)
_SKY = frozenset(("snow", "rain", "wind", "fog", "mist", "storm", "thunder", "lightning", "gust", "breeze"))
_DETAILS = frozenset(("be", "look", "seem", "feel", "sound", "smell"))


def role_of(part: str, setting: str, first: bool) -> Role:
    """What a part is for: a shot, words ahead of the next, a remark on the one before, or the film's own."""
    told = story(part)
    if told.rstrip().endswith("?"):
        return "film"
    found = clauses(ORDER_WORDS.sub("", FIELD.sub("", told)))
    acting = [clause for clause in found if _acting(clause)]
    turned = re.match(r"\W*(?:now|then|finally|at last)\b|.*\b(?:is|are) now\b", told, re.I)
    shown = [group for clause in found for group in _shown(clause)]
    if (wished(part) or about_film(part)) and not openings(part) and not _stands(acting, shown, told):
        return "film"
    spots, moments = places(told), times(told)
    if FIELD.match(part) and not acting and not shown:
        return "ahead" if spots or moments else "remark"
    if cameras(part) and not acting:
        return _filmed(shown, spots, setting, bool(moments), first)
    marked = times(told)[:1]
    turned = turned or (marked and re.fullmatch(r"\W*(?:at |in |on |by )?(?:the )?", told[: marked[0].start], re.I))
    if acting and (first or turned or not all(_detail(clause, spots, setting) for clause in acting)):
        return "shot"
    if acting:
        return "remark"
    if shown:
        return "shot"
    weather = any(_of_weather(clause) or _hangs_over(clause) for clause in found) and (spots or not first)
    if weather or (spots and any(_orders_sight(clause) for clause in found)):
        return "shot"
    if spots and any(of_weather(clause) for clause in found):
        return "ahead"
    if spots:
        return "shot" if _stated(told, spots[0]) or (not first and part.strip()[:1].islower()) else "ahead"
    if moments:
        return "shot" if not first and part.strip()[:1].islower() else "ahead"
    return "remark"


def _of_weather(clause: Clause) -> bool:
    """ "Snow falls", "It rains": the weather does something."""
    if clause.verb is None or clause.verb.base in _DETAILS or clause.subordinate:
        return False
    heads = {group.head for group in clause.subjects}
    return bool(heads & _SKY) or (clause.verb.base in WEATHER_VERBS and heads == {"it"})


def _hangs_over(clause: Clause) -> bool:
    """ "Fog over the lake.": weather or light as a picture of its own."""
    shown = clause.subjects[:1] if clause.verb is None else []
    return (
        bool(shown)
        and shown[0].head in lexicon().group("nouns", "weather")
        and any(group.prep in ("over", "above", "across") for group in clause.objects)
    )


def _orders_sight(clause: Clause) -> bool:
    """ "Open on a harbour", "Show the desert"."""
    return (
        clause.verb is not None
        and clause.verb.form == "base"
        and not clause.subjects
        and clause.verb.base in listed("showing")
    )


def _stands(acting: Sequence[Clause], shown: Sequence[Group], told: str) -> bool:
    """Whether a part that also orders something of the film tells a story."""
    deeds = [
        clause
        for clause in acting
        if clause.verb
        and clause.verb.base not in listed("order_verbs")
        and any(_worthy(group) or group.head in ("they", "he", "she", "both") for group in clause.subjects)
    ]
    spots = places(told)
    if spots and not about_film(told) and _stated(told, spots[0]):
        return True
    return bool(deeds) or (
        bool(shown) and bool(places(told) or any(group.color or group.first in ("a", "an", "two") for group in shown))
    )


def _filmed(shown: Sequence[Group], spots: Sequence[Where], setting: str, timed: bool, first: bool) -> Role:
    """A camera sentence is a shot when it shows something or somewhere new."""
    new = any(group.first in ("a", "an", "two", "three", "another", "some") or group.name for group in shown)
    elsewhere = any(spot.setting != setting for spot in spots) and not any(spot.setting == setting for spot in spots)
    return "shot" if new or elsewhere or (first and (shown or spots)) or (timed and (shown or spots)) else "remark"


def _stated(told: str, spot: Where) -> bool:
    """Whether a place is itself shown ("A meadow at sunrise."), not where the next plays ("In a forest.")."""
    return bool(re.match(r"\W*(?:an?|the|some|we see|view of|\w+ view of)\b", told, re.I)) or (
        spot.prep in ("", "of") and bool(re.search(r"\b(?:an?|the)\b", told[: spot.start], re.I))
    )


def _detail(clause: Clause, spots: Sequence[Where], setting: str) -> bool:
    """ "It is happy", "The sky is pink": said of the shot before, not a shot."""
    assert clause.verb is not None
    if clause.verb.base not in _DETAILS or (clause.verb.base != "be" and any(group.prep for group in clause.objects)):
        return False
    if clause.verb.base == "look" and any(
        isinstance(item, Word) and item.tag in ("prep", "adv") and not item.lower.endswith("ly") for item in clause.tail
    ):
        return False
    moved = any(spot.setting != setting for spot in spots)
    new = any(
        group.first in ("a", "an", "two", "another") and _worthy(group) for group in (*clause.subjects, *clause.objects)
    )
    return not moved and not new


def tells(text: str, alone: bool = True) -> bool:
    """Whether `text` shows somebody or something, or at least (not `alone`) a place or time to go to."""
    found = clauses(text)
    return any(_acting(clause) or _shown(clause) for clause in found) or (
        not alone and bool(places(text) or times(text))
    )


def _acting(clause: Clause) -> bool:
    """Whether somebody does something in the clause."""
    if clause.verb is None:
        return False
    if of_weather(clause):
        return False
    if clause.inherits and clause.verb.base not in _DETAILS:
        return True
    if clause.verb.base in WEATHER_VERBS and all(group.head == "it" for group in clause.subjects):
        return False
    bare = clause.verb.form == "s"
    actors = [group for group in clause.subjects if _worthy(group, bare) or _mentioned(group)]
    if clause.verb.base == "be" and not any(_worthy(group) for group in (*clause.subjects, *clause.objects)):
        return bool(actors) and not times(" ".join(word.text for group in clause.objects for word in group.words))
    suffers = any(_mentioned(group) and not group.prep for group in clause.objects)
    return bool(actors) or suffers or bool(_shown(clause))


def _mentioned(group: Group) -> bool:
    """Whether the words point back at somebody: "it", "the other", "its tail"."""
    if group.first in ("its", "his", "her") and group.head in lexicon().group("nouns", "parts"):
        return True
    nobody = ("we", "you", "i", "there", "everything", "nothing", "that", "this")
    return (group.pronoun and group.head not in nobody) or group.head in ("one", "ones", "other")


def _shown(clause: Clause) -> list[Group]:
    """What is put before the eye: all of a fragment, the objects of a command or of "there is"."""
    if clause.verb is None:
        return [
            group
            for group in (
                *clause.subjects,
                *(each for each in clause.objects if each.prep in ("with", "of", "on", "about", "to")),
            )
            if _worthy(group) or group.first == "both"
        ]
    return [
        group
        for group in clause.objects
        if not clause.inherits
        and (not group.prep or clause.verb.base in ("zoom", "start", "begin", "open"))
        and _worthy(group)
    ]


def _worthy(group: Group, bare: bool = False) -> bool:
    """Whether a noun group can be a character by its words alone; `bare`, even without an article."""
    nouns = lexicon()
    if group.pronoun or not group.words or group.first == "no" or (group.prep in ("without", "like")):
        return False
    said = " ".join(word.text for word in group.words)
    if group.name and not group.head:
        return True
    thing = group.head in nouns.group("nouns", "things") or group.head in nouns.group("nouns", "persons")
    if (
        not group.head
        or group.head in nouns.group("nouns", "film")
        or (group.prep and group.head in nouns.group("nouns", "manners") - nouns.group("nouns", "things"))
    ):
        return False
    if group.head in nouns.group("nouns", "weather") or (
        group.head in nouns.group("nouns", "parts") and not thing and group.first not in ("a", "an")
    ):
        return False
    if (places(said) or times(said)) and not thing:
        return False
    return bare or thing or group.determined or group.plural or group.words[0].tag == "adj"
