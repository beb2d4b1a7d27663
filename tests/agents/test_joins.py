"""How a brief says that shots give way to each other."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinograph.agents.english.joins import joins, pieces
from kinograph.agents.film_wishes import wishes
from kinograph.agents.outline import Assignment
from kinograph.agents.outline_drafts import OutlineDraft, accepted
from kinograph.agents.planner import Planner
from kinograph.film import Brief, Transition

ROLLS = "A red ball rolls across a meadow"
FLIES = "blue bird flies over the sea"


def planned(text: str, **more) -> list[Transition]:
    return [beat.transition for beat in Planner().rules(Assignment(brief=Brief(text=text, **more))).beats]


@pytest.mark.parametrize(
    "text",
    [
        f"{ROLLS}. Dissolve to: a {FLIES}.",
        f"{ROLLS}. The scene slowly morphs into a sea where a {FLIES}.",
        f"{ROLLS} and the picture dissolves into a city where a green car drives.",
        f"{ROLLS}, smoothly dissolving into a city where a green car drives.",
        f"{ROLLS}. Then, without a cut, it bounces in the forest.",
        f"{ROLLS}, flowing into the next shot. A {FLIES}.",
        f"{ROLLS}. Smoothly go over to the sea, where a boat sails.",
        f"Shot 1: {ROLLS}. Shot 2: dissolve to a {FLIES}.",
        f"{ROLLS}. A {FLIES}. Smooth transitions between the shots.",
        f"{ROLLS}. All shots should blend into each other. A {FLIES}.",
        f"{ROLLS}. No cuts. A {FLIES}.",
    ],
)
def test_a_transition_that_is_asked_for_is_the_next_shots(text: str):
    assert planned(text) == ["cut", "smooth"]


@pytest.mark.parametrize(
    "text",
    [
        f"{ROLLS}. Then a {FLIES}.",
        f"{ROLLS} smoothly. A {FLIES} smoothly.",
        f"{ROLLS}. Cut to: a {FLIES}.",
        "The ice melts into water. A caterpillar morphs into a butterfly.",
        "A thief runs through the city. He blends into the crowd.",
        "A boat sails on the sea. The river flows into the sea.",
        f"{ROLLS}. A {FLIES}. Hard cuts only.",
        f"{ROLLS}. A {FLIES}. No transitions.",
    ],
)
def test_whoever_melts_or_moves_smoothly_is_story(text: str):
    assert set(planned(text)) == {"cut"}


def test_of_three_shots_only_the_one_that_is_meant_is_joined_and_its_words_are_no_story():
    text = f"{ROLLS}. The scene dissolves into a desert where a blue cube spins. Then a bird flies over the sea."
    beats = Planner().rules(Assignment(brief=Brief(text=text))).beats
    assert [beat.transition for beat in beats] == ["cut", "smooth", "cut"]
    assert "dissolve" not in " ".join(beat.text for beat in beats)
    assert [beat.who for beat in beats] == [("red-ball",), ("blue-cube",), ("bird",)]


def test_the_briefs_own_field_overrules_its_words():
    text = f"{ROLLS}. Dissolve to: a {FLIES}."
    assert planned(text, transitions="cut") == ["cut", "cut"]
    assert planned(f"{ROLLS}. A {FLIES}.", transitions="smooth") == ["cut", "smooth"]
    assert wishes("A ball. Smooth transitions. Hard cuts only.").transitions == "cut"


def test_a_models_outline_is_read_for_it_too():
    beats = [{"text": text, "who": [], "seconds": None, "continues": []} for text in
             ("the sea, dissolving into the next shot", "a meadow", "without a cut, a forest", "a city")]  # fmt: skip
    draft = OutlineDraft.model_validate({"title": "t", "cast": [], "beats": beats, "look": None})
    found = accepted(Assignment(brief=Brief(text="x")), draft)
    assert [beat.transition for beat in found.beats] == ["cut", "smooth", "smooth", "cut"]


WORDS = ["the scene", "dissolves into", "dissolve to:", "a ball", "rolls", ".", ",", "without a cut", "the next shot"]


@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join) | st.text(max_size=60))
def test_stretches_lie_in_the_text_one_after_the_other_and_pieces_are_its_parts(text: str):
    found = joins(text)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(one.end <= after.start for one, after in pairwise(found))
    at = 0
    for piece in pieces(text):
        at = text.index(piece, at) + len(piece)
