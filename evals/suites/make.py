"""Writes the suites of the storyworld and of conversations, the same on every machine: seeds are fixed.

    python -m kinograph.evals.suites.make [FOLDER]

Truth is written before the words: a world is drawn, then said in plain English. What a brief leaves unsaid is None.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from kinograph import disk
from kinograph.evals.suites import Sample, ShotTruth, SubjectTruth, Turn
from kinograph.evals.suites.hostile import robustness
from kinograph.tools.storyworld import vocabulary as words
from kinograph.tools.storyworld.world import CAMERAS, COLORS, KINDS, MOTIONS, SETTINGS, TIMES

Value = TypeVar("Value")
CHARACTERS = ("ball", "star", "heart", "fish", "bird", "car", "boat", "rocket", "robot", "person", "cat", "box")
"""Kinds that a story can be told of."""
LIVELY = tuple(motion for motion in MOTIONS if motion != "stays")


class Place(NamedTuple):
    """Where and when a scene is."""

    setting: str
    time: str

    def __str__(self) -> str:
        return f"{phrase(words.SETTING_WORDS, self.setting, 0)} {phrase(words.TIME_WORDS, self.time, 0)}"


def phrase(said: Mapping[Any, tuple[str, ...]], value: str | None, which: int = 0) -> str:
    """How a value is said."""
    return said[value][which]


class Drawn:
    """Random choices of one sample."""

    def __init__(self, suite: int, number: int) -> None:
        self._rng = np.random.default_rng([suite, number])

    def pick(self, values: Sequence[Value]) -> Value:
        return values[int(self._rng.integers(len(values)))]

    def some(self, values: Sequence[Value], count: int) -> list[Value]:
        """Different ones."""
        return [values[int(i)] for i in self._rng.permutation(len(values))[:count]]

    def chance(self, share: float) -> bool:
        return bool(self._rng.random() < share)

    def places(self, count: int) -> list[Place]:
        """Different settings, each at a time of its own."""
        return [Place(setting, self.pick(TIMES)) for setting in self.some(SETTINGS, count)]


def named(subject: SubjectTruth, again: bool = False) -> str:
    """A subject as a sentence names it: "a red ball", later "the red ball"."""
    noun = f"{subject.color} {subject.kind}" if subject.color else subject.kind
    return f"the {noun}" if again else f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def sentence(shot: ShotTruth, met: set[str]) -> str:
    """A shot in one sentence; `met` are characters that were named before, and grows."""
    acts = []
    for one in shot.subjects:
        does = phrase(words.MOTION_WORDS, one.motion, 0)
        acts.append(f"{named(one, one.who in met)} {does}")
        met |= {one.who} - {""}
    where = Place(shot.setting or "", shot.time or "")
    said = f"{' while '.join(acts) or 'nobody is there'} {where}"
    if shot.camera:
        said += f", {phrase(words.CAMERA_WORDS, shot.camera, 1)}"
    return f"{said[0].upper()}{said[1:]}."


def sample(id: str, shots: Sequence[ShotTruth], tags: Iterable[str], turns: Sequence[Turn] = ()) -> Sample:
    """A sample whose brief says these shots."""
    met: set[str] = set()
    brief = " ".join(sentence(shot, met) for shot in shots)
    return Sample(id=id, brief=brief, shots=tuple(shots), tags=tuple(tags), turns=tuple(turns))


# ------------------------------------------------------------------------------------------ single shots


def basic() -> list[Sample]:
    """70 single shots: every motion under every camera once; half of them of compositions that training never saw."""
    from kinograph.tools.storyworld.training.clips import held_out

    made = []
    for number in range(len(MOTIONS) * len(CAMERAS)):
        drawn, held = Drawn(81, number), number % 2 == 0
        while True:
            kind, color, setting = drawn.pick(KINDS), drawn.pick(COLORS), drawn.pick(SETTINGS)
            if held_out(kind, color, setting) == held:
                break
        motion, camera = MOTIONS[number % len(MOTIONS)], CAMERAS[number % len(CAMERAS)]
        subject = SubjectTruth(kind=kind, color=color, motion=motion)
        shot = ShotTruth(subjects=(subject,), setting=setting, time=drawn.pick(TIMES), camera=camera)
        tags = ("held out" if held else "seen", f"motion {motion}", f"camera {camera}")
        made.append(sample(f"basic-{number + 1:03}", [shot], tags))
    return made


# ----------------------------------------------------------------------------------------------- stories


def stories() -> list[Sample]:
    """120 stories of 3 to 5 shots. Every other leaves the hero's colour unsaid; the places of most come back."""
    made = []
    for number in range(120):
        drawn, unsaid, pair = Drawn(82, number), number % 2 == 1, number % 4 >= 2
        count = 3 + number % 3
        cast = characters(drawn, 2 if pair else 1, unsaid)
        visits = [[0, 1, 0], [0, 1, 0, 2], [0, 1, 2, 0, 1]][count - 3]
        shots = story(drawn, cast, visits)
        tags = ("colour unsaid" if unsaid else "colour said", "two characters" if pair else "one character")
        made.append(sample(f"story-{number + 1:03}", shots, (*tags, f"{count} shots")))
    return made


