"""What the validator saw in a clip, and what the next request must carry because of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kinograph.film.nouns import Noun

FindingKind = Literal[
    "unreadable",
    "black",
    "corrupt",
    "flicker",
    "frozen",
    "jump",
    "incoherent",
    "subject missing",
    "wrong color",
    "wrong subject",
    "wrong motion",
    "color drift",
    "shape drift",
    "size drift",
    "wrong setting",
    "off model",
    "cannot see",
]


class Finding(Noun):
    """One thing wrong with a clip: what, in whom, where, how bad."""

    by: Literal["pixels", "eyes"] = "pixels"
    """Who found it: measured pixels, or a vision model that looked at the clip."""
    kind: FindingKind
    words: str
    shot: str
    subject: str | None = None
    first_frame: int = 0
    last_frame: int = 0
    """Inclusive."""
    region: tuple[float, float, float, float] | None = None
    """Where in the picture: left, top, right, bottom in shares of its width and height; None for all of it."""
    evidence: tuple[str, ...] = ()
    """Digests of pictures in the vault that show it."""
    severity: float = Field(ge=0, le=1)
    """1 makes the clip useless; below 0.5 it is a remark that does not reject."""
    sure: float = Field(default=1.0, ge=0, le=1)
    """How far the measured value is from where it is a finding at all (0) to where nobody doubts it (1)."""


Action = Literal[
    "reseed",
    "emphasize",
    "avoid",
    "raise guidance",
    "more steps",
    "hold keyframe",
    "loosen keyframe",
    "share noise",
    "shorten",
    "rework",
    "other model",
]


class Correction(Noun):
    """What the next request must carry because of a finding."""

    action: Action
    """hold keyframe: condition on a remembered picture that shows it right; loosen keyframe: condition less; share
    noise: take more of the noise that the scene's shots have in common; shorten: fewer frames; rework: make the best
    take there is anew in part, instead of another from nothing; other model: the next of the decision's fallbacks."""
    words: str = ""
    because: FindingKind
    remedy: str = ""
    """What it is a part of: the name of an entry of the table of remedies; "" for what no table chose."""


class Score(Noun):
    """One measurement of a clip."""

    metric: str
    value: float


class Verdict(Noun):
    """What the validator saw."""

    accepted: bool
    scores: tuple[Score, ...] = ()
    findings: tuple[Finding, ...] = ()
    corrections: tuple[Correction, ...] = ()
    unchecked: tuple[str, ...] = ()
    """What could not be judged, and why."""
    disagreements: tuple[str, ...] = ()
    """Where a vision model and the measured pixels do not say the same."""

    @property
    def quality(self) -> float:
        """1 without findings, less by the severity of each, half as much where it is in doubt; orders takes."""
        return 1.0 / (1.0 + sum(finding.severity * (1 + finding.sure) / 2 for finding in self.findings))
