"""Verb or noun: what decides for a word that can be both."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kinograph.agents.english.lexicon import MODIFIERS, Form, Tag, Word, lexicon, listed, singular


def plainly_verb(lower: str) -> bool:
    """Whether a word is a verb and no noun."""
    return lower in lexicon().forms and lower not in lexicon().nouns and singular(lower) not in lexicon().nouns


def names_place(lower: str) -> bool:
    return (lower,) in lexicon().settings or lower in lexicon().nouns


def nominal(lower: str) -> bool:
    """Whether a word can go on or head a noun phrase."""
    if not lower or not lower[0].isalnum():
        return False
    if lower in lexicon().closed and lexicon().closed[lower] not in ("num", "det"):
        return lower in ("one", "ones")
    known = lexicon().forms.get(lower)
    return not lower.endswith("ly") and (
        known is None or known[1] == "ing" or lower in lexicon().nouns or singular(lower) in lexicon().nouns
    )


def finite(word: str) -> bool:
    return (word in lexicon().forms and lexicon().forms[word][1] in ("s", "past")) or lexicon().closed.get(
        word
    ) == "aux"


def verbal(lower: str, before: Sequence[Word], after: Sequence[str]) -> bool:
    """Whether an unknown word stands where a verb stands: a third person or participle after its noun."""
    if not before or lower in lexicon().nouns or singular(lower) in lexicon().nouns:
        return False
    if not (lower.endswith(("s", "ing", "ed")) and len(lower) > 3 and not lower.endswith(("ss", "us"))):
        return False
    free = not after[0] or not after[0][0].isalnum() or after[0] in lexicon().closed or after[0].endswith("ly")
    joined = before[-1].lower == "and" and len(before) > 1 and before[-2].form == shape(lower)
    acts = joined or before[-1].tag in ("noun", "name", "pron", "aux")
    return acts and free and after[0] not in lexicon().data["forms"]


def verb_or_noun(token: str, before: Sequence[Word], after: Sequence[str]) -> Tag:
    """Decides for a word that can be a verb by what stands around it."""
    lower = token.lower().replace("’", "'")
    form = lexicon().forms.get(lower, ("", shape(lower)))[1]
    previous = before[-1] if before else Word(".", "mark", ".")
    noun = lower in lexicon().nouns or singular(lower) in lexicon().nouns
    if (
        previous.tag in MODIFIERS
        and len(before) > 1
        and (before[-2].lower == "one" or before[-2].base in ("paint", "dye", "be"))
    ):
        return _after_noun(lower, form, False, before, after)
    if (
        not before
        and form == "s"
        and noun
        and token[0].islower()
        and lexicon().closed.get(after[0]) in ("det", "poss", "prep")
    ):
        return "verb"
    if previous.tag in MODIFIERS:
        return _modified(lower, form, noun, previous, after)
    if previous.tag == "adv" and len(before) > 1 and before[-2].tag in ("pron", "aux"):
        return "verb"
    if previous.tag in ("pron", "aux", "to", "rel", "adv"):
        return "noun" if noun and previous.tag == "adv" and form == "base" else "verb"
    if previous.tag in ("noun", "name"):
        return _after_noun(lower, form, noun, before, after)
    if previous.tag == "prep":
        return "verb" if form == "ing" and not noun else "noun" if form in ("base", "s") or noun else "adj"
    if previous.tag == "verb":
        return (
            "verb"
            if form == "ing" and not noun
            else "adj"
            if form == "past"
            else "noun"
            if noun or previous.form != "base"
            else "verb"
        )
    return _opening(lower, form, noun, before, after)


def _modified(lower: str, form: Form, noun: bool, previous: Word, after: Sequence[str]) -> Tag:
    if form in ("ing", "past") and not noun:
        return "adj" if nominal(after[0]) or form == "past" else "verb"
    if previous.tag == "num" and form == "base" and not nominal(after[0]) and not noun:
        return "verb"
    if lower in lexicon().group("adjectives", "plain") and nominal(after[0]):
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
    return "verb" if _plural_subject(before) or (not noun and not nominal(after[0])) or _caused(before) else "noun"


def _plural_subject(before: Sequence[Word]) -> bool:
    """Whether the noun phrase that ends here is plural or joined by "and"."""
    last = before[-1]
    if last.tag == "noun" and last.base != last.lower and not last.text.endswith("'s"):
        return True
    for word in reversed(before[-8:]):
        if word.tag in ("verb", "prep") or word.text in ".;:!?":
            return False
        if word.lower == "and" or word.lower in listed("plural_words"):
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
    if (
        lower in lexicon().group("adjectives", "plain")
        and nominal(after[0])
        and not noun
        and (form != "ing" or _stands_as_noun(after[0]))
    ):
        return "adj"
    if form in ("s", "past"):
        governs = bool(after[0]) and lexicon().closed.get(after[0]) in ("det", "poss", "prep", "num", "adv")
        waiting = any(word.tag in ("noun", "name") for word in before[-10:])
        return (
            "verb" if not noun or (waiting and governs) or any(word.tag == "verb" for word in before[-12:]) else "noun"
        )
    if form == "ing":
        return (
            "noun"
            if noun
            else "adj"
            if lexicon().forms.get(after[0], ("", ""))[1] == "s" or _stands_as_noun(after[0])
            else "verb"
        )
    return "noun" if noun and not any(word.tag == "verb" and word.form == "base" for word in before[-12:]) else "verb"


def _stands_as_noun(lower: str) -> bool:
    return singular(lower) in lexicon().nouns and lower not in lexicon().closed


def shape(lower: str) -> Form:
    return (
        "ing" if lower.endswith("ing") else "past" if lower.endswith("ed") else "s" if lower.endswith("s") else "base"
    )


def stem(lower: str) -> str:
    return re.sub(r"(?:ing|ed|es|s)$", "", lower)