def characters(drawn: Drawn, count: int, unsaid: bool = False) -> list[SubjectTruth]:
    """Characters of different kinds and colours; the first is the hero, whose colour may be left open."""
    kinds, colors = drawn.some(CHARACTERS, count), drawn.some(COLORS, count)
    hero, *others = (SubjectTruth(kind=k, color=c, who=k) for k, c in zip(kinds, colors, strict=True))
    return [hero.changed(color=None) if unsaid else hero, *others]


def story(drawn: Drawn, cast: Sequence[SubjectTruth], visits: Sequence[int]) -> list[ShotTruth]:
    """Shots in the places of `visits`; with two characters the hero begins, then both, then the other, and so on."""
    places = drawn.places(max(visits) + 1)
    shots = []
    for number, visit in enumerate(visits):
        who = [cast[0]] if len(cast) == 1 else [[cast[0]], list(cast), [cast[1]], list(cast), [cast[0]]][number % 5]
        acts = tuple(one.changed(motion=drawn.pick(LIVELY if len(who) == 1 else MOTIONS)) for one in who)
        camera = drawn.pick(CAMERAS[1:]) if drawn.chance(0.3) else None
        place = places[visit]
        shots.append(ShotTruth(subjects=acts, setting=place.setting, time=place.time, camera=camera))
    return shots


# -------------------------------------------------------------------------------------------------- hard


