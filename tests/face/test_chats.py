"""Scripted chats, as data: what each turn changes in the storyboard, and exactly which shots are rendered for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from talking import Chat

from kinograph import Studio
from kinograph.agents import Agent
from kinograph.agents.mind import Rules
from kinograph.agents.reviser import Reviser, Revision
from kinograph.agents.wish import Wish
from kinograph.film import Noun

SCRIPT = yaml.safe_load((Path(__file__).parent / "chats.yaml").read_text("utf-8"))
CHATS = SCRIPT["chats"]


class Written(Rules):
    """A mind whose reviser answers in JSON, as a language model does, and is held to the reviser's own check."""

    def think(self, agent: Agent[Any, Any], question: Noun) -> Any:
        answer = agent.rules(question)
        if not isinstance(agent, Reviser):
            return answer
        assert isinstance(question, Wish)
        assert isinstance(answer, Revision)
        again = Revision.model_validate(json.loads(json.dumps(answer.model_dump(mode="json"))))
        assert again == answer
        return again


def test_there_are_forty_chats_with_names_of_their_own():
    assert len({chat["name"] for chat in CHATS}) == len(CHATS) >= 40


@pytest.mark.parametrize("script", CHATS, ids=[chat["name"] for chat in CHATS])
def test_changes_what_was_said_and_renders_only_that(script: dict[str, Any], home: Path):
    chat = Chat(Studio(mind=Written()), home)
    chat.say(SCRIPT["briefs"][script["brief"]])
    assert chat.film() == [shot.id for shot in chat.board().shots]
    for turn in script["turns"]:
        changed, expected = chat.turn(turn["say"]), dict(turn.get("expect", {}))
        assert expected.get("says", "") in changed.get("says", ""), turn["say"]
        assert {**changed, "says": ""} == {**expected, "says": ""}, turn["say"]
        session = chat.conversation.at
        if "filmed" in turn:
            assert (session.film_of(session.head) is not None) == turn["filmed"], turn["say"]
        if "renders" in turn:
            assert chat.proposed() == turn["renders"], f"proposed for {turn['say']!r}"
            assert chat.film() == turn["renders"], f"rendered for {turn['say']!r}"
    chat.close()
