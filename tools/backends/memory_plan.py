"""How a pipeline is put on a device: rungs from the fastest to the thriftiest, and the way down when memory runs out.

`ladder` lists the rungs, `first` says where to begin, `apply` puts a pipeline on one, and `climb` renders on the first
that holds, which a `Remembered` keeps for the next time.
"""

from __future__ import annotations

import gc
import json
import math
import re
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from kinograph import disk
from kinograph.errors import BadInput, OutOfMemory, told
from kinograph.tools.backends import ModelCard
from kinograph.tools.backends.placing import apply
from kinograph.tools.shelf import MARGIN_GB

__all__ = [
    "Needs", "Remembered", "Rung", "apply", "climb", "first", "freed", "is_out_of_memory", "key_of", "kind_of",
    "ladder", "needs",
]  # fmt: skip

Made = TypeVar("Made")
Dtype = Literal["float32", "bfloat16", "float16"]
Offload = Literal["none", "model", "group", "sequential"]
Kind = Literal["cpu", "cuda", "mps"]
KINDS: tuple[Kind, ...] = ("cpu", "cuda", "mps")

UNETS = frozenset({"animatediff", "text-to-video-sd", "svd", "videocrafter"})
"""Families whose denoiser is a UNet with feed-forward layers that can be chunked, trained for float16. The text
encoders of the others overflow there and want bfloat16."""
UNTILED = frozenset({"svd"})
"""Families whose autoencoder has neither tiles nor slices: they decode a few frames at a time."""


class Rung(NamedTuple):
    """One way to put a pipeline on a device."""

    name: str
    dtype: Dtype = "float32"
    """What the pipeline should be loaded in."""
    offload: Offload = "none"
    """What waits in main memory: nothing, models, blocks of layers, or every layer that is not at work."""
    tiling: bool = False
    """The autoencoder works tile by tile."""
    slicing: bool = False
    """The autoencoder works clip by clip."""
    chunking: bool = False
    """Feed-forward layers of a UNet work frame by frame."""
    quantized: Literal["none", "fp8"] = "none"
    """fp8: weights of the denoiser wait in eight bits; pictures change a little, and there is no way back."""


# ----------------------------------------------------------------------------------------- which rung


def ladder(card: ModelCard, device: str, dtype: Dtype | None = None) -> tuple[Rung, ...]:
    """The rungs of a model on a torch device, from the fastest to the thriftiest.

    Only a card with memory of its own gains by offloading. `dtype` None is float32 on the CPU, else what the family
    was trained for. Raises BadInput.
    """
    kind = kind_of(device)
    chosen = dtype or ("float32" if kind == "cpu" else "float16" if card.family in UNETS else "bfloat16")
    tiled, chunked = card.family not in UNTILED, card.family in UNETS
    thrifty = Rung("piecewise", chosen, tiling=tiled, slicing=tiled, chunking=chunked)
    rungs = [Rung("whole", chosen), thrifty]
    if kind == "cuda":
        more: tuple[Offload, ...] = ("model", "group", "sequential")
        rungs += [thrifty._replace(name=offload, offload=offload) for offload in more]
        rungs.append(thrifty._replace(name="fp8", offload="group", quantized="fp8"))
    return tuple(rungs)


def kind_of(device: str) -> Kind:
    """The kind of a torch device such as "cuda:1". Raises BadInput."""
    found = device.partition(":")[0]
    for kind in KINDS:
        if kind == found:
            return kind
    raise BadInput(f"device {device!r} does not fit: cpu, mps, cuda or cuda:NUMBER")


HELD: dict[Offload, float] = {"none": 1.0, "model": 0.6, "group": 0.35, "sequential": 0.25}
"""Rough shares of a card's `vram_gb` that stay on the device: where to begin, no promise. A render finds the rest."""
TILED, FP8 = 0.85, 0.7
"""By how much less that is with tiles, and with weights in eight bits."""


class Needs(NamedTuple):
    """Roughly what a rung takes, in GB."""

    device: float
    main: float
    """Of main memory: the weights that wait there."""


