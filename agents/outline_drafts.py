"""An outline as a language model hands it back: what makes no sense in it, and the outline that it says."""

from __future__ import annotations

from pydantic import Field

from kinograph.agents.english.joins import joins
from kinograph.agents.film_wishes import Wishes, transitions, wishes
from kinograph.agents.outline import LONGEST, Assignment, Beat, Outline
from kinograph.film import Character, Noun


class CharacterDraft(Noun):
    """A character as a language model hands it back."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    kind: str = Field(min_length=1, max_length=40)
    color: str | None = Field(max_length=20)
    words: str = Field(min_length=1, max_length=80)
    of: str = Field(default="", max_length=40)
    """Id of the character that this is another look of: the same one, changed in the story."""
    state: str = Field(default="", max_length=80)
    """Which look: "green", "in a blue coat"."""


class BeatDraft(Noun):
    """A beat as a language model hands it back."""

    text: str = Field(min_length=1, max_length=500)
    who: tuple[str, ...] = Field(max_length=8)
    seconds: float | None
    continues: tuple[int, ...] = Field(max_length=4)


class OutlineDraft(Noun):
    """An outline as a language model hands it back."""

    title: str = Field(min_length=1, max_length=80)
    cast: tuple[CharacterDraft, ...] = Field(max_length=24)
    beats: tuple[BeatDraft, ...] = Field(min_length=1, max_length=60)
    look: str | None = Field(max_length=30)


def complaints(question: Assignment, draft: OutlineDraft) -> list[str]:
    """What makes no sense in an outline of the right form."""
    found, known = [], [one.id for one in draft.cast]
    if len(set(known)) < len(known):
        found.append(f"cast ids are not unique: {' '.join(known)}")
    found += _odd_looks(draft)
    for number, beat in enumerate(draft.beats, 1):
        if strangers := [who for who in beat.who if who not in known]:
            found.append(f"beat {number}: {strangers[0]!r} is not in the cast ({' '.join(known) or 'it is empty'})")
        if len(set(beat.who)) < len(beat.who):
            found.append(f"beat {number}: somebody is in `who` twice")
        if question.max_subjects and len(beat.who) > question.max_subjects:
            found.append(f"beat {number}: {len(beat.who)} in `who`; at most {question.max_subjects} fit in one shot")
        if beat.seconds is not None and not 0.5 <= beat.seconds <= LONGEST:
            found.append(f"beat {number}: {beat.seconds:g} s is no length of a shot; 0.5 to {LONGEST:g}, or null")
        if wrong := [other for other in beat.continues if not 1 <= other < number]:
            found.append(f"beat {number} cannot continue beat {wrong[0]}: only an earlier one")
        if not any(letter.isalnum() for letter in beat.text):
            found.append(f"beat {number}: its text {beat.text!r} says nothing")
    return found


def _odd_looks(draft: OutlineDraft) -> list[str]:
    """What makes no sense in looks of one character."""
    found, known = [], {one.id: one for one in draft.cast}
    for one in draft.cast:
        first = known.get(one.of)
        if bool(one.of) != bool(one.state):
            found.append(f"{one.id}: `of` and `state` go together; both are empty for a first look")
        elif one.of and (first is None or first.of or one.of == one.id):
            firsts = " ".join(other.id for other in draft.cast if not other.of)
            found.append(f"{one.id}: `of` {one.of!r} is no first look of the cast ({firsts or 'there is none'})")
        elif first is not None and first.kind.lower() != one.kind.lower():
            found.append(f"{one.id} is a {one.kind}, and {first.id} a {first.kind}: no look of the same one")
    for number, beat in enumerate(draft.beats, 1):
        whose = [known[who].of or who for who in dict.fromkeys(beat.who) if who in known]
        if twice := next((who for who in whose if whose.count(who) > 1), None):
            found.append(f"beat {number}: {twice} is in `who` in two looks")
    return found


def accepted(question: Assignment, draft: OutlineDraft) -> Outline:
    """The outline that a draft without complaints says. What the brief's own fields ask for stays."""
    brief, seen = question.brief, {who for beat in draft.beats for who in beat.who}
    asked = wishes(brief.text)
    said = [{remark.value for remark in joins(beat.text)} for beat in draft.beats]
    smooth = ["into" in here or "onward" in before for before, here in zip([set[object](), *said], said, strict=False)]
    joined = transitions(brief.transitions or asked.transitions, smooth)
    return Outline(
        title=draft.title,
        cast=tuple(Character(**dict(one)) for one in draft.cast if one.id in seen),
        beats=tuple(
            Beat(
                id=str(number),
                text=beat.text,
                who=beat.who,
                seconds=None if brief.frames else beat.seconds,
                continues=tuple(str(other) for other in dict.fromkeys(beat.continues)),
                transition=joined[number - 1],
            )
            for number, beat in enumerate(draft.beats, 1)
        ),
        wishes=Wishes(
            seconds=brief.seconds if brief.seconds is not None else asked.seconds,
            aspect=brief.aspect or asked.aspect,
            look=brief.look or draft.look or asked.look,
            transitions=brief.transitions or asked.transitions,
        ),
    )
