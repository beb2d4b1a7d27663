"""What the validator's eyes say of a take: a rubric that a vision model fills in, and how it joins what was measured.

Neither side can approve for the other. What the pixels reject is not shown to the eyes. A severe finding of the
eyes rejects the take, except where the pixels measured the very same matter and found it right: then the finding
stays as a remark, and the verdict keeps the disagreement.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from pydantic import Field

from kinograph.agents.verdicts import ACCEPTABLE, Viewing, verdict
from kinograph.agents.wording import CAMERA_WORDS, MOTION_WORDS, TIME_WORDS
from kinograph.film import Correction, Finding, FindingKind, Noun, Verdict

Sight = Literal["yes", "no", "unsure"]
Seen = Literal[
    "flicker", "frozen", "jump", "incoherent", "subject missing", "wrong color", "wrong subject", "wrong motion",
    "color drift", "shape drift", "wrong setting", "off model",
]  # fmt: skip
REMARK = 0.4
"""Severity of a finding that measured pixels contradict: told, but no reason to reject."""
DENIED = 0.6
"""Severity of a plain no in the rubric."""


class SubjectSight(Noun):
    """What is seen of one character."""

    who: str = Field(max_length=40)
    there: Sight
    color: Sight
    kind: Sight
    motion: Sight
    same: Sight


class Problem(Noun):
    """One thing that a vision model finds wrong."""

    kind: Seen
    who: str | None = Field(max_length=40)
    first: int
    last: int
    severity: float = Field(ge=0, le=1)
    words: str = Field(min_length=1, max_length=200)


class Rubric(Noun):
    """What a vision model must say of a take."""

    take: str = Field(max_length=4)
    seen: str = Field(max_length=300)
    subjects: tuple[SubjectSight, ...] = Field(max_length=8)
    setting: Sight
    problems: tuple[Problem, ...] = Field(max_length=6)
    correction: str = Field(max_length=160)


class Matter(NamedTuple):
    """One thing that both sides may judge."""

    kind: FindingKind
    sight: Literal["there", "color", "kind", "motion", "same", "setting"]
    unmeasured: str
    """How the validator begins its note when it could not measure this; {} is the subject's words."""


MATTERS = (
    Matter("subject missing", "there", "everything else"),
    Matter("wrong color", "color", "colour of {}"),
    Matter("wrong subject", "kind", "shape of {}"),
    Matter("wrong motion", "motion", "motion"),
    Matter("off model", "same", ""),
    Matter("wrong setting", "setting", "place"),
)
ALSO: dict[str, FindingKind] = {"color drift": "wrong color", "shape drift": "wrong subject"}
"""Findings that are measured together with another matter."""


def facts(question: Viewing) -> dict[str, Any]:
    """What the take must show."""
    shot = question.shot
    subjects = [
        {
            "who": one.id,
            "words": one.words,
            "motion": MOTION_WORDS[appearance.motion],
            "action": appearance.action,
        }
        for one, appearance in zip(question.cast, shot.cast, strict=True)
    ]
    return {
        "asked": {
            "subjects": subjects,
            "setting": shot.setting,
            "time": TIME_WORDS[shot.time],
            "camera": CAMERA_WORDS[shot.camera],
            "mood": shot.mood,
            "look": question.look.name,
        },
        "frames": question.clip.frames,
        "fps": question.clip.fps,
    }


def complaints(question: Viewing, rubric: Rubric) -> list[str]:
    """What makes no sense in a rubric of the right form."""
    wanted, given = [one.id for one in question.cast], [one.who for one in rubric.subjects]
    found = []
    if sorted(wanted) != sorted(given):
        found.append(f"subjects are {given}; there must be one entry for each of {wanted}")
    for problem in rubric.problems:
        if problem.who is not None and problem.who not in wanted:
            found.append(f"problem in {problem.who!r}; who must be one of {wanted} or null")
        if not 0 <= problem.first <= problem.last < question.clip.frames:
            found.append(f"frames {problem.first} to {problem.last}; the take has 0 to {question.clip.frames - 1}")
    return found


