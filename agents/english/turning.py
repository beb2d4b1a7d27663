"""Characters that change in the story: "the ball turns green", "he now wears a hat" make another look of the same one.

What clauses say of changes, and which look of whom is seen in which beat because of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from kinograph.agents.english.characters import newcomer
from kinograph.agents.english.clauses import Clause
from kinograph.agents.english.groups import Group
from kinograph.agents.english.lexicon import Word, listed, plain_color
from kinograph.film import Character, Noun

COLORING = frozenset(("turn", "become", "go", "change", "paint", "make"))
"""Verbs that give a colour."""
_OF_OTHERS = frozenset(("turn", "change", "paint", "make"))
"""Those of them that can give it to somebody else: "turns the ball green"."""
TURNING = COLORING | {"wear", "put", "dress", "slip"}
"""Verbs of which nothing is to be filmed but the new look."""
_HUES = frozenset(("color", "colour", "hue", "shade"))


class Turn(NamedTuple):
    """A change of one character."""

    who: str
    color: str = ""
    """The plain colour that it has from then on; "" leaves it."""
    dress: str = ""
    """What it has on from then on, "in a blue coat"; "" leaves it."""


class Change(NamedTuple):
    """What a clause says of a change, with nobody's name yet."""

    color: str = ""
    dress: str = ""
    garment: Group | None = None
    """The noun group of the dress: no character of its own."""
    of_objects: bool = False
    """It is done to the direct objects, not to the subjects."""


class Looks(Noun):
    """A cast with its looks, and who is in each beat."""

    cast: tuple[Character, ...]
    who: tuple[tuple[str, ...], ...]


# ---------------------------------------------------------------------------------------- what is said


def said(clause: Clause) -> Change | None:
    """The change that a clause tells of those who act in it, or whom it is done to; None where it tells of none."""
    verb = clause.verb.base if clause.verb else ""
    now = any(isinstance(item, Word) and item.lower == "now" for item in (*clause.ahead, *clause.tail))
    if clause.negated:
        return None
    if (garment := _garment(clause, verb, now)) is not None:
        how = "in" if garment.prep in ("in", "into") else "wearing"
        return Change(dress=f"{how} {newcomer(garment, ()).words}", garment=garment)
    direct = [group for group in clause.objects if not group.prep and (group.head or group.name)]
    done_to = bool(direct) and not all(group.head in _HUES for group in direct)
    if verb in COLORING and not (done_to and verb not in _OF_OTHERS):
        color = _color([*clause.objects, *_adverbial(clause)], verb)
        return Change(color=color, of_objects=done_to) if color else None
    if now and not done_to:
        bare = [group for group in (*clause.subjects, *clause.objects) if is_color(group) and not group.prep]
        told = verb in ("", "be") or any(group in clause.subjects for group in bare)
        return Change(color=str(bare[0].color)) if len(bare) == 1 and told else None
    return None


def is_color(group: Group) -> bool:
    """Whether a noun group names one colour and nothing that has it: "bright green"."""
    return bool(group.color) and not group.second and not group.head and not group.name


def _color(groups: Sequence[Group], verb: str) -> str:
    """ "turns green", "becomes a bright green", "changes from red to green"; "" for none, or several."""
    told = [group for group in groups if is_color(group)]
    aimed = [group.color for group in told if group.prep in ("to", "into")]
    plain = [group.color for group in told if not group.prep and verb != "change"]
    found = {*(aimed or plain)}
    return str(found.pop()) if len(found) == 1 else ""


def _adverbial(clause: Clause) -> list[Group]:
    """Groups of the tail that are no objects of it."""
    return [item for item in clause.tail if isinstance(item, Group) and item not in clause.objects]


