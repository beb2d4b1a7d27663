"""How a brief becomes an outline, and a plan a storyboard."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph.agents.film_wishes import wishes
from kinograph.agents.motion import Motion
from kinograph.agents.outline import Assignment, Outline
from kinograph.agents.planner import Planner
from kinograph.agents.scene import Scene
from kinograph.agents.storyboarding import storyboard
from kinograph.agents.style import Style
from kinograph.film import Brief, Storyboard

SCORER = runpy.run_path(str(Path(__file__).with_name("planning_score.py")))
SUITES = Path(__file__).parents[2] / "evals" / "suites"
DEMO = " ".join((
    "A red ball rolls across a green meadow at sunset.",
    "Then it bounces over the sea at night while the camera zooms in.",
    "Finally the ball meets a yellow star in the snow.",
))  # fmt: skip


def outline_of(text: str, **asked: object) -> Outline:
    return Planner().rules(Assignment(brief=Brief.model_validate({"text": text, **asked})))


def board_of(text: str, seconds: float | None = None) -> Storyboard:
    outline = outline_of(text)
    return storyboard(outline, Scene().rules(outline), Motion().rules(outline), Style().rules(outline), seconds)


def who(text: str) -> list[tuple[str, ...]]:
    return [beat.who for beat in outline_of(text).beats]


@pytest.mark.parametrize("suite", ["planning-dev", "planning-more", "planning-held"])
def test_places_at_least_ninety_percent_of_every_field_in_the_right_shot(suite: str) -> None:
    scores = SCORER["percentages"](SCORER["cases"](SUITES / f"{suite}.jsonl"))
    fields = ("shots", "subject", "nobody else", "color", "setting", "time", "action", "camera", "total")
    assert min(scores[field] for field in fields) >= 90, {field: round(score, 1) for field, score in scores.items()}


def test_plans_the_demo_brief_as_three_shots() -> None:
    board = board_of(DEMO)
    assert [(shot.setting, shot.time, shot.camera) for shot in board.shots] == [
        ("meadow", "sunset", "static"),
        ("sea", "night", "zoom in"),
        ("snow", "night", "static"),
    ]
    assert [[(one.who, one.motion) for one in shot.cast] for shot in board.shots] == [
        [("red-ball", "moves right")],
        [("red-ball", "bounces")],
        [("red-ball", "moves right"), ("yellow-star", "stays")],
    ]
    assert [character.words for character in board.cast] == ["a red ball", "a yellow star"]


@pytest.mark.parametrize(
    ("text", "shots"),
    [
        ("A ball rolls and bounces in the meadow.", 1),
        ("A ball rolls, then it bounces; finally it stops.", 3),
        ("A ball rolls through the forest and into the city.", 2),
        ("A ball sleeps on the hill at dawn and at night it glows.", 2),
        ("1. A ball rolls.\n2. It stops.\n3. It spins.", 3),
        ("Shot 1: The sea. A ball rolls. Shot 2: It stops.", 2),
        ("A ball rolls. Slow zoom in. The mood is calm.", 1),
        ("Make it a vertical 10-second film in neon style. A ball rolls. It stops.", 2),
        ("THE BALL\n\nA ball rolls.\nIt stops.", 2),
        ('A cat says "First I run. Then I hide." and waits.', 1),
        ("In a forest at night. A fox sleeps.", 1),
        ("The sea at night. A boat sails by.", 2),
        ("Make it square, please.", 1),
    ],
)
def test_cuts_a_brief_into_its_shots(text: str, shots: int) -> None:
    assert len(outline_of(text).beats) == shots


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A red ball and a blue ball roll. The blue one stops. The other spins. They meet.",
         [("red-ball", "blue-ball"), ("blue-ball",), ("red-ball",), ("red-ball", "blue-ball")]),
        ("A girl finds a ring. It glows. She smiles.", [("girl", "ring"), ("ring",), ("girl",)]),
        ("Momo the cat sleeps. A dog barks. Momo wakes up.", [("momo",), ("dog",), ("momo",)]),
        ("A robot called Zip waits. Zip meets a bird. Both dance.",
         [("zip",), ("zip", "bird"), ("zip", "bird")]),
        ("An owl sits on a rock. The bird flies off.", [("owl", "rock"), ("owl",)]),
        ("A car stops. Meanwhile another car, a gray one, waits.", [("car",), ("gray-car",)]),
        ("A penguin slides. A second penguin passes it.", [("penguin",), ("penguin-2", "penguin")]),
        ("Two cats, one black and one white, sleep. The white cat jumps.",
         [("black-cat", "white-cat"), ("white-cat",)]),
        ("The sea at night.", [()]),
        ("A man without a hat waits. No people, no cars.", [("man",)]),
    ],
)  # fmt: skip
def test_knows_who_is_in_each_shot(text: str, expected: list[tuple[str, ...]]) -> None:
    assert who(text) == expected


def test_lets_the_brief_overrule_its_own_words() -> None:
    text = "A 10-second vertical film in neon style. A ball rolls."
    assert wishes(text).model_dump() == {"seconds": 10.0, "aspect": "vertical", "look": "neon"}
    asked = outline_of(text, seconds=4, aspect="wide", look="ink").wishes
    assert asked.model_dump() == {"seconds": 4.0, "aspect": "wide", "look": "ink"}


@pytest.mark.parametrize(
    ("asked", "name", "words"),
    [
        (None, "flat", "flat"),
        ("cyberpunk", "neon", "neon"),
        ("stained glass", "stained glass", "stained glass"),
    ],
)
def test_gives_every_film_one_look(asked: str | None, name: str, words: str) -> None:
    look = Style().rules(outline_of("A ball rolls.", look=asked))
    assert look.name == name
    assert words in look.words


def test_lets_unrelated_shots_run_in_parallel() -> None:
    board = board_of("A cat sits in the kitchen. It jumps. A ship sails on the sea. The cat sleeps in the snow.")
    assert {shot.id: shot.needs for shot in board.shots} == {
        "s1.1": (), "s1.2": ("s1.1",), "s2.1": (), "s3.1": ("s1.1",),
    }  # fmt: skip


def test_shares_the_asked_seconds_out_by_length_of_text() -> None:
    shots = board_of("A ball stops. Then a very old wooden boat drifts slowly across the calm sea.", seconds=10).shots
    assert shots[0].seconds < shots[1].seconds
    assert sum(shot.seconds for shot in shots) == pytest.approx(10, abs=0.05)


PHRASES = (
    "a red ball", "the cat", "Momo", "it", "they both", "the other one", "rolls", "is", "and then",
    "in the forest", "at night", "to the left", "the camera zooms in", ",", ".", ";", "two birds",
    "10 seconds", "Shot 2:", "\n", "-", "make it", "no",
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=300), st.lists(st.sampled_from(PHRASES), max_size=30).map(" ".join))


@given(TEXTS, st.one_of(st.none(), st.floats(0.5, 600)))
@settings(max_examples=150, deadline=None)
def test_makes_a_valid_storyboard_of_any_text(text: str, seconds: float | None) -> None:
    board = board_of(text, seconds)
    ids = [shot.id for shot in board.shots]
    assert len(set(ids)) == len(ids) >= 1
    assert len({character.id for character in board.cast}) == len(board.cast)
    known = {character.id for character in board.cast}
    for index, shot in enumerate(board.shots):
        assert set(shot.needs) <= set(ids[:index])
        assert {one.who for one in shot.cast} <= known
    if seconds is not None:
        assert sum(shot.seconds for shot in board.shots) == pytest.approx(min(seconds, 60 * len(ids)), abs=0.05)
        assert all(shot.seconds >= min(1.0, seconds / len(ids)) - 0.001 for shot in board.shots)


@pytest.mark.parametrize(
    "text",
    ["🎈🎈", "...", "昔々、赤いボールが草原を転がった。", "Der rote Ball rollt. Er springt.", "-\n-\n"],
)
def test_keeps_a_text_it_cannot_read_in_one_shot(text: str) -> None:
    (shot,) = board_of(text).shots
    assert shot.cast == ()


def test_reads_ten_thousand_words() -> None:
    assert len(board_of("A red ball rolls through the city. " * 1500).shots) == 1500


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A boat sails. A wave lifts it. It floats.", ("boat",)),
        ("A cat sleeps. The cat stretches. A leaf falls on it. It yawns.", ("cat",)),
        ("A piano stands alone. A fox walks up to it. It jumps.", ("fox",)),
    ],
)
def test_takes_a_pronoun_for_the_main_character_unless_someone_alive_acts(text: str, expected: tuple[str, ...]) -> None:
    assert who(text)[-1] == expected


def test_tells_apart_the_two_that_a_story_began_with() -> None:
    board = board_of("Two balloons float above the sea. The silver one spins. The gold one falls.")
    assert [[one.who for one in shot.cast] for shot in board.shots] == [
        ["silver-balloon", "gold-balloon"],
        ["silver-balloon"],
        ["gold-balloon"],
    ]


def test_lets_the_one_behind_by_move_in_a_passive_sentence() -> None:
    board = board_of("A submarine sinks. It is followed by a small silver fish.")
    assert {one.who: one.motion for one in board.shots[1].cast}["silver-fish"] == "moves right"


@pytest.mark.parametrize(
    "text",
    [
        "A red ball\nrolls across the sea\nat night.",
        "A red ball rolls across\nthe sea at night.",
        "A red ball\r\nrolls over the\r\nsea at night.",
    ],
)
def test_a_wrapped_sentence_is_one_shot(text: str) -> None:
    (shot,) = board_of(text).shots
    assert [one.who for one in shot.cast] == ["red-ball"]
    assert (shot.setting, shot.time) == ("sea", "night")


def test_a_list_without_punctuation_is_a_shot_a_line() -> None:
    assert len(board_of("a red ball rolls\na blue box spins\nthe ball jumps").shots) == 3


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (DEMO, "Red ball, meadow at sunset"),
        ("Momo, a black cat, walks through the city. Then she sleeps.", "Momo, city"),
        ("A cat and a dog play in the garden by day.", "Cat and dog, garden by day"),
        ("A storm over the sea at night.", "Sea at night"),
        ("title: The Long Way\nA red ball spins.", "The Long Way"),
        ("Make me something nice, 4 seconds", "Make me something nice, 4 seconds"),
        ("!1", "1"),
        ("A very tiny and extremely brave little red robot with a very long hat walks. " * 3, None),
    ],
)
def test_the_working_title_says_who_and_where(text: str, title: str | None):
    found = outline_of(text).title
    assert 1 <= len(found) <= 60
    assert title in (None, found)
