"""How a text says that one shot gives way to the next: "dissolve to", "without a cut", "smooth transitions"."""

from __future__ import annotations

import re
from typing import Literal

from kinograph.agents.english.camera import Remark, masked

Join = Literal["into", "onward", "all", "none"]
"""The shot that it stands in comes out of the one before; it leads over to the next; so do all; all are cut to."""

_TURN = r"(?:(?:cross-?)?(?:dissolv|merg|cross-?fad)(?:es?|ing)|(?:morph|blend|melt|flow|transition)(?:s|ing)?)"
_SOFTLY = r"(?:(?:slowly|smoothly|gently|softly|seamlessly|gradually|then) )*"
_PICTURE = (
    r"(?:(?:the|this|that|our|whole) )+(?:scene|shot|picture|image|view|frame|screen|film|movie|day|night|morning"
    r"|evening|dawn|sunset|landscape|background)"
)
_OVER = (
    r"(?:go(?:es)?|going|pass(?:es|ing)?|lead(?:s|ing)?|mov(?:es?|ing)|chang(?:es?|ing)|turn(?:s|ing)?|glid(?:es?|ing))"
)
_NEXT = r"(?:the |a |its )?(?:next|following) (?:shot|scene|one|picture|image|part)"
_SMOOTH = r"(?:smooth|seamless|soft|gentle|gradual|flowing|continuous|fluid|dissolve|cross-?fade|morphing|invisible)"
_UNCUT = r"(?:without (?:a|any) (?:visible |hard )?cuts?|without cutting)"
_PATTERNS: tuple[tuple[Join, str], ...] = (
    ("none", r"\b(?:hard|straight|plain|clean|simple|quick|sharp|jump)[- ]cuts?(?: only)?\b(?! to\b)"),
    ("none", rf"\b(?:no|without(?: any)?) (?:{_SMOOTH} )?(?:transitions|dissolves|cross-?fades|morphs|fades)\b"),
    (
        "all",
        rf"\b(?:with |use |using |have |make |keep )?(?:the )?(?:all )?{_SMOOTH} (?:transitions|joins)"
        r"(?: (?:between|from|throughout|everywhere)\b[^.;,!?\n]*)?",
    ),
    (
        "all",
        r"\b(?:with |use |using )?(?:slow |soft |long )?(?:dissolves|cross-?(?:dissolves|fades)|morphs)"
        r" (?:between|from|throughout)\b[^.;,!?\n]*",
    ),
    (
        "all",
        rf"\b(?:all |the |let (?:all )?the |every )?(?:shots?|scenes?|pictures?|everything|it all)"
        rf"(?: (?:should|must|shall|to|will|all))* {_SOFTLY}{_TURN} {_SOFTLY}(?:in)?to"
        r" (?:each other|one another|the next)(?: (?:shot|scene|one))?",
    ),
    ("all", r"\b(?:no|without(?: any)?) (?:visible |hard )?cuts\b"),
    ("all", r"\b(?:in|as) (?:a|one) (?:single |long )?(?:continuous |unbroken |uncut )+(?:take|shot|flow|movement)\b"),
    (
        "onward",
        rf"[,;–—-]?\s*\b(?:(?:and|which|that|it) )*(?:{_PICTURE} )?{_SOFTLY}(?:{_TURN}|(?:smoothly |seamlessly ){_OVER}"
        rf"|{_OVER} (?:smoothly|seamlessly)) {_SOFTLY}(?:over )?(?:in)?to {_NEXT}",
    ),
    ("into", rf"\b{_UNCUT},?"),
    (
        "into",
        rf"[,;–—]?\s*\b(?:(?:and|then|as|while|until) )*{_PICTURE} {_SOFTLY}{_TURN} {_SOFTLY}(?:over )?(?:in)?to\b:?",
    ),
    (
        "into",
        r"\s*[,;–—]\s*(?:(?:and|then) )?(?:smoothly|seamlessly) (?:dissolving|morphing|blending|cross-?fading|merging)"
        r" (?:over )?(?:in)?to\b",
    ),
    ("into", rf"\b(?:it all|everything) {_SOFTLY}{_TURN} {_SOFTLY}(?:over )?into\b:?"),
    (
        "into",
        rf"(?:^|(?<=[.!?;:\n]))\s*(?:(?:and|then|next|now),? )*{_SOFTLY}(?:a )?(?:slow |smooth |soft |gentle |match )*"
        rf"(?:(?:cross-?)?dissolve|morph|blend|cross-?fade|transition) {_SOFTLY}(?:over )?(?:in)?to\b:?",
    ),
    (
        "into",
        rf"(?:^|(?<=[.!?;:\n]))\s*(?:(?:and|then|next|now),? )*(?:(?:we|it|this|that|{_PICTURE}) )?"
        rf"(?:(?:smoothly|seamlessly),? {_OVER}|{_OVER} (?:smoothly|seamlessly)) (?:over )?(?:in)?to\b:?",
    ),
    ("into", r"\b(?:smooth|seamless)(?:ly)?(?: transition)?(?:,? (?:over )?(?:in)?to)?:(?=\s)"),
)  # fmt: skip
_ALL = tuple((join, re.compile(pattern, re.I)) for join, pattern in _PATTERNS)
_ANY = re.compile(r"dissol|morph|blend|melt|flow|merg|transition|fad|smooth|seamless|cut|continu|unbroken|break", re.I)


def joins(text: str) -> list[Remark]:
    """Every stretch that says how shots give way to each other, in order; its value is a `Join`.

    Somebody who dissolves, melts or moves smoothly is story: "the ice melts into water" says nothing of a transition.
    """
    found: list[Remark] = []
    if not _ANY.search(text):
        return found
    rest = text
    for join, pattern in _ALL:
        spans = [(match.end() - len(match[0].lstrip()), match.end()) for match in pattern.finditer(rest)]
        new = [Remark(*span, join) for span in spans if all(span[1] <= o.start or o.end <= span[0] for o in found)]
        rest = masked(rest, new) if new else rest
        found += new
    return sorted(found, key=lambda remark: remark.start)


def pieces(text: str) -> list[str]:
    """`text` cut where one picture turns into another: before "the scene dissolves into", after "to the next shot"."""
    edges = [0]
    for remark in joins(text):
        turns = remark.value == "into" and not re.match(_UNCUT, text[remark.start :].lstrip(), re.I)
        edges += [remark.start] if turns else [remark.end] if remark.value == "onward" else []
    parts = [text[start:end] for start, end in zip(edges, [*edges[1:], len(text)], strict=True)]
    return [part for part in parts if any(map(str.isalnum, part))] or [text]
