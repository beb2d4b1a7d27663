"""Scripted chats, as data: what each turn changes in the storyboard, and exactly which shots are rendered for it.

Each is played twice: by rules alone, and with every agent asking a language model over HTTP that answers from the
script.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from minds import mind_of
from server import Server, by_rules
from talking import Chat

from kinograph import Studio

SCRIPT = yaml.safe_load((Path(__file__).parent / "chats.yaml").read_text("utf-8"))
CHATS, WORDINGS = SCRIPT["chats"], SCRIPT["wordings"]


def names(chats: list[dict[str, Any]]) -> list[str]:
    return [chat["name"] for chat in chats]


def test_there_are_forty_chats_with_names_of_their_own():
    assert len(set(names(CHATS))) == len(CHATS) >= 40
    assert len(set(names(WORDINGS))) == len(WORDINGS) >= 5


class Model:
    """The brain of a server that answers from the script: the plan of a brief, and each turn's edits."""

    def __init__(self, server: Server, script: dict[str, Any]) -> None:
        self.plan = SCRIPT["plans"][script["brief"]]
        self.turn: dict[str, Any] = {}
        self.server = server
        server.brain = self.answer

    def answer(self, role: str, facts: dict[str, Any]) -> Any:
        if role != "reviser":
            return self.plan.get(role) or by_rules(role, facts)
        assert facts["words"] == self.turn["say"]
        return {"edits": self.turn["model"]}

    def asked(self) -> int:
        return self.server.roles.count("reviser")


def play(script: dict[str, Any], chat: Chat, model: Model | None = None) -> None:
    chat.say(SCRIPT["briefs"][script["brief"]])
    assert chat.film() == [shot.id for shot in chat.board().shots]
    for turn in script["turns"]:
        asked = 0
        if model is not None:
            model.turn, asked = turn, model.asked()
        changed, expected = chat.turn(turn["say"]), dict(turn.get("expect", {}))
        if model is not None:
            assert model.asked() - asked == ("model" in turn), turn["say"]
        said, wanted = changed.pop("says", ""), expected.pop("says", "")
        assert wanted in said if wanted else not said, (turn["say"], said)
        assert changed == expected, turn["say"]
        session = chat.conversation.at
        if "filmed" in turn:
            assert (session.film_of(session.head) is not None) == turn["filmed"], turn["say"]
        if "renders" in turn:
            assert chat.proposed() == turn["renders"], f"proposed for {turn['say']!r}"
            assert chat.film() == turn["renders"], f"rendered for {turn['say']!r}"
    chat.close()


@pytest.mark.parametrize("script", CHATS, ids=names(CHATS))
def test_by_rules_a_turn_changes_what_was_said_and_renders_only_that(script: dict[str, Any], home: Path):
    play(script, Chat(Studio(), home))


@pytest.mark.parametrize("script", [*CHATS, *WORDINGS], ids=names([*CHATS, *WORDINGS]))
def test_with_a_language_model_the_same_is_changed_and_rendered(script: dict[str, Any], home: Path, server: Server):
    mind = mind_of(server, home, timeout=60.0, models={})
    chat = Chat(Studio(mind=mind), home)
    play(script, chat, Model(server, script))
    assert server.roles[:3] == ["orchestrator", "planner", "director"]
    usages = [film.usage for film in chat.films]
    assert not any(usage.fallbacks for usage in usages)
    told = sum(len(usage.calls) for usage in usages) + len(chat.conversation.at.usage.calls)
    assert told == len(server.asked), "every call is filed with a film, or will be with the next"


@pytest.mark.parametrize("script", WORDINGS, ids=names(WORDINGS))
def test_rules_say_that_they_did_not_understand_and_change_nothing(script: dict[str, Any], home: Path):
    chat = Chat(Studio(), home)
    chat.say(SCRIPT["briefs"][script["brief"]])
    for turn in script["turns"]:
        changed = chat.turn(turn["say"])
        assert changed.keys() == {"says"}
        assert changed["says"].startswith("I did not understand")
    assert len(chat.conversation.at.versions) == 1
    chat.close()
