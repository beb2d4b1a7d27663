"""The embedded diffusion model as a backend: the weights that ship with kinograph, on this machine's CPU or GPU."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from kinograph import disk
from kinograph.errors import Cancelled, Damaged, RenderFailed
from kinograph.film import Clip, Conditioning, Noun, RenderRequest, digest_of
from kinograph.tools.backends import ModelCard, Progress, Workbench
from kinograph.tools.footage import develop, load_picture
from kinograph.tools.shelf import shelf

if TYPE_CHECKING:
    from kinograph.tools.storyworld.pipeline import Keyframe, StoryworldPipeline

MODEL = Path(str(files("kinograph.tools.storyworld"))) / "model"
NEEDS_GB = 1.0
"""What a render of the largest clip takes at most: 0.5 measured in main memory, and as much for a card's libraries."""


class DiffusionOptions(Noun):
    """Options of the embedded model."""

    weights: Path = MODEL
    """Folder of the pipeline in the diffusers layout, with its checksums."""
    device: str = "auto"
    """torch device; auto takes a graphics card when there is one."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Number format of UNets and autoencoder; bfloat16 pays on graphics cards."""
    rewrite: bool = True
    """Put prompts into the model's own words first; what was replaced is in the take's note."""
    threads: int | None = Field(default=None, ge=1)
    """Processor threads; none leaves torch's choice."""


class Told(NamedTuple):
    """A prompt in the model's words."""

    prompt: str
    note: str


class StoryworldDiffusion:
    """Loads the pipeline at the first render and leaves it on the shelf; renders one request at a time."""

    Options = DiffusionOptions

    def __init__(self, card: ModelCard, workbench: Workbench, options: DiffusionOptions) -> None:
        self.card = card
        self.options = options
        sums = disk.sealed(options.weights)
        marks = (sorted(sums.items()), options.precision, options.rewrite, CODE)
        self.revision = digest_of(repr(marks).encode())[:12]
        self.workbench = workbench

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        clips = []
        for index, request in enumerate(requests):
            if cancelled():
                raise Cancelled("rendering was cancelled")
            on_progress(index, 0.0)
            told = self.tell(request.prompt)

            def waits(index: int = index) -> bool:
                on_progress(index, 0.0)  # a render that waits for the model says that it lives
                return cancelled()

            with self._lent(waits) as pipeline:
                started = time.perf_counter()
                frames = self._frames(
                    pipeline, request, told.prompt, lambda share, i=index: on_progress(i, 0.95 * share), cancelled
                )
                seconds = time.perf_counter() - started
            clips.append(develop(request, frames, self.workbench.scratch, seconds, told.note))
            on_progress(index, 1.0)
        return clips

    def tell(self, prompt: str) -> Told:
        """The prompt as the model was taught to be asked, and what that replaced."""
        if not self.options.rewrite:
            return Told(prompt, "")
        from kinograph.tools.storyworld.grammar import plainly, read

        found = read(prompt)
        return Told(plainly(found.world), "; ".join(found.unknown))

    def _frames(
        self,
        pipeline: StoryworldPipeline,
        request: RenderRequest,
        prompt: str,
        on_step: Callable[[float], None],
        cancelled: Callable[[], bool],
    ) -> np.ndarray:
        import torch

        def after(_: Any, step: int, __: float, values: dict) -> dict:
            if cancelled():
                raise Cancelled("rendering was cancelled")
            on_step((step + 1) / pipeline.num_timesteps)
            return values

        return pipeline(
            prompt,
            frames=request.frames,
            width=request.width,
            height=request.height,
            num_inference_steps=request.steps,
            guidance_scale=request.guidance,
            keyframes=[self._keyframe(one, request) for one in request.conditioning],
            generator=torch.Generator().manual_seed(request.seed),
            callback_on_step_end=after,
        ).frames[0]

    def _keyframe(self, given: Conditioning, request: RenderRequest) -> Keyframe:
        import cv2

        from kinograph.tools.storyworld.pipeline import Keyframe

        if given.role == "reference":
            raise RenderFailed(f"{self.card.id} takes first and last frames, not reference pictures of a subject")
        picture = load_picture(self.workbench.picture(given.keyframe))
        if picture.shape[:2] != (request.height, request.width):
            picture = cv2.resize(picture, (request.width, request.height), interpolation=cv2.INTER_AREA)
        return Keyframe(0 if given.role == "first" else request.frames - 1, picture)

    def _lent(self, cancelled: Callable[[], bool]) -> AbstractContextManager[StoryworldPipeline]:
        """The loaded pipeline, for one render; every backend of the same weights and options shares it."""
        import torch

        device = self.options.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        # Main memory is the last place there is; and what asks for no card by name is content without one.
        offloaded = 0.0 if device == "cpu" or self.options.device == "auto" else None
        key = f"{self.card.id} {self.revision} {self.options.threads or ''} {self.options.weights}"
        return shelf(device).lend(key, NEEDS_GB, offloaded, lambda off: self._load("cpu" if off else device), cancelled)

    def _load(self, device: str) -> StoryworldPipeline:
        """Raises Damaged for weights that are not the ones sealed."""
        import torch
        import transformers.utils.logging
        from diffusers.utils import logging

        from kinograph.tools.storyworld.pipeline import StoryworldPipeline

        disk.verify(self.options.weights)
        if self.options.threads:
            torch.set_num_threads(self.options.threads)
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        transformers.utils.logging.disable_progress_bar()
        chosen = getattr(torch, self.options.precision)
        # What says where things are would be off by a pixel in fewer bits.
        formats = {"default": torch.float32, "image_unet": chosen, "video_unet": chosen, "vae": chosen}
        try:
            pipeline = StoryworldPipeline.from_pretrained(self.options.weights, dtype=formats, local_files_only=True)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Damaged(
                f"{str(self.options.weights)!r} is not a pipeline folder: {' '.join(str(error).split())[:200]}"
            ) from error
        pipeline.set_progress_bar_config(disable=True)
        return pipeline.to(device)


CODE = 2
"""Raised when the sampling code gives other pixels for the same weights."""
