"""The Studio and the machine: what is decided by readings, what waits for room, what is learned, and own pictures."""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from kinograph import Studio
from kinograph.errors import BadSetting, NoFilm, UnknownName
from kinograph.events import Finished, TakeProgress
from kinograph.film import Clip, RenderRequest, Stock, Trial
from kinograph.tools.backends import Progress, card
from kinograph.tools.backends.storyworld import StoryworldBackend
from kinograph.tools.footage import png
from kinograph.tools.machine import Machine
from kinograph.tools.resources import Monitor, Snapshot

FOUR = (
    "A red ball rolls across the meadow. A blue fish swims in the sea. "
    "A yellow star spins in space. A green cube bounces in the snow."
)
SMALL: dict[str, Any] = {"width": 96, "height": 54, "frames": 4}
TEXT = "A red ball rolls across the meadow."


def load(cpu: float, ours: float = 0, ram: float = 20) -> Snapshot:
    return Snapshot(cpu_percent=cpu, ours_percent=ours, ram_percent=ram, disk_free_gb=50)


def monitor(read: Callable[[], Snapshot]) -> Monitor:
    return Monitor(Machine(cores=16, ram_gb=64), read, fresh_seconds=0.01)


class Counted(StoryworldBackend):
    """Counts how many of its renders run at the same time; each waits a moment for another to join it."""

    most = 0
    running = 0
    joined = threading.Condition()
    patience = 0.05

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        with Counted.joined:
            Counted.running += 1
            Counted.most = max(Counted.most, Counted.running)
            Counted.joined.notify_all()
            Counted.joined.wait_for(lambda: Counted.most > 1, Counted.patience)
        try:
            return super().render(requests, on_progress, cancelled)
        finally:
            with Counted.joined:
                Counted.running -= 1


class Broken(StoryworldBackend):
    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        raise RuntimeError("out of memory")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch):
    """Models `counted` and `broken` beside the others."""
    import kinograph.tools.backends as door

    plain = door.cards()["storyworld-render"]
    module = types.ModuleType("test_studio_models")
    module.__dict__.update(Counted=Counted, Broken=Broken)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    more = {name: plain.changed(id=name, backend=f"{module.__name__}:{name.title()}") for name in ("counted", "broken")}
    cards = {**door.cards(), **more}
    monkeypatch.setattr(door, "cards", lambda: cards)
    monkeypatch.setattr(Counted, "most", 0)


def test_the_decision_follows_the_readings_and_names_them():
    calm = Studio(monitor=monitor(lambda: load(10))).decide(Studio().brief(TEXT))
    assert (calm.strategy, calm.workers) == ("parallel", 8)
    busy = Studio(monitor=monitor(lambda: load(85)), strategy="parallel").decide(Studio().brief(TEXT))
    assert busy.workers == 4
    why = {reason.choice: reason.why for reason in busy.reasons}
    assert "x0.5 for CPU at 85 %" in why["4 at a time"]


def test_renders_run_side_by_side_where_there_is_room(counted, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Counted, "patience", 30.0)
    studio = Studio(monitor=monitor(lambda: load(10)))
    studio.make(studio.brief(FOUR, model="counted", **SMALL))
    assert Counted.most > 1


def test_renders_start_one_by_one_where_others_keep_the_machine_busy(counted):
    studio = Studio(monitor=monitor(lambda: load(95)), workers=4)
    film = studio.make(studio.brief(FOUR, model="counted", **SMALL))
    assert film.decision.workers == 4
    assert len(film.timeline) == 4
    assert Counted.most == 1


@pytest.mark.parametrize(("strategy", "most"), [("adaptive", 1), ("parallel", 8)])
def test_an_adaptive_production_asks_again_before_each_render(
    counted, monkeypatch: pytest.MonkeyPatch, strategy: str, most: int
):
    """The reading leaves room for another light render, and recommends one at a time."""
    monkeypatch.setattr(Counted, "patience", 30.0 if strategy == "parallel" else 0.05)
    readings = [load(0)]
    small = Monitor(Machine(cores=5, ram_gb=64), lambda: readings[0], fresh_seconds=0.0)
    studio = Studio(monitor=small, strategy=strategy)
    brief = studio.brief(FOUR, model="counted", **SMALL)
    events = studio.stream(brief)
    next(events)  # decided while the machine was idle
    readings[0] = load(85)
    film = list(events)[-1].film  # type: ignore[union-attr]
    assert film.decision.workers == 2
    assert Counted.most == min(most, 2)


def test_what_a_production_came_to_is_recorded_once(counted):
    studio = Studio(monitor=monitor(lambda: load(10)))
    film = studio.make(studio.brief(TEXT, **SMALL), out="film")
    studio.make(studio.brief(TEXT, **SMALL))  # nothing was rendered for it
    studio.resume("film")
    with pytest.raises(NoFilm):
        studio.make(studio.brief(TEXT, model="broken", **SMALL))
    with studio.ledger() as ledger:
        failed, good = ledger.trials()
    assert failed == Trial(strategy="parallel", model="broken", succeeded=False)
    assert (good.strategy, good.model, good.succeeded, good.quality) == ("parallel", "storyworld-render", True, 1.0)
    assert good.seconds == pytest.approx(film.seconds / len(film.takes), abs=0.002)


