"""Writes the suites of the storyworld and of conversations, the same on every machine: seeds are fixed.

    python -m kinograph.evals.suites.make [FOLDER]

Truth is written before the words: a world is drawn, then said in plain English. What a brief leaves unsaid is None.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from kinograph import disk
from kinograph.evals.suites import Sample, ShotTruth, SubjectTruth
from kinograph.evals.suites.conversations import chats
from kinograph.evals.suites.drawn import LIVELY, TURNING, Drawn, Place, characters, sample, sentence, story, turning
from kinograph.evals.suites.hostile import robustness
from kinograph.tools.storyworld.world import CAMERAS, COLORS, KINDS, MOTIONS, SETTINGS, TIMES

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


# ----------------------------------------------------------------------------------------------- changes


def changes() -> list[Sample]:
    """24 stories of 3 shots whose hero has another colour from the second on; in half of them somebody else has not."""
    made = []
    for number in range(24):
        drawn, form, pair = Drawn(84, number), number % len(TURNING), number % 8 >= 4
        cast = characters(drawn, 2 if pair else 1)
        hero = cast[0].changed(color=drawn.pick([color for color in COLORS if color not in [o.color for o in cast]]))
        home, away = drawn.places(2)
        told = form < len(TURNING) - 1
        first, last = (_act(drawn, people, home) for people in (cast, [hero, *cast[1:]]))
        second = _act(drawn, [hero], away if told else home)
        if not told:
            second = second.changed(subjects=(hero.changed(motion="stays"),))
        met: set[str] = set()
        brief = " ".join((sentence(first, met), turning(second, form), sentence(last, met)))
        tags = (f"told {form + 1}", "two characters" if pair else "one character")
        made.append(Sample(id=f"change-{number + 1:02}", brief=brief, shots=(first, second, last), tags=tags))
    return made


def _act(drawn: Drawn, people: Sequence[SubjectTruth], place: Place) -> ShotTruth:
    acts = tuple(one.changed(motion=drawn.pick(LIVELY if len(people) == 1 else MOTIONS)) for one in people)
    return ShotTruth(subjects=acts, setting=place.setting, time=place.time)


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


def main(folder: Path) -> None:
    made = {
        "storyworld-basic": basic(),
        "storyworld-story": stories(),
        "storyworld-change": changes(),
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
