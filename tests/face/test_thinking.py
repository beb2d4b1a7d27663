"""Conversations that a language model thinks in: what they cost is accounted for, and thinking can be stopped."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from server import Server, by_rules

from kinograph import Studio
from kinograph.cli import main
from kinograph.events import Finished
from kinograph.settings import Settings

BALL = "A red ball rolls across a meadow at sunset. Then it bounces over the sea at night."
SMALL: dict[str, Any] = {"width": 64, "height": 48, "frames": 8, "takes": 1}


def brain(role: str, facts: dict[str, Any]) -> Any:
    if role == "reviser":
        wish = facts["words"]
        edit: dict[str, Any] = {"edit": "approve"}
        if wish != "yes":
            edit = {"edit": "change", "shots": ["s2.1"], "setting": None, "time": "dawn", "camera": None, "mood": None}
        return {"edits": [edit]}
    return by_rules(role, facts)


@pytest.fixture
def studio(server: Server) -> Studio:
    server.brain = brain
    prices = {"small": {"prompt": 1.0, "completion": 2.0}}
    return Studio(Settings.load(mind={"kind": "openai", "base_url": server.url, "model": "small", "prices": prices}))


def test_what_talk_costs_is_filed_with_the_film_that_it_led_to(server: Server, studio: Studio):
    models = studio.settings.mind.model_copy(update={"models": {"validator": "eyes"}})
    with Studio(studio.settings.model_copy(update={"mind": models})).open(**SMALL) as conversation:
        list(conversation.say(BALL))
        list(conversation.say("make shot 2 at dawn"))
        assert [call.role for call in conversation.at.usage.calls] == server.roles
        assert server.roles == ["orchestrator", "planner", "director", "reviser"]
        events = list(conversation.say("yes"))
        (film,) = [event.film for event in events if isinstance(event, Finished)]
        assert set(server.roles[4:]) == {"validator"}, "an agreed storyboard is not planned again"
        assert [call.role for call in film.usage.calls] == server.roles
        assert conversation.at.usage.calls == ()
    for call in film.usage.calls:
        assert call.model == ("eyes" if call.role == "validator" else "small")
        assert call.prompt_tokens > 100
        assert call.completion_tokens > 5
        assert call.seconds > 0
        assert call.money or call.role == "validator"
    assert any(call.cached_tokens for call in film.usage.calls)


def test_cost_shows_every_role_in_the_chat(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    server.brain = brain
    mind = {"KIND": "openai", "BASE_URL": server.url, "MODEL": "small"}
    for name, value in mind.items():
        monkeypatch.setenv(f"KINOGRAPH_MIND__{name}", value)
    monkeypatch.setattr(sys, "argv", ["kinograph", "chat", "--size", "64x48", "--frames", "8"])
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{BALL}\nmake shot 2 at dawn\n/cost\n"))
    with pytest.raises(SystemExit):
        main()
    out, _ = capsys.readouterr()
    assert "thinking" in out
    for role in ("orchestrator", "planner", "director", "reviser", "all"):
        assert role in out.partition("thinking")[2]
