"""How exact the detectors are, by the storyworld's truth, on worlds that nothing was fitted on.

    python tests/bench/detectors.py [clips] [first]

Prints the share of clips in which each attribute is found right, at three sizes with one subject and at one
with two, clean and degraded (blur of 1 pixel and noise of 4 levels), and milliseconds a clip. `first` is where in
the row of worlds to begin, so that a long benchmark can be run in parts.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np

from kinograph.evals.detectors import Detection, detect
from kinograph.tools.storyworld.painter import paint
from kinograph.tools.storyworld.world import World, sample

SIZES = ((128, 128, 1), (224, 128, 1), (128, 224, 1), (128, 128, 2))
"""Width, height, subjects."""
ATTRIBUTES = ("setting", "time", "look", "camera", "color", "kind", "kind and color", "motion", "seen")


def worlds(subjects: int, first: int, count: int) -> Iterator[World]:
    """Uniform worlds with so many subjects; the same ones every time."""
    rng = np.random.default_rng([31, subjects])
    drawn = (world for world in iter(lambda: sample(rng), None) if len(world.subjects) == subjects)
    for number, world in enumerate(drawn):
        if number >= first + count:
            return
        if number >= first:
            yield world


def degraded(frames: np.ndarray, rng: np.random.Generator, blur: float = 1.0, noise: float = 4.0) -> np.ndarray:
    """Frames `[T,H,W,3]` uint8, blurred by `blur` pixels and with `noise` levels of Gaussian noise."""
    soft = np.stack([cv2.GaussianBlur(frame, (0, 0), blur) for frame in frames])
    return np.clip(soft + noise * rng.standard_normal(frames.shape), 0, 255).round().astype(np.uint8)


def right(world: World, found: Detection) -> dict[str, bool]:
    """Which attributes are found right; of two subjects both must be, in any order."""
    asked, seen = world.subjects, found.subjects

    def same(*names: str) -> bool:
        of = [sorted(tuple(getattr(one, name) for name in names) for one in group) for group in (asked, seen)]
        return of[0] == of[1]

    return {
        "setting": found.setting == world.setting,
        "time": found.time == world.time,
        "look": found.look == world.look,
        "camera": found.camera == world.camera,
        "color": same("color"),
        "kind": same("kind"),
        "kind and color": same("kind", "color"),
        "motion": same("motion"),
        "seen": bool(seen) and min(one.seen for one in seen) > 0.9,
    }


def main() -> None:
    cv2.setNumThreads(1)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    for width, height, subjects in SIZES:
        total = {name: Counter[str]() for name in ("clean", "degraded")}
        seconds = 0.0
        for number, world in enumerate(worlds(subjects, first, count), first):
            rng = np.random.default_rng(number)
            clean = paint(world, frames=17, width=width, height=height, fps=8, seed=2_000_000 + number).frames
            for name, frames in (("clean", clean), ("degraded", degraded(clean, rng))):
                started = time.process_time()
                found = detect(frames, subjects)
                seconds += time.process_time() - started
                total[name].update(attribute for attribute, good in right(world, found).items() if good)
        print(f"{width}x{height}, {subjects} subject(s), {count} clips, {500 * seconds / count:.0f} ms of CPU a clip")
        for name, good in total.items():
            shares = ", ".join(f"{attribute} {100 * good[attribute] / count:.1f}" for attribute in ATTRIBUTES)
            print(f"  {name:8}  {shares}", flush=True)


if __name__ == "__main__":
    main()
