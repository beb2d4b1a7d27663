"""The acts of a story: its clauses with their characters known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kinograph.agents.english.characters import Part, Scenery, is_person, is_thing, whole
from kinograph.agents.english.clauses import WEATHER_VERBS, Clause, clauses, of_weather
from kinograph.agents.english.company import Company
from kinograph.agents.english.groups import Group
from kinograph.agents.english.lexicon import Word, lexicon, listed
from kinograph.agents.english.turning import TURNING, Change, Turn, is_color, said
from kinograph.film import Character

_BEING = frozenset(("", "be", "become", "turn", "glow", "shine"))
_MEETING = frozenset(("meet", "join", "greet", "hug", "embrace", "befriend", "kiss", "encounter", "accompany"))


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
    turns: tuple[Turn, ...] = ()
    """Who looks different from here on."""

    @property
    def who(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.subjects, *(id for _, id in self.objects))))

    def with_each(self, parts: dict[str, tuple[str, ...]]) -> Act:
        """The act with the members in place of each group."""
        subjects = tuple(each for id in self.subjects for each in parts.get(id, (id,)))
        objects = tuple((prep, each) for prep, id in self.objects for each in parts.get(id, (id,)))
        turns = tuple(turn._replace(who=each) for turn in self.turns for each in parts.get(turn.who, (turn.who,)))
        return self._replace(subjects=subjects, objects=objects, turns=turns)

    @property
    def alters(self) -> bool:
        """Whether all that it does is to give somebody another look."""
        return bool(self.turns) and self.verb is not None and self.verb.base in TURNING


class Casting:
    """Reads a story piece by piece, in order, and knows everyone in it.

    Without a cast it finds one; with a cast it recognises those in it and nobody else, or, `welcoming`,
    takes in newcomers too.
    """

    def __init__(self, cast: Iterable[Character] = (), welcoming: bool = False) -> None:
        self._company = Company(cast, welcoming)
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

    def told_apart(self) -> dict[str, tuple[str, ...]]:
        """At the end of the story: groups that turned out to be these single members."""
        return self._company.told_apart()

    def _act(self, clause: Clause, scenery: Scenery, alone: bool) -> Act:
        change = said(clause)
        subjects = self._subjects(clause, scenery, alone)
        objects = self._objects(clause, scenery, subjects, change)
        agents = tuple(id for prep, id in objects if prep == "by") if clause.passive else ()
        if not subjects and _shows(clause):
            subjects = tuple(id for prep, id in objects if not prep)
            objects = tuple(pair for pair in objects if pair[0])
        turns = self._turns(clause, change, subjects, objects)
        patients = subjects
        if clause.passive:
            objects = (
                *(("", id) for id in subjects),
                *(pair for pair in objects if pair[0] != "by"),
            )
            subjects = agents
        objects += tuple(("of", id) for id in self._owners(clause, subjects))
        if not turns:
            turns = self._paint(clause, subjects)
        for turn in turns:
            if turn.color:
                self._company.turn(turn.who, turn.color)
        act = Act(
            subjects,
            clause.verb,
            objects,
            self._action(clause, scenery),
            (*clause.tail, *clause.ahead),
            clause.subordinate,
            clause.negated,
            turns,
        )
        others = [id for _, id in objects if id not in patients]
        topic = patients if clause.passive else _topic(act, first=not self._company.topic)
        self._company.heard(
            (*agents, *patients) if clause.passive else subjects,
            [id for id in others if id not in agents],
            topic,
            _verb(clause) in _MEETING,
        )
        self._last = act
        return act

    def _subjects(self, clause: Clause, scenery: Scenery, alone: bool) -> tuple[str, ...]:
        if clause.inherits and not clause.subjects:
            return self._company.topic if clause.verb is not None else ()
        if (of_weather(clause) or _verb(clause) in WEATHER_VERBS) and any(
            group.head == "it" for group in clause.subjects
        ):
            return ()
        if any(group.head == "they" for group in clause.subjects) and any(
            group.head == "all" for group in clause.objects
        ):
            return self._company.met
        pronouns = all(group.pronoun for group in clause.subjects)
        busy = self._done_to(clause) if pronouns else ()
        part: Part = "subject" if clause.verb is not None else "shown"
        found: list[str] = []
        joined = [group._replace(prep="") for group in clause.objects if _comes_along(group, clause)]
        for group in whole([*clause.subjects, *joined]):
            shown = alone or group.first in ("a", "an") or group.color is not None
            rising = part == "subject" and group.head in ("sun", "moon") and shown
            if group.words and (rising or not scenery.is_time(group)):
                found += self._company.find(group, part, _verb(clause), scenery, busy)
        return tuple(dict.fromkeys(found))

    def _turns(
        self, clause: Clause, change: Change | None, subjects: tuple[str, ...], objects: tuple[tuple[str, str], ...]
    ) -> tuple[Turn, ...]:
        """Who looks different from this clause on."""
        if clause.negated:
            return ()
        groups = (*clause.subjects, *clause.objects)
        found = [Turn(id, str(one.becomes)) for one in groups if one.becomes for id in self._company.those(one)]
        if change is not None:
            whose = [id for prep, id in objects if not prep] if change.of_objects else subjects
            found += [Turn(id, change.color, change.dress) for id in whose]
        return tuple(turn for turn in found if turn.dress or turn.color != self._company.color(turn.who))

    def _paint(self, clause: Clause, subjects: tuple[str, ...]) -> tuple[Turn, ...]:
        """ "It's blue.", "Red.": a colour told in a sentence of its own; the next one after "it turns blue"."""
        said = clause.subjects if clause.verb is None else clause.objects
        bare = [group for group in said if not group.head and not group.name and group.words[0].tag != "det"]
        if _verb(clause) in ("", "be") and len(said) == 1 and bare and bare[0].color:
            whose = subjects or self._company.topic
            if clause.verb is None and self._last and any(turn.color for turn in self._last.turns):
                return tuple(Turn(id, bare[0].color) for id in whose)
            for id in whose if len(whose) == 1 else ():
                self._company.paint(id, bare[0].color)
        return ()

    def _owners(self, clause: Clause, known: tuple[str, ...]) -> tuple[str, ...]:
        """Who "its tail" or "her hat" belongs to, where only a part of somebody acts."""
        if known or clause.verb is None:
            return ()
        owned = [group.words[0].lower for group in clause.subjects if group.words[0].tag == "poss"]
        return tuple(dict.fromkeys(id for owner in owned for id in self._company.owner(owner)))

    def _done_to(self, clause: Clause) -> tuple[str, ...]:
        """Members named as direct objects: a pronoun before the verb means another."""
        named = [group for group in clause.objects if group.head and not group.prep and not group.pronoun]
        definite = [group for group in named if group.first in ("the", "this", "that")]
        return tuple(id for group in definite for id in self._company.same(group))

    def _objects(
        self, clause: Clause, scenery: Scenery, subjects: tuple[str, ...], change: Change | None
    ) -> tuple[tuple[str, str], ...]:
        found: list[tuple[str, str]] = []
        for group in whole(clause.objects):
            if not group.head and group.color and _verb(clause) in _BEING and group.words[0].tag != "det":
                continue
            if change is not None and (group == change.garment or (change.color and is_color(group))):
                continue
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


def _comes_along(group: Group, clause: Clause) -> bool:
    """ "A farmer with his dog walks": said before the verb, of somebody or something that goes too."""
    ahead = group.prep == "with" and clause.verb is not None and group not in clause.tail
    parts = lexicon().group("nouns", "parts")
    known = (is_thing(group) or is_person(group.head)) and group.head not in parts
    return ahead and bool(clause.subjects) and known


def _verb(clause: Clause) -> str:
    return clause.verb.base if clause.verb else ""


def _part(group: Group, clause: Clause) -> Part:
    """What a group after the verb is: "pan to a star" and "show a star" put it before the eye."""
    aimed = clause.verb is None and not clause.subjects and group.prep in ("on", "of", "to", "toward", "towards")
    if clause.passive and group.prep == "by":
        return "object"
    if group.prep and not aimed:
        return "beside"
    return "shown" if aimed or _verb(clause) in listed("showing") | {"be", ""} else "object"


def _shows(clause: Clause) -> bool:
    """ "There is a fox", "In the forest runs a fox": the subject comes after the verb."""
    if clause.verb is None:
        return False
    fronted = any(group.prep for group in clause.objects[:1]) and clause.verb.form == "s"
    return clause.verb.base == "be" or clause.inverted or fronted


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
