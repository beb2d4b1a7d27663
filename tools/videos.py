"""Videos that others made, read as frames: opened as what their name says, checked before anything is decoded."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kinograph.errors import BadInput
from kinograph.tools.footage import import_reference

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mp4", ".mkv": "matroska", ".webm": "matroska"}
PICTURES = {".png", ".jpg", ".jpeg", ".webp"}
"""Read as a clip of one frame."""
MAX_FRAMES = 3000
"""Most frames that are decoded."""
MAX_BYTES = 3 * 2**30
"""Most bytes of RGB that are decoded: a small file can unfold to anything."""


class Video(NamedTuple):
    """A video in memory."""

    frames: np.ndarray
    """`[T,H,W,3]` uint8 RGB."""
    fps: float
    """Frames a second; 8 where the file does not say."""


def read_video(path: Path) -> Video:
    """All frames of a video or picture file. Raises BadInput: missing, no video, damaged, or too big to open."""
    kind = path.suffix.lower()
    if kind in PICTURES:
        from PIL import Image

        with Image.open(io.BytesIO(import_reference(path))) as image:
            return Video(np.asarray(image.convert("RGB"))[None], 8.0)
    if kind not in FORMATS:
        raise BadInput(f"clip {str(path)!r} is none of {', '.join([*FORMATS, *sorted(PICTURES)])}")
    import av
    import av.error

    try:
        with path.open("rb") as handle, av.open(handle, "r", format=FORMATS[kind]) as file:
            return _decoded(path, file)
    except (OSError, ValueError, IndexError, av.error.FFmpegError) as error:
        why = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise BadInput(f"clip {str(path)!r} cannot be read: {why}") from error


def _decoded(path: Path, file: Any) -> Video:
    if not file.streams.video:
        raise BadInput(f"clip {str(path)!r} has no picture")
    stream = file.streams.video[0]
    stream.thread_type = "AUTO"
    size = (stream.codec_context.width, stream.codec_context.height)
    frames: list[np.ndarray] = []
    for frame in file.decode(stream):
        if (frame.width, frame.height) != size:
            raise BadInput(f"clip {str(path)!r} changes its size to {frame.width}x{frame.height}")
        if len(frames) == MAX_FRAMES or (len(frames) + 1) * size[0] * size[1] * 3 > MAX_BYTES:
            raise BadInput(f"clip {str(path)!r} is too big: more than {MAX_FRAMES} frames or {MAX_BYTES} bytes of RGB")
        frames.append(frame.to_ndarray(format="rgb24"))
    if not frames:
        raise BadInput(f"clip {str(path)!r} has no frames")
    return Video(np.stack(frames), float(stream.average_rate or 8.0))
