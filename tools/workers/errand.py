"""What a worker in another process is sent, how it is done there, and how errors come back: as data, not pickles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from kinograph import errors
from kinograph.errors import Damaged, KinographError, OutOfMemory, RenderFailed, RenderStalled
from kinograph.film import Clip, Noun, RenderRequest
from kinograph.tools.backends import ModelCard, Progress, VideoBackend, Workbench, backend_of

BEAT = 5.0
"""Seconds between two words of life about a render under way: whoever waits for it holds a lease of a minute."""
MOST_DEATHS = 8
"""Workers that may die one after the other, with no clip between, before a pool starts no more."""


class Errand(Noun):
    """Requests for a model, with all that another process needs to render them."""

    card: ModelCard
    options: dict[str, Any]
    revision: str
    """Of the backend in the process that asks."""
    requests: tuple[RenderRequest, ...]
    scratch: str = ""
    """Folder for the clips."""
    learned: str = ""
    """Folder for what backends learn of the machine."""
    pictures: dict[str, str] = Field(default_factory=dict)
    """Digest -> file of each picture and source that requests are tied to."""
    previews: tuple[float, ...] = ()
    """Shares of the denoising after which somebody wants to see what comes."""


class Failure(Noun):
    """An error: its name in the tree of errors, else of the class it had, and its words."""

    error: str
    words: str


def errand(backend: VideoBackend, requests: Sequence[RenderRequest], previews: tuple[float, ...] = ()) -> Errand:
    """Raises Damaged when a conditioning picture is gone."""
    bench = backend.workbench
    given = [one for request in requests for one in request.conditioning]
    wanted = {one.keyframe for one in given} | {one.mask for one in given if one.mask is not None}
    return Errand(
        card=backend.card,
        options=backend.options.model_dump(mode="json"),
        revision=backend.revision,
        requests=tuple(requests),
        scratch=str(bench.scratch),
        learned=str(bench.learned or ""),
        pictures={digest: str(bench.picture(digest)) for digest in sorted(wanted)},
        previews=previews,
    )


def perform(errand: Errand, on_progress: Progress, cancelled: Callable[[], bool]) -> list[Clip]:
    """Opens the backend and renders. What a backend loads it keeps on the shelf, for the next errand.

    Raises RenderFailed where the backend is not the one that was asked for, and what the backend raises.
    """
    learned = Path(errand.learned) if errand.learned else None
    bench = Workbench(Path(errand.scratch), picture_in(errand.pictures), learned=learned)
    backend = backend_of(errand.card, bench, errand.options)
    if backend.revision != errand.revision:
        raise RenderFailed(
            f"the worker has revision {backend.revision!r} of {errand.card.id}, {errand.revision!r} is asked for; "
            "install the same kinograph and the same weights on every machine"
        )
    return backend.render(errand.requests, on_progress, cancelled)


def picture_in(pictures: Mapping[str, str]) -> Callable[[str], Path]:
    """Where the pictures lie that were sent along."""

    def picture(digest: str) -> Path:
        if digest not in pictures:
            raise Damaged(f"picture {digest} was not sent to the worker")
        return Path(pictures[digest])

    return picture


def failure(error: Exception) -> Failure:
    """An error as it is sent."""
    return Failure(error=type(error).__name__, words=" ".join(str(error).split()))


FOREIGN: dict[str, type[RenderFailed]] = {
    "MemoryError": OutOfMemory,
    "OutOfMemoryError": OutOfMemory,
    "TimeoutError": RenderStalled,
}
"""Errors of Python and torch whose name says how a render failed."""


def error_of(sent: Failure, model: str) -> KinographError:
    """The error that was sent: of the same class when it is one of ours, else RenderFailed with the same words as a
    model's error has that was raised in this process."""
    kind = getattr(errors, sent.error, None)
    if isinstance(kind, type) and issubclass(kind, KinographError):
        return kind.__new__(kind, sent.words)  # some classes make their words of other arguments
    return FOREIGN.get(sent.error, RenderFailed)(f"{model} failed: {sent.error}: {sent.words}")


def backoff(deaths: int) -> float:
    """Seconds to wait before a worker is started again, by how many died one after the other."""
    return 0.0 if deaths < 2 else min(30.0, 0.5 * 2 ** (deaths - 2))


def leaks(readings: Sequence[float], limit: float, settled: int = 3) -> bool:
    """Whether memory has grown by more than `limit` since the first `settled` renders, in which models are loaded."""
    return len(readings) > settled and readings[-1] - max(readings[:settled]) > limit
