"""Working titles: who and where, for a brief that names its film in no other way."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from kinograph.agents.english.whereabouts import setting_of, time_of
from kinograph.agents.english.wishes import story
from kinograph.film import Character, TimeOfDay

LONGEST = 60
"""Most characters of a working title."""
_WHEN: dict[TimeOfDay | None, str] = {
    "dawn": " at dawn",
    "day": " by day",
    "sunset": " at sunset",
    "night": " at night",
    None: "",
}


def working_title(text: str, heroes: Sequence[Character], shots: Sequence[str]) -> str:
    """ "Red ball, meadow at sunset": two heroes at most, and the first place that the shots' texts name.

    The first words of a text that shows neither; never empty.
    """
    names = " and ".join(_name(one) for one in heroes[:2])
    where = next((place for shot in shots if (place := _place(story(shot)))), "")
    title = ", ".join(part for part in (names, where) if part) or " ".join(text.split()[:6])
    short = textwrap.shorten(title, LONGEST, placeholder="…").strip(" ,.;:!?-")
    return short[:1].upper() + short[1:] or "Untitled"


def _name(one: Character) -> str:
    """ "Momo" of "Momo, a black cat", "red ball" of "a red ball"."""
    return re.sub(r"^(?:an?|the|some|one|two|three)\s+", "", one.words.split(",")[0], flags=re.I)


def _place(told: str) -> str:
    place = setting_of(told)
    return f"{place}{_WHEN[time_of(told)]}" if place else ""
