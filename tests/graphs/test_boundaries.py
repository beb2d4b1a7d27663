"""Where failures stop: in a render, in an agent, in the cut; and what is then said to be given up."""

from __future__ import annotations

import errno
import json
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cramped import Cramped
from scripted import Scripted

from kinograph import Studio
from kinograph.agents.generation import Rendered
from kinograph.agents.mind import Rules
from kinograph.agents.outline import Assignment
from kinograph.agents.planner import Planner
from kinograph.agents.recalling import Recalled
from kinograph.errors import (
    BadInput,
    BadStoryboard,
    Cancelled,
    KinographError,
    NoFilm,
    OrchestrationError,
    OutOfMemory,
    RenderFailed,
    StorageError,
    WorkerLost,
)
from kinograph.evals.bench.overhead import Blind, Forgetful, Ready, board_of
from kinograph.evals.bench.replay import DECISION, Ponderer
from kinograph.events import Event, GivenUp, ShotSettled, Waiting
from kinograph.film import Brief, Decision, Film, Outcome, RenderRequest, Take
from kinograph.graphs.boundaries import critical, gravest, spared
from kinograph.graphs.production import Carried, Crew
from kinograph.graphs.running import checkpointer
from kinograph.graphs.shooting import shoot
from kinograph.memory.ledger import Ledger
from kinograph.tools.backends import card
from kinograph.tools.backends.storyworld import StoryworldBackend

WHOLE: dict[str, Any] = {"model": "storyworld-render", "width": 384, "height": 216, "workers": 2}
Bill = Callable[[RenderRequest], Exception | None]
"""What goes wrong with a request, if anything."""


class Frail(Ready):
    """Fails as it is told to; can be killed before its nth render, and waits before it renders."""

    def __init__(self, fails: Bill, killed_at: int = 0) -> None:
        self._fails, self._killed_at, self._lock = fails, killed_at, threading.Lock()
        self.asked: list[RenderRequest] = []
        self.rendered: list[RenderRequest] = []
        self.waits = 0

    def revision(self, model: str) -> str:
        return f"of {model}"

    def render(
        self, request: RenderRequest, on_progress: Any, cancelled: Any, oversight: Any = None, freed: Any = None
    ) -> Rendered:
        if request.model == "placeholder":
            return super().render(request, on_progress, cancelled)
        with self._lock:
            self.asked.append(request)
            if len(self.asked) == self._killed_at:
                raise SystemExit  # no error of ours or of a model: nothing may be tidied up after it
        for _ in range(self.waits):
            on_progress(0.0)
        if (error := self._fails(request)) is not None:
            raise error
        with self._lock:
            self.rendered.append(request)
        return super().render(request, on_progress, cancelled)


class Sharp(Blind):
    """Finds no part of a rejected take that is sound."""

    def salvage(self, question: Any, rejected: Any) -> None:
        return None


class Set:
    """A production without pictures, that can be shot again and again."""

    def __init__(self, home: Path, shots: int = 1, **decided: Any) -> None:
        plain = board_of(shots)
        named = (one.changed(shots=tuple(shot.changed(extra=shot.id) for shot in one.shots)) for one in plain.scenes)
        self.home, self.board = home, plain.changed(scenes=tuple(named))
        self.decision = DECISION.changed(**(WHOLE | decided))
        self.ledger = Ledger(home / "ledger.sqlite")
        papers = {"storyboard": self.board, "carried": Carried()}
        self.ledger.open_production("film", home / "film", Brief(text="shots"), self.decision, papers)

    def shoot(self, generation: Ready, accepts: Callable[[RenderRequest], bool] = lambda _: True, **crew: Any):
        events: list[Event] = []
        with checkpointer(self.home / "checkpoints.sqlite", "") as saver:
            members: dict[str, Any] = {
                "mind": Ponderer(0.0, 0.0, accepts),
                "memory": Forgetful(),
                "validator": Sharp(),
            } | crew
            shoot(
                Crew(
                    id="film",
                    folder=self.home / "film",
                    brief=Brief(text="shots"),
                    ledger=self.ledger,
                    generation=generation,
                    checkpoints=saver,
                    tell=events.append,
                    **members,
                )
            )
        return events

    def outcome(self, shot: str = "s0.0") -> Outcome:
        return self.ledger.outcomes("film")[shot]

    def takes(self, shot: str = "s0.0") -> list[Take]:
        return [take.changed(judging=0.0) for take in self.ledger.takes("film", shot)]


