"""Videos of any server that speaks OpenAI's /v1/videos: vLLM-Omni, SGLang, LiteLLM, TensorRT-LLM and the like.

A job is noted before it is waited for, so that a film that is killed and resumed asks for what it has ordered
instead of ordering, and paying, once more.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, MutableMapping, Sequence
from typing import NamedTuple

import numpy as np

from kinograph.errors import Cancelled, RenderFailed
from kinograph.film import Clip, Noun, RenderRequest, digest_of
from kinograph.tools.backends import UNBLENDED, ModelCard, Progress, Workbench
from kinograph.tools.backends.video_jobs import Order, Over, VideoJobs
from kinograph.tools.backends.video_wait import ServerOptions, Wait
from kinograph.tools.footage import MAX_PIXELS, conformed, develop, load_picture, png

CODE = 1
"""Raised when the same answer of a server gives other pixels."""

MOST_FPS = 240.0
"""Frames a second that a file is believed to have."""


class Ticket(Noun):
    """What is remembered of an order across crashes."""

    job: str = ""
    """Its id on the server; empty when there is none, or none that can still give a video."""
    order: int = 1
    """Which order of this request it is: one whose job is over is followed by another."""
    without: tuple[str, ...] = ()
    """Fields of the request that the server did not take."""


class Received(NamedTuple):
    """A video as it came."""

    frames: np.ndarray
    """`[T,H,W,3]` uint8 RGB: its beginning, for as long as was asked."""
    total: int
    """Frames of the whole video."""
    fps: float


class VideoServer:
    """Orders a video, waits for it, and makes a clip of it."""

    Options = ServerOptions
    orders = True
    """What it has under way elsewhere is noted by this process: it renders in no other."""

    def __init__(self, card: ModelCard, workbench: Workbench, options: ServerOptions) -> None:
        self.card = card
        self.options = options
        self.workbench = workbench
        marks = (options.base_url, options.model, options.lengths, CODE)
        self.revision = digest_of(repr(marks).encode())[:12]
        self._jobs = VideoJobs(options)
        self._notes: MutableMapping[str, str] = {} if workbench.errands is None else workbench.errands

    @staticmethod
    def lacks(card: ModelCard, options: ServerOptions) -> str:
        """What is missing before it can render, in words; empty when nothing is."""
        if options.base_url:
            return ""
        return f"{card.id} has no server: set base_url in [backends.{card.id}] to one that speaks /v1/videos"

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        if missing := self.lacks(self.card, self.options):
            raise RenderFailed(missing)

        def tell(index: int) -> Callable[[float], None]:
            return lambda share: on_progress(index, share)

        return [self._clip(request, tell(index), cancelled) for index, request in enumerate(requests)]

    def _clip(self, request: RenderRequest, tell: Callable[[float], None], cancelled: Callable[[], bool]) -> Clip:
        share, started = 0.0, time.perf_counter()

        def moves(further: float) -> None:
            nonlocal share
            share = max(share, 0.95 * further)

        def goes_on() -> None:
            if cancelled():
                raise Cancelled("rendering was cancelled")
            tell(share)  # whoever waits for a server says that it lives

        wait = Wait(self.options, goes_on)
        wait.look()
        picture = self._first_frame(request)
        came, without = self._video(request, picture, wait, moves)
        note = "; ".join(filter(None, (_left_out(without), _difference(came, request), request.blend and UNBLENDED)))
        frames = conformed(came.frames, (request.width, request.height), request.frames)
        clip = develop(request, frames, self.workbench.scratch, time.perf_counter() - started, note)
        tell(1.0)
        return clip

    # ------------------------------------------------------------------------------------ the order

    def _video(
        self, request: RenderRequest, picture: bytes | None, wait: Wait, moves: Callable[[float], None]
    ) -> tuple[Received, tuple[str, ...]]:
        """The video, and the fields that the server did not take. What an earlier life ordered is asked for first; if
        the server has lost it, another is ordered. A job that is over is forgotten."""
        resumed = bool(self._ticket(request).job)
        while True:
            if not self._ticket(request).job:
                self._jobs.create(self._order(request, picture), wait, lambda *told: self._note(request, *told))
            ticket = self._ticket(request)
            try:
                return received(self._delivered(ticket.job, wait, moves), request), ticket.without
            except Over as over:
                self._forget(request, ticket)
                if not (over.gone and resumed):
                    raise RenderFailed(str(over)) from over
                resumed = False
            except Cancelled:
                if self._jobs.delete(ticket.job):
                    self._forget(request, ticket)
                raise

    def _delivered(self, job: str, wait: Wait, moves: Callable[[float], None]) -> bytes:
        while not (now := self._jobs.look(job, wait)).done:
            moves(now.share)
            wait.pause(self.options.poll_seconds)
        return self._jobs.content(job, wait)

    def _order(self, request: RenderRequest, picture: bytes | None) -> Order:
        more: dict[str, str | int | float] = {"seed": request.seed, "num_frames": request.frames, "fps": request.fps}
        if request.negative:
            more["negative_prompt"] = request.negative
        if request.steps:
            more["num_inference_steps"] = request.steps
        if request.guidance:
            more["guidance_scale"] = request.guidance
        seconds = math.ceil(request.seconds)
        lengths = self.options.lengths or (seconds,)
        number = self._ticket(request).order
        return Order(
            prompt=request.prompt,
            seconds=str(next((one for one in lengths if one >= seconds), lengths[-1])),
            size=f"{request.width}x{request.height}",
            picture=picture,
            more=more,
            # A job that is over would be answered with again, where the server knows of such keys.
            key=request.digest if number == 1 else f"{request.digest}-{number}",
        )

    def _first_frame(self, request: RenderRequest) -> bytes | None:
        roles = [one.role if one.mask is None else f"{one.role} with a mask" for one in request.conditioning]
        if roles not in ([], ["first"]):
            raise RenderFailed(
                f"{self.card.id} takes one first frame and no other picture: the request has {', '.join(roles)}"
            )
        for given in request.conditioning:
            picture = load_picture(self.workbench.picture(given.keyframe))
            return png(fitted(picture, request.width, request.height))
        return None

    # ----------------------------------------------------------------------------------- the notebook

    def _ticket(self, request: RenderRequest) -> Ticket:
        noted = self._notes.get(request.digest)
        return Ticket() if noted is None else Ticket.model_validate_json(noted)

    def _note(self, request: RenderRequest, job: str, without: tuple[str, ...]) -> None:
        ticket = self._ticket(request).changed(job=job, without=without)
        self._notes[request.digest] = ticket.model_dump_json()

    def _forget(self, request: RenderRequest, ticket: Ticket) -> None:
        """The next render orders anew, unless somebody has meanwhile."""
        if self._ticket(request) == ticket:
            self._notes[request.digest] = Ticket(order=ticket.order + 1).model_dump_json()


# ------------------------------------------------------------------------------------------- pictures


def received(data: bytes, request: RenderRequest) -> Received:
    """Decodes an mp4 as far as its length was asked for. Raises Over for anything else: the same job would give the
    same again."""
    import av
    import av.error

    try:
        with av.open(io.BytesIO(data), "r", format="mp4") as file:
            stream = file.streams.video[0]
            stream.thread_type = "AUTO"
            if (pixels := stream.width * stream.height) > MAX_PIXELS:
                raise Over(f"the video has {stream.width}x{stream.height} = {pixels} pixels; at most {MAX_PIXELS}")
            fps = min(float(stream.average_rate or request.fps), MOST_FPS)
            wanted = max(1, round(request.seconds * fps))
            most = min(wanted, stream.frames or wanted)
            frames = np.empty((most, stream.height, stream.width, 3), np.uint8)
            count = 0
            for frame in file.decode(stream):
                frames[count] = frame.to_ndarray(format="rgb24")
                if (count := count + 1) == most:
                    break
            whole = max(count, stream.frames)
    except (ValueError, IndexError, av.error.FFmpegError) as error:
        raise Over(f"what the server sent is no mp4 that can be read: {len(data)} bytes, {data[:12]!r}…") from error
    if not count:
        raise Over(f"what the server sent is an mp4 without a frame: {len(data)} bytes")
    return Received(frames[:count], whole, fps)


def fitted(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """A picture `[H,W,3]` that fills a size, the middle of it where the shape is another: servers want the first frame
    in the size of the video, and would film bars."""
    import cv2

    share = max(width / picture.shape[1], height / picture.shape[0])
    size = max(width, round(picture.shape[1] * share)), max(height, round(picture.shape[0] * share))
    if size != (picture.shape[1], picture.shape[0]):
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return picture[top : top + height, left : left + width]


def _left_out(fields: Sequence[str]) -> str:
    return f"the server does not take {', '.join(fields)}: left out" if fields else ""


def _difference(came: Received, request: RenderRequest) -> str:
    """How a video differs from what was asked for, and what was done about it; empty when it does not."""
    height, width = came.frames.shape[1:3]
    wanted = round(request.seconds * came.fps)
    done = [
        "its end is left out" if came.total > wanted else "",
        "it is shown slower" if came.total < wanted else "",
        f"shown at {request.fps} fps" if abs(came.fps - request.fps) > 0.01 else "",
        f"fitted into {request.width}x{request.height}" if (width, height) != (request.width, request.height) else "",
    ]
    if not any(done):
        return ""
    return (
        f"the server sent {came.total} frames of {width}x{height} at {came.fps:g} fps: {', '.join(filter(None, done))}"
    )
