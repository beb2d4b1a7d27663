"""The narrative agent: a brief becomes a story of acts, with a cast and a lead, and with what happens because of what.

By rules the beats and the cast are the planner's. Acts end where a paragraph does, else where the place or the time
changes; a short brief is one act. Whoever films an act needs to see no other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from pydantic import Field

from kinograph.agents import outline_drafts
from kinograph.agents.english.casting import Casting
from kinograph.agents.english.causes import causes
from kinograph.agents.english.wishes import story as told_in
from kinograph.agents.mind import Ask
from kinograph.agents.outline import Assignment, Outline
from kinograph.agents.outline_drafts import BeatDraft, CharacterDraft, OutlineDraft
from kinograph.agents.planner import Planner
from kinograph.agents.scene import Place, Scene, opening
from kinograph.agents.story import Act, ActPart, Link, Story, flaws
from kinograph.film import Character, Noun, TimeOfDay

SHORT = 6
"""Most beats that are one act, unless the text has more."""
LONG = 6
"""Beats of an act in a story of more than three acts."""
MOST_ACTS = 6
"""Most acts: each costs a call of a language model."""


class CastDraft(CharacterDraft):
    """A character, and where the story introduces it."""

    enters: int
    """Number of the beat."""


class StoryBeatDraft(BeatDraft):
    """A beat, and what it happens because of."""

    because: tuple[int, ...] = Field(max_length=3)


class ActDraft(Noun):
    """An act as a language model hands it back."""

    part: ActPart
    title: str = Field(max_length=60)
    first: int
    """Number of its first beat."""
    setting: str = Field(max_length=40)
    time: TimeOfDay


class StoryDraft(OutlineDraft):
    """A story as a language model hands it back."""

    cast: tuple[CastDraft, ...] = Field(max_length=24)  # pyright: ignore[reportIncompatibleVariableOverride]
    beats: tuple[StoryBeatDraft, ...] = Field(  # pyright: ignore[reportIncompatibleVariableOverride]
        min_length=1, max_length=60
    )
    lead: str | None = Field(max_length=40)
    acts: tuple[ActDraft, ...] = Field(min_length=1, max_length=MOST_ACTS)


class Narrative:
    """Finds the story in a brief."""

    role = "narrative"
    answer = Story

    def ask(self, question: Assignment) -> Ask[Story]:
        brief = question.brief
        return Ask(
            facts={
                "brief": brief.text,
                "max_subjects": question.max_subjects,
                "look": brief.look,
                "max_acts": MOST_ACTS,
                "short": SHORT,
            },
            draft=StoryDraft,
            check=lambda draft: complaints(question, draft),
            accept=lambda draft: accepted(question, draft),
            without=lambda why: self.rules(question),
        )

    def rules(self, question: Assignment) -> Story:
        outline = Planner().rules(question)
        places = Scene().rules(outline).places
        links = _links(outline)
        acts = _acts(outline, _beginnings(question.brief.text, outline, places), places)
        return Story(outline=outline, lead=_lead(outline), acts=acts, links=links, flaws=tuple(flaws(acts, links)))


# ---------------------------------------------------------------------------------- by language model


def complaints(question: Assignment, draft: StoryDraft) -> list[str]:
    """What makes no sense in a story of the right form."""
    found, count = outline_drafts.complaints(question, draft), len(draft.beats)
    firsts = [act.first for act in draft.acts]
    for number, (act, after) in enumerate(zip(draft.acts, [*firsts[1:], count + 1], strict=True), 1):
        if not 1 <= act.first <= count:
            found.append(f"act {number} begins with beat {act.first}; there are beats 1 to {count}")
        elif after <= act.first:
            found.append(f"act {number} has no beat: the next one begins with beat {after}")
    if firsts[0] != 1:
        found.append(f"act 1 begins with beat {firsts[0]}; the first act begins with beat 1")
    if draft.lead is not None and draft.lead not in {one.id for one in draft.cast}:
        found.append(f"lead {draft.lead!r} is not in the cast")
    for one in draft.cast:
        if not 1 <= one.enters <= count:
            found.append(f"{one.id} enters in beat {one.enters}; there are beats 1 to {count}")
    for number, beat in enumerate(draft.beats, 1):
        if strangers := [cause for cause in beat.because if not 1 <= cause <= count]:
            found.append(f"beat {number} happens because of beat {strangers[0]}; there are beats 1 to {count}")
    return found or [flaw.words for flaw in flaws(_drafted_acts(draft), _drafted_links(draft))]


def accepted(question: Assignment, draft: StoryDraft) -> Story:
    """The story that a draft without complaints tells."""
    plain = OutlineDraft(
        title=draft.title,
        cast=tuple(CharacterDraft(**one.model_dump(exclude={"enters"})) for one in draft.cast),
        beats=tuple(BeatDraft(**beat.model_dump(exclude={"because"})) for beat in draft.beats),
        look=draft.look,
    )
    outline = outline_drafts.accepted(question, plain)
    known = {one.id for one in outline.cast}
    return Story(
        outline=outline,
        lead=draft.lead if draft.lead in known else _lead(outline),
        acts=_drafted_acts(draft),
        links=_drafted_links(draft),
    )


def _drafted_acts(draft: StoryDraft) -> tuple[Act, ...]:
    ends = [*(act.first for act in draft.acts[1:]), len(draft.beats) + 1]
    return tuple(
        Act(
            id=f"a{number}",
            part=act.part,
            title=act.title,
            beats=tuple(str(beat) for beat in range(act.first, end)),
            setting=act.setting.lower(),
            time=act.time,
        )
        for number, (act, end) in enumerate(zip(draft.acts, ends, strict=True), 1)
    )


def _drafted_links(draft: StoryDraft) -> tuple[Link, ...]:
    return tuple(
        Link(
            beat=str(number),
            because=tuple(str(cause) for cause in dict.fromkeys(beat.because)),
            introduces=tuple(one.id for one in draft.cast if one.enters == number),
            expects=tuple(one.id for one in draft.cast if one.id in beat.who and one.enters != number),
        )
        for number, beat in enumerate(draft.beats, 1)
    )


# ------------------------------------------------------------------------------------------ by rules


def _links(outline: Outline) -> tuple[Link, ...]:
    casting, texts = Casting(outline.cast), [told_in(beat.text) for beat in outline.beats]
    whose = {one.id: (one.identity,) for one in outline.cast}
    because = causes(texts, [[act.with_each(whose) for act in casting.read(text)] for text in texts])
    enters = {one.id: _introduced(one, outline) for one in outline.cast}
    return tuple(
        Link(
            beat=beat.id,
            because=tuple(outline.beats[cause].id for cause in because[index]),
            introduces=tuple(who for who, first in enters.items() if first == index),
            expects=tuple(who for who in beat.who if enters[who] != index),
        )
        for index, beat in enumerate(outline.beats)
    )


def _introduced(one: Character, outline: Outline) -> int:
    """The beat that says "a dragon"; the one that first shows it where none does."""
    shown = [index for index, beat in enumerate(outline.beats) if one.id in beat.who]
    said = re.compile(rf"\b(?:an?|another|some)\s+(?:[\w-]+\s+){{0,3}}?{re.escape(one.kind)}\b", re.I)
    color = re.compile(rf"\b{re.escape(one.color)}\b", re.I) if one.color else None
    for index in shown:
        match = said.search(outline.beats[index].text)
        if match and (color is None or color.search(match[0])):
            return index
    return shown[0] if shown else 0


def _lead(outline: Outline) -> str | None:
    """Who is in the most beats; of several the one who came first."""
    whose = {one.id: one.identity for one in outline.cast}
    counts = Counter(whose[who] for beat in outline.beats for who in beat.who)
    return max((one.id for one in outline.cast), key=lambda who: counts[whose[who]], default=None)


def _beginnings(text: str, outline: Outline, places: Sequence[Place]) -> list[int]:
    """Indexes of the beats that begin an act."""
    count = len(outline.beats)
    paragraphs = [index for index in _paragraphs(text, outline) if index]
    if count > SHORT and 1 <= len(paragraphs) < MOST_ACTS:
        return [0, *paragraphs]
    if count <= SHORT:
        return [0]
    acts = min(MOST_ACTS, max(3, -(-count // LONG)))
    found = [0]
    for number in range(1, acts):
        ideal, reach = number * count / acts, count / acts / 2
        fits = [index for index in range(found[-1] + 1, count) if abs(index - ideal) < reach]
        if fits:
            found.append(min(fits, key=lambda index: abs(index - ideal) / reach - _changes(places, index)))
    return found


def _changes(places: Sequence[Place], index: int) -> int:
    """How much a beat leaves behind of what was before."""
    here, before = places[index], places[index - 1]
    return (here.setting != before.setting) + (here.time != before.time)


def _paragraphs(text: str, outline: Outline) -> list[int]:
    """Indexes of the beats that begin a paragraph of the brief."""
    parts = [_bare(part) for part in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n"))]
    found, at = [0], 0
    for index, beat in enumerate(outline.beats):
        start = " ".join(_bare(beat.text).split()[:5])
        where = next((number for number in range(at, len(parts)) if start in parts[number]), at)
        if index and where > at:
            found.append(index)
        at = where
    return found


def _bare(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _acts(outline: Outline, beginnings: Sequence[int], places: Sequence[Place]) -> tuple[Act, ...]:
    ids = [beat.id for beat in outline.beats]
    ends = [*beginnings[1:], len(ids)]
    acts = []
    for number, (first, end) in enumerate(zip(beginnings, ends, strict=True), 1):
        setting, time = (places[first - 1].setting, places[first - 1].time) if first else opening(outline.beats)
        part: ActPart = "setup" if number == 1 else "resolution" if end == len(ids) else "turn"
        whole = len(beginnings) == 1
        acts.append(
            Act(
                id=f"a{number}",
                part="whole" if whole else part,
                beats=tuple(ids[first:end]),
                setting=setting,
                time=time,
            )
        )
    return tuple(acts)