def needs(card: ModelCard, rung: Rung) -> Needs:
    """Roughly what a model takes on a rung, by what its card says of GPU memory."""
    held = card.vram_gb * HELD[rung.offload]
    if card.offloaded_gb is not None and rung.offload != "none":
        held = card.offloaded_gb * HELD[rung.offload] / HELD["model"]
    waits = 0.0 if rung.offload == "none" else card.vram_gb
    eighth = FP8 if rung.quantized == "fp8" else 1.0
    return Needs(held * eighth * (TILED if rung.tiling or rung.chunking else 1.0), waits * eighth)


def first(
    card: ModelCard, ladder: Sequence[Rung], free_vram_gb: float, free_ram_gb: float, remembered: str | None = None
) -> int:
    """Index of the rung to begin with: the remembered one that worked, else the first that seems to fit, else the last.

    GB are those free before the model is loaded. Without a GPU (0 GB) main memory holds all, and float32 takes twice
    what the card says.
    """
    names = [rung.name for rung in ladder]
    if remembered in names:
        return names.index(remembered)
    for index, rung in enumerate(ladder):
        need = needs(card, rung)
        if not free_vram_gb:
            need = Needs(0.0, need.main + need.device * (2.0 if rung.dtype == "float32" else 1.0))
        if (not need.device or need.device + MARGIN_GB <= free_vram_gb) and need.main <= free_ram_gb:
            return index
    return len(ladder) - 1


# ---------------------------------------------------------------------------------------- the way down

WORDS = re.compile(
    r"out of memory|can'?t allocate memory|cannot allocate memory|not enough memory: you tried to allocate"
    r"|_STATUS_ALLOC_FAILED|invalid buffer size",
    re.I,
)
"""How CUDA, ROCm, Metal, torch's CPU allocator, cuBLAS and cuDNN say it in a plain RuntimeError or OSError."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, or what it was raised from, says that memory ran out."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, (MemoryError, OutOfMemory)) or type(seen).__name__ == "OutOfMemoryError":
            return True
        if isinstance(seen, (RuntimeError, OSError)) and WORDS.search(" ".join(str(seen).split())):
            return True
        seen = seen.__cause__
    return False


def climb(
    render: Callable[[Rung], Made],
    rungs: Sequence[Rung],
    start: int,
    tell: Callable[[str], object],
    remember: Callable[[Rung], object],
) -> Made:
    """What `render` makes on the first rung, from `start` down, on which memory does not run out.

    `tell` hears of each step down; `remember` gets the rung that worked. Every other error rises as it is. Raises
    OutOfMemory, naming all rungs that were tried, and BadInput for a start that is no rung.
    """
    if not 0 <= start < len(rungs):
        raise BadInput(f"rung {start} does not fit: 0..{len(rungs) - 1}")
    tried: list[str] = []
    why = ""
    for rung in rungs[start:]:
        if tried:
            tell(f"out of memory on rung {tried[-1]!r}, trying {rung.name!r}: {why}")
        try:
            made = render(rung)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            why = told(error)
            for one in _causes(error):
                traceback.clear_frames(one.__traceback__)  # they hold the tensors that were too many
        else:
            remember(rung)
            return made
        tried.append(rung.name)
        freed()
    raise OutOfMemory(f"out of memory on every rung tried ({', '.join(tried)}): {why}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def freed() -> None:
    """Gives back what nobody holds any more, to Python and to the device's driver."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def key_of(revision: str, width: int, height: int, frames: int, device: str) -> str:
    """What a rung is remembered for: a model's revision, clips of up to so many pixels (a power of two), a device.

    `device` is best the name of the graphics card: another machine may share the file.
    """
    return f"{revision} 2^{max(0, math.ceil(math.log2(width * height * frames)))} {device}"


class Remembered:
    """Which rung worked for what, in a small JSON file. Safe for threads; where two processes write at once one entry
    may be lost, which costs a step down. A file that cannot be read is begun anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def rung(self, key: str) -> str | None:
        """Name of the rung that worked last."""
        return self._read().get(key)

    def keep(self, key: str, rung: str) -> None:
        """Raises StorageError."""
        with self._lock:
            known = self._read()
            if known.get(key) != rung:
                disk.write(self._path, json.dumps({**known, key: rung}, indent=1, sort_keys=True))

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return {key: name for key, name in found.items() if isinstance(name, str)} if isinstance(found, dict) else {}
