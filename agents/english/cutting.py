"""A brief cut into shots: labels, sentences, order words, and changes of place or time inside a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from kinograph.agents.english.clauses import Clause, Group, clauses
from kinograph.agents.english.remarks import about_film, cameras, masked, openings, story, wished
from kinograph.agents.english.whereabouts import When, Where, places, setting_of, times
from kinograph.agents.english.words import Word, lexicon

Role = Literal["shot", "ahead", "remark", "film"]

_COUNT = r"(?:\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[ivx]{1,4}|[a-h])"
_LABEL = re.compile(
    rf"(?:^|(?<=[\n.!?;:…]))[ \t]*(?:[-*•–—#]+[ \t]*)?(?:\*\*)?[\[(]?(?:(?:shot|scene|panel|clip|frame|beat|part|cut|take|act|image|picture|step|day)[ \t]*(?:#|no\.?|number)?[ \t]*{_COUNT}\b[\])]?(?:\*\*)?[ \t]*(?:[:.)\]–—-]+|(?=\n))(?:\*\*)?"
    r"|(?:opening|first|second|third|fourth|fifth|next|last|final|closing)[ \t]+(?:shot|scene|panel|frame|clip)[ \t]*[:–—-]+"
    r"|\d+(?::\d\d)?[ \t]*[-–—][ \t]*\d+(?::\d\d)?[ \t]*(?:s|sec|seconds)?[\])]?[ \t]*[:–—-]+)[ \t]*",
    re.I | re.M,
)
_ITEM = re.compile(r"^[ \t]*(?:[-*•–—►▪●‣→>][ \t]+|\(?(?:\d{1,2}|[a-h])[.):][ \t]+|\d️?⃣[ \t]*)", re.M)
_COUNTED = re.compile(r"(?:^|(?<=[\s,;:.]))\(?\d{1,2}\)[ \t]+")
_SENTENCE = re.compile(r"(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\be\.g)(?<!\bi\.e)(?<!\bvs)[.!?…。！？]+[\"”’')\]]*(?=\s|$|[。！？])|\n+")
_ORDER = (
    r"(?:then|after (?:that|this|which|a while|a moment)|afterwards?|next(?!\s+to)|finally|meanwhile|at last|lastly|last of all|later(?: on)?|eventually|in the end|at the end"
    r"|(?:a few )?(?:moments?|seconds?|minutes?|hours?) later|a (?:moment|second|minute|little|while) later|soon(?: after)?|shortly after(?:wards)?|subsequently|thereafter|followed by|cut to|cutting to|second(?:ly)?(?=,)|third(?:ly)?(?=,)|fourth(?:ly)?(?=,)|to finish|to end)"
)
_INSIDE = re.compile(rf"\s*;\s*|\s*[,–—:-]\s*(?:and\s+|but\s+)?(?={_ORDER}\b)|\s+(?:and|but)\s+(?={_ORDER}\b)|\s+(?=(?:then|after which|followed by|whereupon|cut to)\b)", re.I)
_FIRST = re.compile(rf"^\W*(?:(?:and|but|so)\s+)?(?:(?:{_ORDER}|first(?:ly)?|first of all|second(?:ly)?|third(?:ly)?|fourth(?:ly)?|at first|to (?:begin|start)(?: with)?|in the (?:beginning|first|second|third|next|last|final|opening)(?: (?:shot|scene))?|now|cut to(?: black)?|fade (?:in|to)|dissolve to|once upon a time|suddenly|and)\b[\s,:…–—-]*)+", re.I)  # fmt: skip
_JOINT = re.compile(r"\s*,\s*(?:and|but|while|whereas|before)?\s+|\s+(?:and|but|while|whereas|before)\s+", re.I)
_TITLE = re.compile(r"^\s*(?:film |movie |working )?title\s*[:=–-]\s*(?P<title>[^\n]{1,80}?)[.\s]*(?:\n|$)|\b(?:called|titled|entitled|named)\s+[\"“](?P<quoted>[^\"”\n]{1,80})[\"”]", re.I | re.M)
_FIELD = re.compile(r"^\s*(?:setting|location|place|time|time of day|mood|camera|atmosphere|characters?|cast|lighting|scene|weather)\s*[:=]\s*", re.I)
_DETAILS = frozenset(("be", "look", "seem", "feel", "sound", "smell"))
_ORDERS = frozenset(("make", "use", "keep", "want", "like", "need", "love", "prefer", "have", "give", "render", "let", "get", "set", "create", "do", "add", "try", "think", "wish", "last", "say", "end", "start", "begin", "feel", "be", "look", "run"))  # fmt: skip


class Reading(NamedTuple):
    """A brief cut up: every string is the text of one shot."""

    title: str
    shots: tuple[str, ...]


def cut(text: str) -> Reading:
    """The title ("" without one) and the shots of a brief; at least one shot, whatever the text."""
    title, body = _title(re.sub(r"\b(?:EXT|INT|Ext|Int|ext|int)\.(?:/(?:INT|EXT)\.)?[ \t]*", "", text.replace("\r\n", "\n").replace("\r", "\n")))
    shots: list[str] = []
    everywhere: list[str] = []
    ahead: list[str] = []
    setting = ""
    for part in _parts(body):
        role = _role(part, setting, first=not shots)
        said = _cleaned(part)
        if role == "shot":
            shots.append(" ".join([*ahead, said]))
            ahead = []
        elif role == "ahead":
            ahead.append(said)
        elif role == "remark" and said:
            _attach(said, shots, everywhere)
        setting = setting_of(story(part), setting) or setting
    if ahead:
        shots = [*shots[:-1], " ".join([*shots[-1:], *ahead])] if shots and not _lonely(ahead) else [*shots, " ".join(ahead)]
    prefix = " ".join(everywhere)
    return Reading(title, tuple(f"{prefix} {shot}".strip() for shot in shots) or (" ".join((prefix or text).split()),))


def _attach(said: str, shots: list[str], everywhere: list[str]) -> None:
    """A remark belongs to the shot before it, or to all when it comes first."""
    if shots:
        shots[-1] = f"{shots[-1]} {said}"
    else:
        everywhere.append(said)


def _lonely(ahead: Sequence[str]) -> bool:
    return any(places(story(said)) for said in ahead)


def _cleaned(part: str) -> str:
    """The words of a part without order words, label and what speaks of the whole film."""
    rest = masked(part, (*wished(part), *openings(part)))
    plain = _FIRST.sub("", _FIELD.sub("", rest))
    plain = re.sub(r"\s+([.,;:!?…])", r"\1", " ".join(plain.split()))
    plain = re.sub(r"(?:^[\s,;:.]+)|(?:[\s,;:(–—-]+$)", "", re.sub(r"([,;:])(?:\s*[,;:])+", r"\1", plain))
    return plain if plain.endswith((".", "!", "?", "…")) or not plain else plain + "."


# ------------------------------------------------------------------------------------------- pieces


def _title(text: str) -> tuple[str, str]:
    """A title line at the head of the text, and the rest."""
    if match := _TITLE.search(text):
        title = (match["title"] or match["quoted"]).strip(" \"“”*#")
        return title, text[: match.start()] + text[match.end() :] if match["title"] else text.replace(match[0], "")
    head, _, rest = text.strip().partition("\n")
    line = head.strip().strip("*#\"“”=_ ").strip()
    words = line.split()
    capital = sum(word[0].isupper() for word in words) >= max(1, len(words) - 2 - len(words) // 4) if words else False
    plain = bool(rest.strip()) and 0 < len(words) <= 9 and not re.search(r"[.:;,]$", line) and not _LABEL.match(head) and not _ITEM.match(head)
    marked = head.lstrip().startswith(("#", "**", "\"", "“")) or line.isupper() or rest.startswith("\n")
    if plain and (capital or rest.startswith("\n")) and (marked or capital) and not any(clause.verb and clause.verb.form == "s" and clause.subjects for clause in clauses(line)) and not wished(line) and not cameras(line):
        return (line.title() if line.isupper() else line), rest
    return "", text


def _parts(text: str) -> Iterator[str]:
    """The smallest stretches that can be shots of their own."""
    for block, labelled in _blocks(text):
        sentences = [sentence for sentence in _sentences(block) if sentence.strip()]
        if labelled:
            told = [sentence for sentence in sentences if _role(sentence, "", first=True) != "film"]
            yield from ([" ".join(sentence.strip() for sentence in told)] if told else [])
            yield from (sentence for sentence in sentences if sentence not in told)
            continue
        for sentence in sentences:
            for part in _INSIDE.split(sentence):
                if part and part.strip():
                    yield from _moved(part)


def _blocks(text: str) -> Iterator[tuple[str, bool]]:
    """Labelled or listed stretches, and the plain text between them."""
    marks = list(_LABEL.finditer(text))
    listed = not marks
    if listed:
        marks = list(_ITEM.finditer(text))
    if not marks:
        marks = list(_COUNTED.finditer(text))
        marks = marks if len(marks) > 1 else []
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
    text = re.sub(r"(?<=[^\s.!?:;…]{1})[ \t]*\n(?=[ \t]*[a-z])", lambda match: " " if _wraps(text, match.start()) else "\n", text)
    found, start = [], 0
    for match in _SENTENCE.finditer(text):
        found.append(text[start : match.end()])
        start = match.end()
    return [*found, text[start:]]


def _wraps(text: str, at: int) -> bool:
    return at - text.rfind("\n", 0, at) > 60


def _moved(part: str) -> Iterator[str]:
    """Cuts a sentence where the story changes place or time of day: "through the forest and into the city"."""
    told = story(part)
    joints = [match for match in _JOINT.finditer(told)]
    marks: list[Where | When] = sorted((*places(told), *times(told)), key=lambda mark: mark.start)
    start, here, now = 0, None, None
    for mark in marks if joints else []:
        before = here if isinstance(mark, Where) else now
        joint = next((joint for joint in reversed(joints) if before and before.end <= joint.start() and joint.end() <= mark.start and joint.start() > start), None)
        if before and joint and _changes(before, mark, told[joint.end() : mark.start]) and _tells(told[start : joint.start()]) and _tells(told[joint.end() :], alone=False):
            yield part[start : joint.start()]
            start = joint.end()
            here, now = (mark, None) if isinstance(mark, Where) else (None, mark)
        elif isinstance(mark, Where):
            here = mark if here is None or mark.weight >= here.weight else here
        elif not mark.vague:
            now = mark
    yield part[start:]


def _changes(before: Where | When, after: Where | When, between: str) -> bool:
    """Whether the story leaves `before` for `after`, which `between` leads up to."""
    if isinstance(before, When) and isinstance(after, When):
        return before.time != after.time and not after.vague
    if not isinstance(before, Where) or not isinstance(after, Where):
        return False
    acts = any(clause.verb for clause in clauses(between)) or after.prep == ""
    if setting_of(between + " " + after.word, before.setting) == before.setting and setting_of(f"{after.prep} the {after.word}", before.setting) == before.setting:
        return False
    own = bool(after.prep) or any(clause.verb for clause in clauses(between))
    return own and after.weight == 3 and (before.weight > 1 or acts) and before.prep != "between"


def _tells(text: str, alone: bool = True) -> bool:
    """Whether `text` shows somebody or something, or at least (not `alone`) a place or time to go to."""
    found = clauses(text)
    return any(_acting(clause) or _shown(clause) for clause in found) or (not alone and bool(places(text) or times(text)))


# --------------------------------------------------------------------------------------------- roles


def _role(part: str, setting: str, first: bool) -> Role:
    """What a part is for: a shot, words ahead of the next, a remark on the one before, or the film's own."""
    told = story(part)
    found = clauses(_FIRST.sub("", _FIELD.sub("", told)))
    acting = [clause for clause in found if _acting(clause)]
    shown = [group for clause in found for group in _shown(clause)]
    if (wished(part) or about_film(part)) and not openings(part) and not _stands(acting, shown, told):
        return "film"
    spots, moments = places(told), times(told)
    if _FIELD.match(part) and not acting and not shown:
        return "ahead" if spots or moments else "remark"
    if cameras(part) and not acting:
        return _filmed(shown, spots, setting, bool(moments), first)
    if acting and (first or not all(_detail(clause, spots, setting) for clause in acting)):
        return "shot"
    if acting:
        return "remark"
    if shown:
        return "shot"
    if spots:
        return "shot" if _stated(told, spots[0]) else "ahead"
    return "ahead" if moments else "remark"


