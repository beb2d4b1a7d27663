"""Around the call of a diffusers pipeline: its arguments and pictures, its dice, its device, and what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any

import numpy as np

from kinograph.errors import Cancelled
from kinograph.film import Conditioning, RenderRequest
from kinograph.tools.backends.families import Picture, Way
from kinograph.tools.backends.pipelines import seeded
from kinograph.tools.footage import conformed, load_picture, read

BEAT, BEATS = 20.0, 180
"""Seconds between signs of life while a model is loaded, and most of them: an hour's."""
LONG = 97
"""Frames beyond which a diffusion-forcing model makes a clip in several parts."""


def arguments_of(found: Way, requests: Sequence[RenderRequest]) -> dict[str, Any]:
    """What requests that are alike say, in the names that a pipeline's call has for it."""
    one, many = requests[0], len(requests) > 1
    told: dict[str, Any] = {
        "prompt": [request.prompt for request in requests] if many else one.prompt,
        "width": one.width,
        "height": one.height,
        "num_inference_steps": one.steps,
        "generator": seeded([request.seed for request in requests]),
        "output_type": "pt",
        # What follows would change words or sizes that were chosen already.
        "clean_caption": False,
        "use_resolution_binning": False,
    }
    if any(request.negative for request in requests):
        told["negative_prompt"] = [request.negative for request in requests] if many else one.negative
    for value, names in (
        (one.frames, ("num_frames", "video_length", "frames")),
        (one.fps, ("frame_rate", "fps")),
        (one.guidance, ("guidance_scale", "max_guidance_scale")),
    ):
        told[found.argument(*names)] = value
    if one.frames > LONG:
        told["overlap_history"] = 17  # SkyReels goes on from so many of the frames it has
    return {name: value for name, value in told.items() if name in found.parameters}


def picture_of(given: Conditioning, request: RenderRequest, where: Callable[[str], Path]) -> Picture:
    """A picture, a clip or a frame that a request is given, in the request's size; `where` one of a digest lies."""
    import cv2

    file, size = where(given.keyframe), (request.width, request.height)
    if given.role == "source":
        picture = conformed(read(file), size, request.frames)
    elif (picture := load_picture(file)).shape[1::-1] != size and given.role != "reference":
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    mask = None
    if given.mask is not None:
        grey = load_picture(where(given.mask)).mean(-1)
        mask = cv2.resize((grey > 127).astype(np.uint8) * 255, size, interpolation=cv2.INTER_NEAREST)
    return Picture(given.role, picture, given.strength, given.frame or 0, mask)


def fitted(frames: np.ndarray, request: RenderRequest) -> tuple[np.ndarray, str]:
    """Frames `[T,H,W,3]` as many and as large as asked for, and what had to be done for that."""
    count, height, width = frames.shape[:3]
    asked = (request.frames, request.height, request.width)
    if (count, height, width) == asked:
        return frames, ""
    note = f"{count} frames of {width}x{height} came back, {asked[0]} of {asked[2]}x{asked[1]} were asked for"
    # What is too long ends earlier; what is too short is shown more slowly.
    return conformed(frames[: request.frames], (request.width, request.height), request.frames), note


def smaller(side: int) -> int:
    """Of a side in pixels what a video has that is to be enlarged: Zeroscope's 576 of 1024."""
    step = 64 if side >= 256 else 8
    return max(round(side * 0.5625 / step), 1) * step


@contextmanager
def diced(seed: int, device: str) -> Iterator[None]:
    """Within, torch's own dice, from which some classes draw what they encode, fall as a request's seed says."""
    import torch

    with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):
        torch.manual_seed(seed)
        yield


def going(many: int, on_progress: Callable[[int, float], None], cancelled: Callable[[], bool]) -> Callable[..., None]:
    """What is called as the render of so many clips goes on, with the share that is done where there is news.

    Raises Cancelled.
    """

    def goes_on(share: float | None = None) -> None:
        if cancelled():
            raise Cancelled("rendering was cancelled")
        if share is not None:
            for index in range(many):
                on_progress(index, share)

    return goes_on


@contextmanager
def beating(tell: Callable[[], object]) -> Iterator[None]:
    """Within, `tell` is called now and then from a thread: reading tens of gigabytes is slow and says nothing."""
    over = threading.Event()

    def beat() -> None:
        for _ in range(BEATS):
            if over.wait(BEAT):
                return
            try:
                tell()
            except Cancelled:
                return  # whoever loads hears of it at the next step

    thread = threading.Thread(target=copy_context().run, args=(beat,), name="loading", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def free(device: str) -> tuple[float, float]:
    """GB that are free on a device, 0 for what has no memory of its own, and in main memory."""
    import psutil
    import torch

    main = psutil.virtual_memory().available / 2**30
    return (torch.cuda.mem_get_info(device)[0] / 2**30 if device.startswith("cuda") else 0.0), main


def named(device: str) -> str:
    """A device as people know it."""
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device
