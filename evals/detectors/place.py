"""Where and when a clip plays, and in which look: linear discriminants of how a picture is laid out.

A picture's features are its colours by height, and how much fine and coarse contrast it has in which direction
at which height; pixels of subjects are left out. They do not depend on what stands where. Features are
whitened by their scatter within classes (Fisher 1936; a look, a setting and a time of day make a class) and
the nearest class mean wins; first the look, then setting and time within the look.

    python -m kinograph.evals.detectors.place

paints the pictures that the discriminants are fitted on and writes `places.npz` anew, in a few minutes. Their
seeds are SEEDS and above; tests and benchmarks keep below.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from kinograph.evals.detectors.subject import find, hidden, to_lab
from kinograph.film import TimeOfDay
from kinograph.tools.storyworld.painter import paint
from kinograph.tools.storyworld.world import (
    CAMERAS,
    COLORS,
    KINDS,
    LOOKS,
    MOTIONS,
    SETTINGS,
    TIMES,
    LookName,
    Setting,
    World,
)

FILE = Path(__file__).with_name("places.npz")
SEEDS = 10_000_000
"""First of the seeds of the pictures that are learnt from."""
ROUNDS = 10
"""How often every look, setting and time is learnt."""
ROWS = 16
"""Strips of a picture, top to bottom."""
SHRINKAGE = 0.1
"""How far the features' correlations within classes are drawn towards none."""


class Place(NamedTuple):
    """What a clip's background is."""

    setting: Setting
    time: TimeOfDay
    look: LookName


class Discriminant(NamedTuple):
    """Classes in a space where their scatter is round."""

    names: np.ndarray
    """`[classes]` str: look/setting/time."""
    mean: np.ndarray
    """`[features]`, of all pictures."""
    axes: np.ndarray
    """`[features, dimensions]`."""
    centres: np.ndarray
    """`[classes, dimensions]`."""

    def logits(self, features: np.ndarray) -> np.ndarray:
        """`[classes]`: log-likelihood of each class but for a constant."""
        return -0.5 * ((self.centres - (features - self.mean) @ self.axes) ** 2).sum(1)


def place_of(labs: Sequence[np.ndarray], covered: Sequence[np.ndarray]) -> Place:
    """The place in pictures `[H,W,3]` CIELAB, float32; where they are `covered` `[H,W]`, bool, is not looked at."""
    features = np.mean([*map(features_of, labs, covered)], axis=0)
    models = _models()
    look = _best(models["looks"], features, 0)
    setting, time = (_best(models[look], features, part) for part in (1, 2))
    return Place(setting, time, look)  # pyright: ignore[reportArgumentType]


def _best(model: Discriminant, features: np.ndarray, part: int) -> str:
    """The most likely look (part 0), setting (1) or time (2), whatever the other two are."""
    logits = model.logits(features)
    odds = np.exp(logits - logits.max())
    parts = [str(name).split("/")[part] for name in model.names]
    return max(sorted(set(parts)), key=lambda value: float(odds[[here == value for here in parts]].sum()))


# ----------------------------------------------------------------------------------------- features


