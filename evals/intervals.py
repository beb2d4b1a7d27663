"""Means and paired differences with 95 % intervals, where values come in clusters: samples of one prompt are alike."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from kinograph.film import Noun

LEVEL = 0.95
RESAMPLES = 9999


class Estimate(Noun):
    """A mean and its 95 % interval; no interval where there are fewer than two clusters."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int
    """Values."""
    clusters: int
    """Prompts they come from."""

    def within(self, least: float, greatest: float) -> Estimate:
        """The interval cut at what values there can be, which takes nothing true out of it."""
        if self.low is None or self.high is None:
            return self
        return self.changed(low=max(self.low, least), high=min(self.high, greatest))


class Clusters(NamedTuple):
    """Values by the prompt they come from."""

    sums: np.ndarray
    counts: np.ndarray

    @property
    def means(self) -> np.ndarray:
        return self.sums / self.counts


def by_cluster(values: Sequence[float], clusters: Sequence[Hashable]) -> Clusters:
    """Sums and counts of each cluster, in the order in which clusters appear."""
    places = {name: place for place, name in enumerate(dict.fromkeys(clusters))}
    where = np.array([places[name] for name in clusters], int)
    sums = np.bincount(where, weights=np.asarray(values, float), minlength=len(places))
    return Clusters(sums, np.bincount(where, minlength=len(places)).astype(float))


def clustered(values: Sequence[float], clusters: Sequence[Hashable]) -> Estimate:
    """Mean with an interval from the cluster-robust standard error and Student's t with clusters - 1 degrees.

    The error is that of Miller 2024, "Adding Error Bars to Evals", eq. 4, times clusters / (clusters - 1) under the
    root; with clusters of one size it is exactly the t interval of their means. Raises ValueError for no values.
    """
    if not len(values):
        raise ValueError("no values have no mean")
    from scipy import stats

    sums, counts = by_cluster(values, clusters)
    n, groups = int(counts.sum()), len(counts)
    mean = float(sums.sum() / n)
    if groups < 2:
        return Estimate(value=mean, n=n, clusters=groups)
    error = math.sqrt(groups / (groups - 1) * float(((sums - counts * mean) ** 2).sum())) / n
    half = float(stats.t.ppf((1 + LEVEL) / 2, groups - 1)) * error
    return Estimate(value=mean, low=mean - half, high=mean + half, n=n, clusters=groups)


class Tested(NamedTuple):
    """A mean of differences, its interval, and how likely one so far from 0 is where there is no difference."""

    estimate: Estimate
    p: float | None
    """Two-sided; None where there are fewer than two clusters."""


def bootstrapped(differences: Sequence[float], clusters: Sequence[Hashable], seed: int = 0) -> Tested:
    """Mean of paired differences by a bootstrap that draws whole clusters, with the same seed always the same.

    Percentile intervals are too narrow for few clusters; these are widened to Student's t as in Hesterberg 2015, "What
    Teachers Should Know About the Bootstrap", section 5.3 ("expanded percentile"). p is the level at which the interval
    would touch 0. Raises ValueError for no values.
    """
    if not len(differences):
        raise ValueError("no values have no mean")
    from scipy import stats

    sums, counts = by_cluster(differences, clusters)
    n, groups = int(counts.sum()), len(counts)
    mean = float(sums.sum() / n)
    if groups < 2:
        return Tested(Estimate(value=mean, n=n, clusters=groups), None)
    wider = math.sqrt(groups / (groups - 1))
    tail = float(stats.norm.cdf(wider * stats.t.ppf((1 - LEVEL) / 2, groups - 1)))
    drawn = stats.bootstrap(
        (sums, counts),
        lambda total, count, axis: total.sum(axis) / count.sum(axis),
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=max(1, 2_000_000 // groups),
        method="percentile",
        confidence_level=1 - 2 * tail,
        rng=np.random.default_rng(seed),
    )
    found = drawn.bootstrap_distribution
    beyond = (1 + min(int((found <= 0).sum()), int((found >= 0).sum()))) / (RESAMPLES + 1)
    p = 2 * float(stats.t.cdf(stats.norm.ppf(min(beyond, 0.5)) / wider, groups - 1))
    low, high = map(float, drawn.confidence_interval)
    return Tested(Estimate(value=mean, low=low, high=high, n=n, clusters=groups), min(p, 1.0))


def cohens_dz(differences: Sequence[float], clusters: Sequence[Hashable]) -> float | None:
    """Mean over standard deviation of the clusters' mean differences (Cohen 1988); None where they do not vary."""
    means = by_cluster(differences, clusters).means
    spread = float(means.std(ddof=1)) if len(means) > 1 else 0.0
    return float(means.mean()) / spread if spread > 1e-12 * max(1.0, float(np.abs(means).max())) else None


def superiority(differences: Sequence[float]) -> float:
    """Share of pairs with a difference above 0, ties counting half (Vargha and Delaney 2000, for pairs)."""
    found = np.asarray(differences, float)
    return float((found > 0).mean() + (found == 0).mean() / 2)


def holm(values: Sequence[float]) -> list[float]:
    """p values corrected for being several (Holm 1979), in the order given."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    corrected, most = [0.0] * len(values), 0.0
    for rank, place in enumerate(order):
        most = max(most, min(1.0, (len(values) - rank) * values[place]))
        corrected[place] = most
    return corrected


def needed(dz: float, power: float = 0.8) -> int | None:
    """Pairs that a two-sided paired t test at 5 % needs to show an effect with this power; None beyond a million."""
    from scipy import stats

    if not dz:
        return None
    about = ((stats.norm.ppf((1 + LEVEL) / 2) + stats.norm.ppf(power)) / dz) ** 2
    if about > 1e6:
        return None
    n = max(2, int(about))
    while _power(abs(dz), n) < power:
        n += 1
    return n


def _power(dz: float, n: int) -> float:
    from scipy import stats

    edge, shift = stats.t.ppf((1 + LEVEL) / 2, n - 1), dz * math.sqrt(n)
    return float(stats.nct.sf(edge, n - 1, shift) + stats.nct.cdf(-edge, n - 1, shift))