def small(request: RenderRequest) -> Exception | None:
    return OutOfMemory("too big") if request.width > 200 else None


def never(request: RenderRequest) -> Exception | None:
    return OutOfMemory("too big")


# ------------------------------------------------------------------------------------------ rendering


def test_a_render_that_is_too_big_comes_out_smaller_and_that_is_said(tmp_path: Path):
    place = Set(tmp_path)
    events = place.shoot(Frail(small))
    outcome, takes = place.outcome(), place.takes()
    assert outcome.state == "accepted"
    assert [take.failure for take in takes] == ["memory", "memory", None]
    assert takes[-1].means.size == 0.5
    (given,) = outcome.given_up
    assert (given.kind, given.shot, given.why) == ("smaller", "s0.0", "too big")
    assert "enlarged to 384x216" in given.instead
    assert [event.concession for event in events if isinstance(event, GivenUp)] == [given]


def test_the_same_once_more_gives_nothing_up(tmp_path: Path):
    place, first = Set(tmp_path), [WorkerLost("gone")]
    place.shoot(Frail(lambda _: first.pop() if first else None))
    one, other = place.takes()
    assert one.request == other.request
    assert (place.outcome().state, place.outcome().given_up) == ("accepted", ())


def test_renders_that_fail_do_not_cost_the_takes_meant_for_the_validator(tmp_path: Path):
    place = Set(tmp_path, takes=3)
    place.shoot(Frail(small), accepts=lambda _: False)
    takes = place.takes()
    assert [take.failure for take in takes] == ["memory", "memory", None, None, None]
    assert {take.means.size for take in takes[2:]} == {0.5}
    assert len({take.request.seed for take in takes[2:]}) == 3
    assert [given.kind for given in place.outcome().given_up] == ["smaller", "not accepted"]


def test_a_production_killed_on_the_way_down_goes_the_same_way_and_renders_nothing_twice(tmp_path: Path):
    whole, requests = Set(tmp_path / "whole", shots=3), Frail(small)
    whole.shoot(requests)
    for moment in (2, 4, 6, 9):
        place = Set(tmp_path / str(moment), shots=3)
        killed, mended = Frail(small, killed_at=moment), Frail(small)
        with pytest.raises(SystemExit):
            place.shoot(killed)
        place.shoot(mended)
        rendered = [request.digest for request in killed.rendered + mended.rendered]
        assert len(rendered) == len(set(rendered)) == 3
        for shot in whole.board.shots:
            assert place.takes(shot.id) == whole.takes(shot.id), f"killed before render {moment}"
            assert place.outcome(shot.id) == whole.outcome(shot.id)


def test_what_the_chosen_model_cannot_render_another_does_if_it_may(tmp_path: Path):
    def only_diffusion(request: RenderRequest) -> Exception | None:
        return None if request.model == "storyworld-diffusion" else OutOfMemory("too big")

    allowed = Set(tmp_path / "allowed", fallback=("storyworld-diffusion",))
    allowed.shoot(Frail(only_diffusion))
    (given,) = allowed.outcome().given_up
    assert (given.kind, allowed.outcome().state) == ("other model", "accepted")
    last = allowed.takes()[-1].request
    assert last.revision == "of storyworld-diffusion"
    card("storyworld-diffusion").check_size(last.width, last.height)
    forbidden = Set(tmp_path / "forbidden")
    forbidden.shoot(Frail(only_diffusion))
    assert forbidden.outcome().state == "placeholder"
    assert all(take.placeholder or take.request.model == "storyworld-render" for take in forbidden.takes())


def test_another_model_that_cannot_be_opened_is_one_more_failure(tmp_path: Path):
    class Shut(Frail):
        def revision(self, model: str) -> str:
            raise RenderFailed(f"{model} cannot be opened: no weights")

    place = Set(tmp_path, fallback=("storyworld-diffusion",))
    place.shoot(Shut(never))
    assert place.outcome().state == "placeholder"
    assert "no weights" in place.outcome().given_up[0].why


