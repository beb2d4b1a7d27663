"""What a film is made of, and what waits on what."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinograph.errors import BadStoryboard
from kinograph.film import Brief, Scene, Shot, Storyboard
from kinograph.graphs.dependencies import KINDS, Task, TaskGraph, task, tasks_of


def board(**needs: str) -> Storyboard:
    """Shots in one scene; `a="b c"` has a need b and c."""
    shots = tuple(Shot(id=id, scene="s", text=id, needs=tuple(words.split())) for id, words in needs.items())
    return Storyboard(title="t", scenes=(Scene(id="s", setting="", time="day", shots=shots),))


FILM = TaskGraph(
    [
        task("script", "script"),
        task("audio", "audio", ["script"]),
        task("visual_0", "shot", ["script"]),
        task("visual_1", "shot", ["script"]),
        task("captions", "captions", ["audio"]),
        task("music", "music", ["script"]),
        task("stock", "retrieval"),
        task("composition", "composition", ["audio", "visual_0", "visual_1", "captions", "music", "stock"]),
    ]
)


def test_batches_are_what_can_be_made_side_by_side_by_priority():
    assert FILM.batches == [
        ["script", "stock"],
        ["audio", "visual_0", "visual_1", "music"],
        ["captions"],
        ["composition"],
    ]


def test_says_what_waits_on_what():
    assert set(FILM.needs("captions")) == {"audio"}
    assert set(FILM.freed_by("script")) == {"audio", "visual_0", "visual_1", "music"}
    assert FILM.waiting_on("audio") == {"captions", "composition"}
    assert FILM.waiting_on("composition") == set()


def test_kinds_weigh_what_they_weigh():
    assert FILM.tasks["script"].priority > FILM.tasks["audio"].priority > FILM.tasks["composition"].priority
    assert all(0 <= weight.cost <= 1 for weight in KINDS.values())
    assert KINDS["captions"].cost < 0.4 < KINDS["audio"].cost < 0.7 < KINDS["shot"].cost


def test_a_storyboard_becomes_script_shots_and_composition():
    graph = tasks_of(board(a="", b="a", c="a"), {"a": 7.0})
    assert graph.batches == [["script"], ["a"], ["b", "c"], ["composition"]]
    assert graph.tasks["a"].seconds == 7.0
    assert graph.of("shot").batches == [["a"], ["b", "c"]]


def test_what_a_brief_asks_for_besides_pictures_stands_in_the_graph():
    brief = Brief(text="x", references=("r",), narrate=True, captions=True, music="m")
    graph = tasks_of(board(a="", b="a", c=""), brief=brief)
    assert graph.batches == [
        ["script", "music", "reference"],
        ["a", "c"],
        ["b"],
        ["narration"],
        ["captions"],
        ["composition"],
    ]
    assert {id: one.kind for id, one in graph.tasks.items() if one.kind != "shot"} == {
        "script": "script",
        "reference": "keyframe",
        "music": "retrieval",
        "narration": "audio",
        "captions": "captions",
        "composition": "composition",
    }
    assert "c" not in graph.waiting_on("reference")
    assert graph.of("shot").batches == [["a", "c"], ["b"]]


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        ({"a": "a"}, "the storyboard goes in a circle: a needs a"),
        ({"a": "b", "b": "a"}, "the storyboard goes in a circle: (a needs b needs a|b needs a needs b)"),
        ({"a": "", "b": "a d", "c": "b", "d": "c"}, "circle: .*(b needs d needs c needs b|d needs c needs b needs d)"),
        ({"a": "z"}, "shot 'a' needs 'z', which does not exist"),
    ],
)
def test_a_storyboard_without_an_order_is_refused_and_the_circle_named(needs: dict[str, str], words: str):
    with pytest.raises(BadStoryboard, match=words) as refused:
        tasks_of(board(**needs))
    assert refused.value.exit_code == 2


def test_an_id_given_twice_is_refused():
    with pytest.raises(BadStoryboard, match="'a' stands twice"):
        TaskGraph([task("a", "shot"), task("a", "shot")])


@st.composite
def tasks(draw: st.DrawFn) -> list[Task]:
    """Any tasks that have an order."""
    count = draw(st.integers(0, 12))
    links = draw(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=25))
    needs = {(max(pair), min(pair)) for pair in links if max(pair) < count and pair[0] != pair[1]}
    shuffled = draw(st.permutations(range(count)))
    return [task(f"t{one}", "shot", [f"t{need}" for later, need in sorted(needs) if later == one]) for one in shuffled]


@given(tasks())
def test_batches_hold_every_task_once_and_after_all_it_needs(given_tasks: list[Task]):
    graph = TaskGraph(given_tasks)
    place = {id: number for number, batch in enumerate(graph.batches) for id in batch}
    assert sorted(id for batch in graph.batches for id in batch) == sorted(graph.tasks)
    assert all(place[need] < place[one.id] for one in given_tasks for need in one.needs)
    assert all(max((place[need] for need in one.needs), default=-1) == place[one.id] - 1 for one in given_tasks)


@given(tasks())
def test_in_order_is_one_line_that_keeps_to_the_needs(given_tasks: list[Task]):
    line = TaskGraph(given_tasks).in_order().batches
    assert all(len(batch) == 1 for batch in line)
    place = {batch[0]: number for number, batch in enumerate(line)}
    assert set(place) == {one.id for one in given_tasks}
    assert all(place[need] < place[one.id] for one in given_tasks for need in one.needs)


@given(tasks(), st.data())
def test_any_circle_that_is_closed_is_found_and_is_one(given_tasks: list[Task], data: st.DataObject):
    graph = TaskGraph(given_tasks)
    pairs = [(first, last) for first in graph.tasks for last in {first, *graph.waiting_on(first)}]
    if not pairs:
        return
    first, last = data.draw(st.sampled_from(sorted(pairs)))
    closed = [one.changed(needs=(*one.needs, last)) if one.id == first else one for one in given_tasks]
    with pytest.raises(BadStoryboard) as refused:
        TaskGraph(closed)
    circle = str(refused.value).rpartition(": ")[2].split(" needs ")
    needs = {one.id: one.needs for one in closed}
    assert circle[0] == circle[-1]
    assert all(later in needs[one] for one, later in pairwise(circle))
