"""The levels of memory, and how much of them anyone is told.

    working   this shot: where the one before it ended
    scene     this place and time: who is here, how the place looks
    film      the cast and the look of the whole film
    series    what earlier productions of the same series know

What is told is cut at a budget, the most specific first, always in the same order; what was left out is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, TypeVar

import numpy as np
from pydantic import Field

from kinograph.agents.english.recurring import recurs
from kinograph.agents.views import canonical
from kinograph.film import Noun, Portrait, Shot, Storyboard
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.series import Known, Pictured, by_name, figure

Level = Literal["working", "scene", "film", "series"]
LEVELS: tuple[Level, ...] = ("working", "scene", "film", "series")
NOVEL = 0.97
"""Cosine likeness from which a picture tells a series nothing that another does not, by the embedders that everybody
has; of others see `novelty`."""
PROMOTED = 4
"""Most pictures of a character or place that a story leaves to its series."""
IN_SERIES = 32
"""Most pictures of a character or place that a series keeps, whatever number of stories it tells."""
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
    if keyframe.given:
        return "film"
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

    One with a name is who has that name there. A character of whom the brief says no colour, in a series that knows
    exactly one of its kind, is that one; where the brief says "the same ball as yesterday", or "from the last film",
    the one of its kind in the story that was told last. Anyone of whom the brief says more stays who they are.
    """
    cast = []
    for one in board.cast:
        who = figure(one.kind, one.color, one.words)
        alike = [other for other in known if other.kind == one.kind]
        if by_name(one.kind, one.words):
            found = [other for other in known if other.kind and other.figure == who]
        elif one.color is not None or one.of:
            found = []
        else:
            again = any(recurs(shot.text, one.kind) for shot in board.shots if one.id in (a.who for a in shot.cast))
            last = [other for other in alike if other.story == alike[-1].story]
            found = last if again else alike
        only = found[0] if len({other.figure for other in found}) == 1 else None
        if only and (only.color or by_name(only.kind, only.words)):
            one = one.changed(kind=only.kind, color=one.color or only.color, words=only.words)
        cast.append(one)
    return board.changed(cast=tuple(cast))


def novelty(of_film: float) -> float:
    """What is new to a series, by what is new within a film: halfway from that to the same, which 0.97 is from 0.94."""
    return (1 + of_film) / 2


def promotable(candidates: Sequence[Pictured], elsewhere: Sequence[Pictured], novelty: float = NOVEL) -> list[Pictured]:
    """The best of what a film remembers: the pictures of highest quality that show something new.

    `elsewhere` is what the series knows from other stories; of each figure and place a story leaves one at least.
    """
    kept: list[Pictured] = []
    for one in sorted(candidates, key=lambda one: -one.known.quality):  # stable: of equals the earlier shot
        alike = [other for other in (*kept, *elsewhere) if _same(one.known, other.known)]
        own = sum(other.known.story == one.known.story for other in alike)
        new = all(float(one.vector @ other.vector) < novelty for other in alike if other.vector.size)
        if own == 0 or (new and own < PROMOTED):
            kept.append(one)
    return kept


def forgettable(known: Sequence[Pictured]) -> list[Known]:
    """What a series forgets: of each figure and place those beyond the bound that add least to what is kept.

    What the user gave is kept, and what was seen first and last, in stories told first and last.
    """
    groups: list[list[Pictured]] = []
    for one in known:
        mine = next((group for group in groups if _same(group[0].known, one.known)), None)
        groups.append([one]) if mine is None else mine.append(one)
    gone: list[Known] = []
    for group in (group for group in groups if len(group) > IN_SERIES):
        given = [at for at, one in enumerate(group) if one.known.keyframe.given]
        fixed = list(dict.fromkeys((0, len(group) - 1, *given)))
        quality = [one.known.quality for one in group]
        kept = canonical(np.stack([one.vector for one in group]), quality, fixed, IN_SERIES)
        gone += [one.known for at, one in enumerate(group) if at not in kept]
    return gone


def _same(one: Known, other: Known) -> bool:
    """Whether two show the same character, or the same place at the same time of day in the same look."""
    if one.kind or other.kind:
        return one.figure == other.figure
    return (one.words, one.time, one.look) == (other.words, other.time, other.look)


def portrayed(board: Storyboard, portraits: Sequence[Portrait]) -> dict[str, str]:
    """Name of a portrait -> identity of the character that it shows: the first whose words have all words of the name.

    A name that fits nobody is not in it.
    """
    found: dict[str, str] = {}
    for portrait in portraits:
        said = set(re.findall(r"\w+", portrait.name.casefold())) - {"a", "an", "the"}
        for one in board.cast:
            if said and said <= set(re.findall(r"\w+", f"{one.words} {one.kind} {one.id}".casefold())):
                found.setdefault(portrait.name, one.identity)
    return found
