"""Where renders run. Adding a pool is one file and one line in POOLS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Protocol

from kinograph.errors import UnknownName
from kinograph.film import Clip, RenderRequest
from kinograph.tools.backends import Progress, VideoBackend

POOLS = {"here": "kinograph.tools.workers.here:Here"}


class WorkerPool(Protocol):
    """Runs a backend's renders somewhere."""

    revision: str
    """Revision of the backend it runs."""

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        """As VideoBackend.render; may be called from several threads."""
        ...


def open_pool(name: str, backend: VideoBackend) -> WorkerPool:
    """The pool of that name around a backend. Raises UnknownName."""
    if name not in POOLS:
        raise UnknownName("worker pool", name, POOLS)
    module, _, attribute = POOLS[name].partition(":")
    return getattr(import_module(module), attribute)(backend)