def test_where_nothing_helps_a_placeholder_stands_and_is_never_accepted(tmp_path: Path):
    place = Set(tmp_path, shots=3)
    events = place.shoot(Frail(lambda request: never(request) if "s0.1" in request.prompt else None))
    outcome, last = place.outcome("s0.1"), place.takes("s0.1")[-1]
    assert (outcome.state, outcome.attempt) == ("placeholder", last.attempt)
    assert (last.placeholder, last.accepted, last.verdict) == (True, False, None)
    assert last.request.prompt == "Shot 2\ns0.1\nnot enough memory to render it"
    assert last.clip is not None
    assert (last.clip.frames, last.clip.width) == (place.takes("s0.0")[0].request.frames, 384)
    assert [given.kind for given in outcome.given_up] == ["placeholder"]
    assert ("s0.1", "placeholder") in [(e.shot, e.outcome) for e in events if isinstance(e, ShotSettled)]
    assert place.outcome("s0.2").state == "accepted", "what needs it is filmed all the same"


class Forgotten(Forgetful):
    """Remembers nothing and recalls nothing."""

    def rules(self, question: Any) -> Recalled:
        return Recalled(keyframes=())


def test_a_shot_that_was_to_go_on_from_a_placeholder_begins_afresh_and_says_so(tmp_path: Path):
    place = Set(tmp_path, shots=2, model="storyworld-diffusion")
    place.shoot(Frail(lambda request: never(request) if "s0.0" in request.prompt else None), memory=Forgotten())
    (given,) = place.outcome("s0.1").given_up
    assert (given.kind, given.why) == ("fresh start", "s0.0 is a placeholder")


def test_a_render_that_has_no_room_for_long_says_that_it_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kinograph.graphs.rendering.WAITS", (0.0, 60.0))
    place, patient = Set(tmp_path), Frail(lambda _: None)
    patient.waits = 5
    (told,) = [event for event in place.shoot(patient) if isinstance(event, Waiting)]
    assert (told.shot, told.attempt) == ("s0.0", 1)


@pytest.mark.parametrize("error", [StorageError("the disk is full"), BadInput("no such look"), Cancelled("stopped")])
def test_what_is_no_shots_own_failure_stops_the_production_as_what_it_is(tmp_path: Path, error: KinographError):
    with pytest.raises(type(error), match=str(error)):
        Set(tmp_path).shoot(Frail(lambda _: error))


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), sqlite3.OperationalError("database or disk is full")]
)
def test_a_full_disk_is_no_agents_failure(tmp_path: Path, error: Exception):
    """Checkpoints, indexes and pictures are written in the middle of agents' work."""

    def full(_: RenderRequest) -> bool:
        raise error

    place = Set(tmp_path)
    with pytest.raises((type(error), StorageError)):
        place.shoot(Frail(lambda _: None), accepts=full)
    assert place.ledger.outcomes("film") == {}


def test_a_bug_in_one_shots_life_costs_that_shot_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import kinograph.graphs.rendering as rendering

    plain = rendering.resolve

    def resolve(shot: Any, *more: Any) -> RenderRequest:
        if shot.id == "s0.1":
            raise ZeroDivisionError("a bug")
        return plain(shot, *more)

    monkeypatch.setattr(rendering, "resolve", resolve)
    place = Set(tmp_path, shots=3)
    place.shoot(Frail(lambda _: None))
    assert [place.outcome(shot.id).state for shot in place.board.shots] == ["accepted", "placeholder", "accepted"]
    assert "ZeroDivisionError: a bug" in [given.why for given in place.outcome("s0.1").given_up]


# --------------------------------------------------------------------------------------- boundaries


def test_what_must_succeed_is_tried_again_where_that_may_help():
    errors: list[Exception] = [TimeoutError("slow")]

    def work() -> str:
        if errors:
            raise errors.pop()
        return "done"

    assert critical("the script", work) == "done"


@pytest.mark.parametrize(("error", "times"), [(OSError("gone"), 2), (ValueError("a bug"), 1), (RecursionError(), 1)])
def test_what_must_succeed_escalates_with_its_causes(error: Exception, times: int):
    def work() -> None:
        raise error

    with pytest.raises(OrchestrationError) as escalated:
        critical("the script", work)
    found = escalated.value
    assert (found.task, found.causes, found.exit_code) == ("the script", (error,) * times, 8)
    assert type(error).__name__ in str(found)
    assert "\n" not in str(found)
    assert found.__cause__ is error or isinstance(found.__cause__, ExceptionGroup)


@pytest.mark.parametrize("boundary", [critical, lambda task, work: spared(task, work, None, [].append, "default", "")])
def test_our_own_errors_pass_through_every_boundary(boundary: Callable[..., Any]):
    def work() -> None:
        raise StorageError("the disk is full")

    with pytest.raises(StorageError):
        boundary("anything", work)


