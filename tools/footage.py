"""Frames to files and back: lossless clips, pictures, and mp4 for people.

Frames are `[T,H,W,3]` uint8 RGB arrays everywhere.
"""

from __future__ import annotations

import io
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from kinograph import disk
from kinograph.errors import BadReference, Damaged
from kinograph.film import Clip, RenderRequest, digest_of
from kinograph.tools.recent import Recent
from kinograph.tools.sound import RATE, encode

MAX_PIXELS = 64_000_000
"""Largest picture that is decoded, in pixels: a picture bomb is refused by its header."""
MAX_PICTURE_BYTES = 64 * 2**20


def pixels_digest(frames: np.ndarray) -> str:
    """Names what frames look like: digest of their shape and raw RGB bytes."""
    return digest_of(repr(frames.shape).encode() + np.ascontiguousarray(frames, np.uint8).tobytes())


def develop(
    request: RenderRequest,
    frames: np.ndarray,
    folder: Path,
    seconds: float,
    note: str = "",
    made_with: Mapping[str, str] | None = None,
    sound: np.ndarray | None = None,
) -> Clip:
    """Writes what a backend rendered as a lossless clip into `folder`; its `sound` is [2,N] samples, 48,000 a second.

    The clip says how many frames, and which size, really came back. Written atomically. Raises StorageError.
    """
    import av

    path = folder / f"{request.digest}.mkv"
    with disk.replacing(path) as draft, av.open(str(draft), "w", format="matroska") as file:
        # H.264 at quantiser 0 in RGB is exact, writes six times faster than FFV1 and takes a third of the room.
        stream = file.add_stream("libx264rgb", rate=request.fps, options={"qp": "0", "preset": "ultrafast"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "rgb24"
        track = None if sound is None else file.add_stream("flac", rate=RATE, layout="stereo", format="s16")
        _encode(file, stream, frames)
        if sound is not None:
            encode(file, track, iter([sound]), "s16")
    return Clip(
        request=request.digest,
        path=str(path),
        frames=len(frames),
        fps=request.fps,
        width=frames.shape[2],
        height=frames.shape[1],
        pixels=pixels_digest(frames),
        model=request.model,
        revision=request.revision,
        render_seconds=round(seconds, 4),
        note=note,
        made_with=dict(made_with or {}),
        sound=0.0 if sound is None else round(sound.shape[1] / RATE, 4),
    )


def _encode(file: Any, stream: Any, frames: Iterable[np.ndarray], **colours: Any) -> None:
    import av

    for picture in frames:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        if colours:
            frame = frame.reformat(format=stream.pix_fmt, **colours)
        for packet in stream.encode(frame):
            file.mux(packet)
    for packet in stream.encode():
        file.mux(packet)


RECENT = Recent()
"""What `load` decoded last in this process, as long as the files stay as they are."""


def load(clip: Clip) -> np.ndarray:
    """The frames of a clip, read-only. Raises Damaged when they are not the ones that were rendered."""
    path = Path(clip.path)

    def checked() -> np.ndarray:
        frames = read(path)
        if pixels_digest(frames) != clip.pixels:
            raise Damaged(f"clip {clip.path!r} does not hold the frames that were rendered")
        return frames

    try:
        there = path.stat()
    except OSError:
        return checked()
    return RECENT.get((clip.pixels, there.st_dev, there.st_ino, there.st_mtime_ns, there.st_size), checked)


def read(path: Path) -> np.ndarray:
    """The frames of a clip's file, `[T,H,W,3]` uint8 RGB. Raises Damaged."""
    import av.error

    try:
        with path.open("rb") as handle, av.open(handle, "r", format="matroska") as file:
            file.streams.video[0].thread_type = "AUTO"
            return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])
    except (OSError, ValueError, IndexError, av.error.FFmpegError) as error:
        raise Damaged(f"clip {str(path)!r} cannot be read: {error}") from error


def conformed(frames: np.ndarray, size: tuple[int, int], count: int) -> np.ndarray:
    """Frames `[T,H,W,3]` as `count` frames of (width, height) `size`: enlarged or reduced as a whole, with bars where
    the shape is another, and each shown for as long as it takes."""
    width, height = size
    if len(frames) != count:
        frames = frames[np.minimum((np.arange(count) + 0.5) * len(frames) / count, len(frames) - 1).astype(int)]
    if frames.shape[1:3] == (height, width):
        return frames
    import cv2

    share = min(width / frames.shape[2], height / frames.shape[1])
    inner = round(frames.shape[2] * share), round(frames.shape[1] * share)
    # Sides are rounded to what a model can render: so small a difference in shape is no reason for bars.
    inner = tuple(whole if whole - part < 0.05 * whole else part for part, whole in zip(inner, size, strict=True))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    made = np.zeros((count, height, width, 3), np.uint8)
    way = cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC
    for number, frame in enumerate(frames):
        made[number, top : top + inner[1], left : left + inner[0]] = cv2.resize(frame, inner, interpolation=way)
    return made


