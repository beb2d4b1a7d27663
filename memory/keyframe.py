"""A keyframe, and what is said of several: which a shot left at one time, how much one looks like something."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import Field

from kinograph.film import Character, Noun, canonical_json, digest_of

Role = Literal["identity", "setting", "look", "last"]


class Keyframe(Noun):
    """One remembered picture of an accepted take."""

    production: str
    shot: str
    role: Role
    """identity: a character cut out of its shot; setting: the place; look: the style; last: where the shot ended."""
    about: str
    """Identity of a character, setting, look name or shot id."""
    picture: str
    """Digest of the picture in the vault."""
    frame: int
    take: int = 0
    """Attempt of the shot that it was cut out of; 0 where that was not written down."""
    version: int = Field(default=1, ge=1)
    """Of what the shot left; the memory numbers it when it is remembered."""
    seen: str = ""
    """Of a character: its colour as it was seen, where that has a plain name; "" in records from before."""
    state: str = ""
    """Of a character: which of its looks it shows; "" is the first one."""
    view: int = Field(default=0, ge=0)
    """Of a character: the place among the pictures of it that the take left; 0 shows it best."""
    quality: float = Field(default=1.0, ge=0, le=1)
    """How much it is worth keeping by itself: what the verdict on its take says, less where it is cut off."""
    given: bool = False
    """Given by the user: a picture of their own, not out of a take."""

    @property
    def id(self) -> str:
        told: list[str | int] = [self.production, self.shot, self.role, self.about, self.frame]
        told += [self.state] if self.state else []
        return digest_of(canonical_json(told if self.version == 1 else [*told, self.version]))

    @property
    def words(self) -> str:
        """What a model is told that it shows: "identity of c1 in s1.1"."""
        look = f" ({self.state})" if self.state else ""
        return f"{self.role} of {self.about}{look} {'as the user gave it' if self.given else f'in {self.shot}'}"

    def shows(self, character: Character) -> bool:
        """Whether it is of this character, in the look that this is."""
        return self.role == "identity" and (self.about, self.state) == (character.identity, character.state)


class Match(NamedTuple):
    """A remembered keyframe and how much it looks like what was asked about (cosine, -1..1)."""

    keyframe: Keyframe
    similarity: float


class Left(NamedTuple):
    """What a shot left at one time."""

    version: int
    keyframes: tuple[Keyframe, ...]
    counts: bool
    """It is what is recalled."""