def test_of_several_failures_the_gravest_rises_with_the_others():
    full, bug, other, stopped = StorageError("full"), KeyError("x"), ValueError("y"), Cancelled("stopped")
    assert gravest("shots", [bug]) is bug
    assert gravest("shots", [stopped, bug, full]) is full
    assert isinstance(full.__cause__, BaseExceptionGroup)
    assert full.__cause__.exceptions == (stopped, bug)
    both = gravest("shots", [bug, other])
    assert isinstance(both, OrchestrationError)
    assert both.causes == (bug, other)


# -------------------------------------------------------------------------------------- whole films

BRIEF = "A red ball rolls across the meadow. Then the red ball bounces over the meadow."
SMALL: dict[str, Any] = {"width": 96, "height": 64, "frames": 8}


class Crashing(Rules):
    """One agent raises what nobody foresaw."""

    def __init__(self, role: str) -> None:
        self.name, self._role = "crashing", role

    def think(self, agent: Any, question: Any) -> Any:
        if agent.role == self._role:
            raise KeyError("a bug")
        return super().think(agent, question)


def film_by(mind: Rules, **wishes: Any) -> Film:
    studio = Studio(mind=mind)
    return studio.make(studio.brief(BRIEF, **SMALL, **wishes), out="film")


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        ("motion", {"default"}),
        ("style", {"default"}),
        ("memory", {"fresh start"}),
        ("validator", {"not accepted"}),
    ],
)
def test_a_film_is_made_without_an_agent_that_fails_and_says_so(role: str, kinds: set[str]):
    film = film_by(Crashing(role))
    assert {given.kind for given in film.given_up} == kinds
    assert all("KeyError: 'a bug'" in given.why for given in film.given_up)
    assert len(film.timeline) == 2
    assert json.loads(Path("film/manifest.json").read_text())["given_up"] == [g.model_dump() for g in film.given_up]
    if role == "validator":
        assert not any(take.accepted for take in film.takes)
        assert len(film.takes) == 2, "what cannot be looked at gets no better by another render"


@pytest.mark.parametrize("role", ["orchestrator", "planner", "scene"])
def test_without_a_script_there_is_no_film(role: str):
    with pytest.raises(OrchestrationError, match=rf"\({role}\) failed: KeyError: 'a bug'") as escalated:
        film_by(Crashing(role))
    assert [repr(cause) for cause in escalated.value.causes] == ["KeyError('a bug')"]


@pytest.mark.parametrize(
    ("continues", "words"),
    [
        ({"1": ("1",)}, "the storyboard goes in a circle: 1 needs 1"),
        ({"1": ("2",), "2": ("1",)}, "beat 1 continues beat 2, which does not come before it"),
    ],
)
def test_a_plan_that_goes_in_a_circle_is_refused_whoever_drew_it(continues: dict[str, tuple[str, ...]], words: str):
    outline = Planner().rules(Assignment(brief=Brief(text=BRIEF), max_subjects=2))
    beats = tuple(beat.changed(continues=continues.get(beat.id, ())) for beat in outline.beats)
    mind = Scripted(planner=outline.changed(beats=beats))
    with pytest.raises(BadStoryboard, match=words):
        film_by(mind)
    with pytest.raises(BadStoryboard, match=words):
        Studio(mind=mind).plan(BRIEF)


@pytest.mark.parametrize(
    ("member", "kind"),
    [("memory:Memory.remember", "not remembered"), ("validator:Validator.salvage", "default")],
)
def test_a_film_is_made_without_what_an_agent_does_besides(monkeypatch: pytest.MonkeyPatch, member: str, kind: str):
    def crash(*_: Any) -> None:
        raise TypeError("a bug")

    module, _, place = member.partition(":")
    monkeypatch.setattr(f"kinograph.agents.{module}.{place}", crash)
    mind = Crashing("validator") if "salvage" in member else Rules()
    film = film_by(mind)
    assert kind in {given.kind for given in film.given_up if given.why == "TypeError: a bug"}
    assert len(film.timeline) == 2


def test_a_contact_sheet_that_cannot_be_drawn_is_left_out(monkeypatch: pytest.MonkeyPatch):
    def crash(*_: Any) -> None:
        raise TypeError("a bug")

    with monkeypatch.context() as broken:
        broken.setattr("kinograph.tools.editing.contact_sheet", crash)
        film = film_by(Rules())
    assert [(given.task, given.kind) for given in film.given_up] == [("contact sheet", "left out")]
    assert not Path("film/contact_sheet.png").exists()
    assert Studio().resume("film").given_up == (), "and is there once it can be drawn"
    assert Path("film/contact_sheet.png").exists()


