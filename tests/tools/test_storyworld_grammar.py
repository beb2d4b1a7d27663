"""Captions: what is described is read back, and free prompts are understood or honestly not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph.tools.storyworld import vocabulary
from kinograph.tools.storyworld.grammar import TEMPLATES, describe, read
from kinograph.tools.storyworld.world import (
    CAMERAS,
    COLORS,
    KINDS,
    LOOKS,
    MOTIONS,
    SETTINGS,
    TIMES,
    Subject,
    World,
    sample,
)


def said_of(caption: str) -> list[str]:
    return [f"{subject} {subject.motion}" for subject in read(caption).world.subjects]


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_description_is_read_back_exactly(seed):
    rng = np.random.default_rng(seed)
    world = sample(rng)
    caption = describe(world, rng)
    assert read(caption) == (world, ()), caption


@pytest.mark.parametrize(
    ("attribute", "values"),
    [("setting", SETTINGS), ("time", TIMES), ("camera", CAMERAS), ("look", LOOKS)],
)
def test_every_value_of_a_scene_is_read_back(attribute, values):
    for value in values:
        world = World.model_validate({"subjects": [{"kind": "cat", "color": "red"}], attribute: value})
        for seed in range(30):
            caption = describe(world, np.random.default_rng(seed))
            assert read(caption) == (world, ()), caption


@pytest.mark.parametrize(("attribute", "values"), [("kind", KINDS), ("color", COLORS), ("motion", MOTIONS)])
def test_every_value_of_a_subject_is_read_back(attribute, values):
    for value in values:
        subject = Subject.model_validate({"kind": "car", "color": "blue", "motion": "moves left", attribute: value})
        for seed in range(20):
            caption = describe(World(subjects=(subject,), setting="space"), np.random.default_rng(seed))
            assert read(caption).world.subjects == (subject,), caption


def test_there_are_many_ways_to_say_everything():
    assert len(TEMPLATES) >= 12
    tables = (
        vocabulary.MOTION_WORDS, vocabulary.SETTING_WORDS, vocabulary.TIME_WORDS, vocabulary.CAMERA_WORDS,
        vocabulary.LOOK_WORDS,
    )  # fmt: skip
    assert all(len(set(phrases)) >= 4 for table in tables for phrases in table.values())
    captions = {
        describe(World(subjects=(Subject(kind="cat", color="red"),)), np.random.default_rng(i)) for i in range(60)
    }
    assert len(captions) > 55


def test_captions_have_no_holes_where_something_was_left_unsaid():
    for seed in range(400):
        caption = describe(World(subjects=(Subject(kind="cat", color="red"),)), np.random.default_rng(seed))
        assert not any(hole in caption for hole in ("  ", " .", " ,", ",,", ", .", ",.", "..", ": ,", ";,", ";.", ":."))
        assert caption[0] not in ".,;: "


def test_a_free_prompt_is_understood():
    prompt = "a red ball rolls across, moving right, in a green meadow at sunset, camera zooms in, flat look"
    ball = Subject(kind="ball", color="red", motion="moves right")
    assert read(prompt) == (World(subjects=(ball,), setting="meadow", time="sunset", camera="zoom in"), ())


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("a red ball rolls across", ["red ball moves right"]),
        ("a red ball rolls across the desert to the left", ["red ball moves left"]),
        ("rolling through the snow, a red ball", ["red ball moves right"]),
        ("a ball that is blue", ["blue ball stays"]),
        ("a cat and a crimson robot move left", ["orange cat moves left", "red robot moves left"]),
        ("a kitten sleeps while a golden bird flies up", ["orange cat stays", "yellow bird rises"]),
        ("a red ball rolls towards a blue box and stops short", ["red ball moves right", "blue box stays"]),
        ("a turquoise automobile in a green meadow by the blue sea", ["cyan car stays"]),
        ("A rocket ship lifts off. The rocket ship is violet.", ["purple rocket rises"]),
        ("the camera pans left as a pink heart spins", ["pink heart spins"]),
        ("a beautiful sunset over the ocean", []),
    ],
)
def test_subjects_are_found_in_free_prompts(prompt, said):
    assert said_of(prompt) == said


@pytest.mark.parametrize(
    ("prompt", "unknown"),
    [
        ("a knight walks in the kitchen", {"'knight' drawn as a person", "'kitchen' drawn as a city"}),
        ("a white cat", {"'white' drawn as yellow"}),
        ("a dog by the lake", {"'dog' drawn as a cat", "'lake' drawn as a sea"}),
        ("two red balls", {"'two balls' drawn as one"}),
        ("a cat, a car and a red tree", {"'tree' left out: two subjects at most"}),
        ("an anime robot", {"'anime' look drawn flat"}),
    ],
)
def test_what_the_world_lacks_is_told_with_its_stand_in(prompt, unknown):
    assert set(read(prompt).unknown) == unknown


def test_an_unheard_of_thing_and_place_get_the_same_stand_ins_every_time():
    reading = read("a quokka sneezes in a bathroom")
    assert len(reading.world.subjects) == 1
    assert any("quokka" in words for words in reading.unknown)
    assert any("bathroom" in words for words in reading.unknown)
    assert reading == read("A quokka sneezes in a bathroom")


def test_two_animals_of_one_kind_stay_two():
    cat, dog = read("a cat and a dog run left").world.subjects
    assert cat.kind == dog.kind == "cat"
    assert cat.color != dog.color


SCRAPS = (
    "a an the two red white golden blue cat dog ball ring knight quokka runs left right up spins in on by "
    "sea kitchen night camera zooms pans while and , . ; : | é 火 neon noir photorealistic of space ship"
)
WORDS = st.sampled_from(SCRAPS.split())


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=25).map(" ".join) | st.text(max_size=60))
def test_reading_never_fails(prompt):
    reading = read(prompt)
    assert len(reading.world.subjects) <= 2
