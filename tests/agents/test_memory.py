"""The memory agent: writes accepted takes only, recalls only what a shot stands on."""

from __future__ import annotations

from pathlib import Path

import pytest
from minds import contradiction, mind_of
from server import Server, facts_of, tool_results

from kinograph.agents.memory import Memory
from kinograph.agents.mind import Rules
from kinograph.film import Appearance, Character, Clip, Scene, Shot, Storyboard, Take, Verdict
from kinograph.memory.embedders import PixelEmbedder
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.keyframes import Keyframes
from kinograph.memory.vault import Vault
from kinograph.tools import colors, eyes
from kinograph.tools.footage import develop, load_picture
from kinograph.tools.storyworld.painter import paint
from kinograph.tools.storyworld.world import Subject, World

CAST = tuple(Character(id=color, kind="ball", color=color, words=f"a {color} ball") for color in ("red", "blue"))


def shot(id: str, *who: str, needs: tuple[str, ...] = ()) -> Shot:
    return Shot(
        id=id, scene=id[:2], text="", cast=tuple(Appearance(who=one) for one in who), setting="meadow", needs=needs
    )


BOARD = Storyboard(
    title="t",
    cast=CAST,
    scenes=(
        Scene(id="s1", setting="meadow", time="day", shots=(shot("s1.1", "red"), shot("s1.2", "red", needs=("s1.1",)))),
        Scene(id="s2", setting="meadow", time="day", shots=(shot("s2.1", "blue"),)),
        Scene(id="s3", setting="meadow", time="day", shots=(shot("s3.1", "red", "blue", needs=("s1.1", "s2.1")),)),
    ),
)


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    vault = Vault(tmp_path / "vault")
    return Memory(Keyframes(tmp_path / "k.sqlite", tmp_path / "index", "p", PixelEmbedder()), vault)


def recalled(memory: Memory, shot: Shot) -> tuple[Keyframe, ...]:
    return memory.rules(memory.recollection(shot, BOARD)).keyframes


@pytest.fixture
def take(tmp_path: Path, request_of):
    def make(shot: Shot, accepted: bool = True) -> Take:
        world = World(subjects=tuple(Subject.model_validate({"kind": "ball", "color": one.who}) for one in shot.cast))
        request = request_of(width=192, height=108, seed=int(shot.id[1]))
        frames = paint(world, frames=12, width=192, height=108, fps=8, seed=request.seed).frames
        clip: Clip = develop(request, frames, tmp_path, 0)
        return Take(shot=shot.id, attempt=1, request=request, clip=clip, verdict=Verdict(accepted=accepted))

    return make


def test_remembers_cast_place_look_and_end_of_an_accepted_take(memory: Memory, take, tmp_path: Path):
    kept = memory.remember(BOARD.shot("s3.1"), BOARD, take(BOARD.shot("s3.1")))
    assert [(k.role, k.about) for k in kept] == [
        ("setting", "meadow"), ("look", "flat"), ("last", "s3.1"), ("identity", "red"), ("identity", "blue"),
    ]  # fmt: skip
    for keyframe in kept[3:]:
        picture = load_picture(Vault(tmp_path / "vault").picture(keyframe.picture))
        assert colors.name_of(eyes.blobs(colors.to_lab(picture[None])[0])[0].hue) == keyframe.about
        assert picture.shape[1] < 96, "an identity is cut out of its frame"


def test_a_rejected_take_leaves_nothing(memory: Memory, take):
    assert memory.remember(BOARD.shot("s1.1"), BOARD, take(BOARD.shot("s1.1"), accepted=False)) == ()
    assert recalled(memory, BOARD.shot("s1.2")) == ()


