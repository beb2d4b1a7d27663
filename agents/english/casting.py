"""The acts of a story: its clauses with their characters known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kinograph.agents.english.characters import Part, Scenery, whole
from kinograph.agents.english.clauses import WEATHER_VERBS, Clause, clauses
from kinograph.agents.english.company import Company
from kinograph.agents.english.groups import Group
from kinograph.agents.english.lexicon import Word, listed
from kinograph.film import Character

_MEETING = frozenset(
    ("meet", "join", "greet", "hug", "embrace", "befriend", "kiss", "encounter", "accompany")
)


class Act(NamedTuple):
    """Who does what to whom."""

    subjects: tuple[str, ...]
    verb: Word | None
    """None where somebody is only shown."""
    objects: tuple[tuple[str, str], ...]
    """Preposition ("" for a direct object) and character id."""
    action: str
    """The brief's own verb phrase, with what is done to things that are no characters."""
    tail: tuple[Group | Word, ...]
    """What follows the verb, as in the clause."""
    subordinate: bool
    negated: bool = False

    @property
    def who(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.subjects, *(id for _, id in self.objects))))

    def with_each(self, parts: dict[str, tuple[str, ...]]) -> Act:
        """The act with the members in place of each group."""
        subjects = tuple(each for id in self.subjects for each in parts.get(id, (id,)))
        objects = tuple((prep, each) for prep, id in self.objects for each in parts.get(id, (id,)))
        return self._replace(subjects=subjects, objects=objects)


class Casting:
    """Reads a story piece by piece, in order, and knows everyone in it.

    Without a cast it finds one; with a cast it recognises those in it and nobody else.
    """

    def __init__(self, cast: Iterable[Character] = ()) -> None:
        self._company = Company(cast)
        self._last: Act | None = None

    @property
    def cast(self) -> tuple[Character, ...]:
        return tuple(self._company.cast)

    def read(self, story: str) -> list[Act]:
        """The acts of one piece, remarks already taken out of it."""
        scenery = Scenery.of(story)
        found = clauses(story)
        if len(found) == 1 and self._last and story.lstrip()[:1].islower() and _continues(found[0]):
            found = [_gone_on(found[0], self._last)]
        known = {one.id for one in self._company.cast}
        acts = [self._act(clause, scenery, len(found) == 1) for clause in found]
        parts = self._company.split(known)
        return [act.with_each(parts) for act in acts] if parts else acts

    def _act(self, clause: Clause, scenery: Scenery, alone: bool) -> Act:
        subjects = self._subjects(clause, scenery, alone)
        objects = self._objects(clause, scenery, subjects)
        if not subjects and _shows(clause):
            subjects = tuple(id for prep, id in objects if not prep)
            objects = tuple(pair for pair in objects if pair[0])
        act = Act(
            subjects,
            clause.verb,
            objects,
            self._action(clause, scenery),
            tuple(clause.tail),
            clause.subordinate,
            clause.negated,
        )
        others = [id for _, id in objects]
        self._company.heard(
            subjects, others, _topic(act, first=not self._company.topic), _verb(clause) in _MEETING
        )
        self._last = act
        return act

    def _subjects(self, clause: Clause, scenery: Scenery, alone: bool) -> tuple[str, ...]:
        if clause.inherits and not clause.subjects:
            return self._company.topic if clause.verb is not None else ()
        if _verb(clause) in WEATHER_VERBS and any(group.head == "it" for group in clause.subjects):
            return ()
        if any(group.head == "they" for group in clause.subjects) and any(
            group.head == "all" for group in clause.objects
        ):
            return self._company.met
        pronouns = all(group.pronoun for group in clause.subjects)
        busy = self._done_to(clause) if pronouns else ()
        part: Part = "subject" if clause.verb is not None else "shown"
        found: list[str] = []
        for group in whole(clause.subjects):
            shown = alone or group.first in ("a", "an") or group.color is not None
            rising = part == "subject" and group.head in ("sun", "moon") and shown
            if group.words and (rising or not scenery.is_time(group)):
                found += self._company.find(group, part, _verb(clause), scenery, busy)
        return tuple(dict.fromkeys(found))

    def _done_to(self, clause: Clause) -> tuple[str, ...]:
        """Members named as direct objects: a pronoun before the verb means another."""
        named = [group for group in clause.objects if group.head and not group.prep and not group.pronoun]
        definite = [group for group in named if group.first in ("the", "this", "that")]
        return tuple(id for group in definite for id in self._company.same(group))

    def _objects(
        self, clause: Clause, scenery: Scenery, subjects: tuple[str, ...]
    ) -> tuple[tuple[str, str], ...]:
        found: list[tuple[str, str]] = []
        for group in whole(clause.objects):
            if group.words and not scenery.is_time(group):
                ids = self._company.find(group, _part(group, clause), _verb(clause), scenery, subjects)
                found += [(group.prep, id) for id in ids if id not in subjects]
        return tuple(dict.fromkeys(found))

    def _action(self, clause: Clause, scenery: Scenery) -> str:
        """The verb and what follows it, up to the first character, place or time."""
        if clause.verb is None or clause.verb.base == "be":
            return ""
        said = [clause.verb.text]
        for item in clause.tail:
            if not isinstance(item, Group):
                said.append(item.text)
                continue
            vague = item.prep in ("at", "by") and not item.determined
            if vague or scenery.is_place(item) or scenery.is_time(item) or self._company.knows(item):
                break
            said += [word.text for word in item.words]
        while len(said) > 1 and said[-1].lower() in listed("dangling"):
            said.pop()
        return " ".join(said)


def _verb(clause: Clause) -> str:
    return clause.verb.base if clause.verb else ""


def _part(group: Group, clause: Clause) -> Part:
    """What a group after the verb is: "pan to a star" and "show a star" put it before the eye."""
    aimed = (
        clause.verb is None and not clause.subjects and group.prep in ("on", "of", "to", "toward", "towards")
    )
    if group.prep and not aimed:
        return "beside"
    return "shown" if aimed or _verb(clause) in listed("showing") | {"be", ""} else "object"


def _shows(clause: Clause) -> bool:
    """ "There is a fox", "In the forest runs a fox": the subject comes after the verb."""
    fronted = any(group.prep for group in clause.objects[:1])
    return clause.verb is not None and (clause.verb.base == "be" or (clause.verb.form == "s" and fronted))


def _topic(act: Act, first: bool) -> tuple[str, ...]:
    """Whom a clause is about: those who act, else those it is done to."""
    if act.verb is not None or len(act.subjects) > 1:
        return act.subjects or tuple(id for prep, id in act.objects if not prep) or act.who[:1]
    return act.subjects or (act.who if first else tuple(id for p, id in act.objects if not p) or act.who[:1])


def _continues(clause: Clause) -> bool:
    """ "…and into the city": a piece without subject or verb."""
    return clause.verb is None and not clause.subjects


def _gone_on(clause: Clause, last: Act) -> Clause:
    """The verb and subject of before, in another place."""
    said = clause.tail[0] if clause.tail else None
    led = [Word(said.prep, "prep", said.prep)] if isinstance(said, Group) and said.prep else []
    return Clause([], last.verb, clause.objects, [*led, *clause.tail], inherits=True)
