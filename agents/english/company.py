"""Who is who: the characters met so far, found again by pronoun, name, colour or kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from kinograph.agents.english.characters import (
    Part,
    Scenery,
    another,
    is_alive,
    is_gender,
    is_many,
    is_person,
    is_thing,
    newcomer,
    worthy,
)
from kinograph.agents.english.groups import Group
from kinograph.agents.english.lexicon import lexicon, listed
from kinograph.film import Character

_COUNTS = {"two": 2, "three": 3, "four": 4, "a pair": 2, "pair": 2, "a couple": 2, "couple": 2}
_LIKENED = frozenset(("without", "like", "than", "as"))


class Company:
    """A cast with a memory of who was spoken of last.

    Begun empty or `welcoming` it is open and takes in new characters; begun with a cast it is closed,
    recognises its members and admits nobody.
    """

    def __init__(self, cast: Iterable[Character] = (), welcoming: bool = False) -> None:
        self.cast = list(cast)
        self.closed = bool(self.cast) and not welcoming
        self._plural = {one.id for one in self.cast if is_many(one.words)}
        self._recent: list[str] = [one.id for one in self.cast] if welcoming else []
        """Ids by when they were last spoken of; the last is the latest."""
        self._acted_on: frozenset[str] = frozenset()
        """Whom the last clause was done to."""
        self._told: Counter[str] = Counter()
        """In how many clauses each was spoken of."""
        self._topics: list[tuple[str, ...]] = []
        """Subjects of past clauses."""
        self._groups: list[tuple[str, ...]] = []
        """Who may be "they": the several that a past clause spoke of."""
        self._turned: dict[str, str] = {}
        """Colours that members have come to have in the story."""

    def member(self, id: str) -> Character:
        return next(one for one in self.cast if one.id == id)

    @property
    def met(self) -> tuple[str, ...]:
        """Everyone spoken of so far, in order of the cast."""
        return tuple(one.id for one in self.cast if one.id in self._recent)

    @property
    def topic(self) -> tuple[str, ...]:
        """Whom the last clause was about."""
        return self._topics[-1] if self._topics else ()

    def heard(self, subjects: Sequence[str], others: Sequence[str], topic: Sequence[str], together: bool) -> None:
        """Remembers a clause: its subjects are the freshest in mind; `together` makes one group of all."""
        many = [id for id in (*subjects, *others) if id in self._plural]
        group = (*subjects, *others) if together else subjects if len(subjects) > 1 else many[:1]
        if group and (len(group) > 1 or many):
            self._groups.append(tuple(group))
        for id in (*reversed(others), *subjects):
            if id in self._recent:
                self._recent.remove(id)
            self._recent.append(id)
        self._acted_on = frozenset(others)
        self._told.update({*subjects, *others})
        if topic and others and all(self.member(id).kind in listed("forces") for id in topic):
            topic = others
        if topic:
            self._topics.append(tuple(topic))

    def split(self, known: set[str]) -> dict[str, tuple[str, ...]]:
        """Drops a new group whose single members are new too; what stands for it.

        "Two trains pass: a red one going left, a blue one going right" is about two trains, not three.
        """
        new = [one for one in self.cast if one.id not in known]
        parts: dict[str, tuple[str, ...]] = {}
        for many in [one for one in new if one.id in self._plural and one.color is None]:
            each = tuple(one.id for one in new if one.kind == many.kind and one.id not in self._plural)
            if len(each) > 1:
                parts[many.id] = each
                self.cast.remove(many)
                self._recent.remove(many.id)
                self._topics = [each if many.id in topic else topic for topic in self._topics]
                self._groups = [each if many.id in group else group for group in self._groups]
        return parts

    def told_apart(self) -> dict[str, tuple[str, ...]]:
        """Groups of a stated size that later became single members of as many colours, and those.

        "Two balloons float. The silver one pops. The gold one drifts away."
        """
        parts: dict[str, tuple[str, ...]] = {}
        for many in [one for one in self.cast if one.id in self._plural and one.color is None]:
            count = _COUNTS.get(many.words.split()[0], _COUNTS.get(many.words.partition(" of ")[0]))
            each = tuple(
                one.id for one in self.cast if one.kind == many.kind and one.id not in self._plural and one.color
            )
            if count == len(each) and self.cast.index(many) < min(map(self._place, each)):
                parts[many.id] = each
                self.cast.remove(many)
        return parts

    def _place(self, id: str) -> int:
        return self.cast.index(self.member(id))

    # ------------------------------------------------------------------------------------- finding

    def find(self, group: Group, part: Part, verb: str, scenery: Scenery, busy: Sequence[str]) -> list[str]:
        """The characters that a noun group means, none of them in `busy` if it is a pronoun."""
        if not group.words or group.first in ("no", "without") or group.prep in _LIKENED:
            return []
        if group.pronoun and group.first == "another":
            return self._one(group, busy)
        if group.pronoun or (group.first in listed("many") and not group.head):
            return self._pronoun(group.words[-1].lower, busy)
        if group.head in ("one", "other", "ones") or (not group.head and group.color and not group.name):
            return self._one(group, busy)
        known = self.those(group)
        only_place = scenery.is_place(group) and group.prep in listed("locative") and not is_thing(group)
        if known and not only_place:
            return known
        if not worthy(group, part, verb, scenery):
            return []
        return self._expected(group) if self.closed else [self._admit(newcomer(group, self.cast), group.plural)]

    def those(self, group: Group) -> list[str]:
        """Members that a noun group names, met before."""
        return self._named(group) or self.same(group)

    def color(self, id: str) -> str | None:
        """The colour that a member has by now."""
        return self._turned.get(id) or self.member(id).color

    def turn(self, id: str, color: str) -> None:
        """A member has another colour from now on."""
        self._turned[id] = color

    def knows(self, group: Group) -> bool:
        """Whether a noun group speaks of a member, or of anybody by pronoun."""
        return group.pronoun or bool(self._named(group)) or any(one.kind == group.head for one in self.cast)

    def owner(self, possessive: str) -> list[str]:
        """Whom "its", "his", "her" or "their" points back at."""
        word = {"its": "it", "his": "he", "her": "she", "their": "they"}.get(possessive)
        return self._pronoun(word, ()) if word else []

    def same(self, group: Group) -> list[str]:
        """Members of the kind that a noun group names, in no other colour."""
        kind = group.head
        fresh = any(word.lower in listed("another") for word in group.words[:-1])
        single = group.first == "one" and any(self.member(id).kind == kind for id in self._plural)
        if fresh or single or not kind:
            return []
        fits = [id for id in reversed(self._recent) if self.member(id).kind == kind]
        fits = _like(group, fits, [self.member(id).words.lower().split() for id in fits])
        if group.color:
            return self._colored(group, group.color, fits)
        counted = group.plural and group.words[-1].lower != kind
        if counted and len(fits) > 1:
            return [id for id in self.met if id in fits]
        if counted and fits and fits[0] not in self._plural and group.first not in ("the", "these"):
            return []
        if not fits and group.first in ("the", "that", "this", "these", "those"):
            below = lexicon().data["nouns"]["hypernyms"].get(kind, ())
            fits = [id for id in reversed(self._recent) if self.member(id).kind in below]
        return fits[:1]

    def _colored(self, group: Group, color: str, fits: Sequence[str]) -> list[str]:
        """The one in that colour, else one whose colour was not told yet."""
        exact = [id for id in fits if self.color(id) == color]
        once = [id for id in fits if self.member(id).color == color and group.first not in ("a", "an")]
        plain = [id for id in fits if self.color(id) is None and group.first not in ("a", "an")]
        if not exact and not once and plain:
            self.paint(plain[0], color)
        return exact[:1] or once[:1] or plain[:1]

    def _pronoun(self, word: str, busy: Sequence[str]) -> list[str]:
        if word in listed("nobody") or not self.cast:
            return []
        if word in listed("many"):
            return self._several(3 if word == "three" else 2)
        topics = [id for topic in reversed(self._topics[-3:]) if len(topic) == 1 for id in topic]
        topics = self._main_first(topics)
        near = [id for id in dict.fromkeys((*topics, *reversed(self._recent))) if id not in busy]
        near.sort(key=lambda id: self.member(id).kind in listed("forces"))
        single = [id for id in near if id not in self._plural] or ([] if busy else near)
        agreeing = [id for id in single if self._agrees(word, self.member(id))]
        latest = [id for id in reversed(self._recent) if id in (single if word == "it" else near)]
        return (agreeing or ([] if word == "it" and busy else latest))[:1]

    def _main_first(self, topics: list[str]) -> list[str]:
        """Puts who was met before ahead of who was mentioned just once, acting on him: "A wave lifts it. It"."""
        if len(topics) > 1 and self._told[topics[0]] == 1 and self._told[topics[1]] > 1:
            latest, main = topics[:2]
            lively = is_alive(self.member(latest).kind) and not is_alive(self.member(main).kind)
            if main in self._acted_on and not lively:
                return [main, latest, *topics[2:]]
        return topics

    def _agrees(self, word: str, one: Character) -> bool:
        person = is_person(one.kind) and one.kind not in listed("either")
        if word in ("it", "its"):
            return not person and one.kind not in ("person", "sun")
        opposite = "male" if word in ("she", "her") else "female"
        people = any(
            is_person(kind) and kind not in listed("either") for kind in (self.member(id).kind for id in self._recent)
        )
        return not is_gender(one.kind, opposite) and one.kind != "sun" and (person or not people)

    def _several(self, count: int) -> list[str]:
        """Those of the latest group or plural character; else those spoken of last."""
        if self._groups:
            return [id for id in self.met if id in self._groups[-1]]
        return [id for id in self.met if id in self._recent[-count:]]

    def _one(self, group: Group, busy: Sequence[str]) -> list[str]:
        """ "the blue one", "the other": by colour, or whoever was not spoken of last."""
        if any(word.lower == "other" for word in group.words) and not group.color:
            rest = [id for id in reversed(self._recent) if id not in self.topic and id not in busy]
            return rest[:1]
        if any(word.lower in listed("another") for word in group.words) and group.words[-1].lower != "second":
            return self._fresh(group.color)
        if not group.color:
            return self._several(2)[:1] if group.words[0].lower == "one" else []
        seen = [*reversed(self._recent), *(one.id for one in self.cast if self.closed)]
        fits = [id for id in seen if self.color(id) == group.color]
        if not fits and self._recent and not self.closed and group.words[0].tag in ("det", "num"):
            fits = [self._admit(another(self.member(self._recent[-1]), group.color, self.cast), many=False)]
        return fits[:1]

    def _fresh(self, color: str | None) -> list[str]:
        """ "another", "a second one": one more of the kind spoken of last."""
        if not self._recent:
            return []
        like = self.member(self._recent[-1])
        if not self.closed:
            return [self._admit(another(like, color, self.cast), many=False)]
        waiting = [one for one in self.cast if one.kind == like.kind and one.id not in self._recent]
        others = [one for one in self.cast if one.kind == like.kind and one.id != like.id]
        return [one.id for one in (*waiting, *others) if color in (None, one.color)][:1]

    def _named(self, group: Group) -> list[str]:
        if not group.name:
            return []
        called = re.compile(rf"\b{re.escape(group.name)}\b", re.I)
        return [one.id for one in self.cast if called.search(one.words)][:1]

    def _expected(self, group: Group) -> list[str]:
        """In a closed company: the member of that kind whose words fit best, rather one not on yet.

        Several are meant where the cast knows no group of that kind: "two trains" are both of them.
        """
        fits = [one for one in self.cast if one.kind == group.head and group.color in (None, one.color)]
        if group.plural and not any(one.id in self._plural for one in fits):
            return [one.id for one in fits]
        said = {word.lower for word in group.words}
        fresh = bool(said & listed("another"))

        def fitness(one: Character) -> tuple[bool, int, bool]:
            known = one.id in self._recent
            return fresh and known, -len(said & set(one.words.lower().split())), known

        return [one.id for one in sorted(fits, key=fitness)[:1]]

    # ------------------------------------------------------------------------------------- joining

    def _admit(self, one: Character, many: bool) -> str:
        self.cast.append(one)
        self._recent.append(one.id)
        if many:
            self._plural.add(one.id)
        return one.id

    def paint(self, id: str, color: str) -> None:
        """A colour learnt late: "A car stops. The red car …"."""
        one = self.member(id)
        if self.closed or self.color(id):
            return
        words = one.words.replace(one.kind, f"{color} {one.kind}", 1)
        self.cast[self.cast.index(one)] = one.changed(color=color, words=words)


def _like(group: Group, fits: Sequence[str], known: Sequence[Sequence[str]]) -> list[str]:
    """Those of `fits`, whose words are `known`, that a group's own adjectives and nouns allow; best first.

    "the merchant ship" is not the pirate ship; "a small robot" is not the big one.
    """
    said = {word.lower for word in group.words if word.tag in ("adj", "noun") and word.base != group.head}
    if not said:
        return list(fits)
    rated = [(len(said & set(words)), id) for id, words in zip(fits, known, strict=True)]
    if group.first not in ("a", "an"):
        return [id for _, id in sorted(rated, key=lambda pair: -pair[0])]
    plain = [id for id, words in zip(fits, known, strict=True) if len(words) <= 2]
    return [id for shared, id in rated if shared] or plain
