"""Diffusers pipelines as a backend: any family, from a folder of weights on this machine.

What sets families apart is data in `families.py`; what a pipeline takes is read from its signature.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from itertools import groupby
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from pydantic import Field

from kinograph.errors import BadInput, Damaged, RenderFailed, StorageError
from kinograph.film import Clip, Conditioning, Noun, RenderRequest, digest_of
from kinograph.tools.backends import (
    ModelCard,
    Progress,
    Watched,
    Workbench,
    alike,
    blending,
    counted,
    upsampling,
)
from kinograph.tools.backends.calling import arguments_of, beating, diced, fitted, free, going, named, smaller
from kinograph.tools.backends.families import Call, Kin, Picture, Way, anew, kin_of, shifted, way
from kinograph.tools.backends.foreseen import Canvas, Foresight
from kinograph.tools.backends.memory_plan import Remembered, Rung, climb, first, key_of, ladder, needs
from kinograph.tools.backends.noise import BASE, between, correlated, decomposed, of_scenes, steps_for
from kinograph.tools.backends.pipelines import WINDOW, Loaded, class_of, load, seeded, sounds_of, to_pixels
from kinograph.tools.backends.placing import denoisers
from kinograph.tools.backends.speed import Speed
from kinograph.tools.backends.weights import Weights, check, check_part, find
from kinograph.tools.backends.weights import needs as wanted
from kinograph.tools.darkroom import Writing, darkroom
from kinograph.tools.footage import conformed, develop, load_picture, read
from kinograph.tools.gpus import gpus
from kinograph.tools.previews import Due
from kinograph.tools.shelf import shelf

Result = TypeVar("Result")
FEW = 4
"""Frames that are decoded at a time where memory is short."""
OVERHEAD = 1.5
"""Memory that a render takes, for each GB of weights."""
LIBRARIES = ("diffusers", "transformers", "torch")
DECODED = 0.95
"""Share of a render that is done when the last step is: decoding and writing follow."""


class Made(NamedTuple):
    """What a pipeline gives."""

    frames: np.ndarray
    """uint8 `[B,T,H,W,3]`"""
    sounds: list[np.ndarray] | None
    """[2,N] samples each, 48,000 a second; none where the model is silent."""
    latents: Any = None
    """`[B,C,F,h,w]` instead of frames, where they are enlarged yet."""


class DiffusionOptions(Noun):
    """Options of a model of diffusers."""

    weights: str = ""
    """Folder in the diffusers layout, hub id of weights that were pulled, or a single .safetensors file; none is the
    card's own source."""
    base: str = ""
    """Folder or hub id of what the weights are a part for: the Stable Diffusion checkpoint under a motion adapter, or
    the folder that the parts of a single file are set up like."""
    pipeline: str = ""
    """Class of diffusers that a single file is for."""
    before: str = ""
    """Folder or hub id of what makes the beginning from words alone, for models that go on from pictures: a model of
    text to image, or of text to video where a whole video is to be made anew."""
    upsample: str = ""
    """Folder or hub id of LTX's latent upsampler: clips are rendered at half their sides and enlarged before they are
    decoded, in about a quarter of the time."""
    device: str = "auto"
    """torch device; auto takes a graphics card when there is one."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format; auto is what the family was trained in on a graphics card, and float32 on a processor."""
    strength: float = Field(default=0.6, gt=0, le=1)
    """How much of a given video, or of a picture held still, is made anew."""
    noise: Literal["plain", "decomposed", "correlated"] = "plain"
    """What a clip begins with: noise of its own in every frame; a base that frames share, and a residual of each
    (VideoFusion); or noise that drifts from frame to frame. For models that were trained so, or to calm others."""
    shared: float = Field(default=BASE, ge=0, le=1)
    """How much of the noise frames share, or neighbours do where it drifts."""
    adaptive_steps: bool = False
    """More steps for prompts that ask for more, up to half as many again; such shots are rendered one by one."""
    scheduler: str = ""
    """Class of diffusers that spaces the steps, of those that fit the model; none leaves its own."""
    speed: Speed = Speed()
    """What is done to be quicker, at the price of other pixels."""
    overlap: bool = True
    """Write a clip's file while the next is denoised; the pixels are the same."""
    pickles: bool = False
    """Load weights that are Python pickles, which can run code as they are read."""


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
        sources = (options.weights or card.source, options.base, options.before, options.upsample)
        try:
            for source in filter(None, sources):
                if (found := find(source)) is None:
                    return wanted(source)
                if found.kind == "part":
                    check_part(found.folder, options.pickles)
                elif found.kind != "loose":
                    check(found, options.pickles)
        except (BadInput, Damaged, StorageError) as error:
            return str(error)
        found = find(sources[0])
        if found is None:
            return wanted("")
        if found.kind == "part" and not options.base:
            return f"{found.folder.name} is a part of a model; set `base` in its options to the checkpoint it goes with"
        if found.kind == "file" and not options.pipeline:
            return f"{found.folder.name} is a single file; set `pipeline` in its options to the class it is for"
        if found.kind == "loose":
            how = "; kinograph.tools.backends.videocrafter.convert makes one" if card.family == "videocrafter" else ""
            return f"{str(found.folder)!r} is no folder in the diffusers layout{how}"
        return ""

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
        with Writing(darkroom(self._device) if self.options.overlap else None, on_progress) as writing:
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
        return self.options.weights or self.card.source

    @property
    def _kin(self) -> Kin:
        return kin_of(self._class(self._found(self._source)))

    def _found(self, source: str) -> Weights:
        found = find(source)
        if found is None:
            raise RenderFailed(wanted(source))
        return found

    def _class(self, found: Weights) -> str:
        """The pipeline class that weights are for."""
        if found.kind == "file":
            return self.options.pipeline
        if found.kind == "part":
            large = class_of(self._found(self.options.base).folder) == "StableDiffusionXLPipeline"
            return "AnimateDiffSDXLPipeline" if large else "AnimateDiffPipeline"
        return class_of(found.folder)

    def _call(self, request: RenderRequest, many: int, on_progress: Progress, cancelled: Callable[[], bool]) -> Call:
        """What the pictures of `many` requests like this are put into."""
        goes_on = going(many, on_progress, cancelled)
        goes_on(0.0)
        pictures = [self._picture(given, request) for given in request.conditioning]
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

        with self._lent(self._source, waits) as loaded:
            started, notes = time.perf_counter(), list[str]()
            asked = {"first"} if call.video is not None else set[str]().union(*(one.needs for one in call.pictures))
            found = loaded.way_for(asked)
            foresight = None if self.options.upsample else _foresight(loaded, found, requests, on_progress)
            made = self._fitting(
                loaded, requests, notes.append, lambda: self._made(loaded, found, requests, call, goes_on, foresight)
            )
            if foresight is not None:
                foresight.learn(made.frames)
                loaded.colors = foresight.colors
                notes += [f"no preview: {foresight.lacking}"] if foresight.lacking else []
            made_with = self._made_with(loaded, found)
            notes += [
                *self._unheard(loaded, found, requests),
                *filter(None, (shifted(one, found) for one in call.pictures)),
            ]
            if made.latents is None:
                seconds = time.perf_counter() - started
                writing.begin(lambda: self._developed(requests, made, seconds, notes, made_with), done)
                return
        with self._lent(self.options.upsample, done) as loaded:
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
        latents = made.latents.to(self._device)
        frames = self._fitting(loaded, requests, tell, lambda: upsampling.enlarged(loaded, latents, requests))
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
        with self._lent(self.options.before, waits) as loaded:
            pipeline, found = loaded.first, way(loaded.kin.classes[0])
            moves = bool(found.argument("num_frames", "video_length", "frames"))
            size = (smaller(request.width), smaller(request.height)) if moves else (request.width, request.height)
            asked = request.changed(width=size[0], height=size[1], conditioning=())
            arguments = {name: value for name, value in arguments_of(found, [asked]).items() if "guidance" not in name}

            def make() -> np.ndarray:
                with loaded.stopping(lambda: goes_on()), diced(request.seed, self._device):
                    made = pipeline(**arguments)
                return to_pixels(made.frames if moves else made.images[:, None])[0]

            try:
                frames = self._fitting(loaded, [asked], lambda _: None, make)
            finally:
                pipeline.maybe_free_model_hooks()
        frames = conformed(frames, (request.width, request.height), request.frames if moves else 1)
        if moves and any(way(name).form.argument == "video" for name in self._kin.classes):
            return call._replace(video=frames)
        return call._replace(pictures=[Picture("first", frames[0])])

    def _fitting(
        self,
        loaded: Loaded,
        requests: Sequence[RenderRequest],
        tell: Callable[[str], object],
        make: Callable[[], Result],
    ) -> Result:
        """What `make` makes with the pipeline on the first rung of the memory plan that has room for it."""
        device, rungs, request = self._device, self._rungs(loaded.kin), requests[0]
        if len(requests) > 1 or not denoisers(loaded.first):
            rungs = rungs[:2]  # fewer clips a call are quicker than a model that lies elsewhere
        what = f"{self.revision} {type(loaded.first).__name__} x{len(requests)}"
        key = key_of(what, request.width, request.height, request.frames, named(device))
        learned = Remembered(self.workbench.learned / "memory_plan.json") if self.workbench.learned else None
        names = [rung.name for rung in rungs]
        begin = loaded.begin
        if learned is not None and learned.rung(key) in names:
            begin = names.index(str(learned.rung(key)))
        if request.offloaded:
            begin = max(begin, names.index("model" if "model" in names else "piecewise"))
        if loaded.rung is not None and loaded.rung.quantized != "none":
            rungs = (loaded.rung,)  # there is no way back
        begin = min(begin, len(rungs) - 1)
        started = rungs[begin]

        def on(rung: Rung) -> Result:
            loaded.window(request.frames)
            loaded.put(rung, device)
            return make()

        def learn(rung: Rung) -> None:
            if learned is not None and rung != started:
                learned.keep(key, rung.name)

        return climb(on, rungs, begin, tell, learn)

    def _rungs(self, kin: Kin) -> tuple[Rung, ...]:
        precision = self.options.precision
        return ladder(
            self.card, self._device, precision if precision != "auto" else kin.half if self._device != "cpu" else None
        )

    @property
    def _device(self) -> str:
        import torch

        if self.options.device != "auto":
            return self.options.device
        return "cuda" if torch.cuda.is_available() else "cpu"

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
        pipeline, steps = loaded.pipeline(found), max(self._steps(requests[0]), 1)
        passed = 0

        def passing() -> None:
            nonlocal passed
            passed += 1
            # Classes that tell of no steps are heard by their passes, of which a step may take two.
            goes_on(None if told else min(passed / (2 * steps), 1.0) * DECODED)

        def after(_: Any, step: int, __: Any, values: dict[str, Any]) -> dict[str, Any]:
            goes_on(min((step + 1) / steps, 1.0) * DECODED)
            return values

        told = found.argument("callback_on_step_end")
        if hasattr(pipeline, "guider"):
            pipeline.guider = pipeline.guider.new(guidance_scale=requests[0].guidance)
        asked = [upsampling.half(request) for request in requests] if self.options.upsample else requests
        arguments = arguments_of(found, asked) | {"num_inference_steps": steps}
        arguments |= found.form.arguments(call, found.pipeline)
        arguments |= {"callback_on_step_end": after} if told else {}
        if self.options.upsample:
            upsampling.check(found, class_of(self._found(self.options.upsample).folder))
            arguments["output_type"] = "latent"
        if (
            loaded.rung is not None
            and loaded.rung.slicing | loaded.rung.chunking
            and found.argument("decode_chunk_size")
        ):
            arguments["decode_chunk_size"] = FEW
        try:
            # Some classes draw what they encode from torch's own dice.
            with (
                loaded.hurried(pipeline, self.options.speed, steps),
                loaded.stopping(passing),
                self._noised(loaded, found, requests),
                foresight.over(pipeline) if foresight is not None else nullcontext(),
                blending.worded(pipeline, requests[0]),
                diced(requests[0].seed, self._device),
            ):
                given = pipeline(**arguments)
                if self.options.upsample:
                    return Made(np.empty(0), None, upsampling.unpacked(pipeline, given.frames, asked[0]).cpu())
                return Made(to_pixels(given.frames), sounds_of(given, pipeline))
        finally:
            for one in {id(one): one for one in (pipeline, loaded.first)}.values():
                one.maybe_free_model_hooks()

    def _steps(self, request: RenderRequest) -> int:
        if not self.options.adaptive_steps:
            return request.steps
        return steps_for(request.prompt, request.steps, self.card.min_steps, self.card.max_steps)

    def _noised(self, loaded: Loaded, found: Way, requests: Sequence[RenderRequest]) -> AbstractContextManager[None]:
        """Within, the pipeline begins with the noise that the options and the requests ask for."""
        kind, shared = self.options.noise, self.options.shared
        of_scene, blend = requests[0].shared_noise, requests[0].blend
        if not loaded.takes_noise(found):
            return nullcontext()
        if kind == "plain" and not of_scene:
            return blending.noised(loaded, found, blend)

        def dice(seeds: Sequence[int]) -> list[Any]:
            made = seeded(seeds)
            return made if isinstance(made, list) else [made]

        def drawn(seeds: Sequence[int], scenes: Sequence[int], shape: Sequence[int], axis: int) -> Any:
            own, common = dice(seeds), dice(scenes)
            if kind == "plain":
                return of_scenes(shape, of_scene, own, common)
            if kind == "decomposed" and of_scene:  # what frames share is what the scene's shots do
                return decomposed(shape, axis, max(shared, of_scene), own, common)
            return (decomposed if kind == "decomposed" else correlated)(shape, axis, shared, own)

        def draw(shape: Sequence[int], axis: int) -> Any:
            scenes = [request.scene_seed for request in requests]
            own = drawn([request.seed for request in requests], scenes, shape, axis)
            if blend is None:
                return own
            return between(own, drawn([blend.seed], scenes[:1], shape, axis), blend.weight)

        return loaded.noised(found, draw)

    def _unheard(self, loaded: Loaded, found: Way, requests: Sequence[RenderRequest]) -> list[str]:
        """What was asked for and makes no difference, in words."""
        told = []
        # With classes that guide by a trained number, words to avoid count with a second one, at twice the price.
        if any(one.negative for one in requests) and (
            not found.argument("negative_prompt") or found.argument("true_cfg_scale")
        ):
            told.append(f"words to avoid are not heard by {found.name}")
        blend = requests[0].blend
        if (self.options.noise != "plain" or requests[0].shared_noise or blend) and not loaded.takes_noise(found):
            told.append(f"{found.name} cannot be given its noise")
        if blend and not blending.encoder(found.pipeline):
            told.append(f"{found.name} hears no words that could be blended")
        held = [one for one in requests[0].conditioning if one.role != "source"]
        if any(one.strength < 1 for one in held) and found.form.argument != "conditions":
            told.append(f"{found.name} holds pictures as they are, however strongly they should count")
        return told

    def _made_with(self, loaded: Loaded, found: Way) -> dict[str, str]:
        """What a clip's provenance tells besides its request."""
        weights = find(self._source)
        return {
            "weights": f"{self._source} {weights.revision if weights else ''}",
            "pipeline": found.name,
            "precision": loaded.rung.dtype if loaded.rung else "",
            "rung": loaded.rung.name if loaded.rung else "",
            "device": named(self._device),
            "blocks computed": f"{loaded.computed:.0%}",
        } | {name: version(name) for name in LIBRARIES}

    def _picture(self, given: Conditioning, request: RenderRequest) -> Picture:
        import cv2

        file, size = self.workbench.picture(given.keyframe), (request.width, request.height)
        if given.role == "source":
            picture = conformed(read(file), size, request.frames)
        elif (picture := load_picture(file)).shape[1::-1] != size and given.role != "reference":
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        mask = None
        if given.mask is not None:
            grey = load_picture(self.workbench.picture(given.mask)).mean(-1)
            mask = cv2.resize((grey > 127).astype(np.uint8) * 255, size, interpolation=cv2.INTER_NEAREST)
        return Picture(given.role, picture, given.strength, given.frame or 0, mask)

    def _lent(self, source: str, cancelled: Callable[[], bool]) -> AbstractContextManager[Loaded]:
        """A loaded pipeline, for one call; every backend of the same weights and options shares it."""
        key = f"{self.card.id} {self.revision} {source} {self.options.base} {self.options.pickles}"
        like = self._like(source)
        least = min(needs(like, rung).device for rung in self._rungs(Kin(()))) if self._device != "cpu" else None

        def load(_: bool) -> Loaded:
            with beating(cancelled):
                return self._load(source)

        return shelf(self._device).lend(key, like.vram_gb, least, load, cancelled)

    def _like(self, source: str) -> ModelCard:
        """The card with the memory that weights of this size take: smaller ones than the card's take less."""
        most = self.card.vram_gb if source == self._source else 1000.0
        gb = max(min(most, OVERHEAD * self._found(source).gb), 0.01)
        return self.card.changed(vram_gb=gb, offloaded_gb=self.card.offloaded_gb if gb == most else None)

    def _load(self, source: str) -> Loaded:
        import torch

        found = self._found(source)
        kin, extra = kin_of(self._class(found)), dict[str, Any]()
        if found.kind == "part":
            check_part(found.folder, self.options.pickles)
            check(base := self._found(self.options.base), self.options.pickles)
            extra, found = {"motion_adapter": found.folder}, base
        else:
            check(found, self.options.pickles)
        if found.kind == "file" and self.options.base:
            extra = {"config": str(self._found(self.options.base).folder)}
        rungs, room = self._rungs(kin), free(self._device)
        begin = first(self._like(source), rungs, *room)
        formats = {"default": getattr(torch, rungs[0].dtype)} | ({"vae": torch.float32} if kin.exact else {})
        options = {"dtype": formats, "use_safetensors": None if self.options.pickles else True}
        loaded = load(found, kin, options | extra)
        loaded.begin = begin
        if self.options.scheduler and source == self._source:
            loaded.reschedule(self.options.scheduler)
        return loaded


def _foresight(
    loaded: Loaded, found: Way, requests: Sequence[RenderRequest], on_progress: Progress
) -> Foresight | None:
    """The eyes of whoever wants previews of these requests."""
    if not isinstance(on_progress, Watched) or not on_progress.shares:
        return None
    one = requests[0]
    ratio = getattr(loaded.pipeline(found), "vae_temporal_compression_ratio", 1)
    canvas = Canvas(len(requests), one.frames, one.height, one.width, loaded.kin.axis, ratio)
    return Foresight(Due(on_progress), canvas, loaded.colors, on_progress.see)


PIXELS = {"strength", "noise", "shared", "adaptive_steps", "scheduler", "speed", "pipeline"}
"""Options that change pixels."""
CODE = 1
"""Raised when this file gives other pixels for the same weights."""
