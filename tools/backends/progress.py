"""How a render tells how far it is, and shows what comes to whoever wants to see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

Progress = Callable[[int, float], None]
"""on_progress(index of the request, share done in 0..1); a Watched asks for previews besides."""


class Preview(NamedTuple):
    """What a clip will look like, as far as its render knows before it ends."""

    share: float
    """Of the denoising that is done, 0..1."""
    frames: np.ndarray
    """uint8 RGB `[N,h,w,3]`: a few frames, small."""
    at: tuple[int, ...]
    """Which frames of the clip they are, ascending."""


class Watched(NamedTuple):
    """A progress of somebody who wants to see what comes while it is rendered, or to know when the model is free.
    Backends that cannot show it, and those who know nothing of previews, call it like any other."""

    progress: Progress
    shares: tuple[float, ...]
    """Of the denoising, 0..1, after each of which one preview is wanted."""
    see: Callable[[int, Preview], None]
    """see(index of the request, preview)"""
    freed: Callable[[], None] = lambda: None
    """Called once the model of a render is free for another, and only files are to be written yet."""

    def __call__(self, index: int, share: float) -> None:
        self.progress(index, share)


def counted(on_progress: Progress, start: int) -> Progress:
    """The same progress for requests of which the first has the index `start` among all."""

    def tell(index: int, share: float) -> None:
        on_progress(start + index, share)

    if not isinstance(on_progress, Watched):
        return tell
    watched = on_progress
    return watched._replace(progress=tell, see=lambda index, preview: watched.see(start + index, preview))


def once_freed(on_progress: Progress, then: Callable[[], None]) -> Watched:
    """The same progress, before which `then` hears that the model is free."""
    if not isinstance(on_progress, Watched):
        return Watched(on_progress, (), lambda *_: None, then)
    outer = on_progress.freed

    def both() -> None:
        then()
        outer()

    return on_progress._replace(freed=both)


def wanted(on_progress: Progress) -> tuple[float, ...]:
    """The shares after which previews are wanted; none where nobody looks."""
    return on_progress.shares if isinstance(on_progress, Watched) else ()