def hard() -> list[Sample]:
    """Two subjects, roles and colours that are swapped, counting, and long films: 12 of each."""
    made = []
    for name, draw in {"two": two, "roles": roles, "colours": colours, "count": counting, "long": long}.items():
        for number in range(12):
            shots, tags = draw(Drawn(83 + len(made) // 12, number), number)
            made.append(sample(f"{name}-{number + 1:02}", shots, tags))
    return made


Draw = tuple[list[ShotTruth], tuple[str, ...]]


def two(drawn: Drawn, _: int) -> Draw:
    place = drawn.places(1)[0]
    acts = tuple(one.changed(motion=drawn.pick(MOTIONS), who="") for one in characters(drawn, 2))
    return [ShotTruth(subjects=acts, setting=place.setting, time=place.time)], ("two subjects",)


def roles(drawn: Drawn, _: int) -> Draw:
    """Who does what in one shot is done by the other in the next."""
    place, (one, other) = drawn.places(1)[0], characters(drawn, 2)
    first, second = drawn.some(MOTIONS, 2)
    shots = [
        ShotTruth(subjects=(one.changed(motion=a), other.changed(motion=b)), setting=place.setting, time=place.time)
        for a, b in ((first, second), (second, first))
    ]
    return shots, ("role swap", "two subjects")


def colours(drawn: Drawn, number: int) -> Draw:
    """The same two kinds, their colours swapped from one sample to the next: whose colour is whose."""
    drawn = Drawn(90, number // 2)
    place, (one, other) = drawn.places(1)[0], characters(drawn, 2)
    if number % 2:
        one, other = one.changed(color=other.color), other.changed(color=one.color)
    acts = tuple(subject.changed(motion=drawn.pick(MOTIONS), who="") for subject in (one, other))
    return [ShotTruth(subjects=acts, setting=place.setting, time=place.time)], ("colour swap", "two subjects")


def counting(drawn: Drawn, number: int) -> Draw:
    """Nobody, one or two."""
    place, count = drawn.places(1)[0], number % 3
    cast = characters(drawn, count) if count else []
    acts = tuple(one.changed(motion=drawn.pick(MOTIONS), who="") for one in cast)
    return [ShotTruth(subjects=acts, setting=place.setting, time=place.time)], ("count", f"count {count}")


def long(drawn: Drawn, number: int) -> Draw:
    count = 8 + number % 5
    cast = characters(drawn, 2 if number % 2 else 1, unsaid=number % 4 >= 2)
    return story(drawn, cast, [i % 3 for i in range(count)]), ("long", f"{count} shots")


# ----------------------------------------------------------------------------------------- conversations


Edit = Callable[[Drawn, list[ShotTruth]], Turn]


def chats() -> list[Sample]:
    """36 conversations of 2 to 4 turns, the brief included, over a story of three shots with two characters."""
    made = []
    for number in range(36):
        drawn = Drawn(95, number)
        shots = [shot.changed(camera=None) for shot in story(drawn, characters(drawn, 2), [0, 1, 2])]
        before, turns = [*shots], list[Turn]()
        for edit in drawn.some(EDITS, 1 + number % 3):
            turns.append(edit(drawn, list(before)))
            before = list(turns[-1].shots)
        if number % 3 == 2:  # the last of three turns takes the one before back
            turns[-1] = undo(turns[0], turns[1])
        tags = ("undo",) if number % 3 == 2 else ()
        made.append(sample(f"chat-{number + 1:02}", shots, (f"{len(turns) + 1} turns", *tags), turns))
    return made


def recolor(drawn: Drawn, shots: list[ShotTruth]) -> Turn:
    """A character has another colour, in all of its shots."""
    who = drawn.pick([one for shot in shots for one in shot.subjects])
    taken = {one.color for shot in shots for one in shot.subjects}
    color = drawn.pick([one for one in COLORS if one not in taken])
    touched = [number for number, shot in enumerate(shots, 1) if any(one.kind == who.kind for one in shot.subjects)]
    new = [
        shot.changed(subjects=tuple(one.changed(color=color) if one.kind == who.kind else one for one in shot.subjects))
        for shot in shots
    ]
    return Turn(say=f"make the {who.kind} {color}", changes=tuple(touched), shots=tuple(new))


def retime(drawn: Drawn, shots: list[ShotTruth]) -> Turn:
    at = drawn.pick(range(len(shots)))
    time = drawn.pick([one for one in TIMES if one != shots[at].time])
    shots[at] = shots[at].changed(time=time)
    return Turn(say=f"shot {at + 1} {phrase(words.TIME_WORDS, time, 0)}", changes=(at + 1,), shots=tuple(shots))


def replace(drawn: Drawn, shots: list[ShotTruth]) -> Turn:
    at = drawn.pick(range(len(shots)))
    setting = drawn.pick([one for one in SETTINGS if one not in {shot.setting for shot in shots}])
    shots[at] = shots[at].changed(setting=setting)
    say = f"shot {at + 1} takes place {phrase(words.SETTING_WORDS, setting, 0)}"
    return Turn(say=say, changes=(at + 1,), shots=tuple(shots))


def refilm(drawn: Drawn, shots: list[ShotTruth]) -> Turn:
    at = drawn.pick(range(len(shots)))
    camera = drawn.pick([one for one in CAMERAS[1:] if one != shots[at].camera])
    shots[at] = shots[at].changed(camera=camera)
    say = f"in shot {at + 1} {phrase(words.CAMERA_WORDS, camera, 1)}"
    return Turn(say=say, changes=(at + 1,), shots=tuple(shots))


def swap(drawn: Drawn, shots: list[ShotTruth]) -> Turn:
    one, other = sorted(drawn.some(range(len(shots)), 2))
    shots[one], shots[other] = shots[other], shots[one]
    return Turn(say=f"swap shots {one + 1} and {other + 1}", shots=tuple(shots))


def remove(drawn: Drawn, shots: list[ShotTruth]) -> Turn:
    at = drawn.pick(range(len(shots)))
    del shots[at]
    return Turn(say=f"remove shot {at + 1}", shots=tuple(shots))


def undo(before: Turn, done: Turn) -> Turn:
    """Takes `done` back: what it changed changes again, and a shot that it removed is new."""
    removed = len(done.shots) < len(before.shots)
    back = int(done.say.rpartition(" ")[2]) if removed else 0
    return Turn(say="undo", changes=(back,) if removed else done.changes, shots=before.shots)


EDITS: tuple[Edit, ...] = (recolor, retime, replace, refilm, swap, remove)


def main(folder: Path) -> None:
    made = {
        "storyworld-basic": basic(),
        "storyworld-story": stories(),
        "storyworld-hard": hard(),
        "editing-chat": chats(),
        "robustness": robustness(),
    }
    for name, samples in made.items():
        lines = [one.model_dump_json(exclude_defaults=True) for one in samples]
        disk.write(folder / f"{name}.jsonl", "\n".join(lines) + "\n")
        print(f"{name}: {len(samples)} samples")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
