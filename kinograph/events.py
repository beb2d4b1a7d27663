"""What happens in a production, as typed events: what `Studio.stream` yields."""

from __future__ import annotations

from kinograph.film import Decision, Film, Noun, Storyboard, Take


class Event(Noun):
    """Something that happened."""


class Opened(Event):
    """A production was opened, or opened again."""

    id: str
    folder: str
    resumed: bool = False


class Decided(Event):
    """The orchestrator has chosen."""

    decision: Decision


class Planned(Event):
    """The storyboard stands."""

    storyboard: Storyboard


class TakeStarted(Event):
    """An attempt at a shot begins."""

    shot: str
    attempt: int


class TakeProgress(Event):
    """A render goes on."""

    shot: str
    attempt: int
    done: float
    """Share of the take that is rendered, 0..1."""


class TakeJudged(Event):
    """A take was rendered and looked at, or failed to render."""

    take: Take


class ShotSettled(Event):
    """A shot needs no more takes."""

    shot: str
    outcome: str
    """accepted, trimmed (bad frames are cut away), best (the least bad take is kept) or failed."""


class Warned(Event):
    """Something the user should know that stops nothing."""

    words: str


class Finished(Event):
    """The film is on disk."""

    film: Film
