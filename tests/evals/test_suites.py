"""Suites as data: what ships is what its script makes, and reads as it should."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from kinograph.errors import BadInput, UnknownName
from kinograph.evals.suites import SUITES, Sample, ShotTruth, SubjectTruth, Turn, conversations, make, open_suite
from kinograph.evals.suites.hostile import robustness
from kinograph.tools.storyworld.world import COLORS, KINDS, MOTIONS, SETTINGS, TIMES


@pytest.mark.parametrize("name", SUITES)
def test_every_suite_opens_and_says_what_it_measures(name: str):
    suite = open_suite(name)
    assert suite.about
    assert len({sample.id for sample in suite.samples}) == len(suite.samples)


def test_what_is_committed_is_what_the_script_makes():
    made = {
        "storyworld-basic": make.basic(),
        "storyworld-story": make.stories(),
        "storyworld-change": make.changes(),
        "storyworld-hard": make.hard(),
        "editing-chat": make.chats(),
        "robustness": robustness(),
    }
    for name, samples in made.items():
        assert open_suite(name).samples == tuple(samples), name


def test_there_are_a_hundred_stories_of_a_recurring_cast_and_half_leave_its_colour_unsaid():
    stories = open_suite("storyworld-story").samples
    unsaid = [story for story in stories if any(one.color is None for shot in story.shots for one in shot.subjects)]
    assert len(stories) >= 100
    assert len(unsaid) * 2 == len(stories)
    assert all("colour unsaid" in story.tags for story in unsaid)
    assert {len(story.shots) for story in stories} == {3, 4, 5}
    for story in stories:
        seen = Counter(one.who for shot in story.shots for one in shot.subjects)
        assert max(seen.values()) >= 2, story.id
        places = [(shot.setting, shot.time) for shot in story.shots]
        assert len(set(places)) < len(places), f"no place of {story.id} comes back"


@pytest.mark.parametrize("name", ["storyworld-basic", "storyworld-story", "storyworld-change", "storyworld-hard"])
def test_truth_is_of_the_storyworld(name: str):
    for sample in open_suite(name).samples:
        for shot in sample.shots:
            assert shot.setting in SETTINGS
            assert shot.time in TIMES
            for one in shot.subjects:
                assert (one.kind in KINDS, one.color in (*COLORS, None), one.motion in MOTIONS) == (True,) * 3


def test_an_unsaid_colour_is_in_no_word_of_the_brief():
    for story in open_suite("storyworld-story").samples:
        said = {one.color for shot in story.shots for one in shot.subjects if one.color}
        assert {color for color in COLORS if f" {color} " in f" {story.brief.lower()} "} == said, story.id


def test_turns_tell_what_changes_and_the_film_after_them():
    for chat in open_suite("editing-chat").samples:
        assert 1 <= len(chat.turns) <= 3
        for turn in chat.turns:
            assert turn.shots
            assert all(1 <= place <= len(turn.shots) for place in turn.changes), (chat.id, turn.say)


def test_undo_of_a_removed_shot_brings_a_new_one_where_it_was():
    one, two = ShotTruth(setting="sea"), ShotTruth(setting="snow")
    before = Turn(say="shot 1 at night", changes=(1,), shots=(one, two))
    removed = Turn(say="remove shot 2", shots=(one,))
    assert conversations.undo(before, removed) == Turn(say="undo", changes=(2,), shots=(one, two))


def test_a_suite_of_ones_own_is_a_file_of_lines_or_yaml(tmp_path: Path):
    (tmp_path / "mine.jsonl").write_text('{"id": "a", "brief": "A red ball."}\n\n{"id": "b", "brief": "A box."}\n')
    assert [one.id for one in open_suite(str(tmp_path / "mine.jsonl")).samples] == ["a", "b"]
    text = "does: plan\nsamples:\n- {id: a, brief: A red ball., shots: [{subjects: [{kind: ball, color: red}]}]}\n"
    (tmp_path / "mine.yaml").write_text(text)
    suite = open_suite(str(tmp_path / "mine.yaml"))
    assert (suite.does, suite.name) == ("plan", "mine")
    assert suite.samples[0].shots[0].subjects == (SubjectTruth(kind="ball", color="red"),)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.jsonl", "", "has no samples"),
        ("a.jsonl", "{", "line 1 of"),
        ("a.jsonl", '{"id": "a", "brief": "x"}\n' * 2, "two samples 'a'"),
        ("a.jsonl", '{"id": "../a", "brief": "x"}', r"id = '\.\./a'"),
        ("a.jsonl", '{"id": "a", "brief": "x", "colour": 1}', "unknown setting 'colour'"),
        ("a.yaml", "- 1", "holds a list; expected a mapping"),
        ("a.yaml", "{", "is no YAML"),
        ("a.yaml", "does: dance\nsamples: []", "does = 'dance'"),
    ],
)
def test_a_suite_that_is_none_gets_one_line(name: str, text: str, words: str, tmp_path: Path):
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=words) as error:
        open_suite(str(tmp_path / name))
    assert "\n" not in str(error.value)


def test_an_unknown_suite_is_told_what_there_is():
    with pytest.raises(UnknownName, match="unknown suite 'storyworld'; available: storyworld-basic"):
        open_suite("storyworld")
    with pytest.raises(BadInput, match="cannot be read"):
        open_suite("nowhere.jsonl")


def test_the_digest_changes_with_any_sample():
    suite = open_suite("storyworld-basic")
    first = suite.samples[0]
    other = Sample.model_validate(first.model_dump() | {"brief": first.brief + " "})
    assert suite.model_copy(update={"samples": (other, *suite.samples[1:])}).digest != suite.digest
