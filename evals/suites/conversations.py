"""Conversations about films: what each turn asks for, and which shots it should change."""

from __future__ import annotations

from collections.abc import Callable

from kinograph.evals.suites import Sample, ShotTruth, Turn
from kinograph.evals.suites.drawn import Drawn, characters, phrase, sample, story
from kinograph.tools.storyworld import vocabulary as words
from kinograph.tools.storyworld.world import CAMERAS, COLORS, SETTINGS, TIMES

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
