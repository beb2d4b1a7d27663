"""Where renders run. Adding a pool is one file and one line in POOLS.

A pool gets a backend that was opened in this process and has loaded nothing. One that renders elsewhere opens the same
backend there, from its card and options: see `errand.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NamedTuple, Protocol

from kinograph.errors import UnknownName
from kinograph.film import Clip, RenderRequest
from kinograph.settings import RaySettings
from kinograph.tools.backends import Progress, VideoBackend

POOLS = {
    "here": "kinograph.tools.workers.here:Here",
    "local": "kinograph.tools.workers.local:Local",
    "ray": "kinograph.tools.workers.cluster:Cluster",
}


class Terms(NamedTuple):
    """What a pool may take, and when it gives a worker up."""

    workers: int = 1
    """Most renders at the same time."""
    stall_seconds: float = 600.0
    """Seconds without any progress after which a worker is killed; a blocked C call cannot be timed out."""
    leak_gb: float = 2.0
    """GB by which a worker may grow with one model before it is replaced."""
    ray: RaySettings = RaySettings()
    """Where the Ray cluster is."""


class WorkerPool(Protocol):
    """Runs a backend's renders somewhere. Constructed as `Pool(backend, terms)`."""

    revision: str
    """Revision of the backend it runs."""

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        """As VideoBackend.render; may be called from several threads. The clips' files lie in the backend's scratch
        folder. `on_progress` is called every few seconds for as long as the render is tended, with what is known.
        Raises WorkerLost and RenderStalled as well.
        """
        ...

    def close(self) -> None:
        """Gives back what the pool holds. No render may be under way."""
        ...


def open_pool(name: str, backend: VideoBackend, terms: Terms | None = None) -> WorkerPool:
    """The pool of that name around a backend. Raises UnknownName, and BadInput where it cannot be had."""
    if name not in POOLS:
        raise UnknownName("worker pool", name, POOLS)
    module, _, attribute = POOLS[name].partition(":")
    return getattr(import_module(module), attribute)(backend, terms or Terms())
