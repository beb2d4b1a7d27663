"""Whole productions whose shots change into each other, end where a kept one begins, or are made anew in part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scripted import Scripted
from talking import Chat

from kinograph import Studio
from kinograph.agents.ties import LEAN
from kinograph.film import Correction, Film, Finding, Take, Verdict
from kinograph.settings import Settings
from kinograph.tools.footage import load, load_picture

SMALL: dict[str, Any] = {"width": 64, "height": 64, "frames": 9}
TURNS = "A red ball rolls across a meadow. The scene dissolves into the sea at night where a blue boat sails."


class Judged(Scripted):
    """Takes are judged as said, one after the other; all after the last as that."""

    def __init__(self, *verdicts: Verdict) -> None:
        super().__init__()
        self.verdicts = list(verdicts)

    def think(self, agent: Any, question: Any) -> Any:
        if agent.role != "validator":
            return super().think(agent, question)
        return self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]


GOOD = Verdict(accepted=True)


def studio(*verdicts: Verdict, model: str = "storyworld-diffusion") -> Studio:
    return Studio(Settings.load(model=model, workers=1), mind=Judged(*(verdicts or (GOOD,))))


def made(text: str, one: Studio, **wishes: Any) -> Film:
    return one.make(one.brief(text, **SMALL, **wishes), out="film")


def test_a_shot_that_the_one_before_changes_into_leans_towards_it():
    one = studio()
    film = made(TURNS, one)
    first, second = film.takes
    assert first.request.blend is None
    assert second.request.blend is not None
    assert second.request.blend.model_dump() == {
        "prompt": first.request.prompt,
        "seed": first.request.seed,
        "weight": LEAN,
    }
    assert film.given_up == ()
    again = one.resume(film.id, rebuild=True)
    assert [take.request for take in again.takes] == [take.request for take in film.takes]
    assert all(take.reused for take in again.takes)


def test_a_model_that_takes_no_neighbour_cuts_and_says_so():
    film = made(TURNS, studio(model="storyworld-render"))
    assert [take.request.blend for take in film.takes] == [None, None]
    (left,) = [one for one in film.given_up if one.kind == "left out"]
    assert (left.shot, left.why) == ("s2.1", "storyworld-render takes no words and noise of a neighbour")
    assert left.instead == "s1.1 is cut to it, and does not change into it"


def takes(chat: Chat) -> dict[str, Take]:
    film = chat.films[-1]
    return {
        cut.shot: next(t for t in film.takes if t.shot == cut.shot and t.request.digest == cut.clip)
        for cut in film.timeline
    }


def test_a_shot_made_again_before_a_kept_one_ends_where_that_begins(home: Path):
    chat = Chat(studio(), home, **SMALL)
    try:
        chat.say("A red ball rolls across a green meadow by day. Then the ball bounces.")
        chat.film()
        chat.say("use take 1 of shot 2")
        chat.film()
        kept = takes(chat)["s1.2"]
        chat.say("zoom in on shot 1")
        assert chat.film() == ["s1.1"]
        new = takes(chat)["s1.1"]
    finally:
        chat.close()
    (given,) = new.request.conditioning
    assert given.role == "last"
    assert kept.clip
    assert new.clip
    picture = load_picture(next((home / "vault").rglob(f"{given.keyframe}*")))
    assert np.array_equal(picture, load(kept.clip)[0])
    far = [float(np.abs(frame.astype(int) - picture).mean()) for frame in load(new.clip)]
    assert far[-1] == min(far)


def test_a_take_that_flickers_is_made_anew_in_part():
    anew = Correction(action="rework", because="flicker", remedy="anew in part")
    bad = Finding(kind="flicker", words="it flickers", shot="s1.1", severity=0.9, last_frame=8)
    rejected = Verdict(accepted=False, findings=(bad,), corrections=(anew,))
    film = made("A red ball rolls across a meadow.", studio(rejected, GOOD), takes=3)
    first, second = film.takes
    (source,) = second.request.conditioning
    assert (source.role, source.keyframe, source.strength) == ("source", first.request.digest, 0.5)
    assert second.accepted
