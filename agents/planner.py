"""The planner: a brief becomes an outline of beats with a cast, and a finished plan becomes a storyboard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from pydantic import Field

from kinograph.agents.english.casting import Act, Casting
from kinograph.agents.english.cutting import cut
from kinograph.agents.english.joins import joins
from kinograph.agents.english.titles import working_title
from kinograph.agents.english.turning import looks_of
from kinograph.agents.english.whereabouts import places
from kinograph.agents.english.wishes import aspects, lengths, looks, story
from kinograph.agents.mind import Ask
from kinograph.errors import BadStoryboard
from kinograph.film import Aspect, Brief, Character, Look, Noun, Scene, Shot, Storyboard, TimeOfDay, Transition

if TYPE_CHECKING:
    from kinograph.agents.motion import Move, Moves
    from kinograph.agents.scene import Place, Places


class Assignment(Noun):
    """What the planner is asked."""

    brief: Brief
    max_subjects: int = 0
    """Most subjects that the chosen model draws in one shot; 0 is no limit."""
    remembered: tuple[str, ...] = ()
    """What the series of the film knows, within the budget of a context."""


class Wishes(Noun):
    """What a brief's text asks of the film as a whole."""

    seconds: float | None = None
    aspect: Aspect | None = None
    look: str | None = None
    transitions: Transition | None = Field(default=None, exclude_if=lambda value: value is None)
    """None leaves it to what is said of each shot."""


class Beat(Noun):
    """One shot to be, still in the brief's words."""

    id: str
    """"1", "2", … in film order."""
    text: str
    """The brief's words for this beat, with remarks about camera or mood that belong to it."""
    who: tuple[str, ...] = ()
    """Ids of the characters in it, most important first."""
    seconds: float | None = Field(default=None, ge=0.5, le=60)
    """Length wished for this beat; none leaves it to the film's pace."""
    continues: tuple[str, ...] = ()
    """Ids of earlier beats that it goes on from, besides those that share its characters."""
    transition: Transition = Field(default="cut", exclude_if=lambda value: value == "cut")
    """How it comes out of the beat before."""


class Before(Noun):
    """What those who see only a part of a story must know of the rest."""

    setting: str = ""
    """Where the part begins."""
    time: TimeOfDay = "day"
    told: str = ""
    """What has happened by then, in a few lines."""
    lately: tuple[Beat, ...] = ()
    """The beats right before the part."""
    mend: tuple[str, ...] = ()
    """What was wrong with the last answer about it."""


class Outline(Noun):
    """The story cut into beats."""

    title: str
    cast: tuple[Character, ...] = ()
    beats: tuple[Beat, ...]
    wishes: Wishes = Wishes()
    before: Before | None = None
    """None where the beats are the whole story."""


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


class Planner:
    """Cuts a brief into beats and finds its characters."""

    role = "planner"
    answer = Outline

    def ask(self, question: Assignment) -> Ask[Outline]:
        brief = question.brief
        return Ask(
            facts={"brief": brief.text, "max_subjects": question.max_subjects, "look": brief.look}
            | ({"remembered": list(question.remembered)} if question.remembered else {}),
            draft=OutlineDraft,
            check=lambda draft: complaints(question, draft),
            accept=lambda draft: accepted(question, draft),
            without=lambda why: self.rules(question),
        )

    def rules(self, question: Assignment) -> Outline:
        brief = question.brief
        reading = cut(brief.text)
        casting = Casting()
        acts = [casting.read(story(text)) for text in reading.shots]
        parts = casting.told_apart()
        acts = [[act.with_each(parts) for act in told] for told in acts] if parts else acts
        named = {id for told in acts for act in told for id in act.who}
        cast = tuple(character for character in casting.cast if character.id in named)
        turns = [[turn for act in told for turn in act.turns] for told in acts]
        looks = looks_of(cast, [by_importance(told) for told in acts], turns)
        asked = wishes(brief.text)
        joined = transitions(brief.transitions or asked.transitions, reading.smooth)
        cast = looks.cast
        beats = tuple(
            Beat(id=str(number), text=text, who=who, transition=joined[number - 1])
            for number, (text, who) in enumerate(zip(reading.shots, looks.who, strict=True), 1)
        )
        return Outline(
            title=reading.title or working_title(brief.text, _heroes(beats, cast), reading.shots),
            cast=cast,
            beats=beats,
            wishes=Wishes(
                seconds=brief.seconds if brief.seconds is not None else asked.seconds,
                aspect=brief.aspect or asked.aspect,
                look=brief.look or asked.look,
                transitions=brief.transitions or asked.transitions,
            ),
        )


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
        if beat.seconds is not None and not 0.5 <= beat.seconds <= _LONGEST:
            found.append(f"beat {number}: {beat.seconds:g} s is no length of a shot; 0.5 to {_LONGEST:g}, or null")
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