def _stands(acting: Sequence[Clause], shown: Sequence[Group], told: str) -> bool:
    """Whether a part that also orders something of the film tells a story."""
    deeds = [clause for clause in acting if clause.verb and clause.verb.base not in _ORDERS and any(_worthy(group) or group.head in ("they", "he", "she", "both") for group in clause.subjects)]
    return bool(deeds) or (bool(shown) and bool(places(told) or any(group.color or group.first in ("a", "an", "two") for group in shown)))


def _filmed(shown: Sequence[Group], spots: Sequence[Where], setting: str, timed: bool, first: bool) -> Role:
    """A camera sentence is a shot when it shows something or somewhere new."""
    new = any(group.first in ("a", "an", "two", "three", "another", "some") or group.name for group in shown)
    elsewhere = any(spot.setting != setting for spot in spots) and not any(spot.setting == setting for spot in spots)
    return "shot" if new or elsewhere or (first and (shown or spots)) or (timed and (shown or spots)) else "remark"


def _stated(told: str, spot: Where) -> bool:
    """Whether a place is what the part shows ("A meadow at sunrise."), not where the next happens ("In a forest.")."""
    return bool(re.match(r"\W*(?:an?|the|some|we see|view of|\w+ view of)\b", told, re.I)) or (spot.prep in ("", "of") and bool(re.search(r"\b(?:an?|the)\b", told[: spot.start], re.I)))


