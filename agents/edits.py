"""What can be done to a storyboard, as typed edits. Shots and characters are named by id, never by place."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from kinograph.film import Appearance, Aspect, Camera, Character, Motion, Noun, TimeOfDay

Id = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Words = Annotated[str, StringConstraints(max_length=200)]
Shots = Annotated[tuple[Id, ...], Field(max_length=60)]
"""Ids of shots; none means all of them."""
Seconds = Annotated[float, Field(gt=0, le=60)]


class Change(Noun):
    """Place, time, camera or mood of some shots; None leaves a thing as it is."""

    edit: Literal["change"] = "change"
    shots: Shots = ()
    setting: Words | None = None
    time: TimeOfDay | None = None
    camera: Camera | None = None
    mood: Words | None = None
    """Mood words separated by commas; they replace the shot's own."""


class Length(Noun):
    """How long some shots take: exactly one of the three is given."""

    edit: Literal["length"] = "length"
    shots: Shots = ()
    seconds: Seconds | None = None
    plus: float | None = Field(default=None, ge=-60, le=60)
    """Seconds more, or less, for each shot."""
    times: float | None = Field(default=None, gt=0, le=20)


class Recast(Noun):
    """Another colour or another kind for a character, in all shots or in some only."""

    edit: Literal["recast"] = "recast"
    who: Id
    color: Words | None = None
    kind: Words | None = None
    """What it is instead: "cube"."""
    shots: Shots = ()


class Act(Noun):
    """What a character does in some shots."""

    edit: Literal["act"] = "act"
    who: Id
    motion: Motion
    action: Words = ""
    """Verb phrase: "bounces high"."""
    shots: Shots = ()


class Enter(Noun):
    """Puts a character into some shots; a new one is described, a known one named by its id."""

    edit: Literal["enter"] = "enter"
    character: Character
    motion: Motion = "stays"
    action: Words = ""
    shots: Shots = ()


class Leave(Noun):
    """Takes a character out of some shots."""

    edit: Literal["leave"] = "leave"
    who: Id
    shots: Shots = ()


class Add(Noun):
    """A new shot."""

    edit: Literal["add"] = "add"
    after: str = Field(max_length=60)
    """Id of the shot before it; empty puts it first."""
    text: Words
    cast: Annotated[tuple[Appearance, ...], Field(max_length=8)] = ()
    newcomers: Annotated[tuple[Character, ...], Field(max_length=8)] = ()
    """Characters of `cast` that the film does not have yet."""
    setting: Words = ""
    time: TimeOfDay = "day"
    camera: Camera = "static"
    mood: Words = ""
    extra: Words = ""
    seconds: Seconds = 3.0


class Remove(Noun):
    """Shots to be dropped."""

    edit: Literal["remove"] = "remove"
    shots: Annotated[tuple[Id, ...], Field(min_length=1, max_length=60)]


class Order(Noun):
    """The shots in another order: all of them, each once."""

    edit: Literal["order"] = "order"
    shots: Annotated[tuple[Id, ...], Field(min_length=1, max_length=60)]


class Again(Noun):
    """Another try at some shots with a new seed, or with this one."""

    edit: Literal["again"] = "again"
    shots: Shots = ()
    seed: int | None = Field(default=None, ge=0, lt=2**32)


class Keep(Noun):
    """An earlier take of a shot is used as it is."""

    edit: Literal["keep"] = "keep"
    shot: Id
    take: int = Field(ge=1, le=1000)
    """Its number in the list of the shot's takes."""


class Whole(Noun):
    """Something of the film as a whole; None leaves a thing as it is."""

    edit: Literal["whole"] = "whole"
    title: Annotated[str, StringConstraints(min_length=1, max_length=80)] | None = None
    look: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None
    aspect: Aspect | None = None
    seconds: float | None = Field(default=None, ge=0.5, le=600)
    """Length of the whole film; the shots share it as they did before."""
    plus: float | None = Field(default=None, ge=-600, le=600)
    """Seconds more, or less, for the whole film."""
    seed: int | None = Field(default=None, ge=0, lt=2**32)
    model: Annotated[str, StringConstraints(max_length=60)] | None = None


class Undo(Noun):
    """Back to the versions before."""

    edit: Literal["undo"] = "undo"
    steps: int = Field(default=1, ge=1, le=100)


class Redo(Noun):
    """Forward again after an undo."""

    edit: Literal["redo"] = "redo"
    steps: int = Field(default=1, ge=1, le=100)


class Visit(Noun):
    """Back to a version by its number or name; going on from there makes a branch."""

    edit: Literal["visit"] = "visit"
    version: Id


class Approve(Noun):
    """The storyboard is to be rendered as it stands."""

    edit: Literal["approve"] = "approve"


class Decline(Noun):
    """The storyboard is not to be rendered yet."""

    edit: Literal["decline"] = "decline"


class Unclear(Noun):
    """What was not understood, with a line that helps."""

    edit: Literal["unclear"] = "unclear"
    words: Words
    hint: Words


Edit = Annotated[
    Change
    | Length
    | Recast
    | Act
    | Enter
    | Leave
    | Add
    | Remove
    | Order
    | Again
    | Keep
    | Whole
    | Undo
    | Redo
    | Visit
    | Approve
    | Decline
    | Unclear,
    Field(discriminator="edit"),
]