def transitions(all_alike: Transition | None, smooth: Sequence[bool]) -> tuple[Transition, ...]:
    """How each beat comes out of the one before it; the first has none."""
    return tuple(all_alike or ("smooth" if one else "cut") if at else "cut" for at, one in enumerate(smooth))


def wishes(text: str) -> Wishes:
    """What `text` says of the film's length, format and look; the first of each counts."""
    seconds = [
        remark.value for remark in lengths(text) if isinstance(remark.value, float) and 0.5 <= remark.value <= 600
    ]
    formats: list[Aspect] = [aspect for remark in aspects(text) for aspect in _ASPECTS if remark.value == aspect]
    styles = [str(remark.value) for remark in looks(text)]
    joined = {remark.value for remark in joins(text)}
    return Wishes(
        seconds=seconds[0] if seconds else None,
        aspect=formats[0] if formats else None,
        look=styles[0] if styles else None,
        transitions="cut" if "none" in joined else "smooth" if "all" in joined else None,
    )


_ASPECTS: tuple[Aspect, ...] = ("square", "wide", "vertical")


def by_importance(acts: Sequence[Act]) -> tuple[str, ...]:
    """Those who act before those who are only met; main clauses before the rest."""
    leads = [id for act in acts if act.verb and not act.subordinate for id in act.subjects]
    return tuple(dict.fromkeys((*leads, *(id for act in acts for id in act.who))))


def _heroes(beats: Sequence[Beat], cast: Sequence[Character]) -> list[Character]:
    """Those of the first beat that has anybody."""
    first = next((beat.who for beat in beats if beat.who), ())
    return [one for id in first for one in cast if one.id == id]


def question_about(text: str, cast: Sequence[Character]) -> str | None:
    """The one question worth asking of a brief: where nobody, nothing and no place is to be seen."""
    if cast or places(story(text)):
        return None
    return "Who or what shall we see, what happens, and where? For example: a red ball rolls across a meadow at sunset."


# --------------------------------------------------------------------------------------- storyboard


def storyboard(
    outline: Outline,
    places: Places,
    moves: Moves,
    look: Look,
    seconds: float | None,
    default_seconds: float = 3.0,
) -> Storyboard:
    """The finished plan. Consecutive beats in one place and time form a scene.

    `seconds` asked of the whole film are shared out by length of text, at least 1 s a shot; without it every
    shot takes what its beat wishes, else `default_seconds`. A shot needs the first shot of each of its
    characters, the shot before it in its scene if they share one or wherever that changes into it smoothly, and those
    that its beat continues: all its needs lie before it. Raises BadStoryboard for a beat that continues itself or one
    that comes later.
    """
    where = {place.beat: place for place in places.places}
    how = {move.beat: move for move in moves.moves}
    lengths_of = _shared(outline.beats, seconds, default_seconds)
    scenes: list[Scene] = []
    filmed: dict[str, str] = {}
    continued: dict[str, list[str]] = {}
    rows = zip(outline.beats, lengths_of, strict=True)
    grouped = groupby(rows, lambda row: (where[row[0].id].setting, where[row[0].id].time))
    for number, (key, group) in enumerate(((key, list(group)) for key, group in grouped), 1):
        shots = tuple(
            _shot(beat, where[beat.id], how[beat.id], f"s{number}", position, length)
            for position, (beat, length) in enumerate(group, 1)
        )
        scenes.append(Scene(id=f"s{number}", setting=key[0], time=key[1], shots=shots))
        for shot, (beat, _) in zip(shots, group, strict=True):
            if late := [other for other in beat.continues if other not in filmed]:
                circle = f"the storyboard goes in a circle: {beat.id} needs {beat.id}"
                order = f"beat {beat.id} continues beat {late[0]}, which does not come before it"
                raise BadStoryboard(circle if late[0] == beat.id else order)
            continued[shot.id] = [filmed[earlier] for earlier in beat.continues]
            filmed[beat.id] = shot.id
    return linked(Storyboard(title=outline.title, look=look, cast=outline.cast, scenes=tuple(scenes)), continued)