def _detail(clause: Clause, spots: Sequence[Where], setting: str) -> bool:
    """ "It is happy", "The sky is pink": said of the shot before, not a shot."""
    assert clause.verb is not None
    if clause.verb.base not in _DETAILS or (clause.verb.base != "be" and any(group.prep for group in clause.objects)):
        return False
    if clause.verb.base == "look" and any(isinstance(item, Word) and item.tag in ("prep", "adv") and not item.lower.endswith("ly") for item in clause.tail):
        return False
    moved = any(spot.setting != setting for spot in spots)
    new = any(group.first in ("a", "an", "two", "another") and _worthy(group) for group in (*clause.subjects, *clause.objects))
    return not moved and not new


def _acting(clause: Clause) -> bool:
    """Whether somebody does something in the clause."""
    if clause.verb is None:
        return False
    if clause.inherits and clause.verb.base not in _DETAILS:
        return True
    actors = [group for group in clause.subjects if _worthy(group) or (group.pronoun and group.head not in ("we", "you", "i", "there", "everything", "nothing", "that", "this"))]
    if clause.verb.base == "be" and not any(_worthy(group) for group in (*clause.subjects, *clause.objects)):
        return bool(actors) and not times(" ".join(word.text for group in clause.objects for word in group.words))
    return bool(actors) or bool(_shown(clause))


