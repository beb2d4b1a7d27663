"""Who does what: a sentence as clauses of noun groups round one verb each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from kinograph.agents.english.words import MODIFIERS, PLURAL, Word, lexicon, words

_LIGHT = frozenset(("start", "begin", "continue", "try", "want", "decide", "keep", "go", "come", "seem", "like", "love"))
CAUSES = frozenset(("have", "let", "make", "see", "watch", "show", "find", "hear", "observe", "spot", "notice", "follow", "reveal"))
_SUBORDINATE = frozenset(("while", "as", "when", "because", "until", "before", "after", "if", "once", "whereas", "since", "whilst", "so"))
_PARTICLES = frozenset((
    ("knock", "over"), ("pick", "up"), ("put", "down"), ("put", "on"), ("turn", "on"), ("turn", "off"), ("kick", "over"), ("push", "over"), ("blow", "out"),
    ("take", "out"), ("pull", "out"), ("lift", "up"), ("blow", "up"), ("wake", "up"), ("set", "down"), ("open", "up"), ("light", "up"), ("build", "up"), ("eat", "up"),
))  # fmt: skip
_DIVIDERS = frozenset(";:-–—()[]")
_ENDING = frozenset(("stop", "finish", "quit", "cease", "keep"))
_STATES = frozenset(
    ("paint", "color", "colour", "dye", "tint", "call", "name", "cover", "make", "dress", "fill", "surround", "park", "light")
)


class Group(NamedTuple):
    """A noun phrase. `head` is the singular noun, "" for a bare colour; `prep` what governs it."""

    words: tuple[Word, ...]
    head: str
    color: str | None = None
    prep: str = ""
    second: str | None = None
    """Another colour said of it."""

    @property
    def first(self) -> str:
        return self.words[0].lower

    @property
    def pronoun(self) -> bool:
        return self.words[-1].tag == "pron"

    @property
    def name(self) -> str:
        """The name in it, as written; "" without one. "A Christmas tree" has none."""
        if self.words[0].tag in ("det", "poss") and self.words[-1].tag == "noun":
            return ""
        return " ".join(word.text for word in self.words if word.tag == "name")

    @property
    def determined(self) -> bool:
        return self.words[0].tag in ("det", "poss", "num", "name") or self.color is not None

    @property
    def plural(self) -> bool:
        last = self.words[-1]
        counted = any(word.tag == "num" and word.lower not in ("one", "second", "third") for word in self.words)
        return counted or self.first in PLURAL or (last.tag == "noun" and last.lower != last.base)


@dataclass
class Clause:
    """One verb with those who do it and those it is done to. A fragment has no verb."""

    subjects: list[Group] = field(default_factory=list)
    verb: Word | None = None
    objects: list[Group] = field(default_factory=list)
    tail: list[Group | Word] = field(default_factory=list)
    """What follows the verb, or all of a fragment."""
    inherits: bool = False
    """The subject is that of the clause before."""
    subordinate: bool = False
    negated: bool = False
    refers: bool = False
    """A relative or participle clause about a group that another clause names too."""


def clauses(text: str) -> list[Clause]:
    """The clauses of one piece of story, in order of their first words."""
    return _Reader(_grouped(_parenthesised(words(text)))).read()


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


# ------------------------------------------------------------------------------------------- groups


def _grouped(tokens: Sequence[Word]) -> list[Group | Word]:
    """Joins the words of each noun phrase; a preposition stays before its group, which also knows it."""
    items: list[Group | Word] = []
    index = 0
    while index < len(tokens):
        end = _group_end(tokens, index)
        if end > index:
            items.append(_group(tokens[index:end], _preposition(tokens, index)))
            index = end
        else:
            items.append(tokens[index])
            index += 1
    return _colored(_apposed(_crowded(items)))


def _crowded(items: Sequence[Group | Word]) -> list[Group | Word]:
    """Makes one group of "a flock of white birds": birds."""
    kept: list[Group | Word] = []
    for item in items:
        crowd = kept[-2] if len(kept) > 1 else None
        if isinstance(item, Group) and item.prep == "of" and isinstance(crowd, Group) and crowd.head in lexicon().group("nouns", "crowds"):
            words = (*crowd.words, *(kept[-1:] if isinstance(kept[-1], Word) else []), *item.words)
            kept[-2:] = [Group(tuple(word for word in words if isinstance(word, Word)), item.head, item.color, crowd.prep)]
        else:
            kept.append(item)
    return kept


def _apposed(items: Sequence[Group | Word]) -> list[Group | Word]:
    """Joins a name to what it names: "Momo the cat", "Momo, a cat", "a robot called Zip", "a car, a gray one"."""
    kept: list[Group | Word] = []
    for index, item in enumerate(items):
        before, link = _linked(kept)
        if isinstance(item, Group) and before is not None and _same_one(before, item, link, items[index + 1 : index + 2]):
            del kept[len(kept) - len(link) - 1 :]
            head, color = before.head or item.head, before.color or item.color
            named = (*before.words, *item.words) if item.head not in ("one", "") or item.name else before.words
            kept.append(Group(named, head, color, before.prep))
        else:
            kept.append(item)
    return kept


def _linked(kept: Sequence[Group | Word]) -> tuple[Group | None, list[str]]:
    """The noun group at the end and the words after it, if these are a comma or "called"."""
    link: list[str] = []
    for item in reversed(kept[-3:]):
        if isinstance(item, Group):
            return item, link
        if item.text != "," and item.base not in ("call", "name"):
            return None, []
        link.append(item.base)
    return None, []


def _same_one(before: Group, item: Group, link: Sequence[str], after: Sequence[Group | Word]) -> bool:
    closed = not after or (isinstance(after[0], Word) and after[0].tag in ("mark", "verb", "rel", "prep"))
    only_name = bool(item.name) and not item.head
    if "call" in link or "name" in link:
        return bool(item.name) or not item.determined
    if link == [","]:
        described = bool(before.name) and not before.head and bool(item.head) and item.first in ("a", "an", "the")
        return closed and not item.prep and (described or (only_name and bool(before.head)) or (item.head == "one" and not before.color))
    return not link and bool(before.name) and not before.head and item.first == "the" and bool(item.head) and not item.prep


def _group_end(tokens: Sequence[Word], start: int) -> int:
    """Index after the noun phrase that begins at `start`; `start` if none does."""
    if tokens[start].tag == "pron":
        return start + 1
    end, headed = start, False
    while end < len(tokens):
        tag = tokens[end].tag
        if tag in ("noun", "name"):
            headed = True
        elif headed or not (tag in MODIFIERS or _goes_on(tokens, start, end)):
            break
        if headed and tag == "noun" and tokens[end].text.endswith("'s"):
            headed = False
        end += 1
        if tag == "noun" and tokens[end - 1].base in ("one", "other", "ones"):
            break
    while end > start and not headed and tokens[end - 1].tag in ("adv", "conj", "mark"):
        end -= 1
    if tokens[start].lower in ("both", "two", "all", "three") and not headed and end == start + 1:
        return end
    return end if headed or any(word.tag in ("color", "adj") for word in tokens[start:end]) else start


def _goes_on(tokens: Sequence[Word], start: int, at: int) -> bool:
    """Whether an adverb, "and" or comma stands inside a noun phrase: "a red and white, very round ball"."""
    if at == start or at + 1 >= len(tokens):
        return False
    this, before, after = tokens[at], tokens[at - 1], tokens[at + 1]
    if this.tag == "adv":
        return before.tag in MODIFIERS and after.tag in ("adj", "color")
    joined = before.tag in ("adj", "color") and after.tag in ("adj", "color")
    nominal = at + 2 < len(tokens) and tokens[at + 2].tag in ("noun", "adj", "color", "name")
    return joined and nominal and (this.lower in ("and", "&") or this.text == ",")


def _preposition(tokens: Sequence[Word], start: int) -> str:
    if start == 0 or tokens[start - 1].tag not in ("prep", "to"):
        return ""
    before = tokens[start - 1].lower
    if before == "of" and start > 1 and (tokens[start - 2].tag in ("adv", "prep") or tokens[start - 2].lower in ("out", "front", "top")):
        return tokens[start - 2].lower + " of"
    return "" if start > 1 and (tokens[start - 2].base, before) in _PARTICLES else before


def _group(phrase: Sequence[Word], prep: str) -> Group:
    colors = [word.base for word in phrase if word.tag == "color"]
    nouns = [word for word in phrase if word.tag == "noun" and not word.text.endswith("'s")]
    last = phrase[-1]
    head = nouns[-1].base if nouns else last.lower if last.tag == "pron" else ""
    return Group(tuple(phrase), head, colors[0] if colors else None, prep, colors[1] if len(colors) > 1 else None)


def _colored(items: list[Group | Word]) -> list[Group | Word]:
    """Gives a colour said after a noun to that noun: "a boat, bright yellow", "painted green", "is red"."""
    kept: list[Group | Word] = []
    for item in items:
        described = _described(kept) if isinstance(item, Group) and not item.head and not item.name else None
        if described is None or not isinstance(item, Group) or item.words[0].tag in ("det", "num"):
            kept.append(item)
            continue
        before = kept[described]
        assert isinstance(before, Group)
        kept[described] = before._replace(color=before.color or item.color)
        kept.extend(word for word in item.words if word.tag == "adj" and not item.color)
    return kept


def _described(kept: Sequence[Group | Word]) -> int | None:
    """Index of the noun group that a bare colour or adjective coming next describes."""
    for back in range(len(kept) - 1, max(-1, len(kept) - 6), -1):
        item = kept[back]
        if isinstance(item, Group):
            return back if item.head and not item.pronoun else None
        linking = item.tag in ("aux", "adv", "mark", "conj", "rel", "adj") or item.base in _STATES or item.lower == "in"
        if not linking or item.text in ".!?;":
            return None
    return None


# ------------------------------------------------------------------------------------------ clauses


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
            if clause.inherits and clause.verb and clause.verb.form == "ing" and following.subjects and clause is self.found[0]:
                clause.subjects, clause.inherits = following.subjects, False
        return self.found

    def _close(self) -> None:
        """Ends what is open; groups that met no verb become a fragment."""
        if self.open or (self.leading and self.now is None):
            self.found.append(Clause(subjects=self.open, objects=self.leading, tail=[*self.open, *self.leading]))
        self.now, self.open, self.kept, self.leading, self.subordinate = None, [], [], [], False

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
        elif word.tag == "conj" and word.lower in _SUBORDINATE:
            self._close()
            self.subordinate = True
        elif word.tag == "aux" and not self._verb_ahead(index) and (self.open or self.kept or self.now is None):
            self._open_clause(word._replace(base="be"), self.open or self.kept, inherits=not (self.open or self.kept))
        elif self.now is not None and not self.open and word.tag in ("adv", "prep", "to", "conj", "num", "adj"):
            self.now.tail.append(word)

    def _see_verb(self, index: int, verb: Word) -> None:
        last = self._last_group(index)
        if self.now and self.now.verb and self.now.verb.base in _LIGHT and not self.now.objects and self._chained(index):
            self.now.verb, self.now.tail = verb, []
        elif self.now and self.now.verb and self.now.verb.base in _ENDING and not self.now.objects and verb.form == "ing" and self._chained(index):
            self.now.tail.append(verb)
        elif last and (self._relative(index) or (verb.base in _STATES and verb.form == "past" and self._adjoins(index))):
            self._interrupt(verb, [last])
        elif last and verb.form == "ing" and self._adjoins(index) and not self._helped(index):
            self._interrupt(verb, self.open if self.open and self.now is None else [last])
        elif self.open:
            self._open_clause(verb, self.open)
        elif self.kept and not self._joined(index):
            self._open_clause(verb, self.kept)
        elif self.now and self.now.verb and self.now.verb.base in CAUSES and self.now.objects and not self._joined(index):
            self._open_clause(verb, [group for group in self.now.objects if not group.prep], refers=True)
        else:
            self._open_clause(verb, [], inherits=verb.form != "base" or (self.now is not None and self._joined(index)))

    def _open_clause(self, verb: Word, subjects: list[Group], inherits: bool = False, refers: bool = False) -> None:
        self.now = Clause(subjects, verb, self.leading, [], inherits, self.subordinate, self.negated, refers)
        self.negated = False
        self.found.append(self.now)
        self.open, self.kept, self.leading = [], [], []

    def _interrupt(self, verb: Word, subjects: list[Group]) -> None:
        """A clause about a group that may itself still wait for its verb: "the girl who wears a hat dances"."""
        waiting = self.open or self.kept
        first = self.now is None
        self._open_clause(verb, [group._replace(prep="") for group in subjects], refers=not first)
        self.kept = waiting

    def _last_group(self, index: int) -> Group | None:
        return next((item for item in reversed(self.items[max(0, index - 8) : index]) if isinstance(item, Group)), None)

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
                return parallel if item.form == "ing" else not (item.form == "past" and item.base in _STATES)
            following = self.items[place + 1] if place + 1 < len(self.items) else None
            commas += item.text == ","
            if not (isinstance(following, Group) and (item.lower == "and" or item.text == ",")) and not (item.text == "," and commas == 2):
                return False
        return False
