"""What a brief's text asks of the film as a whole: its length, format, look, and how shots come out of each other."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from kinograph.agents.english.joins import joins
from kinograph.agents.english.wishes import aspects, lengths, looks
from kinograph.film import Aspect, Noun, Transition

_ASPECTS: tuple[Aspect, ...] = ("square", "wide", "vertical")


class Wishes(Noun):
    """What a brief's text asks of the film as a whole."""

    seconds: float | None = None
    aspect: Aspect | None = None
    look: str | None = None
    transitions: Transition | None = Field(default=None, exclude_if=lambda value: value is None)
    """None leaves it to what is said of each shot."""


def wishes(text: str) -> Wishes:
    """What `text` says of the film's length, format and look; the first of each counts."""
    seconds = [
        remark.value for remark in lengths(text) if isinstance(remark.value, float) and 0.5 <= remark.value <= 600
    ]
    formats: list[Aspect] = [aspect for remark in aspects(text) for aspect in _ASPECTS if remark.value == aspect]
    styles = [str(remark.value) for remark in looks(text)]
    joined = {remark.value for remark in joins(text)}
    return Wishes(
        seconds=seconds[0] if seconds else None,
        aspect=formats[0] if formats else None,
        look=styles[0] if styles else None,
        transitions="cut" if "none" in joined else "smooth" if "all" in joined else None,
    )


def transitions(all_alike: Transition | None, smooth: Sequence[bool]) -> tuple[Transition, ...]:
    """How each beat comes out of the one before it; the first has none."""
    return tuple(all_alike or ("smooth" if one else "cut") if at else "cut" for at, one in enumerate(smooth))
