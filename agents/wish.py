"""What the reviser is asked."""

from __future__ import annotations

from pydantic import Field

from kinograph.film import Noun, Storyboard


class Wish(Noun):
    """Words about a storyboard, and what they can mean by "it" and "the first try"."""

    words: str
    """What the user said."""
    storyboard: Storyboard
    takes: dict[str, int] = Field(default_factory=dict)
    """Shot id -> how many takes of it there are to choose from."""
    versions: tuple[str, ...] = ()
    """Names of the session's versions; their numbers are understood too."""
    focus: tuple[str, ...] = ()
    """Ids of the shots that were last spoken of: "this shot"."""
    history: tuple[str, ...] = ()
    """What the user said before, oldest first."""
    awaiting: bool = False
    """The storyboard waits for approval."""
