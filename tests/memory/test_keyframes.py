"""Keyframe memory: the records are the truth, the index can be lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph.errors import BadSetting, StorageError, UnknownName
from kinograph.memory.embedders import PixelEmbedder, open_embedder
from kinograph.memory.keyframe import Keyframe, Role
from kinograph.memory.keyframes import Keyframes


def keyframe(shot: str, about: str = "ball", role: Role = "identity", frame: int = 0) -> Keyframe:
    return Keyframe(production="p", shot=shot, role=role, about=about, picture="d", frame=frame)


def picture(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.kron(rng.integers(0, 256, (6, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)


@pytest.fixture
def memory(tmp_path: Path):
    def open_it(index: str = "exact") -> Keyframes:
        return Keyframes(tmp_path / "k.sqlite", tmp_path / "index", "p", PixelEmbedder(), index)

    return open_it


BOTH = pytest.mark.parametrize("index", ["exact", "chroma"])


@BOTH
def test_nearest_finds_the_picture_itself_first(memory, index: str):
    keyframes = memory(index)
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


@BOTH
def test_remembering_again_changes_nothing(memory, index: str):
    keyframes = memory(index)
    for _ in range(3):
        keyframes.remember(keyframe("s1"), picture(1))
        assert len(keyframes.nearest(picture(1), "identity", ["s1"])) == 1


@BOTH
def test_a_forgotten_shot_is_gone_from_records_and_index(memory, index: str):
    keyframes = memory(index)
    keyframes.remember(keyframe("s1"), picture(1))
    keyframes.remember(keyframe("s2"), picture(2))
    assert len(keyframes.nearest(picture(1), "identity", ["s1", "s2"])) == 2
    keyframes.forget_shot("s1")
    assert [m.keyframe.shot for m in keyframes.nearest(picture(1), "identity", ["s1", "s2"])] == ["s2"]
    assert keyframes.recall("identity", "ball", ("s1",)) == []


@pytest.mark.parametrize("damage", ["truncated", "garbage", "gone", "behind"])
def test_a_damaged_index_is_built_anew_from_the_records(memory, tmp_path: Path, damage: str):
    keyframes = memory("chroma")
    for n in range(3):
        keyframes.remember(keyframe(f"s{n}"), picture(n))
    keyframes.nearest(picture(0), "identity", ["s0"])
    keyframes.close()
    if damage == "behind":
        late = memory("chroma")
        late.remember(keyframe("s3"), picture(3))  # the index is not open: only the record is written
        late.close()
    for file in (tmp_path / "index").rglob("*"):
        if file.is_file() and damage == "truncated":
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])
        elif file.is_file() and damage == "garbage":
            file.write_bytes(b"\xff" * file.stat().st_size)
        elif file.is_file() and damage == "gone":
            file.unlink()
    again, said = memory("chroma"), list[str]()
    again.tell = said.append
    shots = [f"s{n}" for n in range(4 if damage == "behind" else 3)]
    assert {m.keyframe.shot for m in again.nearest(picture(2), "identity", shots)} == set(shots)
    assert again.rebuilt
    assert said == ["the chroma index of p's keyframes was damaged or behind and is made anew"]
    assert not again.check(), "an index that was made anew answers for the records"


def test_an_index_that_fails_while_written_to_costs_nothing(memory, monkeypatch: pytest.MonkeyPatch):
    keyframes = memory()
    keyframes.remember(keyframe("s1"), picture(1))
    assert keyframes.nearest(picture(1), "identity", ["s1"])

    def no(rows: object) -> None:
        raise StorageError("cannot write: the disk is full")

    monkeypatch.setattr(keyframes._index.index, "put", no)
    keyframes.remember(keyframe("s2"), picture(2))
    assert [match.keyframe.shot for match in keyframes.nearest(picture(2), "identity", ["s1", "s2"])] == ["s2", "s1"]


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


def test_a_series_that_another_embedder_saw_is_refused_with_the_way_out(tmp_path: Path):
    from kinograph.memory.series import Known, Pictured, Series

    pixels, clip = open_embedder("pixels"), open_embedder("storyworld-clip")
    known = Known(keyframe=keyframe("s1"), story="first", words="a red ball", quality=1.0)
    series = Series(tmp_path / "k.sqlite", "Tales", pixels.name)
    series.keep("first", [Pictured(known, pixels.embed(picture(1)[None])[0])])
    assert [len(one.vector) for one in series.known()] == [pixels.size]
    series.close()
    series = Series(tmp_path / "k.sqlite", "Tales", clip.name)
    with pytest.raises(BadSetting, match=r"by 'pixels-1', not by 'storyworld.*memory reembed --series Tales"):
        series.known()
    assert series.known(without="first") == [], "a story may always replace its own"
    series.close()
    looking = Series(tmp_path / "k.sqlite", "Tales", None)
    assert [one.known for one in looking.known()] == [known]
    looking.close()


# ----------------------------------------------------------------------------------------- versions


def left(keyframes: Keyframes, shots: tuple[str, ...] = ("s1", "s2")) -> list[tuple[str, str, int]]:
    """What is recalled of the ball, and the same by asking the index."""
    recalled = keyframes.recall("identity", "ball", shots)
    found = keyframes.nearest(picture(0), "identity", shots, n=20)
    assert sorted(match.keyframe.id for match in found) == sorted(one.id for one in recalled)
    return [(one.shot, one.picture, one.version) for one in recalled]


def made(shot: str, digest: str) -> tuple[Keyframe, np.ndarray]:
    return keyframe(shot).changed(picture=digest), picture(sum(digest.encode()))


@BOTH
def test_a_shot_made_again_supersedes_and_a_rollback_recalls_what_was_recalled_then(memory, index: str):
    keyframes = memory(index)
    keyframes.replace("s1", [made("s1", "a")])
    keyframes.replace("s2", [made("s2", "b")])
    then, before = keyframes.standing(), left(keyframes)
    assert before == [("s1", "a", 1), ("s2", "b", 1)]
    keyframes.replace("s1", [made("s1", "c")])
    assert left(keyframes) == [("s1", "c", 2), ("s2", "b", 1)]
    assert [(one.version, one.counts) for one in keyframes.versions("s1")] == [(1, False), (2, True)]
    keyframes.rollback("s1", 1)
    assert left(keyframes) == before
    keyframes.rollback("s1", 2)
    keyframes.forget_shot("s2")
    assert left(keyframes) == [("s1", "c", 2)]
    keyframes.restore(then)
    assert left(keyframes) == before
    keyframes.close()
    again = memory(index)
    assert left(again) == before
    assert not again.rebuilt, "the index followed every change"


def test_the_same_again_is_no_new_version_and_an_old_one_counts_again(memory):
    keyframes = memory()
    for digest in ("a", "a", "b", "a"):
        keyframes.replace("s1", [made("s1", digest)])
    assert [(one.version, one.counts) for one in keyframes.versions("s1")] == [(1, True), (2, False)]
    keyframes.forget_shot("s1")
    keyframes.remember(*made("s1", "c"))
    assert left(keyframes) == [("s1", "c", 3)]


def test_a_version_that_there_is_not_is_refused_and_all_stays(memory):
    keyframes = memory()
    keyframes.replace("s1", [made("s1", "a")])
    keyframes.replace("s1", [made("s1", "b")])
    with pytest.raises(UnknownName, match="unknown version of 's1' '7'; available: 1, 2"):
        keyframes.restore({"s1": 7})
    assert left(keyframes) == [("s1", "b", 2)]


def test_pruning_keeps_what_counts_and_what_is_referred_to(memory):
    keyframes = memory()
    keyframes.replace("s1", [made("s1", "a")])
    then = keyframes.standing()
    for digest in ("b", "c"):
        keyframes.replace("s1", [made("s1", digest)])
    assert keyframes.prune([then]) == 1
    assert [one.version for one in keyframes.versions("s1")] == [1, 3]
    assert keyframes.prune() == 1
    assert left(keyframes) == [("s1", "c", 3)]


OLD = """
CREATE TABLE keyframes (
  id TEXT PRIMARY KEY, production TEXT NOT NULL, embedder TEXT NOT NULL, shot TEXT NOT NULL,
  role TEXT NOT NULL, about TEXT NOT NULL, noun TEXT NOT NULL, vector BLOB NOT NULL);
