"""The finished film: its timeline, and everything that it came from."""

from __future__ import annotations

from kinograph.film.brief import Brief
from kinograph.film.decision import Decision, TopologyChange
from kinograph.film.nouns import Noun
from kinograph.film.review import Review
from kinograph.film.storyboard import Storyboard
from kinograph.film.take import Concession, Take
from kinograph.film.usage import Usage


class Cut(Noun):
    """One entry of the timeline."""

    shot: str
    attempt: int
    clip: str
    """Digest of the clip's request."""
    first_frame: int
    last_frame: int
    """Frames of the clip that the film uses, inclusive: all of them unless bad ones were cut away."""
    start: float
    """Seconds from the film's beginning."""
    seconds: float


class Film(Noun):
    """A finished production."""

    id: str
    folder: str
    path: str
    brief: Brief
    decision: Decision
    storyboard: Storyboard
    takes: tuple[Take, ...]
    timeline: tuple[Cut, ...]
    missing: tuple[str, ...] = ()
    """Shots that the film was cut without, as older versions did; now a placeholder stands there."""
    given_up: tuple[Concession, ...] = ()
    """Everything that was asked for and is not so; empty for a film that lacks nothing."""
    usage: Usage = Usage()
    """What thinking cost."""
    changes: tuple[TopologyChange, ...] = ()
    """Topologies that were left, in order."""
    reviews: tuple[Review, ...] = ()
    """What the quality agent said of the film: each time that it looked."""
    seconds: float
    """Wall time the production took, all sessions together."""

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Shots of which the film shows a card, because they could not be rendered."""
        return tuple(one.shot for one in self.given_up if one.kind == "placeholder")
