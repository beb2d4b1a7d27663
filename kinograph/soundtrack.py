"""The nouns of fusion: picture, narration, captions and music on one timeline.

All times are seconds from the film's beginning. `Tracks` checks itself: what it holds can be played and read.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, model_validator

from kinograph.film import Noun

LINE, LINES = 42, 2
"""Most characters of a line of a caption, and lines of a caption."""
READABLE = 20.0
"""Most characters a second that a caption may ask to be read."""
SLACK = 0.002
"""Seconds by which rounded times may miss each other."""


class Entry(Noun):
    """Something that stands on a track for a while."""

    start: float = Field(ge=0)
    seconds: float = Field(gt=0)

    @property
    def end(self) -> float:
        return self.start + self.seconds


class Picture(Entry):
    """A shot as the film shows it."""

    shot: str
    scene: str
    clip: str
    """Digest of the clip's request."""


class Spoken(Entry):
    """What is said over a shot."""

    shot: str
    words: str = Field(min_length=1)
    sound: str
    """Digest of the speech in the vault."""
    pace: float = Field(default=1.0, ge=1.0)
    """How much faster than usual it is spoken."""


class Caption(Entry):
    """Words to read."""

    shot: str
    lines: tuple[str, ...] = Field(min_length=1, max_length=LINES)


class Music(Entry):
    """A stretch of the user's music."""

    sound: str
    """Digest of the music in the vault; the stretch begins at its beginning."""


class Own(Entry):
    """What was rendered with a shot's picture: steps, wind, voices."""

    shot: str
    sound: str
    """Digest of the sound in the vault."""


class Duck(Entry):
    """While somebody speaks music and the shots' own sound step back."""

    decibels: float = Field(default=-12.0, lt=0)


class Left(Noun):
    """Words that found no place."""

    shot: str
    words: str
    track: Literal["narration", "captions"]
    why: str


class Tracks(Noun):
    """The timeline of a whole film.

    Refuses entries of a track that overlap or lie outside of the picture, speech beyond the stretch of its scene,
    captions that cannot be read in their time, and music that drowns speech or ends before the picture.
    """

    picture: tuple[Picture, ...] = Field(min_length=1)
    narration: tuple[Spoken, ...] = ()
    captions: tuple[Caption, ...] = ()
    music: tuple[Music, ...] = ()
    own: tuple[Own, ...] = ()
    fade_in: float = Field(default=0.0, ge=0)
    """Seconds in which the music comes in."""
    fade_out: float = Field(default=0.0, ge=0)
    """Seconds in which it goes out, at the film's end."""
    ducks: tuple[Duck, ...] = ()
    left: tuple[Left, ...] = ()
    """What was asked for and found no place."""

    @property
    def seconds(self) -> float:
        return self.picture[-1].end

    @property
    def sounds(self) -> tuple[str, ...]:
        """Digests of everything that is heard, each once."""
        return tuple(dict.fromkeys(one.sound for one in (*self.narration, *self.music, *self.own)))

    def stretch(self, shot: str) -> tuple[float, float]:
        """From where to where the scene of a shot goes on without a break."""
        at = next(number for number, one in enumerate(self.picture) if one.shot == shot)
        first = last = at
        while first > 0 and self.picture[first - 1].scene == self.picture[at].scene:
            first -= 1
        while last + 1 < len(self.picture) and self.picture[last + 1].scene == self.picture[at].scene:
            last += 1
        return self.picture[first].start, self.picture[last].end

    @model_validator(mode="after")
    def _plays(self) -> Self:
        for name in ("picture", "narration", "captions", "music", "own", "ducks"):
            _in_line(name, getattr(self, name), self.seconds)
        for before, after in pairwise(self.picture):
            if after.start - before.end > SLACK:
                raise ValueError(f"nothing is seen between {before.shot} and {after.shot}")
        for one in self.narration:
            start, end = self.stretch(one.shot)
            if one.start < start - SLACK or one.end > end + SLACK:
                raise ValueError(f"what is said of {one.shot} goes beyond its scene")
        for one in self.captions:
            if any(not line or len(line) > LINE for line in one.lines):
                raise ValueError(f"a caption of {one.shot} has a line of no or more than {LINE} characters")
            if sum(map(len, one.lines)) > READABLE * (one.seconds + SLACK):
                raise ValueError(f"a caption of {one.shot} cannot be read in {one.seconds:g} s")
        if self.music and (self.music[0].start > SLACK or abs(self.music[-1].end - self.seconds) > SLACK):
            raise ValueError("the music does not last as long as the picture")
        for one in self.narration if self.music or self.own else ():
            if not any(duck.start <= one.start + SLACK and one.end <= duck.end + SLACK for duck in self.ducks):
                raise ValueError(f"the music drowns what is said of {one.shot}")
        return self


def _in_line(track: str, entries: Sequence[Entry], seconds: float) -> None:
    for before, after in pairwise(entries):
        if after.start < before.end - SLACK:
            raise ValueError(f"{track}: what begins at {after.start:g} s overlaps what ends at {before.end:g} s")
    if entries and entries[-1].end > seconds + SLACK:
        raise ValueError(f"{track}: it ends at {entries[-1].end:g} s, after the picture ({seconds:g} s)")