def _shown(clause: Clause) -> list[Group]:
    """Who or what is put before the eye: everything of a fragment, the objects of a command or of "there is"."""
    if clause.verb is None:
        return [group for group in (*clause.subjects, *(each for each in clause.objects if each.prep in ("with", "of", "on", "about", "to"))) if _worthy(group)]
    return [group for group in clause.objects if not clause.inherits and (not group.prep or clause.verb.base in ("zoom", "start", "begin", "open")) and _worthy(group)]


def _worthy(group: Group) -> bool:
    """Whether a noun group can be a character, as far as its words alone say."""
    nouns = lexicon()
    if group.pronoun or not group.words or group.first == "no" or (group.prep in ("without", "like")):
        return False
    said = " ".join(word.text for word in group.words)
    if group.name and not group.head:
        return True
    thing = group.head in nouns.group("nouns", "things") or group.head in nouns.group("nouns", "persons")
    if not group.head or group.head in nouns.group("nouns", "film") or (group.prep and group.head in nouns.group("nouns", "manners") - nouns.group("nouns", "things")):
        return False
    if group.head in nouns.group("nouns", "weather") or (group.head in nouns.group("nouns", "parts") and not thing and group.first not in ("a", "an")):
        return False
    if (places(said) or times(said)) and not thing:
        return False
    return thing or group.determined or group.plural or group.words[0].tag == "adj"
