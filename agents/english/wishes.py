"""What a brief says about the film as a whole, and what is left when all remarks are taken out: the story."""

from __future__ import annotations

import re
from functools import cache

from kinograph.agents.english.camera import Remark, cameras, masked
from kinograph.agents.english.joins import joins
from kinograph.agents.english.lexicon import lexicon, listed
from kinograph.agents.english.recurring import recurrences
from kinograph.film import Aspect

_NUMBERS = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "eighteen": 18,
    "twenty": 20,
    "twenty-five": 25,
    "thirty": 30,
    "forty": 40,
    "forty-five": 45,
    "fifty": 50,
    "sixty": 60,
    "ninety": 90,
    "half a": 0.5,
    "one and a half": 1.5,
    "half": 0.5,
    "a half": 0.5,
    "couple of": 2,
    "a quarter of a": 0.25,
    "quarter of a": 0.25,
    "three quarters of a": 0.75,
    "half of a": 0.5,
}
_COUNT = (
    r"(?P<count>\d+(?:\.\d+)?|half an?|one and a half|"
    + "|".join(sorted(map(re.escape, _NUMBERS), key=len, reverse=True))
    + ")"
)
_LENGTH = re.compile(
    rf"(?<!after )(?<!every )\b(?:(?:about|around|roughly|exactly|only|lasting|lasts|runs?|running|for"
    rf"|is|of|length|total|duration)[:\s]+){{0,3}}(?<![\w.:])"
    rf"(?:{_COUNT}[\s-]+(?P<unit>seconds?|secs?|minutes?|mins?)"
    rf"|(?P<digits>\d+(?:\.\d+)?)\s?(?P<short>seconds?|secs?|s|minutes?|mins?"
    rf"|m))\b(?!\s+later)\.?(?:[\s-]+(?:long|total|in total|in length|altogether|overall|of footage"
    rf"|please))?",
    re.I,
)
_CLOCK = re.compile(
    r"\b(?:length|duration|running time|runtime|total)\s*[:=]?\s*(?P<minutes>\d):(?P<seconds>[0-5]\d)\b", re.I
)
_ASPECTS: tuple[tuple[Aspect, str], ...] = (
    (
        "vertical",
        r"\bvertical(?:ly)?(?!\s+(?:cliff|wall|line|drop|climb|rock|pole))\b(?:[- ](?:format|video|film"
        r"|orientation|aspect|frame|framing))?|\bportrait\b(?! of)(?:[- ](?:format|mode|orientation|video"
        r"|film))?|\b9\s*[:x/]\s*16\b|\b4\s*:\s*5\b|\btik-?tok\b(?: (?:reel|video|clip))?|\b(?:instagram "
        r"|insta )?(?:reels?|stories)\b(?: format)?|\byou-?tube shorts?\b|\bfor (?:a |my |the )?(?:phones?"
        r"|mobile|smartphones?)\b(?: screens?)?|\bphone format\b|\btall (?:format|frame|video|film)\b"
        r"|\bupright (?:format|video|film)\b",
    ),
    (
        "square",
        r"\bsquare[- ](?:format|video|film|aspect|frame|framing|clip|crop|movie|picture|animation|one"
        r"|cut)\b|\b1\s*[:x]\s*1\b|\binstagram post\b|(?:^|(?<=[,.;:(]))\s*square\b(?=\s*[,.;!)]|\s*$)"
        r"|\b(?:it|be|in|a) square(?: format)?\b(?=\s*[,.;!]|\s*$)|\bsquare\b(?=,? (?:\S+[- ](?:seconds?"
        r"|style|look)|(?:[\w-]+,? ){0,3}(?:film|video|movie|short|clip|animation)\b))|\bmake (?:it|this"
        r"|the film|the video) square\b",
    ),
    (
        "wide",
        r"\bwide-?screen\b(?:[- ](?:format|film|video))?|\b16\s*[:x/]\s*9\b|\b(?:2[.,]3\d|2[.,]40?"
        r"|21\s*:\s*9|2[.,]4)(?:\s*:\s*[19])?\b|\bwide[- ](?:format|film|video|aspect|frame|framing|picture"
        r"|screen|movie|animation)\b|\blandscape[- ](?:format|mode|orientation|video|film|aspect)\b"
        r"|\bhorizontal(?:[- ](?:format|video|film|orientation|aspect))?\b|\bcinemascope\b"
        r"|\bletterbox(?:ed)?\b|(?:^|(?<=[,.;:(]))\s*(?:wide|landscape)\b(?=\s*[,.;!)]|\s*$)|\bmake (?:it"
        r"|this|the film|the video) wide\b|\bwide\b(?=,? (?:\S+[- ](?:seconds?|style|look)\b))"
        r"|\bwide\b(?=,? (?:[\w-]+,? ){0,3}(?:film|video|movie|short|clip|animation)\b)",
    ),
)
_FILM = (
    r"(?:short |little |tiny |quick |simple |nice |animated |whole )*(?:film|movie|video|clip|animation"
    r"|short|cartoon|reel|piece|spot|story|trailer|ad|teaser|sequence|footage|storyboard)s?"
)
_FRAME_START = re.compile(
    rf"(?:^|(?<=[.!?;:\n]))\s*(?:please\s+)?(?:can you\s+|could you\s+|i(?:'d| would)? (?:want|like"
    rf"|need)\s+(?:to see\s+)?|we (?:want|need)\s+|give me\s+|let's (?:make|see)\s+|make(?: me)?\s+"
    rf"|create\s+|generate\s+|produce\s+|render\s+|film\s+|shoot\s+|animate\s+|draw\s+|this is\s+|it "
    rf"is\s+|it's\s+)?"
    rf"(?:an?|the|this|my|our)?\s*(?:[\w-]+[\s,]+){{0,6}}?{_FILM}\s+(?:about|of|showing|where|in which"
    rf"|with|that shows|featuring|on|follows|shows|starring|opens (?:on|with)|starts (?:on|with)"
    rf"|begins (?:on|with))(?=\s)"
    r"|\b(?:give (?:me|us)|show (?:me|us)|make|create)\s+(?:[\w-]+\s+){1,3}(?:seconds?|minutes?)\s+of(?=\s)",
    re.I,
)
_WORK = (
    r"(?:(?:short|little|quick|simple|animated) )*(?:film|movie|video|clip|animation|cartoon|reel"
    r"|trailer|teaser)s?"
)
_FORMAT = re.compile(
    rf"\b(?:make (?:it|this)\b(?! (?:to|in|through|across|home))|i(?:'d| would)? (?:want|like)\b|give "
    rf"(?:it|me)\b|keep (?:it|everything|the (?:style|look|tone|mood))\b|use (?:an?|the)\b|please\b|it "
    rf"(?:has|needs|should|must) (?:to )?be\b|it is to be\b"
    rf"|(?:the|this|a|an|my|our|your) (?:whole |entire )?{_WORK}\b|(?:aspect(?: ratio)?|format|ratio"
    rf"|style|look|length|duration|running time|runtime|mood|tone|music|title|art direction|orientation"
    rf"|sound|soundtrack)\s*(?:is|are|should|must|:|=)"
    rf"|(?:the|overall|with an?|in an?) (?:[\w-]+ )?(?:style|look|aesthetic|format|mood|tone|atmosphere"
    rf"|vibe|feel|soundtrack|palette)\b|(?:everything|all of it|the (?:whole|entire) thing) (?:is"
    rf"|should|in|must)\b|no (?:\w+ )?(?:dialogue|dialog|people|humans|text|words|voice|voiceover|music"
    rf"|sound|captions|subtitles|humans?|persons?|cuts?)\b)",
    re.I,
)
_STYLE = (
    r"(?:[- ](?:style[d]?|look|looks|aesthetics?|art style|art|animation|anime|cartoon|film|movie|video"
    r"|feel|vibes?|drawing|drawings|graphics|illustration|design|rendering|render|palette|treatment"
    r"|visuals|mood|clip|short|colors|colours|sketch|sketches|paintings?|prints?|pictures?"
    r"|shapes?(?: only)?|lighting|outlines|line ?work|(?:on|and) (?:white |black |old )?paper))+"
)


