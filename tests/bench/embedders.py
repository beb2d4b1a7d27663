"""Compares the embedders of the keyframe memory on held-out compositions. `python tests/bench/embedders.py [cases]`

A subject cut out of one clip must be found among 16 cut out of other clips at other places, and a place among 16
places with other subjects; the joint embedder must also find the frame that words speak of.
"""

from __future__ import annotations

import sys

import numpy as np

from kinograph.memory.embedders import EMBEDDERS, OF_USERS, Embedder, open_embedder
from kinograph.tools.storyworld import COLORS, KINDS, SETTINGS, World, paint
from kinograph.tools.storyworld.world import TIMES

CROWD = 16


def world(rng: np.random.Generator, **fixed: str) -> dict[str, str]:
    """A random still world with one subject, as plain words."""
    drawn = {"kind": KINDS, "color": COLORS, "setting": SETTINGS, "time": TIMES}
    return {name: str(rng.choice(options)) for name, options in drawn.items()} | fixed


def picture(said: dict[str, str], seed: int, cut: bool) -> np.ndarray:
    """A frame of it, or the subject cut out with some room."""
    painted = paint(
        World.model_validate(
            {
                "subjects": [{"kind": said["kind"], "color": said["color"]}],
                "setting": said["setting"],
                "time": said["time"],
            }
        ),
        frames=1, width=224, height=128, fps=8, seed=seed,
    )  # fmt: skip
    frame = painted.frames[0]
    if not cut:
        return frame
    left, top, right, bottom = painted.truth.moments[0].subjects[0].box
    room = 0.15
    dx, dy = (right - left) * room, (bottom - top) * room
    rows = slice(max(0, int((top - dy) * 128)), int((bottom + dy) * 128) + 1)
    return frame[rows, max(0, int((left - dx) * 224)) : int((right + dx) * 224) + 1]


def found(embedder: Embedder, cases: int, cut: bool) -> float:
    """Share of the cases in which the nearest of CROWD pictures is the one of the same subject, or place."""
    rng, right = np.random.default_rng(5), 0
    for case in range(cases):
        crowd = [world(rng) for _ in range(CROWD)]
        same = ("kind", "color") if cut else ("setting", "time")
        keys = [tuple(one[name] for name in same) for one in crowd]
        asked = world(rng, **{name: crowd[0][name] for name in same})
        pictures = [picture(one, 1000 * case + i, cut) for i, one in enumerate(crowd)]
        pictures.append(picture(asked, 1000 * case + 500, cut))
        vectors = np.concatenate([embedder.embed(one[None]) for one in pictures])
        right += keys[int(np.argmax(vectors[:-1] @ vectors[-1]))] == keys[0]
    return right / cases


def main(cases: int) -> None:
    print(f"found among {CROWD} (chance {100 / CROWD:.0f} %), {cases} cases, percent")
    for name in EMBEDDERS.keys() - OF_USERS:
        embedder = open_embedder(name)
        subject, place = 100 * found(embedder, cases, True), 100 * found(embedder, cases, False)
        print(f"{name:16} subject {subject:5.1f}   place {place:5.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
