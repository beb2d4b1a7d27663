"""Paths of agents beside expected ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kinograph.evals.trajectory import SHOT, Step, edits, matched, steps, without_retakes

PATHS = st.lists(st.sampled_from("abcd"), max_size=8)


def test_the_books_words_are_three_edits_apart():
    assert edits("kitten", "sitting") == 3
    assert matched("kitten", "sitting") == 1 - 3 / 7


def test_a_retake_that_was_not_expected_costs_its_nodes():
    assert matched(("render", "judge", "render", "judge", "cut"), ("render", "judge", "cut")) == 1 - 2 / 5


@given(PATHS, PATHS, PATHS)
def test_edits_are_a_distance(one: list[str], other: list[str], third: list[str]):
    assert (edits(one, other) == 0) == (one == other)
    assert edits(one, other) == edits(other, one)
    assert edits(one, third) <= edits(one, other) + edits(other, third)
    assert 0 <= matched(one, other) <= 1


@given(PATHS, PATHS)
def test_steps_hold_all_that_was_passed_and_all_that_was_expected(path: list[str], expected: list[str]):
    told = steps(path, expected)
    assert [s.node for s in told for _ in range(s.times) if s.state != "missing"] == path
    if expected:
        assert [s.node for s in told for _ in range(s.times) if s.state != "unexpected"] == expected


def test_what_is_passed_again_at_once_is_one_step():
    assert steps(("a", "a", "b"), ()) == [Step("a", 2, "passed"), Step("b", 1, "passed")]


HEAD = ("orchestrate", "carry", "chain", "parse", "motion", "board", "shoot")
TAIL = ("quality", "reconsider", "fuse", "cut")


def test_a_path_without_retakes_is_the_expected_one():
    path = (*HEAD, *SHOT * 3, *TAIL)
    assert without_retakes(path, 3) == path
    retaken = (*HEAD, "recall", "render", "judge", "retake", "render", "judge", "remember", "settle", *SHOT, *TAIL)
    assert without_retakes(retaken, 2) == (*HEAD, *SHOT * 2, *TAIL)
    assert matched(retaken, without_retakes(retaken, 2)) == 1 - 3 / len(retaken)


def test_a_topology_that_was_given_up_is_not_expected():
    second = ("hierarchical", "planner", "motion", "scene", "style", "board", "shoot")
    path = (*HEAD, *SHOT, "quality", *second, *TAIL)
    assert without_retakes(path, 1) == (*HEAD, *SHOT, *TAIL)
    before = (*HEAD[:3], *second, *SHOT, *TAIL)
    assert without_retakes(before, 1) == ("orchestrate", "carry", *second, *SHOT, *TAIL)


def test_nothing_is_expected_of_what_shot_nothing():
    assert without_retakes(("orchestrate", "cut"), 2) == ()
    assert without_retakes(HEAD, 0) == ()
