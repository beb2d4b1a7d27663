"""Numbers and ranks in words: "2", "1 and 3", "2 to 4", "the last two", "second and third"."""

from __future__ import annotations

import re

CARDINALS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
ORDINALS = (
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
)
_N = rf"(?:\d{{1,3}}|{'|'.join(CARDINALS)})"
_TIMED = r"(?!\s*-?\s*(?:seconds?|secs?|s|times|%)\b|\.\d|\d)"
_COUNTED = rf"{_TIMED}(?!\s+(?:takes?(?!\s+place\b)|tries)\b)"


def _list(counting: str) -> str:
    """Numbers in a row, none followed by what they would count."""
    joined = r"\s*(?:,\s*and|,|and|&|\+|to|-|–|through)\s*(?:shots?\s*)?#?"
    return rf"{_N}\b{counting}(?:{joined}{_N}\b{counting})*"


LIST = _list(_COUNTED)
"""Bare numbers; "two takes" is none of them."""
NUMBERS = _list(_TIMED)
"""Numbers after the word "shots": "shot 2 takes place", "shot 2 take 1"."""
ORDINAL = (
    rf"(?:(?:very\s+)?(?:{'|'.join(ORDINALS)}|last|final|opening|closing|middle)|\d{{1,2}}(?:st|nd|rd|th)"
    r"|(?:second|next)[- ]to[- ]last|last but one|penultimate)"
)
MANY = rf"\b(?:{'|'.join(CARDINALS[1:])}|\d{{1,2}})"


def number(word: str) -> int:
    """ "3", "three", "third", "3rd"."""
    plain = re.sub(r"(?<=\d)(?:st|nd|rd|th)$", "", word.lower())
    if plain.isdigit():
        return int(plain)
    return (CARDINALS.index(plain) if plain in CARDINALS else ORDINALS.index(plain)) + 1


def numbers(said: str) -> list[int]:
    """The places of a list: "2", "1 and 3", "2 to 4"."""
    parts = re.findall(rf"{_N}\b|to\b|through\b|-|–", said.lower())
    found: list[int] = []
    for index, part in enumerate(parts):
        if not re.fullmatch(_N, part):
            continue
        if index and not re.fullmatch(_N, parts[index - 1]) and found:
            found += range(found[-1] + 1, number(part))
        found.append(number(part))
    return list(dict.fromkeys(found))


def ranks(said: str, many: str | None, count: int) -> list[int]:
    """The places of "first", "last two", "second and third" among `count` shots."""
    found: list[int] = []
    for word in re.split(r"\s*(?:,|\band\b|&)\s*(?:the\s+)?", said.lower().replace("very ", "")):
        if word in ("second to last", "second-to-last", "next to last", "next-to-last", "last but one", "penultimate"):
            found.append(count - 1)
        elif word in ("last", "final", "closing"):
            found += range(count - (number(many) if many else 1) + 1, count + 1)
        elif word == "middle":
            found.append((count + 1) // 2)
        elif word in ("first", "opening") and many:
            found += range(1, number(many) + 1)
        elif word:
            found.append(1 if word == "opening" else number(word))
    return found


def places(said: str, count: int) -> list[int]:
    """The places of a bare number, list or rank."""
    return ranks(said, None, count) if re.fullmatch(ORDINAL, said.strip(), re.I) else numbers(said)
