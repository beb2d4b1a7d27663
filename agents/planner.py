"""The planner: a brief becomes an outline of beats with a cast, and a finished plan becomes a storyboard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from kinograph.agents.english.casting import Act, Casting
from kinograph.agents.english.cutting import cut
from kinograph.agents.english.whereabouts import places
from kinograph.agents.english.wishes import aspects, lengths, looks, story
from kinograph.film import Aspect, Brief, Character, Look, Noun, Scene, Shot, Storyboard

if TYPE_CHECKING:
    from kinograph.agents.motion import Move, Moves
    from kinograph.agents.scene import Place, Places


class Assignment(Noun):
    """What the planner is asked."""

    brief: Brief
    max_subjects: int = 0
    """Most subjects that the chosen model draws in one shot; 0 is no limit."""


class Wishes(Noun):
    """What a brief's text asks of the film as a whole."""

    seconds: float | None = None
    aspect: Aspect | None = None
    look: str | None = None


class Beat(Noun):
    """One shot to be, still in the brief's words."""

    id: str
    """"1", "2", … in film order."""
    text: str
    """The brief's words for this beat, with remarks about camera or mood that belong to it."""
    who: tuple[str, ...] = ()
    """Ids of the characters in it, most important first."""


class Outline(Noun):
    """The story cut into beats."""

    title: str
    cast: tuple[Character, ...] = ()
    beats: tuple[Beat, ...]
    wishes: Wishes = Wishes()


class Planner:
    """Cuts a brief into beats and finds its characters."""

    role = "planner"
    answer = Outline

    def rules(self, question: Assignment) -> Outline:
        brief = question.brief
        reading = cut(brief.text)
        casting = Casting()
        acts = [casting.read(story(text)) for text in reading.shots]
        parts = casting.told_apart()
        acts = [[act.with_each(parts) for act in told] for told in acts] if parts else acts
        named = {id for told in acts for act in told for id in act.who}
        beats = tuple(
            Beat(id=str(number), text=text, who=by_importance(told))
            for number, (text, told) in enumerate(zip(reading.shots, acts, strict=True), 1)
        )
        asked = wishes(brief.text)
        return Outline(
            title=reading.title or _working_title(brief.text),
            cast=tuple(character for character in casting.cast if character.id in named),
            beats=beats,
            wishes=Wishes(
                seconds=brief.seconds if brief.seconds is not None else asked.seconds,
                aspect=brief.aspect or asked.aspect,
                look=brief.look or asked.look,
            ),
        )


def wishes(text: str) -> Wishes:
    """What `text` says of the film's length, format and look; the first of each counts."""
    seconds = [
        remark.value for remark in lengths(text) if isinstance(remark.value, float) and 0.5 <= remark.value <= 600
    ]
    formats: list[Aspect] = [aspect for remark in aspects(text) for aspect in _ASPECTS if remark.value == aspect]
    styles = [str(remark.value) for remark in looks(text)]
    return Wishes(
        seconds=seconds[0] if seconds else None,
        aspect=formats[0] if formats else None,
        look=styles[0] if styles else None,
    )


_ASPECTS: tuple[Aspect, ...] = ("square", "wide", "vertical")


def by_importance(acts: Sequence[Act]) -> tuple[str, ...]:
    """Those who act before those who are only met; main clauses before the rest."""
    leads = [id for act in acts if act.verb and not act.subordinate for id in act.subjects]
    return tuple(dict.fromkeys((*leads, *(id for act in acts for id in act.who))))


def _working_title(text: str) -> str:
    """The first words of a brief that has no title."""
    words = text.split()[:6]
    return " ".join(words).strip(" ,.;:!?-")[:60] or "Untitled"


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
    shot takes `default_seconds`. A shot needs the first shot of each of its characters, and the shot before
    it in its scene if they share one: all its needs lie before it.
    """
    where = {place.beat: place for place in places.places}
    how = {move.beat: move for move in moves.moves}
    lengths_of = _shared(outline.beats, seconds, default_seconds)
    scenes: list[Scene] = []
    rows = zip(outline.beats, lengths_of, strict=True)
    for number, (key, group) in enumerate(
        groupby(rows, lambda row: (where[row[0].id].setting, where[row[0].id].time)), 1
    ):
        shots = tuple(
            _shot(beat, where[beat.id], how[beat.id], f"s{number}", position, length)
            for position, (beat, length) in enumerate(group, 1)
        )
        scenes.append(Scene(id=f"s{number}", setting=key[0], time=key[1], shots=shots))
    return linked(Storyboard(title=outline.title, look=look, cast=outline.cast, scenes=tuple(scenes)))


def linked(board: Storyboard, also: Mapping[str, Sequence[str]] | None = None) -> Storyboard:
    """The storyboard with every shot's needs worked out from the order of its shots.

    `also` says which shots a shot goes on from besides; those that do not lie before it are left out.
    """
    met: dict[str, str] = {}
    before: list[Shot] = []
    passed: list[str] = []
    scenes: list[Scene] = []
    for scene in board.scenes:
        shots: list[Shot] = []
        for shot in scene.shots:
            more = [id for id in (also or {}).get(shot.id, ()) if id in passed]
            needs = _needs(shot, [one for one in before if one.scene == shot.scene], met)
            shots.append(shot.changed(needs=tuple(dict.fromkeys((*needs, *more)))))
            passed.append(shot.id)
            met |= {one.who: shot.id for one in shot.cast if one.who not in met}
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
    )


def _needs(shot: Shot, before: Sequence[Shot], met: dict[str, str]) -> tuple[str, ...]:
    """The anchors of identity, then the shot that this one continues."""
    here = {one.who for one in shot.cast}
    anchors = [met[one.who] for one in shot.cast if one.who in met]
    continued = [other.id for other in before if here & {one.who for one in other.cast}]
    return tuple(dict.fromkeys((*anchors, *continued)))


_LONGEST = 60.0


def _shared(beats: Iterable[Beat], seconds: float | None, default_seconds: float) -> list[float]:
    """Seconds per beat, at most a minute each. A total of less than a second a shot is shared equally."""
    weights = [min(max(len(beat.text.split()), 4), 24) + 12 for beat in beats]
    if seconds is None:
        return [default_seconds] * len(weights)
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
