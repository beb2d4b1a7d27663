"""A session: a conversation heard turn by turn, with approval and films; says nothing by itself."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from kinograph.agents import edits
from kinograph.agents.english.wishes import wished
from kinograph.agents.language.mind import LanguageMind
from kinograph.agents.planner import question_about
from kinograph.agents.reviser import Reviser, Revision
from kinograph.agents.revising import Draft, Used, revise
from kinograph.agents.wish import Wish
from kinograph.errors import BadInput, Cancelled, KinographError
from kinograph.events import Asked, Event, Finished, Said, Stopped, Warned
from kinograph.film import Brief, Film, Usage
from kinograph.graphs.conversation import Heard
from kinograph.history import History
from kinograph.memory.sessions import Session as Record
from kinograph.memory.sessions import Sessions, Turn, Version
from kinograph.telling import as_text, fallen_back

if TYPE_CHECKING:
    from pathlib import Path

    from kinograph.studio import Studio

THOUGHT_NO_MORE = "Stopped; nothing is changed."
DECLINED = "Nothing is rendered. Say what should be different, or yes to render it."


class Session(History):
    """One session. The caller holds its lock."""

    def __init__(self, studio: Studio, store: Sessions, record: Record) -> None:
        super().__init__(studio, store, record)
        self._mind = studio.fresh_mind(record.usage)

    # ------------------------------------------------------------------------------------- hearing

    def hear(self, turn: str, words: str) -> Heard:
        """Answers a turn; one that was answered before is answered alike and changes nothing."""
        if (old := self._store.turn(self.record.id, turn)) is not None:
            return self._heard(old.does, old.said)
        from kinograph.plain import checked_text

        before = len(self.usage.fallbacks)
        try:
            words = checked_text(words)
            heard = self._begun(turn, words) if self.record.head is None else self._revised(turn, words)
        except (BadInput, Cancelled) as error:
            said = THOUGHT_NO_MORE if isinstance(error, Cancelled) else _sentence(str(error))
            heard = self._keep(Turn(id=turn, words=words[:2000], does="say", said=said))
        if warning := fallen_back(self.usage.changed(fallbacks=self.usage.fallbacks[before:])):
            return heard.changed(events=(Warned(words=warning), *heard.events))
        return heard

    @property
    def usage(self) -> Usage:
        """What thinking cost since the last film was begun."""
        return self._mind.accounts.usage if isinstance(self._mind, LanguageMind) else Usage()

    def _keep(self, turn: Turn, version: Version | None = None, **changes: Any) -> Heard:
        """Writes the turn with what it changed in one transaction, and answers."""
        record = self.record.changed(usage=self.usage, **changes)
        self._store.keep(record, version, turn)
        self.record = record
        return self._heard(turn.does, turn.said)

    def _keep_record(self, **changes: Any) -> None:
        self.record = self.record.changed(**changes)
        self._store.keep(self.record)

    def _heard(self, does: Literal["ask", "say", "propose", "film"], said: str) -> Heard:
        if does == "ask":
            return Heard(does=does, words=said, events=(Asked(words=said),))
        if does in ("say", "film"):
            return Heard(does=does, words=said, events=(Said(words=said),) if said else ())
        proposal = self.proposal(said)
        does = "propose" if proposal.film is None else "say"
        return Heard(does=does, words=as_text(proposal), events=(proposal,))

    def _begun(self, turn: str, words: str) -> Heard:
        """The first turns: a brief comes together, at most one question is asked."""
        told = f"{self.record.told}\n{words}".strip()
        brief = self.studio.brief(told, **self.record.wishes).changed(references=self.record.references)
        plan = self.studio.plan(brief, self._mind)
        if not self.record.asked and (question := question_about(told, plan.storyboard.cast)):
            return self._keep(
                Turn(id=turn, words=words[:2000], does="ask", said=question), told=_wishes(told), asked=True
            )
        version = Version(
            number=1, name="v1", words=words, brief=brief, decision=plan.decision, storyboard=plan.storyboard
        )
        return self._keep(Turn(id=turn, words=words[:2000], does="propose"), version, told=told, head=1)

    def _revised(self, turn: str, words: str) -> Heard:
        head, versions = self.head, self.versions
        takes = {shot.id: self.takes(shot.id) for shot in head.storyboard.shots}
        wish = Wish(
            words=words,
            storyboard=head.storyboard,
            takes={shot: len(found) for shot, found in takes.items()},
            versions=tuple(one.name for one in versions),
            focus=self.record.focus,
            history=tuple(old.words[:200] for old in self._store.turns(self.record.id)),
            awaiting=not head.approved,
        )
        revision: Revision = self._mind.think(Reviser(), wish)
        note = Turn(id=turn, words=words[:2000], does="say")
        for edit in revision.edits:
            if isinstance(edit, (edits.Undo, edits.Redo, edits.Visit)):
                return self._moved(note, edit)
        hints = [edit.hint for edit in revision.edits if isinstance(edit, edits.Unclear)]
        approved = any(isinstance(edit, edits.Approve) for edit in revision.edits)
        before = Draft(brief=head.brief, storyboard=head.storyboard)
        used = Used(
            shots=tuple(shot.id for one in versions for shot in one.storyboard.shots),
            seeds=tuple(shot.seed for one in versions for shot in one.storyboard.shots if shot.seed is not None),
            takes={shot: tuple(take.request.digest for take in found) for shot, found in takes.items()},
        )
        draft = revise(before, revision.edits, used)
        if draft == before:
            return self._unchanged(note, revision, hints, approved)
        version = self._version(draft, head, words, approved and not hints)
        focus = _spoken_of(revision.edits) or self.record.focus
        does = "film" if version.approved else "propose"
        return self._keep(
            note.changed(does=does, said=" ".join(map(_sentence, hints))),
            version,
            head=version.number,
            redo=(),
            focus=tuple(id for id in focus if any(shot.id == id for shot in draft.storyboard.shots)),
        )

    def _unchanged(self, note: Turn, revision: Revision, hints: Sequence[str], approved: bool) -> Heard:
        if hints:
            return self._keep(note.changed(said=" ".join(map(_sentence, hints))))
        if approved:
            return self._keep(note.changed(does="film"), self.head.changed(approved=True))
        if any(isinstance(edit, edits.Decline) for edit in revision.edits):
            return self._keep(note.changed(said=DECLINED))
        return self._keep(note.changed(said="That is how it is already."))

    def _version(self, draft: Draft, head: Version, words: str, approved: bool) -> Version:
        number = self.versions[-1].number + 1
        brief, decision = draft.brief, head.decision
        if (brief.model, brief.aspect) != (head.brief.model, head.brief.aspect):
            brief = _resized(brief, head) if brief.aspect != head.brief.aspect else brief
            decision = self.studio.decide(brief, self._mind)
        else:
            decision = decision.changed(revision=self.studio.revision(decision.model))
        return Version(
            number=number,
            parent=head.number,
            name=f"v{number}",
            words=words,
            brief=brief,
            decision=decision,
            storyboard=draft.storyboard,
            approved=approved,
        )

    def _moved(self, note: Turn, edit: edits.Undo | edits.Redo | edits.Visit) -> Heard:
        """Undo, redo, or any version: the head moves, nothing is lost."""
        head, redo = self.head, list(self.record.redo)
        if isinstance(edit, edits.Visit):
            found = self.find(edit.version)
            said = f"Back at version {found.number} ({found.name})."
            self.studio.stand(self.production(found), found.brief)
            return self._keep(note.changed(does="propose", said=said), head=found.number, redo=(), focus=())
        for _ in range(edit.steps):
            if isinstance(edit, edits.Undo) and head.parent is not None:
                redo.append(head.number)
                head = self._store.version(self.record.id, head.parent)
            elif isinstance(edit, edits.Redo) and redo:
                head = self._store.version(self.record.id, redo.pop())
            else:
                break
        if head.number == self.record.head:
            what = "undo" if isinstance(edit, edits.Undo) else "redo"
            return self._keep(note.changed(said=f"There is nothing to {what}."))
        said = f"Back at version {head.number} ({head.name})."
        self.studio.stand(self.production(head), head.brief)
        return self._keep(note.changed(does="propose", said=said), head=head.number, redo=tuple(redo))

    # ------------------------------------------------------------------------------------- filming

    def film(self, tell: Callable[[Event], None]) -> Heard:
        """Makes the film of the head, or goes on with it; what was asked to stop can be gone on with."""
        head = self.head
        plan = self.costs()
        mind, self._mind = self._mind, self.studio.fresh_mind()
        self._keep_record(usage=Usage())
        events = self.studio.shoot(self.production(head), self._folder(head), head, plan.carried, plan.takes, mind)
        made: Film | None = None
        try:
            for event in _apart(events):
                tell(event)
                made = event.film if isinstance(event, Finished) else made
        except Cancelled:
            words = "Stopped; finished shots are kept. Say yes to go on, or what should be different."
            return Heard(does="say", words=words, events=(Stopped(words=words),))
        except KinographError as error:
            words = _sentence(str(error))
            return Heard(does="say", words=words, events=(Stopped(words=words),))
        assert made is not None, "a production ends with Finished or raises"
        return Heard(does="say", words=f"Version {head.number} is filmed: {made.path}")

    def _folder(self, version: Version) -> Path:
        from pathlib import Path

        return Path(self.record.folder) / f"v{version.number}"


def _apart(events: Generator[Event]) -> Generator[Event]:
    """The same events, their graph run in a context of its own: no subgraph of the conversation's."""
    context = contextvars.Context()
    done = object()
    while (event := context.run(next, events, done)) is not done:
        yield event  # type: ignore[misc]


def _spoken_of(found: Sequence[edits.Edit]) -> tuple[str, ...]:
    """The shots that edits name: what "this shot" means afterwards."""
    ids: list[str] = []
    for edit in found:
        if isinstance(edit, edits.Keep):
            ids.append(edit.shot)
        elif not isinstance(edit, (edits.Order, edits.Remove)):
            ids += getattr(edit, "shots", ())
    return tuple(dict.fromkeys(ids))


def _wishes(told: str) -> str:
    """What a text that shows nothing still asks of the film: its length, format and look."""
    return " ".join(told[remark.start : remark.end].strip(" ,.") + "." for remark in wished(told))


def _resized(brief: Brief, head: Version) -> Brief:
    """The brief with a size in its aspect, of as many pixels as before."""
    from kinograph.agents.choosing import sized
    from kinograph.tools.backends import card

    if brief.aspect is None or brief.width is None:
        return brief
    width, height = sized(card(head.decision.model), brief.aspect, head.decision.width * head.decision.height)
    return brief.changed(width=width, height=height)


def _sentence(words: str) -> str:
    plain = " ".join(words.split())
    return plain[:1].upper() + plain[1:] + ("" if plain.endswith((".", "!", "?")) else ".")
