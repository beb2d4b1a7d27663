"""Who is who: noun groups of a story become characters, and stay them through pronouns and names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kinograph.agents.english.clauses import Clause, Group, clauses
from kinograph.agents.english.whereabouts import places, times
from kinograph.agents.english.words import Word, lexicon
from kinograph.film import Character

_NEAR = frozenset(("with", "beside", "near", "toward", "towards", "to", "past", "behind", "after", "against", "around", "by", "next", "at", "alongside", "for", "between", "round", "among", "of", "nearby", "before", "about", "opposite", "from"))  # fmt: skip
_HERE = frozenset(("in", "inside", "into", "within", "through", "throughout", "at", "across", "along", "over"))
_NOBODY = frozenset(("there", "here", "we", "you", "i", "us", "me", "each other", "one", "something", "nothing", "everyone", "everybody", "someone", "everything", "itself", "himself", "herself", "themselves", "nobody", "that", "all", "each", "other", "others"))  # fmt: skip
_MANY = frozenset(("they", "them", "both", "two", "three", "four", "these", "those", "themselves"))
_SHOWING = frozenset(("show", "see", "open", "begin", "start", "end", "introduce", "feature", "picture", "imagine", "film", "reveal", "find", "have", "focus", "cut", "meet", "include", "add", "use", "make", "present", "watch"))  # fmt: skip
_BECOMING = frozenset(("become", "turn", "seem", "feel", "remain"))
_ANOTHER = frozenset(("another", "second", "third", "different", "new", "fourth"))


class Act(NamedTuple):
    """A clause with its characters known."""

    subjects: tuple[str, ...]
    verb: Word | None
    objects: tuple[tuple[str, str], ...]
    """Preposition ("" for a direct object) and character id."""
    action: str
    """The brief's own verb phrase, with what is done to things that are no characters."""
    tail: tuple[Group | Word, ...]
    subordinate: bool
    negated: bool = False

    @property
    def who(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.subjects, *(id for _, id in self.objects))))