def write_mp4(
    path: Path, frames: Iterable[np.ndarray], fps: int, size: tuple[int, int], recipe: Mapping[str, Any]
) -> None:
    """Encodes `frames` of (width, height) `size` as H.264 yuv420p, BT.709, ready to stream in browsers.

    Odd sides gain one repeated row or column, which yuv420p needs. `recipe` goes into the file's
    metadata as JSON under "comment". Written atomically. Raises StorageError.
    """
    import av

    width, height = (side + side % 2 for side in size)
    options = {"crf": "16", "preset": "medium"}
    with (
        disk.replacing(path) as draft,
        av.open(str(draft), "w", format="mp4", options={"movflags": "+faststart+use_metadata_tags"}) as file,
    ):
        file.metadata["comment"] = json.dumps(recipe, ensure_ascii=False, sort_keys=True)
        stream = file.add_stream("libx264", rate=Fraction(fps), options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = 1, 1, 1, 1
        pad = ((0, height - size[1]), (0, width - size[0]), (0, 0))
        padded = (np.pad(frame, pad, mode="edge") if any(map(any, pad)) else frame for frame in frames)
        _encode(file, stream, padded, dst_colorspace="ITU709", dst_color_range="MPEG")


def join_mp4(path: Path, shots: Sequence[Path], recipe: Mapping[str, Any], sound: Path | None = None) -> None:
    """Joins mp4 files that `write_mp4` made with one size and frame rate, without encoding anything again.

    `sound` is an mp4 file whose first track is heard with them. Written atomically. Raises StorageError.
    """
    import av

    with (
        ExitStack() as files,
        disk.replacing(path) as draft,
        av.open(str(draft), "w", format="mp4", options={"movflags": "+faststart+use_metadata_tags"}) as film,
    ):
        film.metadata["comment"] = json.dumps(recipe, ensure_ascii=False, sort_keys=True)
        stream, start = None, 0
        heard = _Heard(film, files.enter_context(_opened(sound))) if sound else None
        for shot in shots:
            with _opened(shot) as file:
                source = file.streams.video[0]
                stream = stream or film.add_stream_from_template(source)
                if heard:
                    heard.begin()
                for packet in file.demux(source):
                    if packet.pts is None or packet.dts is None:
                        continue  # the empty packet that ends a file
                    packet.pts, packet.dts, packet.stream = packet.pts + start, packet.dts + start, stream
                    if heard:
                        heard.until(float(packet.dts * source.time_base))
                    film.mux(packet)
                assert source.duration is not None, f"{shot} has a length"
                start += source.duration
        if heard:
            heard.until(float("inf"))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import av

    with path.open("rb") as handle, av.open(handle, "r", format="mp4") as file:
        yield file


class _Heard:
    """The packets of an open sound file, muxed into a film beside its picture as time goes on."""

    def __init__(self, film: Any, file: Any) -> None:
        self._film = film
        self._source = file.streams.audio[0]
        self._waiting = deque(packet for packet in file.demux(self._source) if packet.pts is not None)
        self._stream: Any = None

    def begin(self) -> None:
        """Adds the track; the first track of a film is its picture."""
        self._stream = self._stream or self._film.add_stream_from_template(self._source)

    def until(self, seconds: float) -> None:
        while self._waiting and float(self._waiting[0].dts * self._waiting[0].time_base) <= seconds:
            packet = self._waiting.popleft()
            packet.stream = self._stream
            self._film.mux(packet)


def frames_in(path: Path) -> int:
    """How many frames of an mp4 can be read; 0 when it is damaged."""
    import av.error

    try:
        with path.open("rb") as handle, av.open(handle, "r", format="mp4") as file:
            return sum(packet.pts is not None and packet.size > 0 for packet in file.demux(video=0))
    except (OSError, ValueError, IndexError, av.error.FFmpegError):
        return 0


def png(picture: np.ndarray, level: int = 3) -> bytes:
    """`[H,W,3]` uint8 RGB as PNG bytes; `level` is 1, quick, to 9, small. Pictures named by their bytes keep to one."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=level)
    return buffer.getvalue()


def load_picture(path: Path) -> np.ndarray:
    """A kept picture as `[H,W,3]` uint8 RGB."""
    from PIL import Image

    with Image.open(path, formats=["PNG"]) as image:
        return np.asarray(image.convert("RGB"))


def import_reference(path: Path) -> bytes:
    """A reference picture from a user's file, checked before it is decoded, as clean PNG bytes.

    Raises BadReference: not a PNG, JPEG or WebP picture, too big, or damaged.
    """
    import warnings

    from PIL import Image, UnidentifiedImageError

    try:
        if (size := path.stat().st_size) > MAX_PICTURE_BYTES:
            raise BadReference(f"reference {str(path)!r} has {size} bytes; at most {MAX_PICTURE_BYTES} are opened")
        with warnings.catch_warnings():
            # Pillow warns from half its own limit; ours is lower, and an error.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with path.open("rb") as handle, Image.open(handle, formats=["PNG", "JPEG", "WEBP"]) as image:
                if (pixels := image.width * image.height) > MAX_PIXELS:
                    raise BadReference(
                        f"reference {str(path)!r} has {image.width}x{image.height} = {pixels} pixels; "
                        f"at most {MAX_PIXELS} are opened"
                    )
                return png(np.asarray(image.convert("RGB")))
    except UnidentifiedImageError as error:
        raise BadReference(f"reference {str(path)!r} is not a PNG, JPEG or WebP picture") from error
    except Image.DecompressionBombError as error:
        raise BadReference(f"reference {str(path)!r} is too big to open: {error}") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise BadReference(f"reference {str(path)!r} cannot be opened: {error}") from error
