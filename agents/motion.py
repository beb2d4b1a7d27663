"""The motion agent: what everyone does in each beat, and how the camera moves."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import cast

from kinograph.agents.english.camera import cameras, follows
from kinograph.agents.english.casting import Act, Casting
from kinograph.agents.english.groups import Group
from kinograph.agents.english.lexicon import Word, lexicon, listed
from kinograph.agents.english.whereabouts import places
from kinograph.agents.english.wishes import story
from kinograph.agents.mind import Part
from kinograph.agents.outline import Beat, Outline
from kinograph.film import Appearance, Camera, Character, Noun
from kinograph.film import Motion as Canonical

_UP = frozenset(("up", "upward", "upwards", "skyward", "higher", "high"))
_DOWN = frozenset(("down", "downward", "downwards", "lower"))
_ROUND = frozenset(("around", "round", "circles", "circle", "loops", "orbit"))


class Move(Noun):
    """The motion of one beat."""

    beat: str
    cast: tuple[Appearance, ...] = ()
    camera: Camera = "static"


class Moves(Noun):
    """One move per beat, in the outline's order."""

    moves: tuple[Move, ...]


class Motion:
    """Reads from the verbs of each beat what its characters do."""

    role = "motion"
    answer = Moves

    def ask(self, question: Outline) -> Part[Moves]:
        """A language model answers for scene, motion and style at once."""
        from kinograph.agents.director import Director

        return Part(Director(), lambda direction: direction.moves)

    def rules(self, question: Outline) -> Moves:
        casting = Casting(question.cast)
        cast = {one.id: one for one in question.cast}
        for beat in question.before.lately if question.before else ():
            casting.read(story(beat.text))
        return Moves(moves=tuple(_move(beat, casting.read(story(beat.text)), cast) for beat in question.beats))


def _move(beat: Beat, acts: Sequence[Act], known: Mapping[str, Character]) -> Move:
    here = {known[id].identity: known[id] for id in beat.who}
    acts = [_seen(act.with_each({id: (one.identity,) for id, one in known.items()}), here) for act in acts]
    seen = tuple(_appearance(who, acts).changed(who=one.id) for who, one in here.items())
    camera = _camera(beat.text)
    if camera == "static" and follows(beat.text):
        return Move(beat=beat.id, cast=seen, camera=_along(seen))
    return Move(beat=beat.id, cast=seen, camera=camera)


def _seen(act: Act, here: Mapping[str, Character]) -> Act:
    """An act that only gives somebody another look, without its words where the beat shows that look from the start:
    who is green already does not turn green. `here` are the looks of the beat by identity."""
    looks = [(here.get(turn.who), turn) for turn in act.turns]
    shown = all(one and (one.of or one.color == turn.color) for one, turn in looks)
    return act._replace(action="") if act.alters and shown else act


def _along(seen: Sequence[Appearance]) -> Camera:
    """The pan that keeps up with the first who was said to go left or right."""
    for one in seen:
        if _heads(one):
            return "pan left" if one.motion == "moves left" else "pan right"
    return "static"


def _heads(one: Appearance) -> bool:
    """Whether it was said which way somebody goes."""
    return one.motion.startswith("moves") and bool(re.search(r"\b(?:left|right)", one.action))


def _camera(text: str) -> Camera:
    """The first camera move that the words ask for."""
    asked: list[Camera] = [cast(Camera, remark.value) for remark in cameras(text) if remark.value is not None]
    for camera in asked:
        if camera != "static":
            return camera
    return "static"


def _appearance(who: str, acts: Sequence[Act]) -> Appearance:
    """What a character does: its first real motion, else the first thing said of it."""
    deeds: list[tuple[Canonical, str]] = []
    for act in sorted(acts, key=_goes_up_to):
        if who in act.subjects and act.verb is not None:
            deeds.append(("stays" if act.alters else _own(act), act.action))
        elif act.alters:
            continue
        elif act.verb is not None and ("", who) in act.objects and (motion := _suffered(act)) is not None:
            deeds.append((motion, ""))
    moving = [deed for deed in deeds if deed[0] != "stays"] or deeds or [("stays", "")]
    if moving[0][0] == "moves right" and "right" not in moving[0][1]:
        moving = [deed for deed in moving if deed[0] == "moves left"] or moving
    return Appearance(who=who, motion=moving[0][0], action=moving[0][1])


def _goes_up_to(act: Act) -> bool:
    """Going up to somebody counts only for those who move in no other way."""
    return act.verb is not None and act.verb.base in listed("met")


# ------------------------------------------------------------------------------------ verb to motion


def _own(act: Act) -> Canonical:
    """The motion of those who do it."""
    assert act.verb is not None
    if act.verb.base in ("do", "make", "take", "give", "perform", "have"):
        return _done(act)
    base, direct = (
        act.verb.base,
        any(isinstance(item, Group) and item.head and not item.prep for item in act.tail),
    )
    if base in listed("met") and not any(not prep for prep, _ in act.objects):
        return "stays"
    if act.negated or (_handles_its_own(act) and lexicon().verbs.get(base) != "moves right"):
        return "stays"
    if direct and (base in listed("handled") or (base in listed("set_going") and base not in listed("taken_along"))):
        return "stays"
    return _meant(base, _after(act), act)


