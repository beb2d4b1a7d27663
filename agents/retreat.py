"""What to try next when a render fails: less of what may have been too much, then another model, then nothing.

All of it follows from the takes that are recorded, so a production that is resumed goes the same way down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from typing import Literal

from kinograph.errors import OutOfMemory, RenderFailed, RenderStalled, WorkerLost
from kinograph.film import Brief, Decision, Failure, Means, Take
from kinograph.tools.backends import ModelCard, card

Rung = Literal["again", "another seed", "offload", "smaller", "smallest", "fewer frames", "fewer steps"]
RUNGS: dict[Failure, tuple[Rung, ...]] = {
    "worker": ("again", "offload", "smaller", "fewer frames"),
    "memory": ("offload", "smaller", "smallest", "fewer frames"),
    "time": ("fewer frames", "fewer steps", "smaller"),
    "other": ("another seed", "smaller"),
}
"""What may help against a failure, the cheapest first. A worker that dies twice may have taken too much memory."""
MOST = 5
"""Failed renders of one shot with one model; after that nothing more is tried with it."""
SMALLER, SMALLEST, HALF = 0.7, 0.5, 0.5
"""Shares of the sides (half and a quarter of the pixels), and of frames and steps."""
LEAST_SIDE = 32
"""Pixels: what is smaller shows nothing."""


def failure_of(error: BaseException) -> Failure:
    """How a render failed, by the kind of the error or of what caused it, else by its words."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, (OutOfMemory, MemoryError)) or type(seen).__name__ == "OutOfMemoryError":
            return "memory"
        if isinstance(seen, (RenderStalled, TimeoutError)):
            return "time"
        if isinstance(seen, (WorkerLost, BrokenExecutor, EOFError, ConnectionError)):
            return "worker"
        if "out of memory" in str(seen).lower():  # CUDA, MPS and XLA raise a plain RuntimeError
            return "memory"
        seen = seen.__cause__
    return "other"


FAILED: dict[Failure, type[RenderFailed]] = {
    "memory": OutOfMemory,
    "time": RenderStalled,
    "worker": WorkerLost,
    "other": RenderFailed,
}


def means_for(takes: Sequence[Take], decision: Decision) -> Means | None:
    """With what the next take of a shot is rendered, after these; None when nothing is left to try.

    A take that was rendered and rejected is taken again with the same means.
    """
    if not takes:
        return Means()
    last = takes[-1]
    if last.failure is None:
        return last.means
    failed = [take for take in takes if take.failure and take.means.model == last.means.model]
    if len(failed) < MOST:
        model = card(last.means.model or decision.model)
        # What is made elsewhere goes on there: the same request asks for it once more, another would pay for another.
        waits: tuple[Rung, ...] = ("again",) if last.failure == "time" and not model.weights else ()
        for rung in (*waits, *RUNGS[last.failure]):
            if (found := _down(rung, last, model)) is not None:
                return found
    if any(take.clip is not None for take in takes):
        return None  # there is something to show already, by the model that was wanted
    models = [decision.model, *decision.fallback]
    others = models[models.index(last.means.model or decision.model) + 1 :]
    return Means(model=others[0]) if others else None


def _down(rung: Rung, last: Take, model: ModelCard) -> Means | None:
    """The means of a take one rung lower; None when it stands there already or the model has no such rung."""
    means, request = last.means, last.request
    if rung == "again":
        return means.changed(again=1) if not means.again else None
    if rung == "another seed":
        return means.changed(seeds=1) if not means.seeds else None
    if rung == "offload":
        return means.changed(offloaded=True) if model.offloaded_gb is not None and not means.offloaded else None
    if rung in ("smaller", "smallest"):
        share = SMALLER if rung == "smaller" else SMALLEST
        sides = [model.legal_side(side / means.size * share) for side in (request.width, request.height)]
        fits = min(sides) >= LEAST_SIDE and sides[0] * sides[1] < request.width * request.height
        return means.changed(size=share) if share < means.size and fits else None
    if rung == "fewer frames":
        fewer = model.legal_frames(round(request.frames * HALF)) < request.frames
        return means.changed(frames=HALF) if means.frames == 1 and fewer else None
    return means.changed(steps=HALF) if means.steps == 1 and model.min_steps < request.steps else None


def elsewhere(means: Means, times: int, decision: Decision) -> Means:
    """The means of the model that a shot has come to after so many times that its verdicts asked for another one."""
    models = (decision.model, *decision.fallback)
    wanted = min(times, len(models) - 1)
    return means if models.index(means.model or decision.model) >= wanted else Means(model=models[wanted])


def decision_for(decision: Decision, means: Means, revision: str, brief: Brief) -> Decision:
    """The decision as another model meets it: its own steps, pace and size, in the film's shape."""
    if not means.model:
        return decision
    model = card(means.model)
    width, height = shaped(model, decision.width, decision.height)
    return decision.changed(
        model=model.id,
        revision=revision,
        width=width,
        height=height,
        fps=brief.fps or model.fps,
        steps=model.steps,
        guidance=model.guidance,
    )


def shaped(model: ModelCard, width: int, height: int) -> tuple[int, int]:
    """A size in the shape of width x height that the model can render, no larger than that or than it is native to."""
    pixels = min(width * height, model.width * model.height)
    for part in (1.0, 0.95, 0.9, 0.8, 0.7, 0.5):
        share = math.sqrt(part * pixels / (width * height))
        sides = model.legal_side(width * share), model.legal_side(height * share)
        if model.max_pixels is None or sides[0] * sides[1] <= model.max_pixels:
            return sides
    return model.width, model.height
