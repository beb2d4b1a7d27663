"""What a brief says about the film instead of the story: camera, length, format, look, spoken words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from kinograph.agents.english.words import lexicon
from kinograph.film import Aspect, Camera

# ------------------------------------------------------------------------------------------- camera

_HOW = (
    r"(?:\s+(?:[a-z]+ly|then|now|again|is|are|be|been|will|should|can|must|starts?|begins?|to|just|very|so|ever|a|little|bit"
    r"|and|right|all|perfectly|also|us|more|the|way|lens|our|gaze|focus|camera|there|still|over|softly|next))"
)
_WHO = rf"(?:\b(?:the|our|a|my|your)\s+)?\b(?:camera|cam|lens|viewpoint|drone shot|view|frame|shot|picture|we|us)\b,?{_HOW}{{0,5}}?\s+"
_START = (
    r"(?:^\s*|(?<=[.!?;:,(\n…–—\-])\s*|(?<=\s)(?:and|then|while|with|as|by|in|the|camera:?|now|next|finally|followed by|please|please do)\s+)"
    r"(?:and\s+|then\s+|now\s+|with\s+|do\s+|finally,?\s+|next,?\s+)?(?:a\s+|an\s+|the\s+)?"
    r"(?:(?:[a-z]+ly|slow|quick|fast|gentle|smooth|soft|steady|gradual|subtle|long|sudden|dramatic|short|final|very|camera)\s+){0,3}"
)
_LEFT = r"(?:to(?:wards?)? (?:the )?|right[- ]to[- ]|from (?:the )?right to (?:the )?)?left(?:wards?)?(?: side)?"
_RIGHT = r"(?:to(?:wards?)? (?:the )?|left[- ]to[- ]|from (?:the )?left to (?:the )?)?right(?:wards?)?(?: side)?"
_UP = r"(?:up(?:wards?)?|skywards?)(?: (?:to|into|towards?) the sky)?"
_DOWN = r"down(?:wards?)?"
_IN = r"(?:right |all the way |slowly |gently |quickly |tightly |even )?(?:in|inwards?|closer|nearer|near)(?: (?:tight(?:er)?|close(?:r)?|slowly|gently|more|a little|a bit|fast|quickly))?"
_OUT = r"(?:right |all the way |slowly |gently |quickly |far )?(?:out|outwards?|back|away|backwards?)(?: (?:slowly|gently|wide|quickly|a little|a bit|further|farther))?"
_MID = r"(?:\s+(?:[a-z]+ly|it|back|once|again|along|over|around|across|a little|a bit|slightly|very|shot|move(?:ment)?|on|the shot|the camera))?"


def _verb(*stems: str) -> str:
    return "(?:" + "|".join(rf"{stem}(?:{stem[-1]})?(?:e?s|ing|ed|e|ies)?" for stem in stems) + ")"


_ANY_PAN = _verb("pan", "sweep", "track", "swing", "mov", "slid", "drift", "turn", "truck", "glid", "travel", "shift", "go", "swivel", "float", "roll", "dolly", "rotat", "whip", "scroll", "scan", "head")
_BARE_PAN = r"(?:(?:whip[- ])?pan(?:s|ning)?|track(?:ing)?|truck(?:ing)?|sweep(?:ing)?|doll(?:y|ying)|swivel)"
_ANY_TILT = _verb("tilt", "cran", "mov", "look", "pan", "turn", "point", "go", "swing", "float", "fly", "flies", "sweep", "drift", "glid", "climb", "boom", "pedestal", "angl")
_BARE_TILT = r"(?:tilt(?:s|ing)?|cran(?:e|ing)|pan(?:s|ning)?|boom|pedestal|jib)"
_ANY_IN = _verb("zoom", "push", "doll", "dolly", "mov", "clos", "com", "go", "track", "creep", "glid", "drift", "ease", "inch", "fly", "flies", "punch", "tighten", "get", "draw", "edg", "press", "float", "slid", "ease")
_BARE_IN = r"(?:zoom(?:s|ing)?|push(?:ing)?|doll(?:y|ies|ying|ying)|track(?:ing)?|punch(?:ing)?|clos(?:e|ing)|creep(?:ing)?)"
_ANY_OUT = _verb("zoom", "pull", "doll", "dolly", "mov", "back", "go", "track", "draw", "drift", "glid", "widen", "ease", "float", "fly", "flies", "step", "retreat", "slid", "fall", "drop", "pan")
_BARE_OUT = r"(?:zoom(?:s|ing)?|pull(?:ing)?|doll(?:y|ies|ying)|track(?:ing)?|drawing)"
_STILL = (
    r"(?:static|fixed|locked(?:[- ](?:off|down|in place))?|stationary|motionless|still|steady|unmoving|immobile|put|in place|where it is|frozen)"
)

_CAMERAS: tuple[tuple[Camera, str], ...] = (
    ("zoom in", rf"{_WHO}{_ANY_IN}{_MID}\s+{_IN}\b|{_WHO}(?:zooms|tightens|closes|focuses)(?=\s+(?:on|to)\b)"),
    ("zoom out", rf"{_WHO}(?:{_ANY_OUT}{_MID}\s+{_OUT}\b|(?:retreats|widens|withdraws)\b)"),
    ("pan left", rf"{_WHO}{_ANY_PAN}{_MID}\s+{_LEFT}\b"),
    ("pan right", rf"{_WHO}{_ANY_PAN}{_MID}\s+{_RIGHT}\b"),
    ("tilt up", rf"{_WHO}(?:{_ANY_TILT}{_MID}\s+{_UP}\b|(?:rises|ascends|lifts|climbs|rising|goes up)\b)"),
    ("tilt down", rf"{_WHO}(?:{_ANY_TILT}{_MID}\s+{_DOWN}\b|(?:descends|lowers|sinks|drops|descending|lowering)\b)"),
    (
        "static",
        rf"{_WHO}(?:does not|doesn['’]t|never|do not|don['’]t|not|without)\s+(?:move|moving|pan|budge|moves|change)(?: at all)?\b"
        rf"|{_WHO}(?:(?:stay|remain|hold|keep|rest|stand|sit|lock|be|is|are)(?:s|ed|ing)?{_HOW}{{0,2}}\s+)?{_STILL}\b"
        rf"|\b(?:a |an |the )?(?:(?:completely|perfectly|totally)\s+)?{_STILL}\s+(?:camera|shot|frame|view|lens|angle|camerawork)\b(?: please)?"
        rf"|\b(?:no|without(?: any)?|zero)\s+(?:camera\s+(?:movements?|moves?|motion)|zoom|panning)\b|\b(?:on a |from a )?tripod(?: shot)?\b|\block(?:ed)?[- ]off\b"
        rf"|\b(?:keep|hold|leave)\s+(?:the\s+)?(?:camera|shot|frame)\s+(?:perfectly\s+|completely\s+|very\s+)?{_STILL}\b|\bdo(?:n['’]t| not) move the camera\b"
        rf"|{_WHO}(?:stops|holds|waits)(?: moving)?\b|{_START}static\b(?=\s*[.,;]|\s*$)|{_START}hold (?:the )?(?:shot|frame)\b",
    ),
    ("zoom in", rf"{_START}{_BARE_IN}\s+{_IN}\b(?!\s+(?:the|a|an)\s+(?:same|circle))|{_START}(?:zoom|push|dolly)[- ]in\b|{_START}close[- ]in\b|\b(?:in )?(?:an? |the )?(?:extreme )?close[- ]?up\b(?: shot)?(?: (?:of|on))?|\bzoom(?:ing)? (?:right )?in(?:to)?\b(?= on| to|\s*[.,;!]|\s*$)|{_START}zoom(?=\s+(?:on|to)\b)|{_START}zoom\b(?=\s*[.,;!]|\s*$)|{_START}focus on\b"),
    ("zoom out", rf"{_START}{_BARE_OUT}\s+{_OUT}\b|{_START}(?:zoom|pull|dolly)[- ](?:out|back|away)\b"),
    ("pan left", rf"{_START}{_BARE_PAN}(?:ning|ing)?{_MID}\s+{_LEFT}\b|\bleft(?:ward)?\s+pan\b"),
    ("pan right", rf"{_START}{_BARE_PAN}(?:ning|ing)?{_MID}\s+{_RIGHT}\b|\bright(?:ward)?\s+pan\b"),
    ("tilt up", rf"{_START}{_BARE_TILT}(?:ing)?{_MID}\s+{_UP}\b|\bupward\s+tilt\b"),
    ("tilt down", rf"{_START}{_BARE_TILT}(?:ing)?{_MID}\s+{_DOWN}\b|\bdownward\s+tilt\b"),
    ("pan left", rf"{_START}(?:move|swing|slide|turn|glide|drift)\s+(?:the )?camera\s+{_LEFT}\b"),
    ("pan right", rf"{_START}(?:move|swing|slide|turn|glide|drift)\s+(?:the )?camera\s+{_RIGHT}\b"),
    (
        "pan right",
        rf"{_START}pan(?:s|ning)?\b(?=\s*[.,;!]|\s*$|\s+(?:across|over|along|around))|{_WHO}(?:pans?|panning)\b(?:\s+(?:after|along with|with)\s+(?:it|him|her|them)\b)?",
    ),
)  # fmt: skip
_IDLE = (
    rf"{_WHO}(?:follow|watch|track|stay|linger|show|reveal|find|see|pass|move|glide|fly|circle|orbit|shake|tremble|begin|start|cut|look|gaze|drift|go)(?:s|es|ing|ies)?\b(?:\s+(?:with|along|past|at|to|on|as|around|across|over|through|it|them|him|her)\b){{0,2}}"
    r"|\b(?:slow|fast|shaky|handheld|hand-held|smooth|moving|quick|gentle|low|high|steady)[- ](?:camera|camerawork|angle|shot)\b"
    r"|\b(?:a |the |in (?:a )?)?(?:extreme )?(?:wide|long|medium|full|establishing|aerial|overhead|tracking|low[- ]angle|high[- ]angle|bird's[- ]eye|bird’s[- ]eye|top[- ]down)[- ](?:shot|view|angle)\b(?: of)?"
    r"|\bslow(?:ly)? motion\b|\bfade (?:in|out|to black|from black)\b|\b(?:hard |smash )?cut to(?: black)?:?|\bdissolve to\b|\b(?:the )?camera(?:work)?\b:?"
)


class Remark(NamedTuple):
    """A stretch of text that speaks of the film, and what it asks for."""

    start: int
    end: int
    value: str | float | None


@cache
def _cameras() -> tuple[tuple[Camera | None, re.Pattern[str]], ...]:
    known = [(camera, re.compile(pattern, re.I)) for camera, pattern in _CAMERAS]
    return (*known, (None, re.compile(_IDLE, re.I)))


def cameras(text: str) -> list[Remark]:
    """Every stretch about the camera, in order; value is the `Camera`, or None where it asks for nothing known."""
    found: list[Remark] = []
    rest = text
    for camera, pattern in _cameras():
        for match in pattern.finditer(rest):
            found.append(Remark(match.start(), match.end(), camera))
        rest = masked(rest, (remark for remark in found))
    return sorted(found)


def masked(text: str, remarks: Iterable[Remark]) -> str:
    """`text` with each stretch blanked, offsets kept."""
    letters = list(text)
    for remark in remarks:
        letters[remark.start : remark.end] = " " * (remark.end - remark.start)
    return "".join(letters)


# ---------------------------------------------------------------------------------------- the film

_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "eighteen": 18, "twenty": 20, "twenty-five": 25, "thirty": 30, "forty": 40, "forty-five": 45, "fifty": 50, "sixty": 60, "ninety": 90, "half a": 0.5, "one and a half": 1.5, "half": 0.5, "a half": 0.5, "couple of": 2}  # fmt: skip
_COUNT = r"(?P<count>\d+(?:\.\d+)?|half an?|one and a half|" + "|".join(sorted(map(re.escape, _NUMBERS), key=len, reverse=True)) + ")"
_LENGTH = re.compile(
    rf"(?<!after )(?<!every )\b(?:(?:about|around|roughly|exactly|only|lasting|lasts|runs?|running|for|is|of|length|total|duration)[:\s]+){{0,3}}(?<![\w.:])"
    rf"(?:{_COUNT}[\s-]+(?P<unit>seconds?|secs?|minutes?|mins?)|(?P<digits>\d+(?:\.\d+)?)\s?(?P<short>seconds?|secs?|s|minutes?|mins?|m))\b(?!\s+later)\.?(?:[\s-]+(?:long|total|in total|in length|altogether|overall|of footage|please))?",
    re.I,
)
_CLOCK = re.compile(r"\b(?:length|duration|running time|runtime|total)\s*[:=]?\s*(?P<minutes>\d):(?P<seconds>[0-5]\d)\b", re.I)
_ASPECTS: tuple[tuple[Aspect, str], ...] = (
    ("vertical", r"\bvertical(?:ly)?(?!\s+(?:cliff|wall|line|drop|climb|rock|pole))\b(?:[- ](?:format|video|film|orientation|aspect|frame|framing))?|\bportrait\b(?! of)(?:[- ](?:format|mode|orientation|video|film))?|\b9\s*[:x/]\s*16\b|\b4\s*:\s*5\b|\btik-?tok\b(?: (?:reel|video|clip))?|\b(?:instagram |insta )?(?:reels?|stories)\b(?: format)?|\byou-?tube shorts?\b|\bfor (?:a |my |the )?(?:phones?|mobile|smartphones?)\b(?: screens?)?|\bphone format\b|\btall (?:format|frame|video|film)\b|\bupright (?:format|video|film)\b"),
    ("square", r"\bsquare[- ](?:format|video|film|aspect|frame|framing|clip|crop|movie|picture|animation|one|cut)\b|\b1\s*[:x]\s*1\b|\binstagram post\b|(?:^|(?<=[,.;:(]))\s*square\b(?=\s*[,.;!)]|\s*$)|\b(?:it|be|in|a) square(?: format)?\b(?=\s*[,.;!]|\s*$)|\bsquare\b(?=,? (?:\S+[- ](?:seconds?|style|look)|film|video|clip))|\bmake (?:it|this|the film|the video) square\b"),
    ("wide", r"\bwide-?screen\b(?:[- ](?:format|film|video))?|\b16\s*[:x/]\s*9\b|\b(?:2[.,]3\d|2[.,]40?|21\s*:\s*9|2[.,]4)(?:\s*:\s*[19])?\b|\bwide[- ](?:format|film|video|aspect|frame|framing|picture|screen|movie|animation)\b|\blandscape[- ](?:format|mode|orientation|video|film|aspect)\b|\bhorizontal(?:[- ](?:format|video|film|orientation|aspect))?\b|\bcinemascope\b|\bletterbox(?:ed)?\b|(?:^|(?<=[,.;:(]))\s*(?:wide|landscape)\b(?=\s*[,.;!)]|\s*$)|\bmake (?:it|this|the film|the video) wide\b|\bwide\b(?=,? (?:\S+[- ](?:seconds?|style|look)\b))"),
)  # fmt: skip
_FILM = r"(?:short |little |tiny |quick |simple |nice |animated |whole )*(?:film|movie|video|clip|animation|short|cartoon|reel|piece|spot|story|trailer|ad|teaser|sequence|footage|storyboard)s?"
_FRAME_START = re.compile(
    rf"(?:^|(?<=[.!?;:\n]))\s*(?:please\s+)?(?:can you\s+|could you\s+|i(?:'d| would)? (?:want|like|need)\s+(?:to see\s+)?|we (?:want|need)\s+|give me\s+|let's (?:make|see)\s+|make(?: me)?\s+|create\s+|generate\s+|produce\s+|render\s+|film\s+|shoot\s+|animate\s+|draw\s+|this is\s+|it is\s+|it's\s+)?"
    rf"(?:an?|the|this|my|our)?\s*(?:[\w-]+[\s,]+){{0,6}}?{_FILM}\s+(?:about|of|showing|where|in which|with|that shows|featuring|on|follows|shows|starring|opens (?:on|with)|starts (?:on|with)|begins (?:on|with))(?=\s)",
    re.I,
)
_WORK = r"(?:(?:short|little|quick|simple|animated) )*(?:film|movie|video|clip|animation|cartoon|reel|trailer|teaser)s?"
_FORMAT = re.compile(
    rf"\b(?:make (?:it|this)\b(?! (?:to|in|through|across|home))|i(?:'d| would)? (?:want|like)\b|give (?:it|me)\b|keep (?:it|everything|the (?:style|look|tone|mood))\b|use (?:an?|the)\b|please\b|it (?:has|needs|should|must) (?:to )?be\b|it is to be\b"
    rf"|(?:the|this|a|an|my|our|your) (?:whole |entire )?{_WORK}\b|(?:aspect(?: ratio)?|format|ratio|style|look|length|duration|running time|runtime|mood|tone|music|title|art direction|orientation|sound|soundtrack)\s*(?:is|are|should|must|:|=)"
    rf"|(?:the|overall|with an?|in an?) (?:[\w-]+ )?(?:style|look|aesthetic|format|mood|tone|atmosphere|vibe|feel|soundtrack|palette)\b|(?:everything|all of it|the (?:whole|entire) thing) (?:is|should|in|must)\b|no (?:\w+ )?(?:dialogue|dialog|people|humans|text|words|voice|voiceover|music|sound|captions|subtitles|humans?|persons?|cuts?)\b)",
    re.I,
)
_STYLE = r"(?:[- ](?:style[d]?|look|looks|aesthetics?|art style|art|animation|anime|cartoon|film|movie|video|feel|vibes?|drawing|drawings|graphics|illustration|design|rendering|render|palette|treatment|visuals|mood|clip|short|colors|colours))+"
_STRONG = frozenset(("watercolor", "claymation", "anime", "noir", "stop motion", "pixel art", "oil painting", "paper cutout", "3d render", "comic book"))
_WEAK = frozenset(("clay", "comic", "pixel", "origami", "impressionist", "monochrome", "cutout", "manga", "cut paper", "oil paint"))


@cache
def _looks() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """Every look word, its look, and where it speaks of the film: "neon style", "in ink", "style: flat"."""
    known = [(word, look) for look, also in lexicon().data["looks"].items() for word in (look, *also)]
    found = []
    for word, look in sorted(known, key=lambda pair: -len(pair[0])):
        say = re.escape(word)
        strong = look in _STRONG and word not in _WEAK
        pattern = (
            rf"\b(?:in |with |use |as )?(?:the style of |style of )?(?:an? |the )?(?:[a-z]+ )?{say}(?:s|ed)?{_STYLE}\b"
            rf"|\b(?:style|look|aesthetic|art style|visual style|art direction)\s*(?:is|should be|:|=|of|-)\s*(?:an? )?(?:[a-z]+ )?{say}\b"
            rf"|\b(?:in|as|like)\s+(?:an? |the )?(?:style of (?:an? )?)?(?:pure |simple |soft |bold |glowing |gritty |classic |old |moody )?{say}(?:s|ed)?\b(?=\s*[,.;:!)\n]|\s*$|\s+(?:and|please|throughout|with|style))"
            rf"|\b(?:drawn|painted|rendered|animated|done|made|shot|filmed|illustrated|styled)\s+(?:all )?(?:in|as|with|like)\s+(?:an? )?{say}\b"
            rf"|(?:^|(?<=[,.;:(]))\s*(?:and |all )?{say}\b(?=\s*[,.;:!)]|\s*$|,? please)"
            rf"|\b(?:make|keep) (?:it|this|everything|the film)(?: look| all| feel)?\s+{say}\b"
            rf"|\b{say}\b(?=,?(?: and)? (?:[\w:-]+[ ,]+){{0,3}}(?:film|video|movie|animation|clip|cartoon|short)\b)"
        )
        found.append((look, word, re.compile(pattern + (rf"|\b{say}\b" if strong else ""), re.I)))
    return tuple(found)


def lengths(text: str) -> list[Remark]:
    """Every stretch that gives a length, in seconds."""
    found = [Remark(match.start(), match.end(), int(match["minutes"]) * 60.0 + int(match["seconds"])) for match in _CLOCK.finditer(text)]
    for match in _LENGTH.finditer(text):
        count = (match["count"] or match["digits"]).lower()
        number = float(count) if count[0].isdigit() else _NUMBERS[count.removesuffix("n") if count == "half an" else count]
        unit = (match["unit"] or match["short"]).lower()
        if not (count in ("a", "an") and unit.startswith("s")):
            found.append(Remark(match.start(), match.end(), number * (60.0 if unit.startswith("m") else 1.0)))
    return found


def aspects(text: str) -> list[Remark]:
    """Every stretch that asks for a format."""
    return [Remark(*match.span(), aspect) for aspect, pattern in _ASPECTS for match in re.finditer(pattern, text, re.I)]


def looks(text: str) -> list[Remark]:
    """Every stretch that asks for a look."""
    found: list[Remark] = []
    for look, _, pattern in _looks():
        new = [Remark(*match.span(), look) for match in pattern.finditer(text)]
        text = masked(text, new)
        found += new
    return sorted(found)


def openings(text: str) -> list[Remark]:
    """Every "Make a short film about": what follows is story."""
    return [Remark(*match.span(), None) for match in _FRAME_START.finditer(text)]


def about_film(text: str) -> bool:
    """Whether words in `text` order the film as a whole rather than tell of it."""
    return _FORMAT.search(text) is not None


def spoken(text: str) -> list[Remark]:
    """Quoted speech: what somebody says is not what is seen."""
    return [Remark(*match.span(), None) for match in re.finditer(r"\"[^\"\n]{0,200}\"|“[^”\n]{0,200}”|«[^»\n]{0,200}»", text)]


def wished(text: str) -> list[Remark]:
    """Every stretch about length, format or look."""
    return sorted((*lengths(text), *aspects(text), *looks(text)), key=lambda remark: remark.start)


def story(text: str) -> str:
    """`text` with all that is no story blanked: wishes, camera, quoted speech. Offsets are kept."""
    rest = masked(text, (*wished(text), *openings(text)))
    return masked(rest, (*cameras(rest), *spoken(rest)))
