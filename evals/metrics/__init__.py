"""Metrics of sets of clips: how a system's clips are as a whole, beside real ones and beside their words.

Adding one is a file with a `METRIC` and a line in SET_METRICS. What is computed from numbers alone stands beside them:
`totals` (VBench-style totals), `fidelity` (consistency that counts only where the shot shows what was asked) and
`agreement` (Krippendorff's alpha).

    measured = measure_set(["frechet image distance"], Gallery(clips, references=real, embedder=embedder))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np

from kinograph.tools.metrics import Embedder, Reader, Unmeasurable, registered

SET_METRICS: dict[str, str] = {
    "frechet video distance": "kinograph.evals.metrics.frechet:CLIPS",
    "frechet image distance": "kinograph.evals.metrics.frechet:FRAMES",
    "inception score": "kinograph.evals.metrics.inception",
    "clip similarity": "kinograph.evals.metrics.clip_similarity",
}
"""Name -> "module" whose `METRIC` it is, or "module:NAME"."""

Need = Literal["words", "embedder", "reader", "references", "classifier"]
"""What a metric must be given besides clips; a classifier can be made of a reader."""
FRAMES = 8
"""Frames of a clip that are looked at, evenly spread."""


class Watcher(Protocol):
    """Turns whole clips into vectors: VideoMAE, or any other network of clips that a user has (I3D for FVD)."""

    name: str

    def watch(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """N clips `[T,H,W,3]` uint8 RGB -> `[N,size]` float."""
        ...


class Classifier(Protocol):
    """Says what frames show."""

    name: str

    def classify(self, frames: np.ndarray) -> np.ndarray:
        """`[N,H,W,3]` uint8 RGB -> `[N,classes]`, each row sums to 1."""
        ...


class Gallery(NamedTuple):
    """A set of clips and what they are measured beside. Clips are `[T,H,W,3]` uint8 RGB."""

    clips: Sequence[np.ndarray]
    words: Sequence[str] = ()
    """What each clip should show."""
    references: Sequence[np.ndarray] = ()
    """Real clips, which need not match one by one."""
    embedder: Embedder | None = None
    watcher: Watcher | None = None
    """None makes one of the embedder: mean and movement of its frame vectors."""
    classifier: Classifier | None = None
    """None makes the Storyworld's own of an embedder that reads."""

    def has(self, need: Need) -> bool:
        """Whether something was given."""
        match need:
            case "embedder":
                return self.embedder is not None
            case "reader":
                return isinstance(self.embedder, Reader)
            case "classifier":
                return self.classifier is not None or isinstance(self.embedder, Reader)
            case _:
                return len(getattr(self, need)) > 0


class SetMeasured(NamedTuple):
    """A number with what must be known to read it, or why there is none."""

    value: float | None
    skipped: str = ""
    note: str = ""


class SetMetric(NamedTuple):
    """One way to measure a set of clips."""

    name: str
    better: Literal["higher", "lower"]
    range: tuple[float, float]
    measure: Callable[[Gallery], SetMeasured]
    """Raises Unmeasurable where the set allows none."""
    needs: tuple[Need, ...] = ()


def set_metric(name: str) -> SetMetric:
    """The metric of that name. Raises UnknownName."""
    return registered(name, SET_METRICS, SetMetric, "metric of sets")


def measure_set(names: Sequence[str], gallery: Gallery) -> dict[str, SetMeasured]:
    """Each of these metrics of a set, in this order. Raises UnknownName."""
    return {name: _measured(set_metric(name), gallery) for name in names}


def _measured(one: SetMetric, gallery: Gallery) -> SetMeasured:
    if not gallery.clips:
        return SetMeasured(None, "needs a clip")
    if missing := [need for need in one.needs if not gallery.has(need)]:
        return SetMeasured(None, f"needs {' and '.join(missing)}")
    try:
        return one.measure(gallery)
    except Unmeasurable as error:
        return SetMeasured(None, str(error))


def sampled(clip: np.ndarray, count: int = FRAMES) -> np.ndarray:
    """At most `count` frames of a clip, evenly spread."""
    return clip[np.unique(np.linspace(0, len(clip) - 1, count).round().astype(int))]
