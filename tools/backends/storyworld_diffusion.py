"""The embedded diffusion model as a backend: the weights that ship with kinograph, on this machine's CPU or GPU."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from kinograph import disk
from kinograph.errors import Cancelled, Damaged, RenderFailed
from kinograph.film import Clip, Conditioning, Noun, RenderRequest, digest_of
from kinograph.tools.backends import ModelCard, Preview, Progress, Watched, Workbench, alike
from kinograph.tools.darkroom import Writing, darkroom
from kinograph.tools.footage import conformed, develop, load_picture, read
from kinograph.tools.previews import Due, chosen, small
from kinograph.tools.shelf import shelf

if TYPE_CHECKING:
    import torch

    from kinograph.tools.storyworld.pipeline import Keyframe, StoryworldPipeline

MODEL = Path(str(files("kinograph.tools.storyworld"))) / "model"
NEEDS_GB = 1.0
"""What a render of the largest clip takes at most: 0.5 measured in main memory, and as much for a card's libraries."""
REMADE = 0.5
"""How much of a clip is made anew where the request leaves that open."""
MORE_GB = 0.3
"""What each further clip of a call takes."""
DENOISED = 0.95
"""Share of a render that is done when the last step is: writing follows."""


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
    misreads: float = Field(default=0.0, ge=0, le=1)
    """Share of renders in which one thing of the prompt is taken for another, by prompt and seed; colours that it
    leaves open are anything then. It makes of a model that obeys one that does not: for measuring what mends that."""
    overlap: bool = True
    """Write a clip's file while the next is denoised; the pixels are the same."""
    threads: int | None = Field(default=None, ge=1)
    """Processor threads; none leaves torch's choice."""


class Told(NamedTuple):
    """A prompt in the model's words."""

    prompt: str
    note: str


