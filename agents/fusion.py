"""The fusion agent: picture, narration, captions and music on one timeline.

A language model may choose the words of the narration; when anything is heard or read is always computed here, from
how long the takes and the speech really are. What finds no place is said, never dropped in silence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from kinograph.agents.english.narration import narrated, shorter
from kinograph.agents.mind import Ask
from kinograph.film import Noun, Storyboard
from kinograph.memory.vault import Vault
from kinograph.soundtrack import READABLE, Caption, Duck, Left, Music, Own, Picture, Spoken, Tracks
from kinograph.tools import captions, sound
from kinograph.tools.speech import Speech, Voice

LEAD, REST = 0.2, 0.05
"""Seconds before something is said over a shot, and after it."""
FASTEST = 1.2
"""Most times the usual pace at which something is said."""
SPOKEN = 15.0
"""Characters a second that a voice says at its usual pace: how much a language model may write."""
EASY = 17.0
"""Characters a second at which captions are easy to read; they stay that long where there is room."""
BREATH = 1.0
"""Seconds without speech that are too short for the music to come forward."""
FADE_IN, FADE_OUT = 0.5, 2.0
"""Most seconds in which the music comes in and goes out."""


class Assembly(Noun):
    """What the fusion agent is asked: the chosen takes as they follow each other, and what is to go with them."""

    storyboard: Storyboard
    picture: tuple[Picture, ...]
    narrate: bool = False
    language: str = "en"
    captions: bool = False
    music: str | None = None
    """Digest of the music in the vault."""
    own: tuple[Own, ...] = ()
    """What was rendered with the pictures."""


class LineDraft(Noun):
    """What a language model has said over a shot."""

    shot: str = Field(max_length=20)
    words: str = Field(max_length=600)


class NarrationDraft(Noun):
    """The narration as a language model hands it back."""

    lines: tuple[LineDraft, ...] = Field(min_length=1, max_length=200)


class Room(NamedTuple):
    """Where the words of a shot may go."""

    start: float
    own: float
    """End of the shot."""
    far: float
    """End of the silence behind it: shots of its scene without words of their own."""


class Fusion:
    """Puts a film's tracks together. Keeps what is spoken in the vault."""

    role = "fusion"
    answer = Tracks

    def __init__(self, vault: Vault, voice: Voice) -> None:
        self._vault = vault
        self._voice = voice

    def rules(self, question: Assembly) -> Tracks:
        """Over each shot the brief's own words for it."""
        return self._arranged(question, told(question))

    def ask(self, question: Assembly) -> Ask[Tracks] | Tracks:
        """Asks for the words of a narration; without one there is nothing to ask."""
        if not question.narrate:
            return self.rules(question)
        return Ask(
            facts=facts(question),
            draft=NarrationDraft,
            check=lambda draft: complaints(question, draft),
            accept=lambda draft: self._arranged(question, {line.shot: line.words.strip() for line in draft.lines}),
            without=lambda why: self.rules(question),
        )

    def kept(self, samples: np.ndarray) -> str:
        """Digest of samples [2,N], which are in the vault now."""
        return self._vault.keep_sound(sound.flac(samples))

    def heard(self, digest: str) -> Path:
        """The file of something that is heard. Raises Damaged when it is gone."""
        return self._vault.sound(digest)

    def _arranged(self, question: Assembly, words: Mapping[str, str]) -> Tracks:
        places = rooms(question.picture, words)
        left: list[Left] = []
        narration = [
            spoken
            for shot, room in places.items()
            if question.narrate and (spoken := self._said(shot, words[shot], question.language, room, left))
        ]
        read = [
            caption
            for shot, room in places.items()
            if question.captions
            for caption in _read(shot, words[shot], room, next((s for s in narration if s.shot == shot), None), left)
        ]
        seconds = question.picture[-1].end
        return Tracks(
            picture=question.picture,
            narration=tuple(narration),
            captions=tuple(read),
            music=self._played(question.music, seconds) if question.music else (),
            fade_in=round(min(FADE_IN, seconds / 8), 3) if question.music else 0.0,
            fade_out=round(min(FADE_OUT, seconds / 4), 3) if question.music else 0.0,
            own=question.own,
            ducks=ducks(narration, seconds) if question.music or question.own else (),
            left=tuple(left),
        )

    def _said(self, shot: str, words: str, language: str, room: Room, left: list[Left]) -> Spoken | None:
        """The longest beginning of `words` that can be said there, faster if need be; the rest joins `left`."""
        start, until = room.start + min(LEAD, 0.1 * (room.own - room.start)), room.far - REST
        whole = self._voice.speak(words, language)
        if not whole.seconds:
            left.append(Left(shot=shot, words=words, track="narration", why="the voice has no sound for it"))
            return None
        for part in (words, *shorter(words)):
            guess = whole.seconds * len(part) / len(words)
            if guess > 1.3 * FASTEST * (until - start):
                continue
            if (fitting := self._fitting(part, language, until - start)) is not None:
                speech, pace = fitting
                if part != words:
                    why = f"{whole.seconds:.1f} s of speech, and {until - start:.1f} s to say it in"
                    rest = words[len(part.rstrip(".")) :].strip(" ,;:")
                    left.append(Left(shot=shot, words=rest, track="narration", why=why))
                return Spoken(
                    shot=shot,
                    words=part,
                    start=round(start, 3),
                    seconds=round(speech.seconds, 4),
                    pace=round(pace, 3),
                    sound=self._vault.keep_sound(sound.flac(sound.resampled(speech.samples, speech.rate))),
                )
        why = f"{whole.seconds:.1f} s of speech, and {max(until - start, 0):.1f} s to say it in"
        left.append(Left(shot=shot, words=words, track="narration", why=why))
        return None

    def _fitting(self, words: str, language: str, seconds: float) -> tuple[Speech, float] | None:
        """Speech that takes at most `seconds`, and its pace."""
        speech, pace = self._voice.speak(words, language), 1.0
        while 0 < seconds < speech.seconds and pace < FASTEST:
            if speech.seconds / seconds > 1.1 * FASTEST / pace:
                return None
            pace = min(FASTEST, pace * max(1.01, 1.01 * speech.seconds / seconds))
            speech = self._voice.speak(words, language, pace)
        return (speech, pace) if 0 < speech.seconds <= seconds else None

    def _played(self, music: str, seconds: float) -> tuple[Music, ...]:
        """The music from the film's beginning to its end, over and over where it is shorter."""
        lasts = sound.length(self._vault.sound(music))
        rounds = math.ceil((seconds - 0.001) / lasts)  # a millisecond more is no new beginning
        return tuple(
            Music(
                start=round(number * lasts, 4),
                seconds=round(min(lasts, seconds - number * lasts), 4),
                sound=music,
            )
            for number in range(rounds)
        )