class Company:
    """The characters met so far. Read a story piece by piece, in order; an open company takes in new ones."""

    def __init__(self, cast: Iterable[Character] = ()) -> None:
        self.cast = list(cast)
        self.closed = bool(self.cast)
        """A closed company recognises its members and admits nobody."""
        self._plural: set[str] = set()
        self._recent: list[str] = []
        """Ids by when they were last spoken of; the last is the latest."""
        self._topics: list[tuple[str, ...]] = []
        """Subjects of past clauses."""
        self._last: Act | None = None

    def read(self, text: str) -> list[Act]:
        """The acts of one piece of story, camera and remarks already taken out of `text`."""
        spots = [(where.start, where.end, where.prep) for where in places(text)]
        moments = [(when.start, when.end) for when in times(text)]
        found = clauses(text)
        if len(found) == 1 and found[0].verb is None and not found[0].subjects and text.lstrip()[:1].islower() and self._last:
            found = [self._went_on(found[0])]
        return [self._act(clause, spots, moments, len(found) == 1) for clause in found]

    def _went_on(self, clause: Clause) -> Clause:
        """ "…and into the city": the verb and subject of before, in another place."""
        verb = self._last.verb if self._last else None
        said = clause.tail[0] if clause.tail else None
        led = [Word(said.prep, "prep", said.prep)] if isinstance(said, Group) and said.prep else []
        return Clause([], verb, clause.objects, [*led, *clause.tail], inherits=True)

    def character(self, id: str) -> Character:
        return next(character for character in self.cast if character.id == id)

    # ------------------------------------------------------------------------------------- one clause

    def _act(self, clause: Clause, spots: Sequence[tuple[int, int, str]], moments: Sequence[tuple[int, int]], alone: bool) -> Act:
        self._spots, self._moments = spots, moments
        self._alone = alone
        everyone = any(group.head == "all" for group in clause.objects) and any(group.head == "they" for group in clause.subjects)
        subjects = tuple(one.id for one in self.cast if one.id in self._recent) if everyone else self._subjects(clause)
        objects = self._objects(clause, subjects)
        if not subjects and clause.verb and clause.verb.base == "be":
            subjects, objects = tuple(id for prep, id in objects if not prep), tuple(pair for pair in objects if pair[0])
        if not subjects and _inverted(clause) and objects:
            subjects, objects = tuple(id for prep, id in objects if not prep), tuple(pair for pair in objects if pair[0])
        act = Act(subjects, clause.verb, objects, self._action(clause), tuple(clause.tail), clause.subordinate, clause.negated)
        self._remember(act)
        return act

    def _subjects(self, clause: Clause) -> tuple[str, ...]:
        if clause.inherits and not clause.subjects:
            return self._topics[-1] if self._topics and clause.verb is not None else ()
        role = "subject" if clause.verb is not None else "shown"
        return self._resolve_all(clause.subjects, role, ())

    def _objects(self, clause: Clause, subjects: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        found: list[tuple[str, str]] = []
        if clause.verb is not None and clause.verb.base in _BECOMING:
            return tuple((group.prep, id) for group in clause.objects if group.prep for id in self._resolve(group, "beside", subjects) if id not in subjects)
        shown = clause.verb is None or (clause.verb.base in _SHOWING | {"be"})
        for group in _elided(clause.objects):
            role = "beside" if group.prep else "shown" if shown else "object"
            found += [(group.prep, id) for id in self._resolve(group, role, subjects) if id not in subjects]
        return tuple(dict.fromkeys(found))

    def _remember(self, act: Act) -> None:
        for id in (*(id for _, id in reversed(act.objects)), *act.subjects):
            if id in self._recent:
                self._recent.remove(id)
            self._recent.append(id)
        if len(act.subjects) > 1 or (act.subjects and act.verb is not None) or (act.who and not self._topics):
            self._topics.append(act.subjects or act.who)
        elif act.who:
            self._topics.append(act.subjects or tuple(id for prep, id in act.objects if not prep) or act.who[:1])
        self._last = act

    def _action(self, clause: Clause) -> str:
        """The verb and what follows it, up to the first character, place or time."""
        if clause.verb is None:
            return ""
        said = [clause.verb.text]
        for item in clause.tail:
            if isinstance(item, Group):
                if self._placed(item) or self._timed(item) or self._known(item) or item.prep in ("at", "by") and not item.determined:
                    break
                said += [word.text for word in item.words]
            else:
                said.append(item.text)
        while len(said) > 1 and said[-1].lower() in ("and", "but", "or", "in", "at", "the", "on", "by", "then", "from", "of", "to", "with", ","):
            said.pop()
        return " ".join(said)

    # ---------------------------------------------------------------------------------- one noun group

    def _resolve_all(self, groups: Sequence[Group], role: str, busy: tuple[str, ...]) -> tuple[str, ...]:
        found: list[str] = []
        for group in _elided(groups):
            found += self._resolve(group, role, busy)
        return tuple(dict.fromkeys(found))

    def _resolve(self, group: Group, role: str, busy: tuple[str, ...]) -> list[str]:
        """The characters that a noun group means; a new one where the story introduces it."""
        if not group.words or group.first in ("no", "without") or group.prep in ("without", "like", "than"):
            return []
        if group.pronoun or (group.first in _MANY and not group.head):
            return self._pronoun(group.words[-1].lower, busy)
        if group.head in ("one", "other", "ones") or (not group.head and group.color and not group.name):
            return self._one(group, busy)
        if self._timed(group) and not (role == "subject" and group.head in ("sun", "moon") and self._alone):
            return []
        known = self._named(group) or self._definite(group)
        if known and not (self._placed(group) and group.prep in _HERE and not self._thing(group)):
            return known
        if not self._worthy(group, role):
            return []
        return self._expected(group) if self.closed else [self._admit(group)]

    def _pronoun(self, word: str, busy: tuple[str, ...]) -> list[str]:
        if word in _NOBODY or not self.cast:
            return []
        if word in _MANY:
            return self._many(3 if word == "three" else 2)
        topics = [id for topic in reversed(self._topics[-3:]) if len(topic) == 1 for id in topic]
        for id in dict.fromkeys((*topics, *reversed(self._recent))):
            if id not in busy and id not in self._plural and self._agrees(word, self.character(id)):
                return [id]
        rest = [id for id in reversed(self._recent) if id not in busy and id not in self._plural] if word == "it" else []
        return rest[:1] or [id for id in reversed(self._recent) if id not in busy][:1]

    def _agrees(self, word: str, character: Character) -> bool:
        nouns = lexicon()
        person = character.kind in nouns.group("nouns", "persons") and character.kind not in ("robot", "android", "ghost", "alien", "baby", "monkey", "snowman")
        if word in ("it", "its"):
            return not person and character.kind not in ("person", "sun")
        if word in ("she", "her"):
            return character.kind not in nouns.group("nouns", "male") and (person or not self._people())
        return character.kind not in nouns.group("nouns", "female") and (person or not self._people())

    def _people(self) -> bool:
        return any(self.character(id).kind in lexicon().group("nouns", "persons") for id in self._recent)

    def _many(self, count: int) -> list[str]:
        """Those of the latest group; else the latest plural character; else the two spoken of last."""
        for topic in reversed(self._topics[-6:]):
            if len(topic) > 1:
                return list(topic)
            if topic and topic[0] in self._plural:
                return list(topic)
        if self._recent and self._recent[-1] in self._plural:
            return [self._recent[-1]]
        together = self._last.who if self._last and len(self._last.who) > 1 else tuple(self._recent[-count:])
        return [character.id for character in self.cast if character.id in together]

    def _one(self, group: Group, busy: tuple[str, ...]) -> list[str]:
        """ "the blue one", "the other": by colour, or whoever was not spoken of last."""
        if group.color:
            met = [id for id in reversed(self._recent)] + [one.id for one in self.cast if self.closed]
            fits = [id for id in met if self.character(id).color == group.color]
            if fits:
                return fits[:1]
            if self._recent and not self.closed and group.words[0].tag in ("det", "num"):
                model = self.character(self._recent[-1])
                return [self._join(model.kind, group.color, f"a {group.color} {model.kind}", f"{group.color} {model.kind}")]
            return []
        if any(word.lower == "other" for word in group.words):
            last = self._topics[-1] if self._topics else ()
            return [id for id in reversed(self._recent) if id not in last and id not in busy][:1]
        return []

    def _named(self, group: Group) -> list[str]:
        name = group.name.lower()
        if not name:
            return []
        return [character.id for character in self.cast if re.search(rf"\b{re.escape(name)}\b", character.words.lower())][:1]

    def _definite(self, group: Group) -> list[str]:
        """Members that a group with a noun speaks of: same kind, no other colour."""
        fresh = any(word.lower in _ANOTHER for word in group.words[:-1])
        if fresh or not group.head or (group.first == "one" and self._recent and any(self.character(id).kind == group.head for id in self._plural)):
            return []
        kind = group.head
        fits = [id for id in reversed(self._recent) if self.character(id).kind == kind]
        if group.color:
            exact = [id for id in fits if self.character(id).color == group.color]
            blank = [id for id in fits if self.character(id).color is None] if group.first not in ("a", "an") else []
            if not exact and blank and not self.closed:
                self._paint(blank[0], group.color)
            return exact[:1] or blank[:1]
        if group.plural and len(fits) > 1 and group.words[-1].lower != kind:
            return [character.id for character in self.cast if character.id in fits]
        if not fits and group.first in ("the", "that", "this", "these", "those"):
            below = lexicon().data["nouns"]["hypernyms"].get(kind, ())
            fits = [id for id in reversed(self._recent) if self.character(id).kind in below]
        if group.plural and fits and fits[0] not in self._plural and len(fits) == 1 and group.words[-1].lower != kind and group.first not in ("the", "these"):
            return []
        return fits[:1]

    def _paint(self, id: str, color: str) -> None:
        """A colour learnt late: "A car stops. The red car …"."""
        at = next(index for index, one in enumerate(self.cast) if one.id == id)
        one = self.cast[at]
        self.cast[at] = one.changed(color=color, words=one.words.replace(one.kind, f"{color} {one.kind}", 1))

    def _expected(self, group: Group) -> list[str]:
        """In a closed company: the member of that kind who has not been on yet, else any of that kind."""
        fits = [one for one in self.cast if one.kind == group.head and group.color in (None, one.color)]
        return [one.id for one in sorted(fits, key=lambda one: one.id in self._recent)][:1]

    # ------------------------------------------------------------------------------------- admission

    def _worthy(self, group: Group, role: str) -> bool:
        """Whether the story puts someone new on the screen with this noun group."""
        nouns, head = lexicon(), group.head
        if group.name and not head:
            return role != "beside" or group.prep in _NEAR - {"at", "from", "of", "by"}
        if not head or head in nouns.group("nouns", "film") or head in nouns.data["adjectives"]["plain"] and not group.determined:
            return False
        thing = self._thing(group)
        if self._placed(group):
            return thing and (role in ("subject", "object", "shown") or group.prep in _NEAR - {"at", "around", "through"}) and not group.prep in _HERE
        if head in nouns.group("nouns", "weather") and not (thing and group.first in ("a", "an")):
            return False
        if head in nouns.group("nouns", "parts"):
            shown = group.first in ("a", "an", "one", "two", "three") or group.color is not None
            if role == "subject":
                return group.words[0].tag != "poss" and (shown or thing)
            return thing and group.words[0].tag != "poss" and role in ("shown", "object") and shown
        if group.words[0].tag == "poss" and role != "subject":
            return thing or head in nouns.group("nouns", "persons")
        if role == "beside":
            return thing or (group.prep in _NEAR and group.words[0].tag == "det" and head not in nouns.group("nouns", "manners"))
        return group.determined or thing or group.plural or role == "subject"

    def _thing(self, group: Group) -> bool:
        nouns = lexicon()
        return group.head in nouns.group("nouns", "things") or group.head in nouns.group("nouns", "persons")

    def _placed(self, group: Group) -> bool:
        return any(start < group.words[-1].end and group.words[0].at < end for start, end, _ in self._spots)

    def _timed(self, group: Group) -> bool:
        return any(start < group.words[-1].end and group.words[-1].at < end for start, end in self._moments)

    def _known(self, group: Group) -> bool:
        return group.pronoun or bool(self._named(group)) or any(character.kind == group.head for character in self.cast)

    def _admit(self, group: Group) -> str:
        name = group.name
        kind = group.head or "person"
        said = " ".join(word.text for word in group.words if word.lower not in (*_ANOTHER, "same", "the", "that", "this"))
        words = said if group.words[0].tag in ("num", "name") else _with_article(said, group)
        if name and group.head and group.words[0].tag in ("name", "det"):
            rest = [word.text for word in group.words if word.tag not in ("name", "det", "poss")]
            words = f"{name}, {_with_article(' '.join(rest), group)}"
        if group.color and group.color not in [word.base for word in group.words]:
            words = words.replace(" " + group.words[-1].text, f" {group.color} {group.words[-1].text}")
        id = self._join(kind, group.color, words[0].lower() + words[1:] if words and not name else words, name or f"{group.color or ''} {kind}")
        if group.plural:
            self._plural.add(id)
        return id

    def _join(self, kind: str, color: str | None, words: str, called: str) -> str:
        slug = _slug(called) or "character"
        taken = {character.id for character in self.cast}
        id, number = slug, 2
        while id in taken:
            id, number = f"{slug}-{number}", number + 1
        self.cast.append(Character(id=id, kind=kind, color=color, words=words or kind))
        self._recent.append(id)
        return id


def _inverted(clause: Clause) -> bool:
    """ "In the forest runs a fox": the subject after its verb."""
    fronted = any(group.prep for group in clause.objects[:1])
    return clause.verb is not None and clause.verb.form == "s" and not clause.subjects and fronted


def _elided(groups: Sequence[Group]) -> list[Group]:
    """Gives "a red" in "a red and a blue ball" the noun it lacks."""
    filled = list(groups)
    if len(filled) > 1 and filled[0].plural and filled[0].head and all(group.first == "one" and group.color for group in filled[1:]):
        article = filled[0].words[-1]._replace(text="a", tag="det", base="a")
        noun = filled[0].words[-1]._replace(text=filled[0].head)
        return [Group((article, *group.words[1:], noun), filled[0].head, group.color, group.prep) for group in filled[1:]]
    for index in range(len(filled) - 2, -1, -1):
        group, after = filled[index], filled[index + 1]
        if not group.head and not group.name and group.color and group.words[0].tag == "det" and after.head:
            filled[index] = Group((*group.words, after.words[-1]), after.head, group.color, group.prep)
    return filled


def _with_article(said: str, group: Group) -> str:
    plain = re.sub(r"^(?:an?|some|one|each|every|both|all|any|these|those|his|her|its|their|my|our|your)\s+", "", said, flags=re.I)
    if group.plural:
        return plain
    return ("an " if plain[:1].lower() in "aeiou" else "a ") + plain


def _slug(words: str) -> str:
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40]
