"""The panel: several takes before the eyes of a vision model in one call, on one sheet.

Each take has a letter, and its answer is judged by itself. What is sound is kept, whatever becomes of the
others; a take without a sound answer keeps its measured verdict, which says that nobody looked. A draft that
names a take twice, or one that there is not, may have mixed them up: nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from kinograph.agents import rubric
from kinograph.agents.mind import Ask
from kinograph.agents.rubric import Rubric
from kinograph.agents.verdicts import Viewing
from kinograph.film import Noun, Verdict
from kinograph.memory.keyframe import Keyframe
from kinograph.tools import toolbox
from kinograph.tools.footage import load, load_picture
from kinograph.tools.sheet import Strip, sheet

LETTERS = "ABCD"
MOST = len(LETTERS)
"""Most takes on one sheet."""
FRAMES = 4
"""Frames of a take on the sheet, in one row."""
KEYFRAMES = 8
"""Most keyframes on the sheet, in one row; each is shown once, however many takes it is remembered for."""


class Exhibit(NamedTuple):
    """A take that the pixels have nothing against."""

    question: Viewing
    measured: Verdict


class Unfit(Noun):
    """What was said of a take in no usable form."""

    take: str
    complaints: tuple[str, ...]


def _one_by_one(written: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """One answer without form does not spoil the others of its draft."""
    try:
        return read(written)
    except ValidationError as error:
        take = written.get("take") if isinstance(written, dict) else None
        found = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:2]]
        return Unfit(take=str(take)[:8], complaints=tuple(found))


class RubricsDraft(Noun):
    """What a vision model hands back: a rubric for each take."""

    takes: tuple[Annotated[Rubric, WrapValidator(_one_by_one)], ...] = Field(min_length=1, max_length=MOST)


class Panel:
    """One call about at most MOST takes. `picture` finds a keyframe's file by its digest."""

    def __init__(self, exhibits: Sequence[Exhibit], picture: Callable[[str], Path]) -> None:
        self._exhibits = dict(zip(LETTERS, exhibits, strict=False))
        self._picture = picture
        self._sound: dict[str, Rubric] = {}
        """The last sound answer about each take."""

    def ask(self) -> Ask[Any]:
        """The call; its answers are a verdict for each exhibit, in order."""
        return Ask(
            facts=self.facts(),
            draft=RubricsDraft,
            check=self._complaints,
            accept=lambda draft: self._verdicts(""),
            without=self._verdicts,
            pictures=lambda: [self._drawn()],
            tools=toolbox.of_takes(
                {letter: partial(load, one.question.clip) for letter, one in self._exhibits.items()},
                [(keyframe.words, self._loads(keyframe)) for keyframe in self._recalled],
            ),
        )

    def facts(self) -> dict[str, Any]:
        """What each take must show, and what the remembered pictures on the sheet show."""
        shown = {keyframe.picture: number for number, keyframe in self._shown.items()}
        takes = []
        for letter, one in self._exhibits.items():
            numbers = [shown[k.picture] for k in held_to(one.question) if k.picture in shown]
            takes.append({"take": letter} | rubric.facts(one.question) | {"remembered": numbers})
        return {"takes": takes, "remembered": {number: keyframe.words for number, keyframe in self._shown.items()}}

    @property
    def _recalled(self) -> tuple[Keyframe, ...]:
        return tuple(dict.fromkeys(k for one in self._exhibits.values() for k in one.question.recalled))

    @cached_property
    def _shown(self) -> dict[str, Keyframe]:
        """The keyframes on the sheet by their numbers there; the first take's first, then the next one's."""
        found = {k.picture: k for one in self._exhibits.values() for k in held_to(one.question)}
        return {f"K{number}": keyframe for number, keyframe in enumerate(list(found.values())[:KEYFRAMES], 1)}

    def _loads(self, keyframe: Keyframe) -> toolbox.Picture:
        return lambda: load_picture(self._picture(keyframe.picture))

    def _drawn(self) -> bytes:
        """A row of evenly spaced frames for each take, and a row of what is remembered."""
        strips = []
        for letter, one in self._exhibits.items():
            frames = load(one.question.clip)
            picks = np.unique(np.linspace(0, len(frames) - 1, FRAMES).round().astype(int))
            strips.append(Strip([(f"TAKE {letter} frame {index}", frames[index]) for index in picks], FRAMES))
        remembered = [(number, self._loads(keyframe)()) for number, keyframe in self._shown.items()]
        return sheet(*strips, Strip(remembered, KEYFRAMES))

    def _complaints(self, draft: RubricsDraft) -> list[str]:
        """What is wrong with a draft and stands in the way; what is sound in it is kept."""
        letters, given = list(self._exhibits), [one.take for one in draft.takes]
        if len(set(given)) < len(given) or set(given) - set(letters):
            return [f"answers are for takes {given}; there must be one for each of {letters}"]
        found = []
        for one in draft.takes:
            wrong = self._faults(one)
            found += [f"take {one.take}: {words}" for words in wrong]
            if not wrong:
                self._sound[one.take] = one
        found += [f"there is no answer for take {letter}" for letter in letters if letter not in given]
        return found if len(self._sound) < len(letters) else []

    def _faults(self, one: Rubric | Unfit) -> list[str]:
        if isinstance(one, Unfit):
            return list(one.complaints)
        return rubric.complaints(self._exhibits[one.take].question, one)

    def _verdicts(self, why: str) -> tuple[Verdict, ...]:
        return tuple(
            rubric.merged(one.question, one.measured, self._sound[letter])
            if letter in self._sound
            else rubric.unseen(one.measured, why)
            for letter, one in self._exhibits.items()
        )


def held_to(question: Viewing) -> list[Keyframe]:
    """The keyframes that a take is compared with: one for each character and one for the place."""
    found: dict[tuple[str, str], Keyframe] = {}
    for keyframe in question.recalled:
        if keyframe.role == "setting" or any(keyframe.shows(one) for one in question.cast):
            found.setdefault((keyframe.role, keyframe.about), keyframe)
    return list(found.values())
