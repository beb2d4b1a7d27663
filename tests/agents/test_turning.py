"""Characters that change in the story: which look of whom is in which shot."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph.agents.director import Direction
from kinograph.agents.english.turning import Turn, changed, looks_of
from kinograph.agents.mind import Rules
from kinograph.agents.motion import Motion
from kinograph.agents.narrative import Narrative
from kinograph.agents.outline import Assignment, Outline
from kinograph.agents.outline_drafts import OutlineDraft, accepted, complaints
from kinograph.agents.plan import plan_story
from kinograph.agents.planner import Planner
from kinograph.agents.storyboarding import storyboard
from kinograph.film import Brief, Character, Look, Storyboard
from kinograph.tools.storyworld.grammar import read

ROLLS = "A red ball rolls across a meadow."


def outline(text: str) -> Outline:
    return Planner().rules(Assignment(brief=Brief(text=text)))


def colors(text: str, kind: str = "ball") -> str:
    """The colours of those of one kind, a letter a beat, "-" where none was told, " " where nobody is."""
    planned = outline(text)
    cast = {one.id: one for one in planned.cast}
    shown = [[cast[id].color for id in beat.who if cast[id].kind == kind] for beat in planned.beats]
    return "".join("".join((color or "-")[0] for color in each) or " " for each in shown)


def ball(**fields: str) -> Character:
    return Character.model_validate({"id": "red-ball", "kind": "ball", "color": "red", "words": "a red ball"} | fields)


@pytest.mark.parametrize(
    "change",
    [
        "The ball turns green.",
        "It becomes green.",
        "The ball is now green.",
        "Now it is green.",
        "It turns a bright green.",
        "It has turned green.",
        "It goes green.",
        "It changes colour to green.",
        "It changes from red to green.",
        "Suddenly the ball turns green.",
        "A wizard turns the ball green.",
        "A boy paints it green.",
        "The ball is painted green.",
        "The ball, now green, spins.",
        "Now green, it spins.",
    ],
)
def test_a_change_that_is_told_is_another_look_of_the_same_one_from_there_on(change: str):
    planned = outline(f"{ROLLS} {change} Then it bounces over the sea. The ball rises.")
    looks = [one for one in planned.cast if one.kind == "ball"]
    assert [(one.id, one.identity, one.state, one.words) for one in looks] == [
        ("red-ball", "red-ball", "", "a red ball"),
        ("green-ball", "red-ball", "green", "a green ball"),
    ]
    assert colors(f"{ROLLS} {change} Then it bounces over the sea. The ball rises.") == "rggg"


@pytest.mark.parametrize(
    "told",
    [
        "The ball turns left.",
        "The ball turns around.",
        "The sky turns red.",
        "The sky turns green.",
        "It becomes bigger.",
        "It turns dark.",
        "The ball does not turn green.",
        "It never becomes green.",
        "The ball meets a green cat.",
        "A cat turns green.",
        "It turns into a green bird.",
        "It turns red.",
        "It rolls past a green car.",
        "Now it bounces over a green cube.",
        "It wants to turn green.",
        "A cat paints a green cube.",
    ],
)
def test_what_tells_of_no_new_colour_of_it_leaves_it_as_it_is(told: str):
    assert set(colors(f"{ROLLS} {told} Then the ball bounces over the sea.")) <= {"r", " "}
    assert not any(one.of and one.kind == "ball" for one in outline(f"{ROLLS} {told} Then the ball bounces.").cast)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A red ball turns green. It rolls across the sea.", "rg"),
        ("A red ball rolls until it turns green. It bounces over the sea.", "rg"),
        (f"{ROLLS} It turns green. It bounces. It turns blue. It spins.", "rggbb"),
        (f"{ROLLS} It turns green. It bounces. It turns red again. It spins.", "rggrr"),
        ("A ball rolls across a meadow. It turns green. It bounces.", "-gg"),
        (f"{ROLLS} The ball turns green. The green ball bounces over the sea.", "rgg"),
        (f"{ROLLS} The ball turns green. A red ball bounces over the sea.", "rgr"),
    ],
)
def test_each_shot_has_the_colour_that_the_story_has_come_to(text: str, wanted: str):
    assert colors(text) == wanted


def test_only_the_one_that_is_spoken_of_changes():
    text = "A red ball and a blue cube roll. The ball turns green. They bounce over the sea."
    assert (colors(text), colors(text, "cube")) == ("rgg", "b b")


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ("The knight is now in a blue coat.", "in a blue coat"),
        ("Now in a blue coat, he walks.", "in a blue coat"),
        ("The knight now wears a red hat.", "wearing a red hat"),
        ("Now he wears a red hat.", "wearing a red hat"),
        ("He puts on a red hat.", "wearing a red hat"),
        ("The knight changes into a blue coat.", "in a blue coat"),
    ],
)
def test_who_has_something_else_on_is_another_look_in_those_words(change: str, state: str):
    planned = outline(f"A knight rides through a forest. {change} He walks by the sea.")
    assert [(one.identity, one.state, one.color, one.words) for one in planned.cast] == [
        ("knight", "", None, "a knight"),
        ("knight", state, None, f"a knight {state}"),
    ]
    assert [beat.who[0] for beat in planned.beats] == ["knight", planned.cast[1].id, planned.cast[1].id]


def test_a_hat_that_was_always_worn_changes_nobody():
    planned = outline("A knight wears a red hat. He rides through a forest. He walks by the sea.")
    assert not any(one.of for one in planned.cast)


def test_who_is_green_already_is_not_filmed_turning_green_and_who_is_not_yet_is():
    moves = Motion().rules(outline(f"{ROLLS} It turns green. It bounces.")).moves
    assert [(m.cast[0].motion, m.cast[0].action) for m in moves] == [
        ("moves right", "rolls across"),
        ("stays", ""),
        ("bounces", "bounces"),
    ]
    assert Motion().rules(outline("A red ball turns green. It rolls.")).moves[0].cast[0].action == "turns green"
    assert [one.motion for one in read("a red ball turns green, in the meadow").world.subjects] == ["stays"]
    assert [one.motion for one in read("a red ball turns, in the meadow").world.subjects] == ["spins"]


def test_acts_that_are_planned_apart_know_what_everybody_has_become():
    text = f"{ROLLS} The ball turns green.\n\nThe ball bounces over the sea. It spins.\n\n"
    text += "The ball rises. It falls. It spins."
    story = Narrative().rules(Assignment(brief=Brief(text=text)))
    assert len(story.acts) == 3
    assert story.lead == "red-ball"
    direction = plan_story(Rules(), story)
    assert isinstance(direction, Direction)
    assert [[(one.who, one.motion) for one in move.cast] for move in direction.moves.moves] == [
        [("red-ball", "moves right")],
        [("green-ball", "stays")],
        [("green-ball", "bounces")],
        [("green-ball", "spins")],
        [("green-ball", "rises")],
        [("green-ball", "falls")],
        [("green-ball", "spins")],
    ]


# --------------------------------------------------------------------------------- looks and beats

HUES = ("red", "green", "blue")
BEATS = st.lists(st.lists(st.sampled_from(("red-ball", "cat")), unique=True), min_size=1, max_size=6)
CHANGES = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(("red-ball", "cat")), st.sampled_from(HUES)), max_size=6
)


@settings(max_examples=100)
@given(beats=BEATS, changes=CHANGES)
def test_whatever_changes_every_beat_has_the_same_people_each_in_the_last_colour_told(beats, changes):
    cast = (ball(), Character(id="cat", kind="cat", words="a cat"))
    told = [[Turn(who, hue) for at, who, hue in changes if at == beat] for beat in range(len(beats))]
    found = looks_of(cast, beats, told)
    known = {one.id: one for one in found.cast}
    assert len(known) == len(found.cast)
    assert found.cast[:2] == cast
    assert [[known[id].identity for id in ids] for ids in found.who] == [list(ids) for ids in beats]
    for who in ("red-ball", "cat"):
        first = next((at for at, ids in enumerate(beats) if who in ids), len(beats))
        # What is told in the first beat that has it is seen from the next on.
        since = [
            (at if at > first else at + 1, one.color)
            for at, turns in enumerate(told)
            for one in turns
            if one.who == who
        ]
        for at, ids in enumerate(found.who):
            color = next((hue for begins, hue in reversed(since) if begins <= at), known[who].color)
            assert all(known[id].color == color for id in ids if known[id].identity == who)


@given(st.lists(st.sampled_from((*(Turn("red-ball", hue) for hue in HUES), Turn("red-ball", dress="in a hat")))))
def test_a_look_that_comes_back_is_the_one_that_it_was(turns: list[Turn]):
    cast = [ball()]
    now = cast[0]
    for turn in turns:
        now = changed(now, turn, cast)
        cast += [] if now in cast else [now]
        assert turn.color in ("", now.color)
        assert turn.dress in now.words
    assert len({(one.color, one.state) for one in cast}) == len(cast) == len({one.id for one in cast})


# ------------------------------------------------------------------------------------- by language model


def drafted(**green: str) -> OutlineDraft:
    cast = [dict(ball()), {"id": "green-ball", "kind": "ball", "color": "green", "words": "a green ball"} | green]
    beats = [
        {"text": "It rolls.", "who": ["red-ball"], "seconds": None, "continues": []},
        {"text": "It turns green.", "who": ["green-ball"], "seconds": None, "continues": []},
    ]
    return OutlineDraft.model_validate({"title": "T", "cast": cast, "beats": beats, "look": None})


def test_a_language_model_can_hand_back_a_new_look():
    question = Assignment(brief=Brief(text="-"))
    draft = drafted(of="red-ball", state="green")
    assert complaints(question, draft) == []
    planned = accepted(question, draft)
    assert [(one.identity, one.state) for one in planned.cast] == [("red-ball", ""), ("red-ball", "green")]
    assert [beat.who for beat in planned.beats] == [("red-ball",), ("green-ball",)]


@pytest.mark.parametrize(
    ("green", "wrong"),
    [
        ({"of": "red-ball"}, "green-ball: `of` and `state` go together"),
        ({"state": "green"}, "green-ball: `of` and `state` go together"),
        ({"of": "ball", "state": "green"}, "green-ball: `of` 'ball' is no first look of the cast (red-ball)"),
        (
            {"of": "green-ball", "state": "green"},
            "green-ball: `of` 'green-ball' is no first look of the cast (red-ball)",
        ),
        (
            {"of": "red-ball", "state": "g", "kind": "cat"},
            "green-ball is a cat, and red-ball a ball: no look of the same",
        ),
    ],
)
def test_a_look_of_nobody_is_complained_of(green: dict[str, str], wrong: str):
    said = complaints(Assignment(brief=Brief(text="-")), drafted(**green))
    assert len(said) == 1
    assert said[0].startswith(wrong)


def test_two_looks_of_one_in_the_same_beat_are_complained_of():
    draft = drafted(of="red-ball", state="green")
    both = draft.changed(beats=(draft.beats[0].changed(who=("red-ball", "green-ball")), draft.beats[1]))
    assert complaints(Assignment(brief=Brief(text="-")), both) == ["beat 1: red-ball is in `who` in two looks"]


def board(text: str) -> Storyboard:
    from kinograph.agents.scene import Scene

    planned = outline(text)
    return storyboard(planned, Scene().rules(planned), Motion().rules(planned), Look(), None)


def test_a_new_look_needs_the_first_one_and_does_not_go_on_from_its_last_frame():
    planned = board(f"{ROLLS} It turns green. It bounces over the sea.")
    one, two, three = planned.shots
    assert (two.needs, three.needs) == ((one.id,), (two.id, one.id))
    assert planned.changed_between(one, two)
    assert not planned.changed_between(two, three)
