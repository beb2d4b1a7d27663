"""Sound: files to samples and back. A user's audio file is checked before and while it is decoded.

Samples are `[channels,N]` float32 arrays, -1..1, of RATE a second.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from kinograph import disk
from kinograph.errors import BadInput, Damaged

RATE = 48_000
CHUNK = RATE // 10
MAX_BYTES = 200 * 2**20
"""Largest audio file that is opened."""
MAX_SECONDS = 1200.0
"""Longest music that is taken; the longest film lasts half as long."""
MIN_SECONDS = 1.0
HEADS: tuple[tuple[int, bytes, str], ...] = (
    (8, b"WAVE", "wav"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (4, b"ftyp", "mp4"),
    (0, b"ID3", "mp3"),
    *((0, bytes((0xFF, second)), "mp3") for second in (0xFB, 0xFA, 0xF3, 0xF2)),
    *((0, bytes((0xFF, second)), "aac") for second in (0xF1, 0xF9)),
)
"""Where a file says what it is, in which bytes, and how it is opened then."""


def import_music(path: Path) -> bytes:
    """A user's audio file as clean FLAC, stereo at RATE.

    The format goes by the file's first bytes, never by its name. Raises BadInput: missing, not a sound file, too big,
    too long, or damaged.
    """
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise BadInput(f"music {str(path)!r} has {size} bytes; at most {MAX_BYTES} are opened")
        with path.open("rb") as handle:
            return _flac(_limited(handle, path), 2)
    except OSError as error:
        raise BadInput(f"music {str(path)!r} cannot be opened: {error.strerror or error}") from error


def _limited(handle: BinaryIO, path: Path) -> Iterator[np.ndarray]:
    """The samples of a file, refused as soon as there are too many, whatever its header said. Raises BadInput."""
    import av.error

    head = handle.read(16)
    handle.seek(0)
    kind = next((kind for at, mark, kind in HEADS if head[at : at + len(mark)] == mark), None)
    if kind is None:
        raise BadInput(f"music {str(path)!r} is not a WAV, FLAC, MP3, Ogg, AAC or M4A file")
    heard = 0
    try:
        for samples in _decoded(handle, kind):
            heard += samples.shape[1]
            if heard > MAX_SECONDS * RATE:
                raise BadInput(f"music {str(path)!r} lasts more than {MAX_SECONDS / 60:g} minutes; that is the most")
            yield samples
    except (ValueError, IndexError, av.error.FFmpegError) as error:
        raise BadInput(f"music {str(path)!r} cannot be decoded: {error}") from error
    if heard < MIN_SECONDS * RATE:
        raise BadInput(f"music {str(path)!r} lasts {heard / RATE:.2f} s; it should last a second at least")


def _decoded(handle: BinaryIO, kind: str, layout: str = "stereo") -> Iterator[np.ndarray]:
    """The samples of an audio file, a piece at a time."""
    import av
    from av.audio.resampler import AudioResampler

    with av.open(handle, mode="r", format=kind) as file:
        resampler = AudioResampler(format="fltp", layout=layout, rate=RATE)
        for frame in file.decode(audio=0):
            yield from (piece.to_ndarray() for piece in resampler.resample(frame))
        yield from (piece.to_ndarray() for piece in resampler.resample(None))


def flac(samples: np.ndarray) -> bytes:
    """Samples as FLAC of 16 bits."""
    return _flac(iter([samples]), samples.shape[0])


def _flac(pieces: Iterator[np.ndarray], channels: int) -> bytes:
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="flac", options={"fflags": "+bitexact"}) as file:
        stream = file.add_stream("flac", rate=RATE, layout=_layout(channels), format="s16")
        encode(file, stream, pieces, "s16")
    return buffer.getvalue()


def _layout(channels: int) -> str:
    return "mono" if channels == 1 else "stereo"


def encode(file: Any, stream: Any, pieces: Iterator[np.ndarray], form: str) -> None:
    """Puts samples into a stream of an open file, in the sample format `form`: s16, or fltp."""
    import av

    at = 0
    for samples in pieces:
        for start in range(0, samples.shape[1], CHUNK):
            part = np.clip(samples[:, start : start + CHUNK], -1.0, 1.0)
            data: Any = part.astype(np.float32)
            if form == "s16":  # which is interleaved
                data = np.round(part * 32767).astype(np.int16).T.reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(data), form, _layout(samples.shape[0]))
            frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), at
            at += part.shape[1]
            file.mux(stream.encode(frame))
    file.mux(stream.encode(None))


def resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    """[N] samples of another rate as [1,N] of RATE."""
    from scipy.signal import resample_poly

    return np.asarray(resample_poly(samples, RATE, rate), np.float32)[None]


def load(path: Path, most: float = MAX_SECONDS, channels: int = 2) -> np.ndarray:
    """The first `most` seconds of a kept FLAC file. Raises Damaged."""
    import av.error

    found: list[np.ndarray] = []
    wanted = round(most * RATE)
    try:
        with path.open("rb") as handle:
            for samples in _decoded(handle, "flac", _layout(channels)):
                found.append(samples)
                if (wanted := wanted - samples.shape[1]) <= 0:
                    break
    except (OSError, ValueError, IndexError, av.error.FFmpegError) as error:
        raise Damaged(f"sound {str(path)!r} cannot be read: {error}") from error
    if not found:
        raise Damaged(f"sound {str(path)!r} is empty")
    return np.concatenate(found, axis=1)[:, : round(most * RATE)]


def of_clip(path: Path) -> np.ndarray:
    """The sound [2,N] that a clip has besides its picture. Raises Damaged when there is none."""
    return _read(path, "matroska")


def length(path: Path) -> float:
    """Seconds that a kept FLAC file lasts, by its header. Raises Damaged."""
    import av
    import av.error

    try:
        with path.open("rb") as handle, av.open(handle, "r", format="flac") as file:
            stream = file.streams.audio[0]
            assert stream.duration is not None, "a FLAC file that we wrote says how long it is"
            assert stream.time_base is not None, "a stream has a time base"
            return float(stream.duration * stream.time_base)
    except (OSError, ValueError, IndexError, av.error.FFmpegError) as error:
        raise Damaged(f"sound {str(path)!r} cannot be read: {error}") from error


class Loudness(NamedTuple):
    """How loud a sound is."""

    lufs: float
    """Integrated, by EBU R 128; -70 for silence."""
    peak: float
    """True peak in dBTP: between the samples too."""


def loudness(samples: np.ndarray) -> Loudness:
    """Measured by FFmpeg's ebur128."""
    import av
    from av.filter import Graph

    if samples.shape[0] == 1:
        samples = np.repeat(samples, 2, axis=0)
    graph = Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="fltp", layout="stereo", time_base=Fraction(1, RATE))
    meter, sink = graph.add("ebur128", "metadata=1:peak=true:framelog=quiet"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    told: dict[str, str] = {}
    # A stretch of silence at the end lets the last block count: the meter sees blocks of 400 ms.
    whole = np.concatenate([samples, np.zeros((2, RATE // 2), np.float32)], axis=1)
    for start in range(0, whole.shape[1], CHUNK):
        piece = np.ascontiguousarray(whole[:, start : start + CHUNK], np.float32)
        frame = av.AudioFrame.from_ndarray(piece, "fltp", "stereo")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), start
        graph.push(frame)
        told = _pulled(graph) or told
    graph.push(None)
    told = _pulled(graph) or told
    peak = float(told.get("lavfi.r128.true_peak", 0.0))
    return Loudness(float(told.get("lavfi.r128.I", -70.0)), 20 * float(np.log10(max(peak, 1e-6))))


def _pulled(graph: Any) -> dict[str, str]:
    import av.error

    told: dict[str, str] = {}
    while True:
        try:
            told = dict(graph.pull().metadata) or told
        except (av.error.BlockingIOError, av.error.EOFError):
            return told


def write_aac(path: Path, samples: np.ndarray) -> None:
    """Encodes samples as AAC in an MP4 file. Written atomically. Raises StorageError."""
    import av

    with disk.replacing(path) as draft, av.open(str(draft), "w", format="mp4") as file:
        stream = file.add_stream("aac", rate=RATE, layout=_layout(samples.shape[0]))
        stream.bit_rate = 192_000
        encode(file, stream, iter([samples]), "fltp")


def read_mp4(path: Path) -> np.ndarray:
    """The sound of an MP4 file, as players hear it. Raises Damaged."""
    return _read(path, "mp4")


def _read(path: Path, kind: str) -> np.ndarray:
    import av.error

    try:
        with path.open("rb") as handle:
            pieces: Sequence[np.ndarray] = list(_decoded(handle, kind))
    except (OSError, ValueError, IndexError, av.error.FFmpegError) as error:
        raise Damaged(f"the sound of {str(path)!r} cannot be read: {error}") from error
    return np.concatenate(pieces, axis=1) if pieces else np.zeros((2, 0), np.float32)
