"""What a text asks to be done with a film: approval, undoing, lengths, moods, titles."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from kinograph.agents.english.camera import masked
from kinograph.agents.english.counting import CARDINALS, ORDINALS, number
from kinograph.agents.english.lexicon import lexicon
from kinograph.agents.english.wishes import lengths
from kinograph.agents.english.words import words

Answer = Literal["yes", "no"]
_YES = re.compile(
    r"(?:(?:yes|yep|yeah|yup|y|ok|okay|sure|please|go|go ahead|go on|go for it|continue|do it|do that|do"
    r"|(?:now )?render(?: (?:it|this|that|the film|them))?|film (?:it|this)|shoot(?: it)?|start|approved?"
    r"|(?:it |that |this )?looks? (?:good|great|fine|perfect)"
    r"|perfect|great|good|fine|nice|lovely|make it so|make the film|let's go"
    r"|that's (?:it|good|fine|right|perfect)|i like it|all good|now)[\s,.!]*)+",
    re.I,
)
_NO = re.compile(
    r"(?:(?:no|nope|nah|n|not yet|not now|wait|stop|hold on|don't(?: render)?(?: it)?|do not|cancel|never ?mind"
    r"|thanks?|thank you)[\s,.!]*)+",
    re.I,
)
_POLITE = re.compile(
    r"^(?:(?:please|ok(?:ay)?|now|also|just|maybe|perhaps|hmm+|hm|well|but|so|and|(?:yes|yeah|no)(?=,)|actually"
    r"|could you|can you|can we|could we|would you|you (?:can|could|may)"
    r"|i(?:'d| would)? (?:want|like|prefer)(?: you)?(?: to)?|i want|let'?s|we should"
    r"|you should|i think)\b[,\s]*)+",
    re.I,
)
VERBS = (
    r"(?:make|remove|delete|drop|swap|switch|add|insert|move|change|set|use|put|turn|let|keep|undo|redo|revert|give"
    r"|zoom|pan|tilt|replace|call|rename|title|shorten|lengthen|extend|slow|speed|render|retry|reverse|recolou?r"
    r"|paint|leave out|take out|get rid of|end with|start with|begin with|reorder|have)"
)
_HERE = re.compile(r"\b(?:i|i'[a-z]+|me|my|mine|we|we'[a-z]+|us|you|your)\b", re.I)
_SET_PHRASE = re.compile(
    r"(?:undo|redo)(?: \d{1,3}(?: times)?)?|go back to version \S+|use take \d+ of shot \d+|seed \d+", re.I
)
"""Words that mean one thing, as commands such as /undo and /keep put it."""
_STEPS = rf"\b(twice|thrice|\d{{1,2}}|{'|'.join(CARDINALS)})\b"
_VERSION = (
    rf"(?:version\s*#?\s*(?P<after>\d+|[\w-]+)|v\.?\s?(?P<short>\d+)|(?P<ranked>{'|'.join(ORDINALS)}|original|last)"
    r" version)"
)
_VISIT = re.compile(
    rf"^(?:go|get|come|switch|return|back|revert|restore|branch|start|take me|use|open)?\s*(?:again\s+|over\s+|off\s+)?"
    rf"(?:back\s+)?(?:to|from)?\s*(?:the\s+)?{_VERSION}(?:\s+again)?$",
    re.I,
)
_UNDO = re.compile(
    r"^(?:undo|(?:take|put|change|turn|set) (?:that|it|everything) back(?! in| to an?\b)|revert"
    r"|go back|step back|back)\b(?!\s+to\b|\s+and\b)(?:.*)$|^never ?mind,? undo",
    re.I,
)
_REDO = re.compile(r"^redo(?:\s+(?:it|that|the (?:last )?(?:change|edit)s?|\d+|twice|everything))?$", re.I)
_TITLE = re.compile(
    r"^(?:(?:call|name|rename|title)\s+(?:it|this|the (?:film|movie))\s*(?:to|as|:)?\s+|(?:the\s+)?title\s*"
    r"(?:is|should be|to|:|=)\s*|change the title to\s+|set the title to\s+)[\"“']?(?P<title>.+?)[\"”']?$",
    re.I,
)
_SEED = re.compile(r"\bseed\s*(?:number|no\.?|=|:|to|of|is)?\s*(\d{1,10})\b", re.I)


class Span(NamedTuple):
    """How a length changes: exactly one of the three is given."""

    seconds: float | None = None
    plus: float | None = None
    times: float | None = None


def answer(text: str) -> Answer | None:
    """Whether the whole text is a yes or a no."""
    plain = " ".join(text[:200].lower().replace("’", "'").split())
    return "yes" if _YES.fullmatch(plain) else "no" if _NO.fullmatch(plain) else None


def settled(text: str) -> bool:
    """Whether the whole text is a yes, a no or a set phrase: nothing that needs to be thought about."""
    return answer(text) is not None or bool(_SET_PHRASE.fullmatch(" ".join(text.split())))


def plainly(piece: str) -> str:
    """An order without its politeness."""
    return _POLITE.sub("", piece).removesuffix(" please").strip(" ,.!")


def undone(piece: str) -> int:
    """How many steps to undo; 0 when the piece says nothing of it."""
    return _steps(piece) if _UNDO.match(piece) else 0


def redone(piece: str) -> int:
    """How many steps to redo; 0 when the piece says nothing of it."""
    return _steps(piece) if _REDO.match(piece) else 0


def _steps(piece: str) -> int:
    said = re.search(_STEPS, piece, re.I)
    if said is None:
        return max(1, len(re.findall(r"\b(?:undo|redo)\b", piece, re.I)))
    word = said[1].lower()
    return {"twice": 2, "thrice": 3}.get(word) or max(1, number(word))


def visited(piece: str, named: tuple[str, ...]) -> str | None:
    """The version to go to, as its number or one of the names in use."""
    if found := re.fullmatch(r"(?:go |switch |return )?(?:back )?to (?:the )?[\"“']?(.+?)[\"”']?", piece, re.I):
        for name in named:
            if found[1].lower() in (name.lower(), f"version {name}".lower()):
                return name
    match = _VISIT.match(piece)
    if match is None:
        return None
    if match["ranked"]:
        rank = match["ranked"].lower()
        return "1" if rank == "original" else "last" if rank == "last" else str(number(rank))
    return match["short"] or match["after"]


def title(piece: str) -> str | None:
    """The title that a piece gives the film."""
    match = _TITLE.match(piece)
    return match["title"].strip()[:80] if match else None


def seed(piece: str) -> int | None:
    """The seed that a piece names, 0 to 4294967295."""
    match = _SEED.search(piece)
    return int(match[1]) if match and int(match[1]) < 2**32 else None


# ------------------------------------------------------------------------------------------- length

_MORE = r"(?:longer|more|extra)"
_LESS = r"(?:shorter|less|fewer)"
_BY = re.compile(
    rf"(?P<up>\b{_MORE}\b|\b(?:extend|lengthen|stretch|prolong)\b|\badd(?=\s+[\w.]+\s+(?:seconds?|secs?|s)\b))"
    rf"|(?P<down>\b{_LESS}\b|\b(?:shorten|trim|cut)\b|\boff\b)",
    re.I,
)
_TIMES: tuple[tuple[str, float], ...] = (
    (
        r"\b(?:half as long|half (?:the|its) length|halve|half as slow|twice as (?:fast|quick|short)|double speed)\b",
        0.5,
    ),
    (r"\b(?:twice as (?:long|slow)|double (?:the|its) length|double as long|half (?:as fast|speed)|double)\b", 2.0),
    (r"\b(?:three times as (?:long|slow)|triple)\b", 3.0),
)
_PACE = re.compile(
    r"(?P<much>\b(?:much|a lot|far|way)\s+)?(?P<bit>\b(?:a (?:bit|little|touch)|slightly|somewhat)\s+)?"
    r"\b(?:(?P<long>slower|longer|slow(?: \w+){0,4}? down|slow down|stretch (?:it|them)|lengthen)"
    r"|(?P<short>faster|quicker|shorter|speed(?: \w+){0,4}? up|speed up|hurry up|shorten))\b",
    re.I,
)


_TOO = re.compile(r"\btoo (?:(?P<short>fast|quick|short|hasty|rushed|hectic)|long|slow|lengthy)\b", re.I)


def span(text: str) -> Span | None:
    """How `text` changes a length: "two seconds longer", "5 seconds", "twice as long", "slower"."""
    told = [remark for remark in lengths(_spelled(text)) if isinstance(remark.value, float)]
    if told:
        seconds = float(told[0].value or 0.0)
        way = _BY.search(text)
        if way is None or re.search(r"\b(?:to|exactly)\s+[\w.]+\s*-?(?:seconds?|secs?|s)\b", text, re.I):
            return Span(seconds=seconds)
        return Span(plus=seconds if way["up"] else -seconds)
    text = _TOO.sub(lambda match: "slower" if match["short"] else "faster", text)
    for pattern, times in _TIMES:
        if re.search(pattern, text, re.I):
            return Span(times=times)
    if (pace := _PACE.search(text)) is None:
        return None
    slow, fast = (1.5, 0.667) if pace["much"] else (1.1, 0.9) if pace["bit"] else (1.25, 0.8)
    return Span(times=slow if pace["long"] else fast)


def timeless(text: str) -> str:
    """`text` without its words about length."""
    plain = _TOO.sub(" ", masked(_spelled(text), lengths(_spelled(text))))
    for pattern in (*(pattern for pattern, _ in _TIMES), _PACE.pattern, _BY.pattern):
        plain = re.sub(pattern, " ", plain, flags=re.I)
    return " ".join(plain.split())


def _spelled(text: str) -> str:
    """ "a second longer" and "half a second" as counts that are read as lengths."""
    plain = re.sub(r"\bhalf a second\b", "0.5 seconds", text, flags=re.I)
    plain = re.sub(r"\b(?:a|one more|another) second\b", "1 seconds", plain, flags=re.I)
    return re.sub(r"\b(\w+) (?:more|extra) (seconds?)\b", r"\1 \2", plain, flags=re.I)


# --------------------------------------------------------------------------------------------- mood


class Moods(NamedTuple):
    """Mood words to gain and to lose."""

    more: tuple[str, ...]
    less: tuple[str, ...]

    def of(self, mood: str) -> str:
        """A shot's mood after the change."""
        had = [word.strip() for word in mood.split(",") if word.strip()]
        against = {other for word in self.more for other in _against(word)} | set(self.less)
        kept = [word for word in had if word not in against and word not in self.more]
        return ", ".join([*kept, *self.more])