def linked(board: Storyboard, also: Mapping[str, Sequence[str]] | None = None) -> Storyboard:
    """The storyboard with every shot's needs worked out from the order of its shots.

    `also` says which shots a shot goes on from besides; those that do not lie before it are left out.
    """
    met: dict[str, str] = {}
    whose = {one.id: one.identity for one in board.cast}
    before: list[Shot] = []
    passed: list[str] = []
    scenes: list[Scene] = []
    for scene in board.scenes:
        shots: list[Shot] = []
        for shot in scene.shots:
            more = [id for id in (also or {}).get(shot.id, ()) if id in passed]
            needs = _needs(shot, [one for one in before if one.scene == shot.scene], met, whose)
            smoothly = passed[-1:] if shot.transition == "smooth" else []
            shots.append(shot.changed(needs=tuple(dict.fromkeys((*smoothly, *needs, *more)))))
            passed.append(shot.id)
            for name in (name for one in shot.cast for name in (one.who, whose.get(one.who, one.who))):
                met.setdefault(name, shot.id)
            before = shots[-1:]
        scenes.append(scene.changed(shots=tuple(shots)))
    return board.changed(scenes=tuple(scenes))


def _shot(beat: Beat, place: Place, move: Move, scene: str, position: int, seconds: float) -> Shot:
    return Shot(
        id=f"{scene}.{position}",
        scene=scene,
        text=beat.text,
        cast=move.cast,
        setting=place.setting,
        time=place.time,
        camera=move.camera,
        mood=place.mood,
        extra=place.extra,
        seconds=seconds,
        transition=beat.transition,
    )


def _needs(shot: Shot, before: Sequence[Shot], met: dict[str, str], whose: Mapping[str, str]) -> tuple[str, ...]:
    """The anchors of the looks that are seen, then those of identities, then the shot that this one continues."""
    here = {one.who for one in shot.cast}
    names = [*(one.who for one in shot.cast), *(whose.get(one.who, one.who) for one in shot.cast)]
    anchors = [met[name] for name in names if name in met]
    continued = [other.id for other in before if here & {one.who for one in other.cast}]
    return tuple(dict.fromkeys((*anchors, *continued)))


_LONGEST = 60.0


def _shared(beats: Iterable[Beat], seconds: float | None, default_seconds: float) -> list[float]:
    """Seconds per beat, at most a minute each. A total of less than a second a shot is shared equally."""
    beats = tuple(beats)
    if seconds is None:
        return [beat.seconds or default_seconds for beat in beats]
    weights = [min(max(len(beat.text.split()), 4), 24) + 12 for beat in beats]
    total = min(seconds, _LONGEST * len(weights))
    least = min(1.0, total / len(weights))
    most = max(_LONGEST - least, 0.0)
    shares = dict.fromkeys(range(len(weights)), 0.0)
    spare, open_to = total - least * len(weights), set(shares)
    while spare > 1e-9 and open_to:
        whole = sum(weights[index] for index in open_to)
        for index in sorted(open_to):
            shares[index] += spare * weights[index] / whole
        spare = sum(max(0.0, share - most) for share in shares.values())
        shares = {index: min(share, most) for index, share in shares.items()}
        open_to = {index for index, share in shares.items() if share < most}
    return (
        [round(least + share, 3) for share in shares.values()]
        if total / len(weights) > 0.01
        else [total / len(weights)] * len(weights)
    )
