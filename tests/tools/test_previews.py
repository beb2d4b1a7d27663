"""Previews: due when asked for, small, the same at the other end of every way that they travel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oddities import HERE, ask, odd

from kinograph.errors import Cancelled, Damaged
from kinograph.tools.backends import Preview, Watched
from kinograph.tools.previews import LIMIT, MOST, SIDE, Due, chosen, packed, small, unpacked
from kinograph.tools.workers import Terms, WorkerPool
from kinograph.tools.workers.here import Here
from kinograph.tools.workers.local import Bench, Local
from kinograph.tools.workers.together import Together

SHARES = (0.25, 0.5)


@given(st.lists(st.floats(0.01, 1.0), max_size=4), st.lists(st.floats(0, 1), max_size=20))
def test_each_share_is_due_once_and_only_after_it(shares: list[float], told: list[float]):
    due, heard = Due(Watched(lambda *_: None, tuple(shares), lambda *_: None)), sorted(told)
    fell = [share for share in heard if due.now(share)]
    assert len(fell) <= len(shares)
    assert all(any(asked <= share for asked in shares) for share in fell)
    assert bool(fell) == any(asked <= share for asked in shares for share in heard)


def test_nothing_is_due_where_nobody_looks():
    assert not Due(lambda *_: None).now(1.0)


@given(st.lists(st.integers(0, 200), min_size=1, max_size=40, unique=True).map(sorted))
def test_what_is_shown_has_the_ends_of_what_is_known(known: list[int]):
    at = chosen(known)
    assert set(at) <= set(known)
    assert (at[0], at[-1]) == (known[0], known[-1])
    assert len(at) == len(set(at)) == min(MOST, len(known))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, MOST), st.integers(1, 40), st.integers(1, 40), st.integers(0, 9))
def test_what_is_unpacked_is_what_was_packed(frames: int, height: int, width: int, seed: int):
    pixels = np.random.default_rng(seed).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)
    index, back = unpacked(packed(3, Preview(0.25, pixels, tuple(range(frames)))))
    assert (index, back.share, back.at) == (3, 0.25, tuple(range(frames)))
    assert np.array_equal(back.frames, pixels)


def test_the_largest_preview_stays_small(noise):
    frames = small(noise(1, frames=3, height=720, width=1280))
    assert frames.shape == (3, SIDE, 228, 3)
    sent = packed(0, Preview(0.5, noise(2, frames=3, height=600, width=600), (0, 1, 2)))
    assert len(sent["png"]) <= LIMIT * 4 / 3 + 4
    assert unpacked(sent)[1].frames.shape == (3, 150, 150, 3)


def test_what_is_no_preview_is_refused():
    sent = packed(0, Preview(0.5, np.zeros((2, 5, 4, 3), np.uint8), (0, 1)))
    with pytest.raises(Damaged, match="3 frames is no picture of as many"):
        unpacked({**sent, "at": [0, 1, 2]})


@pytest.fixture(params=["here", "local", "together"])
def pool(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerPool]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([HERE, os.environ.get("PYTHONPATH", "")]).strip(os.pathsep))
    bench, backend = Bench(), odd(tmp_path, hold=20.0)
    if request.param == "local":
        yield Local(backend, Terms(), bench)
    elif request.param == "here":
        yield Here(backend, Terms())
    else:
        yield Together(Here(backend, Terms()), places=1, most=4)
    bench.dismiss()


def test_what_comes_is_shown_where_it_was_asked_for_and_can_end_the_render(pool: WorkerPool):
    shown = list[Preview]()
    watched = Watched(lambda *_: None, SHARES, lambda index, preview: shown.append(preview) if not index else None)
    with pytest.raises(Cancelled):
        pool.render([ask("shows a red ball")], watched, lambda: len(shown) == 2)
    assert [(one.share, one.at, one.frames.shape) for one in shown] == [
        (share, (0, 2), (2, 48, 64, 3)) for share in SHARES
    ]
    assert [int(one.frames.max()) for one in shown] == [25, 50]


def test_clips_that_are_made_together_are_not_shown(tmp_path: Path):
    """To end one of them saves nothing."""
    from concurrent.futures import ThreadPoolExecutor

    shown, pool = list[Any](), Together(Here(odd(tmp_path), Terms()), places=1, most=2)
    watched = Watched(lambda *_: None, SHARES, lambda *one: shown.append(one))
    with ThreadPoolExecutor(2) as threads:
        asked = [
            threads.submit(pool.render, [ask("shows a red ball", seed)], watched, lambda: False) for seed in (1, 2)
        ]
        assert all(one.result()[0].frames == 3 for one in asked)
    assert shown == []