def _done(act: Act) -> Canonical:
    """ "does a little spin", "takes a leap"."""
    phrase = next((known for said in (_after(act),) if (known := _phrase(act.verb, said))), None)
    forms = lexicon().forms
    what = [item.head for item in act.tail if isinstance(item, Group) and not item.prep and item.head in forms]
    deed = lexicon().verbs.get(forms[what[0]][0], "stays") if what and not act.negated else "stays"
    return cast(Canonical, phrase or deed)


def _phrase(verb: Word | None, said: Sequence[str]) -> Canonical | None:
    """What a listed verb of several words means: "come to rest", "take off"."""
    assert verb is not None
    known = lexicon().verbs
    phrases = (
        *(" ".join((verb.base, *said[:length])) for length in (3, 2)),
        *(f"{verb.base} {one}" for one in said[:2]),
    )
    return next((cast(Canonical, known[phrase]) for phrase in phrases if phrase in known), None)


def _handles_its_own(act: Act) -> bool:
    """ "lowers its head", "waves his hand"."""
    groups = [item for item in act.tail if isinstance(item, Group) and not item.prep]
    return any(group.words[0].tag == "poss" for group in groups)


def _suffered(act: Act) -> Canonical | None:
    """The motion that an act gives to its direct object; None when it gives none."""
    assert act.verb is not None
    base, said = act.verb.base, _after(act)
    if said and (known := lexicon().verbs.get(f"{base} {said[0]}")) in ("falls", "rises"):
        return cast(Canonical, known)
    if base in listed("set_going"):
        return _sideways(said)
    return _meant(base, said, act) if base in listed("handled") else None


def _meant(base: str, said: Sequence[str], act: Act) -> Canonical:
    known = lexicon().verbs
    phrase = _phrase(act.verb, said)
    motion = cast(
        Canonical,
        phrase or known.get(base) or ("moves right" if listed("paths") & set(said[:2]) else "stays"),
    )
    if base in ("get", "become", "grow", "turn") and (size := _size(said)):
        return size
    if phrase:
        return motion
    if base == "turn" and any(
        (item.words[0] if isinstance(item, Group) else item).tag in ("color", "adj") for item in act.tail[:1]
    ):
        return "stays"
    if base == "turn" and ({"left", "right", "back", "to", "toward", "towards", "into", "off", "on"} & set(said[:2])):
        return _sideways(said) if {"left", "right"} & set(said) else "stays"
    if motion == "moves right":
        return _travel(base, said, act)
    return motion


def _size(said: Sequence[str]) -> Canonical | None:
    if {"bigger", "larger", "taller", "huge", "giant", "wider", "enormous", "gigantic"} & set(said):
        return "grows"
    return "shrinks" if {"smaller", "tiny", "tinier", "shorter"} & set(said) else None


def _travel(base: str, said: Sequence[str], act: Act) -> Canonical:
    """Travel is sideways unless its particles lift, lower or bend it."""
    first = set(said[:3])
    if {"left", "right", "leftward", "rightward", "leftwards", "rightwards"} & set(said):
        return _sideways(said)
    if (
        "circles" in said
        or "loops" in said
        or ("circle" in said and "in" in said)
        or (_ROUND & first and not _within_place(act))
    ):
        return "circles"
    if base in listed("lifted") and _UP & first and not _approach(said):
        return "rises"
    if base in listed("lifted") and (
        ("sky" in said and {"into", "to", "toward", "towards"} & first) or ("air" in said and "into" in said)
    ):
        return "rises"
    if base in listed("lifted") and _DOWN & first and not _road(act):
        return "falls"
    return "moves right"


def _approach(said: Sequence[str]) -> bool:
    return any(one in _UP and two == "to" for one, two in itertools.pairwise(said))


def _within_place(act: Act) -> bool:
    """ "walks around the city" is no circle."""
    said = " ".join(_words(act))
    return any(where.prep in ("around", "round") for where in places(said)) or (
        said.endswith(("around", "round", "around.")) and not act.objects
    )


def _road(act: Act) -> bool:
    return any(where.prep == "down" and where.setting in listed("roads") for where in places(" ".join(_words(act))))


def _sideways(said: Sequence[str]) -> Canonical:
    """Left if left is said as the way to go; "from the left" goes right."""
    way: Canonical = "moves right"
    for index, word in enumerate(said):
        if not word.startswith(("left", "right")):
            continue
        before = said[index - 1] if index else ""
        if before in ("on", "at"):
            continue
        left = word.startswith("left")
        way = "moves left" if left != (before == "from") else "moves right"
    return way


def _after(act: Act) -> list[str]:
    """The words after the verb, without articles, lower case."""
    return [word for word in _words(act) if word not in ("a", "an", "the")]


def _words(act: Act) -> list[str]:
    return [word.lower for item in act.tail for word in (item.words if isinstance(item, Group) else (item,))]
