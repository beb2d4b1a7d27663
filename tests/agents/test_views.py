"""Which pictures are kept, of which look of whom, for how long, and why they are recalled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinograph.agents import views
from kinograph.agents.edits import Recast
from kinograph.agents.hierarchy import IN_SERIES, forgettable
from kinograph.agents.memory import Memory
from kinograph.agents.requesting import resolve
from kinograph.agents.revising import Draft, revise
from kinograph.agents.storyboarding import linked
from kinograph.agents.ties import follows
from kinograph.agents.validator import Validator
from kinograph.agents.verdicts import Viewing
from kinograph.film import (
    Appearance,
    Brief,
    Character,
    Clip,
    Scene,
    Shot,
    Storyboard,
    Take,
    Verdict,
)
from kinograph.memory.embedders import PixelEmbedder
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.keyframes import Keyframes
from kinograph.memory.series import Known, Pictured, figure
from kinograph.memory.vault import Vault
from kinograph.tools.backends import card
from kinograph.tools.footage import develop
from kinograph.tools.storyworld.painter import paint
from kinograph.tools.storyworld.world import Subject, World

BALL = Character(id="ball", kind="ball", color="red", words="a red ball")


def board_of(*places: str) -> Storyboard:
    """A shot of the ball for each place, consecutive ones in one place a scene."""
    shots = [
        Shot(id=f"{place}.{n}", scene=place, text="", setting="meadow", cast=(Appearance(who="ball"),))
        for n, place in enumerate(places, 1)
    ]
    scenes = [
        Scene(id=place, setting="meadow", time="day", shots=tuple(one for one in shots if one.scene == place))
        for place in dict.fromkeys(places)
    ]
    return linked(Storyboard(title="t", cast=(BALL,), scenes=tuple(scenes)))


def turned(board: Storyboard, *shots: str) -> Storyboard:
    edit = Recast(who="ball", color="blue", shots=shots)
    return revise(Draft(brief=Brief(text="a ball"), storyboard=board), [edit]).storyboard


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    vault = Vault(tmp_path / "vault")
    return Memory(Keyframes(tmp_path / "k.sqlite", tmp_path / "index", "p", PixelEmbedder()), vault)


@pytest.fixture
def clip_of(tmp_path: Path, request_of):
    def make(color: str, seed: int = 1, motion: str = "stays") -> Clip:
        world = World(subjects=(Subject.model_validate({"kind": "ball", "color": color, "motion": motion}),))
        request = request_of(width=192, height=108, seed=seed, prompt=f"{color} {motion}")
        frames = paint(world, frames=12, width=192, height=108, fps=8, seed=seed).frames
        return develop(request, frames, tmp_path, 0)

    return make


@pytest.fixture
def take_of(clip_of, request_of):
    def make(shot: str, color: str, attempt: int = 1, **how) -> Take:
        request = request_of(width=192, height=108)
        return Take(
            shot=shot, attempt=attempt, request=request, clip=clip_of(color, **how), verdict=Verdict(accepted=True)
        )

    return make


def identities(memory: Memory, board: Storyboard, shot: str) -> list[Keyframe]:
    found = memory.rules(memory.recollection(board.shot(shot), board)).keyframes
    return [one for one in found if one.role == "identity"]


# ------------------------------------------------------------------------------------------ states


def test_a_character_recoloured_in_some_shots_is_another_look_of_the_same_one():
    board = turned(board_of("s1", "s1", "s1", "s1"), "s1.3", "s1.4")
    blue = board.character("blue-ball")
    assert (blue.identity, blue.state, blue.words) == ("ball", "blue", "a blue ball")
    assert board.shot("s1.3").needs == ("s1.1",), "who it is; it does not go on from a ball of another colour"
    assert board.shot("s1.4").needs == ("s1.3", "s1.1")
    model = card("storyworld-render").changed(tasks=("t2v", "i2v"))
    assert follows(board.shot("s1.3"), board, model) is None
    assert follows(board.shot("s1.4"), board, model) == "s1.3"
    back = revise(
        Draft(brief=Brief(text="b"), storyboard=board), [Recast(who="blue-ball", color="red", shots=("s1.4",))]
    )
    assert [one.who for one in back.storyboard.shot("s1.4").cast] == ["ball"], "its first look, not a third one"


def test_recall_gives_the_same_look_first_and_says_why(memory: Memory, take_of):
    board = turned(board_of("s1", "s1", "s1", "s1"), "s1.3", "s1.4")
    for shot, color in (("s1.1", "red"), ("s1.2", "red"), ("s1.3", "blue")):
        memory.remember(board.shot(shot), board, take_of(shot, color))
    assert [(k.about, k.state, k.shot) for k in identities(memory, board, "s1.3")] == [("ball", "", "s1.1")]
    found = memory.rules(memory.recollection(board.shot("s1.4"), board))
    told = dict(zip(found.reasons, found.keyframes, strict=True))
    assert list(told) == [
        "canonical view of a blue ball, first seen in s1.3",
        "who a blue ball is, but for its colour, in another look (the first one), in s1.1",
        "the place, meadow, as it looked in s1.3",
        "where s1.3 ended",
    ]
    assert [k.state for k in told.values()] == ["blue", "", "", ""]


def test_a_new_look_is_not_off_model_and_the_old_one_in_its_place_is(
    memory: Memory, take_of, clip_of, request_of, tmp_path
):
    board = turned(board_of("s1", "s2", "s3"), "s2.2", "s3.3")
    memory.remember(board.shot("s1.1"), board, take_of("s1.1", "red"))

    def findings(shot: str, color: str) -> set[str]:
        clip = clip_of(color, 4)
        one = board.shot(shot)
        recalled = memory.rules(memory.recollection(one, board)).keyframes
        question = Viewing(
            shot=one,
            cast=tuple(board.character(a.who) for a in one.cast),
            look=board.look,
            request=request_of(),
            clip=clip,
            recalled=recalled,
        )
        validator = Validator(Vault(tmp_path / "vault"), memory._keyframes)
        return {one.kind for one in validator.rules(question).findings}

    assert "off model" not in findings("s2.2", "blue"), "only a red one is remembered, of another look"
    memory.remember(board.shot("s2.2"), board, take_of("s2.2", "blue"))
    assert "off model" not in findings("s3.3", "blue")
    assert findings("s3.3", "red") & {"off model", "wrong color"}, "the blue look is asked for, and remembered by now"


def test_a_model_is_held_to_pictures_of_the_same_look_unless_only_words_differ():
    board = turned(board_of("s1", "s2"), "s2.2")
    red = Keyframe(production="p", shot="s1.1", role="identity", about="ball", picture="red", frame=0)
    blue = red.changed(picture="blue", state="blue")
    coat = board.character("blue-ball").changed(color="red", state="in a coat")
    dressed = board.changed(cast=(BALL, coat))
    model = card("wan-2.1-vace")

    def held(board: Storyboard, *recalled: Keyframe) -> list[str]:
        from kinograph.film import Decision

        decision = Decision(model=model.id, revision="1", topology="chain", width=192, height=112, fps=8, takes=1)
        request = resolve(board.shot("s2.2"), board, decision, Brief(text="b"), model, recalled=recalled)
        return [one.keyframe for one in request.conditioning if one.role == "reference"]

    assert held(board, red) == [], "a picture of the red one would make it red"
    assert held(board, red, blue) == ["blue"]
    assert held(dressed, red) == ["red"], "in a coat, it is still who it is"
    both = board.changed(cast=(BALL, coat.changed(color="blue", state="blue, in a coat")))
    assert held(both, red) == [], "nor would it be blue in a coat"
    assert held(dressed, red.changed(seen="red")) == ["red"]
    assert held(dressed, red.changed(seen="green", state="green")) == [], "of a third look, which was green"


def test_nouns_from_before_there_were_looks_read_and_keep_the_names_of_their_keyframes():
    old = '{"production":"p","shot":"s1.1","role":"identity","about":"ball","picture":"d","frame":3}'
    keyframe = Keyframe.model_validate_json(old)
    assert (keyframe.state, keyframe.view, keyframe.given) == ("", 0, False)
    assert keyframe.shows(BALL)
    assert keyframe.id == keyframe.changed(quality=0.5, view=1, seen="red").id != keyframe.changed(state="blue").id
    assert Character.model_validate_json('{"id":"ball","kind":"ball","words":"a ball"}').identity == "ball"


# --------------------------------------------------------------------------------- few, but novel


@given(st.lists(st.floats(0, np.pi), min_size=1, max_size=12), st.lists(st.floats(0, np.pi), max_size=6))
def test_every_view_that_is_kept_is_new_and_what_is_left_out_is_not(angles: list[float], known: list[float]):
    def unit(turns: list[float]) -> np.ndarray:
        return np.array([(np.cos(a), np.sin(a)) for a in turns], np.float32).reshape(-1, 2)

    vectors, before = unit(angles), unit(known)
    kept = views.novel(vectors, before, most=99)
    for place, at in enumerate(kept):
        others = np.vstack([before, vectors[kept[:place]]])
        assert not len(others) or float((others @ vectors[at]).max()) < views.NOVEL
    everything = np.vstack([before, vectors[kept]])
    assert all(float((everything @ one).max()) >= views.NOVEL - 1e-4 for one in vectors)
    assert len(views.novel(vectors, before)) <= views.VIEWS


def test_a_take_leaves_a_view_only_where_it_shows_something_new(memory: Memory, take_of):
    board = board_of("s1", "s1", "s1", "s1")

    def left(shot: str, **how) -> int:
        kept = memory.remember(board.shot(shot), board, take_of(shot, **how))
        return sum(one.role == "identity" for one in kept)

    assert left("s1.1", color="red") == 1, "twelve frames of a ball at rest are one view"
    assert left("s1.2", color="red") == 0, "the same once more is none"
    assert left("s1.3", color="red", motion="bounces") >= 1, "squashed it looks new"
    assert left("s1.4", color="blue") >= 1, "in another colour too"
    assert identities(memory, board, "s1.4")[0].shot == "s1.1"


def test_two_hundred_takes_stay_under_the_bound_and_the_right_ones_are_recalled(tmp_path: Path, take_of, monkeypatch):
    """The embedder finds every picture new, so that only forgetting keeps the memory small."""

    class Restless(PixelEmbedder):
        made = 0

        def embed(self, frames: np.ndarray) -> np.ndarray:
            Restless.made += 1
            found = np.random.default_rng(Restless.made).normal(size=(len(frames), self.size))
            return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)

    keyframes = Keyframes(tmp_path / "k.sqlite", tmp_path / "index", "p", Restless())
    memory = Memory(keyframes, Vault(tmp_path / "vault"))
    board = board_of(*(f"s{1 + n // 2}" for n in range(200)))
    take, most, order = take_of("s1.1", "red"), 0, tuple(one.id for one in board.shots)
    for number, shot in enumerate(board.shots):
        memory.remember(shot, board, take.changed(shot=shot.id))
        if number % 20 == 19 or number > 195:
            most = max(most, len(keyframes.recall("identity", "ball", order)))
            if number + 1 < 200:
                found = [one.shot for one in identities(memory, board, order[number + 1])]
                expected = {"s1.1", shot.id} if board.shots[number + 1].scene == shot.scene else {"s1.1"}
                assert set(found) == expected, f"what {order[number + 1]} stands on is not forgotten"
                assert found[0] == "s1.1"
    assert views.VIEWS < most <= views.CANONICAL


def test_a_series_keeps_a_bounded_number_of_pictures_and_all_that_the_user_gave():
    dice = np.random.default_rng(0)

    def pictured(n: int, **more) -> Pictured:
        keyframe = Keyframe(
            production=f"f{n}", shot="s1.1", role="identity", about="b", picture=f"{n}", frame=n, **more
        )
        known = Known(keyframe=keyframe, story=f"f{n}", kind="ball", color="red", words="a red ball", quality=n % 3 / 2)
        vector = dice.normal(size=8)
        return Pictured(known, (vector / np.linalg.norm(vector)).astype("<f4"))

    told = [pictured(n, given=n in (50, 60)) for n in range(200)]
    gone = forgettable(told)
    left = [one.known for one in told if one.known not in gone]
    assert len(left) == IN_SERIES
    assert {0, 50, 60, 199} <= {one.keyframe.frame for one in left}
    assert np.mean([one.quality for one in left]) > np.mean([one.known.quality for one in told])
    assert forgettable(told[:IN_SERIES]) == []


# ---------------------------------------------------------------------------------------- rollback


def test_what_counts_of_a_shot_is_what_the_film_uses_of_it(memory: Memory, take_of):
    board = board_of("s1", "s1")
    shot, first, second = board.shot("s1.1"), take_of("s1.1", "red"), take_of("s1.1", "red", 2, seed=9, motion="grows")
    memory.remember(shot, board, first)
    memory.remember(shot, board, second)
    assert {one.take for one in identities(memory, board, "s1.2")} == {2}
    memory.agree(shot, board, first.changed(clip=None))  # nothing is looked at again
    assert {one.take for one in identities(memory, board, "s1.2")} == {1}
    memory.agree(shot, board, second)
    assert {one.take for one in identities(memory, board, "s1.2")} == {2}


# ------------------------------------------------------------------------------------- who is who


@pytest.mark.parametrize(
    ("kind", "color", "words", "who"),
    [
        ("ball", "red", "a red ball", ("ball", "red")),
        ("ball", "red", "Red ball", ("ball", "red")),
        ("girl", None, "Rosa, a girl", ("rosa", "")),
        ("person", None, "Rosa", ("rosa", "")),
        ("fox", None, "The fox", ("fox", "")),
    ],
)
def test_somebody_with_a_name_is_known_by_it(kind: str, color: str | None, words: str, who: tuple[str, str]):
    assert figure(kind, color, words) == who
