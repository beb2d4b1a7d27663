"""Backends that misbehave as real ones do, each in its own way, for workers in other processes to open.

A worker finds them through PYTHONPATH; a card of `odd(…)` names them.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from kinograph.errors import Cancelled, UnknownName
from kinograph.film import Clip, Conditioning, Noun, RenderRequest
from kinograph.tools.backends import ModelCard, Preview, Progress, VideoBackend, Watched, Workbench, backend_of, card
from kinograph.tools.footage import develop, load_picture

HERE = str(Path(__file__).parent)
KEPT: list[np.ndarray] = []
"""What a leaking model forgets to give back."""


class OddOptions(Noun):
    """What a backend does, told by words in the prompt."""

    file: Path
    """Gets a line with the process id for every render that begins."""
    hold: float = Field(default=0.0, ge=0)
    """Seconds that a render takes."""


class Odd:
    """Renders one colour. A prompt with a word of these in it does more: crash, stall, stubborn, leak, raise, unknown,
    picture, threads, shows, frees."""

    Options: ClassVar[type[Noun]] = OddOptions

    def __init__(self, card: ModelCard, workbench: Workbench, options: OddOptions) -> None:
        self.card, self.workbench, self.options, self.revision = card, workbench, options, "odd"

    @staticmethod
    def lacks(card: ModelCard, options: OddOptions) -> str:
        return ""

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        return [self._one(index, request, on_progress, cancelled) for index, request in enumerate(requests)]

    def _one(self, index: int, request: RenderRequest, on_progress: Progress, cancelled: Callable[[], bool]) -> Clip:
        with self.options.file.open("a") as file:
            file.write(f"{os.getpid()} {request.seed}\n")
        words, note = request.prompt.split(), str(os.getpid())
        on_progress(index, 0.1)
        if "crash" in words:
            ctypes.string_at(0)  # as a faulty C extension does it
        if "crash-once" in words and len(self._lines()) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        while "stall" in words:
            time.sleep(0.05)  # asks nobody whether to stop, and tells nothing
        if "stubborn" in words:
            while True:
                time.sleep(0.05)
                on_progress(index, 0.2)  # lives, and does not listen
        if "leak" in words:
            KEPT.append(np.ones(60 * 2**20, np.uint8))
        if "raise" in words:
            raise RuntimeError("CUDA out of memory")
        if "unknown" in words:
            raise UnknownName("word", "wombat", ["ball"])
        if "threads" in words:
            note = os.environ.get("OMP_NUM_THREADS", "")
        if "shows" in words and isinstance(on_progress, Watched):
            for share in on_progress.shares:
                on_progress.see(index, Preview(share, np.full((2, 48, 64, 3), round(100 * share), np.uint8), (0, 2)))
        if "frees" in words and isinstance(on_progress, Watched):
            on_progress.freed()
            self._beside(request.seed)
        picture = [load_picture(self.workbench.picture(one.keyframe)) for one in request.conditioning]
        until = time.monotonic() + self.options.hold
        while time.monotonic() < until:
            if cancelled():
                raise Cancelled("rendering was cancelled")
            time.sleep(0.02)
        colour = picture[0][0, 0] if picture else np.uint8(request.seed % 256)
        frames = np.broadcast_to(colour, (request.frames, request.height, request.width, 3)).astype(np.uint8)
        on_progress(index, 0.9)
        return develop(request, frames, self.workbench.scratch, 0.0, note)

    def _beside(self, seed: int) -> None:
        """Waits, the first time, until another render has begun in this process too."""
        until = time.monotonic() + 60
        while [line.split()[1] for line in self._lines()] == [str(seed)]:
            assert time.monotonic() < until, "no other render began beside this one"
            time.sleep(0.02)

    def _lines(self) -> list[str]:
        return self.options.file.read_text().splitlines()


def odd_card() -> ModelCard:
    return card("storyworld-render").changed(id="odd", backend="oddities:Odd", weights=True)


def odd(scratch: Path, picture: Callable[[str], Path] = Path, **options) -> Odd:
    """The backend as the Studio opens it: in this process, with nothing loaded."""
    file = options.pop("file", scratch / "began.txt")
    backend = backend_of(odd_card(), Workbench(scratch, picture), {"file": file, **options})
    assert isinstance(backend, Odd)
    return backend


def ask(words: str = "a red ball", seed: int = 7, picture: str | None = None) -> RenderRequest:
    given = (Conditioning(keyframe=picture),) if picture else ()
    return RenderRequest(
        model="odd", revision="odd", prompt=words, seed=seed, frames=3, fps=8, width=64, height=48, conditioning=given
    )


def began(backend: VideoBackend) -> list[int]:
    """Process ids of the renders that began, in order."""
    assert isinstance(backend.options, OddOptions)
    file = backend.options.file
    return [int(line.split()[0]) for line in file.read_text().splitlines()] if file.exists() else []
