"""The validator's eyes: what a vision model sees joins what was measured, and neither approves for the other."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from minds import mind_of, validator, viewing
from PIL import Image
from server import Server, tool_results

from kinograph.agents.requesting import resolve
from kinograph.agents.verdicts import Viewing
from kinograph.film import Brief, Decision, Scene, Storyboard, Verdict
from kinograph.graphs.lives import corrections_of
from kinograph.tools.backends import card


def rubric_of(**changes: Any) -> dict[str, Any]:
    sight = {"there": "yes", "color": "yes", "kind": "yes", "motion": "yes", "same": "unsure"}
    plain = {"take": "A", "seen": "a ball", "setting": "yes", "problems": [], "correction": ""}
    subject = {"who": "ball"} | sight | {name: changes.pop(name) for name in list(changes) if name in sight}
    return plain | {"subjects": [subject]} | changes


def problem_of(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "incoherent",
        "who": None,
        "first": 2,
        "last": 5,
        "severity": 0.8,
        "words": "two limbs merge",
    } | changes


def judge(server: Server, folder: Path, rubric: dict[str, Any], **take: Any) -> tuple[Verdict, Viewing]:
    server.brain = lambda role, facts: {"takes": [rubric]}
    question = viewing(folder / "clips", **take)
    return mind_of(server).think(validator(folder), question), question


def test_the_model_is_shown_the_take_and_what_is_asked(server: Server, tmp_path: Path):
    judge(server, tmp_path, rubric_of())
    words, picture = server.asked[0].body["messages"][1]["content"]
    data = picture["image_url"]["url"].removeprefix("data:image/jpeg;base64,")
    with Image.open(io.BytesIO(base64.b64decode(data))) as sheet:
        assert sheet.width == 1024
        assert 150 < sheet.height < 200, "four frames in one row"
        extrema: Any = sheet.convert("RGB").getextrema()
        assert all(high - low > 100 for low, high in extrema)
    assert '"words":"a red ball"' in words["text"]
    assert "/" not in words["text"].replace("</data>", ""), "no path is told to a model"


def test_two_approvals_approve(server: Server, tmp_path: Path):
    verdict, _ = judge(server, tmp_path, rubric_of())
    assert verdict.accepted
    assert verdict.disagreements == ()


def test_a_severe_finding_of_the_eyes_alone_rejects_and_its_words_reach_the_next_request(
    server: Server, tmp_path: Path
):
    rubric = rubric_of(problems=[problem_of()], correction="one whole ball with a clean outline")
    verdict, question = judge(server, tmp_path, rubric)
    assert not verdict.accepted
    (finding,) = [finding for finding in verdict.findings if finding.by == "eyes"]
    assert (finding.kind, finding.first_frame, finding.last_frame) == ("incoherent", 2, 5)
    from kinograph.film import Take

    take = Take(shot="s1.1", attempt=1, request=question.request, clip=question.clip, verdict=verdict)
    board = Storyboard(
        title="", cast=question.cast, scenes=(Scene(id="s1", setting="meadow", time="day", shots=(question.shot,)),)
    )
    decision = Decision(
        model="storyworld-render", revision="1", topology="chain", width=192, height=108, fps=12, takes=3
    )
    brief, model = Brief(text="x"), card("storyworld-render")
    again = resolve(question.shot, board, decision, brief, model, 2, corrections_of([take]))
    assert "one whole ball with a clean outline" in again.prompt
    assert "incoherent frames" in again.negative


def test_what_the_pixels_measured_and_found_right_the_eyes_cannot_reject(server: Server, tmp_path: Path):
    problem = problem_of(kind="wrong color", who="ball", words="the ball is orange")
    verdict, _ = judge(server, tmp_path, rubric_of(problems=[problem], color="no"))
    assert verdict.accepted
    assert verdict.disagreements == ("eyes: the ball is orange; pixels: color is as asked",)
    assert [finding.severity for finding in verdict.findings if finding.by == "eyes"] == [0.4]


def test_what_the_pixels_found_wrong_is_shown_to_nobody(server: Server, tmp_path: Path):
    verdict, question = judge(server, tmp_path, rubric_of(), color="blue")
    assert not verdict.accepted
    assert verdict == validator(tmp_path / "again").rules(question)
    assert server.asked == []


def test_a_plain_no_counts_without_a_problem(server: Server, tmp_path: Path):
    verdict, _ = judge(server, tmp_path, rubric_of(same="no"))
    assert not verdict.accepted
    assert [(finding.kind, finding.by) for finding in verdict.findings] == [("off model", "eyes")]


def test_what_neither_side_can_tell_is_said(server: Server, tmp_path: Path):
    verdict, _ = judge(server, tmp_path, rubric_of(color="unsure"), asked="silver")
    assert "eyes: color of a silver ball: unsure" in verdict.unchecked


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"subjects": []}, "there must be one entry for each of ['ball']"),
        ({"problems": [problem_of(who="ghost")]}, "problem in 'ghost'"),
        ({"problems": [problem_of(first=9, last=99)]}, "frames 9 to 99; the take has 0 to 15"),
        ({"problems": [problem_of(severity=3.0)]}, "take A: problems.0.severity"),
        ({"setting": None}, "setting"),
    ],
)
def test_a_rubric_without_sense_goes_back_and_silence_never_approves(
    server: Server, tmp_path: Path, changes: dict[str, Any], complaint: str
):
    verdict, question = judge(server, tmp_path, rubric_of(**changes))
    assert complaint in server.asked[1].body["messages"][-1]["content"]
    measured = validator(tmp_path / "again").rules(question)
    assert verdict.changed(unchecked=()) == measured.changed(unchecked=())
    assert verdict.unchecked[-1].startswith("what a vision model sees: ")


def test_a_broken_take_is_shown_to_nobody(server: Server, tmp_path: Path):
    question = viewing(tmp_path / "clips")
    Path(question.clip.path).write_bytes(b"rubbish")
    assert not mind_of(server).think(validator(tmp_path), question).accepted
    assert server.asked == []


def test_without_a_model_named_for_it_nobody_is_shown_pictures(server: Server, tmp_path: Path):
    mind = mind_of(server, models={})
    question = viewing(tmp_path / "clips")
    assert mind.think(validator(tmp_path), question) == validator(tmp_path / "again").rules(question)
    assert server.asked == []
    assert mind.accounts.usage.fallbacks == ()


def test_a_closer_look_is_granted_and_bounded(server: Server, tmp_path: Path):
    server.tools["validator"] = [
        ("inspect_frames", {"take": "A", "numbers": [0, 15]}),
        ("inspect_frames", {"take": "A", "numbers": [99]}),
        ("inspect_frames", {"take": "X", "numbers": [0]}),
        ("recall_keyframes", {"about": "ball"}),
        ("read_file", {"path": "/etc/passwd"}),
    ]
    mind = mind_of(server)
    assert mind.think(validator(tmp_path), viewing(tmp_path / "clips")).accepted
    said = tool_results(server.asked[1].body)
    assert said == [
        "take A, frames 0, 15",
        "There is no frame 99; there are 0 to 15.",
        "There is no take 'X'; there are: A.",
        "Nothing is remembered of 'ball'; remembered: nothing.",
        "There is no tool 'read_file'; there are: inspect_frames, recall_keyframes, answer.",
    ]
    pictures = server.asked[1].body["messages"][-1]["content"]
    assert [part["type"] for part in pictures] == ["text", "image_url"]
