"""Plays a scripted chat against a Studio and tells what changed in the storyboard and what was rendered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kinograph import Studio
from kinograph.events import Asked, Event, Finished, Proposed, Said, TakeJudged
from kinograph.film import Film, Storyboard
from kinograph.memory.ledger import Ledger

SMALL: dict[str, Any] = {"width": 64, "height": 48, "fps": 8, "takes": 1}
SHOT = ("setting", "time", "camera", "mood", "seconds", "seed", "keep")


def differences(old: Storyboard, new: Storyboard) -> dict[str, Any]:
    """Everything of `new` that is not as in `old`: shots by id, characters by id, order, look, title."""
    found: dict[str, Any] = {}
    if (order := [shot.id for shot in new.shots]) != [shot.id for shot in old.shots]:
        found["order"] = " ".join(order)
    before = {shot.id: shot for shot in old.shots}
    for shot in new.shots:
        was = before.get(shot.id)
        changed = {
            name: getattr(shot, name) for name in SHOT if was is None or getattr(was, name) != getattr(shot, name)
        }
        if changed.get("keep"):
            changed["keep"] = "a take"
        if was is None or was.cast != shot.cast:
            changed["cast"] = [f"{one.who} {one.motion}" for one in shot.cast]
        if was is None:
            changed = {name: value for name, value in changed.items() if value not in (None, "", "static")}
        if changed:
            found[shot.id] = changed
    known = {one.id: one for one in old.cast}
    for one in new.cast:
        if known.get(one.id) != one:
            found[one.id] = one.words
    if gone := sorted(set(known) - {one.id for one in new.cast}):
        found["gone"] = " ".join(gone)
    if new.look != old.look:
        found["look"] = new.look.name
    if new.title != old.title:
        found["title"] = new.title
    return found


class Chat:
    """A conversation with its eyes open."""

    def __init__(self, studio: Studio, home: Path, **wishes: Any) -> None:
        self.conversation = studio.open(**(SMALL | wishes))
        self._ledger = Ledger(home / "ledger.sqlite")
        self.films: list[Film] = []

    def say(self, words: str) -> list[Event]:
        return list(self.conversation.say(words))

    def board(self) -> Storyboard:
        return self.conversation.at.head.storyboard

    def turn(self, words: str) -> dict[str, Any]:
        """What a turn changed, and the crew's line where there was no proposal."""
        old, brief = self.board(), self.conversation.at.head.brief
        events = self.say(words)
        found = differences(old, self.board())
        now = self.conversation.at.head.brief
        found |= {
            name: getattr(now, name)
            for name in ("seed", "aspect", "model")
            if getattr(now, name) != getattr(brief, name)
        }
        said = [event.words for event in events if isinstance(event, (Said, Asked))]
        said += [event.said for event in events if isinstance(event, Proposed) and event.said]
        if said:
            found["says"] = " ".join(said)
        return found

    def proposed(self) -> list[str]:
        """The shots that the version at hand says it will render."""
        return [work.shot for work in self.conversation.at.proposal().works if work.does == "render"]

    def film(self) -> list[str]:
        """Says yes; the shots that were really rendered, by the ledger's own count."""
        before = self._ledger.renders()
        events = self.say("yes")
        assert isinstance(events[-1], Finished), events[-1]
        self.films.append(events[-1].film)
        after = self._ledger.renders()
        fresh = {digest for digest, count in after.items() if count != before.get(digest, 0)}
        rendered = [e.take.shot for e in events if isinstance(e, TakeJudged) and e.take.request.digest in fresh]
        assert len(rendered) == len(fresh), "every render belongs to a take of this film"
        order = [shot.id for shot in self.board().shots]
        assert [cut.shot for cut in events[-1].film.timeline] == order
        return sorted(rendered, key=order.index)

    def close(self) -> None:
        self.conversation.close()
        self._ledger.close()
