"""Takes that are ended midway: recorded with their verdict, counted, told, and never the last one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from foreseeing import Foreseeing, cards

from kinograph import Studio
from kinograph.events import Event, Finished, TakeStopped
from kinograph.film import Film
from kinograph.telling import ended

SMALL: dict[str, Any] = {"width": 96, "height": 64, "frames": 12}
BRIEF = "A red ball rolls through the meadow."


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    import kinograph.tools.backends as door

    more = cards()
    monkeypatch.setattr(door, "cards", lambda: more)
    monkeypatch.setattr("kinograph.agents.choosing.cards", door.cards)
    monkeypatch.setattr(Foreseeing, "begun", [])


def filmed(studio: Studio, model: str) -> tuple[Film, list[Event]]:
    events = list(studio.stream(studio.brief(BRIEF, model=model, **SMALL), out="film"))
    assert isinstance(events[-1], Finished)
    return events[-1].film, events


def test_a_hopeless_take_is_stopped_and_the_next_is_told_why():
    film, events = filmed(Studio(early_stop=True, learn_corrections=False), "mended")
    first, second = film.takes
    assert (first.clip, first.stopped, first.failure, first.error) == (None, 0.25, None, None)
    assert first.verdict is not None
    assert not first.verdict.accepted
    assert first.verdict.findings[0].words == "the ball is blue, not red"
    assert "exactly this color" in second.request.prompt
    assert second.request.seed != first.request.seed
    assert (second.accepted, second.stopped) == (True, None)
    assert not film.given_up
    (told,) = [event for event in events if isinstance(event, TakeStopped)]
    assert ended(told) == f"take 1 of {first.shot} stopped at 25%: the ball is blue, not red"
    assert json.loads(Path(film.folder, "manifest.json").read_text())["timings"]["stopped_early"] == 1


def test_the_last_take_is_never_stopped():
    film, _ = filmed(Studio(early_stop=True, takes=3), "hopeless")
    assert [take.stopped for take in film.takes] == [0.25, 0.25, None]
    assert film.takes[-1].clip is not None
    assert [cut.attempt for cut in film.timeline] == [3]
    assert [one.kind for one in film.given_up] == ["not accepted"]


def test_with_one_take_a_shot_nothing_is_stopped():
    film, events = filmed(Studio(early_stop=True, takes=1), "hopeless")
    assert [take.stopped for take in film.takes] == [None]
    assert not [event for event in events if isinstance(event, TakeStopped)]


@pytest.mark.parametrize("asked", [False, None])
def test_without_being_asked_no_model_is_stopped_with_which_it_was_not_measured(asked: bool | None):
    film, _ = filmed(Studio(early_stop=asked, takes=2), "hopeless")
    assert [take.stopped for take in film.takes] == [None, None]


def test_what_was_stopped_is_not_rendered_again(monkeypatch: pytest.MonkeyPatch):
    """A kill between a take and its checkpoint has the step run again."""
    studio = Studio(early_stop=True, takes=2)
    film, _ = filmed(studio, "hopeless")
    begun = list(Foreseeing.begun)
    assert len(begun) == 2
    again = studio.resume(film.id, rebuild=True)
    assert Foreseeing.begun == begun
    assert [take.stopped for take in again.takes] == [0.25, None]


def test_a_stopped_render_leaves_its_job_free_and_no_failure(tmp_path: Path):
    studio = Studio(early_stop=True, takes=2)
    film, _ = filmed(studio, "hopeless")
    with studio.ledger() as ledger:
        stopped: Any = ledger.jobs.job(film.takes[0].request.digest)
        assert (stopped.state, stopped.owner) == ("waiting", None)
        assert film.takes[0].request.digest not in {digest for digest, count in ledger.renders().items() if count}


def test_pages_of_a_film_with_a_stopped_take_say_so(kinograph, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KINOGRAPH_EARLY_STOP", "true")
    status, _, err = kinograph("make", BRIEF, "--model", "mended", "--frames", "12", "--size", "96x64")
    assert status == 0, err
    assert "stopped at 25%: the ball is blue, not red" in err
    assert kinograph("show")[0] == 0
