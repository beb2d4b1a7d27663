"""Which shots of a storyboard a text names: "shot 2", "the last two shots", "the night shots", "all but the first"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from kinograph.agents.english.counting import LIST, MANY, NUMBERS, ORDINAL, numbers, places, ranks
from kinograph.agents.english.lexicon import singular
from kinograph.agents.english.whereabouts import setting_of, time_of
from kinograph.film import Storyboard

NOUN = r"(?:shots?|scenes?|clips?)"
_ID = re.compile(r"\b(?:shots?\s+)?(s\d+\.\d+)\b", re.I)
_NUMBERED = re.compile(rf"\b(?:the\s+)?(?:{NOUN}|number)\s*(?:#|nos?\.?|nr\.?|numbers?)?\s*({NUMBERS})", re.I)
_RANKED = re.compile(
    rf"(?<!\ba )(?<!\ban )(?<!\bnew )(?:\bthe\s+)?\b({ORDINAL}(?:\s*(?:,|and|&)\s*(?:the\s+)?{ORDINAL})*)"
    rf"(?:\s+({MANY}))?\s+(?:{NOUN}|ones?)\b",
    re.I,
)
_ALL = re.compile(
    rf"\b(?:in\s+|of\s+)?(?:(?:all|every|each|both)\s+(?:of\s+)?(?:the\s+)?(?:single\s+)?(?:{NOUN}|of them)"
    r"|all(?=\s+(?:but|except)\b)|everywhere|throughout|everything|all over"
    r"|(?:the\s+)?(?:whole|entire)\s+(?:film|movie|thing|video|story))\b",
    re.I,
)
_OTHERS = re.compile(
    rf"\b(?:in\s+)?(?:(?:all\s+)?(?:the\s+)?(?:other|remaining)\s+(?:{NOUN}|ones?)|(?:all\s+)?the\s+others"
    rf"|(?:everything|everywhere|all)\s+else|the\s+rest(?:\s+of\s+(?:the\s+)?(?:{NOUN}|film|movie|video|story))?)\b",
    re.I,
)
_THIS = re.compile(r"\b(?:in\s+)?(?:this|that|the same)\s+(?:shot|one|scene)\b", re.I)
_THE = re.compile(r"\b(?:in\s+)?the\s+(?:shot|scene|clip)\b", re.I)
_THEM = re.compile(r"\b(?:in\s+|of\s+)?(?:the|these|those|my|our)\s+(?:shots|scenes|clips)\b", re.I)
_LIKE = re.compile(r"\b(?:the|every|all|all the)\s+((?:[a-z-]+\s+){1,2}?)(?:shots?|scenes?)\b", re.I)
_SHOWING = re.compile(
    r"\bthe\s+(?:shots?|scenes?)\s+((?:with|of|in|at|on|over|by)\s+(?:an?\s+|the\s+)?[a-z]+)(\s+[a-z]+)?\b", re.I
)
_SAID_OF = r"(?:should|shall|must|(?:needs?|has|have) to|takes?|is|are|happens?|plays?|looks?|feels?|was)"
_FOLLOWS = (
    rf"(?=\s*$|\s*[,:]|\s+{_SAID_OF}\b"
    r"|\s+(?:at|in|into|to|by|on|as|an?|night|day|dawn|sunset|dusk|much|more|less|\w+er)\b)"
)
_HALF = re.compile(
    r"\b(?:in\s+)?the\s+(first|second|last)\s+half(?:\s+of\s+(?:the\s+)?(?:film|movie|video|story))?\b", re.I
)
_EDGE = re.compile(
    rf"\b(?:in\s+|of\s+)?the\s+(?:very\s+)?(?P<named>opening|ending){_FOLLOWS}"
    r"|(?:^|(?<=\bmake )|(?<=\bset )|(?<=\bput )|(?<=\bmove )|(?<=\bchange )|(?<=\blet ))"
    rf"the\s+(?:very\s+)?(?P<part>beginning|start|end){_FOLLOWS}"
    r"|^(?:at|in)\s+the\s+(?:very\s+)?(?P<at>beginning|start|end)\b,?(?=.*\b(?:should|must|make|needs? to)\b)"
    r"|^(?:let\s+)?(?:the\s+(?:film|movie|video|story)\s+|it\s+)?(?:should\s+|must\s+|has to\s+)?"
    r"(?P<runs>start|begin|open|end|close|finish)(?:e?s)?(?=\s+(?:in|at|by)\s+(?!\d|on\b|\w+ing\b))",
    re.I,
)
_LED = re.compile(
    rf"^(?:(?:in|for)\s+)?(?:the\s+({ORDINAL})(?:\s+({MANY}))?|((?=\d){LIST}))"
    rf"(?=\s*:|\s+{_SAID_OF.replace('takes?', 'takes?(?= place)')}\b|\s+(?:at|by|in|into)\b"
    r"|\s+(?:night|day|dawn|sunset|dusk)\W*$)"
    r"|^in\s+((?=\d)" + LIST + r")(?=\s*,|\s+(?:the|it|make|we)\b)",
    re.I,
)
_BARE = re.compile(rf"(?<![\w.])(?:the\s+)?({LIST}|{ORDINAL})\b", re.I)
TOKEN = r"⟨(\d+)⟩"
_ONWARD = re.compile(
    rf"\b(?:from|starting (?:with|from|at|in)|beginning with)\s+{TOKEN}\s*"
    r"(?:on(?:wards?)?\b|forward\b|to the (?:very )?end\b)"
    rf"|\b(?:up to|until)\s+{TOKEN}",
    re.I,
)
"""From shot 3 on, up to shot 2."""
_LEFT_OUT = re.compile(
    r"(?:\b(?:except(?:ing)?|excluding|apart from|other than|save for|besides|(?:but\s+|and\s+)?not)|(?<=⟩)\s*,?\s*but)"
    rf"(?:\s+for)?(?:\s+in)?\s+(?:{TOKEN}|(?:the\s+)?({ORDINAL}|{LIST})(?:\s+({MANY}))?)",
    re.I,
)
_NOT_ONLY = re.compile(rf"\bnot\s+(?:only|just)(?:\s+in)?\s+{TOKEN}", re.I)


class Tagged(NamedTuple):
    """A text in which every mention of shots became a token ⟨n⟩, and what the tokens mean."""

    text: str
    meant: tuple[tuple[str, ...], ...]
    """Shot ids by token."""
    ids: tuple[str, ...]
    """All shots named, in order of mention; "everything in shot 2" names shot 2, "all but shot 2" the others."""
    missing: tuple[str, ...]
    """Mentions of shots that the storyboard does not have."""
    everything: bool
    """The whole film is meant, and no shots of it in particular."""
    unknown: str
    """The first mention of shots of which nobody can say what they are: "the others" of nothing; "" for none."""

    @property
    def rest(self) -> str:
        """The text without its mentions of shots."""
        return " ".join(re.sub(rf"(?:\b(?:in|for|of|from|on|to)\s+)?{TOKEN}", " ", self.text).split())


def tag(text: str, board: Storyboard, focus: Sequence[str] = (), bare: bool = False) -> Tagged:
    """Finds the shots that `text` names; `bare` numbers count too ("swap 2 and 3"). `focus` is "this shot"."""
    return _Tagging(board, [id for id in focus if any(shot.id == id for shot in board.shots)]).read(text, bare)


def only_names(text: str) -> bool:
    """Whether a text names shots and says nothing of them: "in the second one", "shot 1", "make shot 1"."""
    plain = _BARE.sub("⟨⟩", _RANKED.sub("⟨⟩", _NUMBERED.sub("⟨⟩", text)))
    words = re.sub(r"⟨⟩|[,:&\s]+|\b(?:in|for|on|at|during|after|before|following|between|and|both|the)\b", "", plain)
    return "⟨⟩" in plain and not words


def names(text: str) -> bool:
    """Whether a text names shots by number or rank, or means all of them."""
    return bool(_NUMBERED.search(text) or _RANKED.search(text) or _ALL.search(text) or _OTHERS.search(text))


def heading(text: str) -> str:
    """The mention of shots that a text begins with, ready to be put before another: "in shot 2 "."""
    match = re.match(
        rf"(?:in|for|during|on)\s+(?:{_NUMBERED.pattern}|{_RANKED.pattern})|{_NUMBERED.pattern}\s*:", text, re.I
    )
    return f"{match[0]} " if match else ""


def ending(text: str) -> str:
    """The mention of shots that a text ends with, ready to be put after another: " in shot 2"."""
    match = re.search(rf"\s(?:in|for|during)\s+(?:{_NUMBERED.pattern}|{_RANKED.pattern})\W*$", text, re.I)
    return match[0].rstrip(" .,!") if match else ""


class _Tagging:
    """One reading of a text over a storyboard."""

    def __init__(self, board: Storyboard, focus: Sequence[str]) -> None:
        self.board, self.focus = board, focus
        self.order = [shot.id for shot in board.shots]
        self.meant: list[tuple[str, ...]] = []
        self.missing: list[str] = []
        self.wide: set[int] = set()
        """Tokens that mean the whole film."""
        self.others: dict[int, str] = {}
        """Tokens that mean all that is not named."""

    def read(self, text: str, bare: bool) -> Tagged:
        text = _ID.sub(self._id, text)
        text = _OTHERS.sub(self._other, text)
        text = _ALL.sub(self._everyone, text)
        text = _NUMBERED.sub(lambda match: self._at(match[0], numbers(match[1])), text)
        text = _RANKED.sub(lambda match: self._at(match[0], ranks(match[1], match[2], len(self.order))), text)
        text = _ONWARD.sub(self._onward, text)
        text = _HALF.sub(self._half, text)
        text = _EDGE.sub(self._edge, text)
        text = _LED.sub(self._led, text)
        if self.focus:
            text = _THIS.sub(lambda _: self._put(self.focus), text)
        text = _SHOWING.sub(self._shown, _LIKE.sub(self._described, text))
        if self.focus or len(self.order) == 1:
            text = _THE.sub(lambda _: self._put(self.focus or self.order), text)
        text = _THEM.sub(self._everyone, text)
        if bare:
            text = re.sub(rf"{TOKEN}|{_BARE.pattern}", self._bare, text, flags=re.I)
        return self._settled(text)

    def _settled(self, text: str) -> Tagged:
        """What is meant once exceptions and "the others" are known."""
        dropped: list[str] = []

        def left_out(match: re.Match[str]) -> str:
            found = self.meant[int(match[1])] if match[1] else self._places(match)
            dropped.extend(found)
            if match[1]:
                self.meant[int(match[1])] = ()
            return " "

        def not_only(match: re.Match[str]) -> str:
            self.meant[int(match[1])] = ()
            return " "

        text = _LEFT_OUT.sub(left_out, _NOT_ONLY.sub(not_only, text))
        sure = [n for n in range(len(self.meant)) if n not in self.wide and n not in self.others]
        named = [id for n in sure for id in self.meant[n]]
        unknown = ""
        for n, said in self.others.items():
            but = named or self.focus
            self.meant[n] = tuple(id for id in self.order if id not in but) if but else ()
            unknown = unknown or ("" if but else said)
        ids = dict.fromkeys(id for n, found in enumerate(self.meant) if n not in self.wide for id in found)
        if dropped:
            ids = dict.fromkeys(id for id in ids or self.order if id not in dropped)
        everything = bool(self.wide) and not ids and not dropped
        whole = tuple(ids) or (tuple(self.order) if everything else ())
        return Tagged(text, tuple(self.meant), whole, tuple(self.missing), everything, unknown)

    def _put(self, ids: Sequence[str]) -> str:
        self.meant.append(tuple(ids))
        return f" ⟨{len(self.meant) - 1}⟩ "

    def _at(self, said: str, places: Sequence[int]) -> str:
        if any(not 1 <= place <= len(self.order) for place in places):
            self.missing.append(said.strip())
        return self._put([self.order[place - 1] for place in places if 1 <= place <= len(self.order)])

    def _places(self, match: re.Match[str]) -> tuple[str, ...]:
        found = ranks(match[2], match[3], len(self.order)) if match[3] else places(match[2], len(self.order))
        self._at(match[2], found)
        return self.meant.pop()

    def _id(self, match: re.Match[str]) -> str:
        if match[1].lower() in self.order:
            return self._put([match[1].lower()])
        self.missing.append(match[0].strip())
        return self._put([])

    def _everyone(self, _: re.Match[str]) -> str:
        self.wide.add(len(self.meant))
        return self._put(self.order)

    def _other(self, match: re.Match[str]) -> str:
        self.others[len(self.meant)] = match[0].strip()
        return self._put([])

    def _onward(self, match: re.Match[str]) -> str:
        """From one shot to the last, or from the first to one."""
        found = self.meant[int(match[1] or match[2])]
        if found and match[1]:
            self.meant[int(match[1])] = tuple(self.order[self.order.index(found[0]) :])
        elif found:
            self.meant[int(match[2])] = tuple(self.order[: self.order.index(found[-1]) + 1])
        return f" ⟨{match[1] or match[2]}⟩ "

    def _half(self, match: re.Match[str]) -> str:
        middle = (len(self.order) + 1) // 2
        return self._put(self.order[:middle] if match[1].lower() == "first" else self.order[middle:])

    def _led(self, match: re.Match[str]) -> str:
        count = len(self.order)
        said = ranks(match[1], match[2], count) if match[1] else numbers(match[3] or match[4])
        return self._at(match[0], said)

    def _edge(self, match: re.Match[str]) -> str:
        said = next(value for value in match.groups() if value).lower()
        return self._put([self.order[-1 if said in ("ending", "end", "close", "finish") else 0]])

    def _described(self, match: re.Match[str]) -> str:
        found = showing(match[1].strip(), self.board)
        return self._put(found) if found else match[0]

    def _shown(self, match: re.Match[str]) -> str:
        more = match[2] or ""
        if found := showing(match[1], self.board):
            return self._put(found) + more
        found = showing(match[1] + more, self.board)
        return self._put(found) if found else match[0]

    def _bare(self, match: re.Match[str]) -> str:
        return match[0] if match[1] else self._at(match[0], places(match[2], len(self.order)))


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
