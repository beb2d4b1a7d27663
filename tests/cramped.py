"""A renderer with room for small pictures only, none at all for birds, and too slow for many frames of a star."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kinograph.film import Clip, RenderRequest
from kinograph.tools.backends import Progress
from kinograph.tools.backends.storyworld import StoryworldBackend

ROOM = 80
"""Pixels: the widest picture that fits."""


class Cramped(StoryworldBackend):
    """Fails as torch does on a graphics card that is too small, or as a pool does that waits for too long."""

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        for request in requests:
            if "star" in request.prompt:
                if request.frames > 4:
                    raise TimeoutError("no frame for 60 s")
                continue
            if request.width > ROOM or "bird" in request.prompt:
                raise RuntimeError("CUDA out of memory")
        return super().render(requests, on_progress, cancelled)
