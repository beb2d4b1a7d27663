"""What happens in a production, as typed events: what `Studio.stream` yields."""

from __future__ import annotations

from typing import Literal

from kinograph.film import Concession, Decision, Film, Noun, Review, Storyboard, Take, TopologyChange


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


class TakeStopped(Event):
    """A take is hopeless, and its render was ended before time; the verdict follows."""

    shot: str
    attempt: int
    share: float
    """Of the render that was done, 0..1."""
    why: str


class TakeJudged(Event):
    """A take was rendered and looked at, or failed to render."""

    take: Take


class ShotSettled(Event):
    """A shot needs no more takes."""

    shot: str
    outcome: str
    """accepted, trimmed (bad frames are cut away), best (the least bad take is kept), placeholder (a card instead), or
    kept (as it was in an earlier version)."""


class GivenUp(Event):
    """Something that was asked for will not be so in the film."""

    concession: Concession


class Waiting(Event):
    """A render has not begun, because there is no room for it: others use the machine's memory or its model."""

    shot: str
    attempt: int
    seconds: float
    """For how long by now."""


class Progressed(Event):
    """How far a production is."""

    stage: Literal["planning", "shooting", "cutting"]
    step: int
    """Steps of the stage that are done: answers of agents, shots settled, files cut."""
    steps: int
    seconds: float | None = None
    """Expected wall seconds until every shot is settled, by the schedule's own estimates; None outside of shooting."""


class Joined(Event):
    """Other processes render for this production now, or no longer do."""

    hands: int
    """Renders at a time that they lend, all together."""


class Lent(Event):
    """This process has rendered something for the production that another process conducts."""

    request: str
    """Digest of the request."""
    count: int
    """How many that were by now."""


class Reviewed(Event):
    """The quality agent has looked at the whole film."""

    review: Review


class Changed(Event):
    """A topology did not work out; another one goes on."""

    change: TopologyChange


class Warned(Event):
    """Something the user should know that stops nothing."""

    words: str


class Forgot(Event):
    """The memory of keyframes was brought back within its bounds."""

    superseded: int
    """Keyframes of shots that were made again since."""
    thinned: int
    """Keyframes that say least; a production that is opened again looks at them again."""
    films: tuple[str, ...] = ()
    """Finished productions that those were of."""


class Finished(Event):
    """The film is on disk."""

    film: Film


# ------------------------------------------------------------------------------------- conversation


class Work(Noun):
    """What a shot of a proposed version will cost."""

    shot: str
    number: int
    """Place in the film, from 1."""
    does: Literal["render", "vault", "keep"]
    """render: it will be rendered; vault: its clip was rendered before; keep: taken over from an earlier version."""
    why: str
    seconds: float | None = None
    """Estimated wall time of one take; None when the card knows no pace, 0 for what is not rendered."""


class Asked(Event):
    """The crew needs to know something before it can propose."""

    words: str


class Said(Event):
    """The crew has something to say."""

    words: str


class Proposed(Event):
    """A version stands and waits for approval, unless it is filmed already."""

    version: int
    name: str
    storyboard: Storyboard
    works: tuple[Work, ...]
    seconds: float | None
    """Estimated wall time of what will be rendered."""
    film: str | None = None
    """Path of its film, when there is one."""
    said: str = ""
    """What the crew made of the words."""


class Stopped(Event):
    """Rendering was stopped; the session goes on."""

    words: str