CREATE INDEX keyframes_of ON keyframes (production, embedder, role, about);
"""


def test_a_database_of_before_versions_is_opened_with_all_that_is_in_it(memory, tmp_path: Path):
    vector = PixelEmbedder().embed(picture(1)[None])[0]
    noun = '{"production":"p","shot":"s1","role":"identity","about":"ball","picture":"d","frame":0}'
    with closing(sqlite3.connect(tmp_path / "k.sqlite")) as old, old:
        old.executescript(OLD)
        row = (keyframe("s1").id, "p", "pixels-1", "s1", "identity", "ball", noun, vector.astype("<f4").tobytes())
        old.execute("INSERT INTO keyframes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    for _ in range(2):
        keyframes = memory()
        assert left(keyframes) == [("s1", "d", 1)]
        assert keyframes.remember(keyframe("s1"), picture(1)).id == row[0], "it is known to be the same"
        keyframes.close()
    keyframes = memory()
    keyframes.replace("s1", [made("s1", "new")])
    assert left(keyframes) == [("s1", "new", 2)]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["replace", "remember", "forget", "back"]), st.integers(0, 2), st.integers(0, 3))
    )
)
def test_whatever_happens_the_index_answers_for_exactly_what_counts(steps: list[tuple[str, int, int]]):
    with tempfile.TemporaryDirectory() as place:
        keyframes = Keyframes(Path(place) / "k.sqlite", Path(place) / "index", "p", PixelEmbedder())
        keyframes.nearest(picture(0), "identity", ["s0"])  # it is open from the beginning
        for what, number, other in steps:
            shot = f"s{number}"
            if what == "replace":
                keyframes.replace(shot, [made(shot, str(other))])
            elif what == "remember":
                keyframes.remember(keyframe(shot, frame=other), picture(other))
            elif what == "forget":
                keyframes.forget_shot(shot)
            elif versions := keyframes.versions(shot):
                keyframes.rollback(shot, versions[other % len(versions)].version)
            left(keyframes, ("s0", "s1", "s2"))
        keyframes.close()


def test_readers_are_answered_while_another_thread_writes(memory):
    keyframes = memory()
    for n in range(4):
        keyframes.remember(keyframe(f"s{n}"), picture(n))
    shots, wrong, done = [f"s{n}" for n in range(4)], list[object](), threading.Event()

    def read() -> None:
        while not done.is_set():
            best = keyframes.nearest(picture(1), "identity", shots, n=1)
            if [match.keyframe.shot for match in best] != ["s1"]:
                wrong.append(best)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for n in range(4, 60):
        keyframes.replace(f"s{n}", [made(f"s{n}", str(n))])
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert len(keyframes.records()) == 60


FULL = """
set -e
mount -t tmpfs -o size=600k tmpfs "$1"
exec "$2" "$3" "$1"
"""
WRITER = """
import sys
from pathlib import Path
import numpy as np
from kinograph.errors import StorageError
from kinograph.memory.embedders import PixelEmbedder
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.keyframes import Keyframes

