"""The plan of a film: who is in it, and its scenes and shots."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from pydantic import Field

from kinograph.film.brief import Transition
from kinograph.film.nouns import Noun

Motion = Literal[
    "stays", "moves left", "moves right", "rises", "falls", "bounces", "spins", "grows", "shrinks", "circles"
]
Camera = Literal["static", "pan left", "pan right", "tilt up", "tilt down", "zoom in", "zoom out"]
TimeOfDay = Literal["dawn", "day", "sunset", "night"]


def _plain_cut(value: object) -> bool:
    """As `absent`: shots that know of no transition are cut to."""
    return value == "cut"


class Look(Noun):
    """The style bible: one look for the whole film."""

    name: str = "flat"
    words: str = ""
    """Style words that every prompt carries."""


class Character(Noun):
    """Someone or something that is the same in every shot: identity, apart from what it does now."""

    id: str
    kind: str
    color: str | None = None
    words: str
    """How a prompt names it: "a red ball"."""
    of: str = Field(default="", max_length=60)
    """Id of the character whose other look this is: the same one, changed in the story; empty for its first look."""
    state: str = Field(default="", max_length=80)
    """Which look that is, apart from identity: "green", "in a blue coat"; empty for the first."""

    @property
    def identity(self) -> str:
        """The same for all looks of one character."""
        return self.of or self.id


class Appearance(Noun):
    """A character in one shot: what it does there."""

    who: str
    """Character id."""
    motion: Motion = "stays"
    action: str = ""
    """The brief's own verb phrase: "rolls across"."""


class Shot(Noun):
    """One continuous camera take."""

    id: str
    scene: str
    text: str
    """The words of the brief that this shot films."""
    cast: tuple[Appearance, ...] = ()
    setting: str = ""
    time: TimeOfDay = "day"
    camera: Camera = "static"
    mood: str = ""
    extra: str = ""
    """Words of the brief that found no place above; the prompt keeps them."""
    seconds: float = Field(default=3.0, gt=0, le=60)
    needs: tuple[str, ...] = ()
    """Ids of the shots that must be accepted before this one starts (continuity)."""
    seed: int | None = Field(default=None, ge=0, lt=2**32)
    """Seed of its own, for another try; None follows from the film's seed and the scene."""
    keep: str | None = None
    """Digest of the request whose clip is used as it is: a take that was chosen by hand."""
    transition: Transition = Field(default="cut", exclude_if=_plain_cut)
    """How it comes out of the shot before it in the film."""


class Scene(Noun):
    """Consecutive shots that share a place and a time of day. A scene that the film comes back to keeps its id."""

    id: str
    setting: str
    time: TimeOfDay
    shots: tuple[Shot, ...]


class Storyboard(Noun):
    """The plan of a film."""

    title: str
    look: Look = Look()
    cast: tuple[Character, ...] = ()
    scenes: tuple[Scene, ...]

    @property
    def shots(self) -> tuple[Shot, ...]:
        return tuple(shot for scene in self.scenes for shot in scene.shots)

    def shot(self, id: str) -> Shot:
        return self._by_id[id]

    @cached_property
    def _by_id(self) -> dict[str, Shot]:
        return {shot.id: shot for shot in self.shots}

    def character(self, id: str) -> Character:
        return next(character for character in self.cast if character.id == id)

    def changed_between(self, one: Shot, other: Shot) -> bool:
        """Whether somebody who is in both shots looks different in them: another state of the same identity."""
        looks = {here.identity: here.id for here in (self.character(a.who) for a in one.cast)}
        there = [self.character(a.who) for a in other.cast]
        return any(looks.get(each.identity, each.id) != each.id for each in there)
