"""Who does what: a sentence as clauses of noun groups round one verb each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from kinograph.agents.english.groups import Group, grouped
from kinograph.agents.english.lexicon import Word, lexicon, listed
from kinograph.agents.english.words import words

WEATHER_VERBS = frozenset(("rain", "snow", "drizzle", "thunder", "hail", "pour"))
_DIVIDERS = frozenset(";:-–—()[]")
_ENDING = frozenset(("stop", "finish", "quit", "cease", "keep"))


_PASSIVE = frozenset(("is", "are", "was", "were", "be", "been", "being", "gets", "get"))
_NO_PASSIVE = frozenset(("go", "come", "fall", "rise", "grow", "arrive", "stand", "sit", "lie", "melt", "sink"))


def _is_part(group: Group) -> bool:
    """ "tail" in "trots off, tail wagging": no subject of its own."""
    nouns = lexicon()
    loose = group.head in nouns.group("nouns", "parts") and group.head not in nouns.group("nouns", "things")
    return loose and not group.prep and group.words[0].tag in ("noun", "adj", "poss")


def _particle(item: Group | Word) -> bool:
    """ "goes back to help" goes; "goes to sleep" does not."""
    return isinstance(item, Word) and item.tag in ("adv", "prep") and item.lower != "on"


@dataclass
class Clause:
    """One verb with those who do it and those it is done to. A fragment has no verb."""

    subjects: list[Group] = field(default_factory=list)
    verb: Word | None = None
    objects: list[Group] = field(default_factory=list)
    tail: list[Group | Word] = field(default_factory=list)
    """What follows the verb, or all of a fragment."""
    ahead: list[Word] = field(default_factory=list)
    """Words of direction before the verb, "from the left", and "now"."""
    inherits: bool = False
    """The subject is that of the clause before."""
    subordinate: bool = False
    negated: bool = False
    passive: bool = False
    """The subject is the one it is done to, "by" names the one who does it."""
    inverted: bool = False
    """The subject comes after the verb: "Out steps a fox"."""
    refers: bool = False
    """A relative or participle clause about a group that another clause names too."""


def clauses(text: str) -> list[Clause]:
    """The clauses of one piece of story, in order of their first words."""
    return _Reader(grouped(_parenthesised(words(text)))).read()


def _parenthesised(tokens: list[Word]) -> list[Word]:
    """Turns a pair of dashes in a sentence into commas: "two balls - one red, one blue - rise"."""
    pair: list[int] = []
    for index, word in enumerate((*tokens, Word(".", "mark", "."))):
        if word.text in ".!?;:" and word.tag == "mark":
            for at in pair if len(pair) == 2 else ():
                tokens[at] = tokens[at]._replace(text=",", base=",")
            pair = []
        elif word.text in ("-", "–", "—"):
            pair.append(index)
    return tokens


def of_weather(clause: Clause) -> bool:
    """ "It is winter", "it gets dark": about nobody."""
    if clause.verb is None or clause.verb.base not in ("be", "get", "grow", "become", "turn"):
        return False
    plain = [item for item in clause.tail if isinstance(item, Word) or not item.color]  # "it turns a bright green"
    said = [word for item in plain for word in (item.words if isinstance(item, Group) else (item,))]
    expletive = bool(clause.subjects) and all(group.head == "it" for group in clause.subjects)
    return expletive and any(word.lower in listed("weather_words") or (word.lower,) in lexicon().times for word in said)


class _Reader:
    """Walks the items of a piece once and opens a clause at every verb."""

    def __init__(self, items: Sequence[Group | Word]) -> None:
        self.items = items
        self.found: list[Clause] = []
        self.now: Clause | None = None
        """The clause whose verb was met last."""
        self.open: list[Group] = []
        """Groups waiting for the verb they are the subject of."""
        self.kept: list[Group] = []
        """Subjects whose verb a relative clause keeps waiting."""
        self.leading: list[Group] = []
        """Groups under a preposition before the verb: "in the forest, a fox runs"."""
        self.ahead: list[Word] = []
        self.subordinate = False
        self.negated = False

    def read(self) -> list[Clause]:
        for index, item in enumerate(self.items):
            if isinstance(item, Group):
                self._see_group(index, item)
            else:
                self._see_word(index, item)
        self._close()
        for clause, following in pairwise(self.found):
            if (
                clause.inherits
                and clause.verb
                and clause.verb.form == "ing"
                and following.subjects
                and clause is self.found[0]
            ):
                clause.subjects, clause.inherits = following.subjects, False
        return self.found

    def _close(self) -> None:
        """Ends what is open; groups that met no verb become a fragment."""
        if self.open or (self.leading and self.now is None):
            self.found.append(Clause(subjects=self.open, objects=self.leading, tail=[*self.open, *self.leading]))
        self.now, self.open, self.kept, self.leading, self.subordinate = None, [], [], [], False
        self.ahead = []

    def _see_group(self, index: int, group: Group) -> None:
        if group.prep and self.open and self.now is None:
            self.leading.append(group)
        elif group.prep:
            self._give(group)
        elif self.now is None or self.open:
            self.open.append(group)
        elif self._parted(index) and self._subject_ahead(index):
            self.open = [group]
        else:
            self._give(group)

    def _give(self, group: Group) -> None:
        if self.now is None:
            self.leading.append(group)
        else:
            self.now.objects.append(group)
            self.now.tail.append(group)

    def _see_word(self, index: int, word: Word) -> None:
        if word.tag == "verb":
            self._see_verb(index, word)
        elif word.tag == "mark" and (word.text in _DIVIDERS or word.text in ".!?…"):
            self._close()
        elif word.lower in ("not", "never") or word.lower.endswith(("n't", "n’t")):
            self.negated = True
        elif (word.tag == "conj" and word.lower in listed("subordinate")) or (
            word.lower == "where" and word.tag == "rel"
        ):
            self._close()
            self.subordinate = True
        elif word.tag == "aux" and not self._verb_ahead(index) and (self.open or self.kept or self.now is None):
            self._open_clause(word._replace(base="be"), self.open or self.kept, inherits=not (self.open or self.kept))
        elif self.now is None and word.lower in ("left", "right", "from", "to", "on", "at", "now"):
            self.ahead.append(word)
        elif self.now is not None and not self.open and word.tag in ("adv", "prep", "to", "conj", "num", "adj"):
            self.now.tail.append(word)

    def _see_verb(self, index: int, verb: Word) -> None:
        last = self._last_group(index)
        if (
            self.now
            and self.now.verb
            and self.now.verb.base in listed("light_verbs")
            and not self.now.objects
            and not (self.now.verb.base in ("go", "come") and self.now.tail[:1] and _particle(self.now.tail[0]))
            and self._chained(index)
        ):
            self.now.verb, self.now.tail = verb, []
        elif (
            self.now
            and self.now.verb
            and self.now.verb.base in _ENDING
            and not self.now.objects
            and verb.form == "ing"
            and self._chained(index)
        ):
            self.now.tail.append(verb)
        elif last and (
            self._relative(index)
            or (verb.base in listed("state_verbs") and verb.form == "past" and self._adjoins(index))
        ):
            self._interrupt(verb, [last])
        elif last and self.now and verb.form == "ing" and self._adjoins(index) and _is_part(last):
            self.now.tail.append(verb)
        elif last and verb.form == "ing" and self._adjoins(index) and not self._helped(index):
            self._interrupt(verb, self.open if self.open and self.now is None else [last])
        elif self.open:
            self._open_clause(verb, self.open)
            self.found[-1].passive = self._undergone(index, verb)
        elif self.kept and not self._joined(index):
            self._open_clause(verb, self.kept)
        elif (
            self.now
            and self.now.verb
            and self.now.verb.base in listed("causes")
            and self.now.objects
            and not self._joined(index)
        ):
            self._open_clause(verb, [group for group in self.now.objects if not group.prep], refers=True)
        else:
            self._open_clause(verb, [], inherits=verb.form != "base" or (self.now is not None and self._joined(index)))
            if self._turned_round(index, verb):
                self.found[-1].inherits, self.found[-1].inverted = False, True

    def _open_clause(self, verb: Word, subjects: list[Group], inherits: bool = False, refers: bool = False) -> None:
        self.now = Clause(
            subjects,
            verb,
            self.leading,
            ahead=self.ahead,
            inherits=inherits,
            subordinate=self.subordinate,
            negated=self.negated,
            refers=refers,
        )
        self.negated, self.ahead = False, []
        self.found.append(self.now)
        self.open, self.kept, self.leading = [], [], []

    def _interrupt(self, verb: Word, subjects: list[Group]) -> None:
        """A clause about a group that may still wait for its own verb: "the girl who wears a hat dances"."""
        waiting = self.open or self.kept
        first = self.now is None
        self._open_clause(verb, [group._replace(prep="") for group in subjects], refers=not first)
        self.kept = waiting

    def _last_group(self, index: int) -> Group | None:
        return next(
            (item for item in reversed(self.items[max(0, index - 8) : index]) if isinstance(item, Group)),
            None,
        )

    def _before(self, index: int, skipped: Sequence[str]) -> Group | Word | None:
        """The item before `index`, not counting words of the `skipped` kinds."""
        while index > 0:
            index -= 1
            item = self.items[index]
            if isinstance(item, Group) or item.tag not in skipped:
                return item
        return None

    def _relative(self, index: int) -> bool:
        before = self._before(index, ("adv", "aux"))
        return isinstance(before, Word) and before.tag == "rel"

    def _adjoins(self, index: int) -> bool:
        return isinstance(self._before(index, ("adv",)), Group)

    def _helped(self, index: int) -> bool:
        before = self._before(index, ("adv",))
        return isinstance(before, Word) and before.tag == "aux"

    def _turned_round(self, index: int, verb: Word) -> bool:
        """ "Out steps a fox", "Here comes the train": a particle, a verb of motion and only then who moves."""
        following = self.items[index + 1] if index + 1 < len(self.items) else None
        moves = lexicon().verbs.get(verb.base, "stays") != "stays" or verb.base in ("stand", "sit", "hang", "lie")
        before = self.items[index - 1] if index else None
        led = isinstance(before, Word) and (before.tag == "prep" or before.lower in ("here", "there", "left", "right"))
        return led and moves and verb.form == "s" and isinstance(following, Group) and not following.pronoun

    def _undergone(self, index: int, verb: Word) -> bool:
        """ "is lifted", "was followed by"; not "is gone", "has flown"."""
        before = self._before(index, ("adv",))
        helped = isinstance(before, Word) and before.lower in _PASSIVE
        return helped and verb.form == "past" and verb.base not in _NO_PASSIVE

    def _joined(self, index: int) -> bool:
        before = self._before(index, ("adv", "aux"))
        return isinstance(before, Word) and (before.tag == "conj" or before.tag == "mark")

    def _chained(self, index: int) -> bool:
        before = self._before(index, ("adv", "to", "prep"))
        return isinstance(before, Word) and before.tag == "verb"

    def _parted(self, index: int) -> bool:
        before = self._before(index, ("adv", "rel"))
        return isinstance(before, Word) and before.tag in ("conj", "mark")

    def _verb_ahead(self, index: int) -> bool:
        for item in self.items[index + 1 : index + 4]:
            if isinstance(item, Group) or item.tag not in ("adv", "verb", "aux", "to"):
                return False
            if item.tag == "verb":
                return True
        return False

    def _subject_ahead(self, index: int) -> bool:
        """Whether the group at `index`, alone or joined with others, is followed by its own verb."""
        commas = 0
        for place in range(index + 1, min(index + 12, len(self.items) - 0)):
            item = self.items[place]
            if isinstance(item, Group) or item.tag in ("adv", "prep", "rel"):
                continue
            if item.tag == "aux":
                return True
            if item.tag == "verb":
                parallel = self.now is not None and self.now.verb is not None and self.now.verb.form == "ing"
                return (
                    parallel if item.form == "ing" else not (item.form == "past" and item.base in listed("state_verbs"))
                )
            following = self.items[place + 1] if place + 1 < len(self.items) else None
            commas += item.text == ","
            if not (isinstance(following, Group) and (item.lower == "and" or item.text == ",")) and not (
                item.text == "," and commas == 2
            ):
                return False
        return False
