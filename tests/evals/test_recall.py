"""The benchmark of recall measures what it says: against comparing all, by the real memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinograph.evals.bench import recall
from kinograph.memory.indexes import Where


def test_measures_a_small_memory_and_prints_a_row():
    one = recall.measure(600, "exact", times=5, writes=10)
    assert {kind: spread.recall for kind, spread in one.asked.items()} == dict.fromkeys(one.asked, 1.0)
    assert min(one.first, one.again, one.adds, one.beside.p50) > 0
    assert recall.table([one], "exact").splitlines()[2].split()[0] == "600"


def test_a_memory_that_finds_the_wrong_ones_has_a_low_recall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    vectors = recall.filled(tmp_path / "keyframes.sqlite", 600)
    keyframes, _ = recall.opened(tmp_path, "exact")
    whole = recall.asked(keyframes, vectors, "role", 5)
    search = keyframes.search
    monkeypatch.setattr(keyframes, "search", lambda vector, where, n: search(-vector, where, n))
    assert recall.asked(keyframes, vectors, "role", 5).recall < 0.2 < whole.recall
    keyframes.close()


@pytest.mark.parametrize("kind", ["thing", "24 shots", "role", "all"])
def test_what_is_asked_about_is_what_the_truth_is_taken_from(tmp_path: Path, kind: str):
    recall.filled(tmp_path / "keyframes.sqlite", 1200)
    keyframes, _ = recall.opened(tmp_path, "exact")
    where, about = recall.questions(1200)[kind](np.random.default_rng(5))
    found = keyframes.search(recall.looks()[0, 0], Where(*where), n=1200)
    assert {match.keyframe.frame for match in found} == set(np.flatnonzero(about).tolist())
    keyframes.close()
