"""Renders in this process, on the thread that asks: for models that are light and let others run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kinograph.film import Clip, RenderRequest
from kinograph.tools.backends import Progress, VideoBackend
from kinograph.tools.workers import Terms


class Here:
    """This process."""

    def __init__(self, backend: VideoBackend, terms: Terms) -> None:
        self._backend = backend
        self.revision = backend.revision

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        return self._backend.render(requests, on_progress, cancelled)

    def close(self) -> None:
        """What is loaded stays on the shelf for the next production."""