place = Path(sys.argv[1])
frame = lambda n: np.random.default_rng(n).integers(0, 256, (24, 32, 3), dtype=np.uint8)
keyframes = Keyframes(place / "k.sqlite", place / "index", "p", PixelEmbedder())
kept = []
try:
    for n in range(4000):
        shot = f"s{n}"
        ends = [Keyframe(production="p", shot=shot, role="last", about=shot, picture="d", frame=f) for f in range(3)]
        keyframes.replace(shot, [(one, frame(n + one.frame)) for one in ends])
        kept.append(shot)
except StorageError as error:
    print(error)
assert len(kept) > 3, kept
assert keyframes.shots() == set(kept)
assert len(keyframes.records()) == 3 * len(kept), "no half of a shot is kept"
for n in range(len(kept)):
    (best,) = keyframes.nearest(frame(n), "last", kept, n=1)
    assert best.similarity > 0.999
keyframes.close()
again = Keyframes(place / "k.sqlite", place / "index", "p", PixelEmbedder())
assert again.shots() == set(kept)
print(len(kept), "shots are whole")
"""


def test_a_full_disk_is_one_line_and_nothing_is_lost(tmp_path: Path):
    """On a tmpfs of 600 KB in a mount namespace of its own; needs Linux with user namespaces or root."""
    (tmp_path / "small").mkdir()
    (tmp_path / "writer.py").write_text(WRITER)
    sandbox = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    run = subprocess.run(
        [*sandbox, "sh", "-c", FULL, "sh", str(tmp_path / "small"), sys.executable, str(tmp_path / "writer.py")],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    told, whole = run.stdout.strip().splitlines()
    assert "cannot write" in told
    assert "disk" in told
    assert whole.endswith("shots are whole")
