"""The outline of a film, beats with a cast, and what whoever makes one is asked."""

from __future__ import annotations

from pydantic import Field

from kinograph.agents.film_wishes import Wishes
from kinograph.film import Brief, Character, Noun, TimeOfDay, Transition

LONGEST = 60.0
"""Most seconds of a shot."""


class Assignment(Noun):
    """What the planner is asked."""

    brief: Brief
    max_subjects: int = 0
    """Most subjects that the chosen model draws in one shot; 0 is no limit."""
    remembered: tuple[str, ...] = ()
    """What the series of the film knows, within the budget of a context."""


class Beat(Noun):
    """One shot to be, still in the brief's words."""

    id: str
    """"1", "2", … in film order."""
    text: str
    """The brief's words for this beat, with remarks about camera or mood that belong to it."""
    who: tuple[str, ...] = ()
    """Ids of the characters in it, most important first."""
    seconds: float | None = Field(default=None, ge=0.5, le=60)
    """Length wished for this beat; none leaves it to the film's pace."""
    continues: tuple[str, ...] = ()
    """Ids of earlier beats that it goes on from, besides those that share its characters."""
    transition: Transition = Field(default="cut", exclude_if=lambda value: value == "cut")
    """How it comes out of the beat before."""


class Before(Noun):
    """What those who see only a part of a story must know of the rest."""

    setting: str = ""
    """Where the part begins."""
    time: TimeOfDay = "day"
    told: str = ""
    """What has happened by then, in a few lines."""
    lately: tuple[Beat, ...] = ()
    """The beats right before the part."""
    mend: tuple[str, ...] = ()
    """What was wrong with the last answer about it."""


class Outline(Noun):
    """The story cut into beats."""

    title: str
    cast: tuple[Character, ...] = ()
    beats: tuple[Beat, ...]
    wishes: Wishes = Wishes()
    before: Before | None = None
    """None where the beats are the whole story."""
