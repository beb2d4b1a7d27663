"""Renders by our adapter of diffusers and by diffusers called plainly, with a clock on the parts of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kinograph.film import Conditioning, RenderRequest
from kinograph.tools.backends import Workbench, card, denoising
from kinograph.tools.backends.calling import arguments_of
from kinograph.tools.backends.diffusion import Diffusion
from kinograph.tools.backends.diffusion_options import DiffusionOptions
from kinograph.tools.backends.families import kin_of, way
from kinograph.tools.backends.pipelines import class_of, to_pixels
from kinograph.tools.backends.placing import DENOISERS
from kinograph.tools.backends.speed import Speed
from kinograph.tools.footage import png

PARTS = ("text", "denoise", "decode", "rest", "file")
"""Encoding words or a picture; passes of the denoiser; the autoencoder; all else of a call; bytes of the frames, and
writing them."""
ENCODERS = ("text_encoder", "text_encoder_2", "image_encoder")


class Job(NamedTuple):
    """What is rendered, and how."""

    model: str
    folder: Path
    size: tuple[int, int, int, int]
    """Width, height, frames, steps."""
    speed: Speed = Speed()
    device: str = "cpu"

    @property
    def pictures(self) -> bool:
        """Whether it goes on from a picture, as words alone do not do."""
        return not any(way(name).carries(()) for name in kin_of(class_of(self.folder)).classes)

    def request(self, number: int) -> RenderRequest:
        """The words of each are its own, so that they are encoded each time."""
        width, height, frames, steps = self.size
        one = card(self.model)
        return RenderRequest(
            model=self.model,
            revision="",
            prompt=f"a red ball rolls, number {number}",
            seed=number,
            frames=frames,
            fps=one.fps,
            width=width,
            height=height,
            steps=steps,
            guidance=one.guidance,
            conditioning=(Conditioning(keyframe="first", role="first"),) if self.pictures else (),
        )

    def picture(self) -> np.ndarray:
        width, height = self.size[:2]
        return np.random.default_rng(0).integers(0, 255, (height, width, 3)).astype(np.uint8)


class Clock:
    """Seconds by part, of CPU time on a processor and of the wall elsewhere, where each part waits for the device."""

    def __init__(self, device: str) -> None:
        self._cuda = device.startswith("cuda")
        self.spent: dict[str, float] = dict.fromkeys(PARTS, 0.0)

    @property
    def networks(self) -> float:
        return sum(self.spent[part] for part in ("text", "denoise", "decode"))

    def now(self) -> float:
        if not self._cuda:
            return time.process_time()
        import torch

        torch.cuda.synchronize()
        return time.perf_counter()

    @contextmanager
    def on(self, pipeline: Any) -> Iterator[None]:
        """Within, what the parts of a pipeline take is counted."""
        with ExitStack() as undone:
            for part, names in (("text", ENCODERS), ("denoise", DENOISERS)):
                for one in {id(one): one for name in names if (one := getattr(pipeline, name, None))}.values():
                    undone.enter_context(self._called(one, part))
            decode = pipeline.vae.decode
            pipeline.vae.decode = self._timed(decode, "decode")
            undone.callback(lambda: delattr(pipeline.vae, "decode"))
            denoising.to_pixels = self._timed(to_pixels, "file")  # which `encode_video` does for a plain call's frames
            undone.callback(lambda: setattr(denoising, "to_pixels", to_pixels))
            yield

    def _timed(self, call: Callable[..., Any], part: str) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = self.now()
            try:
                return call(*args, **kwargs)
            finally:
                self.spent[part] += self.now() - began

        return timed

    @contextmanager
    def _called(self, module: Any, part: str) -> Iterator[None]:
        began = list[float]()
        before = module.register_forward_pre_hook(lambda *_: began.append(self.now()))
        after = module.register_forward_hook(lambda *_: self._add(part, self.now() - began.pop()))
        yield
        before.remove()
        after.remove()

    def _add(self, part: str, seconds: float) -> None:
        self.spent[part] += seconds


class Run(NamedTuple):
    """One render."""

    spent: dict[str, float]
    frames: np.ndarray
    """uint8 `[T,H,W,3]`"""
    gb: float
    """Of graphics memory at most: the weights and what was taken besides; 0 on a processor."""
    how: str = ""
    """The rung of the memory plan, and what a cache skipped."""

    @property
    def seconds(self) -> float:
        """But for the file."""
        return sum(self.spent.values()) - self.spent["file"]


class Adapter(Diffusion):
    """Our backend with a clock on its parts."""

    clock: Clock | None = None
    made = 0.0
    """When the last frames were there, to be written."""
    frames: np.ndarray
    weights_gb = 0.0

    def _made(self, loaded: Any, found: Any, requests: Any, call: Any, goes_on: Any, foresight: Any = None) -> Any:
        pipeline = loaded.pipeline(found)
        self.weights_gb = weights_gb(pipeline)
        assert self.clock is not None
        with self.clock.on(pipeline):
            made = super()._made(loaded, found, requests, call, goes_on, foresight)
        self.frames, self.made = made.frames, self.clock.now()
        return made


def weights_gb(pipeline: Any) -> float:
    import torch

    parts = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    return sum(one.nbytes for part in parts for one in part.parameters()) / 2**30


@contextmanager
def memory(device: str) -> Iterator[Callable[[], float]]:
    """GB of graphics memory that are taken within, at most, beyond what was before."""
    import torch

    if not device.startswith("cuda"):
        yield lambda: 0.0
        return
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    yield lambda: (torch.cuda.max_memory_allocated() - before) / 2**30


def ours(job: Job, scratch: Path) -> Callable[[int], Run]:
    """Renders request after request as kinograph does."""
    (scratch / "first.png").write_bytes(png(job.picture()))
    bench = Workbench(scratch, lambda digest: scratch / f"{digest}.png")
    options = DiffusionOptions(weights=str(job.folder), device=job.device, speed=job.speed)
    backend = Adapter(card(job.model), bench, options)

    def render(number: int) -> Run:
        backend.clock = clock = Clock(job.device)
        with memory(job.device) as taken:
            began = clock.now()
            (clip,) = backend.render([job.request(number)], lambda *_: None, lambda: False)
            clock.spent["rest"] = backend.made - began - clock.networks - clock.spent["file"]
            clock.spent["file"] += clock.now() - backend.made
            gb = taken() + backend.weights_gb if taken() else 0.0
            how = f"rung {clip.made_with['rung']}"
            if (share := clip.made_with["blocks computed"]) != "100%":
                how += f", {share} of the blocks computed"
            return Run(clock.spent, backend.frames[0], gb, how)

    return render


def plain(job: Job, scratch: Path) -> Callable[[int], Run]:
    """Calls the pipeline as its documentation does."""
    from diffusers.utils import encode_video

    pipeline = stock(job)
    found = way(kin_of(class_of(job.folder)).classes[0])
    held = weights_gb(pipeline)

    def render(number: int) -> Run:
        clock = Clock(job.device)
        arguments = arguments_of(found, [job.request(number)]) | {"output_type": "np"} | shown(job)
        with memory(job.device) as taken:
            began = clock.now()
            with clock.on(pipeline):
                frames = pipeline(**arguments).frames
            ended = clock.now()
            encode_video(frames[0], card(job.model).fps, str(scratch / f"{number}.mp4"))
            clock.spent["file"] = clock.now() - ended
            clock.spent["rest"] = ended - began - clock.networks
            return Run(clock.spent, to_pixels(frames)[0], taken() + held if taken() else 0.0)

    return render


def stock(job: Job) -> Any:
    """The pipeline of the folder on the device, in the formats that its family is run in."""
    import torch

    kin = kin_of(class_of(job.folder))
    found = way(kin.classes[0])
    half = getattr(torch, kin.half) if job.device != "cpu" else torch.float32
    formats = {"default": half} | ({"vae": torch.float32} if kin.exact else {})
    pipeline = found.pipeline.from_pretrained(job.folder, dtype=formats, local_files_only=True).to(job.device)
    pipeline.set_progress_bar_config(disable=True)
    for switch in kin.decoding:
        getattr(pipeline.vae, switch)()
    return pipeline


def shown(job: Job) -> dict[str, Any]:
    """The argument by which a picture is given."""
    from PIL import Image

    return {"image": Image.fromarray(job.picture())} if job.pictures else {}
