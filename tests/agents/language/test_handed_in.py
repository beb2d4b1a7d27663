"""LangChain chat models that a caller hands in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI
from minds import assignment
from pydantic import SecretStr
from server import Server, by_rules

from kinograph import Studio
from kinograph.agents.language import hand_in
from kinograph.agents.planner import Planner
from kinograph.errors import BadInput
from kinograph.settings import MindSettings


def chat_openai(server: Server) -> ChatOpenAI:
    return ChatOpenAI(model="small", base_url=server.url, api_key=SecretStr("k"), max_retries=0, timeout=3)


def test_a_chat_model_answers_by_tool_calls_with_usage(server: Server):
    mind = hand_in(chat_openai(server), MindSettings())
    assert mind.think(Planner(), assignment()) == Planner().rules(assignment())
    assert [asked.means for asked in server.asked] == ["tool"]
    (call,) = mind.accounts.usage.calls
    assert (call.model, call.cached_tokens, call.estimated) == ("small", 512, False)
    assert call.prompt_tokens > 400


def test_a_streaming_chat_model_works_as_well(server: Server):
    model = ChatOpenAI(
        model="small", base_url=server.url, api_key=SecretStr("k"), streaming=True, stream_usage=True, max_retries=0
    )
    mind = hand_in(model, MindSettings())
    assert mind.think(Planner(), assignment()) == Planner().rules(assignment())
    assert server.asked[0].body["stream"] is True
    assert mind.accounts.usage.fallbacks == ()
    assert mind.accounts.usage.calls[0].completion_tokens > 20


def test_a_chat_model_without_tools_answers_in_words():
    facts = {"brief": assignment().brief.text, "max_subjects": 2, "look": None}
    text = "Here you are: " + json.dumps(by_rules("planner", facts))
    model = GenericFakeChatModel(messages=iter([AIMessage(content=text)]))
    mind = hand_in(model, MindSettings())
    assert mind.think(Planner(), assignment()) == Planner().rules(assignment())
    assert mind.accounts.usage.fallbacks == ()
    assert mind.accounts.usage.calls[-1].estimated


@pytest.mark.parametrize("manner", ["500", "hang", "wrong schema", "unknown tool", "broken tool call", "401", "html"])
def test_a_chat_model_that_fails_leaves_it_to_the_rules(server: Server, manner: str):
    server.manners = {"*": manner}
    mind = hand_in(chat_openai(server), MindSettings(timeout=3))
    assert mind.think(Planner(), assignment()) == Planner().rules(assignment())
    (fallback,) = mind.accounts.usage.fallbacks
    assert fallback.why


def test_a_studio_takes_a_chat_model_as_its_mind(server: Server):
    studio = Studio(mind=chat_openai(server))
    film = studio.make(studio.brief("A red ball rolls across a meadow.", width=128, height=72, frames=8))
    assert server.roles == ["orchestrator", "planner", "director"]
    assert film.usage.mind == "small"
    assert len(film.usage.calls) == 3


def test_chat_models_by_role_and_one_with_eyes(server: Server):
    eyes = ChatOpenAI(model="eyes", base_url=server.url, api_key=SecretStr("k"), max_retries=0)
    studio = Studio(mind={"": chat_openai(server), "validator": eyes})
    film = studio.make(studio.brief("A red ball rolls across a meadow.", width=128, height=72, frames=8))
    assert server.roles == ["orchestrator", "planner", "director", "validator"]
    assert [asked.body["model"] for asked in server.asked] == ["small", "small", "small", "eyes"]
    assert film.usage.fallbacks == ()


def test_something_that_cannot_think_is_refused():
    wrong: Any = "gpt"
    with pytest.raises(BadInput, match="mind = 'str' cannot think"):
        _ = Studio(mind=wrong).mind
    with pytest.raises(BadInput, match="unknown role 'plannr'"):
        _ = Studio(mind={"plannr": GenericFakeChatModel(messages=iter(()))}).mind