def test_recalls_cast_place_and_predecessor_of_the_shots_it_needs_only(memory: Memory, take):
    for id in ("s1.1", "s1.2", "s2.1"):
        memory.remember(BOARD.shot(id), BOARD, take(BOARD.shot(id)))
    assert [(k.role, k.about, k.shot) for k in recalled(memory, BOARD.shot("s1.2"))] == [
        ("identity", "red", "s1.1"), ("setting", "meadow", "s1.1"), ("last", "s1.1", "s1.1"),
    ]  # fmt: skip
    assert [(k.role, k.about, k.shot) for k in recalled(memory, BOARD.shot("s3.1"))] == [
        ("identity", "red", "s1.1"), ("identity", "blue", "s2.1"),
    ]  # fmt: skip
    assert recalled(memory, BOARD.shot("s1.1")) == ()


def test_remembering_a_shot_again_replaces_it(memory: Memory, take):
    for _ in range(2):
        memory.remember(BOARD.shot("s1.1"), BOARD, take(BOARD.shot("s1.1")))
    assert len(recalled(memory, BOARD.shot("s1.2"))) == 3


# ------------------------------------------------------------------------------------ contradictions


def test_pictures_that_contradict_each_other_are_decided_by_a_model_that_can_look(server: Server, tmp_path: Path):
    agent, question = contradiction(tmp_path)
    server.brain = lambda role, facts: {"keep": ["K2"], "why": "the ball is blue"}
    mind = mind_of(server, models={"memory": "archivist"})
    kept = mind.think(agent, question).keyframes
    assert [(k.shot, k.about) for k in kept if k.role == "identity"] == [("s2.1", "ball")]
    (asked,) = server.asked
    assert asked.body["model"] == "archivist"
    assert [tool["function"]["name"] for tool in asked.body["tools"]] == [
        "recall_keyframes", "inspect_keyframe", "answer",
    ]  # fmt: skip
    assert [(one["number"], one["shot"], one["color"]) for one in facts_of(asked.body)["pictures"]] == [
        ("K1", "s1.1", "red"), ("K2", "s2.1", "blue"),
    ]  # fmt: skip


def test_by_rules_the_earliest_pictures_count(tmp_path: Path):
    agent, question = contradiction(tmp_path)
    assert [k.shot for k in Rules().think(agent, question).keyframes if k.role == "identity"] == ["s1.1", "s2.1"]


@pytest.mark.parametrize(
    ("keep", "complaint"),
    [
        (["K9"], "picture 'K9' is not remembered; these are: K1, K2"),
        (["../../etc/passwd"], "is not remembered"),
        (["K1", "K2"], "contradict each other"),
        ([], "at least 1 item"),
    ],
)
def test_a_choice_without_sense_goes_back_and_then_rules_decide(
    server: Server, tmp_path: Path, keep: list[str], complaint: str
):
    agent, question = contradiction(tmp_path)
    server.brain = lambda role, facts: {"keep": keep, "why": ""}
    mind = mind_of(server)
    assert mind.think(agent, question) == agent.rules(question)
    assert complaint in server.asked[1].body["messages"][-1]["content"]
    assert mind.accounts.usage.fallbacks[0].role == "memory"


def test_pictures_that_agree_are_nobodys_question(server: Server, memory: Memory, take):
    for id in ("s1.1", "s1.2", "s2.1"):
        memory.remember(BOARD.shot(id), BOARD, take(BOARD.shot(id)))
    for id in ("s1.2", "s3.1"):
        question = memory.recollection(BOARD.shot(id), BOARD)
        assert mind_of(server).think(memory, question) == memory.rules(question)
    assert server.asked == []


def test_the_memory_looks_before_it_decides(server: Server, tmp_path: Path):
    agent, question = contradiction(tmp_path)
    looks = [("recall_keyframes", {"about": "ball"}), ("inspect_keyframe", {"number": "K2"})]
    looks += [("inspect_keyframe", {"number": "K7"}), ("recall_keyframes", {"about": "fox"})]
    server.tools["memory"] = looks
    mind_of(server).think(agent, question)
    said = tool_results(server.asked[1].body)
    assert "identity of ball in s2.1" in said[0]
    assert "blue" in said[1]
    assert "There is no picture 'K7'; there are: K1, K2." in said[2]
    assert "Nothing is remembered of 'fox'" in said[3]
    assert len(server.asked) == 2
