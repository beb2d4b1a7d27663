"""Keyframe memory: the records are the truth, the index can be lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinograph.memory.embedders import PixelEmbedder, open_embedder
from kinograph.memory.keyframes import Keyframe, Keyframes, Role


def keyframe(shot: str, about: str = "ball", role: Role = "identity", frame: int = 0) -> Keyframe:
    return Keyframe(production="p", shot=shot, role=role, about=about, picture="d", frame=frame)


def picture(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.kron(rng.integers(0, 256, (6, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)


@pytest.fixture
def memory(tmp_path: Path):
    def open_it() -> Keyframes:
        return Keyframes(tmp_path / "k.sqlite", tmp_path / "index", "p", PixelEmbedder())

    return open_it


def test_nearest_finds_the_picture_itself_first(memory):
    keyframes = memory()
    for n in range(6):
        keyframes.remember(keyframe(f"s{n}"), picture(n))
    shots = [f"s{n}" for n in range(6)]
    for n in range(6):
        found = keyframes.nearest(picture(n), "identity", shots, n=2)
        assert found[0].keyframe.shot == f"s{n}"
        assert found[0].similarity == pytest.approx(1, abs=1e-4)
        assert found[1].similarity < 0.95
    assert {m.keyframe.shot for m in keyframes.nearest(picture(0), "identity", ["s3", "s4"])} == {"s3", "s4"}
    assert keyframes.nearest(picture(0), "setting", shots) == []


def test_recall_asks_only_the_shots_it_is_told(memory):
    keyframes = memory()
    for shot in ("s2", "s1", "s3"):
        keyframes.remember(keyframe(shot), picture(1))
    keyframes.remember(keyframe("s1", about="star"), picture(2))
    assert [k.shot for k in keyframes.recall("identity", "ball", ("s1", "s2"))] == ["s1", "s2"]


def test_remembering_again_changes_nothing(memory):
    keyframes = memory()
    for _ in range(3):
        keyframes.remember(keyframe("s1"), picture(1))
        assert len(keyframes.nearest(picture(1), "identity", ["s1"])) == 1


def test_a_forgotten_shot_is_gone_from_records_and_index(memory):
    keyframes = memory()
    keyframes.remember(keyframe("s1"), picture(1))
    keyframes.remember(keyframe("s2"), picture(2))
    assert len(keyframes.nearest(picture(1), "identity", ["s1", "s2"])) == 2
    keyframes.forget_shot("s1")
    assert [m.keyframe.shot for m in keyframes.nearest(picture(1), "identity", ["s1", "s2"])] == ["s2"]
    assert keyframes.recall("identity", "ball", ("s1",)) == []


@pytest.mark.parametrize("damage", ["truncated", "garbage", "gone", "behind"])
def test_a_damaged_index_is_built_anew_from_the_records(memory, tmp_path: Path, damage: str):
    keyframes = memory()
    for n in range(3):
        keyframes.remember(keyframe(f"s{n}"), picture(n))
    keyframes.nearest(picture(0), "identity", ["s0"])
    keyframes.close()
    if damage == "behind":
        late = memory()
        late.remember(keyframe("s3"), picture(3))  # the index is not open: only the record is written
        late.close()
    for file in (tmp_path / "index").rglob("*"):
        if file.is_file() and damage == "truncated":
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])
        elif file.is_file() and damage == "garbage":
            file.write_bytes(b"\xff" * file.stat().st_size)
        elif file.is_file() and damage == "gone":
            file.unlink()
    again = memory()
    shots = [f"s{n}" for n in range(4 if damage == "behind" else 3)]
    assert {m.keyframe.shot for m in again.nearest(picture(2), "identity", shots)} == set(shots)
    assert again.rebuilt


def test_embeddings_are_unit_vectors_that_follow_looks():
    embedder = open_embedder("pixels")
    base = picture(1)
    near = np.clip(base.astype(int) + 6, 0, 255).astype(np.uint8)
    one, alike, other = embedder.embed(np.stack([base, near, picture(2)]))
    assert np.linalg.norm([one, alike, other], axis=1) == pytest.approx(1, abs=1e-5)
    assert one @ alike > 0.97 > 0.9 > one @ other


def test_what_another_embedder_saw_is_embedded_anew_and_what_is_lost_stays(memory, tmp_path: Path):
    from kinograph.errors import Damaged

    old = memory()
    old.remember(keyframe("s1"), picture(1))
    old.remember(keyframe("s2").changed(picture="lost"), picture(2))
    assert old.nearest(picture(1), "identity", ["s1"])  # an index of the old vectors is there
    old.close()

    def kept(digest: str) -> np.ndarray:
        if digest == "lost":
            raise Damaged("gone")
        return picture(1)

    keyframes = Keyframes(tmp_path / "k.sqlite", tmp_path / "index", "p", open_embedder("storyworld-clip"))
    assert keyframes.records() == []
    keyframes.renew(kept)
    ((remembered, vector),) = keyframes.records()
    assert remembered == keyframe("s1")
    assert vector.shape == (keyframes.embedder.size,)
    (match,) = keyframes.nearest(picture(1), "identity", ["s1", "s2"])
    assert match.similarity == pytest.approx(1.0, abs=1e-4)
    keyframes.close()
    assert [one.shot for one, _ in memory().records()] == ["s2"]


def test_a_series_knows_what_another_embedder_saw_and_does_not_compare_it(tmp_path: Path):
    from kinograph.memory.series import Known, Pictured, Series

    pixels, clip = open_embedder("pixels"), open_embedder("storyworld-clip")
    known = Known(keyframe=keyframe("s1"), story="first", words="a red ball", quality=1.0)
    series = Series(tmp_path / "k.sqlite", "Tales", pixels.name)
    series.keep("first", [Pictured(known, pixels.embed(picture(1)[None])[0])])
    assert [len(one.vector) for one in series.known()] == [pixels.size]
    series.close()
    series = Series(tmp_path / "k.sqlite", "Tales", clip.name)
    ((found, vector),) = series.known()
    assert (found, len(vector)) == (known, 0)
    series.close()