class StoryworldDiffusion:
    """Loads the pipeline at the first render and leaves it on the shelf; renders alike requests of a call together."""

    Options = DiffusionOptions

    def __init__(self, card: ModelCard, workbench: Workbench, options: DiffusionOptions) -> None:
        self.card = card
        self.options = options
        sums = disk.sealed(options.weights)
        unruly = (options.misreads,) if options.misreads else ()
        marks = (sorted(sums.items()), options.precision, options.rewrite, CODE, *unruly)
        self.revision = digest_of(repr(marks).encode())[:12]
        self.workbench = workbench

    @staticmethod
    def lacks(card: ModelCard, options: DiffusionOptions) -> str:
        return ""

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        first = 0
        with Writing(darkroom(self._device) if self.options.overlap else None, on_progress) as writing:
            for kin in (list(kin) for _, kin in groupby(requests, alike)):
                step = 1 if kin[0].blend else len(kin)  # words that lie between two are encoded one by one
                for start in range(0, len(kin), step):
                    some = kin[start : start + step]
                    self._together(some, first, on_progress, cancelled, writing)
                    first += len(some)
            return writing.clips()

    def _together(
        self,
        requests: Sequence[RenderRequest],
        first: int,
        on_progress: Progress,
        cancelled: Callable[[], bool],
        writing: Writing,
    ) -> None:
        """Makes the clips of requests that are alike in one call of the pipeline, and begins to write them; `first` is
        the index of the first."""

        def goes_on(share: float) -> None:
            if cancelled():
                raise Cancelled("rendering was cancelled")
            for index in range(len(requests)):
                on_progress(first + index, share)

        def see(preview: Preview) -> None:
            if isinstance(on_progress, Watched):
                for index in range(len(requests)):
                    on_progress.see(first + index, preview._replace(frames=preview.frames[index]))

        def waits() -> bool:
            goes_on(0.0)  # a render that waits for the model says that it lives
            return False

        goes_on(0.0)
        told = [self.tell(request.prompt, request.seed) for request in requests]
        with self._lent(waits, len(requests)) as pipeline:
            started = time.perf_counter()
            due = Due(on_progress)
            frames = self._frames(pipeline, requests, [one.prompt for one in told], goes_on, due, see)
            seconds = time.perf_counter() - started
            notes = [one.note for one in told]
            writing.begin(lambda: self._developed(requests, frames, seconds, notes), lambda: goes_on(DENOISED))

    def _developed(
        self, requests: Sequence[RenderRequest], frames: np.ndarray, seconds: float, notes: Sequence[str]
    ) -> list[Clip]:
        """The clips of frames `[B,T,H,W,3]`, written."""
        return [
            develop(request, made, self.workbench.scratch, seconds, note)
            for request, made, note in zip(requests, frames, notes, strict=True)
        ]

    def tell(self, prompt: str, seed: int = 0) -> Told:
        """The prompt as the model was taught to be asked, and what that replaced."""
        if not (self.options.rewrite or self.options.misreads):
            return Told(prompt, "")
        from kinograph.tools.storyworld.grammar import plainly, read
        from kinograph.tools.storyworld.misreading import misread

        found = read(prompt)
        world = misread(found.world, prompt, seed, self.options.misreads) if self.options.misreads else found.world
        return Told(plainly(world), "; ".join(found.unknown))

    def _frames(
        self,
        pipeline: StoryworldPipeline,
        requests: Sequence[RenderRequest],
        prompts: Sequence[str],
        goes_on: Callable[[float], None],
        due: Due,
        see: Callable[[Preview], None],
    ) -> np.ndarray:
        """`[B,T,H,W,3]`; `see` is shown previews `[B,N,h,w,3]`."""
        import torch

        def after(_: Any, step: int, __: float, values: dict) -> dict:
            if due.now(values["work"]):
                at = chosen(sorted(values["predicted"]))
                latents = torch.stack([values["predicted"][frame] for frame in at], 1)
                see(Preview(values["work"], small(pipeline.pictures(latents)), at))
            goes_on(DENOISED * values["work"])
            return values

        from kinograph.tools.backends.blending import worded
        from kinograph.tools.storyworld.pipeline import Lean

        one = requests[0]
        with worded(pipeline, self._as_told(one, prompts[0])):
            return pipeline(
                prompts,
                frames=one.frames,
                width=one.width,
                height=one.height,
                num_inference_steps=one.steps,
                guidance_scale=one.guidance,
                keyframes=self._keyframes(requests),
                generator=[torch.Generator().manual_seed(request.seed) for request in requests],
                latents=self._latents(pipeline, requests),
                lean=Lean(torch.Generator().manual_seed(one.blend.seed), one.blend.weight) if one.blend else None,
                callback_on_step_end=after,
                **self._source(requests),
            ).frames

    def _as_told(self, request: RenderRequest, prompt: str) -> RenderRequest:
        """The request with the words that the model hears, its neighbour's too."""
        blend = request.blend
        told = blend.changed(prompt=self.tell(blend.prompt, blend.seed).prompt) if blend else None
        return request.changed(prompt=prompt, blend=told)

    @staticmethod
    def _latents(pipeline: StoryworldPipeline, requests: Sequence[RenderRequest]) -> torch.Tensor | None:
        """The noise of clips that have some of it from their scene; None where each has its own."""
        import torch

        from kinograph.tools.backends.noise import between, of_scenes

        one = requests[0]
        if not one.shared_noise:
            return None
        shape = pipeline.shape(len(requests), one.frames, one.width, one.height)
        scenes = [request.scene_seed for request in requests]

        def drawn(seeds: Sequence[int]) -> torch.Tensor:
            own, common = ([torch.Generator().manual_seed(seed) for seed in each] for each in (seeds, scenes))
            return of_scenes(shape, one.shared_noise, own, common)

        own = drawn([request.seed for request in requests])
        return between(own, drawn([one.blend.seed]), one.blend.weight) if one.blend else own

    def _source(self, requests: Sequence[RenderRequest]) -> dict[str, Any]:
        """The clips that are made anew in part, as the pipeline takes them."""
        given = [[one for one in request.conditioning if one.role == "source"] for request in requests]
        if not given[0]:
            return {}
        one, size = requests[0], (requests[0].width, requests[0].height)
        clips = [conformed(read(self.workbench.picture(source.keyframe)), size, one.frames) for source, *_ in given]
        kept = given[0][0].strength
        return {"video": np.stack(clips), "strength": REMADE if kept == 1 else 1 - kept}

    def _keyframes(self, requests: Sequence[RenderRequest]) -> list[Keyframe]:
        from kinograph.tools.storyworld.pipeline import Keyframe

        return [
            Keyframe(
                {"first": 0, "between": given[0].frame or 0}.get(given[0].role, requests[0].frames - 1),
                np.stack([self._picture(one, request) for one, request in zip(given, requests, strict=True)]),
            )
            for given in zip(*(request.conditioning for request in requests), strict=True)
            if given[0].role != "source" or given[0].mask is not None
        ]

    def _picture(self, given: Conditioning, request: RenderRequest) -> np.ndarray:
        import cv2

        if given.role not in ("first", "last", "between") or given.mask is not None:
            what = "masks" if given.mask is not None else f"pictures in the role {given.role}"
            raise RenderFailed(
                f"{self.card.id} takes a whole clip, or whole pictures of frames anywhere in the clip, and no {what}"
            )
        picture = load_picture(self.workbench.picture(given.keyframe))
        if picture.shape[:2] != (request.height, request.width):
            picture = cv2.resize(picture, (request.width, request.height), interpolation=cv2.INTER_AREA)
        return picture

    def _lent(self, cancelled: Callable[[], bool], clips: int) -> AbstractContextManager[StoryworldPipeline]:
        """The loaded pipeline, for one render; every backend of the same weights and options shares it."""
        device = self._device
        # Main memory is the last place there is; and what asks for no card by name is content without one.
        offloaded = 0.0 if device == "cpu" or self.options.device == "auto" else None
        key = f"{self.card.id} {self.revision} {self.options.threads or ''} {self.options.weights}"
        needs = NEEDS_GB + MORE_GB * (clips - 1)
        return shelf(device).lend(key, needs, offloaded, lambda off: self._load("cpu" if off else device), cancelled)

    @property
    def _device(self) -> str:
        import torch

        if self.options.device != "auto":
            return self.options.device
        return "cuda" if torch.cuda.is_available() else "cpu"

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
