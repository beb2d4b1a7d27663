"""The fusion agent: every timeline it makes can be played and read, and nothing asked for is lost in silence."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minds import mind_of
from pydantic import ValidationError
from server import Server, facts_of

from kinograph.agents.english.narration import narrated, shorter
from kinograph.agents.fusion import FASTEST, Assembly, Fusion, told
from kinograph.film import Scene, Shot, Storyboard
from kinograph.memory.vault import Vault
from kinograph.soundtrack import READABLE, Caption, Duck, Music, Picture, Spoken, Tracks
from kinograph.tools import sound
from kinograph.tools.speech import Speech
from kinograph.tools.speech.murmur import Murmur


class Stopwatch:
    """A voice that says a character in a fifteenth of a second; only the length of what it says counts."""

    def check(self, language: str) -> None: ...

    def speak(self, words: str, language: str, pace: float = 1.0) -> Speech:
        return Speech(np.full(round(len(words) / 15 / pace * 1000), 0.1, np.float32), 1000)


def assembly(*shots: tuple[str, str, float], **wishes) -> Assembly:
    """Of (scene, text, seconds); shots are called a, b, c, …"""
    picture, scenes, start = [], [], 0.0
    for number, (scene, text, seconds) in enumerate(shots):
        id = chr(97 + number)
        scenes.append(Scene(id=scene, setting="", time="day", shots=(Shot(id=id, scene=scene, text=text),)))
        picture.append(Picture(start=round(start, 4), seconds=seconds, shot=id, scene=scene, clip="c"))
        start += seconds
    return Assembly(storyboard=Storyboard(title="t", scenes=tuple(scenes)), picture=tuple(picture), **wishes)


@pytest.fixture
def fusion(tmp_path: Path) -> Fusion:
    return Fusion(Vault(tmp_path / "vault"), Stopwatch())


WORDS = st.text(alphabet=st.sampled_from("abcde ,.éß漢<&{\\'\"-"), max_size=120)
SHOTS = st.lists(
    st.tuples(st.sampled_from(["s1", "s2"]), WORDS, st.floats(0.1, 8).map(lambda x: round(x, 3))),
    min_size=1,
    max_size=6,
)
ROOM = tempfile.TemporaryDirectory(prefix="kinograph-")


@settings(max_examples=80, deadline=None)
@given(shots=SHOTS, narrate=st.booleans(), captions=st.booleans(), music=st.sampled_from([None, 1.0, 7.3]))
def test_every_timeline_can_be_played_and_read_and_accounts_for_every_word(shots, narrate, captions, music):
    vault = Vault(Path(ROOM.name))
    song = vault.keep_sound(sound.flac(np.full((2, round((music or 1) * sound.RATE)), 0.1, np.float32)))
    asked = assembly(*shots, narrate=narrate, captions=captions, music=song if music else None)
    tracks = Fusion(vault, Stopwatch()).rules(asked)  # Tracks refuses what cannot be played or read
    assert tracks.picture == asked.picture
    for shot, words in told(asked).items():
        said = "".join(one.words for one in tracks.narration if one.shot == shot)
        shown = "".join(line for one in tracks.captions if one.shot == shot for line in one.lines)
        unsaid, unshown = (
            "".join(one.words for one in tracks.left if (one.shot, one.track) == (shot, track))
            for track in ("narration", "captions")
        )
        assert letters(said + unsaid) == (letters(words) if narrate else "")
        assert letters(shown + unshown) == (letters(said or words) if captions else "")
    assert all(one.pace <= FASTEST for one in tracks.narration)
    assert bool(tracks.music) == bool(music)


def letters(text: str) -> str:
    return "".join(re.findall(r"\w", text))


def test_speech_stays_in_its_shot_runs_on_into_silence_and_is_shortened_only_then(fusion: Fusion):
    line = "The old lighthouse keeper climbs the long stairs, with a lamp in his hand."  # 5 s
    fits = fusion.rules(assembly(("s1", line, 6.0), narrate=True))
    assert (fits.narration[0].start, fits.narration[0].pace, fits.left) == (0.2, 1.0, ())
    on = fusion.rules(assembly(("s1", line, 3.0), ("s1", "The camera pans left.", 3.0), narrate=True))
    assert on.narration[0].words == line
    assert on.narration[0].end > 3.0
    faster = fusion.rules(assembly(("s1", line, 4.8), ("s1", "The sea roars.", 3.0), narrate=True))
    assert faster.narration[0].words == line
    assert 1.05 < faster.narration[0].pace <= FASTEST
    other = fusion.rules(assembly(("s1", line, 3.6), ("s2", "The camera pans left.", 3.0), narrate=True))
    assert other.narration[0].words == "The old lighthouse keeper climbs the long stairs."
    assert [(one.shot, one.words, one.track) for one in other.left] == [("a", "with a lamp in his hand.", "narration")]
    assert other.left[0].why == "4.9 s of speech, and 3.4 s to say it in"
    none = fusion.rules(assembly(("s1", line, 0.4), narrate=True, captions=True))
    assert (none.narration, none.captions) == ((), ())
    assert [(one.words, one.track) for one in none.left] == [(line, "narration"), (line, "captions")]


def test_captions_follow_the_speech_and_stay_as_long_as_they_take_to_read(fusion: Fusion):
    asked = assembly(("s1", "A ball rolls across a meadow.", 4.0), narrate=True, captions=True)
    tracks = fusion.rules(asked)
    assert tracks.captions[0].start == tracks.narration[0].start
    assert tracks.captions[0].end >= tracks.narration[0].end
    silent = fusion.rules(asked.changed(narrate=False))
    assert (silent.captions[0].start, silent.captions[0].end) == (0.0, 4.0)
    long = "Word after word " * 12
    many = fusion.rules(assembly(("s1", long.strip() + ".", 12.0), captions=True)).captions
    assert len(many) == 3
    assert all(len(line) <= 42 for one in many for line in one.lines)
    assert all(sum(map(len, one.lines)) / one.seconds <= READABLE for one in many)


def test_music_steps_back_for_speech_and_lasts_as_long_as_the_picture(fusion: Fusion, tmp_path: Path):
    vault = Vault(tmp_path / "vault")
    song = vault.keep_sound(sound.flac(np.full((2, 4 * sound.RATE), 0.1, np.float32)))
    lines = [("s1", "A ball rolls away.", 3.0), ("s2", "The camera pans left.", 4.0), ("s3", "It is gone now.", 3.0)]
    tracks = fusion.rules(assembly(*lines, narrate=True, music=song))
    assert [(one.start, one.seconds) for one in tracks.music] == [(0, 4), (4, 4), (8, 2)]
    assert [(one.start, round(one.end, 3)) for one in tracks.ducks] == [(0.1, 1.5), (7.1, 8.3)]
    short = fusion.rules(assembly(lines[0], lines[2], narrate=True, music=song))
    assert len(short.ducks) == 2
    assert fusion.rules(assembly(*lines, music=song)).ducks == ()


SOUND: dict[str, Any] = {"picture": (Picture(start=0, seconds=4, shot="a", scene="s1", clip="c"),)}
SPOKEN = Spoken(start=1, seconds=2, shot="a", words="hm", sound="d")


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"narration": (SPOKEN, SPOKEN.changed(start=2.5))}, "narration: what begins at 2.5 s overlaps"),
        ({"narration": (SPOKEN.changed(start=3),)}, "ends at 5 s, after the picture (4 s)"),
        ({"captions": (Caption(start=0, seconds=1, shot="a", lines=("x" * 43,)),)}, "more than 42 characters"),
        ({"captions": (Caption(start=0, seconds=1, shot="a", lines=("x" * 21,)),)}, "cannot be read in 1 s"),
        ({"music": (Music(start=0, seconds=3, sound="m"),)}, "does not last as long"),
        ({"music": (Music(start=0, seconds=4, sound="m"),), "narration": (SPOKEN,)}, "drowns what is said of a"),
        ({"picture": (*SOUND["picture"], Picture(start=5, seconds=1, shot="b", scene="s1", clip="c"))}, "nothing is"),
    ],
)
def test_a_timeline_refuses_what_cannot_be_played_or_read(wrong: dict, complaint: str):
    with pytest.raises(ValidationError, match=re.escape(complaint)):
        Tracks(**{**SOUND, **wrong})
    Tracks(**SOUND, narration=(SPOKEN,), ducks=(Duck(start=0, seconds=4),))


def test_speech_that_leaves_its_scene_is_refused():
    two = (*SOUND["picture"], Picture(start=4, seconds=4, shot="b", scene="s2", clip="c"))
    with pytest.raises(ValidationError, match="goes beyond its scene"):
        Tracks(picture=two, narration=(SPOKEN.changed(start=3),))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Then it bounces over the sea at night while the camera zooms in.", "It bounces over the sea at night."),
        ("The camera pans left.", ""),
        ('A knight says "Halt!" on a bridge.', 'A knight says "Halt!" on a bridge.'),
        ("???", ""),
    ],
)
def test_what_is_said_is_the_story_and_not_how_it_is_filmed(text: str, said: str):
    assert narrated(text) == said


def test_words_get_shorter_where_a_sentence_can_stop():
    assert list(shorter("A red ball rolls across a green meadow at sunset.")) == [
        "A red ball rolls across a green meadow.", "A red ball rolls.",
    ]  # fmt: skip


# --------------------------------------------------------------------------------- a language model


def test_a_model_writes_the_words_and_the_timing_is_computed(server: Server, tmp_path: Path):
    fusion = Fusion(Vault(tmp_path / "vault"), Murmur())
    asked = assembly(("s1", "A red ball rolls.", 4.0), ("s2", "It stops.", 4.0), narrate=True, captions=True)
    lines = [{"shot": "a", "words": "Off it goes, <b>far</b> away."}, {"shot": "b", "words": ""}]
    server.brain = lambda role, facts: {"lines": lines}
    tracks = mind_of(server).think(fusion, asked)
    assert [(one.shot, one.words) for one in tracks.narration] == [("a", "Off it goes, <b>far</b> away.")]
    assert [one.shot for one in tracks.captions] == ["a"]
    told_to = facts_of(server.asked[0].body)
    assert [one["most"] for one in told_to["shots"]] == [56, 56]
    assert mind_of(server).think(fusion, asked.changed(narrate=False)).narration == ()
    assert len(server.asked) == 1, "captions alone need no words but the brief's"


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([{"shot": "z", "words": "Hello."}], "there must be one for each of a, in order"),
        ([{"shot": "a", "words": "x" * 57}], "57 characters; at most 56"),
        ([{"shot": "a", "words": " "}], "nothing is said in the whole film"),
    ],
)
def test_words_without_sense_go_back_and_then_the_briefs_own_are_said(
    server: Server, tmp_path: Path, lines: list, complaint: str
):
    fusion = Fusion(Vault(tmp_path / "vault"), Murmur())
    asked = assembly(("s1", "A red ball rolls.", 4.0), narrate=True)
    server.brain = lambda role, facts: {"lines": lines}
    mind = mind_of(server)
    assert mind.think(fusion, asked) == fusion.rules(asked)
    assert complaint in server.asked[1].body["messages"][-1]["content"]
    assert mind.accounts.usage.fallbacks[0].role == "fusion"
