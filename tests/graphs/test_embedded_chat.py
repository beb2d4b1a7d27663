"""A conversation about a film of the embedded model, whose shots go on from the last frame of the shot before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scripted import Scripted
from talking import Chat

from kinograph import Studio
from kinograph.film import Take, Verdict
from kinograph.settings import Settings
from kinograph.tools.footage import load, load_picture

STORY = "A red ball rolls across a green meadow by day. Then the ball bounces. A yellow star spins in space."


@pytest.fixture
def chat(home: Path):
    """Real diffusion, at the least size and length; every take is accepted, so that the next can go on from it."""
    settings = Settings.load(model="storyworld-diffusion", workers=1)
    studio = Studio(settings, mind=Scripted(validator=Verdict(accepted=True)))
    chat = Chat(studio, home, width=64, height=64, frames=9)
    yield chat
    chat.close()


def takes(chat: Chat) -> dict[str, Take]:
    """Shot -> the take that the last film shows."""
    film = chat.films[-1]
    return {
        cut.shot: next(t for t in film.takes if t.shot == cut.shot and t.request.digest == cut.clip)
        for cut in film.timeline
    }


def goes_on(chat: Chat, home: Path) -> bool:
    """Whether the second shot begins with the very frame that the first one ends with."""
    first, second = takes(chat)["s1.1"], takes(chat)["s1.2"]
    assert first.clip is not None
    (given,) = second.request.conditioning
    picture = load_picture(next((home / "vault").rglob(f"{given.keyframe}*")))
    return bool(np.array_equal(picture, load(first.clip)[-1]))


def why(chat: Chat, shot: str) -> str:
    return next(work.why for work in chat.conversation.at.proposal().works if work.shot == shot)


def test_what_goes_on_from_a_changed_shot_is_rendered_again_and_nothing_else(chat: Chat, home: Path):
    chat.say(STORY)
    assert chat.film() == ["s1.1", "s1.2", "s2.1"]
    assert goes_on(chat, home)
    old = takes(chat)

    chat.say("zoom in on shot 1")
    assert chat.proposed() == ["s1.1", "s1.2"]
    assert (why(chat, "s1.1"), why(chat, "s1.2")) == ("camera: static → zoom in", "goes on from shot 1")
    assert chat.film() == ["s1.1", "s1.2"]
    assert goes_on(chat, home)
    assert takes(chat)["s1.2"].request.conditioning != old["s1.2"].request.conditioning

    chat.say("make shot 3 dreamy")
    assert chat.proposed() == ["s2.1"]
    assert chat.film() == ["s2.1"]

    chat.say("pan left in shot 2")
    assert chat.proposed() == ["s1.2"]
    assert chat.film() == ["s1.2"]
    assert goes_on(chat, home)

    chat.say("static camera in shot 2")
    assert chat.film() == [], "as it was with this first shot"
    chat.say("like the first take of shot 1")
    assert chat.film() == [], "both were there before, together"
    assert goes_on(chat, home)
    assert takes(chat)["s1.2"].request.digest == old["s1.2"].request.digest
