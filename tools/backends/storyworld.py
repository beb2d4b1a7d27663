"""The procedural renderer as a backend: draws what it reads in the prompt, and can do it wrong on purpose."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from kinograph.errors import Cancelled
from kinograph.film import Clip, Noun, RenderRequest
from kinograph.tools.backends import UNBLENDED, ModelCard, Progress, Workbench
from kinograph.tools.footage import develop
from kinograph.tools.storyworld.grammar import read

if TYPE_CHECKING:
    from kinograph.tools.storyworld.painter import Painting


class StoryworldOptions(Noun):
    """Options of the procedural renderer."""

    fault_rate: float = Field(default=0.0, ge=0, le=1)
    """Share of takes that are drawn with one fault: work for validators."""
    slow: float = Field(default=0.0, ge=0, le=3600)
    """Least seconds that a render takes, to see what happens meanwhile; the pixels are the same."""


class StoryworldBackend:
    """Reads the prompt with the storyworld's grammar and paints it. Needs no weights and no GPU."""

    Options = StoryworldOptions

    def __init__(self, card: ModelCard, workbench: Workbench, options: StoryworldOptions) -> None:
        self.card = card
        self.options = options
        self.revision = "1" if not options.fault_rate else f"1+faults={options.fault_rate:g}"
        self.workbench = workbench

    @staticmethod
    def lacks(card: ModelCard, options: StoryworldOptions) -> str:
        return ""

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        clips = []
        for index, request in enumerate(requests):
            if cancelled():
                raise Cancelled("rendering was cancelled")
            on_progress(index, 0.0)
            started = time.perf_counter()
            painting = self.paint(request)
            on_progress(index, 0.8)
            while (left := self.options.slow - (time.perf_counter() - started)) > 0:
                if cancelled():
                    raise Cancelled("rendering was cancelled")
                time.sleep(min(left, 0.1))
            note = "; ".join([*read(request.prompt).unknown, *([UNBLENDED] if request.blend else [])])
            clips.append(develop(request, painting.frames, self.workbench.scratch, time.perf_counter() - started, note))
            on_progress(index, 1.0)
        return clips

    def paint(self, request: RenderRequest) -> Painting:
        """The frames of a request with their truth: what the exact tests look at."""
        from kinograph.tools.storyworld.faults import draw_faults
        from kinograph.tools.storyworld.painter import paint

        world = read(request.prompt).world
        fault_seed = int(request.digest[:8], 16)
        return paint(
            world,
            frames=request.frames,
            width=request.width,
            height=request.height,
            fps=request.fps,
            seed=request.seed,
            faults=draw_faults(world, request.frames, fault_seed, self.options.fault_rate),
        )
