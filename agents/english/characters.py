"""Which noun groups are worth a place in the cast, and how a new character is called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from kinograph.agents.english.groups import Group
from kinograph.agents.english.lexicon import Word, lexicon, listed, singular
from kinograph.agents.english.whereabouts import places, times
from kinograph.film import Character

Part = Literal["subject", "object", "shown", "beside"]
"""What a noun group is in its clause; "beside" is anything under a preposition."""

_LIGHT = frozenset(("do", "make", "take", "give", "have", "perform"))
_BECOMING = frozenset(("become", "turn", "seem", "feel", "remain"))
_GENDERED = {"male": ("boy", "father", "brother"), "female": ("girl", "woman", "mother", "maid", "sister")}
_PERSONAL = ("man", "person", "child", *_GENDERED["male"], *_GENDERED["female"])
_ARTICLE = re.compile(r"^(?:an?|some|one|each|every|both|all|any|these|those|his|her|its|their|my|our|your)\s+", re.I)


class Scenery(NamedTuple):
    """Where a text names places and times: the words there are no characters."""

    places: tuple[tuple[int, int], ...]
    times: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, text: str) -> Scenery:
        return cls(
            tuple((where.start, where.end) for where in places(text)),
            tuple((when.start, when.end) for when in times(text)),
        )

    def is_place(self, group: Group) -> bool:
        return any(start < group.words[-1].end and group.words[0].at < end for start, end in self.places)

    def is_time(self, group: Group) -> bool:
        return any(start < group.words[-1].end and group.words[-1].at < end for start, end in self.times)


def is_thing(group: Group) -> bool:
    """Whether the lists know the noun as somebody or something to be seen."""
    nouns = lexicon()
    return group.head in nouns.group("nouns", "things") or group.head in nouns.group("nouns", "persons")


def is_person(kind: str) -> bool:
    """Whether a kind is somebody: a listed person, or a compound of one ("schoolgirl", "boatman")."""
    return kind in lexicon().group("nouns", "persons") or (
        kind.endswith(_PERSONAL) and kind not in lexicon().group("nouns", "things")
    )


def is_gender(kind: str, gender: Literal["male", "female"]) -> bool:
    return kind in lexicon().group("nouns", gender) or kind.endswith(_GENDERED[gender])


def is_alive(kind: str) -> bool:
    """Whether a kind moves by its own will."""
    animals = ("animal", "creature", "bird", "insect", "reptile")
    below = lexicon().data["nouns"]["hypernyms"]
    return is_person(kind) or kind in animals or any(kind in below[animal] for animal in animals)


def is_many(words: str) -> bool:
    """Whether the words for a character mean several: "two birds", "a flock of sheep"."""
    said = words.lower()
    last = said.rpartition(" ")[2]
    crowds = tuple(f"a {crowd} of " for crowd in lexicon().group("nouns", "crowds"))
    return last != singular(last) or said.startswith(crowds)


def worthy(group: Group, part: Part, verb: str, scenery: Scenery) -> bool:
    """Whether the story puts someone new on the screen with this noun group."""
    nouns, head = lexicon(), group.head
    if group.name and not head:
        return part != "beside" or group.prep in listed("beside") - {"at", "from", "of", "by"}
    bare = head in nouns.group("adjectives", "plain") and not group.determined
    if not head or bare or head in nouns.group("nouns", "film"):
        return False
    if part == "object" and (verb in _BECOMING or (verb in _LIGHT and head in lexicon().forms)):
        return False
    if part == "object" and head in nouns.group("nouns", "props") and group.first == "the":
        return False
    if scenery.is_place(group):
        return _building(group, part) and not (part == "object" and verb in listed("entered"))
    if head in nouns.group("nouns", "weather"):
        return is_thing(group) and group.first in ("a", "an")
    if head in nouns.group("nouns", "parts"):
        return _loose_part(group, part)
    if group.words[0].tag == "poss" and part != "subject":
        return is_thing(group) or is_person(head)
    if part == "beside":
        return _beside(group)
    if part == "object" and not is_thing(group) and group.first == "the" and verb in listed("idiom_verbs"):
        return False
    return part == "subject" or group.determined or is_thing(group) or group.plural


def _building(group: Group, part: Part) -> bool:
    """A castle is a character where it is met, a place where things happen in it."""
    met = part != "beside" or group.prep in listed("beside") - {"at", "around", "through"}
    return is_thing(group) and not group.plural and met and group.prep not in listed("locative")


def _loose_part(group: Group, part: Part) -> bool:
    """A hat is a character when it goes its own way, not when somebody wears it."""
    shown = group.first in ("a", "an", "one", "two", "three") or group.color is not None
    if group.words[0].tag == "poss":
        return False
    return (shown or is_thing(group)) if part == "subject" else shown and is_thing(group) and part != "beside"


def _beside(group: Group) -> bool:
    nouns = lexicon()
    if group.head in nouns.group("nouns", "props"):
        return False
    if group.head in ("sun", "moon") and group.prep in ("in", "under", "beneath", "below", "against", "by"):
        return False
    met = group.prep in listed("beside") and group.words[0].tag == "det" and not group.plural
    return is_thing(group) or (met and group.head not in nouns.group("nouns", "manners"))


def whole(groups: Sequence[Group]) -> list[Group]:
    """Groups with the nouns that the sentence leaves out.

    "a red and a blue ball" gives the first its "ball"; of "two cats, one black and one white" only the
    two single cats are left.
    """
    first, rest = (groups[0], groups[1:]) if groups else (None, ())
    if first and rest and first.plural and first.head and all(one.first == "one" and one.color for one in rest):
        article = first.words[-1]._replace(text="a", tag="det", base="a")
        noun = first.words[-1]._replace(text=first.head)
        return [one._replace(words=(article, *one.words[1:], noun), head=first.head) for one in rest]
    filled = list(groups)
    for index in range(len(filled) - 2, -1, -1):
        group, after = filled[index], filled[index + 1]
        if not group.head and not group.name and group.color and group.words[0].tag == "det" and after.head:
            filled[index] = group._replace(words=(*group.words, after.words[-1]), head=after.head)
    return filled


# ---------------------------------------------------------------------------------------- new names


def newcomer(group: Group, cast: Iterable[Character]) -> Character:
    """The character that a noun group introduces beside those already in the cast."""
    words = _introduced(group) if group.name and group.head else _plain(group)
    if group.color and group.color not in [word.base for word in group.words]:
        words = words.replace(f" {group.words[-1].text}", f" {group.color} {group.words[-1].text}")
    kind = group.head or "person"
    return _distinct(kind, group.color, words, group.name or f"{group.color or ''} {kind}", cast)


def another(like: Character, color: str | None, cast: Iterable[Character]) -> Character:
    """ "…and a blue one": one more of the same kind."""
    said = f"{color} {like.kind}" if color else like.kind
    return _distinct(like.kind, color, f"{_article(said)} {said}", said, cast)


def _distinct(kind: str, color: str | None, words: str, called: str, cast: Iterable[Character]) -> Character:
    taken = {one.id for one in cast}
    slug = _slug(called) or "character"
    id = next(name for name in (slug, *(f"{slug}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)
    if any(one.words == words for one in cast):
        words = re.sub(r"^an? ", "another ", words)
    return Character(id=id, kind=kind, color=color, words=words or kind)


def _plain(group: Group) -> str:
    """ "a red ball", "two birds", "Momo"."""
    dropped = listed("another") | {"same", "the", "that", "this"}
    said = " ".join(_spelled(word) for word in group.words if word.lower not in dropped)
    if group.name:
        return said
    words = said if group.words[0].tag == "num" else _with_article(said, group.plural)
    return words[:1].lower() + words[1:]


def _introduced(group: Group) -> str:
    """ "Momo, a black cat", "Captain Rex, a brave dog", "Captain Rex"."""
    last = max(index for index, word in enumerate(group.words) if word.tag == "name")
    titled = group.words[0].tag in ("noun", "name")
    lead = [word for index, word in enumerate(group.words) if word.tag == "name" or (titled and index < last)]
    rest = [word.text for word in group.words if word not in lead and word.tag not in ("det", "poss")]
    name = " ".join(word.text for word in lead)
    return f"{name}, {_with_article(' '.join(rest), group.plural)}" if rest else name


def _spelled(word: Word) -> str:
    """A word as a prompt spells it: shouting is lowered, names are kept."""
    return word.text.lower() if word.text.isupper() and word.tag != "name" else word.text


def _with_article(said: str, plural: bool) -> str:
    plain = _ARTICLE.sub("", said)
    return plain if plural else f"{_article(plain)} {plain}"


def _article(said: str) -> str:
    return "an" if said[:1].lower() in tuple("aeiou") else "a"


def _slug(words: str) -> str:
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40]
