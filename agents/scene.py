"""The scene agent: where and when each beat happens, and in what mood."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kinograph.agents.english.casting import Act, Casting
from kinograph.agents.english.lexicon import lexicon, listed
from kinograph.agents.english.whereabouts import places, setting_of, time_of, times
from kinograph.agents.english.wishes import story
from kinograph.agents.english.words import words
from kinograph.agents.mind import Part
from kinograph.agents.outline import Beat, Outline
from kinograph.film import Character, Noun, TimeOfDay


class Place(Noun):
    """Where one beat happens."""

    beat: str
    setting: str = ""
    """Plain noun: "meadow", "sea", "kitchen"; empty when the model may choose."""
    time: TimeOfDay = "day"
    mood: str = ""
    extra: str = ""
    """Words of the beat that nothing else carries; the prompt keeps them."""


class Places(Noun):
    """One place per beat, in the outline's order."""

    places: tuple[Place, ...]


class Scene:
    """Finds the place and time that each beat names, and carries them on where it names none."""

    role = "scene"
    answer = Places

    def ask(self, question: Outline) -> Part[Places]:
        """A language model answers for scene, motion and style at once."""
        from kinograph.agents.director import Director

        return Part(Director(), lambda direction: direction.places)

    def rules(self, question: Outline) -> Places:
        casting, before = Casting(question.cast), question.before
        for beat in before.lately if before else ():
            casting.read(story(beat.text))
        setting, time = (before.setting, before.time) if before else opening(question.beats)
        found = []
        for beat in question.beats:
            told = story(beat.text)
            setting = setting_of(told, setting) or setting
            time = time_of(told) or time
            extra = _extra(told, question.cast, casting.read(told))
            found.append(Place(beat=beat.id, setting=setting, time=time, mood=_mood(told), extra=extra))
        return Places(places=tuple(found))


def opening(beats: Sequence[Beat]) -> tuple[str, TimeOfDay]:
    """Where a film begins that does not say so: in the first place it names, by day."""
    named = next((name for beat in beats if (name := setting_of(story(beat.text)))), "")
    return named or "meadow", "day"


def strays(first: Beat, setting: str, time: TimeOfDay, place: Place) -> list[str]:
    """What is wrong where a part of a story begins elsewhere than the story has come to, without a word of it."""
    told, found = story(first.text), []
    if setting and not places(told) and place.setting.lower() != setting.lower():
        found.append(f"beat {first.id} names no place, so it is in {setting!r}, not {place.setting[:40]!r}")
    if not times(told) and place.time != time:
        found.append(f"beat {first.id} names no time, so it is {time}, not {place.time}")
    return found


def _mood(told: str) -> str:
    known = lexicon().group("moods", "words")
    return ", ".join(dict.fromkeys(word.lower for word in words(told) if word.lower in known))


def _extra(told: str, cast: Sequence[Character], acts: Sequence[Act]) -> str:
    """Content words that neither the characters, the actions, the place, the time nor the mood carry."""
    carried = {word for one in cast for word in re.findall(r"[\w'’-]+", one.words.lower())}
    carried |= {one.color for one in cast if one.color} | {word for act in acts for word in act.action.lower().split()}
    carried |= lexicon().group("moods", "words") | listed("film_words")
    spans = [(where.start, where.end) for where in places(told)] + [(when.start, when.end) for when in times(told)]
    kinds = {one.kind for one in cast}
    left = []
    for word in words(told):
        content = word.tag in ("noun", "adj", "color", "name", "verb", "num") or word.lower.endswith("ly")
        covered = any(start <= word.at < end for start, end in spans)
        if content and not covered and word.lower not in carried and word.base not in kinds:
            left.append(word.text)
    return " ".join(dict.fromkeys(left))
