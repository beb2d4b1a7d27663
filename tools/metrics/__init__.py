"""Metrics of clips: pure functions from frames to one number, each in a file of its own.

Adding one is a file with a `METRIC` and a line in METRICS. A metric that cannot be measured, because nothing was given
to compare with or its weights are absent, is skipped and says what it needs; it never returns a made-up number.

    measured = measure(["flicker", "text alignment"], frames, Beside(words="a red ball", embedder=embedder))
    measured["flicker"].value, measured["text alignment"].skipped
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np

from kinograph.errors import UnknownName

METRICS: dict[str, str] = {
    "black share": "kinograph.tools.metrics.defect_shares:BLACK",
    "corrupt share": "kinograph.tools.metrics.defect_shares:CORRUPT",
    "frozen share": "kinograph.tools.metrics.defect_shares:FROZEN",
    "jump share": "kinograph.tools.metrics.defect_shares:JUMPS",
    "temporal coherence": "kinograph.tools.metrics.coherence",
    "embedding coherence": "kinograph.tools.metrics.embedding_coherence",
    "warped coherence": "kinograph.tools.metrics.warped_coherence",
    "warping error": "kinograph.tools.metrics.warping_error",
    "flicker": "kinograph.tools.metrics.flicker",
    "motion smoothness": "kinograph.tools.metrics.smoothness",
    "dynamic degree": "kinograph.tools.metrics.dynamics",
    "sharpness": "kinograph.tools.metrics.sharpness",
    "contrast": "kinograph.tools.metrics.contrast",
    "colorfulness": "kinograph.tools.metrics.colorfulness",
    "exposure": "kinograph.tools.metrics.exposure",
    "ssim": "kinograph.tools.metrics.ssim",
    "ms-ssim": "kinograph.tools.metrics.ms_ssim",
    "psnr": "kinograph.tools.metrics.psnr",
    "lpips": "kinograph.tools.metrics.lpips",
    "palette distance": "kinograph.tools.metrics.palette:DISTANCE",
    "palette change": "kinograph.tools.metrics.palette:CHANGE",
    "style distance": "kinograph.tools.metrics.style:DISTANCE",
    "style change": "kinograph.tools.metrics.style:CHANGE",
    "cut smoothness": "kinograph.tools.metrics.cut",
    "subject consistency": "kinograph.tools.metrics.subject_consistency",
    "background consistency": "kinograph.tools.metrics.background_consistency",
    "identity similarity": "kinograph.tools.metrics.identity",
    "cast palette distance": "kinograph.tools.metrics.cast_palette",
    "face identity": "kinograph.tools.metrics.face_identity",
    "text alignment": "kinograph.tools.metrics.text_alignment",
    "attribute fidelity": "kinograph.tools.metrics.attribute_fidelity",
    "motion agreement": "kinograph.tools.metrics.motion_agreement",
    "gated consistency": "kinograph.tools.metrics.gated_consistency",
}
"""Name -> module whose `METRIC` it is, or "module:NAME" where siblings share a file."""

Need = Literal["words", "embedder", "reader", "reference", "cast", "before", "motion", "faces"]
"""What a metric must be given besides frames: fields of Beside; reader is an embedder that reads words too."""
T = TypeVar("T")

Cost = Literal["pixels", "flow", "embedding", "model"]
"""What it takes, cheapest first: a pass over pixels, optical flow, a forward pass a frame, a large model."""


@runtime_checkable
class Embedder(Protocol):
    """Turns frames into unit vectors; `kinograph.memory.embedders` has some."""

    name: str
    size: int

    def embed(self, frames: np.ndarray) -> np.ndarray:
        """`[N,H,W,3]` uint8 RGB -> `[N,size]` float32, each row of length 1."""
        ...


@runtime_checkable
class Reader(Embedder, Protocol):
    """An embedder that reads too."""

    def embed_words(self, texts: Sequence[str]) -> np.ndarray:
        """N texts -> `[N,size]` float32, each row of length 1."""
        ...


class Beside(NamedTuple):
    """What a clip is measured beside. Frames are uint8 RGB."""

    words: str = ""
    """What the clip should show."""
    embedder: Embedder | None = None
    reference: np.ndarray | None = None
    """`[T,H,W,3]`: the same clip as it should be, frame for frame."""
    cast: Mapping[str, Sequence[np.ndarray]] = {}
    """Who should be in it -> pictures `[h,w,3]` of them."""
    before: np.ndarray | None = None
    """`[T,H,W,3]`: the clip that it follows in the film."""
    motion: str = ""
    """What its first subject should do: one of `kinograph.film.Motion`."""
    fps: float = 8.0
    faces: Callable[[np.ndarray], np.ndarray] | None = None
    """Recognises faces: a picture `[h,w,3]` -> a vector for each face in it, `[N,size]`; N may be 0."""
    shared: dict[str, Any] | None = None
    """What metrics of one clip have worked out for each other; `measure` puts a fresh one in."""

    def once(self, what: str, work: Callable[[], T]) -> T:
        """What `work` gives; in one call of `measure` it works once for each name."""
        if self.shared is None:
            return work()
        if what not in self.shared:
            self.shared[what] = work()
        return self.shared[what]

    def has(self, need: Need) -> bool:
        """Whether something was given."""
        match need:
            case "embedder":
                return self.embedder is not None
            case "reader":
                return isinstance(self.embedder, Reader)
            case "reference":
                return self.reference is not None
            case "before":
                return self.before is not None
            case "faces":
                return self.faces is not None
            case _:
                return bool(getattr(self, need))


class Metric(NamedTuple):
    """One way to measure a clip."""

    name: str
    better: Literal["higher", "lower"]
    range: tuple[float, float]
    """Least and greatest value there can be; infinities are allowed."""
    cost: Cost
    measure: Callable[[np.ndarray, Beside], float]
    """Frames `[T,H,W,3]` uint8 RGB, and what was given -> value. Raises Unmeasurable where the clip allows none."""
    needs: tuple[Need, ...] = ()
    vbench: str = ""
    """The VBench dimension whose formula it is, computed over this project's embedder and at its size; "" for none."""
    note: str = ""
    """What must be known to read it: how it differs from a published metric of the same name."""


