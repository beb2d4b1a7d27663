"""Attempts at a shot, what became of it, and what was given up for that."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kinograph.film.clip import Clip, RenderRequest
from kinograph.film.decision import Strategy
from kinograph.film.nouns import Noun
from kinograph.film.verdict import Verdict

Failure = Literal["memory", "time", "worker", "other"]
"""How a render failed: it did not fit, did not end in time, its worker died, or anything else."""


class Means(Noun):
    """With what a take is rendered. The defaults are all that was asked for; renders that fail leave less."""

    model: str = ""
    """A model other than the decision's."""
    again: int = 0
    """How often exactly the same is tried once more."""
    seeds: int = 0
    """How many seeds were left for another one."""
    offloaded: bool = False
    size: float = Field(default=1.0, gt=0, le=1)
    """Share of the sides in pixels."""
    frames: float = Field(default=1.0, gt=0, le=1)
    """Share of the frames; they are shown for longer."""
    steps: float = Field(default=1.0, gt=0, le=1)
    """Share of the denoising steps."""


class Concession(Noun):
    """Something that was asked for and given up: what, why, and what was done instead."""

    task: str
    """What could not be done: "render", "judge", "recall", "remember", "motion", "style", …"""
    shot: str = ""
    """Empty for what concerns the whole film."""
    kind: Literal[
        "smaller",
        "fewer frames",
        "fewer steps",
        "other model",
        "placeholder",
        "missing",
        "not accepted",
        "trimmed",
        "fresh start",
        "not remembered",
        "default",
        "left out",
    ]
    why: str
    """The error, or what the validator found."""
    instead: str


class Held(Noun):
    """A remembered picture that a take was held to."""

    picture: str
    """Digest of the picture in the vault."""
    shows: str
    """"identity of ball in s1.1"."""
    why: str


class Take(Noun):
    """One attempt at a shot."""

    shot: str
    attempt: int = Field(ge=1)
    request: RenderRequest
    clip: Clip | None = None
    verdict: Verdict | None = None
    error: str | None = None
    """Why there is no clip."""
    reused: bool = False
    """The clip was already in the vault."""
    judging: float = 0.0
    """Wall seconds from clip to verdict."""
    means: Means = Means()
    failure: Failure | None = None
    """How the render failed."""
    stopped: float | None = Field(default=None, ge=0, le=1)
    """Share of the render after which it was ended, because what came was hopeless; the verdict says why. None for one
    that was rendered to its end, or failed."""
    placeholder: bool = False
    """No attempt at all, but a card that stands in the film where the shot should."""
    held: tuple[Held, ...] = ()
    """The remembered pictures that it was held to, and why these; nothing in records from before."""

    @property
    def accepted(self) -> bool:
        return self.verdict is not None and self.verdict.accepted


class Outcome(Noun):
    """What became of a shot."""

    shot: str
    state: Literal["accepted", "trimmed", "best", "chosen", "placeholder", "failed"]
    """accepted; trimmed: no take was, but one is sound without its bad frames; best: the least bad; chosen: by the
    user; placeholder: a card instead; failed: nothing, which older productions know."""
    attempt: int = 0
    first: int = 0
    last: int = -1
    """Frames to use, inclusive."""
    given_up: tuple[Concession, ...] = ()
    round: int = 1
    """How often the film had been sent back, and once more, when the shot was settled."""


class Trial(Noun):
    """What a production came to, as evidence about its strategy."""

    strategy: Strategy
    model: str
    succeeded: bool
    """A film was made, and every one of its shots was rendered."""
    seconds: float | None = None
    """Wall seconds for each newly rendered take; None when there is no film."""
    quality: float | None = None
    """Mean quality of those takes, 0..1."""
