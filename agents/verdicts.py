"""Verdicts: what the validator is asked, and what findings about a take come to."""

from __future__ import annotations

from collections.abc import Iterator

from kinograph.agents import remedies
from kinograph.agents.remedies import Offer
from kinograph.agents.wording import MOTION_WORDS
from kinograph.film import (
    Character,
    Clip,
    Correction,
    Finding,
    FindingKind,
    Look,
    Noun,
    RenderRequest,
    Score,
    Shot,
    Verdict,
)
from kinograph.memory.keyframe import Keyframe

ACCEPTABLE = 0.5
"""Severity from which a finding rejects a take."""


OF_SUBJECTS: frozenset[FindingKind] = frozenset(
    ("subject missing", "wrong color", "wrong subject", "wrong motion", "color drift", "shape drift", "off model")
)
"""Findings about a character."""


class Viewing(Noun):
    """What the validator is asked: a take beside what it should show and what is remembered."""

    shot: Shot
    cast: tuple[Character, ...]
    """The shot's characters, in the order of `shot.cast`."""
    look: Look
    request: RenderRequest
    clip: Clip
    recalled: tuple[Keyframe, ...] = ()
    offer: Offer = Offer()
    """From what a rejected take's remedies are chosen."""


def verdict(findings: list[Finding], scores: list[Score], unchecked: list[str], question: Viewing) -> Verdict:
    """Accepted when no finding is severe."""
    severe = [finding for finding in findings if finding.severity >= ACCEPTABLE]
    return Verdict(
        accepted=not severe,
        scores=tuple(scores),
        findings=tuple(findings),
        corrections=tuple(dict.fromkeys(c for finding in severe for c in corrections(finding, question))),
        unchecked=tuple(dict.fromkeys(unchecked)),
    )


def corrections(finding: Finding, question: Viewing) -> Iterator[Correction]:
    """What the next request should carry because of a finding, chosen from the table of remedies."""
    names = {"who": "", "does": "", "place": question.shot.setting}
    if finding.subject is not None:
        index = [character.id for character in question.cast].index(finding.subject)
        names |= {"who": question.cast[index].words, "does": MOTION_WORDS[question.shot.cast[index].motion]}
    elif finding.kind in OF_SUBJECTS:
        yield Correction(action="reseed", because=finding.kind)  # said of nobody: there are no words for it
        return
    yield from remedies.corrections(finding.kind, question.offer, **names)
