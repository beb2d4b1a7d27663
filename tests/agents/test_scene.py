"""Where and when the beats of a brief happen."""

from __future__ import annotations

import pytest

from kinograph.agents.outline import Assignment, Beat, Outline
from kinograph.agents.planner import Planner
from kinograph.agents.scene import Place, Scene
from kinograph.film import Brief


def places(text: str) -> list[Place]:
    outline = Planner().rules(Assignment(brief=Brief.model_validate({"text": text})))
    return list(Scene().rules(outline).places)


def test_carries_place_and_time_on_until_the_story_says_otherwise() -> None:
    found = places("A cat sits in the kitchen at night. It jumps. Then it runs into the garden. At sunrise it sleeps.")
    assert [(place.setting, place.time) for place in found] == [
        ("kitchen", "night"), ("kitchen", "night"), ("garden", "night"), ("garden", "dawn"),
    ]  # fmt: skip


def test_begins_where_the_film_first_says_it_is() -> None:
    assert [place.setting for place in places("A ball rolls. It reaches the sea.")] == ["sea", "sea"]


def test_puts_a_film_without_any_place_in_a_meadow_by_day() -> None:
    assert [(place.setting, place.time) for place in places("A ball rolls. It stops.")] == [("meadow", "day")] * 2


@pytest.mark.parametrize(
    ("words", "setting"),
    [
        ("woods", "forest"),
        ("dunes", "desert"),
        ("valley", "hills"),
        ("prairie", "meadow"),
        ("tundra", "snow"),
        ("galaxy", "space"),
        ("castle", "castle"),
    ],
)
def test_names_settings_plainly(words: str, setting: str) -> None:
    assert places(f"A fox waits in the {words}.")[0].setting == setting


def test_keeps_the_mood_and_what_nothing_else_carries() -> None:
    (place,) = places("A girl with a yellow umbrella dances across a calm, foggy meadow.")
    assert place.mood == "calm, foggy"
    assert {"yellow", "umbrella"} <= set(place.extra.split())
    assert "meadow" not in place.extra


def test_keeps_all_words_of_a_foreign_text() -> None:
    text = "Красный мяч катится по лугу"
    assert places(text)[0].extra == text


def test_answers_for_any_outline_in_its_order() -> None:
    outline = Outline(title="", beats=(Beat(id="b", text=""), Beat(id="a", text="?!")))
    assert [place.beat for place in Scene().rules(outline).places] == ["b", "a"]
