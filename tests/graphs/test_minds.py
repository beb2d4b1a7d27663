"""Films planned and judged by language models: what they cost, and that one comes out whatever the model does."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from server import MISBEHAVIOURS, Server, by_rules, facts_of

from kinograph import Studio
from kinograph.errors import Cancelled
from kinograph.events import Finished, Warned
from kinograph.film import Film, Usage
from kinograph.graphs import TOPOLOGIES
from kinograph.memory.ledger import Ledger
from kinograph.settings import Settings

TEXT = "A red ball rolls across a green meadow at sunset. Then it bounces over the sea at night."
TWELVE = " ".join(
    f"Then a {color} {kind} moves {way} over the sea at {time}."
    for color, kind, way, time in zip(
        ("red", "blue", "green", "pink") * 3,
        ("ball", "fish", "star", "boat", "box", "car") * 2,
        ("left", "right") * 6,
        ("dawn", "night", "sunset") * 4,
        strict=True,
    )
)
"""Twelve shots."""
SMALL: dict[str, Any] = {"width": 128, "height": 72, "frames": 8}
DEADLINE = 60.0
"""Seconds within which any film of two small shots must be there, on a busy machine."""


def studio_of(server: Server, **mind: Any) -> Studio:
    plain = {"kind": "openai", "base_url": server.url, "model": "small", "timeout": 1.0, "retries": 1}
    return Studio(Settings.load(mind=plain | mind))


def make(studio: Studio, text: str = TEXT, **fields: Any) -> Film:
    return studio.make(studio.brief(text, **{**SMALL, **fields}))


def test_twelve_shots_are_planned_in_three_calls(server: Server):
    film = make(studio_of(server), TWELVE, takes=1)
    assert len(film.storyboard.shots) == 12
    assert server.roles == ["orchestrator", "planner", "director"]
    assert sum(call.prompt_tokens for call in film.usage.calls) < 5000


def test_an_ordinary_film_asks_nothing_of_the_memory(server: Server):
    text = "A red ball rolls across a meadow. Then it bounces over the sea at night. Then it rises in the snow at dawn."
    film = make(studio_of(server, models={"memory": "archivist"}, timeout=10.0), text)
    assert any(shot.needs for shot in film.storyboard.shots)
    assert server.roles == ["orchestrator", "planner", "director"]


def test_eyes_cost_one_call_a_take_that_is_alone(server: Server):
    film = make(studio_of(server, models={"validator": "eyes"}, timeout=10.0), topology="chain")
    assert server.roles[:3] == ["orchestrator", "planner", "director"]
    assert server.roles[3:] == ["validator"] * len(film.takes), "one after the other, nobody to wait for"
    assert {call.model for call in film.usage.calls if call.role == "validator"} == {"eyes"}


def test_takes_that_are_ready_together_share_a_call_of_the_eyes(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kinograph.agents.validator.MOST", 3)
    monkeypatch.setattr("kinograph.agents.language.gathering.GRACE", 30.0)
    monkeypatch.setattr("kinograph.agents.language.gathering.WINDOW", 30.0)
    mind = {"kind": "openai", "base_url": server.url, "model": "small", "models": {"validator": "eyes"}}
    apart = "A red ball rolls across a meadow. A blue fish swims in the sea. A green star spins in space."
    film = make(Studio(Settings.load(mind=mind, workers=3)), apart, topology="hierarchical", takes=1)
    assert len(film.takes) == 3
    assert server.roles == ["orchestrator", "planner", "director", "validator"]
    assert film.usage.fallbacks == ()


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_every_topology_plans_in_three_calls(server: Server, topology: str):
    film = make(studio_of(server, timeout=10.0), topology=topology)
    assert film.decision.topology == topology
    teller = "narrative" if topology == "distributed" else "planner"
    assert server.roles == ["orchestrator", teller, "director"]


def test_twelve_shots_in_three_acts_are_planned_in_five_calls_that_each_see_their_act(server: Server):
    film = make(studio_of(server, timeout=20.0), TWELVE, takes=1, topology="distributed")
    assert len(film.storyboard.shots) == 12
    assert sorted(server.roles) == sorted(["orchestrator", "narrative", *["director"] * 3])
    assert film.usage.fallbacks == ()
    seen = [facts_of(asked.body) for asked in server.asked if asked.role == "director"]
    beats = [[beat["beat"] for beat in facts["beats"]] for facts in seen]
    assert sorted((beat for own in beats for beat in own), key=int) == [str(number) for number in range(1, 13)]
    assert max(len(own) for own in beats) <= 6
    for facts in seen:
        on = {who for beat in facts["beats"] for who in beat["who"]}
        assert {one["id"] for one in facts["cast"]} == on, "told of nobody who is not in the act"
        assert len(json.dumps(facts["before"])) < 1500
    assert sum(call.prompt_tokens + call.completion_tokens for call in film.usage.calls) < 15_000


def test_what_the_eyes_ask_for_is_in_the_next_request(server: Server):
    def brain(role: str, facts: dict[str, Any]) -> Any:
        draft = by_rules(role, facts)
        if role == "validator" and server.roles.count("validator") == 1:
            problem = {"kind": "incoherent", "who": None, "first": 0, "last": 3, "severity": 0.9, "words": "it tears"}
            draft["takes"][0] |= {"problems": [problem], "correction": "one whole ball with a clean outline"}
        return draft

    server.brain = brain
    film = make(studio_of(server, models={"validator": "eyes"}, timeout=10.0), "A red ball rolls across a meadow.")
    first, second = film.takes
    assert first.verdict is not None
    assert [(finding.by, finding.words) for finding in first.verdict.findings] == [("eyes", "it tears")]
    assert "one whole ball with a clean outline" in second.request.prompt
    assert "one whole ball" not in first.request.prompt
    assert second.accepted
    assert [cut.attempt for cut in film.timeline] == [2]


def test_the_manifest_says_what_thinking_cost_and_never_the_key(server: Server, home: Path):
    prices = {"small": {"prompt": 1.0, "completion": 2.0}}
    film = make(studio_of(server, key="sk-secret-123", prices=prices))
    manifest = Path(film.folder, "manifest.json").read_text()
    told = json.loads(manifest)["usage"]
    assert [call["role"] for call in told["calls"]] == ["orchestrator", "planner", "director"]
    assert all(call["money"] > 0 and call["prompt_tokens"] > 0 and call["seconds"] > 0 for call in told["calls"])
    assert server.asked[0].key == "Bearer sk-secret-123"
    kept = [*Path(film.folder).rglob("*"), *home.rglob("*")]
    assert not any(b"sk-secret-123" in file.read_bytes() for file in kept if file.is_file())


@pytest.mark.parametrize("manner", MISBEHAVIOURS)
def test_a_film_comes_out_of_any_misbehaviour(server: Server, manner: str):
    server.manners = {"*": manner}
    studio = studio_of(server, models={"validator": "eyes"})
    started, warnings, film = time.monotonic(), [], None
    for event in studio.stream(studio.brief(TEXT, **SMALL)):
        if isinstance(event, Warned):
            warnings.append(event.words)
        film = event.film if isinstance(event, Finished) else film
    assert time.monotonic() - started < DEADLINE
    assert film is not None
    assert film.missing == ()
    assert len(film.storyboard.shots) == 2
    assert Path(film.path).stat().st_size > 1000
    told = [words for words in warnings if words.startswith("rules answered where small, eyes did not")]
    assert bool(told) == bool(film.usage.fallbacks)
    assert film.usage.calls


def test_stopping_reaches_a_server_that_hangs_and_the_production_goes_on_later(server: Server, home: Path):
    server.manners = {"planner": "hang"}
    studio = studio_of(server, timeout=60.0)
    told: list[float] = []

    def stop_once_the_planner_is_asked() -> None:
        while "planner" not in server.roles:
            time.sleep(0.02)
        told.append(time.monotonic())
        studio.cancel()

    threading.Thread(target=stop_once_the_planner_is_asked, daemon=True).start()
    with pytest.raises(Cancelled, match="kinograph resume"):
        make(studio)
    assert time.monotonic() - told[0] < 10
    server.manners = {}
    (record,) = Ledger(home / "ledger.sqlite").productions()
    film = studio_of(server).resume(record.id)
    assert [call.role for call in film.usage.calls] == ["orchestrator", "planner", "planner", "director"]
    assert "stopped" in film.usage.calls[1].error


def test_a_used_up_budget_leaves_the_rest_to_the_rules(server: Server):
    film = make(studio_of(server, budgets={"calls": 2}, models={"validator": "eyes"}))
    assert server.roles == ["orchestrator", "planner"]
    assert {fallback.role for fallback in film.usage.fallbacks} == {"director", "validator"}
    assert film.missing == ()


def test_a_dry_run_plans_with_the_model_and_writes_no_production(server: Server, home: Path):
    studio = studio_of(server)
    plan = studio.plan(studio.brief(TEXT, **SMALL))
    assert server.roles == ["orchestrator", "planner", "director"]
    assert len(plan.requests) == 2
    assert not (home / "ledger.sqlite").exists()


def test_what_was_learned_of_a_model_is_told_to_the_next_production(server: Server):
    make(studio_of(server))
    make(studio_of(server))
    second = [asked for asked in server.asked if asked.role == "orchestrator"][1]
    (known,) = facts_of(second.body)["experience"]
    assert known["model"] == "storyworld-render"
    assert known["takes"] >= known["accepted"] >= 1
    assert "earlier takes with it were accepted" in facts_of(second.body)["proposal"]["reasons"]["model"]


def test_productions_side_by_side_have_accounts_of_their_own(server: Server):
    studio = studio_of(server)
    first, second = make(studio), make(studio, "A blue fish swims in the sea.")
    assert len(first.usage.calls) == len(second.usage.calls) == 3


def test_a_film_of_rules_costs_nothing(server: Server):
    studio = Studio()
    film = make(studio)
    assert film.usage == Usage()
    assert server.asked == []
