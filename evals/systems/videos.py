"""A folder of videos that were made before, by anything: files named by sample and seed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kinograph.errors import BadInput, Damaged, KinographError
from kinograph.evals.suites import Does, Sample
from kinograph.evals.systems import Footage, Made, MadeShot

KINDS = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".gif")


class Reel(NamedTuple):
    """A video, decoded."""

    frames: np.ndarray
    """`[T,H,W,3]` uint8 RGB."""
    fps: float


class Videos:
    """ID-SEED.mp4 (or ID.mp4 for seed 0), by the sample's id or, as VBench has it, by its prompt; a film of several
    shots is a folder ID-SEED or ID with a video each, named so that they sort: 1.mp4, 2.mp4, …"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> Mapping[str, str]:
        return {"system": "videos", "folder": str(self.folder.absolute())}

    def check(self, does: Does) -> None:
        if not self.folder.is_dir():
            raise BadInput(f"{str(self.folder)!r} is no folder of videos")
        if does != "film":
            raise BadInput(f"a folder of videos can be shown films only, and this suite has a system {does}")

    def cancel(self) -> None:
        """Nothing runs for long."""

    def make(self, sample: Sample, seed: int, folder: Path, does: Does) -> Made:
        files = self.files(sample, seed)
        shots = tuple(
            MadeShot(str(number), sample.brief, _footage(file), clip=file) for number, file in enumerate(files, 1)
        )
        return Made(shots=shots, film=files[0] if len(files) == 1 else None)

    def files(self, sample: Sample, seed: int) -> list[Path]:
        """The videos of a sample, shot by shot. Raises KinographError where there is none."""
        stems = [f"{stem}-{seed}" for stem in (sample.id, sample.brief)]
        stems += [sample.id, sample.brief] if seed == 0 else []
        for stem in stems:
            if "/" in stem or "\x00" in stem or len(stem.encode()) > 240:
                continue  # a prompt that no file can be named by
            for kind in KINDS:
                if (file := self.folder / f"{stem}{kind}").is_file():
                    return [file]
            if (shots := self.folder / stem).is_dir():
                found = [file for file in shots.iterdir() if file.suffix.lower() in KINDS]
                if found:
                    return sorted(found, key=_number)
        raise KinographError(f"no video of {sample.id} with seed {seed}; expected {sample.id}-{seed}.mp4")


def _number(file: Path) -> tuple[list[int], str]:
    return [int(digits) for digits in re.findall(r"\d+", file.stem)], file.name


def _footage(file: Path) -> Footage:
    reel: list[Reel] = []

    def read() -> np.ndarray:
        reel.append(decode(file))
        return reel[0].frames

    return Footage(read, _fps(file))


def _fps(file: Path) -> float:
    import av
    import av.error

    try:
        with av.open(str(file)) as opened:
            return float(opened.streams.video[0].average_rate or 8)
    except (OSError, ValueError, IndexError, av.error.FFmpegError) as error:
        raise Damaged(f"video {str(file)!r} cannot be read: {error}") from error


def decode(file: Path) -> Reel:
    """A video's frames. Raises Damaged."""
    import av
    import av.error

    try:
        with av.open(str(file)) as opened:
            stream = opened.streams.video[0]
            frames = np.stack([frame.to_ndarray(format="rgb24") for frame in opened.decode(stream)])
            return Reel(frames, float(stream.average_rate or 8))
    except (OSError, ValueError, IndexError, av.error.FFmpegError) as error:
        raise Damaged(f"video {str(file)!r} cannot be read: {error}") from error
