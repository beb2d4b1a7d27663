"""Several takes before the eyes in one call: each judged by itself, none approved by a mix-up or by silence."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from minds import mind_of, validator, viewing
from PIL import Image
from server import Server, by_rules, facts_of

from kinograph.agents.panel import MOST
from kinograph.agents.verdicts import Viewing
from kinograph.film import Verdict
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.vault import Vault
from kinograph.tools.footage import load, png

COLORS: Any = ("red", "blue", "green", "yellow", "pink")


def viewings(folder: Path, count: int, who: str | None = None) -> list[Viewing]:
    """Takes of balls of different colours, each known by its colour unless all are the same `who`."""
    return [viewing(folder / color, color, color, who or color, f"s1.{n}") for n, color in enumerate(COLORS[:count], 1)]


def judge(
    server: Server, folder: Path, takes: list[Viewing], spoil: Callable[[list[dict[str, Any]]], Any], **mind: Any
) -> tuple[list[Verdict], Any]:
    """The verdicts on takes that are judged at the same time, in their order."""

    def brain(role: str, facts: dict[str, Any]) -> Any:
        return {"takes": spoil(by_rules(role, facts)["takes"])}

    server.brain = brain
    thinking, agent = mind_of(server, timeout=10.0, **mind), validator(folder)
    with thinking._gathering("validator").coming(), ThreadPoolExecutor(len(takes)) as pool:
        asked = [pool.submit(thinking.think, agent, take) for take in takes]
        verdicts = [one.result(60) for one in asked]
    return verdicts, thinking.accounts.usage


def who(rubric: dict[str, Any]) -> str:
    return rubric["subjects"][0]["who"]


def unseen(verdict: Verdict) -> bool:
    return any(note.startswith("what a vision model sees: ") for note in verdict.unchecked)


def test_takes_that_wait_together_cost_one_call(server: Server, tmp_path: Path):
    verdicts, usage = judge(server, tmp_path, viewings(tmp_path / "clips", 3), lambda takes: takes)
    assert server.roles == ["validator"]
    assert all(verdict.accepted and not unseen(verdict) for verdict in verdicts)
    assert usage.prompt_tokens < 3000, "pictures included"
    (told,) = [facts_of(asked.body) for asked in server.asked]
    assert [take["take"] for take in told["takes"]] == ["A", "B", "C"]


def test_more_takes_than_a_sheet_holds_go_into_two_calls(server: Server, tmp_path: Path):
    judge(server, tmp_path, viewings(tmp_path / "clips", MOST + 1), lambda takes: takes)
    assert sorted(len(facts_of(asked.body)["takes"]) for asked in server.asked) == [1, MOST]


def test_a_batch_of_one_is_like_any(server: Server, tmp_path: Path):
    def spoil(takes: list[dict[str, Any]]) -> Any:
        return [takes[0] | {"setting": "no"}]

    started = time.monotonic()
    question = viewing(tmp_path / "clips")
    server.brain = lambda role, facts: {"takes": by_rules(role, facts)["takes"]}
    assert mind_of(server).think(validator(tmp_path), question).accepted
    assert time.monotonic() - started < 5
    (verdict,), _ = judge(server, tmp_path / "again", [question], spoil)
    assert len(server.asked) == 2
    assert verdict.disagreements


def test_each_take_gets_what_was_said_of_it(server: Server, tmp_path: Path):
    problem = {"kind": "incoherent", "who": None, "first": 0, "last": 3, "severity": 0.9, "words": "it tears"}

    def spoil(takes: list[dict[str, Any]]) -> Any:
        return [one | ({"problems": [problem]} if who(one) == "blue" else {}) for one in reversed(takes)]

    (red, blue, green), _ = judge(server, tmp_path, viewings(tmp_path / "clips", 3), spoil)
    assert (red.accepted, blue.accepted, green.accepted) == (True, False, True)
    assert [finding.words for finding in blue.findings if finding.by == "eyes"] == ["it tears"]
    assert not any(finding.by == "eyes" for finding in (*red.findings, *green.findings))


def test_a_batch_answered_in_part_is_asked_again_and_what_was_said_is_kept(server: Server, tmp_path: Path):
    def spoil(takes: list[dict[str, Any]]) -> Any:
        return takes[:1] if len(server.asked) == 1 else takes[1:]

    verdicts, usage = judge(server, tmp_path, viewings(tmp_path / "clips", 2), spoil)
    assert len(server.asked) == 2
    assert "there is no answer for take B" in server.asked[1].body["messages"][-1]["content"]
    assert not any(map(unseen, verdicts))
    assert usage.fallbacks == ()


def test_a_take_that_is_never_answered_keeps_its_measured_verdict_and_says_so(server: Server, tmp_path: Path):
    takes = viewings(tmp_path / "clips", 3)
    no = {"kind": "incoherent", "who": None, "first": 0, "last": 3, "severity": 0.9, "words": "it tears"}

    def spoil(answers: list[dict[str, Any]]) -> Any:
        return [one | {"problems": [no]} for one in answers if who(one) != "green"]

    (red, blue, green), usage = judge(server, tmp_path, takes, spoil)
    assert len(server.asked) == 3
    assert not red.accepted
    assert not blue.accepted
    assert unseen(green)
    assert green.changed(unchecked=()) == validator(tmp_path / "again").rules(takes[2]).changed(unchecked=())
    (fallback,) = usage.fallbacks
    assert "there is no answer for take" in fallback.why


@pytest.mark.parametrize(
    ("letters", "complaint"),
    [("BC", "answers are for takes ['B', 'C']"), ("AA", "answers are for takes ['A', 'A']"), ("ABZ", "'Z'")],
)
def test_letters_that_do_not_fit_spoil_a_whole_draft(server: Server, tmp_path: Path, letters: str, complaint: str):
    """Takes of the same character: only the letters tell the answers apart."""

    def spoil(takes: list[dict[str, Any]]) -> Any:
        answers = [*takes, takes[0]]
        return [one | {"take": letter} for one, letter in zip(answers, letters, strict=False)]

    verdicts, usage = judge(server, tmp_path, viewings(tmp_path / "clips", 2, "ball"), spoil)
    assert complaint in server.asked[1].body["messages"][-1]["content"]
    assert all(map(unseen, verdicts))
    assert len(usage.fallbacks) == 1


def test_answers_swapped_between_takes_are_found_by_who_is_in_them(server: Server, tmp_path: Path):
    def spoil(takes: list[dict[str, Any]]) -> Any:
        first, second = takes
        return [first | {"take": "B"}, second | {"take": "A"}] if len(server.asked) == 1 else takes

    verdicts, _ = judge(server, tmp_path, viewings(tmp_path / "clips", 2), spoil)
    complaint = server.asked[1].body["messages"][-1]["content"]
    assert "take A: subjects are" in complaint
    assert "take B: subjects are" in complaint
    assert not any(map(unseen, verdicts))


@pytest.mark.parametrize(
    "bad",
    [{"setting": None}, {"problems": 7}, {"seen": "x" * 999}, {"subjects": []}, {"severity": 1, "subjects": "none"}],
)
def test_one_bad_answer_costs_the_others_nothing(server: Server, tmp_path: Path, bad: dict[str, Any]):
    def spoil(takes: list[dict[str, Any]]) -> Any:
        return [one | (bad if who(one) == "red" else {"setting": "no"}) for one in takes]

    (red, blue), usage = judge(server, tmp_path, viewings(tmp_path / "clips", 2), spoil)
    assert unseen(red)
    assert not unseen(blue)
    assert blue.disagreements, "what was seen of it counts"
    assert usage.fallbacks[0].why.startswith("take ")


def test_a_server_that_hangs_holds_no_take_longer_than_its_timeout(server: Server, tmp_path: Path):
    server.manners = {"*": "hang"}
    thinking, agent = mind_of(server, timeout=1.0), validator(tmp_path)
    started = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        verdicts = list(pool.map(lambda take: thinking.think(agent, take), viewings(tmp_path / "clips", 3)))
    assert time.monotonic() - started < 8
    assert all(map(unseen, verdicts))


def test_a_keyframe_is_shown_once_for_all_takes_that_are_held_to_it(server: Server, tmp_path: Path):
    vault, picture = Vault(tmp_path / "vault"), load(viewing(tmp_path / "old").clip)[0]
    digest = vault.keep_picture(png(picture))

    def kept(role: Any, about: str, digest: str = digest, shot: str = "s1.1") -> Keyframe:
        return Keyframe(production="p", shot=shot, role=role, about=about, picture=digest, frame=0)

    other = vault.keep_picture(png(picture[::-1]))
    recalled = (
        kept("identity", "ball"),
        kept("identity", "ball", other, "s0.1"),
        kept("setting", "meadow", other),
        kept("last", "s1.1"),
    )
    takes = [viewing(tmp_path / shot, shot=shot).changed(recalled=recalled) for shot in ("s1.2", "s1.3")]
    judge(server, tmp_path, takes, lambda answers: answers)
    (asked,) = server.asked
    told = facts_of(asked.body)
    assert told["remembered"] == {"K1": "identity of ball in s1.1", "K2": "setting of meadow in s1.1"}
    assert [take["remembered"] for take in told["takes"]] == [["K1", "K2"]] * 2
    data = asked.body["messages"][1]["content"][1]["image_url"]["url"].partition(",")[2]
    with Image.open(io.BytesIO(base64.b64decode(data))) as sheet:
        assert sheet.size[0] == 1024
        assert 400 < sheet.size[1] < 520, "a row for each take and one for what is remembered"
    assert json.dumps(asked.body).count("data:image/jpeg") == 1
