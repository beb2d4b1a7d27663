"""Puts people into shots: new shots told in words, and words about who is in them, how they look and what they do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kinograph.agents import edits
from kinograph.agents.english.casting import Casting
from kinograph.agents.english.cutting import cut
from kinograph.agents.english.lexicon import lexicon, plain_color, singular
from kinograph.agents.english.turning import looks_of
from kinograph.agents.english.whereabouts import setting_of, time_of
from kinograph.agents.english.wishes import story
from kinograph.agents.english.words import words
from kinograph.agents.motion import Motion as MotionAgent
from kinograph.agents.outline import Beat, Outline
from kinograph.agents.planner import by_importance
from kinograph.agents.scene import Scene
from kinograph.film import Appearance, Character, Motion, Storyboard

REVERSED: dict[Motion, Motion] = {
    "moves left": "moves right",
    "moves right": "moves left",
    "rises": "falls",
    "falls": "rises",
    "grows": "shrinks",
    "shrinks": "grows",
}


def shots(text: str, after: str, board: Storyboard) -> Iterator[edits.Add]:
    """The new shots that a story makes in this film; where it names no place or time, those of its neighbour."""
    order = [shot.id for shot in board.shots]
    near = board.shots[order.index(after)] if after else board.shots[0]
    casting = Casting(board.cast, welcoming=True)
    told = cut(text[:1].upper() + text[1:]).shots if text else ("",)
    # "Then it flies away" speaks of the neighbour's lead.
    context = " ".join(f"{_definite(board, one.who)} waits." for one in reversed(near.cast))
    casting.read(context)
    acts = [casting.read(story(one)) for one in told]
    turns = [[turn for act in done for turn in act.turns] for done in acts]
    met = {one.identity for one in board.cast}
    looks = looks_of(casting.cast, [by_importance(done) for done in acts], turns, met)
    beats = tuple(Beat(id=str(n), text=one, who=who) for n, (one, who) in enumerate(zip(told, looks.who, strict=True)))
    before = Beat(id="0", text=context, who=tuple(one.who for one in near.cast))
    outline = Outline(title="", cast=looks.cast, beats=(before, *beats))
    places, moves = Scene().rules(outline).places[1:], MotionAgent().rules(outline).moves[1:]
    seconds = round(sum(shot.seconds for shot in board.shots) / len(order), 3)
    setting, time, known = near.setting, near.time, {one.id for one in board.cast}
    added = []
    for beat, place, move in zip(beats, places, moves, strict=True):
        said = story(beat.text)
        setting, time = setting_of(said, setting) or setting, time_of(said) or time
        new = tuple(one for one in looks.cast if one.id in beat.who and one.id not in known)
        added.append(
            edits.Add(
                after=after,
                text=beat.text[:200],
                cast=move.cast[:8],
                newcomers=new[:8],
                setting=setting,
                time=time,
                camera=move.camera,
                mood=place.mood,
                extra=place.extra,
                seconds=seconds,
            )
        )
    # Each is put right after the same shot: the last first.
    yield from reversed(added)


def _definite(board: Storyboard, who: str) -> str:
    """ "The red ball", "Momo"."""
    one = board.character(who)
    return _name(one) or re.sub(r"^(?:an?|another|some)\s+", "The ", one.words, flags=re.I)


# ------------------------------------------------------------------------------------------- the cast


def named(text: str, board: Storyboard) -> list[Character]:
    """The characters that a text names: by name, by colour and kind, by kind; a pronoun means the only one."""
    found: dict[str, int] = {}
    lower = text.lower()
    for one in board.cast:
        if (name := _name(one)) and re.search(rf"\b{re.escape(name.lower())}\b", lower):
            found[one.id] = 3
        elif match := _said(one, lower):
            hue = plain_color(match["color"] or "")
            found[one.id] = 2 if hue and hue == one.color else 0 if hue else 1
    best = max(found.values(), default=0)
    fits = [one for one in board.cast if best and found.get(one.id) == best]
    if len(fits) > 1 and best == 1 and len({one.kind for one in fits}) == 1 and not _plural(fits[0].kind, lower):
        fits = fits[:1]
    if fits:
        return fits
    if re.search(r"\b(?:everyone|everybody|they|them|all of them)\b", lower):
        return list(board.cast)
    if re.search(r"\b(?:it|its|he|him|she|her)\b", lower) and len(board.cast) == 1:
        return list(board.cast)
    return []


def _name(one: Character) -> str:
    """ "Momo" of "Momo, a black cat"; "" for who has none."""
    first = one.words.split(",")[0]
    return first if first[:1].isupper() else ""


def _said(one: Character, lower: str) -> re.Match[str] | None:
    kind = re.escape(one.kind.lower())
    return re.search(rf"(?:\b(?P<color>[a-z-]+)\s+)?\b{kind}(?:e?s)?\b", lower)


def _plural(kind: str, lower: str) -> bool:
    return any(word != kind and singular(word) == kind for word in re.findall(r"[a-z]+", lower))


def without_cast(text: str, board: Storyboard) -> str:
    """`text` without the words for the cast."""
    for one in board.cast:
        if match := _said(one, text.lower()):
            text = text[: match.start()] + " " + text[match.end() :]
    return text


def cast_edits(text: str, ids: Sequence[str], board: Storyboard) -> list[edits.Edit]:
    """What a text says of characters: another kind, another colour, somebody new, another motion."""
    where = tuple(ids)
    if swapped := _replaced(text, where, board):
        return swapped
    if joined := _joined(text, where, board):
        return joined
    people = _there(named(text, board), text, where, board) or (list(board.cast) if _OTHER_WAY.search(text) else [])
    if not people:
        return []
    color = _color(text, people)
    if color:
        return [edits.Recast(who=one.id, color=color, shots=where) for one in people if one.color != color] or [
            edits.Unclear(words=text[:200], hint=f"{people[0].words} is {color} already")
        ]
    return [edit for one in people for edit in _moved(text, one, where, board)]


def _there(people: Sequence[Character], text: str, where: Sequence[str], board: Storyboard) -> list[Character]:
    """Of those who change in the story the looks that are in these shots: the ball of shot 3 is the green one there."""
    seen = {one.who for shot in board.shots if shot.id in where for one in shot.cast}
    found: list[Character] = []
    for one in people:
        looks = [look for look in board.cast if look.identity == one.identity and look.id in seen]
        told = _said(one, text.lower())
        meant = one.id in seen or (one.color and told is not None and plain_color(told["color"] or "") == one.color)
        found += [one] if meant or not looks else looks
    return list(dict.fromkeys(found))


def _color(text: str, people: Sequence[Character]) -> str | None:
    """The colour that is said besides the one that tells who is meant; "blue instead of red" is blue."""
    plain = re.sub(r"\b(?:instead of|rather than|not)\s+(?:the\s+|an?\s+)?[a-z-]+", " ", text.lower())
    for one in people:
        if one.color and (match := _said(one, plain)) and plain_color(match["color"] or "") == one.color:
            plain = plain[: match.start()] + " " + plain[match.end() :]
    hues = [hue for word in re.findall(r"[a-z-]+", plain) if (hue := plain_color(word))]
    return hues[-1] if hues else None


_INTO = re.compile(
    r"\b(?:replace|swap|exchange)\s+(?P<old>.+?)\s+(?:with|by|for)\s+(?P<new>.+)$"
    r"|\b(?P<new2>an?\s+[\w -]+?)\s+instead of\s+(?P<old2>.+)$"
    r"|\binstead of\s+(?P<old3>(?:the|an?)\s+[\w -]+?),?\s+(?:use\s+|take\s+|have\s+)?(?P<new3>an?\s+.+)$"
    r"|\b(?:make|turn|change)\s+(?P<old4>.+?)\s+(?:into\s+|to\s+)?(?P<new4>an?\s+[\w -]+)$"
    r"|^(?P<old5>the\s+[\w -]+?)\s+(?:should|must|could|has to|needs to)\s+(?:rather )?be(?:come)?\s+"
    r"(?P<new5>an?\s+[\w -]+)$",
    re.I,
)


def _replaced(text: str, where: tuple[str, ...], board: Storyboard) -> list[edits.Edit]:
    """ "replace the ball with a cube", "make the ball a blue cube"."""
    match = _INTO.search(" ".join(text.split()).strip(" ."))
    if match is None:
        return []
    old = next(value for key, value in match.groupdict().items() if key.startswith("old") and value)
    new = next(value for key, value in match.groupdict().items() if key.startswith("new") and value)
    people, kind = named(old, board), _kind(new)
    color = next((hue for word in re.findall(r"[a-z-]+", new.lower()) if (hue := plain_color(word))), None)
    if not people or kind is None:
        return []
    return [edits.Recast(who=one.id, kind=kind, color=color, shots=where) for one in people]


def _kind(said: str) -> str | None:
    """The last word of "a big blue cube" when it is somebody or something that can be seen."""
    tail = [word.base for word in words(said) if word.tag == "noun"]
    nouns = lexicon()
    seen = nouns.group("nouns", "things") | nouns.group("nouns", "persons")
    below = {kind for kinds in nouns.data["nouns"]["hypernyms"].values() for kind in kinds}
    return tail[-1] if tail and tail[-1] in seen | below else None


_JOIN = re.compile(
    r"^\s*(?:(?:add|put|place|include|bring|insert)|(?:have|let)(?=.*\b(?:appear|join|come in)))\s+"
    r"(?P<who>(?:an?|the|another|some|two|three)\s+.+?)"
    r"(?:\s+(?:appears?|joins?|comes?|in|into|to|there|too|as well)\b.*)?$",
    re.I,
)


def _joined(text: str, where: tuple[str, ...], board: Storyboard) -> list[edits.Edit]:
    """ "add a dog to shot 2", "put the star in shot 3"."""
    match = _JOIN.match(" ".join(text.split()).strip(" ."))
    if match is None:
        return []
    who = match["who"]
    known = [] if re.match(r"(?:an?|another|two|three|some)\b", who, re.I) else named(who, board)
    casting = Casting(board.cast, welcoming=True)
    if not known:
        acts = casting.read(f"{who[:1].upper()}{who[1:]}.")
        known = [one for act in acts for id in act.who for one in casting.cast if one.id == id]
        if not any(one not in board.cast for one in known):
            return []
    sure = [one for one in known if _kind(one.kind) or one in board.cast]
    return [edits.Enter(character=one, shots=where) for one in sure]


# --------------------------------------------------------------------------------------------- motion

_CAUSING = frozenset(
    ("make", "let", "have", "change", "be", "do", "set", "keep", "use", "give", "want", "show", "need")
)
_OTHER_WAY = re.compile(
    r"\b(?:the other way|(?:in|the) (?:the )?opposite direction|backwards|turn(?:ed)? around)\b", re.I
)


def _moved(text: str, one: Character, where: tuple[str, ...], board: Storyboard) -> list[edits.Edit]:
    """ "the ball should bounce", "let it spin", "the other way"."""
    if _OTHER_WAY.search(text):
        return [
            edits.Act(who=one.id, motion=turned, shots=(shot.id,))
            for shot in board.shots
            for seen in shot.cast
            if seen.who == one.id and (not where or shot.id in where) and (turned := REVERSED.get(seen.motion))
        ]
    plain = re.sub(r"\b(?:instead of|rather than|not)\s+\w+ing\b", " ", text)
    for word in words(plain):
        known = lexicon().forms.get(word.lower)
        if known is None or known[0] in _CAUSING or word.lower in one.words.lower().split():
            continue
        if word.tag == "noun" and word.lower not in lexicon().forms:
            continue
        third = next((form for form, (base, how) in lexicon().forms.items() if base == known[0] and how == "s"), None)
        seen = _act(f"{third or word.lower} {plain[word.end :]}", one)
        if third and (seen.motion != "stays" or seen.action):
            held = [shot.id for shot in board.shots if any(a.who == one.id for a in shot.cast)]
            shots = tuple(id for id in where if id in held) if where else ()
            if where and not shots:
                return []
            return [edits.Act(who=one.id, motion=seen.motion, action=seen.action[:200], shots=shots)]
    return []


def _act(said: str, one: Character) -> Appearance:
    """What a character does in "bounces over the hill"."""
    beat = Beat(id="1", text=f"The {one.kind} {' '.join(said.split())}.", who=(one.id,))
    plain = one.changed(words=f"a {one.kind}")
    return MotionAgent().rules(Outline(title="", cast=(plain,), beats=(beat,))).moves[0].cast[0]