def features_of(lab: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Features `[n]` of one picture `[H,W,3]` CIELAB, pixels `[H,W]` bool left out."""
    seen = (~covered).astype(np.float32)
    light = lab[..., 0]
    bands = [light, lab[..., 1], lab[..., 2]]
    tones = _strips(bands, seen, ROWS)
    spread = np.sqrt(np.maximum(_strips([band**2 for band in bands], seen, ROWS) - tones**2, 0))
    found = [tones, np.log(spread + 0.5)]
    for sigma in (0.8, 1.8, 3.6):
        smooth = cv2.GaussianBlur(light, (0, 0), sigma)
        dx, dy = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=0.125)
        strength = np.hypot(dx, dy) + 1e-6
        twice = (dx * dx - dy * dy) / strength, 2 * dx * dy / strength
        bump = smooth - cv2.GaussianBlur(light, (0, 0), 1.8 * sigma)
        ways = [np.maximum(part, 0) for way in twice for part in (way, -way)]
        found.append(np.log(_strips([*ways, np.maximum(bump, 0), np.maximum(-bump, 0)], seen, ROWS) + 0.02))
    whole = np.stack([light[seen > 0], *(np.abs(band[seen > 0]) for band in bands[1:])])
    found.append(np.percentile(whole, (2, 10, 25, 50, 75, 90, 98), axis=1))
    return np.concatenate([part.ravel() for part in found]).astype(np.float32)


def _strips(bands: list[np.ndarray], seen: np.ndarray, rows: int) -> np.ndarray:
    """`[rows,bands]`: weighted means over strips across the picture, the middle rows twice as fine as the outer."""
    height = seen.shape[0]
    edges = np.round(np.interp(np.linspace(0, 1, rows + 1), (0, 0.3, 0.75, 1), (0, 0.4, 0.75, 1)) * height).astype(int)
    weight = np.add.reduceat(seen.sum(1), edges[:-1])[:, None]
    sums = np.stack([np.add.reduceat((band * seen).sum(1), edges[:-1]) for band in bands], 1)
    overall = np.stack([(band * seen).sum() for band in bands]) / max(1.0, float(seen.sum()))
    # A strip that is all but hidden is taken for average.
    return (sums + 4 * overall) / (weight + 4)


# ----------------------------------------------------------------------------------------- learning


def fit(features: np.ndarray, labels: np.ndarray) -> Discriminant:
    """The discriminant of pictures `[N,n]` with `labels` `[N]` str."""
    names, index = np.unique(labels, return_inverse=True)
    means = np.stack([features[index == k].mean(0) for k in range(len(names))])
    centre = means.mean(0)
    inside = features - means[index]
    deviation = inside.std(0) + 1e-3
    scatter = np.cov((inside / deviation).T) * (1 - SHRINKAGE) + SHRINKAGE * np.eye(features.shape[1])
    values, vectors = np.linalg.eigh(scatter)
    white = (vectors / np.sqrt(values)) / deviation[:, None]
    spread = (means - centre) @ white
    turn = np.linalg.svd(spread, full_matrices=False)[2].T
    axes = white @ turn[:, : min(len(names) - 1, 48)]
    return Discriminant(names, centre, axes, (means - centre) @ axes)


@cache
def _models() -> dict[str, Discriminant]:
    with np.load(FILE) as data:
        return {
            name: Discriminant(
                data[f"{name}.names"],
                *(data[f"{name}.{part}"].astype(np.float64) for part in ("mean", "axes", "centres")),
            )
            for name in ("looks", *LOOKS)
        }


def lessons(first: int, rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """Features `[N,n]` and labels `[N]`: every look, setting and time `rounds` times, from round `first` on."""
    names = [f"{look}/{setting}/{time}" for look in LOOKS for setting in SETTINGS for time in TIMES]
    seeds = range(SEEDS + first * len(names), SEEDS + (first + rounds) * len(names))
    found = [_lesson(name, seed) for name, seed in zip(names * rounds, seeds, strict=True)]
    return np.concatenate(found), np.repeat(names * rounds, len(found[0]))


def _lesson(name: str, seed: int) -> np.ndarray:
    """`[2,n]`: features of one clip, as it is and soft and noisy."""
    look, setting, time = name.split("/")
    rng = np.random.default_rng(seed)
    subjects = [{"kind": rng.choice(KINDS), "color": rng.choice(COLORS), "motion": rng.choice(MOTIONS)}]
    camera = "static" if rng.random() < 0.4 else rng.choice(CAMERAS)
    world = World.model_validate(
        {"subjects": subjects, "setting": setting, "time": time, "look": look, "camera": camera}
    )
    width, height = [(128, 128), (224, 128), (128, 224)][seed % 3]
    frames = paint(world, frames=3, width=width, height=height, fps=1, seed=seed).frames
    blur, noise = rng.uniform(0.4, 1.4), rng.uniform(0, 5)
    soft = np.stack([cv2.GaussianBlur(frame, (0, 0), blur) for frame in frames])
    rough = np.clip(soft + noise * rng.standard_normal(frames.shape), 0, 255).round().astype(np.uint8)
    return np.stack([_mean([to_lab(frame) for frame in clip]) for clip in (frames, rough)])


def _mean(labs: list[np.ndarray]) -> np.ndarray:
    """Mean features of pictures with one subject."""
    return np.mean([*map(features_of, labs, hidden(labs, find(labs, 1)))], axis=0)


def learn(features: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """What FILE holds: a discriminant for looks, and one for places in each look."""
    looks = np.array([label.split("/")[0] for label in labels])
    models = {"looks": fit(features, labels)}
    models |= {look: fit(features[looks == look], labels[looks == look]) for look in LOOKS}
    return {
        f"{name}.{part}": value if value.dtype.kind == "U" else value.astype(np.float32)
        for name, model in models.items()
        for part, value in model._asdict().items()
    }


if __name__ == "__main__":
    np.savez_compressed(FILE, allow_pickle=False, **learn(*lessons(0, ROUNDS)))
