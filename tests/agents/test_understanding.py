"""What a chat says of a storyboard: exactly the shots that were asked for change, and to what was asked."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph.agents import edits
from kinograph.agents.english.pieces import sentences
from kinograph.agents.revising import Draft, revise
from kinograph.agents.understanding import understand
from kinograph.agents.wish import Wish
from kinograph.film import Appearance, Brief, Character, Motion, Scene, Shot, Storyboard

BALL = Character(id="red-ball", kind="ball", color="red", words="a red ball")
STAR = Character(id="yellow-star", kind="star", color="yellow", words="a yellow star")


def scene(id: str, setting: str, time: str, *acts: tuple[str, Motion]) -> Scene:
    cast = tuple(Appearance(who=who, motion=motion) for who, motion in acts)
    shot = {"id": f"{id}.1", "scene": id, "text": id, "cast": cast, "setting": setting, "time": time, "seconds": 1.0}
    return Scene.model_validate({"id": id, "setting": setting, "time": time, "shots": (Shot.model_validate(shot),)})


BOARD = Storyboard(
    title="T",
    cast=(BALL, STAR),
    scenes=(
        scene("s1", "meadow", "sunset", ("red-ball", "moves right")),
        scene("s2", "sea", "night", ("red-ball", "bounces"), ("yellow-star", "spins")),
        scene("s3", "snow", "day", ("yellow-star", "spins")),
    ),
)
WORDS = 'I did not understand "'


def said(words: str, focus: Sequence[str] = (), board: Storyboard = BOARD) -> list[edits.Edit]:
    return understand(Wish(words=words, storyboard=board, versions=("v1",), focus=tuple(focus)))


def after(words: str, board: Storyboard = BOARD) -> Storyboard:
    return revise(Draft(brief=Brief(text="-"), storyboard=board), said(words, board=board)).storyboard


def changed(words: str, *fields: str) -> dict[int, tuple[str, ...]]:
    """Place of every shot that is another one -> these fields of it; all else must be as it was."""
    found = {}
    board = after(words)
    assert [shot.id for shot in board.shots] == [shot.id for shot in BOARD.shots]
    assert board.cast == BOARD.cast
    for place, (old, new) in enumerate(zip(BOARD.shots, board.shots, strict=True), 1):
        same = {"scene": old.scene, "needs": old.needs} | {field: getattr(old, field) for field in fields}
        assert new.changed(**same) == old, words
        if any(getattr(new, field) != getattr(old, field) for field in fields):
            found[place] = tuple(str(getattr(new, field)) for field in fields)
    return found


def hues(words: str, before: Storyboard = BOARD) -> list[list[str | None]]:
    """The colours in every shot."""
    board = after(words, before)
    return [[board.character(one.who).color for one in shot.cast] for shot in board.shots]


def order(words: str) -> str:
    """The first numbers of the ids of the shots, in their order."""
    return " ".join(shot.id[1] for shot in after(words).shots)


def unclear(words: str, focus: Sequence[str] = ()) -> str:
    found = said(words, focus)
    assert [type(edit) for edit in found] == [edits.Unclear], words
    (edit,) = found
    assert isinstance(edit, edits.Unclear)
    assert "\n" not in edit.hint
    return edit.hint


@pytest.mark.parametrize(
    "words",
    [
        "shot 2 takes place in a city",
        "shot two takes place in a city",
        "shot no. 2 takes place in a city",
        "2 takes place in a city",
        "scene 2 should take place in a city",
        "the second takes place in a city",
        "put the second shot into the city",
        "in the second one, use a city",
        "shot 2: in a city",
        "how about a city for shot 2?",
        "in shot 2 replace the sea with a city",
        "replace the sea with a city",
        "shot 2 in a city, not by the sea",
    ],
)
def test_a_place_said_of_one_shot_is_that_of_no_other(words: str):
    assert changed(words, "setting") == {2: ("city",)}


@pytest.mark.parametrize(
    ("words", "places"),
    [
        ("the opening takes place in a city", [1]),
        ("start in a city", [1]),
        ("the film ends in a city", [3]),
        ("the ending takes place in a city", [3]),
        ("shots 1 and 3 take place in a city", [1, 3]),
        ("shot 1 and shot 3 take place in a city", [1, 3]),
        ("shots 1-2 take place in a city", [1, 2]),
        ("both the first and the last shot take place in a city", [1, 3]),
        ("every shot but the second takes place in a city", [1, 3]),
        ("all shots except shot 2 take place in a city", [1, 3]),
        ("the film takes place in a city", [1, 2, 3]),
        ("everything takes place in a city", [1, 2, 3]),
    ],
)
def test_a_place_said_of_several_shots_is_that_of_just_these(words: str, places: list[int]):
    assert changed(words, "setting") == dict.fromkeys(places, ("city",))


@pytest.mark.parametrize(
    ("words", "times"),
    [
        ("make shots 2 and 3 dawn", {2: "dawn", 3: "dawn"}),
        ("the last two at dawn", {2: "dawn", 3: "dawn"}),
        ("everything except shot 1 at dawn", {2: "dawn", 3: "dawn"}),
        ("make it dawn except in shot 1", {2: "dawn", 3: "dawn"}),
        ("everything at dawn", {1: "dawn", 2: "dawn", 3: "dawn"}),
        ("not only in shot 2 but everywhere at dawn", {1: "dawn", 2: "dawn", 3: "dawn"}),
        ("make everything in shot 2 dawn", {2: "dawn"}),
        ("the first half of the film at dawn", {1: "dawn", 2: "dawn"}),
        ("shot 1 at night, shot 3 at dawn", {1: "night", 3: "dawn"}),
        ("make shot 1 night and the others dawn", {1: "night", 2: "dawn", 3: "dawn"}),
        ("make shot 1 night. Everything else at dawn.", {1: "night", 2: "dawn", 3: "dawn"}),
        ("turn night into dawn", {2: "dawn"}),
    ],
)
def test_a_time_is_that_of_the_shots_it_is_said_of(words: str, times: dict[int, str]):
    assert changed(words, "time") == {place: (time,) for place, time in times.items()}


def test_what_goes_on_without_naming_shots_stays_with_those_before():
    assert changed("make shot 1 at night and zoom in", "time", "camera") == {1: ("night", "zoom in")}
    found = said("in shot 2, make the ball blue and zoom in")
    assert [getattr(edit, "shots", None) for edit in found] == [("s2.1",), ("s2.1",)]
    added = after("add a shot after shot 1 and make it night")
    assert [shot.time for shot in added.shots] == ["sunset", "night", "night", "day"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("in the last shot the star should be blue", [["red"], ["red", "yellow"], ["blue"]]),
        ("the star in shot 2 should be blue", [["red"], ["red", "blue"], ["yellow"]]),
        ("make the ball green", [["green"], ["green", "yellow"], ["yellow"]]),
        ("the ball becomes green", [["green"], ["green", "yellow"], ["yellow"]]),
        ("in shot 2 the ball is blue and the star is green", [["red"], ["blue", "green"], ["yellow"]]),
        ("the ball is blue and the star is green in shot 2", [["red"], ["blue", "green"], ["yellow"]]),
        ("make the ball blue and the star green", [["blue"], ["blue", "green"], ["green"]]),
        ("make the ball and the star blue", [["blue"], ["blue", "blue"], ["blue"]]),
        ("make the ball blue in shot 1 and shot 2", [["blue"], ["blue", "yellow"], ["yellow"]]),
        ("make the star green from shot 2 on", [["red"], ["red", "green"], ["green"]]),
        ("from the second shot onwards the ball should be blue", [["red"], ["blue", "yellow"], ["yellow"]]),
        ("starting with shot 3 to the end, make the star blue", [["red"], ["red", "yellow"], ["blue"]]),
        ("make the ball blue up to shot 1", [["blue"], ["red", "yellow"], ["yellow"]]),
        ("in shot 1 the ball turns blue", [["blue"], ["blue", "yellow"], ["yellow"]]),
        ("in shot 2 the star becomes green", [["red"], ["red", "green"], ["green"]]),
        ("turn the star green in shot 2", [["red"], ["red", "green"], ["yellow"]]),
        ("make the star green from shot 9 on", [["red"], ["red", "yellow"], ["yellow"]]),
    ],
)
def test_a_colour_is_that_of_its_character_in_its_shots(words: str, wanted: list[list[str]]):
    assert hues(words) == wanted


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("make the ball blue from shot 3 on", ["red", "green", "blue"]),
        ("the ball should be blue in shot 2", ["red", "blue", "green"]),
        ("make the green ball blue in shot 3", ["red", "green", "blue"]),
        ("make the ball blue in shot 1", ["blue", "green", "green"]),
    ],
)
def test_who_changes_in_the_story_is_meant_in_the_look_of_the_shots_named(words: str, wanted: list[str]):
    shots = [scene(f"s{n}", "sea", "day", (who, "stays")) for n, who in enumerate(("red-ball", "green", "green"), 1)]
    green = BALL.changed(id="green", color="green", words="a green ball", of="red-ball", state="green")
    board = Storyboard(title="T", cast=(BALL, green), scenes=tuple(shots))
    assert [one[0] for one in hues(words, board)] == wanted


def test_a_story_that_goes_on_with_a_change_has_another_look_in_the_new_shots():
    board = after("Then the star turns green and rises. Next it falls.")
    new = [[board.character(one.who) for one in shot.cast] for shot in board.shots[3:]]
    assert [[(one.identity, one.color) for one in cast] for cast in new] == [[("yellow-star", "green")]] * 2
    assert [one.who for one in board.shots[2].cast] == ["yellow-star"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("swap shots 1 and 2", "2 1 3"),
        ("swap the first two shots", "2 1 3"),
        ("change the order of shots 1 and 2", "2 1 3"),
        ("shot 3 should come first", "3 1 2"),
        ("shot 3 comes before shot 2", "1 3 2"),
        ("shot 1 goes last", "2 3 1"),
        ("let the film start with shot 3", "3 1 2"),
        ("the first shot should be the last", "2 3 1"),
        ("drop the third shot", "1 2"),
        ("shot 2 should be removed", "1 3"),
        ("I don't need shot 2", "1 3"),
        ("keep only shot 2", "2"),
        ("remove everything but shot 2", "2"),
        ("remove everything after shot 1", "1"),
        ("remove shot two and shot three", "1"),
        ("swap 2 and 3 and remove the last shot", "1 3"),
    ],
)
def test_shots_are_moved_and_dropped_as_said_and_stay_as_they_were(words: str, wanted: str):
    assert order(words) == wanted
    for shot in after(words).shots:
        assert shot.changed(needs=()) == BOARD.shot(shot.id).changed(needs=())


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("add a shot where the ball spins in space", 4),
        ("one more shot: the ball spins in space", 4),
        ("add a fourth shot where the ball spins in space", 4),
        ("add a second shot where the ball spins in space", 2),
        ("after shot 1, add a shot where the ball spins in space", 2),
        ("after the first shot, insert one where the ball spins in space", 2),
        ("insert a shot between shot 1 and shot 2 where the ball spins in space", 2),
    ],
)
def test_a_new_shot_stands_where_it_was_asked_for(words: str, place: int):
    shots = after(words).shots
    new = shots[place - 1]
    assert (new.setting, [(one.who, one.motion) for one in new.cast]) == ("space", [("red-ball", "spins")])
    assert [one.id for one in shots if one is not new] == [one.id for one in BOARD.shots]


@pytest.mark.parametrize(
    ("words", "cast"),
    [
        ("the ball should also be in shot 3", {3: ["yellow-star spins", "red-ball stays"]}),
        ("shot 2 without the star", {2: ["red-ball bounces"]}),
        ("the star should not be in shot 2", {2: ["red-ball bounces"]}),
        ("in shot 3 the star doesn't move", {3: ["yellow-star stays"]}),
    ],
)
def test_who_is_there_and_who_is_not_is_as_said(words: str, cast: dict[int, list[str]]):
    was = {n: [f"{one.who} {one.motion}" for one in shot.cast] for n, shot in enumerate(BOARD.shots, 1)}
    now = {n: [f"{one.who} {one.motion}" for one in shot.cast] for n, shot in enumerate(after(words).shots, 1)}
    assert now == was | cast


@pytest.mark.parametrize(
    "words", ["undo", "undo that", "take it back", "put it back", "change that back", "revert that"]
)
def test_undo_in_other_words_takes_back_one_step(words: str):
    assert said(words) == [edits.Undo()]


@pytest.mark.parametrize(
    "words", ["shot 2 takes 3 seconds", "shot 2 should take 3 seconds", "let shot 2 last 3 seconds"]
)
def test_seconds_that_a_shot_takes_are_its_length_and_no_take(words: str):
    assert said(words) == [edits.Length(shots=("s2.1",), seconds=3.0)]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("shot twenty takes place in a city", 'I did not understand which shot "shot twenty takes place in a city"'),
        ("the other shots at night", 'I did not understand which shot "the other shots at night"'),
        ("make the scene night", 'I did not understand which shot "make the scene night"'),
        ("shot 7 takes place in a city", "shot 7 does not exist; there are 3 shots"),
        ("swap 1 and 9", "does not exist; there are 3 shots"),
        ("add a shot after shot 9 where the ball spins", "shot 9 does not exist; there are 3 shots"),
        ("in the last shot the ball should be blue", "a red ball is not in shot 3"),
        ("remove the dragon from shot 2", WORDS + "remove the dragon from shot 2"),
        ("remove everything but the ball", WORDS + "remove everything but the ball"),
        ("why is shot 2 at night?", WORDS + "why is shot 2 at night"),
        ("is shot 2 at dawn?", WORDS + "is shot 2 at dawn"),
        ("don't make shot 2 a city", WORDS + "don't make shot 2 a city"),
        ("shot 2 should not be at dawn", WORDS + "shot 2 should not be at dawn"),
        ("replace the desert with a forest", "no shot has setting desert"),
    ],
)
def test_what_is_not_understood_is_said_in_a_line_and_changes_nothing(words: str, hint: str):
    assert hint in unclear(words)
    assert after(words) == BOARD


def test_the_others_are_all_but_the_shots_last_spoken_of():
    assert said("the others at dawn", focus=["s2.1"]) == [edits.Change(shots=("s1.1", "s3.1"), time="dawn")]


def test_a_shot_of_a_film_of_one_needs_no_number():
    alone = BOARD.changed(scenes=BOARD.scenes[:1])
    assert understand(Wish(words="the shot takes place at night", storyboard=alone)) == [
        edits.Change(shots=("s1.1",), time="night")
    ]


MENTIONS = {
    "shot 1": [1], "the second shot": [2], "the last shot": [3], "shots 1 and 3": [1, 3], "shots 2 to 3": [2, 3],
    "the first two shots": [1, 2], "all but the first shot": [2, 3], "all shots": [1, 2, 3], "shot three": [3],
    "the sea shot": [2], "every shot except shot 3": [1, 2],
}  # fmt: skip
SAYINGS = (
    "make {} dawn", "{} at dawn", "{} should be at dawn", "it should be dawn in {}", "change {} to dawn",
    "let {} take place at dawn", "please set {} at dawn", "in {} it is dawn", "{}: dawn",
)  # fmt: skip


@settings(max_examples=99, deadline=None)
@given(st.sampled_from(sorted(MENTIONS)), st.sampled_from(SAYINGS))
def test_however_shots_are_named_and_a_time_is_said_they_alone_get_it(mention: str, saying: str):
    wanted = dict.fromkeys(MENTIONS[mention], ("dawn",))
    assert changed(saying.format(mention), "time") == wanted


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("make shot 1 and shot 3 darker", ["make shot 1 and shot 3 darker"]),
        ("in the second one, use a forest", ["in the second one, use a forest"]),
        ("shot 1 at night, shot 2 and shot 3 by day", ["shot 1 at night", "shot 2 and shot 3 by day"]),
        ("swap shot 1 and shot 2", ["swap shot 1 and shot 2"]),
        (
            "in shot 2 the ball is blue and the star is green",
            ["in shot 2 the ball is blue", "in shot 2 the star is green"],
        ),
    ],
)
def test_an_order_ends_where_it_says_something_of_its_own(text: str, orders: list[str]):
    assert [" ".join(piece.split()) for piece in sentences(text)[0]] == orders
