"""What the characters of a brief do, and how the camera moves."""

from __future__ import annotations

import pytest

from kinograph.agents.motion import Motion, Move
from kinograph.agents.outline import Assignment, Beat, Outline
from kinograph.agents.planner import Planner
from kinograph.film import Brief, Character


def moves(text: str) -> list[Move]:
    outline = Planner().rules(Assignment(brief=Brief.model_validate({"text": text})))
    return list(Motion().rules(outline).moves)


@pytest.mark.parametrize(
    ("deed", "motion"),
    [
        ("rolls across the meadow", "moves right"),
        ("runs to the left", "moves left"),
        ("comes in from the right", "moves left"),
        ("rolls from left to right", "moves right"),
        ("takes off", "rises"),
        ("floats slowly up", "rises"),
        ("flies into the sky", "rises"),
        ("walks up to the house", "moves right"),
        ("sinks into the sea", "falls"),
        ("swoops down", "falls"),
        ("rolls down the street", "moves right"),
        ("hops over a log", "bounces"),
        ("twirls", "spins"),
        ("turns around", "spins"),
        ("turns left", "moves left"),
        ("turns red", "stays"),
        ("flies around the tree", "circles"),
        ("swims in circles", "circles"),
        ("walks around the city", "moves right"),
        ("gets bigger", "grows"),
        ("becomes smaller and smaller", "shrinks"),
        ("waits", "stays"),
        ("does not move", "stays"),
        ("starts to spin", "spins"),
        ("stops moving", "stays"),
        ("waves and jumps", "bounces"),
    ],
)
def test_reads_a_motion_from_its_verb(deed: str, motion: str) -> None:
    assert moves(f"A fox {deed}.")[0].cast[0].motion == motion


def test_keeps_the_words_of_the_brief_for_an_action() -> None:
    assert moves("A red ball rolls across a green meadow.")[0].cast[0].action == "rolls across"
    assert moves("A wizard waves his wand in the castle.")[0].cast[0].action == "waves his wand"


def test_moves_the_chased_with_the_chaser() -> None:
    (move,) = moves("A dog chases a cat to the left.")
    assert [one.motion for one in move.cast] == ["moves left", "moves left"]


def test_lets_those_who_are_only_met_stay() -> None:
    (move,) = moves("A red ball meets a yellow star and bounces past a tree.")
    assert {one.who: one.motion for one in move.cast} == {
        "red-ball": "bounces",
        "yellow-star": "stays",
        "tree": "stays",
    }


def test_gives_what_is_thrown_its_flight() -> None:
    (move,) = moves("A girl throws a blue ball to the left.")
    assert {one.who: one.motion for one in move.cast} == {"girl": "stays", "blue-ball": "moves left"}


def test_keeps_camera_and_subject_apart() -> None:
    first, second = moves(
        "A ball rolls to the left while the camera pans right. Then it rolls right as the camera sweeps left."
    )
    assert (first.cast[0].motion, first.camera) == ("moves left", "pan right")
    assert (second.cast[0].motion, second.camera) == ("moves right", "pan left")


def test_lets_a_remark_before_the_first_shot_speak_of_all() -> None:
    assert [move.camera for move in moves("Static camera. A ball rolls. The camera zooms in.")] == ["zoom in"]
    assert [move.camera for move in moves("Pan left. A ball rolls. It stops.")] == ["pan left", "static"]


def test_answers_for_a_cast_that_somebody_else_wrote() -> None:
    ball = Character(id="x1", kind="ball", color="red", words="the red ball of the queen")
    ghost = Character(id="x2", kind="ghost", words="a ghost that nobody mentions")
    outline = Outline(title="", cast=(ball, ghost), beats=(Beat(id="1", text="A red ball spins.", who=("x1", "x2")),))
    (move,) = Motion().rules(outline).moves
    assert [(one.who, one.motion) for one in move.cast] == [("x1", "spins"), ("x2", "stays")]
