"""The director: scene, motion and style decisions of a whole film in one answer.

Scene, motion and style agents each take their part of it, so that a language model reads an outline once.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from kinograph.agents.mind import Ask
from kinograph.agents.motion import Motion, Move, Moves
from kinograph.agents.outline import Outline
from kinograph.agents.scene import Place, Places, Scene, strays
from kinograph.agents.style import Style
from kinograph.film import Appearance, Camera, Look, Noun, TimeOfDay
from kinograph.film import Motion as Canonical


class Direction(Noun):
    """Everything that is decided of an outline's beats."""

    places: Places
    moves: Moves
    look: Look


class ActDraft(Noun):
    """What a model says that a character does in a beat."""

    who: str = Field(max_length=40)
    motion: Canonical
    action: str = Field(max_length=80)


class ShotDraft(Noun):
    """What a model says of one beat."""

    beat: str = Field(max_length=4)
    setting: str = Field(max_length=40)
    time: TimeOfDay
    mood: str = Field(max_length=40)
    extra: str = Field(max_length=160)
    camera: Camera
    cast: tuple[ActDraft, ...] = Field(max_length=8)


class LookDraft(Noun):
    name: str = Field(min_length=1, max_length=30)
    words: str = Field(max_length=120)


class DirectionDraft(Noun):
    """What a language model hands back."""

    look: LookDraft
    shots: tuple[ShotDraft, ...] = Field(min_length=1, max_length=60)


class Director:
    """Directs every beat of an outline."""

    role = "director"
    answer = Direction

    def rules(self, question: Outline) -> Direction:
        return Direction(places=Scene().rules(question), moves=Motion().rules(question), look=Style().rules(question))

    def ask(self, question: Outline) -> Ask[Direction]:
        return Ask(
            facts=facts(question),
            draft=DirectionDraft,
            check=lambda draft: complaints(question, draft),
            accept=lambda draft: accepted(question, draft),
            without=lambda why: self.rules(question),
        )


def facts(outline: Outline) -> dict[str, Any]:
    """The outline as a model is told it; of a part of a story also what must be known of the rest."""
    before, seen = outline.before, {who for beat in outline.beats for who in beat.who}
    told = {
        "title": outline.title,
        "cast": [{"id": one.id, "words": one.words} for one in outline.cast if before is None or one.id in seen],
        "look": outline.wishes.look,
        "beats": [{"beat": beat.id, "text": beat.text, "who": list(beat.who)} for beat in outline.beats],
    }
    if before is None:
        return told
    rest = {"setting": before.setting, "time": before.time, "told": before.told}
    rest |= {"lately": [beat.text for beat in before.lately[-2:]]} | ({"mend": before.mend} if before.mend else {})
    return told | {"before": rest}


def complaints(outline: Outline, draft: DirectionDraft) -> list[str]:
    """What makes no sense: beats left out or invented, strangers, nothing to be seen."""
    wanted, given = [beat.id for beat in outline.beats], [shot.beat for shot in draft.shots]
    if wanted != given:
        return [
            f"shots are for beats {' '.join(given)[:80]}; there must be one for each of {' '.join(wanted)}, in order"
        ]
    found = []
    for beat, shot in zip(outline.beats, draft.shots, strict=True):
        seen = [act.who for act in shot.cast]
        if sorted(seen) != sorted(beat.who):
            found.append(f"shot of beat {beat.id} shows {seen}; it must show exactly {list(beat.who)}, each once")
        if not (shot.setting or seen or shot.extra):
            found.append(f"shot of beat {beat.id} is empty: nobody, nowhere, nothing")
    if (before := outline.before) is not None:
        first = draft.shots[0]
        place = Place(beat=first.beat, setting=first.setting, time=first.time)
        found += strays(outline.beats[0], before.setting, before.time, place)
    return found


def accepted(outline: Outline, draft: DirectionDraft) -> Direction:
    """The direction that a draft without complaints says. A look that was wished for stays."""
    places, moves = [], []
    for beat, shot in zip(outline.beats, draft.shots, strict=True):
        by_who = {act.who: act for act in shot.cast}
        places.append(
            Place(beat=beat.id, setting=shot.setting.lower(), time=shot.time, mood=shot.mood, extra=shot.extra)
        )
        cast = tuple(Appearance(who=who, motion=by_who[who].motion, action=by_who[who].action) for who in beat.who)
        moves.append(Move(beat=beat.id, cast=cast, camera=shot.camera))
    wished = Style().rules(outline) if outline.wishes.look else None
    return Direction(
        places=Places(places=tuple(places)),
        moves=Moves(moves=tuple(moves)),
        look=wished or Look(name=draft.look.name.lower(), words=draft.look.words),
    )
