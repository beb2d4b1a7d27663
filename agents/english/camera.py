"""What a brief says about the camera."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from kinograph.film import Camera

_HOW = (
    r"(?:\s+(?:[a-z]+ly|then|now|again|is|are|be|been|will|should|can|must|starts?|begins?|to|just|very"
    r"|so|ever|a|little|bit"
    r"|and|right|all|perfectly|also|us|more|the|way|lens|our|gaze|focus|camera|there|still|over|softly|next))"
)
_WHO = (
    rf"(?:\b(?:the|our|a|my|your)\s+)?\b(?:camera|cam|lens|viewpoint|drone shot|view|frame|shot|picture"
    rf"|we|us)\b,?{_HOW}{{0,5}}?\s+"
)
_START = (
    r"(?:^\s*|(?<=[.!?;:,(\n…–—\-])\s*|(?<=\s)(?:and|then|while|with|as|by|in|the|camera:?|now|next"
    r"|finally|followed by|please|please do)\s+)"
    r"(?:and\s+|then\s+|now\s+|with\s+|do\s+|finally,?\s+|next,?\s+)?(?:a\s+|an\s+|the\s+)?"
    r"(?:(?:[a-z]+ly|slow|quick|fast|gentle|smooth|soft|steady|gradual|subtle|long|sudden|dramatic"
    r"|short|final|very|camera)\s+){0,3}"
)
_LEFT = r"(?:to(?:wards?)? (?:the )?|right[- ]to[- ]|from (?:the )?right to (?:the )?)?left(?:wards?)?(?: side)?"
_RIGHT = r"(?:to(?:wards?)? (?:the )?|left[- ]to[- ]|from (?:the )?left to (?:the )?)?right(?:wards?)?(?: side)?"
_UP = r"(?:up(?:wards?)?|skywards?)(?: (?:to|into|towards?) the sky)?"
_DOWN = r"down(?:wards?)?"
_IN = (
    r"(?:right |all the way |slowly |gently |quickly |tightly |even )?(?:in|inwards?|closer|nearer"
    r"|near)(?: (?:tight(?:er)?|close(?:r)?|slowly|gently|more|a little|a bit|fast|quickly))?"
)
_OUT = (
    r"(?:right |all the way |slowly |gently |quickly |far )?(?:out|outwards?|back|away|backwards?)(?: "
    r"(?:slowly|gently|wide|quickly|a little|a bit|further|farther))?"
)
_MID = (
    r"(?:\s+(?:[a-z]+ly|it|him|her|them|the \w+"
    r"|back|once|again|along|over|around|across|a little|a bit|slightly|very|shot"
    r"|move(?:ment)?|on|the shot|the camera))?"
)


def _verb(*stems: str) -> str:
    return "(?:" + "|".join(rf"{stem}(?:{stem[-1]})?(?:e?s|ing|ed|e|ies)?" for stem in stems) + ")"


_ANY_PAN = _verb(
    "pan",
    "sweep",
    "track",
    "swing",
    "mov",
    "slid",
    "drift",
    "turn",
    "truck",
    "glid",
    "travel",
    "shift",
    "go",
    "swivel",
    "follow",
    "float",
    "roll",
    "dolly",
    "rotat",
    "whip",
    "scroll",
    "scan",
    "head",
)
_BARE_PAN = r"(?:(?:whip[- ])?pan(?:s|ning)?|track(?:ing)?|truck(?:ing)?|sweep(?:ing)?|doll(?:y|ying)|swivel)"
_ANY_TILT = _verb(
    "tilt",
    "follow",
    "cran",
    "mov",
    "look",
    "pan",
    "turn",
    "point",
    "go",
    "swing",
    "float",
    "fly",
    "flies",
    "sweep",
    "drift",
    "glid",
    "climb",
    "boom",
    "pedestal",
    "angl",
)
_BARE_TILT = r"(?:tilt(?:s|ing)?|cran(?:e|ing)|pan(?:s|ning)?|boom|pedestal|jib)"
_ANY_IN = _verb(
    "zoom",
    "push",
    "doll",
    "dolly",
    "mov",
    "clos",
    "com",
    "go",
    "track",
    "creep",
    "glid",
    "drift",
    "ease",
    "inch",
    "fly",
    "flies",
    "punch",
    "tighten",
    "get",
    "draw",
    "edg",
    "press",
    "float",
    "slid",
    "ease",
)
_BARE_IN = (
    r"(?:zoom(?:s|ing)?|push(?:ing)?|doll(?:y|ies|ying|ying)|track(?:ing)?|punch(?:ing)?|clos(?:e|ing)"
    r"|creep(?:ing)?)"
)
_ANY_OUT = _verb(
    "zoom",
    "pull",
    "doll",
    "dolly",
    "mov",
    "back",
    "go",
    "track",
    "draw",
    "drift",
    "glid",
    "widen",
    "ease",
    "float",
    "fly",
    "flies",
    "step",
    "retreat",
    "slid",
    "fall",
    "drop",
    "pan",
)
_BARE_OUT = r"(?:zoom(?:s|ing)?|pull(?:ing)?|doll(?:y|ies|ying)|track(?:ing)?|drawing)"
_STILL = (
    r"(?:static|fixed|locked(?:[- ](?:off|down|in place))?|stationary|motionless|still|steady|unmoving"
    r"|immobile|put|in place|where it is|frozen)"
)
_CAMERAS: tuple[tuple[Camera, str], ...] = (
    (
        "zoom in",
        rf"{_WHO}{_ANY_IN}{_MID}\s+{_IN}\b|{_WHO}(?:zooms|tightens|closes|focuses)(?=\s+(?:on|to)\b)",
    ),
    ("zoom out", rf"{_WHO}(?:{_ANY_OUT}{_MID}\s+{_OUT}\b|(?:retreats|widens|withdraws)\b)"),
    ("pan left", rf"{_WHO}{_ANY_PAN}{_MID}\s+{_LEFT}\b"),
    ("pan right", rf"{_WHO}{_ANY_PAN}{_MID}\s+{_RIGHT}\b"),
    ("tilt up", rf"{_WHO}(?:{_ANY_TILT}{_MID}\s+{_UP}\b|(?:rises|ascends|lifts|climbs|rising|goes up)\b)"),
    (
        "tilt down",
        rf"{_WHO}(?:{_ANY_TILT}{_MID}\s+{_DOWN}\b|(?:descends|lowers|sinks|drops|descending|lowering)\b)",
    ),
    (
        "static",
        rf"{_WHO}(?:does not|doesn['’]t|never|do not|don['’]t|not|without)\s+(?:move|moving|pan|budge|moves"
        rf"|change)(?: at all)?\b"
        rf"|{_WHO}(?:(?:stay|remain|hold|keep|rest|stand|sit|lock|be|is|are)(?:s|ed"
        rf"|ing)?{_HOW}{{0,2}}\s+)?{_STILL}\b"
        rf"|\b(?:a |an |the )?(?:(?:completely|perfectly|totally)\s+)?{_STILL}\s+(?:camera|shot|frame|view"
        rf"|lens|angle|camerawork)\b(?: please)?"
        rf"|\b(?:no|without(?: any)?|zero)\s+(?:camera\s+(?:movements?|moves?|motion)|zoom|panning)\b"
        rf"|\b(?:on a |from a )?tripod(?: shot)?\b|\block(?:ed)?[- ]off\b"
        rf"|\b(?:keep|hold|leave)\s+(?:the\s+)?(?:camera|shot|frame)\s+(?:perfectly\s+|completely\s+"
        rf"|very\s+)?{_STILL}\b|\bdo(?:n['’]t| not) move the camera\b"
        rf"|{_WHO}(?:stops|holds|waits)(?: moving)?\b|{_START}static\b(?=\s*[.,;]|\s*$)|{_START}hold "
        rf"(?:(?:the )?(?:shot|frame)|on)\b",
    ),
    (
        "zoom in",
        rf"{_START}{_BARE_IN}\s+{_IN}\b(?!\s+(?:the|a|an)\s+(?:same|circle))|{_START}(?:zoom|push"
        rf"|dolly)[- ]in\b|{_START}close[- ]in\b|\b(?:in )?(?:an? |the )?(?:extreme )?close[- ]?up\b(?: "
        rf"shot)?(?: (?:of|on))?|\bzoom(?:ing)? (?:right )?in(?:to)?\b(?= on| to|\s*[.,;!]|\s*$)"
        rf"|{_START}zoom(?:s|ing)?(?=\s+(?:on|onto|to|towards?|at)\b)|{_START}zoom\b(?=\s*[.,;!]|\s*$)"
        rf"|{_START}focus on\b",
    ),
    ("zoom out", rf"{_START}{_BARE_OUT}\s+{_OUT}\b|{_START}(?:zoom|pull|dolly)[- ](?:out|back|away)\b"),
    ("pan left", rf"{_START}{_BARE_PAN}(?:ning|ing)?{_MID}\s+{_LEFT}\b|\bleft(?:ward)?\s+pan\b"),
    ("pan right", rf"{_START}{_BARE_PAN}(?:ning|ing)?{_MID}\s+{_RIGHT}\b|\bright(?:ward)?\s+pan\b"),
    ("tilt up", rf"{_START}{_BARE_TILT}(?:ing)?{_MID}\s+{_UP}\b|\bupward\s+tilt\b"),
    ("tilt down", rf"{_START}{_BARE_TILT}(?:ing)?{_MID}\s+{_DOWN}\b|\bdownward\s+tilt\b"),
    ("pan left", rf"{_START}(?:move|swing|slide|turn|glide|drift)\s+(?:the )?camera\s+{_LEFT}\b"),
    ("pan right", rf"{_START}(?:move|swing|slide|turn|glide|drift)\s+(?:the )?camera\s+{_RIGHT}\b"),
    (
        "pan right",
        rf"{_START}pan(?:s|ning)?\b(?=\s*[.,;!]|\s*$|\s+(?:across|over|along|around))|{_WHO}(?:pans?"
        rf"|panning)\b(?:\s+(?:after|along with|with)\s+(?:it|him|her|them)\b)?",
    ),
)
_IDLE = (
    rf"{_WHO}(?:follow|watch|track|stay|linger|show|reveal|find|see|pass|move|glide|fly|circle|orbit"
    rf"|shake|tremble|begin|start|cut|look|gaze|drift|go)(?:s|es|ing|ies)?\b(?:\s+(?:with|along|past|at"
    rf"|to|on|as|around|across|over|through|it|them|him|her)\b){{0,2}}"
    r"|\b(?:slow|fast|shaky|handheld|hand-held|smooth|moving|quick|gentle|low|high|steady)[- ](?:camera"
    r"|camerawork|angle|shot)\b"
    r"|\b(?:a |the |in (?:a )?)?(?:extreme )?(?:wide|long|medium|full|establishing|aerial|overhead"
    r"|tracking|low[- ]angle|high[- ]angle|bird's[- ]eye|bird’s[- ]eye|top[- ]down)[- ](?:shot|view"
    r"|angle)\b(?: of)?"
    r"|\bslow(?:ly)? motion\b|\bfade (?:in|out|to black|from black)\b|\b(?:hard |smash )?cut to(?: "
    r"black)?:?|\bdissolve to\b|\b(?:the )?camera(?:work)?\b:?"
)
_FILMING = re.compile(
    r"\b(?:cam|camera\w*|lens|viewpoint|view|frame|shot|picture|we|us|zoom\w*|pan|pans|panning|tilt\w*"
    r"|doll(?:y|ies|ying)|push\w*|pull\w*|track\w*|truck\w*|cran\w+|sweep\w*"
    r"|clos\w+|punch\w*|creep\w*|draw\w*|static|fixed|lock\w*|tripod|boom|pedestal|jib|whip\w*|hold"
    r"|focus|slow\w*|fade|cut|dissolve|[\w’'-]+[- ](?:angle|eye)|swivel|pan-\w+|no|without)\b",
    re.I,
)


_FOLLOWS = re.compile(
    r"\b(?:camera|cam|shot|lens|we)\b(?: \w+){0,2}? (?:follow|track|keep(?:s|ing)? (?:up|pace))(?:s|ing)?\b"
    r"|\btracking shot\b",
    re.I,
)


class Remark(NamedTuple):
    """A stretch of text that speaks of the film, and what it asks for."""

    start: int
    end: int
    value: str | float | None


@cache
def _cameras() -> tuple[tuple[Camera | None, re.Pattern[str]], ...]:
    patterns: tuple[tuple[Camera | None, str], ...] = (*_CAMERAS, (None, _IDLE))
    return tuple((camera, re.compile(pattern, re.I)) for camera, pattern in patterns)


def cameras(text: str) -> list[Remark]:
    """Every stretch about the camera, in order; its value is the `Camera`, None where it asks for no move."""
    found: list[Remark] = []
    if not _FILMING.search(text):
        return found
    rest = text
    for camera, pattern in _cameras():
        new = [Remark(*match.span(), camera) for match in pattern.finditer(rest)]
        rest = masked(rest, new) if new else rest
        found += new
    return sorted(found, key=lambda remark: remark.start)


def follows(text: str) -> bool:
    """Whether the camera goes along with whoever moves."""
    return _FOLLOWS.search(text) is not None


def masked(text: str, remarks: Iterable[Remark]) -> str:
    """`text` with each stretch blanked, offsets kept."""
    letters = list(text)
    for remark in remarks:
        letters[remark.start : remark.end] = " " * (remark.end - remark.start)
    return "".join(letters)
