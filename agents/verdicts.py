"""Verdicts: what the validator is asked, and what findings about a take come to."""

from __future__ import annotations

from collections.abc import Iterator

from kinograph.agents.generation import MOTION_WORDS
from kinograph.film import (
    Character,
    Clip,
    Correction,
    Finding,
    Look,
    Noun,
    RenderRequest,
    Score,
    Shot,
    Verdict,
)
from kinograph.memory.keyframes import Keyframe

ACCEPTABLE = 0.5
"""Severity from which a finding rejects a take."""


class Viewing(Noun):
    """What the validator is asked: a take beside what it should show and what is remembered."""

    shot: Shot
    cast: tuple[Character, ...]
    """The shot's characters, in the order of `shot.cast`."""
    look: Look
    request: RenderRequest
    clip: Clip
    recalled: tuple[Keyframe, ...] = ()


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
    """What the next request should carry because of a finding; every retake has new noise besides."""
    kind = finding.kind
    yield Correction(action="reseed", because=kind)
    if kind in ("black", "corrupt", "flicker", "frozen", "jump", "incoherent"):
        yield Correction(action="avoid", words=f"{kind} frames", because=kind)
    elif kind == "wrong setting":
        yield Correction(action="emphasize", words=f"unmistakably in the {question.shot.setting}", because=kind)
    elif finding.subject is not None:
        yield from _subject_corrections(finding, question)


def _subject_corrections(finding: Finding, question: Viewing) -> Iterator[Correction]:
    index = [character.id for character in question.cast].index(str(finding.subject))
    who, kind = question.cast[index].words, finding.kind
    emphasis = {
        "subject missing": f"{who} in full view from beginning to end",
        "wrong color": f"{who} in exactly this color",
        "wrong subject": f"clearly {who}",
        "wrong motion": f"{who} clearly {MOTION_WORDS[question.shot.cast[index].motion]}",
        "color drift": f"{who} in the same color from beginning to end",
        "shape drift": f"{who} with the same shape from beginning to end",
        "size drift": f"{who} with the same size from beginning to end",
        "off model": f"{who} exactly as before",
    }
    if kind in emphasis:
        yield Correction(action="emphasize", words=emphasis[kind], because=kind)
    if kind in ("wrong color", "wrong subject", "wrong motion", "subject missing"):
        yield Correction(action="raise guidance", because=kind)
    if kind in ("color drift", "shape drift", "size drift"):
        yield Correction(action="more steps", because=kind)
