"""A piece of what the user says: one order, which shots it is about, and how to say that it was not understood."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kinograph.agents import edits
from kinograph.agents.english import orders
from kinograph.agents.english.camera import cameras, masked
from kinograph.agents.english.clauses import clauses
from kinograph.agents.english.lexicon import plain_color
from kinograph.agents.english.roles import tells
from kinograph.agents.english.shots import NOUN, tag
from kinograph.agents.english.wishes import story
from kinograph.agents.wish import Wish
from kinograph.film import Storyboard

HINT = 'say for example "make shot 2 at night", "the ball should be blue" or "add a closing shot of the sea"'

SOME_SHOT = re.compile(rf"\b{NOUN}\b(?!\s+at\b)", re.I)


class Piece:
    """One order, and everything it may mean."""

    def __init__(self, piece: str, wish: Wish, board: Storyboard, meant: Sequence[str]) -> None:
        self.words = piece
        self.wish = wish
        self.board = board
        self.plain = orders.plainly(piece) or piece
        self.tagged = tag(self.plain, board, wish.focus)
        self.shots = () if self.tagged.everything else self.tagged.ids or tuple(meant)
        """The shots that it is about; none for the whole film. "…and zoom in" goes on about those before."""

    def lost(self) -> edits.Unclear:
        return self.unclear(f'I did not understand "{self._shortly}"; {HINT}')

    def which(self) -> edits.Unclear:
        count = len(self.board.shots)
        say = f'say "shot 1" to "shot {count}" or "all shots"' if count > 1 else 'say "shot 1"'
        return self.unclear(f'I did not understand which shot "{self._shortly}" is about; {say}')

    @property
    def _shortly(self) -> str:
        return self.words if len(self.words) <= 60 else f"{self.words[:57]}…"

    def vague(self) -> bool:
        """Whether shots are spoken of and nobody can say which: "shot twenty at night" changes nothing."""
        rest = self.tagged.rest
        return not self.shots and not self.tagged.everything and bool(SOME_SHOT.search(masked(rest, cameras(rest))))

    def unclear(self, hint: str) -> edits.Unclear:
        return edits.Unclear(words=self.words[:200], hint=hint[:200])

    def tells_on(self) -> bool:
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
