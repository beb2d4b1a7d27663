"""A finished film keeps the memory bounded, and what was forgotten is looked at again when it is needed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kinograph import Settings, Studio
from kinograph.events import Event, Finished, Forgot, Warned
from kinograph.film import Film
from kinograph.memory.holdings import holdings, many
from kinograph.settings import MemorySettings
from kinograph.telling import forgotten

SMALL: dict[str, Any] = {"width": 128, "height": 72, "frames": 8, "seed": 3}
FIRST = "A red ball rolls across the meadow. Then the red ball bounces over the sea."
SECOND = "A blue bird flies over the sea. Then the blue bird spins in the snow."


def studio(**memory: int) -> Studio:
    return Studio(Settings.load(memory=MemorySettings.model_validate(memory)))


def filmed(by: Studio, text: str, out: str, **wishes: Any) -> tuple[Film, list[Event]]:
    events = list(by.stream(by.brief(text, **SMALL, **wishes), out=out))
    assert isinstance(events[-1], Finished)
    return events[-1].film, events


def remembered(by: Studio, film: Film) -> dict[str, tuple[str, bytes]]:
    """Id -> picture and vector of what counts."""
    kept = holdings(by.keyframes_file, film.id)
    return {one.keyframe.id: (one.keyframe.picture, one.vector.tobytes()) for one in kept if one.counts}


def told(events: list[Event]) -> Forgot | None:
    return next((one for one in events if isinstance(one, Forgot)), None)


def test_the_oldest_films_forget_what_says_least_and_the_newest_is_finished_all_the_same():
    plain = studio()
    first, events = filmed(plain, FIRST, "one")
    assert told(events) is None, "within its bounds nothing is forgotten"
    before = len(remembered(plain, first))
    bounded = studio(keyframes=before)
    second, events = filmed(bounded, SECOND, "two")
    forgot = told(events)
    assert forgot is not None
    count = many(bounded.keyframes_file)
    assert sum(count.values()) == before
    assert (forgot.thinned, forgot.superseded, first.id in forgot.films) == (count_of(second, bounded, first), 0, True)
    assert f"forgot {forgot.thinned} keyframes" in forgotten(forgot)
    roles = {one.keyframe.role for one in holdings(bounded.keyframes_file, first.id)}
    assert {"identity", "setting"} <= roles, "the best view of everybody and everywhere stays longest"


def count_of(second: Film, by: Studio, first: Film) -> int:
    """How many were remembered before anything was forgotten, less what is there."""
    alone = Studio(Settings.load(home=by.settings.home.parent / "elsewhere", memory=MemorySettings(keyframes=0)))
    made = [alone.make(alone.brief(text, **SMALL), out=f"alone-{n}") for n, text in enumerate((FIRST, SECOND))]
    return sum(many(alone.keyframes_file)[film.id] for film in made) - sum(many(by.keyframes_file).values())


def test_without_bounds_nothing_is_forgotten():
    unbounded = studio(keyframes=0, views=0)
    film, events = filmed(unbounded, FIRST, "one")
    with closing(unbounded.keyframes(film.id)) as keyframes:
        shot = film.timeline[0].shot
        frame = np.zeros((8, 8, 3), np.uint8)
        keyframes.replace(shot, [(one.changed(take=9, version=1), frame) for one, _ in keyframes.records()[:1]])
    assert told(events) is None
    again = list(unbounded.resume_stream("one", rebuild=True))
    assert told(again) is None


def test_a_film_that_is_opened_again_looks_again_at_what_it_forgot():
    plain = studio()
    film, _ = filmed(plain, FIRST, "one")
    whole = remembered(plain, film)
    bounded = studio(keyframes=1)
    bounded.make(bounded.brief(SECOND, **SMALL), out="two")
    assert len(remembered(bounded, film)) < len(whole)
    with closing(bounded.keyframes(film.id)) as keyframes:
        assert keyframes.thinned() == {cut.shot for cut in film.timeline}
    again = plain.resume("one", rebuild=True)
    assert [take.request for take in again.takes] == [take.request for take in film.takes], "nothing is rendered anew"
    assert remembered(plain, film) == whole
    with closing(plain.keyframes(film.id)) as keyframes:
        assert keyframes.thinned() == set()


def test_a_version_that_counts_again_leaves_its_series_what_it_left_before():
    plain = studio()
    film, _ = filmed(plain, FIRST, "one", series="Tales")
    before = plain.series("Tales")
    bounded = studio(keyframes=1)
    bounded.make(bounded.brief(SECOND, **SMALL), out="two")
    assert not remembered(bounded, film)
    bounded.stand(film.id, film.brief)  # as after an undo
    assert bounded.series("Tales") == before


def test_open_films_and_those_of_whom_pictures_were_given_forget_nothing(tmp_path: Path):
    picture = tmp_path / "ball.png"
    Image.fromarray(np.full((64, 64, 3), (200, 30, 30), np.uint8)).save(picture)
    plain = studio()
    shown, _ = filmed(plain, FIRST, "one", cast={"the ball": picture})
    open_film = plain.stream(plain.brief(SECOND, **SMALL), out="two")
    opened = next(open_film)
    for event in open_film:
        if type(event).__name__ == "ShotSettled":
            break
    left = open_film.close()
    assert left is None
    waiting = many(plain.keyframes_file)[opened.id]  # type: ignore[attr-defined]
    mine = {id for id, _ in remembered(plain, shown).items()}
    bounded = studio(keyframes=1, views=1)
    bounded.make(bounded.brief("A white cat walks in the city.", **SMALL), out="three")
    assert many(plain.keyframes_file)[opened.id] == waiting  # type: ignore[attr-defined]
    kept = holdings(plain.keyframes_file, shown.id)
    assert kept
    assert {one.keyframe.role for one in kept} == {"identity"}
    assert {one.keyframe.id for one in kept} <= mine
    assert len(kept) == sum(one.keyframe.role == "identity" for one in kept)


def test_a_bound_that_is_none_is_told(kinograph, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KINOGRAPH_MEMORY__VIEWS", "-1")
    status, _, err = kinograph("show")
    assert status == 2
    assert "memory.views = '-1'" in err


def test_a_memory_that_cannot_be_bounded_keeps_no_film_from_being_finished(monkeypatch: pytest.MonkeyPatch):
    from kinograph.errors import StorageError

    def full(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr("kinograph.forgetting.forget", full)
    film, events = filmed(studio(), FIRST, "one")
    assert [one.words for one in events if isinstance(one, Warned)] == ["the memory is not bounded: the disk is full"]
    assert Path(film.folder, "film.mp4").is_file()
