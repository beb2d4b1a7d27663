"""The reviser's rules: words about a storyboard, read piece by piece, become edits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kinograph.agents import arranging, attending, edits, staging
from kinograph.agents.english import changes, orders, pieces
from kinograph.agents.english.camera import cameras, masked
from kinograph.agents.english.clauses import clauses
from kinograph.agents.english.counting import ORDINAL, number, places
from kinograph.agents.english.lexicon import plain_color
from kinograph.agents.english.roles import tells
from kinograph.agents.english.shots import NOUN, TOKEN, tag
from kinograph.agents.english.whereabouts import setting_of, time_of
from kinograph.agents.english.wishes import aspects, looks, story
from kinograph.agents.revising import Draft, Used, revise
from kinograph.agents.wish import Wish
from kinograph.errors import BadInput
from kinograph.film import Brief, Camera, Storyboard

_OF_SHOTS = (
    edits.Change,
    edits.Length,
    edits.Recast,
    edits.Act,
    edits.Enter,
    edits.Leave,
    edits.Again,
    edits.Unclear,
)
HINT = 'say for example "make shot 2 at night", "the ball should be blue" or "add a closing shot of the sea"'


def understand(wish: Wish) -> list[edits.Edit]:
    """The edits that the words ask for, never none; what is not understood comes back as `Unclear`."""
    whole = orders.answer(wish.words)
    if whole is not None:
        return [edits.Approve() if whole == "yes" else edits.Decline()]
    found: list[edits.Edit] = []
    board, focus = wish.storyboard, wish.focus
    for sentence in pieces.told(wish.words):
        meant: tuple[str, ...] = ()
        for piece in sentence:
            said = _Piece(piece, wish.changed(focus=focus), board, meant)
            new = said.edits()
            found += new
            # Later pieces speak of the storyboard as the earlier ones leave it.
            after = _after(board, new, wish)
            meant = _carried(said.shots, new[-1], board, after)
            board, focus = after, meant or focus
    return found


def _carried(shots: tuple[str, ...], last: edits.Edit, before: Storyboard, after: Storyboard) -> tuple[str, ...]:
    """The shots that an order goes on about where it names none: "make shot 2 at night and zoom in"."""
    if isinstance(last, edits.Add):
        old = {shot.id for shot in before.shots}
        return tuple(shot.id for shot in after.shots if shot.id not in old)
    here = {shot.id for shot in after.shots}
    return tuple(id for id in shots if id in here) if isinstance(last, _OF_SHOTS) else ()


def _after(board: Storyboard, new: Sequence[edits.Edit], wish: Wish) -> Storyboard:
    takes = {shot: tuple(map(str, range(count))) for shot, count in wish.takes.items()}
    try:
        return revise(Draft(brief=Brief(text="-"), storyboard=board), new, Used(takes=takes)).storyboard
    except BadInput:
        return board  # the session applies the same edits and says what is wrong


class _Piece:
    """One order, and everything it may mean."""

    def __init__(self, piece: str, wish: Wish, board: Storyboard, meant: Sequence[str]) -> None:
        self.words = piece
        self.wish = wish
        self.board = board
        self.plain = orders.plainly(piece) or piece
        self.tagged = tag(self.plain, board, wish.focus)
        self.shots = () if self.tagged.everything else self.tagged.ids or tuple(meant)
        """The shots that it is about; none for the whole film. "…and zoom in" goes on about those before."""

    def edits(self) -> list[edits.Edit]:
        if orders.answer(self.words) == "yes":
            return [edits.Approve()]
        if changes.asks(self.plain):
            return [self._lost()]
        for read in (self._steps, self._whole, self._added, self._ordered, self._taken, self._removed):
            if found := read():
                return found
        if self.tagged.missing:
            return [self._unclear(arranging.absent(self.tagged.missing, self.board))]
        if self.tagged.unknown or (not self._story() and self._vague()):
            return [self._which()]
        if orders.aside(self.plain) and not self.tagged.meant:
            return [self._lost()]
        if not self._story():
            if found := list(self._properties()):
                return found
            if (again := self._again()) is not None:
                return [again]
        return self._told() or [self._lost()]

    def _lost(self) -> edits.Unclear:
        words = self.words if len(self.words) <= 60 else f"{self.words[:57]}…"
        return self._unclear(f'I did not understand "{words}"; {HINT}')

    def _which(self) -> edits.Unclear:
        count = len(self.board.shots)
        words = self.words if len(self.words) <= 60 else f"{self.words[:57]}…"
        say = f'say "shot 1" to "shot {count}" or "all shots"' if count > 1 else 'say "shot 1"'
        return self._unclear(f'I did not understand which shot "{words}" is about; {say}')

    _SOME_SHOT = re.compile(rf"\b{NOUN}\b(?!\s+at\b)", re.I)

    def _vague(self) -> bool:
        """Whether shots are spoken of and nobody can say which: "shot twenty at night" changes nothing."""
        rest = self.tagged.rest
        return (
            not self.shots and not self.tagged.everything and bool(self._SOME_SHOT.search(masked(rest, cameras(rest))))
        )

    def _unclear(self, hint: str) -> edits.Unclear:
        return edits.Unclear(words=self.words[:200], hint=hint[:200])

    # -------------------------------------------------------------------------------- the session

    def _steps(self) -> list[edits.Edit]:
        if (version := orders.visited(self.plain, self.wish.versions)) is not None:
            return [edits.Visit(version=version)]
        if steps := orders.undone(self.plain):
            return [edits.Undo(steps=min(steps, 100))]
        if steps := orders.redone(self.plain):
            return [edits.Redo(steps=min(steps, 100))]
        return []

    # ----------------------------------------------------------------------------------- the film

    def _whole(self) -> list[edits.Edit]:
        if (title := orders.title(self.plain)) is not None:
            return [edits.Whole(title=title)]
        if (seed := orders.seed(self.plain)) is not None:
            shots = self.tagged.ids if not self.tagged.everything else ()
            return [edits.Again(shots=shots, seed=seed) if shots else edits.Whole(seed=seed)]
        match = re.search(r"\b(?:with|use|model)\s+(?:the\s+)?(?:model\s+)?([a-z]+(?:-[a-z0-9.]+)+)\b", self.plain)
        if match and (match[1].startswith("storyworld-") or "model" in self.plain):
            return [edits.Whole(model=match[1])]
        return []

    # ------------------------------------------------------------------------------------ new shots

    _NEW = re.compile(
        r"^(?!(?:give me|we need|include|put in)\s+the\b)"
        r"(?:(?:(?:add|insert|include|append|create|put in|give me|we need|there should be|another"
        r"|put(?=\s+(?:an?|another|one)\s+(?:\w+\s+)?(?:shot|scene|clip)\b))\b\s*)+"
        r"|(?=one more\s+(?:shot|scene|clip)\b(?!\s+at\b))"
        r"|(?=(?:an?|one more)\s+(?:closing|opening|final|establishing|ending|new|extra|further)\b))"
        r"(?:(?:an?|one|another|one more|the)\s+)*(?:new\s+|extra\s+|further\s+)?"
        r"(?P<rank>(?:closing|opening|final|last|first|establishing|wide|long|short|quick|new|ending)\s+)*"
        rf"(?:(?<!\bthe )(?P<place>{ORDINAL})\s+)?"
        r"(?:(?:shots?|scenes?|endings?|clips?)\b|(?<=\bone )(?=(?:where|in which|with|showing)\b))\s*(?P<rest>.*)$",
        re.I,
    )
    _HEADED = re.compile(
        r"^(?P<where>(?:after|before|following|between)\b.+?),?\s+"
        r"(?P<add>(?:add|insert|include|append|put|there should be|we need|another)\b.*)$",
        re.I,
    )
    _DOING = re.compile(r"^(?:add|insert|include)\s+(?P<story>an?\s+.+?\s+(?:that|who|which|\w+ing)\s+.+)$", re.I)
    _FIRST = re.compile(
        r"^(?:begin|start|open)s?\s+(?:it\s+|the (?:film|movie)\s+)?(?:with|on)\s+(?P<rest>.*)$"
        r"|^(?:at|in) the (?:very )?(?:beginning|start),?\s+(?P<more>.*)$",
        re.I,
    )
    _LAST = re.compile(
        r"^(?:end|close|finish|conclude)s?\s+(?:it\s+|the (?:film|movie)\s+)?(?:with|on)\s+(?P<rest>.*)$"
        r"|^(?:at|in) the (?:very )?end,?\s+(?P<more>.*)$",
        re.I,
    )
    _AT_START = re.compile(
        r"\b(?:at|to|in) the (?:very )?(?:beginning|start|front)\b|\bas the (?:first|opening) shot\b", re.I
    )
    _AT_END = re.compile(r"\b(?:at|to|in) the (?:very )?end\b|\bas the (?:last|final|closing) shot\b", re.I)
    _LEADS = re.compile(r"^(?:\s*(?:[,:–-]|(?:of|with|where|in which|showing|that shows|about|when)\b))+\s*", re.I)

    def _added(self) -> list[edits.Edit]:
        order = [shot.id for shot in self.board.shots]
        headed = self._HEADED.match(self.plain)
        plain = f"{headed['add']} {headed['where']}" if headed else self.plain
        if match := self._NEW.match(plain):
            ranks = (match["rank"] or "").lower()
            after = "" if re.search("opening|first|establishing", ranks) else order[-1]
            if match["place"]:
                at = places(match["place"], len(order))[0]
                after = order[min(at - 2, len(order) - 1)] if at > 1 else ""
            rest = match["rest"]
            for pattern, place in ((self._AT_START, ""), (self._AT_END, order[-1])):
                if pattern.search(rest):
                    after, rest = place, pattern.sub(" ", rest)
            rest, place = self._placed(rest)
            if isinstance(place, edits.Unclear):
                return [place]
            return self._shots(self._LEADS.sub("", rest.strip()), after if place is None else place)
        if not self.tagged.meant and (match := self._DOING.match(self.plain)):
            return self._shots(match["story"], order[-1])
        for pattern, after in ((self._FIRST, ""), (self._LAST, order[-1])):
            match = pattern.match(self.plain)
            if match and not self.tagged.meant and tells(match["rest"] or match["more"], alone=False):
                return self._shots(match["rest"] or match["more"], after)
        return []

    def _placed(self, text: str) -> tuple[str, str | edits.Unclear | None]:
        """The text without "after shot 2", and the id of the shot that a new one comes after."""
        order = [shot.id for shot in self.board.shots]
        numbered = re.sub(r"\bbetween (\w+) and (\w+)(?=\W|$)", r"between shots \1 and \2", text, flags=re.I)
        numbered = re.sub(r"\b(after|before|following) (?=\d)", r"\1 shot ", numbered, flags=re.I)
        tagged = tag(numbered, self.board, self.wish.focus)
        match = re.search(
            rf"\b(?P<way>after|behind|following|before|ahead of|between)\s+{TOKEN}(?:\s*and\s+{TOKEN})?",
            tagged.text,
            re.I,
        )
        if match is None:
            return text, None
        if not (ids := tagged.meant[int(match[2])]):
            return text, self._unclear(arranging.absent(tagged.missing, self.board)) if tagged.missing else None
        rest = tagged.text[: match.start()] + tagged.text[match.end() :]
        way = match["way"].lower()
        if way in ("before", "ahead of"):
            at = order.index(ids[0])
            return rest, order[at - 1] if at else ""
        return rest, min(ids, key=order.index) if way == "between" else ids[-1]

    def _shots(self, text: str, after: str) -> list[edits.Edit]:
        """The shots that a story makes, after the shot of that id; one at least."""
        return list(staging.shots(text.strip(" .,:;"), after, self.board))

    def _story(self) -> bool:
        """Whether a piece goes on telling the story instead of changing what is there."""
        if re.match(r"^\W*(?:and |so )?(?:then|next|finally|after that|afterwards|lastly|later)\b", self.words, re.I):
            return tells(story(self.plain)) and not orders.imperative(self.plain) and not self.tagged.meant
        if orders.imperative(self.plain) or self.tagged.meant:
            return False
        tinted = re.fullmatch(r"the\s+(?:[a-z-]+\s+){1,2}(?:becomes|turns|gets)\s+([a-z-]+)", self.plain, re.I)
        if tinted and plain_color(tinted[1].lower()):
            return False
        if re.match(r"^(?:show|cut to|we see|reveal)\b", self.plain, re.I):
            return tells(story(self.plain), alone=False)
        acting = [c for c in clauses(story(self.plain)) if c.verb is not None and c.subjects and c.verb.form == "s"]
        return bool(acting) and tells(story(self.plain))

    def _told(self) -> list[edits.Edit]:
        told = self._story()
        if self.tagged.meant or orders.imperative(self.plain) or not tells(story(self.plain), alone=not told):
            return []
        found = clauses(story(self.plain))
        # "Tell it as a fable would" begins with an order that is not known: it is no story.
        acting = told or bool(found and found[0].verb is not None and found[0].subjects)
        return self._shots(self.plain, self.board.shots[-1].id) if acting else []

    # ---------------------------------------------------------------------------------------- takes

    _RANK = (
        r"(?P<rank>first|second|third|fourth|fifth|sixth|\d{1,2}(?:st|nd|rd|th)"
        r"|last|latest|previous|earlier|original|old)"
    )
    _TAKE = re.compile(
        rf"\b{_RANK}\s+(?:take|try|attempt)\b|\b(?:take|try|attempt)\s*(?:#|number\s*)?(?P<number>\d{{1,3}})\b(?!\s*(?:\.\d|seconds?|secs?|s\b))"
        r"|^(?:keep|use|take)\s+(?P<shot>\d{1,3})\.(?P<dotted>\d{1,3})$",
        re.I,
    )
    _ONCE_MORE = re.compile(
        r"\b(?:again|(?:another|one more|a new|a different|a fresh) (?:try|take|attempt|go|time|shot at|seed)"
        r"|try (?=⟨)|retry|re-?roll|re-?shoot|re-?render|re-?do|re-?make|re-?take"
        r"|new seeds?|different (?:take|seed|try)s?"
        r"|once more|(?:don't|do not) like)\b",
        re.I,
    )

    def _taken(self) -> list[edits.Edit]:
        match = self._TAKE.search(self.plain)
        if match is None or (self._ONCE_MORE.search(self.plain) and not match["number"] and "again" not in self.plain):
            return []
        if match["dotted"]:
            at = int(match["shot"])
            if not 1 <= at <= len(self.board.shots):
                return [self._unclear(arranging.absent([f"shot {at}"], self.board))]
            return [edits.Keep(shot=self.board.shots[at - 1].id, take=max(1, int(match["dotted"])))]
        if self.tagged.missing:
            return []
        only = self.board.shots[0].id if len(self.board.shots) == 1 else None
        shot = next(iter(self.tagged.ids or self.wish.focus[:1]), only)
        if shot is None:
            return [self._unclear('say of which shot, for example "the first take of shot 2"')]
        count = self.wish.takes.get(shot, 0)
        rank = (match["rank"] or "").lower()
        if rank in ("last", "latest"):
            take = count
        elif rank in ("previous", "earlier", "old"):
            take = count - 1
        else:
            take = int(match["number"]) if match["number"] else 1 if rank == "original" else number(rank)
        if not 1 <= take <= count:
            place = [one.id for one in self.board.shots].index(shot) + 1
            return [self._unclear(f"shot {place} has {count or 'no'} take{'s' if count != 1 else ''} to choose from")]
        return [edits.Keep(shot=shot, take=take)]

    def _again(self) -> edits.Again | None:
        if not self._ONCE_MORE.search(self.tagged.text):
            return None
        shots = self.tagged.ids or self.wish.focus
        return edits.Again(shots=() if self.tagged.everything else shots)

    # -------------------------------------------------------------------------------------- removal

    _NOTHING_ELSE = re.compile(
        r"^(?:(?:please|too|also|again|entirely|completely|altogether|as well|and|the|for good|in it"
        r"|from the (?:film|movie|video))\b\s*)*(?:$|[,;:–-]|because\b|since\b)",
        re.I,
    )

    def _ordered(self) -> list[edits.Edit]:
        try:
            order = arranging.ordered(self.plain, self.board, self.wish.focus)
        except BadInput as error:
            return [self._unclear(str(error))]
        return [edits.Order(shots=tuple(order))] if order else []

    def _removed(self) -> list[edits.Edit]:
        gone = arranging.removed(self.plain, self.board, self.wish.focus)
        if gone is None or cameras(self.plain):
            return []
        tagged = gone.tagged
        if tagged.missing:
            return [self._unclear(arranging.absent(tagged.missing, self.board))]
        if tagged.unknown:
            return [self._which()]
        if re.search(r"\b(?:but|except)\b", tagged.rest, re.I):
            return [self._lost()]
        people = [] if gone.whole else staging.named(tagged.rest, self.board)
        if people:
            shots = () if tagged.everything else tagged.ids
            return [edits.Leave(who=one.id, shots=shots) for one in people]
        mood = None if gone.whole else orders.moods(f"less {tagged.rest}")
        if mood is None and gone.shots:
            # "Remove the dragon from shot 2" is no order to remove shot 2.
            plain = gone.whole or self._NOTHING_ELSE.match(tagged.rest)
            return [edits.Remove(shots=gone.shots) if plain else self._lost()]
        return self._moods(orders.Moods((), (*mood.more, *mood.less)), tagged.ids) if mood else []

    # ----------------------------------------------------------------------------------- properties

    def _properties(self) -> Iterator[edits.Edit]:
        rest, shots = self.tagged.rest, self.shots
        film = re.search(r"\b(?:film|movie|video|in total|altogether|overall)\b", self.plain, re.I)
        for remark in aspects(rest)[:1]:
            yield edits.Whole(aspect=remark.value)  # type: ignore[arg-type]
        styles = looks(rest) or [
            r for r in looks(f"{rest} style") if re.search(r"\b(?:look|make|in|use|style)\b", rest)
        ]
        if styles and shots:
            yield self._unclear('a look belongs to the whole film; say for example "make the film noir"')
            return
        for remark in styles[:1]:
            yield edits.Whole(look=str(remark.value))
        rest = masked(rest, (*aspects(rest), *looks(rest)))
        if (span := orders.span(rest)) is not None:
            rest = orders.timeless(rest)
            if span.times is None and (film or (not shots and not self.tagged.everything)):
                yield edits.Whole(seconds=_bounded(span.seconds), plus=span.plus)
            else:
                yield edits.Length(shots=shots, **span._asdict())
        yield from self._filmed(rest, shots)
        told = story(rest)
        if found := attending.halted(told, shots, self.board) or attending.attendance(told, shots, self.board):
            yield from self._present(found)
            return
        told = changes.affirmed(told)
        if changes.denies(told):
            if (moods := orders.moods(told)) is not None:
                yield from self._moods(moods, shots)
            return
        if exchange := changes.exchanged(told):
            yield self._exchanged(exchange)
            return
        onward = self._onward(shots) if re.search(r"\b(?:turns|becomes)\b", told, re.I) else shots
        change = self._present(staging.cast_edits(told, onward, self.board))
        yield from change
        told = staging.without_cast(told, self.board) if change else told
        time = time_of(told)
        setting = self._setting(told)
        if time or setting:
            yield edits.Change(shots=shots, time=time, setting=setting)
        if not change and (moods := orders.moods(told)) is not None and not time:
            yield from self._moods(moods, shots)

    def _onward(self, shots: tuple[str, ...]) -> tuple[str, ...]:
        """From one shot on: what the ball turns to in shot 2 it is in shot 3."""
        order = [shot.id for shot in self.board.shots]
        return tuple(order[order.index(shots[0]) :]) if len(shots) == 1 else shots

    def _present(self, found: Sequence[edits.Edit]) -> list[edits.Edit]:
        """The edits, each of somebody who is there: in shots that were not named for it, or nowhere, is said."""
        said: list[edits.Edit] = []
        for edit in found:
            away = attending.away(edit, self.board)
            if away and not self.tagged.ids:
                said.append(edit.changed(shots=()))
            else:
                said.append(self._unclear(away) if away else edit)
        return said

    def _exchanged(self, exchange: changes.Exchange) -> edits.Edit:
        """Where one place or time is, another comes, in the shots named or in all."""
        among = [shot for shot in self.board.shots if not self.shots or shot.id in self.shots]
        ids = tuple(shot.id for shot in among if getattr(shot, exchange.field) == exchange.old)
        if not ids:
            return self._unclear(f"no shot {'of these ' if self.shots else ''}has {exchange.field} {exchange.old}")
        return edits.Change.model_validate({"shots": ids, exchange.field: exchange.new})

    def _setting(self, told: str) -> str | None:
        found = setting_of(told)
        if not found and (
            bare := re.fullmatch(r"(?:make (?:it )?|to |use )?(?:the |an? )?([a-z]+)", told.strip(), re.I)
        ):
            found = setting_of(f"in the {bare[1]}") if setting_of(bare[1]) else ""
        return found or None

    def _filmed(self, rest: str, shots: Sequence[str]) -> Iterator[edits.Edit]:
        asked = [remark.value for remark in cameras(rest) if remark.value is not None]
        if not asked and re.fullmatch(r"(?:go |get |a bit |move |come )*closer(?: in)?", rest.strip(), re.I):
            asked = ["zoom in"]
        if asked:
            moving: list[Camera] = [one for one in asked if one != "static"]  # type: ignore[misc]
            yield edits.Change(shots=tuple(shots), camera=moving[0] if moving else "static")

    def _moods(self, moods: orders.Moods, shots: Sequence[str]) -> list[edits.Edit]:
        """One change for all shots that come to the same mood."""
        wanted: dict[str, list[str]] = {}
        for shot in self.board.shots:
            if not shots or shot.id in shots:
                wanted.setdefault(moods.of(shot.mood), []).append(shot.id)
        return [edits.Change(shots=tuple(ids), mood=mood) for mood, ids in wanted.items()]


def _bounded(seconds: float | None) -> float | None:
    return None if seconds is None else min(max(seconds, 0.5), 600.0)