def _garment(clause: Clause, verb: str, now: bool) -> Group | None:
    """ "now wears a red hat", "puts on a red hat", "changes into a blue coat", "is now in a blue coat"."""
    worn = next((group for group in clause.objects if group.head in listed("garments")), None)
    if worn is None or (not clause.subjects and not clause.inherits):
        return None
    on = any(isinstance(item, Word) and item.lower == "on" for item in clause.tail)
    fits = {
        "wear": now and not worn.prep,
        "put": on and worn.prep in ("", "on"),
        "change": worn.prep == "into",
        "slip": worn.prep in ("into", "on"),
        "dress": worn.prep == "in" and now,
    }
    return worn if fits.get(verb, now and worn.prep == "in") else None


# ------------------------------------------------------------------------------------------ what is seen


def looks_of(
    cast: Sequence[Character], who: Sequence[Sequence[str]], told: Sequence[Sequence[Turn]], met: Collection[str] = ()
) -> Looks:
    """The cast with a look more for each change, shown from the beat that tells it on.

    One that changes in the first beat that has it is seen as it was there, and changed from the next on; not so
    those who are `met` before, by identity. A look that comes back is the one that it was.
    """
    known, beats = list(cast), [list(ids) for ids in who]
    for at, turns in enumerate(told):
        for turn in turns:
            _turn(known, beats, at, turn, met)
    seen = {id for ids in beats for id in ids}
    return Looks(
        cast=tuple(one for one in known if one.id in seen or one in cast), who=tuple(tuple(ids) for ids in beats)
    )


def _turn(known: list[Character], beats: list[list[str]], at: int, turn: Turn, met: Collection[str]) -> None:
    """Does one change to the beats from `at` on."""
    identity = next(one.identity for one in known if one.id == turn.who)
    mine = {one.id: one for one in known if one.identity == identity}
    first = next((beat for beat, ids in enumerate(beats) if mine.keys() & set(ids)), at)
    since = at + 1 if at <= first and identity not in met else at
    old = next((mine[id] for ids in beats[since:] for id in ids if id in mine), None)
    if old is None:
        return
    new = changed(old, turn, known)
    if new not in known:
        known.append(new)
    for ids in beats[since:]:
        ids[:] = dict.fromkeys(new.id if id in mine else id for id in ids)


def changed(old: Character, turn: Turn, cast: Sequence[Character]) -> Character:
    """The look that a look becomes by a change: one that the cast has already, or a new one."""
    first = next((one for one in cast if one.id == old.identity), old)
    color = turn.color or old.color
    dress = turn.dress or ", ".join(part for part in old.state.split(", ") if part.startswith(("in ", "wearing ")))
    state = ", ".join(part for part in (color if color != first.color else "", dress) if part)
    looks = [one for one in cast if one.identity == old.identity]
    if alike := next((one for one in looks if (one.color, one.state) == (color, state)), None):
        return alike
    plain = recolored(first, color)
    id = free_id(f"{plain.kind} {dress}" if turn.dress else f"{color or ''} {plain.kind}", cast)
    return plain.changed(id=id, words=f"{plain.words} {dress}".strip()[:200], of=old.identity, state=state[:80])


def free_id(said: str, cast: Sequence[Character]) -> str:
    """An id out of words that nobody in the cast has."""
    taken = {one.id for one in cast}
    slug = "-".join(re.findall(r"[a-z0-9]+", said.lower()))[:40] or "character"
    return next(name for name in (slug, *(f"{slug}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)


def recolored(one: Character, color: str | None) -> Character:
    """The character in another colour, its words too: "a red ball" is "an orange ball"."""
    if color is None or color == one.color:
        return one
    words = one.words.split()
    at = next((n for n, word in enumerate(words) if plain_color(word.lower().strip(",")) == one.color), None)
    if one.color is not None and at is not None:
        words[at] = color + ("," if words[at].endswith(",") else "")
    else:
        kind = next((n for n, word in enumerate(words) if word.lower().startswith(one.kind.split()[0])), len(words))
        words.insert(kind, color)
    return one.changed(color=color, words=with_article(" ".join(words)))


def with_article(words: str) -> str:
    """Words whose "a" or "an" fits what follows it."""
    first, _, rest = words.partition(" ")
    if first.lower() not in ("a", "an") or not rest:
        return words
    return f"{'an' if rest[0].lower() in 'aeiou' else 'a'} {rest}"