def test_recorded_outcomes_change_the_next_decision():
    studio = Studio(monitor=monitor(lambda: load(10)))
    brief = studio.brief(TEXT, **SMALL)
    assert studio.decide(brief).strategy == "parallel"
    with studio.ledger() as ledger:
        for number in range(8):
            for strategy, seconds in (("parallel", 9.0), ("sequential", 1.0)):
                trial = Trial.model_validate(
                    {"strategy": strategy, "model": "storyworld-render", "succeeded": True}
                    | {"seconds": seconds, "quality": 1.0}
                )
                ledger.record_trial(f"{strategy}{number}", trial)
    decision = studio.decide(brief)
    assert (decision.strategy, decision.workers) == ("sequential", 1)
    assert "sequential succeeded in 100% of 8, 1 s a take" in decision.reasons[4].why


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    (folder / "red ball meadow.png").write_bytes(png(np.full((64, 64, 3), 120, np.uint8)))
    (folder / "whale.png").write_bytes(png(np.zeros((64, 64, 3), np.uint8)))
    return folder


def test_a_shot_begins_with_the_own_picture_that_is_named_after_it(media: Path, home: Path):
    studio = Studio(media=media, monitor=monitor(lambda: load(10)))
    plan = studio.plan(studio.brief(f"{TEXT} A blue fish swims in the sea.", model="storyworld-diffusion"))
    (stock,) = plan.decision.stock
    assert stock.words == ("red", "ball", "meadow")
    assert plan.decision.visuals == "hybrid stock first"
    first, second = plan.requests
    assert [one.keyframe for one in first.conditioning] == [stock.picture]
    assert second.conditioning == ()
    assert (home / "vault" / "pictures" / stock.picture[:2] / f"{stock.picture}.png").is_file()


def test_without_pictures_that_can_be_used_all_is_left_to_the_model(media: Path):
    machine = monitor(lambda: load(10))
    render = Studio(media=media, monitor=machine)
    assert render.decide(render.brief(TEXT)).stock == ()
    assert Studio(monitor=machine).decide(render.brief(TEXT, model="storyworld-diffusion")).visuals == "AI only"
    nowhere = Studio(media=media / "nowhere", monitor=machine)
    with pytest.raises(BadSetting, match="is not a folder"):
        nowhere.decide(nowhere.brief(TEXT))


def test_decisions_of_earlier_versions_are_still_read():
    from kinograph.film import Decision

    old = {"model": "m", "revision": "1", "topology": "chain", "width": 64, "height": 64, "fps": 8, "takes": 3}
    decision = Decision.model_validate(old | {"workers": 4})
    assert (decision.strategy, decision.visuals, decision.stock) == ("parallel", "AI only", ())
    assert Stock(picture="p", words=("ball",)) not in decision.stock
    assert card("storyworld-render").cost < 0.4


# ------------------------------------------------------------------------------------------ where renders run


def test_the_pool_follows_from_the_model_unless_it_is_asked_for():
    def pool(model: str, **settings: Any) -> tuple[str, str]:
        studio = Studio(monitor=monitor(lambda: load(10)), **settings)
        decision = studio.decide(studio.brief(TEXT, model=model))
        return decision.pool, decision.reasons[-1].why

    assert pool("storyworld-render")[0] == "here"
    name, why = pool("storyworld-diffusion")
    assert name == "local"
    assert "storyworld-diffusion loads weights" in why
    assert pool("storyworld-render", pool="local") == ("local", "asked for")
    with pytest.raises(UnknownName, match="unknown worker pool 'cloud'; available: here, local, ray"):
        pool("storyworld-render", pool="cloud")


def test_a_film_is_the_same_on_workers_that_are_killed_and_nothing_is_rendered_twice(home: Path):
    from kinograph.tools.workers import local

    options = {"storyworld-render": {"slow": 0.5}}
    studio = Studio(pool="local", backends=options, workers=2, takes=1, monitor=monitor(lambda: load(10)))
    brief, killed, film = studio.brief(FOUR, **SMALL), list[int](), None
    for event in studio.stream(brief, out="film"):
        # All of them at once and once only: no request loses a second worker, which would cost it its take.
        if isinstance(event, TakeProgress) and event.done and not killed:
            for child in psutil.Process().children():
                if "kinograph.tools.workers.child" in child.cmdline():
                    child.kill()
                    killed.append(child.pid)
        film = event.film if isinstance(event, Finished) else None
    local.BENCH.dismiss()
    assert killed
    assert film is not None
    assert film.missing == ()
    with studio.ledger() as ledger:
        assert set(ledger.renders().values()) == {1}
    plain = Studio(home=home.with_name("other"), monitor=monitor(lambda: load(10))).make(brief)
    assert [take.clip and take.clip.pixels for take in film.takes] == [
        take.clip and take.clip.pixels for take in plain.takes
    ]
