"""Conversations that a language model thinks in: what they cost is accounted for, and thinking can be stopped."""

from __future__ import annotations

import io
import json
import sys
import threading
import time
from typing import Any

import pytest
from server import Server, by_rules

from kinograph import Studio
from kinograph.cli import main
from kinograph.events import Finished, Proposed, Stopped
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


def test_what_talk_costs_is_accounted_with_what_the_films_cost(server: Server, studio: Studio):
    with studio.open(**SMALL) as conversation:
        list(conversation.say(BALL))
        list(conversation.say("make shot 2 at dawn"))
        assert [call.role for call in conversation.at.usage.calls] == server.roles
        assert server.roles == ["orchestrator", "planner", "director", "reviser"]
        list(conversation.say("yes"))
        used = conversation.at.usage
        assert [call.role for call in used.calls] == server.roles
        assert server.roles[4:] == ["reviser"], "an agreed storyboard is not planned again"
        id = conversation.id
    for call in used.calls:
        assert call.model == "small"
        assert call.prompt_tokens > 100
        assert call.completion_tokens > 5
        assert call.seconds > 0
        assert call.money
    assert any(call.cached_tokens for call in used.calls)
    with Studio(studio.settings).open(id) as again:
        assert again.at.usage.calls == used.calls, "a session that is resumed knows what it has cost"
        list(again.say("make shot 2 at dawn"))
        assert len(again.at.usage.calls) == len(used.calls) + 1


def test_a_films_own_calls_are_in_its_manifest_and_in_the_sessions_usage(server: Server, studio: Studio):
    settings = studio.settings.model_copy(
        update={"mind": studio.settings.mind.model_copy(update={"models": {"validator": "eyes"}})}
    )
    with Studio(settings).open(**SMALL) as conversation:
        list(conversation.say(BALL))
        events = list(conversation.say("yes"))
        (film,) = [event.film for event in events if isinstance(event, Finished)]
        assert {call.role for call in film.usage.calls} == {"validator"}
        used = conversation.at.usage
    assert [call.role for call in used.calls] == server.roles
    assert len(used.calls) == 4 + len(film.usage.calls)


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


def test_a_session_of_rules_costs_nothing(server: Server):
    with Studio().open(**SMALL) as conversation:
        list(conversation.say(BALL))
        assert conversation.at.usage.calls == ()
    assert server.asked == []


def test_stopping_reaches_a_model_that_thinks_in_a_conversation_which_goes_on(server: Server, studio: Studio):
    with studio.open(**SMALL) as conversation:
        list(conversation.say(BALL))
        server.manners = {"reviser": "hang"}
        told: list[float] = []

        def stop_once_asked() -> None:
            while "reviser" not in server.roles:
                time.sleep(0.02)
            told.append(time.monotonic())
            conversation.cancel()

        threading.Thread(target=stop_once_asked, daemon=True).start()
        events = list(conversation.say("make shot 2 at dawn"))
        assert time.monotonic() - told[0] < 10
        assert [type(event) for event in events] == [Stopped]
        server.manners = {}
        (proposal,) = list(conversation.say("make shot 2 at dawn"))
        assert isinstance(proposal, Proposed)
        assert proposal.storyboard.shots[1].time == "dawn"
        assert "stopped" in json.dumps([call.error for call in conversation.at.usage.calls])
