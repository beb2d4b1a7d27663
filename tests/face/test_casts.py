"""Casts: folders of pictures that go out and come back, the user's own photos, and a series that knows its people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kinograph import Studio
from kinograph.events import Finished, Warned
from kinograph.film import Film

SMALL: dict[str, Any] = {"width": 128, "height": 72, "frames": 8, "seed": 3}
FIRST = "A red ball rolls across the meadow. Then the red ball bounces over the sea."


def make(text: str, out: str, **wishes: Any) -> Film:
    studio = Studio()
    return studio.make(studio.brief(text, **{**SMALL, **wishes}), out=out)


def photo(path: Path, color: tuple[int, int, int] = (45, 125, 210)) -> Path:
    picture = np.full((60, 80, 3), 235, np.uint8)
    picture[15:45, 25:55] = color
    Image.fromarray(picture).save(path)
    return path


@pytest.mark.parametrize("of", ["series", "production"])
def test_a_cast_goes_out_and_comes_back(kinograph, tmp_path: Path, of: str):
    film = make(FIRST, "one", series="Tales")
    whose = ("--series", "Tales") if of == "series" else (film.id,)
    status, out, err = kinograph("memory", "export-cast", "cast", *whose)
    assert (status, out.startswith("a red ball: ")) == (0, True), err
    (told,) = json.loads(Path("cast/cast.json").read_text())["cast"]
    assert (told["words"], told["kind"], told["color"]) == ("a red ball", "ball", "red")
    assert sorted(one["file"] for one in told["views"]) == sorted(one.name for one in Path("cast").glob("*.png"))
    for _ in range(2):
        assert kinograph("memory", "import-cast", "cast", "--series", "Other")[0] == 0
    known = Studio().series("Other")
    assert len(known) == len(told["views"]), "the same once more replaces it"
    assert {one.keyframe.picture for one in known} <= {path.stem for path in (tmp_path / "home").rglob("*.png")}
    assert all(one.keyframe.given for one in known)
    assert kinograph("memory", "check")[0] == 0
    second = make("The ball spins in the snow.", "two", series="Other")
    assert second.storyboard.cast[0].words == "a red ball"
    assert {one.why for take in second.takes for one in take.held} == {"a red ball as the user gave it"}
    assert kinograph("memory", "export-cast", "cast", *whose)[0] == 2, (
        "a folder that has something in it stays as it is"
    )


@pytest.mark.parametrize(
    ("cast", "says"),
    [
        ("{", "cast.json"),
        ('{"cast": [{"words": "a cat", "views": [{"file": "cat.png"}]}]}', "kind"),
        ('{"cast": [{"words": "a cat", "kind": "cat", "views": [{"file": "../cat.png"}]}]}', "not inside"),
        ('{"cast": [{"words": "a cat", "kind": "cat", "views": [{"file": "/etc/passwd"}]}]}', "not inside"),
        ('{"cast": [{"words": "a cat", "kind": "cat", "views": [{"file": "out.png"}]}]}', "not inside"),
        ('{"cast": [{"words": "a cat", "kind": "cat", "views": [{"file": "text.png"}]}]}', "not a PNG"),
        ('{"cast": [{"words": "a cat", "kind": "cat", "views": [{"file": "none.png"}]}]}', "cannot be opened"),
    ],
)
def test_a_folder_that_is_no_cast_is_refused_in_one_line_and_nothing_is_known(kinograph, cast: str, says: str):
    folder = Path("mine")
    folder.mkdir()
    photo(Path("cat.png"))
    (folder / "text.png").write_text("hello")
    (folder / "out.png").symlink_to(Path("cat.png").absolute())
    (folder / "cast.json").write_text(cast)
    status, _, err = kinograph("memory", "import-cast", "mine", "--series", "Tales")
    assert (status, says in err, err.count("\n")) == (2, True, 1), err
    assert kinograph("memory", "list", "--series", "Tales")[0] == 2


def test_a_photo_says_how_somebody_looks(kinograph, tmp_path: Path):
    picture = photo(tmp_path / "cat.png")
    film = make("A cat runs through the city. Then the cat sleeps.", "one", cast={"cat": picture})
    assert film.takes[0].held[0].why == "a cat as the user gave it"
    assert "a blue cat" in film.takes[0].request.prompt, "its colour was not told but is to be seen"
    assert kinograph("show", film.id)[1].count("as the user gave it") >= 1
    manifest = json.loads(Path("one/manifest.json").read_text())
    assert manifest["takes"][0]["held"][0]["shows"] == "identity of cat as the user gave it"
    plain = make("A cat runs through the city.", "two")
    assert plain.takes[0].held == ()
    assert "blue" not in plain.takes[0].request.prompt


def test_a_photo_of_nobody_in_the_film_is_told(tmp_path: Path):
    studio = Studio()
    brief = studio.brief("A cat runs.", **SMALL, cast={"dog": photo(tmp_path / "dog.png")})
    events = list(studio.stream(brief, out="one"))
    assert any(isinstance(one, Warned) and "nobody in the film is 'dog'" in one.words for one in events)
    assert isinstance(events[-1], Finished)


@pytest.mark.parametrize("told", ["cat", "=cat.png", "cat="])
def test_a_photo_without_a_name_is_refused(kinograph, told: str):
    status, _, err = kinograph("make", "A cat runs.", "--cast", told, "--dry-run")
    assert (status, "should be NAME=PHOTO" in err) == (2, True)


# ------------------------------------------------------------------------------------------ series


@pytest.mark.parametrize("said", ["The same ball as yesterday spins", "The ball from the last film spins"])
def test_the_same_ball_as_yesterday_is_the_one_of_the_last_film(said: str):
    make("A green ball rolls across the meadow.", "zero", series="Tales")
    make(FIRST, "one", series="Tales")
    film = make(f"{said} in the snow.", "two", series="Tales")
    assert [one.words for one in film.storyboard.cast] == ["a red ball"], "of two the one that was told of last"
    assert "a red ball" in film.takes[0].request.prompt
    assert any("of the same series" in one.why for one in film.takes[0].held)
    doubtful = make("The ball spins in the snow.", "three", series="Tales")
    assert doubtful.storyboard.cast[0].color is None, "the series knows two, and nobody says which"


def test_somebody_with_a_name_is_the_same_in_the_next_film():
    make("A girl named Rosa walks through the city.", "one", series="Tales")
    studio = Studio()
    rosa = studio.plan(studio.brief("Rosa walks in the snow.", **SMALL, series="Tales")).storyboard.cast[0]
    tom = studio.plan(studio.brief("Tom walks in the snow.", **SMALL, series="Tales")).storyboard.cast[0]
    assert (rosa.kind, rosa.words) == ("girl", "Rosa, a girl")
    assert tom.words == "Tom"
