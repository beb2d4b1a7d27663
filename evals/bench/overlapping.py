"""What it is worth that a clip is written while the next is denoised: the same requests both ways, by the wall."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from kinograph.errors import RenderFailed
from kinograph.evals.bench.renders import Job
from kinograph.film import RenderRequest
from kinograph.tools.backends import Workbench, card
from kinograph.tools.backends.diffusion import Diffusion
from kinograph.tools.backends.diffusion_options import DiffusionOptions
from kinograph.tools.footage import png


class Span(NamedTuple):
    """From when to when something was done, in seconds, and on which thread."""

    began: float
    ended: float
    thread: int = 0


def shared(one: Span, others: list[Span]) -> float:
    """Seconds of one span that lie in others, which do not touch each other."""
    return sum(max(0.0, min(one.ended, other.ended) - max(one.began, other.began)) for other in others)


class Noted(Diffusion):
    """Our backend, one clip at a time, which notes when its model was at work and when clips were written."""

    made: list[Span]
    written: list[Span]

    def batches(self, request: RenderRequest) -> bool:
        return False

    def _made(self, *given: Any, **named: Any) -> Any:
        with noted(self.made):
            return super()._made(*given, **named)

    def _developed(self, *given: Any, **named: Any) -> Any:
        with noted(self.written):
            return super()._developed(*given, **named)


@contextmanager
def noted(spans: list[Span]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    spans.append(Span(began, time.perf_counter(), threading.get_ident()))


class Went(NamedTuple):
    """Requests of one call, rendered one after the other."""

    seconds: float
    """Until the last clip was there."""
    writing: float
    """Seconds in which clips were written."""
    hidden: float
    """Of them, those in which the model was at work."""
    beside: bool
    """Whether the model was free to go on while clips were written, however short that was."""


class Overlap(NamedTuple):
    """The same requests with and without."""

    apart: list[Went]
    over: list[Went]

    @property
    def saved(self) -> float:
        """Median of the seconds saved beside the call without, as a share of those."""
        pairs = zip(self.apart, self.over, strict=True)
        return statistics.median(1 - over.seconds / apart.seconds for apart, over in pairs)


def overlapped(job: Job, many: int, runs: int, scratch: Path) -> Overlap:
    """Renders `many` requests both ways by turns, after one of each that is not counted.

    Raises RenderFailed where clips were not written as the setting says.
    """
    (scratch / "first.png").write_bytes(png(job.picture()))
    ways = [renders(job, many, scratch, overlap) for overlap in (False, True)]
    went: list[list[Went]] = [[], []]
    for number in range(runs + 1):
        for which in (0, 1) if number % 2 else (1, 0):
            went[which].append(ways[which]())
    apart, over = (one[1:] for one in went)
    if not all(one.beside for one in over):
        raise RenderFailed("overlap = true did nothing: no clip was written while the next was denoised")
    if any(one.beside for one in apart):
        raise RenderFailed("overlap = false did nothing: a clip was written while the next was denoised")
    return Overlap(apart, over)


def renders(job: Job, many: int, scratch: Path, overlap: bool) -> Callable[[], Went]:
    """One way to render the requests."""
    bench = Workbench(scratch, lambda digest: scratch / f"{digest}.png")
    options = DiffusionOptions(weights=str(job.folder), device=job.device, speed=job.speed, overlap=overlap)
    backend = Noted(card(job.model), bench, options)
    requests = [job.request(number) for number in range(many)]

    def render() -> Went:
        backend.made, backend.written = [], []
        began = time.perf_counter()
        backend.render(requests, lambda *_: None, lambda: False)
        seconds = time.perf_counter() - began
        hidden = sum(shared(one, backend.made) for one in backend.written)
        beside = {one.thread for one in backend.made}.isdisjoint(one.thread for one in backend.written)
        return Went(seconds, sum(one.ended - one.began for one in backend.written), hidden, beside)

    return render


def line(many: int, found: Overlap) -> str:
    """What was found, in words."""
    apart, over = (statistics.median(one.seconds for one in way) for way in found)
    writing = statistics.median(one.writing for one in found.apart)
    hidden = statistics.median(one.hidden / one.writing for one in found.over)
    return (
        f"  {many} one after the other: {apart:.3f} s by the wall, {writing:.3f} s of them writing; each written while "
        f"the next is denoised: {over:.3f} s, {found.saved:+.1%} saved, {hidden:.0%} of the writing beside the model"
    )