def merged(question: Viewing, measured: Verdict, rubric: Rubric) -> Verdict:
    """The verdict of both sides on a take that the pixels accept."""
    disagreements: list[str] = []
    found = [_weighed(question, measured, one, disagreements) for one in _findings(question, rubric)]
    both = verdict([*measured.findings, *found], list(measured.scores), [*measured.unchecked], question)
    unsure = tuple(_unsure(question, measured, rubric))
    corrections = both.corrections
    severe = [finding for finding in both.findings if finding.severity >= ACCEPTABLE]
    if severe and rubric.correction:
        because = max(severe, key=lambda finding: finding.severity).kind
        corrections += (Correction(action="emphasize", words=rubric.correction, because=because),)
    return both.changed(
        corrections=tuple(dict.fromkeys(corrections)),
        unchecked=tuple(dict.fromkeys((*both.unchecked, *unsure))),
        disagreements=tuple(dict.fromkeys(disagreements)),
    )


def _findings(question: Viewing, rubric: Rubric) -> Iterator[Finding]:
    """The problems told, and every plain no that no problem explains."""
    told = {(problem.kind, problem.who) for problem in rubric.problems}
    for problem in rubric.problems:
        yield _finding(
            question, problem.kind, problem.words, problem.severity, problem.who, problem.first, problem.last
        )
    for matter, who, sight in _sights(rubric):
        if sight == "no" and (matter.kind, who) not in told:
            words = f"{_words(question, who)}: {matter.sight} is not as asked"
            yield _finding(question, matter.kind, words, DENIED, who, 0, question.clip.frames - 1)


def _sights(rubric: Rubric) -> Iterator[tuple[Matter, str | None, Sight]]:
    for matter in MATTERS:
        if matter.sight == "setting":
            yield matter, None, rubric.setting
        else:
            for one in rubric.subjects:
                yield matter, one.who, getattr(one, matter.sight)


def _finding(
    question: Viewing, kind: FindingKind, words: str, severity: float, who: str | None, first: int, last: int
) -> Finding:
    return Finding(
        kind=kind,
        words=words,
        shot=question.shot.id,
        subject=who,
        first_frame=first,
        last_frame=last,
        severity=severity,
        by="eyes",
    )


def _weighed(question: Viewing, measured: Verdict, finding: Finding, disagreements: list[str]) -> Finding:
    """A finding of the eyes, milder where the pixels measured the same matter and found it right."""
    kind = ALSO.get(finding.kind, finding.kind)
    matter = next((matter for matter in MATTERS if matter.kind == kind), None)
    if matter is None or not _was_measured(question, measured, matter, finding.subject):
        return finding
    if any(one.kind == finding.kind and one.subject == finding.subject for one in measured.findings):
        return finding
    disagreements.append(f"eyes: {finding.words}; pixels: {matter.sight} is as asked")
    return finding.changed(severity=min(finding.severity, REMARK))


def _was_measured(question: Viewing, measured: Verdict, matter: Matter, who: str | None) -> bool:
    if not matter.unmeasured:
        return False  # likeness to keyframes is measured, but roughly
    start = matter.unmeasured.format(_words(question, who))
    return not any(note.startswith((start, "everything else")) for note in measured.unchecked)


def _unsure(question: Viewing, measured: Verdict, rubric: Rubric) -> Iterator[str]:
    """What neither side could judge."""
    for matter, who, sight in _sights(rubric):
        nothing_known = matter.sight == "same" and not question.recalled
        if sight == "unsure" and not nothing_known and not _was_measured(question, measured, matter, who):
            yield f"eyes: {matter.sight} of {_words(question, who)}: unsure"


def unseen(measured: Verdict, why: str) -> Verdict:
    """The measured verdict, with a note that a vision model should have looked and did not."""
    return measured.changed(unchecked=(*measured.unchecked, f"what a vision model sees: {why}")) if why else measured


def _words(question: Viewing, who: str | None) -> str:
    return next((one.words for one in question.cast if one.id == who), "the picture")
