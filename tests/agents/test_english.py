"""What the reading of English promises the agents."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph.agents.english.camera import cameras
from kinograph.agents.english.casting import Casting
from kinograph.agents.english.clauses import clauses
from kinograph.agents.english.cutting import cut
from kinograph.agents.english.lexicon import singular
from kinograph.agents.english.whereabouts import setting_of, time_of
from kinograph.agents.english.wishes import aspects, lengths, looks, story
from kinograph.agents.english.words import words

SAID = (
    "the", "a", "red", "ball", "cat", "Momo", "it", "they", "one", "other", "rolls", "and", "then",
    "in", "forest", "city", "camera", "zooms", "left", ",", ".", ";", ":", "-", '"', "sea", "night",
    "while", "10", "seconds", "to", "of", "with", "called", "two", "snow", "is", "who", "\n", "shot",
    "1:", "make", "film", "neon",
)  # fmt: skip
ENGLISH = st.lists(st.sampled_from(SAID), max_size=40).map(" ".join)


@pytest.mark.parametrize(
    ("plural", "noun"),
    [
        ("wolves", "wolf"),
        ("foxes", "fox"),
        ("houses", "house"),
        ("children", "child"),
        ("bus", "bus"),
        ("fish", "fish"),
    ],
)
def test_knows_the_singular(plural: str, noun: str) -> None:
    assert singular(plural) == noun


@pytest.mark.parametrize(
    ("sentence", "verb"),
    [
        ("A cat watches the waves.", "watch"),
        ("The race car stops.", "stop"),
        ("A boat painted green sails across the sea.", "sail"),
        ("Two birds land on a rock.", "land"),
        ("A knight brandishes his sword.", "brandish"),
        ("They both sleep.", "sleep"),
    ],
)
def test_tells_the_verb_from_the_nouns(sentence: str, verb: str) -> None:
    assert [word.base for word in words(sentence) if word.tag == "verb"][-1] == verb


def test_gives_each_verb_its_own_subject() -> None:
    found = clauses("The ball meets a cat and a dog runs away while the girl who wears a hat dances.")
    said = [(clause.subjects[0].head, clause.verb.base) for clause in found if clause.verb]
    assert said == [("ball", "meet"), ("dog", "run"), ("girl", "wear"), ("girl", "dance")]


@pytest.mark.parametrize(
    ("text", "color"),
    [
        ("A bright yellow car stops.", "yellow"),
        ("A car, bright yellow, stops.", "yellow"),
        ("A boat painted green sails.", "green"),
        ("The ball, which is blue, bounces.", "blue"),
        ("A crimson kite rises.", "red"),
        ("A kite rises in the blue sky.", None),
        ("A boy in a red coat waits.", None),
    ],
)
def test_finds_the_color_of_a_character(text: str, color: str | None) -> None:
    casting = Casting()
    casting.read(text)
    assert casting.cast[0].color == color


@pytest.mark.parametrize(
    ("text", "carried", "setting"),
    [
        ("Waves roll on the open ocean.", "", "sea"),
        ("It walks downtown.", "", "city"),
        ("It flies among the stars.", "", "space"),
        ("It drifts in the sky.", "meadow", "meadow"),
        ("It rolls down the street.", "village", "village"),
        ("It waits in a laundromat.", "", "laundromat"),
        ("A city bus stops in the snow.", "", "snow"),
        ("A sea-green bird sleeps.", "", ""),
        ("In a hurry, it leaves.", "", ""),
    ],
)
def test_finds_the_place(text: str, carried: str, setting: str) -> None:
    assert setting_of(text, carried) == setting


@pytest.mark.parametrize(
    ("text", "time_of_day"),
    [
        ("At daybreak it rains.", "dawn"),
        ("It is noon.", "day"),
        ("As the sun sets.", "sunset"),
        ("Under a starry sky.", "night"),
        ("One day it left.", None),
    ],
)
def test_finds_the_time_of_day(text: str, time_of_day: str | None) -> None:
    assert time_of(text) == time_of_day


@pytest.mark.parametrize(
    ("text", "camera"),
    [
        ("The camera slowly zooms in.", "zoom in"),
        ("It jumps; push in.", "zoom in"),
        ("as the camera pulls away", "zoom out"),
        ("The view sweeps to the left.", "pan left"),
        ("The camera tracks right", "pan right"),
        ("and the camera tilts up", "tilt up"),
        ("Crane down.", "tilt down"),
        ("The camera does not move.", "static"),
        ("A car zooms out of the city.", None),
        ("The ball moves left.", None),
        ("She closes the door and moves back.", None),
    ],
)
def test_hears_the_camera(text: str, camera: str | None) -> None:
    assert [remark.value for remark in cameras(text)] == ([camera] if camera else [])


@pytest.mark.parametrize(
    "text",
    [
        "A penguin slides. A second penguin passes it. They dive.",
        "Two trains pass each other: a red one going left, a blue one going right.",
        "A pirate ship chases a merchant ship. The merchant ship sinks. The pirate ship turns.",
        "Momo the cat meets a red and a blue bird. The blue one flies off. Momo follows it.",
    ],
)
def test_recognises_a_finished_cast_as_it_found_it(text: str) -> None:
    pieces = [story(shot) for shot in cut(text).shots]
    finder = Casting()
    found = [[act.who for act in finder.read(piece)] for piece in pieces]
    knower = Casting(finder.cast)
    assert [[act.who for act in knower.read(piece)] for piece in pieces] == found
    assert knower.cast == finder.cast


def test_keeps_the_wishes_out_of_the_story() -> None:
    text = 'In neon style, a cat says "to the left" as the camera zooms in, 10 seconds, 9:16.'
    assert [remark.value for remark in (*lengths(text), *aspects(text), *looks(text))] == [
        10.0,
        "vertical",
        "neon",
    ]
    left = story(text)
    assert len(left) == len(text)
    assert [word.lower for word in words(left) if word.tag != "mark"] == ["a", "cat", "says", "as"]


@given(st.one_of(st.text(max_size=300), ENGLISH))
@settings(max_examples=200, deadline=None)
def test_cuts_any_text_into_at_least_one_shot(text: str) -> None:
    assert len(cut(text).shots) >= 1


@pytest.mark.parametrize(
    "phrase",
    ["A red ball rolls through the forest and into the city ", "the camera zooms ", '"a ', "red and "],
)
def test_takes_linear_time(phrase: str) -> None:
    def spent(times: int) -> float:
        """Seconds of this thread on the processor, which others cannot take from it; the least of three."""
        least = float("inf")
        for _ in range(3):
            start = time.thread_time()
            Casting().read(story(" ".join(cut(phrase * times).shots)))
            least = min(least, time.thread_time() - start)
        return least

    assert spent(600) < 30 * max(spent(60), 0.01)
