"""What is forgotten: alike views first, the best of everybody last, and nobody of whom the user gave pictures."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph.agents.forgetting import Ranked, beyond_all, beyond_views, pinned, ranked, things
from kinograph.film import Character, Look, Portrait, Storyboard
from kinograph.memory.holdings import Holding
from kinograph.memory.keyframe import Keyframe, Role
from kinograph.memory.series import Known

NOVELTY = 0.94
FILMS = ("old", "newer", "newest")


def holding(film: str, role: Role, about: str, angle: float, quality: float, number: int) -> Holding:
    keyframe = Keyframe(
        production=film, shot=f"s{number}", role=role, about=about, picture=f"{number}", frame=0, quality=quality
    )
    return Holding(keyframe, "e", np.array([np.cos(angle), np.sin(angle)], np.float32), True)


several = st.lists(
    st.tuples(
        st.sampled_from(FILMS),
        st.sampled_from(["identity", "setting", "look", "last"]),
        st.sampled_from(["a", "b"]),
        st.floats(0, 3),
        st.floats(0.05, 1),
    ),
    max_size=40,
)


def found(told: list[tuple[str, Role, str, float, float]]) -> list[list[Ranked]]:
    return things([holding(*one, number) for number, one in enumerate(told)], lambda embedder: NOVELTY)


@settings(deadline=None)
@given(several, st.integers(1, 5))
def test_no_identity_keeps_more_than_the_bound_and_each_keeps_its_best_view(told, views: int):
    groups = found(told)
    gone = {one.keyframe.id for one in beyond_views(groups, views)}
    for group in groups:
        left = [one.holding for one in group if one.holding.keyframe.id not in gone]
        if group[0].holding.keyframe.role != "identity":
            assert len(left) == len(group), "only identities have views"
            continue
        assert len(left) == min(views, len(group))
        best = max(one.holding.keyframe.quality for one in group)
        assert max(one.keyframe.quality for one in left) == best
    assert beyond_views(groups, 0) == [], "0 is no bound"


@settings(deadline=None)
@given(several, st.integers(0, 45))
def test_as_many_are_forgotten_as_must_be_and_the_best_of_everybody_and_everywhere_last(told, most: int):
    groups = found(told)
    every = [one for group in groups for one in group]
    gone = {one.keyframe.id for one in beyond_all(groups, FILMS.index, len(every) - most)}
    assert len(every) - len(gone) == min(most, len(every)), "the bound holds, and nothing is forgotten beyond it"
    best = [one for one in every if one.rank == 0 and one.holding.keyframe.role in ("identity", "setting")]
    others = [one for one in every if one not in best]
    if any(one.holding.keyframe.id in gone for one in best):
        assert all(one.holding.keyframe.id in gone for one in others)
    if any(one.holding.keyframe.id in gone for one in others if not one.alike):
        assert all(one.holding.keyframe.id in gone for one in others if one.alike), "what is alike goes first"
    for one, other in pairwise(best):  # of equals the older film's
        older, newer = sorted((one, other), key=lambda each: FILMS.index(each.holding.keyframe.production))
        same = older.holding.keyframe.production == newer.holding.keyframe.production
        assert same or newer.holding.keyframe.id not in gone or older.holding.keyframe.id in gone


def test_of_two_alike_views_the_better_one_is_worth_more():
    poor, good, other = (
        holding("old", "identity", "a", *one) for one in ((0.0, 0.4, 1), (0.01, 0.9, 2), (1.5, 0.2, 3))
    )
    order = ranked([poor, good, other], NOVELTY)
    assert [(one.holding, one.alike) for one in order] == [(good, False), (other, False), (poor, True)]
    assert [one.alike for one in ranked([poor, good, other], 1.0)] == [False] * 3


def test_vectors_of_different_embedders_are_never_compared():
    one = holding("old", "identity", "a", 0.0, 1.0, 1)
    other = one._replace(embedder="f", vector=np.ones(3, np.float32))
    assert [len(group) for group in things([one, other], lambda embedder: NOVELTY)] == [1, 1]


def test_whoever_the_user_gave_pictures_of_is_pinned():
    cat = Character(id="cat", kind="cat", color="white", words="a white cat")
    blue = Character(id="blue-cat", kind="cat", color="blue", words="a blue cat", of="cat", state="blue")
    ball = Character(id="ball", kind="ball", color="red", words="a red ball")
    board = Storyboard(title="t", look=Look(), cast=(cat, blue, ball), scenes=())
    assert pinned(board, [], []) == set()
    assert pinned(board, [Portrait(name="the cat", picture="d")], []) == {"cat"}
    frame = Keyframe(production="given", shot="", role="identity", about="x", picture="d", frame=0, given=True)
    told = Known(keyframe=frame, story="given", kind="ball", color="red", words="a red ball", quality=1.0)
    assert pinned(board, [], [told]) == {"ball"}
    assert pinned(board, [], [told.changed(keyframe=frame.changed(given=False))]) == set()
