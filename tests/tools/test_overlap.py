"""Clips of diffusion models are written while the next is denoised, in one call and between calls."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tiny_pipelines as tiny

from kinograph.errors import StorageError
from kinograph.film import Clip, RenderRequest
from kinograph.tools.backends import Watched, Workbench, card, diffusion
from kinograph.tools.backends.diffusion import Diffusion
from kinograph.tools.backends.diffusion_options import DiffusionOptions
from kinograph.tools.footage import develop, load

WIDTH, HEIGHT, FRAMES = tiny.SIZES["wan"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.built("wan", tmp_path_factory.mktemp("pipelines"))


class Stage:
    """A tiny model of Wan's kind with a scratch folder."""

    def __init__(self, weights: Path, scratch: Path, **options: Any) -> None:
        self.scratch = scratch
        bench = Workbench(scratch, Path)
        self.backend = Diffusion(card("wan-2.1-1.3b"), bench, DiffusionOptions(weights=str(weights), **options))

    def request(self, seed: int = 1) -> RenderRequest:
        one, size = self.backend, {"frames": FRAMES, "fps": 8, "width": WIDTH, "height": HEIGHT}
        asked = {"model": one.card.id, "revision": one.revision, "prompt": "a red ball rolls", "seed": seed}
        return RenderRequest.model_validate(asked | size | {"steps": 2, "guidance": 3.0})

    def render(self, request: RenderRequest) -> Clip:
        return self.backend.render([request], lambda *_: None, lambda: False)[0]


@pytest.fixture
def stage(weights: Path, tmp_path: Path):
    return lambda **options: Stage(weights, tmp_path, **options)


def waits_for(monkeypatch: pytest.MonkeyPatch, seed: int, what: threading.Event) -> None:
    """Has the clip of a seed written once something has happened, and that alone."""

    def write(request: RenderRequest, *given: Any) -> Clip:
        if request.seed == seed:
            assert what.wait(60), "the next was not denoised meanwhile"
        return develop(request, *given)

    monkeypatch.setattr(diffusion, "develop", write)


def test_a_clip_is_written_while_the_next_of_its_call_is_denoised(stage, monkeypatch: pytest.MonkeyPatch):
    one, denoised, told = stage(adaptive_steps=True), threading.Event(), list[Any]()
    waits_for(monkeypatch, 1, denoised)

    def hear(index: int, share: float) -> None:
        told.append((index, share))
        if index == 1 and share > 0:
            denoised.set()

    requests = [one.request(seed=seed) for seed in (1, 2)]
    clips = one.backend.render(requests, hear, lambda: False)
    assert [clip.request for clip in clips] == [request.digest for request in requests]
    assert told.index((0, 1.0)) > told.index((1, 0.95)), "it was not there before"
    for index in (0, 1):
        shares = [share for at, share in told if at == index]
        assert shares == sorted(shares)


def test_a_model_is_lent_to_the_next_call_while_a_clip_is_written(stage, monkeypatch: pytest.MonkeyPatch):
    one, denoised, freed = stage(), threading.Event(), threading.Event()
    waits_for(monkeypatch, 1, denoised)
    watched = Watched(lambda *_: None, (), lambda *_: None, freed.set)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(one.backend.render, [one.request(seed=1)], watched, lambda: False)
        assert freed.wait(60)

        def hear(_: int, share: float) -> None:
            if share > 0:
                denoised.set()

        (second,) = one.backend.render([one.request(seed=2)], hear, lambda: False)
    assert [first.result()[0].request, second.request] == [one.request(seed=seed).digest for seed in (1, 2)]
    assert not list(one.scratch.glob(".*")), "no draft is left"


def test_a_full_disk_costs_the_clip_that_it_was_full_for(stage, monkeypatch: pytest.MonkeyPatch):
    one, freed = stage(), threading.Event()

    def write(request: RenderRequest, *given: Any) -> Clip:
        if request.seed == 1:
            raise StorageError("cannot write 'a.mkv': the disk is full")
        return develop(request, *given)

    monkeypatch.setattr(diffusion, "develop", write)
    watched = Watched(lambda *_: None, (), lambda *_: None, freed.set)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(one.backend.render, [one.request(seed=1)], watched, lambda: False)
        assert freed.wait(60)
        assert load(one.render(one.request(seed=2))).shape[0] == FRAMES
        with pytest.raises(StorageError, match="the disk is full"):
            first.result()


def test_overlapping_changes_no_pixel_and_no_revision(stage):
    over, apart = stage(), stage(overlap=False)
    assert over.backend.revision == apart.backend.revision
    assert over.render(over.request()).pixels == apart.render(apart.request()).pixels
