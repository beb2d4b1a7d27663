"""kinograph memory: what is remembered is listed, drawn, checked, seen anew, dropped where nothing needs it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kinograph import Studio
from kinograph.film import Film
from kinograph.memory.embedders import PixelEmbedder
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.keyframes import Keyframes
from kinograph.memory.reembedding import AT_ONCE, stale

SMALL: dict[str, Any] = {"width": 128, "height": 72, "frames": 8, "seed": 3}
FIRST = "A red ball rolls across the meadow. Then the red ball bounces over the sea."


@pytest.fixture
def film() -> Film:
    studio = Studio()
    return studio.make(studio.brief(FIRST, series="Tales", **SMALL))


def rows(kinograph, *more: str) -> list[dict]:
    status, out, err = kinograph("memory", "list", "--json", *more)
    assert status == 0, err
    return json.loads(out)


def again(film: Film, shot: str) -> None:
    """Has a shot leave something else, as when it is made again."""
    with closing(Studio().keyframes(film.id)) as keyframes:
        old = next(left for left in keyframes.versions(shot) if left.counts).keyframes
        frame = Studio().remembered(old[0].picture)
        keyframes.replace(shot, [(one.changed(take=one.take + 1, version=1), frame) for one in old])


def test_lists_what_a_film_and_its_series_remember(kinograph, film: Film):
    mine = rows(kinograph, film.id)
    shots = {one["keyframe"]["shot"] for one in mine}
    assert shots == {cut.shot for cut in film.timeline}
    assert {one["keyframe"]["role"] for one in mine} == {"identity", "setting", "look", "last"}
    assert {one["keyframe"]["take"] for one in mine} == {cut.attempt for cut in film.timeline}
    assert {one["words"] for one in rows(kinograph, "--series", "Tales")} >= {"meadow", "sea"}
    assert len(rows(kinograph)) > len(mine)
    status, out, _ = kinograph("memory", "list", film.id)
    assert (status, "pixels-1" in out, "meadow" in out) == (0, True, True)


def test_who_is_not_remembered_is_told_who_is(kinograph, film: Film):
    status, _, err = kinograph("memory", "list", "nobody")
    assert (status, f"unknown production in memory 'nobody'; available: {film.id}" in err) == (2, True)
    assert kinograph("memory", "show", "--series", "Nobody")[0] == 2


def test_an_empty_home_remembers_nothing_and_stays_empty(kinograph, home: Path):
    assert rows(kinograph) == []
    assert kinograph("memory", "show")[0] == 2
    assert kinograph("memory", "check")[0] == 0
    assert not (home / "keyframes.sqlite").exists()


def test_draws_a_sheet_of_what_is_remembered(kinograph, film: Film, tmp_path: Path):
    status, out, _ = kinograph("memory", "show", film.id, "--out", "sheet.png")
    assert (status, out.strip()) == (0, str(tmp_path / "sheet.png"))
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.height > 300, "a row for each of five things"


def test_a_whole_memory_is_found_whole_and_a_damaged_record_is_named(kinograph, film: Film, home: Path):
    status, out, _ = kinograph("memory", "check", "--json")
    found = json.loads(out)
    assert (status, found["damaged"], found["lost"], found["rebuilt"], found["busy"]) == (0, [], [], [], [])
    assert found["keyframes"] == len(rows(kinograph))
    with closing(sqlite3.connect(home / "keyframes.sqlite")) as db, db:
        db.execute("UPDATE keyframes SET vector = zeroblob(30) WHERE rowid = 1")
    status, _, err = kinograph("memory", "check")
    assert status == 5
    assert "1 records are damaged" in err
    assert "its vector is 30 bytes long" in err


def test_check_makes_an_index_anew_and_says_so(kinograph, film: Film, home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KINOGRAPH_INDEX", "chroma")
    assert json.loads(kinograph("memory", "check", "--json")[1])["rebuilt"] == [], "there was none to be wrong"
    for file in (home / "index" / film.id).rglob("*"):
        if file.is_file():
            file.write_bytes(b"\xff" * file.stat().st_size)
    status, _, err = kinograph("memory", "check", film.id)
    assert (status, f"the index of {film.id} was damaged or behind and is made anew" in err) == (0, True)


def test_a_film_that_is_being_made_is_left_alone(kinograph, film: Film):
    studio = Studio()
    with studio.owning(Path(film.folder), film.id):
        assert json.loads(kinograph("memory", "check", film.id, "--json")[1])["busy"] == [film.id]


# ---------------------------------------------------------------------------------------- embedders


def test_a_series_of_another_embedder_is_refused_before_a_film_and_seen_anew_by_the_command(
    kinograph, film: Film, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KINOGRAPH_EMBEDDER", "storyworld-clip")
    status, _, err = kinograph("make", "The ball sleeps.", "--series", "Tales", "--out", "second")
    assert status == 2
    assert "remembered by 'pixels-1', not by 'storyworld-clip" in err
    assert "kinograph memory reembed --series Tales" in err
    assert not Path("second").exists()
    assert kinograph("show", "--series", "Tales")[0] == 0, "it can be looked at all the same"
    status, out, _ = kinograph("memory", "reembed", "--series", "Tales")
    assert (status, "keyframes are remembered by storyworld-clip" in out) == (0, True)
    assert {one["embedder"][:10] for one in rows(kinograph, "--series", "Tales")} == {"storyworld"}
    assert {one["embedder"] for one in rows(kinograph, film.id)} == {"pixels-1"}
    assert Studio()._known(Studio().brief("a ball", series="Tales"))
    assert json.loads(kinograph("memory", "reembed", "--all", "--json")[1])["done"] == len(rows(kinograph, film.id))
    assert json.loads(kinograph("memory", "reembed", "--all", "--json")[1])["done"] == 0


def test_reembed_wants_to_know_whose(kinograph):
    assert "name a production, or a series with --series, or give --all" in kinograph("memory", "reembed")[2]
    assert kinograph("memory", "reembed", "p", "--all")[0] == 2


def test_reembedding_that_is_stopped_goes_on_where_it_was(
    kinograph, tmp_path: Path, home: Path, noise, monkeypatch: pytest.MonkeyPatch
):
    from kinograph.tools.footage import png

    studio, many = Studio(), 2 * AT_ONCE + 3
    keyframes = Keyframes(home / "keyframes.sqlite", tmp_path / "index", "p", PixelEmbedder())
    for n in range(many):
        frame = noise(n, frames=1)[0]
        picture = studio.vault.keep_picture(png(frame)) if n != 1 else "lost"
        keyframes.remember(
            Keyframe(production="p", shot=f"s{n}", role="last", about="x", picture=picture, frame=n), frame
        )
    monkeypatch.setenv("KINOGRAPH_EMBEDDER", "storyworld-clip")
    seen, embed = [0], type(embedder := __import__("kinograph.memory.clip", fromlist=["x"]).ClipEmbedder()).embed

    def stopped(self, frames):
        seen[0] += 1
        if seen[0] == AT_ONCE + 5:
            raise KeyboardInterrupt
        return embed(self, frames)

    monkeypatch.setattr(type(embedder), "embed", stopped)
    status, _, err = kinograph("memory", "reembed", "p")
    assert (status, "the same command goes on" in err) == (130, True)
    with closing(sqlite3.connect(home / "keyframes.sqlite")) as db:
        assert len(stale(db, embedder.name)) == many - AT_ONCE + 1
    status, out, _ = kinograph("memory", "reembed", "p", "--json")
    assert (status, json.loads(out)) == (
        0,
        {"embedder": embedder.name, "done": many - AT_ONCE, "lost": 1, "busy": []},
    )


# ----------------------------------------------------------------------------------------- versions


def test_pruning_keeps_what_the_film_shows_and_what_counts(kinograph, film: Film):
    shot = film.timeline[0].shot
    before = rows(kinograph, film.id)
    for _ in range(2):
        again(film, shot)
    several = rows(kinograph, film.id, "--all")
    versions = {one["keyframe"]["version"] for one in several if one["keyframe"]["shot"] == shot}
    assert versions == {1, 2, 3}
    assert len(rows(kinograph, film.id)) == len(before)
    status, out, _ = kinograph("memory", "prune", "--json")
    assert (status, list(json.loads(out))) == (0, [film.id])
    left = {(one["keyframe"]["version"], one["counts"]) for one in rows(kinograph, film.id, "--all")}
    assert left == {(1, True), (1, False), (3, True)}, "the film shows the first version, the third counts"