def told(question: Assembly) -> dict[str, str]:
    """The words of the brief that can be said over each shot."""
    return {one.shot: narrated(question.storyboard.shot(one.shot).text) for one in question.picture}


def rooms(picture: tuple[Picture, ...], words: Mapping[str, str]) -> dict[str, Room]:
    """Where the words of each shot that has any may go."""
    found: dict[str, Room] = {}
    for number, one in enumerate(picture):
        if not words.get(one.shot):
            continue
        far = one.end
        for after in picture[number + 1 :]:
            if after.scene != one.scene or words.get(after.shot):
                break
            far = after.end
        found[one.shot] = Room(one.start, one.end, far)
    return found


def _read(shot: str, words: str, room: Room, spoken: Spoken | None, left: list[Left]) -> list[Caption]:
    """Captions of what is said, or else of the words themselves, as much of them as can be read in the time."""
    words = spoken.words if spoken else words
    for part in (words, *shorter(words)):
        pages = captions.blocks(part)
        letters = sum(len(line) for page in pages for line in page)
        start = spoken.start if spoken else room.start
        if letters > READABLE * (room.far - start):
            start = room.start
        if not letters or letters > READABLE * (room.far - start):
            continue
        end = min(room.far, max(spoken.end if spoken else room.own, start + letters / EASY))
        if part != words:
            rest = words[len(part.rstrip(".")) :].strip(" ,;:")
            left.append(Left(shot=shot, words=rest, track="captions", why=_too_much(words, room)))
        return _paged(shot, pages, start, end)
    left.append(Left(shot=shot, words=words, track="captions", why=_too_much(words, room)))
    return []


def _too_much(words: str, room: Room) -> str:
    return f"{len(words)} characters to read in {room.far - room.start:.1f} s"


def _paged(shot: str, pages: list[tuple[str, ...]], start: float, end: float) -> list[Caption]:
    """Captions one after the other, each as long as its share of the letters."""
    sizes = [sum(map(len, page)) for page in pages]
    edges = [start + (end - start) * sum(sizes[:number]) / sum(sizes) for number in range(len(pages) + 1)]
    return [
        Caption(shot=shot, lines=page, start=round(edges[n], 4), seconds=round(edges[n + 1] - edges[n], 4))
        for n, page in enumerate(pages)
    ]


def ducks(narration: list[Spoken], seconds: float) -> tuple[Duck, ...]:
    """Where the music steps back: around all speech, and through pauses too short to come forward in."""
    spans: list[tuple[float, float]] = []
    for one in narration:
        start, end = max(0.0, one.start - 0.1), min(seconds, one.end + 0.1)
        if spans and start - spans[-1][1] < BREATH:
            start = spans.pop()[0]
        spans.append((start, end))
    return tuple(Duck(start=round(start, 4), seconds=round(end - start, 4)) for start, end in spans)


def facts(question: Assembly) -> dict[str, Any]:
    """The film as a language model is told it."""
    board, limits = question.storyboard, _limits(question)
    return {
        "title": board.title,
        "language": question.language,
        "cast": [one.words for one in board.cast],
        "shots": [
            {"shot": one.shot, "seconds": round(one.seconds, 1), "most": limits[one.shot]}
            | {"text": board.shot(one.shot).text[:500], "setting": board.shot(one.shot).setting}
            for one in question.picture
        ],
    }


def _limits(question: Assembly) -> dict[str, int]:
    """Most characters that can be said over each shot."""
    return {one.shot: int((one.seconds - LEAD - REST) * SPOKEN) for one in question.picture}


def complaints(question: Assembly, draft: NarrationDraft) -> list[str]:
    """What makes no sense: shots left out or invented, more words than there is time for, nothing said at all."""
    wanted, given = [one.shot for one in question.picture], [line.shot for line in draft.lines]
    if wanted != given:
        return [f"lines are for {' '.join(given)[:80]}; there must be one for each of {' '.join(wanted)}, in order"]
    limits = _limits(question)
    found = [
        f"{line.shot}: {len(line.words)} characters; at most {limits[line.shot]} can be said in that time"
        for line in draft.lines
        if len(line.words) > max(0, limits[line.shot])
    ]
    if not any(any(map(str.isalnum, line.words)) for line in draft.lines):
        found.append("nothing is said in the whole film")
    return found
