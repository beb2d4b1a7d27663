"""The step that makes the shots: what it expects, what it keeps, and that what is settled stays so."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from kinograph import Studio
from kinograph.errors import BadStoryboard, Cancelled, StorageError
from kinograph.evals.bench.overhead import Blind, Forgetful, Ready, board_of, measure
from kinograph.evals.bench.replay import DECISION, Ponderer
from kinograph.events import Progressed, ShotSettled, TakeStarted
from kinograph.film import Brief, Clip, RenderRequest, Take, Verdict
from kinograph.graphs.dependencies import TaskGraph
from kinograph.graphs.production import Carried, Crew
from kinograph.graphs.running import checkpointer
from kinograph.graphs.schedule import Pace
from kinograph.graphs.shooting import expect, shoot
from kinograph.memory.ledger import Ledger
from kinograph.memory.sessions import Version
from kinograph.tools.backends import card

MODEL = card("storyworld-render")


class Counting(Ready):
    """Counts what is rendered, and does `before` each render."""

    def __init__(self, before: Callable[[RenderRequest], None] = lambda request: None) -> None:
        self.rendered: list[str] = []
        self._before = before
        self._lock = threading.Lock()

    def render(
        self, request: RenderRequest, on_progress: Any, cancelled: Any, oversight: Any = None, freed: Any = None
    ):
        self._before(request)
        with self._lock:
            self.rendered.append(request.digest)
        return super().render(request, on_progress, cancelled)


class Production:
    """A production without pictures, that can be shot again and again."""

    def __init__(self, home: Path, shots: int = 12, workers: int = 3) -> None:
        self.home, self.board = home, board_of(shots)
        self.ledger = Ledger(home / "ledger.sqlite")
        papers = {"storyboard": self.board, "carried": Carried()}
        decision = DECISION.changed(workers=workers)
        self.ledger.open_production("film", home / "film", Brief(text="shots"), decision, papers)

    def shoot(self, generation: Ready, **more: Any) -> list[Any]:
        events: list[Any] = []
        listen = more.pop("listen", lambda event: None)

        def tell(event: Any) -> None:
            listen(event)
            events.append(event)

        with checkpointer(self.home / "checkpoints.sqlite", "") as saver:
            crew = Crew(
                id="film",
                folder=self.home / "film",
                brief=Brief(text="shots"),
                mind=Ponderer(0.0, 0.0, more.pop("accepts", lambda request: True)),
                ledger=self.ledger,
                generation=generation,
                memory=Forgetful(),
                validator=more.pop("validator", Blind()),
                checkpoints=saver,
                tell=tell,
                cancelled=more.pop("cancelled", threading.Event()),
            )
            shoot(crew, **more)
        return events


def test_every_step_of_a_shot_keeps_its_state_small(tmp_path: Path):
    cost = measure(60, tmp_path)
    assert cost.steps >= 60 * 6
    assert cost.largest < 10_000
    assert cost.widest < 10_000


def test_the_state_of_a_film_does_not_grow_with_its_shots():
    studio, sizes = Studio(), list[int]()
    for sentences in (1, 6):
        film = studio.make(studio.brief("A red ball rolls. " * sentences, width=64, height=48, frames=8, takes=1))
        database = sqlite3.connect(Path(film.folder) / ".kinograph" / "checkpoints.sqlite")
        query = "SELECT max(length(checkpoint)) FROM checkpoints WHERE thread_id = ?"
        sizes += database.execute(query, (film.id,)).fetchone()
        assert len(film.storyboard.shots) == sentences
    assert abs(sizes[1] - sizes[0]) < 50


def test_a_production_that_failed_goes_on_with_what_is_not_settled(tmp_path: Path):
    production = Production(tmp_path)

    def break_down(request: RenderRequest) -> None:
        if len(broken.rendered) >= 5:
            raise StorageError("the disk is full")

    broken, mended = Counting(break_down), Counting()
    with pytest.raises(StorageError, match="the disk is full"):
        production.shoot(broken)
    settled = production.ledger.outcomes("film")
    assert 0 < len(settled) < 12
    events = production.shoot(mended)
    assert len(production.ledger.outcomes("film")) == 12
    assert len(broken.rendered) + len(mended.rendered) == 12
    assert {event.shot for event in events if isinstance(event, ShotSettled)}.isdisjoint(settled)
    assert production.shoot(mended) == []


class Writes(Counting):
    """Frees the worker of its first render, and has the clip written once another render has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.another, self.lent_on = list[str](), threading.Event(), False

    def render(
        self, request: RenderRequest, on_progress: Any, cancelled: Any, oversight: Any = None, freed: Any = None
    ):
        with self._lock:
            self.begun.append(request.digest)
            first = len(self.begun) == 1
        if first:
            freed()
            self.lent_on = self.another.wait(20)
        self.another.set()
        return super().render(request, on_progress, cancelled)


