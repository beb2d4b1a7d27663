"""Fréchet distances: how far the vectors of clips or frames lie from those of real ones, as two Gaussians.

The formula of FID (Heusel et al. 2017) and FVD (Unterthiner et al. 2018); the numbers are comparable with published
ones only over the same network, which for FVD is I3D.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinograph.evals.metrics import Gallery, SetMeasured, SetMetric, Watcher, sampled
from kinograph.tools.metrics import Embedder, Unmeasurable


class FrameMoments:
    """A watcher made of an embedder of frames: the mean of a clip's frame vectors beside that of their steps.

    It sees how much a clip changes from frame to frame, and no motion beyond that.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.name = f"moments of {embedder.name}"

    def watch(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """N clips -> `[N, 2 * size]`."""
        return np.stack([self._moments(self._embedder.embed(sampled(clip)).astype(np.float64)) for clip in clips])

    @staticmethod
    def _moments(vectors: np.ndarray) -> np.ndarray:
        steps = np.abs(np.diff(vectors, axis=0)) if len(vectors) > 1 else np.zeros_like(vectors)
        return np.concatenate([vectors.mean(0), steps.mean(0)])


def frechet(mean: np.ndarray, cov: np.ndarray, other_mean: np.ndarray, other_cov: np.ndarray) -> float:
    """Squared Fréchet distance of two Gaussians: |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½); Dowson & Landau 1982.

    The trace of the root is the sum of the singular values of C1^½ C2^½, which is exact for singular covariances too.
    """
    root = np.linalg.svd(_root(cov) @ _root(other_cov), compute_uv=False).sum()
    squared = float(((mean - other_mean) ** 2).sum() + np.trace(cov) + np.trace(other_cov) - 2 * root)
    return max(squared, 0.0)


def _root(cov: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(cov)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Squared Fréchet distance of the Gaussians of two sets of vectors `[N,D]` and `[M,D]`, of two or more each."""
    one, other = one.astype(np.float64), other.astype(np.float64)
    covs = [np.atleast_2d(np.cov(vectors, rowvar=False)) for vectors in (one, other)]
    return frechet(one.mean(0), covs[0], other.mean(0), covs[1])


def _told(one: np.ndarray, other: np.ndarray, what: str, name: str) -> SetMeasured:
    fewest, size = min(len(one), len(other)), one.shape[1]
    if fewest < 2:
        raise Unmeasurable(f"needs two {what} on either side")
    note = f"over {name}: comparable only with itself"
    if fewest <= size:
        note += f"; {fewest} {what} for {size} dimensions: covariances are singular and the distance is biased upwards"
    return SetMeasured(distance(one, other), note=note)


def frechet_video_distance(gallery: Gallery) -> SetMeasured:
    """Distance of whole clips from real ones, over the watcher."""
    watcher: Watcher | None = gallery.watcher
    if watcher is None:
        if gallery.embedder is None:
            raise Unmeasurable("needs watcher or embedder")
        watcher = FrameMoments(gallery.embedder)
    return _told(watcher.watch(gallery.clips), watcher.watch(gallery.references), "clips", watcher.name)


def frechet_image_distance(gallery: Gallery) -> SetMeasured:
    """Distance of single frames from real ones, at most eight a clip."""
    assert gallery.embedder is not None
    embed = gallery.embedder.embed
    one, other = (
        np.concatenate([embed(sampled(clip)) for clip in clips]) for clips in (gallery.clips, gallery.references)
    )
    return _told(one, other, "frames", gallery.embedder.name)


CLIPS = SetMetric("frechet video distance", "lower", (0.0, float("inf")), frechet_video_distance, ("references",))
FRAMES = SetMetric(
    "frechet image distance", "lower", (0.0, float("inf")), frechet_image_distance, ("references", "embedder")
)
