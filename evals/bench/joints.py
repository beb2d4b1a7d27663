"""What a smooth transition is worth: how far the picture jumps from one shot to the next, cut and leaning.

    python -m kinograph.evals.bench.joints [--weights 0 0.3 0.5]

Films of two shots by the embedded model, one take a shot, judged by the crew's validator. Above 0 the second
shot leans towards the first by so much. `joint` is the mean CIELAB difference (CIE76) of the last frame of the one and
the first frame of the other, `clips` that of the mean colours of both clips; `accepted` counts second shots.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kinograph.agents import ties
from kinograph.film import Clip
from kinograph.settings import Settings
from kinograph.studio import Studio
from kinograph.tools.footage import load

BRIEFS = (
    "A red ball rolls across a meadow. Then it bounces over the sea at night.",
    "A green car drives through the city by day. The car drives through the desert at sunset.",
    "A blue bird flies over the sea at dawn. A yellow star spins in space.",
    "A fox runs in the forest. It stays in the meadow at sunset.",
    "A purple cube spins in the desert at sunset. A red boat moves left on the sea at night.",
    "An orange kite rises over the meadow by day. The kite rises over the city at night.",
)


class Joint(NamedTuple):
    """Where two shots of a film meet."""

    joint: float
    clips: float
    accepted: float
    """1.0 for a second shot whose take was accepted."""


def lab(frames: np.ndarray) -> np.ndarray:
    """`[...,H,W,3]` uint8 RGB -> float32 L*a*b*."""
    import cv2

    flat = frames.reshape(-1, frames.shape[-2], 3)
    return cv2.cvtColor(flat.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(frames.shape)


def joint(before: Clip, after: Clip, accepted: bool) -> Joint:
    one, other = lab(load(before)), lab(load(after))
    jump = np.linalg.norm(one[-1] - other[0], axis=-1).mean()
    apart = np.linalg.norm(one.mean((0, 1, 2)) - other.mean((0, 1, 2)))
    return Joint(float(jump), float(apart), float(accepted))


def filmed(brief: str, weight: float, seed: int, home: Path) -> Joint:
    """A film of two shots whose second leans towards the first by `weight`."""
    settings = Settings.load(
        home=home, takes=1, model="storyworld-diffusion", embedder="storyworld-clip", early_stop=False
    )
    studio = Studio(settings)
    ties.LEAN = weight  # no setting: a user who wants more would have takes that the validator rejects
    wish = studio.brief(brief, transitions="smooth" if weight else "cut", seed=seed)
    film = studio.make(wish, out=home / f"film-{seed}-{weight}")
    first, second = (next(take for take in film.takes if take.shot == shot.id) for shot in film.storyboard.shots[:2])
    assert first.clip is not None
    assert second.clip is not None
    return joint(first.clip, second.clip, second.accepted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=float, nargs="+", default=[0.0, ties.LEAN, 0.5])
    args = parser.parse_args()
    print(f"{'weight':>6} {'films':>5} {'joint':>6} {'clips':>6} {'accepted':>8}")
    with tempfile.TemporaryDirectory() as home:
        for weight in args.weights:
            rows = [filmed(brief, weight, seed, Path(home)) for seed, brief in enumerate(BRIEFS, 1)]
            mean = np.mean(rows, axis=0)
            print(f"{weight:6.2f} {len(rows):5} {mean[0]:6.1f} {mean[1]:6.1f} {sum(row.accepted for row in rows):8.0f}")


if __name__ == "__main__":
    main()