def test_a_worker_renders_the_next_shot_while_a_clip_is_written(tmp_path: Path):
    production, writes = Production(tmp_path, shots=11, workers=1), Writes()  # of two scenes
    production.shoot(writes)
    assert writes.lent_on
    assert len(production.ledger.outcomes("film")) == 11
    renders = [one for one in production.ledger.stints("film") if one.what == "render"]
    assert [one.worker for one in renders] == [1] * 11
    assert all(one.ended is not None and one.ended <= later.began for one, later in pairwise(renders)), "one at a time"


def test_a_shot_that_was_killed_after_its_render_is_judged_and_not_rendered_again(tmp_path: Path):
    production, cancelled = Production(tmp_path, shots=1), threading.Event()
    first, second = Counting(lambda request: cancelled.set()), Counting()
    with pytest.raises(Cancelled):
        production.shoot(first, cancelled=cancelled)
    assert len(first.rendered) == 1
    assert not production.ledger.outcomes("film")
    production.shoot(second)
    assert second.rendered == []
    assert production.ledger.outcomes("film")["s0.0"].state == "accepted"


def test_a_shot_that_goes_on_at_its_verdict_leaves_the_worker_to_others(tmp_path: Path):
    production, cancelled, other = Production(tmp_path, shots=11, workers=1), threading.Event(), threading.Event()
    with pytest.raises(Cancelled):
        production.shoot(Counting(lambda request: cancelled.set()), cancelled=cancelled)
    production.shoot(Counting(lambda request: other.set()), accepts=lambda request: other.wait(20))
    outcomes = production.ledger.outcomes("film").values()
    assert {(outcome.state, outcome.attempt) for outcome in outcomes} == {("accepted", 1)}


def test_one_by_one_keeps_to_the_order_of_the_film(tmp_path: Path):
    events = Production(tmp_path, shots=25, workers=4).shoot(Counting(), arranged=TaskGraph.in_order)
    told = [(type(event), event.shot) for event in events if isinstance(event, TakeStarted | ShotSettled)]
    shots = [shot.id for shot in board_of(25).shots]
    assert told == [(kind, shot) for shot in shots for kind in (TakeStarted, ShotSettled)]


def test_leaving_the_events_stops_the_film_instead_of_waiting_for_it(home: Path):
    studio = Studio(workers=1)
    brief = studio.brief("A red ball rolls over the sea. " * 12, width=64, height=48, frames=8)
    events = studio.stream(brief, out="film")
    assert any(isinstance(event, TakeStarted) for event in events)
    events.close()
    (record,) = studio.productions()
    assert record.state == "cancelled"
    with studio.ledger() as ledger:
        assert len(ledger.outcomes(record.id)) < 12
    assert studio.resume("film").missing == ()


