"""What captions look like to the reader: regular expressions and word tables, compiled when first needed."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, TypeVar

from kinograph.film import Camera, Motion, TimeOfDay
from kinograph.tools.storyworld import vocabulary as words
from kinograph.tools.storyworld.world import COLORS, Color, Kind, LookName, Setting

Value = TypeVar("Value", bound=str)


def words_of(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


ARTICLE = "a|an|the|some|one|my|his|her|their|this|that|two|three"
PREPOSITION = (
    "in|on|at|by|near|through|across|over|into|inside|among|between|along|beside|onto|under|above|towards?|of|from|past"
)
"""Without "around": things spin and loop around."""
ADJECTIVES = (
    "sandy|dry|deep|dark|big|small|quiet|lonely|wide|vast|flowery|grassy|snowy|distant|rolling|tall|dense|"
    "misty|foggy|rainy|open|endless|beautiful|empty|busy|lush|vivid|bright|pale|light|sunny|old|calm|"
    "stormy|hilly|warm|cold"
)
"""What is said of places."""
STOPS = words_of(
    "in on at by near through across over into inside among between along beside onto under above "
    "around towards toward of from with and or while as is are was that which who it its to then but "
    "slowly quickly gently up down off out away past against behind for has have"
)
"""Words that end a noun phrase."""
IGNORED = words_of(
    "scene camera view picture shot video clip look style frame background sun moon clouds cloud air "
    "ground light lights distance middle center centre left right screen way time foreground side top "
    "bottom story film movie day scenery series sequence wind other another it spot"
)
"""Nouns that are no subject and no place."""


def _forms(verb: str) -> set[str]:
    stem = verb.removesuffix("e")
    return {verb, verb + "s", verb + "es", stem + "ing", verb + verb[-1] + "ing", stem + "ed"}


FORMS: frozenset[str] = words_of("flies flew swam ran drove went hurries").union(
    *map(
        _forms,
        words_of(
            "move glide drift travel head roll slide swim fly drive sail march walk run float go come race "
            "cross wander crawl ride hurry rush dash cruise pass stroll skate speed zip"
        ),
    )
)
"""Verbs of travel in all their forms."""
TRAVEL = "(?:" + "|".join(sorted(FORMS, key=len, reverse=True)) + ")"


def _sideways(side: str, other: str) -> str:
    way = rf"to the {side}|{side}wards?|from {other} to {side}"
    return rf"\b{TRAVEL}\s+(?:\w+\s+){{0,2}}?(?:{way}|{side})\b(?! of)|\b(?:{way})\b(?! of)"


_HUE = rf"(?:(?:a|bright|dark|deep|light|pale) )*(?:{'|'.join(COLORS)})"
"""What turns red does not spin."""
MOTIONS: tuple[tuple[int, Motion, str], ...] = (
    (1, "circles", r"\b(?:circl(?:es?|ing)|in (?:a )?circles?|orbit\w*|round and round|loop\w* around)\b"),
    (1, "moves left", _sideways("left", "right")),
    (1, "moves right", _sideways("right", "left")),
    (1, "bounces", r"\b(?:bounc\w*|hop(?:s|ping|ped)?|jump\w*|leap\w*|danc\w*)\b"),
    (1, "spins", rf"\b(?:spin(?:s|ning)?|rotat\w*|twirl\w*|whirl\w*|turn(?:s|ing)?(?! {_HUE})|pirouett\w*)\b"),
    (1, "grows", r"\b(?:grow(?:s|ing)?|swell\w*|expand\w*|inflat\w*)\b"),
    (1, "grows", r"\b(?:gets?|getting|becom\w+) (?:bigger|larger|huge)\b"),
    (1, "shrinks", r"\b(?:shrink\w*|dwindl\w*|deflat\w*)\b|\b(?:gets?|getting|becom\w+) (?:smaller|tiny)\b"),
    (1, "rises", r"\b(?:ris(?:es?|ing)|climb\w*|ascend\w*|launch\w*|upwards?)\b"),
    (1, "rises", r"\b(?:float|go|fl[yi]|com|driv|mov|climb|soar)\w* (?:up|higher|upwards?)\b"),
    (1, "rises", r"\b(?:tak\w+|lift\w*|blast\w*) off\b"),
    (1, "falls", r"\b(?:fall(?:s|ing)?|drop\w*|sink\w*|descend\w*|land(?:s|ing)|tumbl\w*|downwards?)\b"),
    (1, "falls", r"\b(?:com|go|fl[yi]|float|mov)\w* (?:down|lower|downwards?)\b"),
    (1, "stays", r"\b(?:stay\w* (?:still|in place|put)|keeps? still|(?:does not|doesn't) move|motionless)\b"),
    (1, "stays", r"\b(?:rest\w* in place|stand\w* still)\b"),
    (2, "moves right", rf"\b{TRAVEL}\b"),
    (3, "stays", r"\b(?:stay|sit|stand|rest|sleep|wait|hover|lie)\w*\b|\bstops?\b|\bstill\b"),
)
"""Tier, motion, pattern: what is spelled out beats a loose verb, a loose verb of travel beats rest."""

PAN, TILT = r"pan(?:s|ning|ned)?", r"tilt(?:s|ing|ed)?"
DOES = (
    r"camera\s+(?:(?:slowly|gently|smoothly|then|is|it|moves?|moving|goes|glides?|gliding|push(?:es)?|pulls?|"
    r"slides?|travels?|turns?|looks?|drifts?|rises|tracks?|comes?|gets?|cranes?|further|much|to|the|a|bit|"
    r"holds?|stays?|remains|keeps|stands|does|not)\s+){0,4}?"
)
MORE_CAMERAS: dict[Camera, str] = {
    "pan left": rf"{PAN}\s+(?:slowly |to |the )*left(?:wards?)?|{DOES}left(?:wards?)?",
    "pan right": rf"{PAN}\s+(?:slowly |to |the )*right(?:wards?)?|{DOES}right(?:wards?)?|{PAN}",
    "tilt up": rf"{TILT}\s+(?:slowly )?up(?:wards?)?|{DOES}up(?:wards?)?|crane\w* up|{TILT}",
    "tilt down": rf"{TILT}\s+(?:slowly )?down(?:wards?)?|{DOES}down(?:wards?)?|crane\w* down",
    "zoom in": rf"zoom\w*[ -]in|(?:push|doll)\w*[ -]in|{DOES}(?:closer|in)|close-?up|zoom(?:s|ing)?",
    "zoom out": rf"zoom\w*[ -](?:out|away)|pull\w* (?:back|out|away)|doll\w*[ -]out|{DOES}(?:away|back|out)",
    "static": rf"(?:static|fixed|steady|still|locked(?:-off)?) (?:camera|shot)|{DOES}(?:still|static|move)",
}


def _patterns(said: dict[Value, tuple[str, ...]], more: dict[Value, str], before: str) -> dict[Value, re.Pattern[str]]:
    """What each value is called: the phrases of `describe`, and `more` with words that may stand `before`."""
    return {
        value: re.compile(
            rf"(?<![\w-])(?:{'|'.join(map(re.escape, sorted(phrases, key=len, reverse=True)))}"
            rf"|(?:{before})(?:{more[value]}))(?![\w-])"
        )
        for value, phrases in said.items()
    }


@lru_cache(maxsize=1)
def camera_patterns() -> dict[Camera, re.Pattern[str]]:
    return _patterns(words.CAMERA_WORDS, MORE_CAMERAS, r"(?:(?:the|a|slow|with|gentle)\s+)*")


@lru_cache(maxsize=1)
def look_patterns() -> dict[LookName, re.Pattern[str]]:
    tail = r"(?:\s+(?:look|style|design|drawing|illustration|colou?rs|art|lights?|animation|picture))*"
    more: dict[LookName, str] = {look: rf"(?:{called}){tail}" for look, called in words.MORE_LOOKS.items()}
    return _patterns(words.LOOK_WORDS, more, r"(?:(?:in|a|an|the|as|film|drawn|glowing)\s+)*")


@lru_cache(maxsize=1)
def time_patterns() -> dict[TimeOfDay, re.Pattern[str]]:
    before = rf"(?:(?:{PREPOSITION}|{ARTICLE}|during|as|when|late|early|dark|bright|beautiful)\s+)*"
    return _patterns(words.TIME_WORDS, words.MORE_TIMES, before)


@lru_cache(maxsize=1)
def setting_patterns() -> dict[Setting, re.Pattern[str]]:
    described = "|".join([*colors(), ADJECTIVES])
    before = rf"(?:(?:{PREPOSITION})\s+)?(?:(?:{ARTICLE})\s+)?(?:(?:{described}),?\s+){{0,3}}"
    return _patterns(words.SETTING_WORDS, words.MORE_SETTINGS, before)


class ColorWord(NamedTuple):
    """What a word for a color means."""

    means: Color
    stands_in: bool
    """The world lacks the color that was named."""


class KindWord(NamedTuple):
    """What a noun means."""

    means: Kind
    stands_in: bool
    """The world lacks the thing that was named."""


@lru_cache(maxsize=1)
def colors() -> dict[str, ColorWord]:
    """Each word for a color."""
    table = {word: ColorWord(c, True) for c, text in words.LACKING_COLORS.items() for word in text.split()}
    table |= {word: ColorWord(c, False) for c, text in words.MORE_COLORS.items() for word in text.split()}
    own = {phrase.split()[-1]: ColorWord(c, False) for c, said in words.COLOR_WORDS.items() for phrase in said}
    return table | own


@lru_cache(maxsize=1)
def kinds() -> dict[str, KindWord]:
    """Each word for a kind, singular and plural."""
    table = {word: KindWord(k, True) for k, text in words.STAND_INS.items() for word in text.split()}
    table |= {word: KindWord(k, False) for k, text in words.MORE_KINDS.items() for word in text.split()}
    said: list[tuple[str, Kind]] = [
        (phrase.split()[-1], k) for k, phrases in words.KIND_WORDS.items() for phrase in phrases
    ]
    shared = ("shape", "ship")  # "heart shape", "rocket ship": the first word tells
    table |= {word: KindWord(k, False) for word, k in said if word not in shared}
    table |= {"ship": KindWord("boat", False)}
    return {word + s: meaning for word, meaning in table.items() for s in ("s", "es")} | table
