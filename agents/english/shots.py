"""Which shots of a storyboard a text names: "shot 2", "shots 1 to 3", "the last two shots", "the night shots"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from kinograph.agents.english.lexicon import singular
from kinograph.agents.english.whereabouts import setting_of, time_of
from kinograph.film import Storyboard

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


_LIST = _list(_COUNTED)
_ORDINAL = (
    rf"(?:(?:very\s+)?(?:{'|'.join(ORDINALS)}|last|final|opening|closing|middle)|\d{{1,2}}(?:st|nd|rd|th)"
    r"|(?:second|next)[- ]to[- ]last|last but one|penultimate)"
)
_MANY = rf"\b(?:{'|'.join(CARDINALS[1:])}|\d{{1,2}})"
_ID = re.compile(r"\b(?:shots?\s+)?(s\d+\.\d+)\b", re.I)
_NUMBERED = re.compile(rf"\b(?:the\s+)?(?:shots?|scenes?|clips?|number)\s*(?:#|nos?\.?|numbers?)?\s*({_list(_TIMED)})", re.I)
_RANKED = re.compile(
    rf"(?<!\ba )(?<!\ban )(?<!\bnew )(?:\bthe\s+)?\b({_ORDINAL}(?:\s*(?:,|and|&)\s*(?:the\s+)?{_ORDINAL})*)"
    rf"(?:\s+({_MANY}))?\s+(?:shots?|scenes?|clips?|ones?)\b",
    re.I,
)
_ALL = re.compile(
    r"\b(?:in\s+|of\s+)?(?:(?:all|every|each|both)\s+(?:of\s+)?(?:the\s+)?(?:single\s+)?"
    r"(?:shots?|scenes?|clips?|of them)"
    r"|everywhere|throughout|everything|all over|(?:the\s+)?(?:whole|entire)\s+(?:film|movie|thing|video))\b",
    re.I,
)
_THIS = re.compile(r"\b(?:in\s+)?(?:this|that|the same)\s+(?:shot|one|scene)\b", re.I)
_LIKE = re.compile(r"\b(?:the|every|all|all the)\s+((?:[a-z-]+\s+){1,2}?)(?:shots?|scenes?)\b", re.I)
_SHOWING = re.compile(
    r"\bthe\s+(?:shots?|scenes?)\s+((?:with|of|in|at|on|over|by)\s+(?:an?\s+|the\s+)?[a-z]+)(\s+[a-z]+)?\b", re.I
)
_BARE = re.compile(rf"(?<![\w.])(?:the\s+)?({_LIST}|{_ORDINAL})\b", re.I)
TOKEN = r"⟨(\d+)⟩"


class Tagged(NamedTuple):
    """A text in which every mention of shots became a token ⟨n⟩, and what the tokens mean."""

    text: str
    meant: tuple[tuple[str, ...], ...]
    """Shot ids by token."""
    missing: tuple[str, ...]
    """Mentions of shots that the storyboard does not have."""
    everything: bool
    """One mention meant the whole film."""

    @property
    def ids(self) -> tuple[str, ...]:
        """All shots named, in order of mention."""
        return tuple(dict.fromkeys(id for ids in self.meant for id in ids))

    @property
    def rest(self) -> str:
        """The text without its mentions of shots."""
        return " ".join(re.sub(rf"(?:\b(?:in|for|of|from|on|to)\s+)?{TOKEN}", " ", self.text).split())


def tag(text: str, board: Storyboard, focus: Sequence[str] = (), bare: bool = False) -> Tagged:
    """Finds the shots that `text` names; `bare` numbers count too ("swap 2 and 3"). `focus` is "this shot"."""
    order = [shot.id for shot in board.shots]
    meant: list[tuple[str, ...]] = []
    missing: list[str] = []
    everything = False

    def put(ids: Sequence[str]) -> str:
        meant.append(tuple(ids))
        return f" ⟨{len(meant) - 1}⟩ "

    def at(said: str, places: Sequence[int]) -> str:
        wrong = [place for place in places if not 1 <= place <= len(order)]
        if wrong:
            missing.append(said.strip())
        return put([order[place - 1] for place in places if 1 <= place <= len(order)])

    def by_id(match: re.Match[str]) -> str:
        if match[1].lower() in order:
            return put([match[1].lower()])
        missing.append(match[0].strip())
        return put([])

    def everyone(_: re.Match[str]) -> str:
        nonlocal everything
        everything = True
        return put(order)

    def described(match: re.Match[str]) -> str:
        found = showing(match[1].strip(), board)
        return put(found) if found else match[0]

    def shown(match: re.Match[str]) -> str:
        more = match[2] or ""
        if found := showing(match[1], board):
            return put(found) + more
        found = showing(match[1] + more, board)
        return put(found) if found else match[0]

    text = _ID.sub(by_id, text)
    text = _ALL.sub(everyone, text)
    text = _NUMBERED.sub(lambda match: at(match[0], numbers(match[1])), text)
    text = _RANKED.sub(lambda match: at(match[0], ranks(match[1], match[2], len(order))), text)
    if focus:
        text = _THIS.sub(lambda _: put([id for id in focus if id in order]), text)
    text = _LIKE.sub(described, text)
    text = _SHOWING.sub(shown, text)
    if bare:
        text = re.sub(
            rf"{TOKEN}|{_BARE.pattern}",
            lambda match: match[0] if match[1] else at(match[0], _bare(match[2], len(order))),
            text,
            flags=re.I,
        )
    return Tagged(text, tuple(meant), tuple(missing), everything)


def _bare(said: str, count: int) -> list[int]:
    return ranks(said, None, count) if re.fullmatch(_ORDINAL, said.strip(), re.I) else numbers(said)


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


def showing(said: str, board: Storyboard) -> list[str]:
    """Ids of the shots that "night", "sea" or "with the red ball" describes; none when it describes no shot."""
    plain = said.lower()
    time = time_of(plain if " " in plain else f"at {plain}")
    setting = setting_of(plain) or setting_of(f"in the {plain}")
    kinds = {singular(word) for word in re.findall(r"[a-z]+", plain)}
    people = {one.id for one in board.cast if one.kind in kinds and (one.color in kinds or not _hued(kinds, board))}
    found = []
    for shot in board.shots:
        seen = people & {one.who for one in shot.cast}
        if (time and shot.time == time) or (setting and shot.setting == setting and not people) or seen:
            found.append(shot.id)
    return found


def _hued(kinds: set[str], board: Storyboard) -> bool:
    return bool(kinds & {one.color for one in board.cast if one.color})