class Unmeasurable(Exception):
    """A clip has not what a metric measures: one frame has no motion. The message says what is missing."""


class Measured(NamedTuple):
    """A number, or why there is none."""

    value: float | None
    skipped: str = ""
    """"needs words", or what else is missing; "" where there is a value."""


class Named(Protocol):
    """Something that a registry has by its own name."""

    @property
    def name(self) -> str: ...


Kind = TypeVar("Kind", bound=Named)


def metric(name: str) -> Metric:
    """The metric of that name. Raises UnknownName."""
    return registered(name, METRICS, Metric, "metric")


def registered(name: str, registry: Mapping[str, str], kind: type[Kind], what: str) -> Kind:
    """The `kind` of that name in a registry: name -> "module" whose `METRIC` it is, or "module:NAME".

    Raises UnknownName, which calls it `what`.
    """
    if name not in registry:
        raise UnknownName(what, name, registry)
    module, _, attribute = registry[name].partition(":")
    found = getattr(import_module(module), attribute or "METRIC")
    assert isinstance(found, kind)
    assert found.name == name
    return found


def measure(names: Sequence[str], frames: np.ndarray, beside: Beside | None = None) -> dict[str, Measured]:
    """Each of these metrics of a clip, in this order. Raises UnknownName, and ValueError for what are no frames."""
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not frames.size:
        raise ValueError(f"{frames.dtype} {list(frames.shape)} is no uint8 RGB [T,H,W,3]")
    beside = (beside or Beside())._replace(shared={})
    return {name: _measured(metric(name), frames, beside) for name in names}


def _measured(one: Metric, frames: np.ndarray, beside: Beside) -> Measured:
    if missing := [need for need in one.needs if not beside.has(need)]:
        return Measured(None, f"needs {' and '.join(missing)}")
    try:
        return Measured(float(one.measure(frames, beside)))
    except Unmeasurable as error:
        return Measured(None, str(error))
