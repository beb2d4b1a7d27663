"""Noun groups: which words of a text belong together and what they name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kinograph.agents.english.lexicon import MODIFIERS, Word, lexicon, listed

_PARTICLES = frozenset(
    (
        ("knock", "over"),
        ("knock", "down"),
        ("push", "down"),
        ("pull", "down"),
        ("blow", "down"),
        ("blow", "over"),
        ("tip", "over"),
        ("hold", "up"),
        ("dig", "up"),
        ("chase", "off"),
        ("chase", "away"),
        ("pick", "up"),
        ("put", "down"),
        ("put", "on"),
        ("turn", "on"),
        ("turn", "off"),
        ("kick", "over"),
        ("push", "over"),
        ("blow", "out"),
        ("take", "out"),
        ("pull", "out"),
        ("lift", "up"),
        ("blow", "up"),
        ("wake", "up"),
        ("set", "down"),
        ("open", "up"),
        ("light", "up"),
        ("build", "up"),
        ("eat", "up"),
    )
)


_COLORING = frozenset(("turn", "paint", "make", "dye", "color", "colour", "tint"))


class Group(NamedTuple):
    """A noun phrase. `head` is the singular noun, "" for a bare colour; `prep` what governs it."""

    words: tuple[Word, ...]
    head: str
    color: str | None = None
    prep: str = ""
    second: str | None = None
    """Another colour said of it."""
    becomes: str | None = None
    """The colour that it has from now on: "the ball, now green", "paints the ball green"."""

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
        return counted or self.first in listed("plural_words") or (last.tag == "noun" and last.lower != last.base)


def grouped(tokens: Sequence[Word]) -> list[Group | Word]:
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
        if (
            isinstance(item, Group)
            and item.prep == "of"
            and isinstance(crowd, Group)
            and crowd.head in lexicon().group("nouns", "crowds")
        ):
            words = (*crowd.words, *(kept[-1:] if isinstance(kept[-1], Word) else []), *item.words)
            kept[-2:] = [
                Group(tuple(word for word in words if isinstance(word, Word)), item.head, item.color, crowd.prep)
            ]
        else:
            kept.append(item)
    return kept


def _apposed(items: Sequence[Group | Word]) -> list[Group | Word]:
    """Joins a name to what it names: "Momo the cat", "Momo, a cat", "a robot called Zip"."""
    kept: list[Group | Word] = []
    for index, item in enumerate(items):
        before, link = _linked(kept)
        if (
            isinstance(item, Group)
            and before is not None
            and _same_one(before, item, link, items[index + 1 : index + 2])
        ):
            del kept[len(kept) - len(link) - 1 :]
            titled = (before.name and before.head and item.head not in ("", "one")) or before.head in listed(
                "vague_heads"
            )
            head, color = item.head if titled else before.head or item.head, before.color or item.color
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
        described = (
            (bool(before.name) or before.head in listed("vague_heads"))
            and bool(item.head)
            and item.first in ("a", "an", "the")
        )
        return (
            closed
            and not item.prep
            and (
                described
                or (only_name and bool(before.head))
                or (item.head == "one" and not before.color and not before.plural)
            )
        )
    return (
        not link and bool(before.name) and not before.head and item.first == "the" and bool(item.head) and not item.prep
    )


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
    if (
        before == "of"
        and start > 1
        and (tokens[start - 2].tag in ("adv", "prep") or tokens[start - 2].lower in ("out", "front", "top"))
    ):
        return tokens[start - 2].lower + " of"
    away = before in ("away", "ahead", "apart", "forward", "back")
    return "" if away or (start > 1 and (tokens[start - 2].base, before) in _PARTICLES) else before


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
        if isinstance(item, Group) and item.color and not item.head and _names_color(kept):
            del kept[-2:]
        described = _described(kept) if isinstance(item, Group) and not item.head and not item.name else None
        if described is None or not isinstance(item, Group) or item.words[0].tag in ("det", "num"):
            kept.append(item)
            continue
        before = kept[described]
        assert isinstance(before, Group)
        if item.color and not item.second and _turned(kept, described):
            kept[described] = before._replace(becomes=item.color)
            continue
        kept[described] = before._replace(color=before.color or item.color)
        kept.extend(word for word in item.words if word.tag == "adj" and not item.color)
    return kept


def _turned(kept: Sequence[Group | Word], at: int) -> bool:
    """Whether a colour said of the group at `at` is new: "the ball, now …", "is painted …", "turns the ball …"."""
    group, link = kept[at], [item for item in kept[at + 1 :] if isinstance(item, Word)]
    assert isinstance(group, Group)
    if group.first in ("a", "an", "some", "two", "three"):
        return False
    before = kept[at - 1] if at else None
    made = isinstance(before, Word) and before.tag == "verb" and before.base in _COLORING and not group.prep
    painted = any(word.base in _COLORING for word in link) and any(word.tag == "aux" for word in link)
    return any(word.lower == "now" for word in link) or painted or (made and not link)


def _names_color(kept: Sequence[Group | Word]) -> bool:
    """Whether "the color of" comes right before."""
    if len(kept) < 3 or not isinstance(kept[-2], Group) or isinstance(kept[-1], Group):
        return False
    return kept[-2].head in ("color", "colour", "shade", "hue") and kept[-1].lower == "of"


def _described(kept: Sequence[Group | Word]) -> int | None:
    """Index of the noun group that a bare colour or adjective coming next describes."""
    for back in range(len(kept) - 1, max(-1, len(kept) - 6), -1):
        item = kept[back]
        if isinstance(item, Group):
            return back if item.head and not item.pronoun else None
        linking = (
            item.tag in ("aux", "adv", "mark", "conj", "rel", "adj")
            or item.base in listed("state_verbs")
            or item.lower == "in"
        )
        if not linking or item.text in ".!?;":
            return None
    return None
