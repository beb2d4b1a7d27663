"""The levels of memory, and how much of them anyone is told.

    working   this shot: where the one before it ended
    scene     this place and time: who is here, how the place looks
    film      the cast and the look of the whole film
    series    what earlier productions of the same series know

What is told is cut at a budget, the most specific first, always in the same order; what was left out is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, TypeVar

from pydantic import Field

from kinograph.film import Noun, Shot, Storyboard
from kinograph.memory.keyframes import Keyframe
from kinograph.memory.series import Known, Pictured

Level = Literal["working", "scene", "film", "series"]
LEVELS: tuple[Level, ...] = ("working", "scene", "film", "series")
NOVEL = 0.97
"""Cosine likeness from which a picture shows nothing that another does not."""
PROMOTED = 4
"""Most pictures of a character or place that a story leaves to its series."""
Item = TypeVar("Item")


class Budget(Noun):
    """How much a recollection may carry."""

    keyframes: int = Field(default=24, ge=0)
    """Pictures that a shot is held to."""
    characters: int = Field(default=4000, ge=0)
    """Letters of what a language model is told: about four a token."""


class Note(Noun):
    """Something remembered, in words."""

    level: Level
    words: str


class Context(Noun):
    """What is remembered, in words and within a budget."""

    notes: tuple[Note, ...] = ()
    left_out: int = 0
    """Notes that found no room."""

    def told(self) -> list[str]:
        """As a language model is told it: a line a note, and how many there would be more."""
        lines = [f"{note.level}: {note.words}" for note in self.notes]
        return [*lines, f"{self.left_out} more are left out"] if self.left_out else lines


def level_of(keyframe: Keyframe, shot: Shot, board: Storyboard, production: str) -> Level:
    """How close to a shot a keyframe of its film or series is."""
    if keyframe.production != production:
        return "series"
    if keyframe.role == "last":
        return "working"
    return "scene" if board.shot(keyframe.shot).scene == shot.scene else "film"


def within(items: Sequence[tuple[Level, Item]], most: int) -> list[Item]:
    """At most so many items, of the most specific levels, in the order in which they came."""
    ranked = sorted(range(len(items)), key=lambda at: (LEVELS.index(items[at][0]), at))[:most]
    return [items[at][1] for at in sorted(ranked)]


def context(notes: Iterable[Note], budget: Budget) -> Context:
    """The notes that fit, the most specific first. A note too long for what is left does not stop shorter ones."""
    ordered = sorted(dict.fromkeys(notes), key=lambda note: LEVELS.index(note.level))
    kept: list[Note] = []
    room = budget.characters
    for note in ordered:
        if (size := len(f"{note.level}: {note.words}") + 1) <= room:
            kept.append(note)
            room -= size
    return Context(notes=tuple(kept), left_out=len(ordered) - len(kept))


def notes_of(shot: Shot, board: Storyboard, found: Sequence[Keyframe], production: str) -> list[Note]:
    """What the levels say of a shot."""
    names = {one.id: one.words for one in board.cast}
    here = ", ".join(names.get(one.who, one.who) for one in shot.cast) or "nobody"
    notes = [
        Note(level="working", words=f"{shot.id} goes on where {keyframe.shot} ended")
        for keyframe in found
        if level_of(keyframe, shot, board, production) == "working"
    ]
    notes.append(
        Note(level="scene", words=f"{shot.scene} is in {shot.setting or 'no place'}, {shot.time}; here: {here}")
    )
    notes += [Note(level="film", words=f"{one.words} is {one.id}") for one in board.cast]
    notes.append(Note(level="film", words=f"look: {board.look.name} {board.look.words}".strip()))
    notes += [
        Note(level="series", words=f"{names.get(keyframe.about, keyframe.about)} was in {keyframe.production}")
        for keyframe in found
        if level_of(keyframe, shot, board, production) == "series"
    ]
    return notes


def notes_of_series(known: Sequence[Known]) -> list[Note]:
    """The cast and the places of a series, those seen most often first."""
    told = Counter(
        f"cast: {one.words} ({' '.join(filter(None, (one.color, one.kind)))})" if one.kind else f"place: {one.words}"
        for one in known
    )
    return [
        Note(level="series", words=words) for words, _ in sorted(told.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def recognised(board: Storyboard, known: Sequence[Known]) -> Storyboard:
    """The storyboard with its characters as the series knows them.

    A character of whom the brief says no colour, in a series that knows exactly one of its kind, is that one; anyone
    of whom the brief says more stays who they are.
    """
    figures: dict[str, dict[tuple[str, str], Known]] = {}
    for one in known:
        if one.kind:
            figures.setdefault(one.kind, {}).setdefault(one.figure, one)
    cast = []
    for character in board.cast:
        found = list(figures.get(character.kind, {}).values())
        only = found[0] if len(found) == 1 and character.color is None and found[0].color else None
        cast.append(character.changed(color=only.color, words=only.words) if only else character)
    return board.changed(cast=tuple(cast))


def promotable(candidates: Sequence[Pictured], elsewhere: Sequence[Pictured]) -> list[Pictured]:
    """The best of what a film remembers: the pictures of highest quality that show something new.

    `elsewhere` is what the series knows from other stories; of each figure and place a story leaves one at least.
    """
    kept: list[Pictured] = []
    for one in sorted(candidates, key=lambda one: -one.known.quality):  # stable: of equals the earlier shot
        alike = [other for other in (*kept, *elsewhere) if _same(one.known, other.known)]
        own = sum(other.known.story == one.known.story for other in alike)
        new = all(float(one.vector @ other.vector) < NOVEL for other in alike if other.vector.size)
        if own == 0 or (new and own < PROMOTED):
            kept.append(one)
    return kept


def _same(one: Known, other: Known) -> bool:
    """Whether two show the same character, or the same place at the same time of day in the same look."""
    if one.kind or other.kind:
        return one.figure == other.figure
    return (one.words, one.time, one.look) == (other.words, other.time, other.look)
