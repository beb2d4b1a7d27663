"""What the quality agent says of a whole film."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kinograph.film.nouns import Noun


class FilmFinding(Noun):
    """One thing wrong between the shots of a film, or with the film as a whole."""

    kind: Literal["identity", "shape", "place", "style", "story", "cut", "pacing", "missing"]
    words: str
    shot: str | None = None
    """The shot that is out of line; None where it is the whole film."""
    other: str | None = None
    """The shot that it is held against."""
    subject: str | None = None
    wanted: str = ""
    """What it should be like: the colour, or the look."""
    first_frame: int = 0
    last_frame: int = 0
    """Inclusive: where in the shot's clip."""
    evidence: tuple[str, ...] = ()
    """Digests of pictures in the vault that show the pair."""
    severity: float = Field(ge=0, le=1)
    """From 0.5 on the film is not of one piece; below it is a remark."""


class Review(Noun):
    """What the quality agent says of a whole film."""

    round: int = 1
    score: float = Field(ge=0, le=1)
    """1 without findings, less by the severity of each, those of the takes that are used included."""
    findings: tuple[FilmFinding, ...] = ()
    sent_back: tuple[str, ...] = ()
    """Shots that are made again because of it."""
    bettered: tuple[str, ...] = ()
    """Of the shots that were sent back before, those whose new take is used: the film is better with it."""
    unchecked: tuple[str, ...] = ()
    """What could not be compared, and why."""
