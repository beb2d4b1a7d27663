"""The conversation as a LangGraph graph: messages at the door, an interrupt for approval, default settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from kinograph import Studio, served
from kinograph.conversation import session_of
from kinograph.graphs import conversation

BALL = "A red ball rolls across a meadow at sunset. Then it bounces over the sea at night. 1 second."


@pytest.fixture
def graph() -> Any:
    """As a server holds it: the graph of langgraph.json with checkpoints of the server's own."""
    return served.graph().builder.compile(checkpointer=InMemorySaver())


def config(thread: str = "5f0c1f0e-8b1b-4f0a-9d63-0d8a2c1e7b11") -> Any:
    return {"configurable": {"thread_id": thread}}


def test_messages_in_messages_out_with_approval_between(graph: Any):
    state = graph.invoke({"messages": [{"role": "user", "content": BALL}]}, config())
    assert "2 of 2 shots to render" in state["messages"][-1].text
    assert state["__interrupt__"][0].value["waiting"] == "approval"
    state = graph.invoke(Command(resume="make shot 2 at dawn"), config())
    assert "sea, dawn" in state["messages"][-1].text
    state = graph.invoke(Command(resume=True), config())
    assert "__interrupt__" not in state
    assert Path(state["messages"][-1].text.rpartition(": ")[2]).is_file()
    assert [type(message) for message in state["messages"]] == [HumanMessage, AIMessage] * 3


def test_a_new_message_while_a_storyboard_waits_is_a_turn_like_any(graph: Any):
    graph.invoke({"messages": [HumanMessage(BALL)]}, config())
    state = graph.invoke({"messages": [HumanMessage("swap 1 and 2")]}, config())
    assert "(version 2)" in state["messages"][-1].text
    state = graph.invoke({"messages": [HumanMessage("yes")]}, config())
    assert "Version 2 is filmed" in state["messages"][-1].text


def test_no_approval_means_no_film(graph: Any, home: Path):
    graph.invoke({"messages": [HumanMessage(BALL)]}, config())
    state = graph.invoke(Command(resume=False), config())
    assert state["messages"][-1].text.startswith("Nothing is rendered")
    assert not (home / "vault" / "clips").exists()


@pytest.mark.parametrize("thread", ["../../etc", "/tmp/x", "a" * 400, "", "..", "ü\n"])
def test_a_thread_id_is_never_a_path(thread: str, tmp_path: Path):
    with session_of(Studio(), thread) as session:
        folder = Path(session.record.folder)
        assert folder.parent == tmp_path / "films"
        assert folder.resolve() == folder


def test_streams_typed_events(graph: Any):
    events = list(graph.stream({"messages": [HumanMessage(BALL)]}, config(), stream_mode="custom"))
    assert [type(event).__name__ for event in events] == ["Proposed"]
    events = list(graph.stream(Command(resume="yes"), config(), stream_mode="custom"))
    assert type(events[-1]).__name__ == "Finished"


def test_only_the_last_messages_are_remembered():
    old = conversation.recent([], [HumanMessage(str(n)) for n in range(100)])
    assert [message.text for message in old] == [str(n) for n in range(100 - conversation.REMEMBERED, 100)]
    assert conversation.recent(old, [AIMessage("new")])[-1].text == "new"