def _work_of(say: str) -> str:
    """A look that is also a kind of work: "a cheerful cartoon for TikTok", "a collage about"."""
    return rf"|\b(?:an?|this|my|short)\s+(?:[\w-]+\s+){{0,3}}{say}\b(?=\s*[.,!]|\s+(?:about|for|of|where|with)\b)"


_UNTIL = re.compile(r"\s*(?:until|till)\b[^.;!?]*", re.I)
"""How long a camera move goes on: "pulls out until both are tiny"."""


@cache
def _looks() -> tuple[tuple[str, str], ...]:
    """Every look and a word for it, the longest words first."""
    known = [(look, word) for look, also in lexicon().data["looks"].items() for word in (look, *also)]
    return tuple(sorted(known, key=lambda pair: -len(pair[1])))


@cache
def _speaking_of(look: str, word: str) -> re.Pattern[str]:
    """Where a look's word speaks of the film: "neon style", "in ink", "style: flat". Hundreds of these take seconds to
    compile, so that is left until a text has the word."""
    say = re.escape(word)
    strong = look in listed("sure_looks") and word not in listed("unsure_looks")
    pattern = (
        rf"\b(?:in |with |use |as )?(?:the style of |style of )?(?:an? |the )?(?:[a-z]+ )?{say}(?:s"
        rf"|ed)?{_STYLE}\b"
        rf"|\b(?:style|look|aesthetic|art style|visual style|art direction)\s*(?:is|should be|:|=|of"
        rf"|-)\s*(?:an? )?(?:[a-z]+ )?{say}\b"
        rf"|\b(?:in|as|like)\s+(?:an? |the )?(?:style of (?:an? )?)?(?:pure |simple |soft |bold "
        rf"|glowing |gritty |classic |old |moody )?{say}(?:s|ed)?\b"
        r"(?=\s*[,.;:!)\n]|\s*$|\s+(?:and|please|throughout|with|style))"
        rf"|\b(?:drawn|painted|rendered|animated|done|made|shot|filmed|illustrated|styled)\s+(?:all )?"
        rf"(?:in|as|with|like)\s+(?:an? )?{say}\b"
        rf"{_work_of(say) if look in listed('works') else ''}"
        rf"|(?:^|(?<=[.!?\n]))\s*{say},? and [a-z]+(?=\s*[.!]|\s*$)"
        rf"|(?:^|(?<=[,.;:(]))\s*(?:and |all )?{say}\b(?=\s*[,.;:!)]|\s*$|,? please)"
        rf"|\b(?:make|keep) (?:it|this|everything|the film)(?: look| all| feel)?\s+{say}\b"
        rf"|\b{say}\b(?=,?(?: and)? (?:[\w:-]+[ ,]+){{0,3}}(?:film|video|movie|animation|clip|cartoon"
        rf"|short)\b)"
    )
    return re.compile(pattern + (rf"|\b{say}\b" if strong else ""), re.I)


