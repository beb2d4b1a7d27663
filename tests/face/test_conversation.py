"""Conversations from Python: what is said, kept, undone, and survives."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from minds import settings_of
from server import Server
from talking import Chat

from kinograph import Studio
from kinograph.agents.edits import Again, Keep, Length, Undo, Visit, Whole
from kinograph.agents.reviser import Reviser, Revision
from kinograph.agents.wish import Wish
from kinograph.errors import BadInput, KinographError, ProductionBusy, UnknownName
from kinograph.events import Asked, Finished, Proposed, Said, ShotSettled, Stopped, TakeStarted, Warned
from kinograph.settings import Settings
from kinograph.tools.footage import load

BALL = "A red ball rolls across a meadow at sunset. Then it bounces over the sea at night. 2 seconds."


@pytest.fixture
def chat(home: Path):
    chat = Chat(Studio(), home)
    yield chat
    chat.close()


def test_a_brief_in_several_turns_is_asked_about_once(chat: Chat):
    asked = chat.say("Make me something nice, 4 seconds, in noir style")
    assert [type(event) for event in asked] == [Asked]
    proposed = chat.say("A red ball rolls across a meadow.")[-1]
    assert isinstance(proposed, Proposed)
    assert proposed.storyboard.look.name == "noir"
    assert sum(shot.seconds for shot in proposed.storyboard.shots) == pytest.approx(4)
    assert [shot.setting for shot in proposed.storyboard.shots] == ["meadow"]


def test_the_question_is_not_asked_twice(chat: Chat):
    assert isinstance(chat.say("Make me something nice")[-1], Asked)
    assert isinstance(chat.say("Surprise me")[-1], Proposed)


def test_a_proposal_says_what_it_costs_and_renders_nothing(chat: Chat, home: Path):
    proposed = chat.say(BALL)[-1]
    assert isinstance(proposed, Proposed)
    assert [(work.shot, work.does, work.why) for work in proposed.works] == [
        ("s1.1", "render", "not rendered yet"),
        ("s2.1", "render", "not rendered yet"),
    ]
    assert proposed.seconds is not None
    assert proposed.seconds > 0
    assert not (home / "vault" / "clips").exists()


def test_reasons_name_what_changed(chat: Chat):
    chat.say(BALL)
    chat.film()
    for words, why in (
        ("make shot 2 at dawn", "time: night → dawn"),
        ("the ball should be blue everywhere", "time: night → dawn, a red ball → a blue ball"),
        ("seed 9", "seed 9, time: night → dawn, a red ball → a blue ball"),
    ):
        chat.say(words)
        assert chat.conversation.at.proposal().works[1].why == why


def test_unchanged_shots_are_shown_as_they_were_and_take_no_new_take(chat: Chat):
    chat.say(BALL)
    chat.film()
    chat.say("make shot 2 at dawn")
    events = chat.say("yes")
    assert [event.shot for event in events if isinstance(event, TakeStarted)] == ["s2.1"]
    assert {(e.shot, e.outcome) for e in events if isinstance(e, ShotSettled)} == {
        ("s1.1", "kept"),
        ("s2.1", "accepted"),
    }


def test_changes_and_yes_in_one_turn_are_filmed_at_once(chat: Chat):
    chat.say(BALL)
    assert isinstance(chat.say("swap 1 and 2. Render it.")[-1], Finished)


def test_a_turn_heard_twice_changes_nothing_the_second_time(chat: Chat):
    chat.say(BALL)
    session = chat.conversation.at
    first = session.hear("turn-7", "make shot 1 at night")
    assert session.hear("turn-7", "make shot 1 at night").events == first.events
    assert len(session.versions) == 2


def test_a_session_goes_on_in_another_process_where_it_stood(chat: Chat, home: Path):
    chat.say(BALL)
    chat.film()
    chat.say("make shot 1 at night")
    id = chat.conversation.id
    chat.close()
    assert [kept.session.id for kept in Studio().sessions()] == [id]
    with Studio().open(id) as again:
        events = list(again.say("yes"))
        assert isinstance(events[-1], Finished)
        assert [event.shot for event in events if isinstance(event, TakeStarted)] == ["s1.1"]


def test_one_process_holds_a_session(chat: Chat):
    chat.say(BALL)
    with pytest.raises(ProductionBusy, match=r"session .* is owned by another process"):
        Studio().open(chat.conversation.id)


def test_damaged_checkpoints_cost_nothing(chat: Chat):
    chat.say(BALL)
    folder, id = Path(chat.conversation.at.record.folder), chat.conversation.id
    chat.close()
    path = folder / ".kinograph" / "conversation.sqlite"
    path.write_bytes(b"no database" * 400)
    with Studio().open(id) as again:
        assert isinstance(list(again.say("yes"))[-1], Finished)
    assert list(path.parent.glob("conversation.sqlite.set-aside-*"))


def test_a_film_is_stopped_and_the_session_goes_on(chat: Chat):
    chat.say(BALL)
    events = []
    for event in chat.conversation.say("yes"):
        events.append(event)
        if isinstance(event, TakeStarted):
            chat.conversation.cancel()
    assert isinstance(events[-1], Stopped)
    assert isinstance(chat.say("make shot 1 at night")[-1], Proposed)
    chat.say("undo")
    assert isinstance(chat.say("go on")[-1], Finished)


def test_the_film_of_a_cancelled_version_is_gone_on_with(chat: Chat):
    chat.say(BALL)
    for event in chat.conversation.say("yes"):
        if isinstance(event, TakeStarted):
            chat.conversation.cancel()
    assert isinstance(chat.say("yes")[-1], Finished)


def test_versions_have_names_and_numbers(chat: Chat):
    chat.say(BALL)
    chat.conversation.save("calm")
    chat.say("make shot 1 at night")
    assert isinstance(chat.say("go back to calm")[-1], Proposed)
    assert chat.conversation.at.head.number == 1
    for name, why in (("v7", "cannot name"), ("", "cannot name")):
        with pytest.raises(BadInput, match=why):
            chat.conversation.save(name)
    chat.say("go back to version 2")
    with pytest.raises(BadInput, match="another version is named 'Calm'"):
        chat.conversation.save("Calm")
    with pytest.raises(UnknownName, match="unknown version 'loud'; available: calm, v2"):
        chat.conversation.at.find("loud")
    said = chat.say("go back to version 9")[-1]
    assert isinstance(said, Said)
    assert said.words.startswith("Unknown version '9'")


def test_exports_copies_and_never_overwrites(chat: Chat, tmp_path: Path):
    chat.say(BALL)
    with pytest.raises(BadInput, match="not filmed yet"):
        chat.conversation.export(tmp_path / "a.mp4")
    chat.film()
    assert chat.conversation.export(tmp_path / "a.mp4")[0].stat().st_size > 500
    with pytest.raises(BadInput, match="exists already"):
        chat.conversation.export(tmp_path / "a.mp4")
    assert {path.name for path in chat.conversation.export(tmp_path / "there")} == {
        "film.mp4",
        "contact_sheet.png",
        "manifest.json",
    }


@pytest.mark.parametrize(
    ("wishes", "why"),
    [({"takes": 99}, "takes = 99"), ({"topology": "ring"}, "topology = 'ring'"), ({"seed": -1}, "seed = -1")],
)
def test_a_wish_that_cannot_be_is_told_before_anything_is_kept(wishes: dict, why: str, home: Path):
    with pytest.raises(KinographError, match=why):
        Studio().open(**wishes)
    assert not (home / "ledger.sqlite").exists()
    assert Studio().sessions() == []


@pytest.mark.parametrize("words", ["!!!", "\x1b[2J", "x" * 30_000])
def test_words_that_say_nothing_are_answered_in_a_line(chat: Chat, words: str):
    chat.say(BALL)
    before = chat.board()
    said = chat.say(words)[-1]
    assert isinstance(said, Said)
    assert "\n" not in said.words
    assert chat.board() == before


def test_the_state_of_the_graph_stays_small(chat: Chat):
    chat.say(BALL)
    for number in range(30):
        chat.say(f"seed {number + 1}")
    path = Path(chat.conversation.at.record.folder) / ".kinograph" / "conversation.sqlite"
    largest = sqlite3.connect(path).execute("SELECT max(length(checkpoint)) FROM checkpoints").fetchone()[0]
    assert largest < 10_000, largest


def test_the_check_names_what_cannot_be_done(chat: Chat):
    chat.say(BALL)
    wish = Wish(words="x", storyboard=chat.board(), takes={"s1.1": 1}, versions=("v1",))
    bad = Revision(
        edits=(
            Again(shots=("s9.9",)),
            Keep(shot="s1.1", take=4),
            Length(shots=("s1.1",)),
            Visit(version="v8"),
            Whole(title="T"),
            Undo(),
        )
    )
    complaints = Reviser().check(wish, bad)
    assert [line.split(";")[0][:40] for line in complaints] == [
        "there is no shot 's9.9'",
        "shot s1.1 has no take 4",
        "a length edit gives exactly one of secon",
        "there is no version 'v8'",
        "undo, redo and visit stand alone, not be",
    ]
    assert Reviser().check(wish, Reviser().rules(wish.changed(words="swap 1 and 2"))) == []


def test_two_sessions_do_not_mix(home: Path):
    one, two = Chat(Studio(), home), Chat(Studio(), home)
    one.say(BALL)
    two.say("A yellow star spins in space.")
    one.say("make shot 1 at night")
    assert [len(chat.conversation.at.versions) for chat in (one, two)] == [2, 1]
    one.close()
    two.close()


# ------------------------------------------------------------------------------ with a language model


@pytest.fixture
def thinking(home: Path, server: Server):
    """A conversation whose agents ask the test server."""
    chat = Chat(asking(server), home)
    yield chat
    chat.close()


def asking(server: Server) -> Studio:
    return Studio(Settings.load().model_copy(update={"mind": settings_of(server, timeout=60.0, models={})}))


def test_opening_a_conversation_asks_no_model(thinking: Chat, server: Server):
    assert server.asked == []


def test_a_yes_and_what_commands_say_are_not_asked_about(thinking: Chat, server: Server):
    thinking.say(BALL)
    thinking.film()
    for words in ("undo", "redo", "seed 9", "use take 1 of shot 2", "go back to version 1", "not yet"):
        thinking.say(words)
    assert "reviser" not in server.roles


def test_a_model_that_fails_is_told_of_at_once_and_rules_answer(thinking: Chat, server: Server):
    thinking.say(BALL)
    server.manners["reviser"] = "404"
    events = thinking.say("make shot 1 at night")
    assert isinstance(events[0], Warned)
    assert "reviser" in events[0].words
    assert thinking.board().shots[0].time == "night"


def test_a_thought_is_stopped_and_the_session_goes_on(thinking: Chat, server: Server):
    thinking.say(BALL)
    server.manners["reviser"], server.times = "hang", 1
    threading.Timer(0.5, thinking.conversation.cancel).start()
    said = thinking.say("make shot 1 at night")[-1]
    assert isinstance(said, Said)
    assert said.words == "Stopped; nothing is changed."
    server.manners.clear()
    server.brain = lambda role, facts: {"edits": [{"edit": "change", "shots": ["s1.1"], "time": "night"}]}
    assert isinstance(thinking.say("make shot 1 at night")[-1], Proposed)


def test_what_thinking_cost_survives_the_process_and_is_filed_with_the_film(thinking: Chat, server: Server, home: Path):
    thinking.say(BALL)
    calls = len(server.asked)
    id = thinking.conversation.id
    thinking.close()
    with asking(server).open(id) as conversation:
        film = list(conversation.say("yes"))[-1]
        assert isinstance(film, Finished)
        assert len(film.film.usage.calls) == calls > 0
        assert conversation.at.usage.calls == ()


# ----------------------------------------------------------------------------------------------- pace


def test_a_slower_shot_moves_slower(chat: Chat):
    """A motion takes the whole shot: what is longer is slower."""

    def speed() -> float:
        """Pixels a second of the red ball between the first and the last frame."""
        take = chat.films[-1].takes[-1]
        assert take.clip is not None
        frames = load(take.clip).astype(int)
        red = (frames[..., 0] > 150) & (frames[..., 1] < 90) & (frames[..., 2] < 90)
        first, last = (float(np.nonzero(red[at])[1].mean()) for at in (0, -1))
        return abs(last - first) * take.request.fps / (len(frames) - 1)

    chat.say("A red ball rolls across a meadow by day. 2 seconds.")
    chat.film()
    before = speed()
    chat.say("twice as slow")
    chat.film()
    assert speed() == pytest.approx(before / 2, rel=0.15)
