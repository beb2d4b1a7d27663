"""What is new to an embedder: by its own scale, learnt from takes, and one for all of a production."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinograph.agents import hierarchy, views
from kinograph.memory import novelty
from kinograph.memory.clip import ClipEmbedder
from kinograph.memory.embedders import PixelEmbedder
from kinograph.memory.keyframes import Keyframes

TAKES, FRAMES = 40, 8


class Scaled:
    """Sees turns of a pointer: of `scale` times the angle, so that its cosines are of a scale of their own."""

    size = 2

    def __init__(self, scale: float) -> None:
        self.scale, self.name = scale, f"scaled-{scale}"

    def embed(self, frames: np.ndarray) -> np.ndarray:
        return self.turned(frames.reshape(len(frames), -1)[:, 0] / 255)

    def turned(self, angles: np.ndarray) -> np.ndarray:
        return np.stack([np.cos(self.scale * angles), np.sin(self.scale * angles)], 1).astype(np.float32)


def takes(seed: int = 3) -> Iterator[np.ndarray]:
    """Angles of the pointer in the frames of takes: it stirs, and in each third it is turned to one side in the end."""
    dice = np.random.default_rng(seed)
    for number in range(TAKES):
        stirs, turn = dice.uniform(0.0, 0.1, FRAMES), 0.4 if number % 3 == 0 else 0.0
        yield dice.uniform(0, 0.1) + stirs + np.where(np.arange(FRAMES) == FRAMES - 1, turn, 0.0)


def remembering(folder: Path, scale: float, production: str = "p") -> Keyframes:
    return Keyframes(folder / "k.sqlite", folder / "index", production, Scaled(scale))


def test_the_embedders_that_everybody_has_are_judged_as_ever(tmp_path: Path):
    for embedder in (PixelEmbedder(), ClipEmbedder()):
        keyframes = Keyframes(tmp_path / "k.sqlite", tmp_path / "index", "p", embedder)
        for n, angles in enumerate(takes()):
            keyframes.learn(f"s{n}", "c", Scaled(9.0).turned(angles))
        assert keyframes.novelty == views.NOVEL == 0.94
        assert hierarchy.novelty(keyframes.novelty) == hierarchy.NOVEL == 0.97


def test_embedders_of_very_different_scale_find_the_same_pictures_new(tmp_path: Path):
    chosen, learnt = list[list[list[int]]](), list[float]()
    for scale in (2.0, 6.0):
        filming = remembering(tmp_path, scale)
        for n, angles in enumerate(takes()):
            filming.learn(f"s{n}", "c", Scaled(scale).turned(angles))
        novel = remembering(tmp_path, scale, "next").novelty
        learnt.append(novel)
        chosen.append([views.novel(Scaled(scale).turned(a), np.empty((0, 2)), novelty=novel) for a in takes(4)])
    assert chosen[0] == chosen[1]
    assert all(len(kept) > 1 for kept in chosen[0][::3]), "a turned pointer is new"
    assert {len(kept) for kept in chosen[0]} >= {1, 2}, "one that stirs may not be"
    plain = [[views.novel(Scaled(scale).turned(a), np.empty((0, 2))) for a in takes(4)] for scale in (2.0, 6.0)]
    assert plain[0] != plain[1], "one number for both would not do"
    assert learnt[0] == pytest.approx(np.cos(np.arccos(learnt[1]) / 3.0), abs=1e-4), "the same turn of the pointer"


def test_a_production_keeps_the_novelty_that_it_began_with(tmp_path: Path):
    first = remembering(tmp_path, 4.0, "first")
    assert first.novelty == novelty.PLAIN, "too little is known yet"
    for n, angles in enumerate(takes()):
        first.learn(f"s{n}", "c", Scaled(4.0).turned(angles))
    assert first.novelty == novelty.PLAIN
    second = remembering(tmp_path, 4.0, "second")
    assert second.novelty != novelty.PLAIN
    assert remembering(tmp_path, 4.0, "second").novelty == second.novelty
    assert remembering(tmp_path, 2.0, "second").novelty == novelty.PLAIN, "another embedder knows nothing of it"


def test_a_take_that_is_remembered_again_counts_once_and_old_ones_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(novelty, "MOST", 5)
    keyframes = remembering(tmp_path, 1.0)
    for n, angles in enumerate(takes()):
        for _ in range(2):
            keyframes.learn(f"s{n}", "c", Scaled(1.0).turned(angles))
    rows = keyframes._db.execute("SELECT shot FROM steadiness ORDER BY number").fetchall()
    assert [row["shot"] for row in rows] == [f"s{n}" for n in range(TAKES - 5, TAKES)]


@given(st.integers(0, 2**32), st.integers(novelty.LEAST, 40), st.floats(0.1, 1.5))
def test_few_pictures_of_a_take_are_new_beside_the_others_whatever_the_scale(seed: int, takes: int, scale: float):
    dice = np.random.default_rng(seed)
    told = [dice.uniform(0, dice.uniform(0, 1.5), dice.integers(2, 9)) for _ in range(takes)]
    for one in (1.0, scale):
        alike = [novelty.steadiness(Scaled(one).turned(angles)) for angles in told]
        new = np.concatenate(alike) < novelty.learnt(alike)
        assert new.mean() <= novelty.QUANTILE
