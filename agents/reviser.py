"""The reviser: what somebody says of a storyboard becomes typed edits of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kinograph.agents import edits
from kinograph.agents.english import orders
from kinograph.agents.mind import Ask
from kinograph.agents.revising import Draft, Used, revise
from kinograph.agents.understanding import understand
from kinograph.agents.wish import Wish
from kinograph.errors import BadInput
from kinograph.film import Brief, Noun


class Revision(Noun):
    """What is to be done, in order."""

    edits: Annotated[tuple[edits.Edit, ...], Field(min_length=1, max_length=20)]


class Reviser:
    """Understands edits in words."""

    role = "reviser"
    answer = Revision

    def ask(self, question: Wish) -> Ask[Revision] | Revision:
        """A yes, a no and what commands say need no language model."""
        if orders.settled(question.words):
            return self.rules(question)
        return Ask(
            facts=question.model_dump(mode="json", exclude_defaults=True),
            draft=Revision,
            check=lambda draft: self.check(question, draft),
            accept=lambda draft: draft,
            without=lambda why: self.rules(question),
        )

    def rules(self, question: Wish) -> Revision:
        return Revision(edits=tuple(understand(question)[:20]))

    def check(self, question: Wish, answer: Revision) -> list[str]:
        """What cannot be done of an answer, each in a line: unknown shots, characters, takes and versions."""
        complaints = []
        draft = Draft(brief=Brief(text=question.words), storyboard=question.storyboard)
        takes = {shot: tuple(map(str, range(count))) for shot, count in question.takes.items()}
        for edit in answer.edits:
            if isinstance(edit, edits.Visit) and not _exists(edit.version, question.versions):
                complaints.append(f"there is no version {edit.version!r}; versions are {', '.join(question.versions)}")
            if (
                isinstance(edit, edits.Length)
                and sum(v is not None for v in (edit.seconds, edit.plus, edit.times)) != 1
            ):
                complaints.append("a length edit gives exactly one of seconds, plus and times")
            if isinstance(edit, (edits.Recast,)) and edit.color is None and edit.kind is None:
                complaints.append("a recast edit gives a color or a kind")
            try:
                draft = revise(draft, (edit,), Used(takes=takes))
            except BadInput as error:
                complaints.append(str(error))
        alone = [edit for edit in answer.edits if isinstance(edit, (edits.Undo, edits.Redo, edits.Visit))]
        if alone and len(answer.edits) > len(alone):
            complaints.append("undo, redo and visit stand alone, not beside other edits")
        return complaints


def _exists(version: str, names: tuple[str, ...]) -> bool:
    return version == "last" or version in names or (version.isdigit() and 1 <= int(version) <= len(names))