def moods(text: str) -> Moods | None:
    """The mood that a text asks for: "warmer", "more dramatic", "less gloomy", "a calm mood"."""
    known = lexicon().group("moods", "words")
    more: list[str] = []
    less: list[str] = []
    before = ""
    for word in words(text):
        lower = word.lower
        plain = lower if lower in known else _positive(lower, known)
        if plain and before == "too":
            less.append(plain)
            more += sorted(_against(plain))[:1]
        elif plain:
            (less if before in ("less", "not", "no", "without") else more).append(plain)
        before = lower if lower not in ("so", "as", "be") else before
    return Moods(tuple(dict.fromkeys(more)), tuple(dict.fromkeys(less))) if more or less else None


def _positive(lower: str, known: frozenset[str]) -> str | None:
    """The mood of a comparative: "sunnier" is sunny."""
    if lower == "cooler":
        return "cold"
    if not lower.endswith("er") or len(lower) < 5:
        return None
    root = lower[:-2]
    forms = (root, f"{root}e", f"{root[:-1]}y" if root.endswith("i") else "", root[:-1] if root[-1] == root[-2] else "")
    return next((form for form in forms if form in known), None)


def _against(mood: str) -> set[str]:
    """Moods that cannot be together with this one."""
    pairs = lexicon().data["moods"]["opposites"]
    return {two if mood == one else one for one, two in pairs if mood in (one, two)}


def aside(piece: str) -> bool:
    """Whether a piece tells what somebody here thinks, and orders nothing: "I never warmed to her"."""
    return bool(_HERE.search(piece)) and not imperative(piece)


def imperative(piece: str) -> bool:
    """Whether a piece orders a change rather than tells a story."""
    ordered = re.match(rf"{VERBS}\b|(?:less|more|without)\b", piece, re.I)
    asked = re.search(
        r"\b(?:should|shall|must|needs? to|has to|have to|ought to|can be|instead|could be|could)\b"
        r"|\b(?:is|are|looks?|feels?) (?:\w+ ){0,3}too\b",
        piece,
        re.I,
    )
    return bool(ordered or asked)


def listed_order(piece: str) -> bool:
    """ "the order should be 3, 1, 2", "reorder: 3 1 2"."""
    return bool(re.search(r"\b(?:re-?order|re-?arrange|order|sequence)\b", piece, re.I))
