"""Words of an English text and their parts of speech, by closed lists, word shape and neighbourhood."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

Tag = Literal[
    "det", "poss", "num", "adj", "color", "noun", "name", "pron", "rel", "verb", "aux", "to", "prep", "conj", "adv", "mark"
]
Form = Literal["", "base", "s", "ing", "past"]

MODIFIERS = frozenset({"det", "poss", "num", "adj", "color"})
PLURAL = frozenset(("we", "they", "you", "i", "both", "all", "these", "those", "two", "three", "four", "several", "many"))
_SHORT = re.compile(r"\b(there|it|he|she|that|who|here|what|let|they|we|you|i)['’](s|re|ll|m|d|ve)\b", re.I)
_TOKEN = re.compile(r"['’](?:s|re|ll|m|d|ve)\b|[^\W\d_]+(?:['’\-][^\W\d_]+)*|\d+(?:[.,:]\d+)*(?:st|nd|rd|th)?|[^\w\s]|_")
_ACTORS = frozenset(("it", "he", "she", "they", "we", "you", "i", "who"))
_ALSO_NOUNS = frozenset(("light", "dark", "stone", "metal", "square", "cold", "baby", "toy", "paper", "giant", "orange"))


class Word(NamedTuple):
    """One token. `base` is the singular of a noun, the infinitive of a verb, the plain name of a colour."""

    text: str
    tag: Tag
    base: str
    form: Form = ""
    at: int = 0

    @property
    def lower(self) -> str:
        return self.text.lower()

    @property
    def end(self) -> int:
        return self.at + len(self.text)


@dataclass(frozen=True)
class Lexicon:
    """`lexicon.toml`, turned round so that a word finds what it means."""

    data: dict[str, Any]
    colors: dict[str, str]
    verbs: dict[str, str]
    """Infinitive → the motion it means."""
    forms: dict[str, tuple[str, Form]]
    """Any form of a known verb → its infinitive and which form it is."""
    closed: dict[str, Tag]
    nouns: frozenset[str]
    """Every singular noun that the lists name."""
    settings: dict[tuple[str, ...], str]
    times: dict[tuple[str, ...], str]
    longest: int
    """Words in the longest setting or time."""

    def group(self, table: str, name: str) -> frozenset[str]:
        return _members(table, name)


@cache
def _members(table: str, name: str) -> frozenset[str]:
    return frozenset(lexicon().data[table][name])


@cache
def lexicon() -> Lexicon:
    """The word lists, read once and only when needed."""
    data = tomllib.loads((files("kinograph.agents") / "lexicon.toml").read_text(encoding="utf-8"))
    verbs = {verb: motion for motion, known in reversed(data["verbs"].items()) for verb in known}
    settings, times = _phrases(data["settings"]), _phrases(data["times"])
    nouns = {noun for name in ("persons", "things", "parts", "film", "weather") for noun in data["nouns"][name]}
    nouns |= {singular(words[-1], data) for words in settings if len(words) == 1}
    nouns |= {words[0] for words in times if len(words) == 1} - {"sunny", "starry", "moonlit", "sunlit", "starlit"}
    return Lexicon(
        data=data,
        colors={word: color for color, known in data["colors"].items() for word in (color, *known)},
        verbs=verbs,
        forms=_verb_forms(verbs, data["forms"]),
        closed=_closed(data["closed"]),
        nouns=frozenset(nouns),
        settings=settings,
        times=times,
        longest=max(map(len, (*settings, *times))),
    )


def _phrases(table: dict[str, list[str]]) -> dict[tuple[str, ...], str]:
    return {tuple(phrase.split()): name for name, known in table.items() for phrase in (name, *known)}


def _closed(lists: dict[str, list[str]]) -> dict[str, Tag]:
    tags: dict[str, Tag] = {}
    order: dict[str, Tag] = {
        "numbers": "num", "adverbs": "adv", "prepositions": "prep", "conjunctions": "conj", "relatives": "rel",
        "auxiliaries": "aux", "pronouns": "pron", "possessives": "poss", "determiners": "det",
    }  # fmt: skip
    for name, tag in order.items():
        tags |= dict.fromkeys(lists[name], tag)
    return tags


def _verb_forms(verbs: Iterable[str], irregular: dict[str, list[str]]) -> dict[str, tuple[str, Form]]:
    forms: dict[str, tuple[str, Form]] = {}
    for verb in [verb for verb in verbs if " " not in verb]:
        stem = verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else verb
        if re.search(r"[^aeiou][aeiou][bdgklmnprt]$", verb) and not re.search(r"(?:en|er|on|el|ow|ot|it|in)$", verb[2:]):
            stem += verb[-1]
        doubled = {verb + verb[-1] if verb[-1] in "bdgklmnprtz" else stem, stem}
        third = re.sub(r"([^aeiou])y$", r"\1ie", verb) + "s"
        forms[re.sub(r"(s|x|z|ch|sh|o)s$", r"\1es", third) if third != "ss" else third] = (verb, "s")
        for root in doubled:
            forms.setdefault(root + "ing", (verb, "ing"))
            forms.setdefault(re.sub(r"([^aeiou])y$", r"\1i", root) + "ed", (verb, "past"))
        if verb.endswith("ie"):
            forms[verb[:-2] + "ying"] = (verb, "ing")
    for verb, known in irregular.items():
        forms.update(dict.fromkeys(known, (verb, "past")))
    return forms | {verb: (verb, "base") for verb in verbs if " " not in verb}


def singular(noun: str, data: dict[str, Any] | None = None) -> str:
    """The singular of a lower-case noun."""
    nouns = (data or lexicon().data)["nouns"]
    if noun in nouns["plurals"]:
        return nouns["plurals"][noun]
    if noun in nouns["same"] or len(noun) < 4 or not noun.endswith("s") or noun.endswith(("ss", "us", "is")):
        return noun
    if noun.endswith("ies") and len(noun) > 4:
        return noun[:-3] + "y"
    return noun[:-2] if noun.endswith(("shes", "ches", "xes", "sses", "zzes")) else noun[:-1]


def words(text: str) -> list[Word]:
    """The tokens of `text`, each with its part of speech. Linear in the length of the text."""
    apart = _SHORT.sub(lambda match: f"{match[1]} {match[2]}", text)
    tokens = [(match[0], match.start()) for match in _TOKEN.finditer(apart)]
    known: list[Word] = []
    for index, (token, at) in enumerate(tokens):
        after = [later.lower() for later, _ in tokens[index + 1 : index + 4]] + ["", "", ""]
        known.append(_word(token, at, known, after))
    return known


def _word(token: str, at: int, before: Sequence[Word], after: Sequence[str]) -> Word:
    """Reads one token in the light of those before it and three after it."""
    lower = token.lower().replace("’", "'")
    tag = _tag(token, lower, before, after)
    words = lexicon()
    if tag == "verb":
        base, form = words.forms.get(lower, (_stem(lower), _shape(lower)))
        return Word(token, tag, base, form, at)
    if tag == "color":
        return Word(token, tag, _color(lower) or lower, "", at)
    if tag == "noun":
        return Word(token, tag, singular(lower.removesuffix("'s").removesuffix("'")), "", at)
    return Word(token, tag, lower, "", at)


def _tag(token: str, lower: str, before: Sequence[Word], after: Sequence[str]) -> Tag:
    if not lower[0].isalnum():
        return "mark"
    previous = before[-1].tag if before else "mark"
    opened = previous in MODIFIERS
    if (tag := _closed_tag(lower, before, after)) is not None:
        return tag
    if lower.endswith("'s") and len(lower) > 3:
        return "adj"
    if _names(token, before, after):
        return "name"
    if _color(lower) and not (opened and not _nominal(after[0])):
        return "color"
    if previous == "pron" and before[-1].lower in _ACTORS and lower.isalpha() and lower not in lexicon().nouns and not lower.endswith("ly"):
        return "verb"
    if lower in lexicon().forms or _verbal(lower, before, after):
        return _verb_or_noun(token, before, after)
    if _color(lower):
        return "color"
    shaped = lower.endswith(tuple(lexicon().data["adjectives"]["suffixes"])) and lower not in lexicon().nouns and singular(lower) not in lexicon().nouns
    if lower in lexicon().group("adjectives", "plain") or (shaped and not lower.endswith("fish")):
        return "noun" if opened and lower in _ALSO_NOUNS and not _nominal(after[0]) else "adj"
    if lower.endswith("ly") and lower not in lexicon().nouns and len(lower) > 4:
        return "adv"
    return "noun"


def _closed_tag(lower: str, before: Sequence[Word], after: Sequence[str]) -> Tag | None:
    previous = before[-1].tag if before else "mark"
    if lower in ("s", "re", "ll", "m", "d", "ve") and previous == "pron" or lower.endswith(("n't", "n’t")):
        return "aux"
    if lower == "to":
        return "to" if after[0] in lexicon().forms and lexicon().forms[after[0]][1] == "base" and not _place(after[0]) else "prep"
    if lower in ("her", "his"):
        return "poss" if _nominal(after[0]) else "pron"
    if lower == "that":
        return "rel" if previous in ("noun", "name") or (before and before[-1].text == ",") else "det" if _nominal(after[0]) else "pron"
    if lower in ("have", "has") and previous in ("mark", "adv") and after[0] in ("the", "a", "an", "it", "them", "both"):
        return "verb"
    if lower == "once" and previous in ("aux", "noun", "pron"):
        return "adv"
    if lower == "next" and after[0] != "to":
        return "adj" if previous in MODIFIERS else "adv"
    if lower == "left" and (previous in ("noun", "pron", "name") and (after[0] in ("the", "its", "his", "her", "a"))):
        return "verb"
    if lower in ("both", "all", "each", "another", "others") and (not _nominal(after[0]) or _plainly_verb(after[0])):
        return "pron"
    if lower == "other" and previous == "det" and (not _nominal(after[0]) or _plainly_verb(after[0])):
        return "noun"
    if lower in ("get", "gets", "got", "getting") and lexicon().closed.get(after[0]) in ("prep", "adv", "det", "poss"):
        return "verb"
    if lower in ("light", "close", "like", "round", "second", "still"):
        return _two_faced(lower, previous, after)
    if lower in ("two", "three", "four") and not _nominal(after[0]) and previous in ("det", "poss"):
        return "pron"
    if lower == "one":
        return "num" if _nominal(after[0]) and previous not in MODIFIERS else "noun" if previous in MODIFIERS else "num"
    if lower in ("before", "after", "until"):
        return "conj" if after[0] in lexicon().forms or after[0] in ("it", "he", "she", "they") or _clause(after) else "prep"
    if re.fullmatch(r"\d+(?:[.,:]\d+)*(?:st|nd|rd|th)?", lower):
        return "num"
    return lexicon().closed.get(lower)


def _two_faced(lower: str, previous: str, after: Sequence[str]) -> Tag:
    if lower == "light":
        return "adj" if _nominal(after[0]) else "noun"
    if lower == "close":
        return "adj" if previous in MODIFIERS else "verb" if previous in ("noun", "pron", "aux") else "adv"
    if lower == "round":
        return "adj" if previous in MODIFIERS else "prep"
    if lower == "second":
        return "num" if previous in MODIFIERS else "adv"
    return "adj" if previous in MODIFIERS and lower == "still" else "adv" if lower == "still" else "prep"


def _clause(after: Sequence[str]) -> bool:
    """Whether what follows begins with a determiner, a noun and a verb."""
    return after[0] in ("the", "a") and after[2] in lexicon().forms


def _names(token: str, before: Sequence[Word], after: Sequence[str]) -> bool:
    """A capital inside a sentence is a name; at its start only before "the", a comma and article, or a verb."""
    if not token[0].isupper() or token.lower() in lexicon().nouns or singular(token.lower()) in lexicon().nouns or _color(token.lower()):
        return False
    starts = not before or before[-1].text in ".!?;:-–—\"“•*"
    lower = token.lower()
    if lower in lexicon().group("adjectives", "plain") or (token.isupper() and len(token) > 4):
        return False
    if not starts:
        return len(token) > 1
    if lower in lexicon().forms or lower.endswith("ly") or lower.endswith("ing"):
        return False
    return after[0] in ("the", "and") or (after[0] == "," and after[1] in ("a", "an", "the")) or _finite(after[0]) or (after[0].endswith("ly") and _finite(after[1]))


def _finite(word: str) -> bool:
    return word in lexicon().forms and lexicon().forms[word][1] in ("s", "past") or lexicon().closed.get(word) == "aux"


def _color(lower: str) -> str | None:
    """The plain colour that a word names: "teal" is cyan, "bright-red" is red."""
    colors = lexicon().colors
    return colors.get(lower) or (colors.get(lower.rpartition("-")[2]) or colors.get(lower.partition("-")[0]) if "-" in lower else None)


def _plainly_verb(lower: str) -> bool:
    """Whether a word is a verb and no noun."""
    return lower in lexicon().forms and lower not in lexicon().nouns and singular(lower) not in lexicon().nouns


def _place(lower: str) -> bool:
    return (lower,) in lexicon().settings or lower in lexicon().nouns


def _nominal(lower: str) -> bool:
    """Whether a word can go on or head a noun phrase."""
    if not lower or not lower[0].isalnum():
        return False
    if lower in lexicon().closed and lexicon().closed[lower] not in ("num", "det"):
        return lower in ("one", "ones")
    known = lexicon().forms.get(lower)
    return not lower.endswith("ly") and (known is None or known[1] in ("ing", "base") or lower in lexicon().nouns or singular(lower) in lexicon().nouns)


def _verbal(lower: str, before: Sequence[Word], after: Sequence[str]) -> bool:
    """Whether an unknown word stands where a verb stands: a third person or participle after its noun."""
    if not before or lower in lexicon().nouns or singular(lower) in lexicon().nouns:
        return False
    if not (lower.endswith(("s", "ing", "ed")) and len(lower) > 3 and not lower.endswith(("ss", "us"))):
        return False
    free = not after[0] or not after[0][0].isalnum() or after[0] in lexicon().closed or after[0].endswith("ly")
    return before[-1].tag in ("noun", "name", "pron", "aux") and free and after[0] not in lexicon().data["forms"]


def _verb_or_noun(token: str, before: Sequence[Word], after: Sequence[str]) -> Tag:
    """Decides for a word that can be a verb by what stands around it."""
    lower = token.lower().replace("’", "'")
    form = lexicon().forms.get(lower, ("", _shape(lower)))[1]
    previous = before[-1] if before else Word(".", "mark", ".")
    noun = lower in lexicon().nouns or singular(lower) in lexicon().nouns
    if previous.tag in MODIFIERS and len(before) > 1 and (before[-2].lower == "one" or before[-2].base in ("paint", "dye", "be")):
        return _after_noun(lower, form, False, before, after)
    if not before and form == "s" and noun and token[0].islower() and lexicon().closed.get(after[0]) in ("det", "poss", "prep"):
        return "verb"
    if previous.tag in MODIFIERS:
        return _modified(lower, form, noun, previous, after)
    if previous.tag in ("pron", "aux", "to", "rel", "adv"):
        return "noun" if noun and previous.tag == "adv" and form == "base" else "verb"
    if previous.tag in ("noun", "name"):
        return _after_noun(lower, form, noun, before, after)
    if previous.tag == "prep":
        return "verb" if form == "ing" and not noun else "noun" if form in ("base", "s") or noun else "adj"
    if previous.tag == "verb":
        return "verb" if form == "ing" and not noun else "adj" if form == "past" else "noun" if noun or previous.form != "base" else "verb"
    return _opening(lower, form, noun, before, after)


def _modified(lower: str, form: Form, noun: bool, previous: Word, after: Sequence[str]) -> Tag:
    if form in ("ing", "past") and not noun:
        return "adj" if _nominal(after[0]) or form == "past" else "verb"
    if previous.tag == "num" and form == "base" and not _nominal(after[0]) and not noun:
        return "verb"
    if lower in lexicon().group("adjectives", "plain") and _nominal(after[0]):
        return "adj"
    if previous.tag == "color" and form == "s" and not noun:
        return "verb"
    return "noun"


def _after_noun(lower: str, form: Form, noun: bool, before: Sequence[Word], after: Sequence[str]) -> Tag:
    if form in ("s", "past"):
        return "verb"
    if form == "ing":
        return "noun" if noun else "verb"
    if before[-1].tag == "color":
        return "verb"
    return "verb" if _plural_subject(before) or (not noun and not _nominal(after[0])) or _caused(before) else "noun"


def _plural_subject(before: Sequence[Word]) -> bool:
    """Whether the noun phrase that ends here is plural or joined by "and"."""
    last = before[-1]
    if last.tag == "noun" and last.base != last.lower and not last.text.endswith("'s"):
        return True
    for word in reversed(before[-8:]):
        if word.tag in ("verb", "prep") or word.text in ".;:!?":
            return False
        if word.lower == "and" or word.lower in PLURAL:
            return True
    return False


def _caused(before: Sequence[Word]) -> bool:
    """Whether the noun phrase that ends here is the object of "have", "let", "make", "see", "watch"."""
    for word in reversed(before[-6:]):
        if word.base in ("have", "let", "make", "see", "watch", "show"):
            return True
        if word.tag in ("mark", "prep", "conj"):
            return False
    return False


def _opening(lower: str, form: Form, noun: bool, before: Sequence[Word], after: Sequence[str]) -> Tag:
    """After a mark or a conjunction: a verb goes on, a command begins, or a bare noun stands."""
    if lower in lexicon().group("adjectives", "plain") and _nominal(after[0]) and not noun and (form != "ing" or singular(after[0]) in lexicon().nouns):
        return "adj"
    if form in ("s", "past"):
        governs = bool(after[0]) and lexicon().closed.get(after[0]) in ("det", "poss", "prep", "num", "adv")
        waiting = any(word.tag in ("noun", "name") for word in before[-10:])
        return "verb" if not noun or (waiting and governs) or any(word.tag == "verb" for word in before[-12:]) else "noun"
    if form == "ing":
        return "noun" if noun else "adj" if lexicon().forms.get(after[0], ("", ""))[1] == "s" or singular(after[0]) in lexicon().nouns else "verb"
    return "noun" if noun and not any(word.tag == "verb" and word.form == "base" for word in before[-12:]) else "verb"


def _shape(lower: str) -> Form:
    return "ing" if lower.endswith("ing") else "past" if lower.endswith("ed") else "s" if lower.endswith("s") else "base"


def _stem(lower: str) -> str:
    return re.sub(r"(?:ing|ed|es|s)$", "", lower)