def test_a_storyboard_that_goes_in_a_circle_is_refused_before_a_folder_is_made():
    studio, (scene,) = Studio(), board_of(3).scenes
    circle = scene.changed(shots=tuple(shot.changed(needs=("s0.2",)) for shot in scene.shots))
    board = board_of(3).changed(scenes=(circle,))
    version = Version(number=1, name="first", words="", brief=Brief(text="a film"), decision=DECISION, storyboard=board)
    with pytest.raises(BadStoryboard, match=r"the storyboard goes in a circle: s0\.2 needs s0\.2"):
        next(studio.shoot("film", Path("film"), version, Carried()))
    assert not Path("film").exists()


# --------------------------------------------------------------------------------------- expectations


def test_a_production_that_is_resumed_keeps_its_records_and_adds_to_them(tmp_path: Path):
    production, cancelled = Production(tmp_path), threading.Event()
    first = Counting(lambda request: cancelled.set() if len(first.rendered) >= 4 else None)
    with pytest.raises(Cancelled):
        production.shoot(first, cancelled=cancelled)
    before = production.ledger.stints("film")
    production.shoot(Counting())
    stints = production.ledger.stints("film")
    assert stints[: len(before)] == before
    one, two = production.ledger.sittings("film")
    assert {due.shot for due in one.due} == {shot.id for shot in production.board.shots}
    assert {due.shot for due in two.due} < {due.shot for due in one.due}
    judged = {stint.shot for stint in stints if stint.what == "verdict"}
    assert judged == {shot.id for shot in production.board.shots}
    production.shoot(Counting())
    assert len(production.ledger.sittings("film")) == 2, "nothing was left to do"


def test_workers_are_told_apart_and_none_does_two_things_at_once(tmp_path: Path):
    production = Production(tmp_path, shots=20, workers=3)
    production.shoot(Counting())
    renders = [stint for stint in production.ledger.stints("film") if stint.what == "render"]
    assert {stint.worker for stint in renders} <= {1, 2, 3}
    for worker in (1, 2, 3):
        mine = sorted((stint.began, stint.ended or 0.0) for stint in renders if stint.worker == worker)
        assert all(before[1] <= after[0] for before, after in pairwise(mine))


def test_tells_how_far_it_is_until_nothing_is_left(tmp_path: Path):
    told = [event for event in Production(tmp_path).shoot(Counting()) if isinstance(event, Progressed)]
    assert [event.step for event in told] == list(range(13))
    assert {(event.stage, event.steps) for event in told} == {("shooting", 12)}
    assert told[0].seconds
    assert told[-1].seconds == 0.0


def test_progress_never_goes_back_however_slowly_it_is_heard(tmp_path: Path):
    def listen(event: Any) -> None:
        if isinstance(event, Progressed) and event.step % 2:
            time.sleep(0.02)

    events = Production(tmp_path).shoot(Counting(), listen=listen)
    assert [event.step for event in events if isinstance(event, Progressed)] == list(range(13))


def taken(request_of: Any, seconds: float, judging: float, accepted: bool, **fields: Any) -> Take:
    request = request_of(**fields)
    clip = Clip(
        request=request.digest,
        path="",
        frames=request.frames,
        fps=8,
        width=64,
        height=48,
        pixels="",
        model=request.model,
        revision="1",
        render_seconds=seconds,
    )
    return Take(shot="s", attempt=1, request=request, clip=clip, verdict=Verdict(accepted=accepted), judging=judging)


def test_expects_what_the_card_says_while_nothing_is_known():
    expected = expect(board_of(2), DECISION, MODEL, [])
    assert expected.seconds["s0.0"] == pytest.approx(MODEL.seconds_for(8, 64, 48))
    assert expected.pace == Pace(judging=0.0, rejected=0.25, takes=3)


def test_expects_what_earlier_takes_with_the_model_came_to(request_of: Any):
    takes = [taken(request_of, 24.0, 3.0, accepted=number < 3, frames=12) for number in range(6)]
    takes += [taken(request_of, 900.0, 90.0, accepted=False, model="another")]
    expected = expect(board_of(2), DECISION, MODEL, takes)
    assert expected.seconds["s0.1"] == pytest.approx(8 * 2.0)
    assert expected.pace == Pace(judging=3.0, rejected=4 / 10, takes=3)
