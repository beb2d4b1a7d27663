"""Words of an English text and their parts of speech, by closed lists, word shape and neighbourhood."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kinograph.agents.english.lexicon import MODIFIERS, Tag, Word, lexicon, listed, plain_color, singular
from kinograph.agents.english.verbs import (
    finite,
    names_place,
    nominal,
    plainly_verb,
    shape,
    stem,
    verb_or_noun,
    verbal,
)

_SHORT = re.compile(r"\b(there|it|he|she|that|who|here|what|let|they|we|you|i)['’](s|re|ll|m|d|ve)\b", re.I)
_TOKEN = re.compile(
    r"['’](?:s|re|ll|m|d|ve)\b|[^\W\d_]+(?:['’\-][^\W\d_]+)*|\d+(?:[.,:]\d+)*(?:st|nd|rd|th)?|[^\w\s]|_"
)


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
        base, form = words.forms.get(lower, (stem(lower), shape(lower)))
        return Word(token, tag, base, form, at)
    if tag == "color":
        return Word(token, tag, plain_color(lower) or lower, "", at)
    if tag == "noun" and lower in ("first", "second", "third"):
        return Word(token, tag, "one", "", at)
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
    if lower in listed("tinting") and plain_color(after[0]):
        return "adj"
    if plain_color(lower) and not (opened and not nominal(after[0])):
        return "color"
    if (
        previous == "pron"
        and before[-1].lower in listed("actors")
        and lower.isalpha()
        and lower not in lexicon().nouns
        and not lower.endswith("ly")
    ):
        return "verb"
    if lower in lexicon().forms or verbal(lower, before, after):
        return verb_or_noun(token, before, after)
    if plain_color(lower):
        return "color"
    shaped = (
        lower.endswith(tuple(lexicon().data["adjectives"]["suffixes"]))
        and lower not in lexicon().nouns
        and singular(lower) not in lexicon().nouns
        and not (opened and not nominal(after[0]))
    )
    if lower in lexicon().group("adjectives", "plain") or (shaped and not lower.endswith("fish")):
        alone = not nominal(after[0]) or (lower in ("square", "giant", "baby") and finite(after[0]))
        return "noun" if opened and lower in listed("also_nouns") and alone else "adj"
    if lower.endswith("ly") and lower not in lexicon().nouns and len(lower) > 4:
        return "adv"
    if _compared(lower, lexicon().group("closed", "adverbs")):
        return "adv"
    plain = lexicon().group("adjectives", "plain")
    return "adj" if _participle(lower) or _compared(lower, plain) else "noun"


def _participle(lower: str) -> bool:
    """Whether an unknown word is shaped like "battered", "unblinking"."""
    shaped = re.fullmatch(r"\w{2,}(?<!e)ed|un\w+(?:ing|en)", lower) is not None
    return shaped and lower not in lexicon().nouns


def _compared(lower: str, known: frozenset[str]) -> bool:
    """Whether a word is the "smaller" or "smallest" of a known one."""
    root = re.sub(r"(?:er|est)$", "", lower)
    if root == lower or lower in lexicon().nouns:
        return False
    doubled = len(root) > 2 and root[-1] == root[-2] and root[:-1] in known
    return root in known or f"{root}e" in known or doubled or (root.endswith("i") and f"{root[:-1]}y" in known)


def _closed_tag(lower: str, before: Sequence[Word], after: Sequence[str]) -> Tag | None:
    previous = before[-1].tag if before else "mark"
    if (lower in ("s", "re", "ll", "m", "d", "ve") and previous == "pron") or lower.endswith(("n't", "n’t")):
        return "aux"
    if lower == "as" and (simile := _simile(before, after)) is not None:
        return simile
    if lower == "to":
        return (
            "to"
            if after[0] in lexicon().forms and lexicon().forms[after[0]][1] == "base" and not names_place(after[0])
            else "prep"
        )
    if lower in ("her", "his"):
        return "poss" if nominal(after[0]) else "pron"
    if lower == "that":
        return (
            "rel"
            if previous in ("noun", "name") or (before and before[-1].text == ",")
            else "det"
            if nominal(after[0])
            else "pron"
        )
    if (
        lower in ("have", "has")
        and previous in ("mark", "adv")
        and after[0] in ("the", "a", "an", "it", "them", "both")
    ):
        return "verb"
    if lower == "once" and previous in ("aux", "noun", "pron"):
        return "adv"
    if lower == "next" and after[0] != "to":
        return "adj" if previous in MODIFIERS else "adv"
    if lower == "left" and (previous in ("noun", "pron", "name") and (after[0] in ("the", "its", "his", "her", "a"))):
        return "verb"
    if lower in ("both", "all", "each") and previous == "pron":
        return "adv"
    singular_verb = after[0] in lexicon().forms and singular(after[0]) == after[0]
    if (
        singular_verb
        and lexicon().forms[after[0]][1] == "base"
        and (lower == "both" or (lower == "two" and previous == "det"))
    ):
        return "pron"
    if lower in ("both", "all", "each", "another", "others") and (not nominal(after[0]) or plainly_verb(after[0])):
        return "pron"
    if lower == "other" and previous == "det" and (not nominal(after[0]) or plainly_verb(after[0])):
        return "noun"
    if lower in ("get", "gets", "got", "getting"):
        return "aux" if lexicon().forms.get(after[0], ("", ""))[1] == "past" else "verb"
    if lower in ("light", "close", "like", "round", "second", "still"):
        return _two_faced(lower, previous, after)
    if lower in ("two", "three", "four") and not nominal(after[0]) and previous in ("det", "poss"):
        return "pron"
    if (lower == "one" and after[0] == "another") or (lower == "another" and before and before[-1].lower == "one"):
        return "adv"
    if lower in ("do", "does", "did") and after[0] in ("a", "an", "the", "its", "his", "her"):
        return "verb"
    if lower == "one":
        counts = nominal(after[0]) and not (finite(after[0]) and singular(after[0]) != after[0])
        return "num" if counts and previous not in MODIFIERS else "noun"
    if lower in ("first", "second", "third") and before and before[-1].lower == "the" and _alone(after):
        return "noun"
    if lower in ("before", "after", "until"):
        return (
            "conj"
            if after[0] in lexicon().forms
            or (after[0] in ("it", "he", "she", "they") and (finite(after[1]) or after[1] in lexicon().forms))
            or _clause(after)
            else "prep"
        )
    if re.fullmatch(r"\d+(?:[.,:]\d+)*(?:st|nd|rd|th)?", lower):
        return "num"
    return lexicon().closed.get(lower)


def _alone(after: Sequence[str]) -> bool:
    """Whether no noun follows: "the first, grey, floats", "the second rolls"."""
    return not nominal(after[0]) or plainly_verb(after[0])


def _simile(before: Sequence[Word], after: Sequence[str]) -> Tag | None:
    """The tags of "as" in "as black as coal"; None for the "as" that opens a clause."""
    timed = ("soon", "long", "far", "well", "much")
    if after[1] == "as" and after[0] not in timed:
        return "adv"
    if before and before[-1].tag == "color" and after[0] in ("a", "an", "the") and not finite(after[2]):
        return "prep"
    likened = (
        len(before) > 1
        and before[-2].lower == "as"
        and before[-1].tag in ("adj", "color", "adv")
        and before[-1].lower not in timed
    )
    return "prep" if likened else None


def _two_faced(lower: str, previous: str, after: Sequence[str]) -> Tag:
    if lower == "light":
        return "adj" if nominal(after[0]) else "noun"
    if lower == "close":
        return "adj" if previous in MODIFIERS else "verb" if previous in ("noun", "pron", "aux") else "adv"
    if lower == "round":
        return "adj" if previous in MODIFIERS else "prep"
    if lower == "second":
        return "num" if previous in MODIFIERS else "adv"
    if lower == "like" and (previous == "aux" or after[0] == "to"):
        return "verb"
    return "adj" if previous in MODIFIERS and lower == "still" else "adv" if lower == "still" else "prep"


def _clause(after: Sequence[str]) -> bool:
    """Whether what follows begins with a determiner, a noun and a verb."""
    return after[0] in ("the", "a") and after[2] in lexicon().forms


def _names(token: str, before: Sequence[Word], after: Sequence[str]) -> bool:
    """A capital inside a sentence is a name; at its start only before "the", an apposition or a verb."""
    if (
        not token[0].isupper()
        or token.lower() in lexicon().nouns
        or singular(token.lower()) in lexicon().nouns
        or plain_color(token.lower())
    ):
        return False
    if before and before[-1].tag in ("det", "poss"):
        return False
    starts = not before or before[-1].text in '.!?;:-–—"“•*'
    lower = token.lower()
    if lower in lexicon().group("adjectives", "plain") or (token.isupper() and len(token) > 4):
        return False
    if not starts:
        return len(token) > 1
    if lower in lexicon().forms or (lower.endswith("ly") and len(lower) > 5) or lower.endswith("ing"):
        return False
    return (
        after[0] in ("the", "and")
        or (after[0] == "," and after[1] in ("a", "an", "the"))
        or finite(after[0])
        or (after[0].endswith("ly") and finite(after[1]))
    )