def lengths(text: str) -> list[Remark]:
    """Every stretch that gives a length, in seconds."""
    found = [
        Remark(match.start(), match.end(), int(match["minutes"]) * 60.0 + int(match["seconds"]))
        for match in _CLOCK.finditer(text)
    ]
    for match in _LENGTH.finditer(text):
        count = (match["count"] or match["digits"]).lower()
        number = (
            float(count) if count[0].isdigit() else _NUMBERS[count.removesuffix("n") if count == "half an" else count]
        )
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
    lower = text.lower()
    for look, word in _looks():
        if word not in lower:
            continue
        new = [Remark(*match.span(), look) for match in _speaking_of(look, word).finditer(text)]
        text = masked(text, new)
        found += new
    return sorted(found, key=lambda remark: remark.start)


def openings(text: str) -> list[Remark]:
    """Every "Make a short film about": what follows is story."""
    return [Remark(*match.span(), None) for match in _FRAME_START.finditer(text)]


def about_film(text: str) -> bool:
    """Whether words in `text` order the film as a whole rather than tell of it."""
    return _FORMAT.search(text) is not None


def spoken(text: str) -> list[Remark]:
    """Quoted speech: what somebody says is not what is seen."""
    return [
        Remark(*match.span(), None)
        for match in re.finditer(r"\"[^\"\n]{0,200}\"|“[^”\n]{0,200}”|«[^»\n]{0,200}»", text)
    ]


def wished(text: str) -> list[Remark]:
    """Every stretch about length, format or look."""
    return sorted((*lengths(text), *aspects(text), *looks(text)), key=lambda remark: remark.start)


def story(text: str) -> str:
    """`text` with all that is no story blanked: wishes, camera, quoted speech, earlier films. Offsets are kept."""
    rest = masked(text, (*wished(text), *openings(text), *recurrences(text), *joins(text)))
    filmed = cameras(rest)
    until = [Remark(*match.span(), None) for remark in filmed if (match := _UNTIL.match(rest, remark.end))]
    return masked(rest, (*filmed, *until, *spoken(rest)))