def test_a_cut_that_fails_escalates(monkeypatch: pytest.MonkeyPatch):
    def crash(*_: Any) -> None:
        raise TypeError("a bug")

    monkeypatch.setattr("kinograph.tools.footage.join_mp4", crash)
    with pytest.raises(OrchestrationError, match="the cut failed: TypeError: a bug"):
        film_by(Rules())


def test_a_clip_that_is_lost_before_the_cut_leaves_a_placeholder(monkeypatch: pytest.MonkeyPatch):
    from kinograph.graphs import studio

    plain = studio._frames

    def lost(crew: Crew, take: Take):
        if take.shot == "s1.2" and not take.placeholder:
            raise RenderFailed("its model is gone")
        return plain(crew, take)

    monkeypatch.setattr(studio, "_frames", lost)
    film = film_by(Rules())
    assert film.placeholders == ("s1.2",)
    assert "its model is gone" in film.given_up[-1].why
    assert film.timeline[1].seconds == film.timeline[0].seconds
    assert Path("film/shots/s1.2.mp4").exists()


def test_smaller_slower_and_missing_clips_are_cut_into_a_film_of_one_size_and_rate(cramped):
    from kinograph.tools.footage import frames_in

    studio = Studio()
    text = "A red ball rolls across the meadow. A blue bird flies over the sea. A yellow star spins in space."
    film = studio.make(studio.brief(text, model="cramped", takes=1, **SMALL), out="film")
    kinds = [(given.shot, given.kind) for given in film.given_up if given.kind != "not accepted"]
    assert kinds == [("s1.1", "smaller"), ("s2.1", "placeholder"), ("s3.1", "fewer frames")]
    assert [cut.seconds for cut in film.timeline] == [pytest.approx(8 / 12, abs=1e-4)] * 3
    assert [cut.last_frame for cut in film.timeline] == [7, 7, 3]
    assert frames_in(Path(film.path)) == 24
    import av

    with av.open(film.path) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert {frame.shape for frame in frames} == {(64, 96, 3)}
    assert frames[0].mean() > 60, "the meadow fills the picture"
    assert frames[12].mean() < 60, "the card is dark"
    manifest = json.loads(Path("film/manifest.json").read_text())
    assert [one["state"] for one in manifest["outcomes"]][1] == "placeholder"
    assert sum(take["placeholder"] for take in manifest["takes"]) == 1
    assert studio.resume("film").timeline == film.timeline
    assert not list(Path("film/.kinograph").glob("*set-aside*")), "it is whole: nothing is made again"


def test_another_model_renders_in_a_whole_film_what_the_first_cannot(cramped):
    studio = Studio()
    text = "A blue bird flies over the sea. A red ball rolls across the meadow."
    brief = studio.brief(text, model="cramped", fallback="storyworld-render", **SMALL)
    film = studio.make(brief)
    assert film.decision.fallback == ("storyworld-render",)
    assert [(given.shot, given.kind) for given in film.given_up] == [("s1.1", "other model"), ("s2.1", "smaller")]
    shown = next(take for take in film.takes if take.shot == "s1.1" and take.clip)
    assert (shown.request.model, shown.accepted) == ("storyworld-render", True)


def test_nothing_but_placeholders_is_no_film(cramped):
    studio = Studio()
    with pytest.raises(NoFilm, match="CUDA out of memory"):
        studio.make(studio.brief("A blue bird flies over the sea.", model="cramped", **SMALL))


def test_what_was_not_rendered_is_tried_again_when_a_film_is_made_anew(cramped, monkeypatch: pytest.MonkeyPatch):
    studio = Studio()
    text = "A red ball rolls across the meadow. A blue bird flies over the sea."
    assert studio.make(studio.brief(text, model="cramped", **SMALL), out="film").placeholders
    monkeypatch.setattr(Cramped, "render", StoryworldBackend.render)
    film = studio.resume("film", rebuild=True)
    assert film.given_up == ()
    assert not any(take.placeholder or take.failure for take in film.takes)


def test_older_decisions_and_outcomes_can_still_be_read():
    old = {"shot": "s1", "state": "failed", "attempt": 0, "first": 0, "last": -1}
    assert Outcome.model_validate(old).given_up == ()
    plain = DECISION.model_dump(mode="json", exclude={"fallback"})
    assert Decision.model_validate(plain).fallback == ()
