"""Backends that show what comes: they draw the wrong colour until they are told, or whatever they are told."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import ClassVar

import kinograph.tools.backends as door
from kinograph.errors import Cancelled
from kinograph.film import Clip, RenderRequest
from kinograph.tools.backends import ModelCard, Preview, Progress, Watched
from kinograph.tools.backends.storyworld import StoryworldBackend
from kinograph.tools.storyworld.grammar import read
from kinograph.tools.storyworld.painter import Painting, paint

PATIENCE = 60.0
"""Seconds within which a hopeless render is ended."""


class Foreseeing(StoryworldBackend):
    """`mended` draws another colour until the prompt insists on the one asked for, `hopeless` always does."""

    begun: ClassVar[list[str]] = []
    """Digests of the requests whose render began."""

    def _errs(self, request: RenderRequest) -> bool:
        return request.model == "hopeless" or "exactly this color" not in request.prompt

    def paint(self, request: RenderRequest) -> Painting:
        world = read(request.prompt).world
        if self._errs(request):
            first, *rest = world.subjects
            world = world.changed(subjects=(first.changed(color="blue"), *rest))
        width, height = request.width, request.height
        return paint(world, frames=request.frames, width=width, height=height, fps=request.fps, seed=request.seed)

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        for index, request in enumerate(requests):
            self.begun.append(request.digest)
            if isinstance(on_progress, Watched) and on_progress.shares:
                frames = self.paint(request).frames
                on_progress(index, 0.2)
                on_progress.see(index, Preview(0.25, frames[[0, -1]], (0, request.frames - 1)))
                until = time.monotonic() + PATIENCE
                while self._errs(request) and time.monotonic() < until:
                    if cancelled():
                        raise Cancelled("as told")
                    time.sleep(0.01)
        return super().render(requests, on_progress, cancelled)


def cards() -> dict[str, ModelCard]:
    """All cards, and those of these backends."""
    plain = door.cards()["storyworld-render"]
    return {
        **door.cards(),
        **{id: plain.changed(id=id, backend="foreseeing:Foreseeing") for id in ("mended", "hopeless")},
    }


assert "foreseeing" in sys.modules, "backends are found by the name of this module"
