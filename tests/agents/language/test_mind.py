"""The mind that asks language models: forms of answers, repairs, fallbacks, one call for three agents."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from minds import TEXT, assignment, commission, mind_of, question, questions
from server import MISBEHAVIOURS, Server

from kinograph.agents.language import open_mind
from kinograph.agents.language.mind import PATIENCE, REST, LanguageMind
from kinograph.agents.mind import Rules
from kinograph.agents.motion import Motion
from kinograph.agents.orchestrator import Orchestrator
from kinograph.agents.outline import Outline
from kinograph.agents.planner import Planner
from kinograph.agents.scene import Scene
from kinograph.agents.style import Style
from kinograph.errors import BadInput, Cancelled, UnknownName
from kinograph.film import Noun
from kinograph.settings import MindSettings

DEADLINE = 12.0
"""Seconds within which any thought must end: at most 6 calls of 2 s each, and mostly one."""


def test_rules_are_the_mind_of_plain_settings():
    assert isinstance(open_mind(MindSettings(), Path("home")), Rules)


def test_a_model_for_a_role_that_there_is_not_is_refused(server: Server):
    known = "available: director, fusion, memory, narrative, orchestrator"
    with pytest.raises(UnknownName, match=rf"unknown role in mind\.models 'plannr'; {known}"):
        mind_of(server, models={"plannr": "strong"})


def test_a_model_answers_for_every_role_as_its_draft_says(server: Server, tmp_path: Path):
    mind = mind_of(server)
    for role, (agent, asked) in questions(tmp_path).items():
        answer = mind.think(agent, asked)
        assert isinstance(answer, agent.answer), role
    assert mind.accounts.usage.fallbacks == ()
    asked = ["orchestrator", "planner", "narrative", "director", "validator", "memory", "reviser", "fusion"]
    assert server.roles == asked


def test_what_the_model_says_is_what_is_planned(server: Server):
    def brain(role: str, facts: dict[str, Any]) -> Any:
        cast = [{"id": "blue-fox", "kind": "fox", "color": "blue", "words": "a sly blue fox"}]
        beats = [
            {"text": "a fox wakes", "who": ["blue-fox"], "seconds": 2.5, "continues": []},
            {"text": "the fox runs", "who": ["blue-fox"], "seconds": None, "continues": [1]},
        ]
        return {"title": "Fox", "cast": cast, "beats": beats, "look": "ink"}

    server.brain = brain
    outline = mind_of(server).think(Planner(), assignment())
    assert outline.title == "Fox"
    assert [(beat.id, beat.seconds, beat.continues) for beat in outline.beats] == [("1", 2.5, ()), ("2", None, ("1",))]
    assert outline.cast[0].words == "a sly blue fox"
    assert outline.wishes.look == "ink"


def test_three_agents_side_by_side_share_one_call(server: Server):
    server.latency = 0.2
    mind, outline = mind_of(server), Planner().rules(assignment())
    with ThreadPoolExecutor(3) as pool:
        places, moves, look = pool.map(lambda agent: mind.think(agent, outline), (Scene(), Motion(), Style()))
    assert server.roles == ["director"]
    assert places == Scene().rules(outline)
    assert moves == Motion().rules(outline)
    assert look == Style().rules(outline)


def test_the_prefix_of_a_roles_prompt_is_the_same_for_every_question(server: Server):
    mind = mind_of(server)
    mind.think(Planner(), assignment("A red ball rolls."))
    mind.think(Planner(), assignment("A blue fish swims in the sea at night."))
    first, second = (asked.body["messages"][0] for asked in server.asked)
    assert first == second
    assert mind.accounts.usage.calls[1].cached_tokens > 0


# ------------------------------------------------------------------------------------------- forms


@pytest.mark.parametrize(
    ("abilities", "ignores", "tried", "kept"),
    [
        ({"json_schema", "tool", "json_object"}, set(), ["json_schema"], "json_schema"),
        ({"tool", "json_object"}, set(), ["json_schema", "tool"], "tool"),
        ({"json_object"}, set(), ["json_schema", "tool", "json_object"], "json_object"),
        (set(), set(), ["json_schema", "tool", "json_object", "prompt"], "prompt"),
        ({"json_object"}, {"json_schema", "tool"}, ["json_schema", "tool", "json_object"], "json_object"),
        (set(), {"json_schema", "tool", "json_object"}, ["json_schema", "tool", "json_object", "prompt"], "prompt"),
    ],
)
def test_the_best_form_is_found_once_and_remembered(
    server: Server, abilities: set[str], ignores: set[str], tried: list[str], kept: str
):
    server.abilities, server.ignores = abilities, ignores
    mind_of(server, retries=0).think(Planner(), assignment())
    assert [asked.means for asked in server.asked] == tried
    again = mind_of(server, retries=0)
    again.think(Planner(), assignment())
    assert [asked.means for asked in server.asked] == [*tried, kept]
    assert again.accounts.usage.fallbacks == ()


def test_a_server_that_does_not_heed_tools_is_asked_without_them(server: Server):
    server.abilities, server.ignores = {"json_schema"}, {"tool"}
    mind = mind_of(server, retries=0)
    mind.think(Orchestrator(), commission())
    assert [asked.means for asked in server.asked] == ["tool", "json_schema"]
    assert mind.accounts.usage.fallbacks == ()


def test_a_form_remembered_for_one_model_says_nothing_of_another(server: Server):
    server.abilities = {"tool"}
    mind_of(server, retries=0).think(Planner(), assignment())
    mind_of(server, retries=0, model="other").think(Planner(), assignment())
    assert [asked.means for asked in server.asked] == ["json_schema", "tool"] * 2


def test_a_damaged_memory_of_forms_is_found_out_again(server: Server, home: Path):
    home.mkdir()
    (home / "means.json").write_text('["rubbish"')
    mind_of(server, home).think(Planner(), assignment())
    assert json.loads((home / "means.json").read_text()) == {f"{server.url} small": "json_schema"}


def test_words_alone_carry_the_schema(server: Server):
    server.abilities = set()
    mind_of(server, retries=0).think(Planner(), assignment())
    assert '"maxLength"' in server.asked[-1].body["messages"][1]["content"]
    assert '"maxLength"' not in server.asked[0].body["messages"][1]["content"]


# ---------------------------------------------------------------------------------- sense and repair


def outline_of(**changes: Any) -> dict[str, Any]:
    ball = {"id": "red-ball", "kind": "ball", "color": "red", "words": "a red ball"}
    beat = {"text": "a ball rolls", "who": ["red-ball"], "seconds": None, "continues": []}
    plain = {"title": "T", "cast": [ball], "beats": [beat, beat], "look": None}
    return plain | changes


def beat_of(**changes: Any) -> dict[str, Any]:
    return {"text": "a ball rolls", "who": ["red-ball"], "seconds": None, "continues": []} | changes


@pytest.mark.parametrize(
    ("nonsense", "complaint"),
    [
        (outline_of(beats=[beat_of(who=["ghost"])]), "'ghost' is not in the cast"),
        (outline_of(beats=[beat_of(continues=[1])]), "beat 1 cannot continue beat 1"),
        (outline_of(beats=[beat_of(), beat_of(continues=[7])]), "beat 2 cannot continue beat 7"),
        (outline_of(beats=[beat_of(seconds=400)]), "400 s is no length of a shot"),
        (outline_of(beats=[beat_of(text="…")]), "says nothing"),
        (outline_of(beats=[]), "beats: Tuple should have at least 1 item"),
        (outline_of(beats=[beat_of(who=["red-ball", "red-ball"])]), "twice"),
        (outline_of(cast=outline_of()["cast"] * 2), "cast ids are not unique"),
    ],
)
def test_nonsense_of_the_right_form_goes_back_with_the_complaint(
    server: Server, nonsense: dict[str, Any], complaint: str
):
    drafts = iter([nonsense, outline_of()])
    server.brain = lambda role, facts: next(drafts)
    mind = mind_of(server)
    assert len(mind.think(Planner(), assignment()).beats) == 2
    assert complaint in server.asked[1].body["messages"][-1]["content"]
    assert mind.accounts.usage.fallbacks == ()


def test_after_two_repairs_the_rules_answer_and_the_accounts_say_so(server: Server):
    server.brain = lambda role, facts: outline_of(beats=[beat_of(who=["ghost"])])
    mind = mind_of(server)
    assert mind.think(Planner(), assignment()) == Planner().rules(assignment())
    assert len(server.asked) == 3
    (fallback,) = mind.accounts.usage.fallbacks
    assert fallback.role == "planner"
    assert "'ghost' is not in the cast" in fallback.why


def direction_of(outline: Outline, **changes: Any) -> dict[str, Any]:
    shots = [
        {
            "beat": beat.id,
            "setting": "sea",
            "time": "day",
            "mood": "",
            "extra": "",
            "camera": "static",
            "cast": [{"who": who, "motion": "rises", "action": "rises"} for who in beat.who],
        }
        | (changes if beat.id == "2" else {})
        for beat in outline.beats
    ]
    return {"look": {"name": "ink", "words": "ink lines"}, "shots": shots}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"beat": "9"}, "shots are for beats 1 9"),
        ({"cast": []}, "must show exactly"),
        ({"cast": [{"who": "ghost", "motion": "rises", "action": ""}]}, "must show exactly"),
        ({"time": "noon"}, "shots.1.time"),
        ({"camera": "crash zoom"}, "shots.1.camera"),
    ],
)
def test_a_direction_without_sense_goes_back(server: Server, changes: dict[str, Any], complaint: str):
    outline = Planner().rules(assignment())
    drafts = iter([direction_of(outline, **changes), direction_of(outline)])
    server.brain = lambda role, facts: next(drafts)
    places = mind_of(server).think(Scene(), outline)
    assert [place.setting for place in places.places] == ["sea", "sea"]
    assert complaint in server.asked[1].body["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("wish", "draft", "complaint"),
    [
        ({}, {"model": "sora-9"}, "model 'sora-9' cannot run here; these can: storyworld-diffusion, storyworld-render"),
        ({}, {"model": "wan-2.1-14b"}, "cannot run here"),
        ({}, {"topology": "distributed"}, "topology 'distributed' does not exist"),
        ({}, {"takes": 50}, "takes 50: 1 to 3"),
        ({}, {"workers": 4000}, "workers 4000: 1 to 4"),
        ({}, {"seconds": 400.0}, "seconds 400: the brief names no length"),
        ({"seconds": 8}, {"seconds": 9.0}, "seconds 9: the brief asks for 8"),
        ({"model": "storyworld-render"}, {"model": "storyworld-diffusion"}, "the brief demands 'storyworld-render'"),
        ({"topology": "chain"}, {"topology": "hierarchical"}, "the brief demands 'chain'"),
    ],
)
def test_a_decision_outside_what_exists_is_refused_and_repaired(
    server: Server, wish: dict[str, Any], draft: dict[str, Any], complaint: str
):
    first: list[bool] = []

    def brain(role: str, facts: dict[str, Any]) -> Any:
        first.append(not first)
        return facts["proposal"] | (draft if first[-1] else {"takes": 2})

    server.brain = brain
    decision = mind_of(server).think(Orchestrator(), commission(**wish))
    assert complaint in server.asked[1].body["messages"][-1]["content"]
    assert decision.takes == 2


def test_the_models_own_reasons_are_kept(server: Server):
    why = {"model": "small and exact", "topology": "two shots", "size": "as is", "workers": "few cores"}
    server.brain = lambda role, facts: facts["proposal"] | {"topology": "chain", "reasons": why}
    decision = mind_of(server).think(Orchestrator(), commission())
    assert decision.topology == "chain"
    assert [reason.why for reason in decision.reasons[:4]] == list(why.values())


def test_an_impossible_wish_is_refused_without_asking_anyone(server: Server):
    with pytest.raises(BadInput, match="nope"):
        mind_of(server).think(Orchestrator(), commission(model="nope"))
    assert server.asked == []


# ------------------------------------------------------------------------------------- misbehaviour

CALLED = ("orchestrator", "planner", "scene", "motion", "style", "validator", "memory", "reviser")


@pytest.mark.parametrize("manner", MISBEHAVIOURS)
@pytest.mark.parametrize("role", CALLED)
def test_any_misbehaviour_ends_in_a_checked_answer_in_time(server: Server, tmp_path: Path, role: str, manner: str):
    server.manners = {"*": manner}
    mind, (agent, asked) = mind_of(server), question(role, tmp_path)
    started = time.monotonic()
    answer = mind.think(agent, asked)
    assert time.monotonic() - started < DEADLINE
    assert type(answer) is agent.answer
    assert type(answer).model_validate(answer.model_dump()) == answer
    printed = answer.model_dump_json()
    assert "\x1b" not in printed
    assert "\\u001b" not in printed
    usage = mind.accounts.usage
    assert usage.calls, "every call is accounted for, whatever became of it"
    assert len(server.asked) <= 16
    if usage.fallbacks:
        assert usage.fallbacks[0].why
        rules = agent.rules(asked)
        if role == "validator":
            assert answer.changed(unchecked=()) == rules.changed(unchecked=())
            assert "what a vision model sees" in answer.unchecked[-1]
        else:
            assert answer == rules


RECOVERS = ("prose around json", "429 with Retry-After", "503 then well", "garbage in every text")


@pytest.mark.parametrize("manner", RECOVERS)
def test_a_mild_misbehaviour_needs_no_rules(server: Server, manner: str):
    server.manners = {"*": manner}
    mind = mind_of(server)
    mind.think(Planner(), assignment())
    assert mind.accounts.usage.fallbacks == ()


@pytest.mark.parametrize("manner", [manner for manner in MISBEHAVIOURS if manner not in RECOVERS])
def test_a_misbehaviour_that_does_not_end_is_told(server: Server, manner: str):
    server.manners = {"*": manner}
    mind = mind_of(server)
    assert mind.think(Planner(), assignment()) == Planner().rules(assignment())
    (fallback,) = mind.accounts.usage.fallbacks
    assert fallback.role == "planner"
    assert len(fallback.why) > 10


@pytest.mark.parametrize("manner", ["wrong schema", "truncated json", "500", "empty choices", "reset mid-stream"])
def test_a_misbehaviour_that_happens_once_is_mended(server: Server, manner: str):
    server.manners, server.times = {"*": manner}, 1
    mind = mind_of(server)
    mind.think(Planner(), assignment())
    if manner == "empty choices":
        assert len(mind.accounts.usage.fallbacks) == 1, "a server that talks no protocol is not argued with"
    else:
        assert mind.accounts.usage.fallbacks == ()


def test_a_model_that_never_comes_to_anything_is_left_alone_for_a_while(
    server: Server, monkeypatch: pytest.MonkeyPatch
):
    server.manners = {"*": "wrong schema"}
    mind = mind_of(server)
    briefs = [assignment(f"A ball rolls. Film {number}.") for number in range(PATIENCE + 2)]
    for brief in briefs:
        mind.think(Planner(), brief)
    assert len(server.asked) == PATIENCE * 3
    assert "left alone for a while" in mind.accounts.usage.fallbacks[-1].why
    later = time.monotonic() + REST
    monkeypatch.setattr("kinograph.agents.language.mind.time.monotonic", lambda: later)
    server.manners = {}
    mind.think(Planner(), briefs[0])
    mind.think(Planner(), briefs[1])
    assert len(server.asked) == PATIENCE * 3 + 2
    assert len(mind.accounts.usage.fallbacks) == PATIENCE + 2


def test_a_wrong_key_is_asked_once(server: Server):
    server.manners = {"*": "401"}
    mind = mind_of(server)
    for _ in range(3):
        mind.think(Planner(), assignment())
    assert len(server.asked) == 1


def test_cancelling_reaches_the_request(server: Server):
    server.manners = {"*": "hang"}
    stop = threading.Event()
    mind = open_mind(
        MindSettings(kind="openai", base_url=server.url, model="small", timeout=60), Path("home"), stop.is_set
    )
    told: list[float] = []

    def stop_once_asked() -> None:
        while not server.asked:
            time.sleep(0.02)
        told.append(time.monotonic())
        stop.set()

    threading.Thread(target=stop_once_asked, daemon=True).start()
    with pytest.raises(Cancelled):
        mind.think(Planner(), assignment())
    assert time.monotonic() - told[0] < 3
    until = time.monotonic() + 10
    while not server.dropped and time.monotonic() < until:
        time.sleep(0.02)
    assert server.dropped == 1, "the server saw the connection close"


def test_an_agent_that_says_nothing_of_models_is_asked_for_its_own_answer(server: Server):
    class Wish(Noun):
        text: str = ""

    class Title(Noun):
        title: str

    class Namer:
        role, answer = "planner", Title  # a role that has a prompt

        def rules(self, question: Wish) -> Title:
            return Title(title="by rules")

        def check(self, question: Wish, answer: Title) -> list[str]:
            return [] if answer.title.islower() else [f"title {answer.title!r} is not in lower case"]

    drafts = iter([{"title": "LOUD"}, {"title": "quiet"}])
    server.brain = lambda role, facts: next(drafts)
    mind: LanguageMind = mind_of(server)
    assert mind.think(Namer(), Wish(text=TEXT)) == Title(title="quiet")
    assert "LOUD" in server.asked[1].body["messages"][-1]["content"]
