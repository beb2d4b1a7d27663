"""A brief cut into shots: labels, sentences, order words, and changes of place or time inside a sentence."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kinograph.agents.english.camera import cameras, masked
from kinograph.agents.english.clauses import clauses
from kinograph.agents.english.joins import joins, pieces
from kinograph.agents.english.lexicon import lexicon
from kinograph.agents.english.roles import FIELD, ORDER, ORDER_WORDS, role_of, tells
from kinograph.agents.english.whereabouts import When, Where, places, setting_of, times
from kinograph.agents.english.wishes import about_film, openings, spoken, story, wished

_COUNT = r"(?:\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[ivx]{1,4}|[a-h])"
_LABEL = re.compile(
    rf"(?:^|(?<=[\n.!?;:…]))[ \t]*(?:[-*•–—#]+[ \t]*)?(?:\*\*)?[\[(]?(?:(?:shot|scene|panel|clip|frame"
    rf"|beat|part|cut|take|act|image|picture|step|day)[ \t]*(?:#|no\.?"
    rf"|number)?[ \t]*{_COUNT}\b[\])]?(?:\*\*)?[ \t]*(?:[:.)\]–—-]+|(?=\n))(?:\*\*)?"
    r"|(?:opening|first|second|third|fourth|fifth|next|last|final|closing)[ \t]+(?:shot|scene|panel"
    r"|frame|clip)[ \t]*[:–—-]+"
    r"|\d+(?::\d\d)?[ \t]*[-–—][ \t]*\d+(?::\d\d)?[ \t]*(?:s|sec|seconds)?[\])]?[ \t]*[:–—-]+)[ \t]*",
    re.I | re.M,
)
_ITEM = re.compile(r"^[ \t]*(?:[-*•–—►▪●‣→>][ \t]+|\(?(?:\d{1,2}|[a-h])[.):][ \t]+|\d️?⃣[ \t]*)", re.M)
_COUNTED = re.compile(r"(?:^|(?<=[\s,;:.]))\(?\d{1,2}\)[ \t]+")
_SENTENCE = re.compile(
    r"(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\be\.g)(?<!\bi\.e)(?<!\bvs)[.!?…。！？]+[\"”’')\]]*(?=\s"
    r"|$|[。！？])|\n+"
)
_INSIDE = re.compile(
    rf"\s*;\s*|(?<=[^\d\s])\s+(?:->|=>|→|⇒|>|\||//?)\s+(?=\D)|\s*[,–—:-]\s*(?:and\s+|but\s+)?(?={ORDER}\b)|\s+(?:and|but)\s+(?={ORDER}\b)"
    rf"|\s+(?=(?:then|after which|(?<!is )(?<!are )(?<!was )(?<!were )(?<!being )followed by|whereupon"
    r"|cut to)\b)",
    re.I,
)
_JOINT = re.compile(r"\s*,\s*(?:and|but|while|whereas|before)?\s+|\s+(?:and|but|while|whereas|before)\s+", re.I)
_TITLE = re.compile(
    r"^\s*(?:film |movie |working )?title\s*[:=–-]\s*(?P<title>[^\n]{1,80}?)(?:\.(?=\s)|[.\s]*(?:\n|$))|\b(?:called"
    r"|titled|entitled|named)\s+[\"“](?P<quoted>[^\"”\n]{1,80})[\"”]",
    re.I | re.M,
)


_SLUGLINE = re.compile(
    r"\b(?:ext|int)\.(?:/(?:int|ext)\.)?[ \t]*(?P<place>[^\n.–—-]+?)[ \t]*(?:[–—-]+[ \t]*(?P<time>[a-z ]+?))?"
    r"[ \t]*(?=[.\n]|$)",
    re.I,
)


def _heading(slug: re.Match[str]) -> str:
    """ "INT. LIBRARY - NIGHT" as words that come ahead of the next shot."""
    time = f", {slug['time']}" if slug["time"] else ""
    return f"In the {slug['place']}{time}.".lower()


class Reading(NamedTuple):
    """A brief cut up: every string is the text of one shot."""

    title: str
    shots: tuple[str, ...]
    smooth: tuple[bool, ...] = ()
    """Which of them come out of the one before: as the text says of each."""


_WRAPPED = re.compile(
    r"(?<![.!?:;,…\n])[ \t]*\n[ \t]*(?=[a-z])(?!(?:an?|it|he|she|they|then|next|finally)\b)"
    r"(?!the\b)|(?<=\b(?:in|on|at|to|of))\n(?=the\b|an?\b)|(?<=\b(?:and|the|for))\n(?=[a-z])"
    r"|(?<=\b(?:over|into|from|with))\n(?=the\b|an?\b)|(?<=across)\n(?=the\b|an?\b)|(?<=through)\n(?=the\b|an?\b)"
)
"""A line break in the middle of a sentence: the text was only wrapped, not listed."""


def cut(text: str) -> Reading:
    """The title ("" without one) and the shots of a brief; at least one shot, whatever the text."""
    title, body = _title(_SLUGLINE.sub(_heading, _WRAPPED.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))))
    shots: list[str] = []
    everywhere: list[str] = []
    ahead: list[str] = []
    smooth: list[bool] = []
    turns = False
    setting = ""
    for part in _parts(body):
        role = role_of(part, setting, first=not shots)
        said, asked = cleaned(part), [remark.value for remark in joins(part)]
        turns |= "into" in asked
        if role == "shot":
            shots.append(" ".join([*ahead, said]))
            smooth.append(turns)
            ahead, turns = [], False
        elif role == "ahead":
            ahead.append(said)
        elif role == "remark" and said and shots:
            shots[-1] = " ".join([shots[-1], *ahead, said])
            ahead = []
        elif role == "remark" and said:
            (everywhere if _lasting(part) else ahead).append(said)
        turns |= "onward" in asked
        setting = setting_of(story(part), setting) or setting
    if ahead:
        shots = (
            [*shots[:-1], " ".join([*shots[-1:], *ahead])]
            if shots and not _lonely(ahead)
            else [*shots, " ".join(ahead)]
        )
    prefix = " ".join(everywhere)
    told = tuple(f"{prefix} {shot}".strip() for shot in shots) or (" ".join((prefix or text).split()),)
    return Reading(title, told, (*smooth, *[turns] * len(told))[: len(told)])


def _lasting(remark: str) -> bool:
    """Whether a remark before the first shot holds for all: a manner of filming or a mood, no single move."""
    asked = cameras(remark)
    moods = {word.lower() for word in re.findall(r"\w+", remark)} & lexicon().group("moods", "words")
    return all(one.value in (None, "static") for one in asked) and bool(asked or moods or about_film(remark))


def _lonely(ahead: Sequence[str]) -> bool:
    return any(places(story(said)) for said in ahead)


def cleaned(part: str) -> str:
    """The words of a part without order words, label and what speaks of the whole film."""
    rest = masked(part, (*wished(part), *openings(part), *joins(part)))
    plain = ORDER_WORDS.sub("", FIELD.sub("", rest))
    plain = re.sub(r"\s+([.,;:!?…])", r"\1", " ".join(plain.split()))
    plain = re.sub(r"[,;:]+(?=[,;:.!?])", "", plain.replace("()", ""))
    plain = re.sub(r"(?:^[\s,;:.]+)|(?:[\s,;:(–—-]+$)", "", plain)
    return plain if plain.endswith((".", "!", "?", "…")) or not plain else plain + "."


def _title(text: str) -> tuple[str, str]:
    """A title line at the head of the text, and the rest."""
    if match := _TITLE.search(text):
        title = (match["title"] or match["quoted"]).strip(' "“”*#')
        return title, text[: match.start()] + text[match.end() :] if match["title"] else text.replace(match[0], "")
    head, _, rest = text.strip().partition("\n")
    line = head.strip().strip('*#"“”=_ ').strip()
    words = line.split()
    capital = sum(word[0].isupper() for word in words) >= max(1, len(words) - 2 - len(words) // 4) if words else False
    plain = (
        bool(rest.strip())
        and 0 < len(words) <= 9
        and not re.search(r"[.:;,]$", line)
        and not _LABEL.match(head)
        and not _ITEM.match(head)
    )
    marked = head.lstrip().startswith(("#", "**", '"', "“")) or line.isupper() or rest.startswith("\n")
    if (
        plain
        and (capital or rest.startswith("\n"))
        and (marked or capital)
        and not any(clause.verb and clause.verb.form == "s" and clause.subjects for clause in clauses(line))
        and not wished(line)
        and not cameras(line)
    ):
        return (line.title() if line.isupper() else line), rest
    return "", text


def _parts(text: str) -> Iterator[str]:
    """The smallest stretches that can be shots of their own."""
    for block, labelled in _blocks(text):
        sentences = [sentence for sentence in _sentences(block) if sentence.strip()]
        if labelled:
            told = [sentence for sentence in sentences if role_of(sentence, "", first=True) != "film"]
            yield from ([" ".join(sentence.strip() for sentence in told)] if told else [])
            yield from (sentence for sentence in sentences if sentence not in told)
            continue
        for sentence in sentences:
            for piece in pieces(sentence):
                for part in _split(piece, _INSIDE, keep=False):
                    if part.strip():
                        yield from _moved(part)


def _blocks(text: str) -> Iterator[tuple[str, bool]]:
    """Labelled or listed stretches, and the plain text between them."""
    marks = list(_LABEL.finditer(text))
    counted = list(_COUNTED.finditer(text))
    listed = not marks
    if listed:
        marks = list(_ITEM.finditer(text))
    if len(marks) < 2 < len(counted) + 1:
        marks = counted
    if not marks:
        yield text, False
        return
    yield text[: marks[0].start()], False
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        block = text[mark.end() : after.start() if after else len(text)]
        own, gap, rest = block.partition("\n" if listed else "\n\n")
        yield own, True
        if gap and rest.strip():
            yield rest, False


def _sentences(text: str) -> list[str]:
    """Sentences and lines, each with its closing mark; a line wrapped in mid-sentence goes on."""
    text = re.sub(
        r"(?<=[^\s.!?:;…]{1})[ \t]*\n(?=[ \t]*[a-z])",
        lambda match: " " if _wraps(text, match.start()) else "\n",
        text,
    )
    return _split(text, _SENTENCE, keep=True)


def _split(text: str, mark: re.Pattern[str], keep: bool) -> list[str]:
    """`text` cut at every mark outside quoted speech; the marks are kept or dropped."""
    found, start = [], 0
    for match in mark.finditer(masked(text, spoken(text))):
        found.append(text[start : match.end() if keep else match.start()])
        start = match.end()
    return [*found, text[start:]]


def _wraps(text: str, at: int) -> bool:
    return at - text.rfind("\n", 0, at) > 60


def _moved(part: str) -> Iterator[str]:
    """Cuts a sentence where the place or time of day changes: "through the forest and into the city"."""
    told = story(part)
    joints = list(_JOINT.finditer(told))
    marks: list[Where | When] = sorted((*places(told), *times(told)), key=lambda mark: mark.start)
    start = 0
    here: Where | None = None
    now: When | None = None
    for mark in marks if joints else []:
        before = here if isinstance(mark, Where) else now
        joint = _joint(joints, before, mark, start)
        if before and joint and _changes(before, mark, told[joint.end() : mark.start]) and _halves(told, start, joint):
            yield part[start : joint.start()]
            start = joint.end()
            here, now = (mark, None) if isinstance(mark, Where) else (None, mark)
        elif isinstance(mark, Where):
            here = mark if here is None or mark.weight >= here.weight else here
        elif not mark.vague:
            now = mark
    yield part[start:]


def _joint(
    joints: Sequence[re.Match[str]], before: Where | When | None, mark: Where | When, start: int
) -> re.Match[str] | None:
    """The last "and", comma or the like between two marks."""
    last = bisect_right(joints, mark.start, key=lambda joint: joint.end()) - 1
    if before is None or last < 0 or joints[last].start() < max(before.end, start + 1):
        return None
    return joints[last]


def _halves(told: str, start: int, joint: re.Match[str]) -> bool:
    """Whether both sides of a joint can stand alone."""
    before = tells(told[start : joint.start()], alone=start == 0)
    return before and tells(told[joint.end() : joint.end() + 300], alone=False)


def _changes(before: Where | When, after: Where | When, between: str) -> bool:
    """Whether the story leaves `before` for `after`, which `between` leads up to."""
    if isinstance(before, When) and isinstance(after, When):
        return before.time != after.time and not after.vague
    if not isinstance(before, Where) or not isinstance(after, Where):
        return False
    acts = any(clause.verb for clause in clauses(between)) or after.prep == ""
    if (
        setting_of(between + " " + after.word, before.setting) == before.setting
        and setting_of(f"{after.prep} the {after.word}", before.setting) == before.setting
    ):
        return False
    own = bool(after.prep) or any(clause.verb for clause in clauses(between))
    return own and after.weight == 3 and (before.weight > 1 or acts) and before.prep != "between"
