"""Diffusers pipelines as a backend: any family, from a folder of weights on this machine.

What sets families apart is data in `families.py`; what a pipeline takes is read from its signature.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from itertools import groupby

import numpy as np

from kinograph.errors import RenderFailed
from kinograph.film import Clip, RenderRequest, digest_of
from kinograph.tools.backends import ModelCard, Progress, Workbench, alike, counted, sourcing, upsampling
from kinograph.tools.backends.calling import arguments_of, diced, fitted, going, named, picture_of, smaller
from kinograph.tools.backends.denoising import DECODED, Made, denoised, foresight_for, unheard
from kinograph.tools.backends.diffusion_options import PIXELS, DiffusionOptions
from kinograph.tools.backends.families import Call, Kin, Picture, Way, anew, shifted, way
from kinograph.tools.backends.foreseen import Foresight
from kinograph.tools.backends.lending import Lender
from kinograph.tools.backends.noise import steps_for
from kinograph.tools.backends.pipelines import WINDOW, Loaded, to_pixels
from kinograph.tools.backends.weights import find
from kinograph.tools.darkroom import Writing, darkroom
from kinograph.tools.footage import conformed, develop
from kinograph.tools.gpus import gpus

LIBRARIES = ("diffusers", "transformers", "torch")
CODE = 1
"""Raised when this backend gives other pixels for the same weights."""


class Diffusion:
    """Loads the pipeline at the first render and leaves it on the shelf; renders alike requests of a call together."""

    Options = DiffusionOptions

    def __init__(self, card: ModelCard, workbench: Workbench, options: DiffusionOptions) -> None:
        self.card = card
        self.options = options
        self.workbench = workbench
        sources = (self._source, options.base, options.before, options.upsample)
        found = [found for source in sources if (found := find(source))]
        pixels = options.model_dump(include=PIXELS)
        marks = ([one.revision for one in found], self._precision, sorted(pixels.items()), CODE)
        self.revision = digest_of(repr(marks).encode())[:12]
        self.lender = Lender(card, options, self.revision, workbench.learned)

    @property
    def _precision(self) -> str:
        """The number format, as far as it is known without torch."""
        device, precision = self.options.device, self.options.precision
        if precision != "auto":
            return precision
        card = bool(gpus()) if device == "auto" else device != "cpu"
        return self._kin.half if card and find(self._source) else "float32"

    @staticmethod
    def lacks(card: ModelCard, options: DiffusionOptions) -> str:
        """What keeps it from rendering here, in words; "" for nothing. Reads no weights."""
        return sourcing.lacks(card, options)

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        parts = list[Sequence[RenderRequest]]()
        for _, kin in groupby(requests, alike):
            group = list(kin)
            step = len(group) if self.batches(group[0]) else 1
            parts += [group[start : start + step] for start in range(0, len(group), step)]
        asked = list[tuple[Sequence[RenderRequest], Call, Progress]]()
        for part in parts:  # all beginnings first: on a small card the two models put each other off it
            start = sum(len(one) for one, _, _ in asked)
            tell = counted(on_progress, start)
            asked.append((part, self._call(part[0], len(part), tell, cancelled), tell))
        with Writing(darkroom(self.lender.device) if self.options.overlap else None, on_progress) as writing:
            for part, call, tell in asked:
                self._together(part, call, tell, cancelled, writing)
            return writing.clips()

    def batches(self, request: RenderRequest) -> bool:
        """Whether requests like this give the same clips in one call; a picture each is more than most take."""
        # FreeNoise, which AnimateDiff's longer clips are made with, takes one prompt.
        alone = (
            self._kin.single or request.conditioning or request.blend or not self._by_words or request.frames > WINDOW
        )
        return self.card.batch and not alone and not self.options.adaptive_steps

    @property
    def _source(self) -> str:
        return sourcing.source_of(self.card, self.options)

    @property
    def _kin(self) -> Kin:
        return sourcing.kin_for(self.card, self.options)

    def _call(self, request: RenderRequest, many: int, on_progress: Progress, cancelled: Callable[[], bool]) -> Call:
        """What the pictures of `many` requests like this are put into."""
        goes_on = going(many, on_progress, cancelled)
        goes_on(0.0)
        pictures = [picture_of(given, request, self.workbench.picture) for given in request.conditioning]
        call = Call(pictures, request.frames, anew(pictures, self.options.strength))
        if call.pictures or self._by_words:
            return call
        return self._begun(request, call, goes_on, lambda: bool(goes_on(0.0)))

    def _together(
        self,
        requests: Sequence[RenderRequest],
        call: Call,
        on_progress: Progress,
        cancelled: Callable[[], bool],
        writing: Writing,
    ) -> None:
        """Makes the clips of requests that are alike in one call, and begins to write them."""
        goes_on = going(len(requests), on_progress, cancelled)

        def waits(share: float = 0.0) -> bool:
            goes_on(share)  # a render that waits for the model, or for the clip before, says that it lives
            return False

        def done() -> bool:
            return waits(DECODED)

        with self.lender.lend(self._source, waits) as loaded:
            started, notes = time.perf_counter(), list[str]()
            asked = {"first"} if call.video is not None else set[str]().union(*(one.needs for one in call.pictures))
            found = loaded.way_for(asked)
            foresight = None if self.options.upsample else foresight_for(loaded, found, requests, on_progress)
            made = self.lender.fitting(
                loaded, requests, notes.append, lambda: self._made(loaded, found, requests, call, goes_on, foresight)
            )
            if foresight is not None:
                foresight.learn(made.frames)
                loaded.colors = foresight.colors
                notes += [f"no preview: {foresight.lacking}"] if foresight.lacking else []
            made_with = self._made_with(loaded, found)
            notes += [
                *unheard(loaded, found, requests, self.options),
                *filter(None, (shifted(one, found) for one in call.pictures)),
            ]
            if made.latents is None:
                seconds = time.perf_counter() - started
                writing.begin(lambda: self._developed(requests, made, seconds, notes, made_with), done)
                return
        with self.lender.lend(self.options.upsample, done) as loaded:
            whole = self._enlarged(loaded, requests, made, notes.append)
            seconds = time.perf_counter() - started
            writing.begin(lambda: self._developed(requests, whole, seconds, notes, made_with), done)

    def _developed(
        self,
        requests: Sequence[RenderRequest],
        made: Made,
        seconds: float,
        notes: Sequence[str],
        made_with: Mapping[str, str],
    ) -> list[Clip]:
        """The clips of what was made, written."""
        clips = list[Clip]()
        for index, request in enumerate(requests):
            whole, note = fitted(made.frames[index], request)
            told = "; ".join([*notes, *([note] if note else [])])
            sound = None if made.sounds is None else made.sounds[index]
            clips.append(develop(request, whole, self.workbench.scratch, seconds, told, made_with, sound))
        return clips

    def _enlarged(
        self, loaded: Loaded, requests: Sequence[RenderRequest], made: Made, tell: Callable[[str], object]
    ) -> Made:
        latents = made.latents.to(self.lender.device)
        frames = self.lender.fitting(loaded, requests, tell, lambda: upsampling.enlarged(loaded, latents, requests))
        return made._replace(frames=to_pixels(frames), latents=None)

    @property
    def _by_words(self) -> bool:
        """Whether these weights render from words alone."""
        return any(way(name).carries(()) for name in self._kin.classes)

    def _begun(
        self, request: RenderRequest, call: Call, goes_on: Callable[..., None], waits: Callable[[], bool]
    ) -> Call:
        """The call with what another model made of the words: a first frame, or a smaller video."""
        if not self.options.before:
            raise RenderFailed(
                f"{self.card.id} goes on from pictures and was given none; set `before` in its options to a model of "
                "text to image, or of text to video, which makes the beginning from words"
            )
        with self.lender.lend(self.options.before, waits) as loaded:
            pipeline, found = loaded.first, way(loaded.kin.classes[0])
            moves = bool(found.argument("num_frames", "video_length", "frames"))
            size = (smaller(request.width), smaller(request.height)) if moves else (request.width, request.height)
            asked = request.changed(width=size[0], height=size[1], conditioning=())
            arguments = {name: value for name, value in arguments_of(found, [asked]).items() if "guidance" not in name}

            def make() -> np.ndarray:
                with loaded.stopping(lambda: goes_on()), diced(request.seed, self.lender.device):
                    made = pipeline(**arguments)
                return to_pixels(made.frames if moves else made.images[:, None])[0]

            try:
                frames = self.lender.fitting(loaded, [asked], lambda _: None, make)
            finally:
                pipeline.maybe_free_model_hooks()
        frames = conformed(frames, (request.width, request.height), request.frames if moves else 1)
        if moves and any(way(name).form.argument == "video" for name in self._kin.classes):
            return call._replace(video=frames)
        return call._replace(pictures=[Picture("first", frames[0])])

    def _made(
        self,
        loaded: Loaded,
        found: Way,
        requests: Sequence[RenderRequest],
        call: Call,
        goes_on: Callable[..., None],
        foresight: Foresight | None = None,
    ) -> Made:
        """What the pipeline gives."""
        steps, device = self._steps(requests[0]), self.lender.device
        return denoised(loaded, found, requests, call, goes_on, foresight, self.options, steps, device)

    def _steps(self, request: RenderRequest) -> int:
        if not self.options.adaptive_steps:
            return request.steps
        return steps_for(request.prompt, request.steps, self.card.min_steps, self.card.max_steps)

    def _made_with(self, loaded: Loaded, found: Way) -> dict[str, str]:
        """What a clip's provenance tells besides its request."""
        weights = find(self._source)
        return {
            "weights": f"{self._source} {weights.revision if weights else ''}",
            "pipeline": found.name,
            "precision": loaded.rung.dtype if loaded.rung else "",
            "rung": loaded.rung.name if loaded.rung else "",
            "device": named(self.lender.device),
            "blocks computed": f"{loaded.computed:.0%}",
        } | {name: version(name) for name in LIBRARIES}
