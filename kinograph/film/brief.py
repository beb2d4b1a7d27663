"""What was asked for: the brief."""

from __future__ import annotations

import unicodedata
from typing import Any, Literal

from pydantic import Field, field_validator

from kinograph.film.nouns import Noun, absent

Aspect = Literal["square", "wide", "vertical"]
Topology = Literal["chain", "hierarchical", "distributed"]
Transition = Literal["cut", "smooth"]
"""How one shot gives way to the next: at once; or so that the one changes into the other, its words and noise leaning
towards it."""


class Portrait(Noun):
    """A picture of the user's own that shows somebody of the film."""

    name: str = Field(min_length=1, max_length=80)
    """How the brief calls them: "cat", "Rosa", "red ball"."""
    picture: str
    """Digest of the picture in the vault."""


class Brief(Noun):
    """What was asked for. `None` leaves a choice to the crew."""

    text: str
    references: tuple[str, ...] = ()
    """Digests of reference images already kept in the vault."""
    seconds: float | None = Field(default=None, ge=0.5, le=600)
    """Length of the whole film in seconds."""
    aspect: Aspect | None = None
    look: str | None = None
    seed: int = Field(default=0, ge=0, lt=2**32)
    takes: int = Field(default=3, ge=1, le=10)
    """Most takes a shot may cost."""
    model: str | None = None
    topology: Topology | None = None
    width: int | None = Field(default=None, ge=32, le=2048)
    height: int | None = Field(default=None, ge=32, le=2048)
    fps: int | None = Field(default=None, ge=4, le=30)
    frames: int | None = Field(default=None, ge=1, le=2400)
    """Frames of every shot, instead of a length in seconds."""
    steps: int | None = Field(default=None, ge=1, le=200)
    """Denoising steps of every take, in the range of the model."""
    guidance: float | None = Field(default=None, ge=0, le=50)
    """Guidance scale: how closely the words are followed, in the range of the model."""
    fallback: Literal["yes", "no"] | tuple[str, ...] | None = None
    """Whether other models may render what the chosen one cannot, or which; `None`: only where none was asked for by
    name."""

    narrate: bool = False
    """The film's words are spoken over it."""
    language: str = Field(default="en", pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$")
    """Code of the language that is spoken: en, de, pt-br, …"""
    captions: bool = False
    music: str | None = None
    """Digest of the user's music, already kept in the vault."""
    series: str | None = Field(default=None, min_length=1, max_length=80)
    """Name of a series: films that name the same one know each other's cast and places."""

    cast: tuple[Portrait, ...] = Field(default=(), max_length=24)
    """Pictures of the user's own that show who is in the film."""
    transitions: Transition | None = Field(default=None, exclude_if=absent)
    """How all shots follow each other; `None`: as the text says of each, which is a cut where it says nothing."""

    @field_validator("fallback", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """Names of models may be given as words: "wan-2.1, ltx-video"."""
        if isinstance(value, str) and value not in ("yes", "no"):
            return tuple(value.replace(",", " ").split()) or None
        return value

    @field_validator("series")
    @classmethod
    def _named(cls, series: str | None) -> str | None:
        """A name is data: one line of text, the same however it was typed."""
        plain = None if series is None else " ".join(unicodedata.normalize("NFC", series).split())
        if plain is not None and not (plain and plain.isprintable()):
            raise ValueError("should be a name of one line")
        return plain
