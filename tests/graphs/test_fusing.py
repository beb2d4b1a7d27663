"""Films with sound and captions: on every topology, through failures, and from the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pysubs2
import pytest

from kinograph import Studio
from kinograph.cli import main
from kinograph.errors import BadInput, StorageError
from kinograph.events import Warned
from kinograph.film import Film
from kinograph.graphs import TOPOLOGIES
from kinograph.tools import mixing, sound
from kinograph.tools.sound import RATE
from kinograph.tools.speech.murmur import Murmur

BRIEF = "A red ball rolls across a green meadow. Then it bounces over the sea. Finally the ball meets a yellow star."
SMALL: dict[str, Any] = {"width": 96, "height": 54, "fps": 4, "seconds": 9}


@pytest.fixture
def song(tmp_path: Path) -> Path:
    wave = 0.1 * np.sin(2 * np.pi * 3000 * np.arange(4 * RATE) / RATE)
    (path := tmp_path / "song.flac").write_bytes(sound.flac(np.repeat(wave[None], 2, axis=0).astype(np.float32)))
    return path


def make(out: str, **wishes: Any) -> Film:
    studio = Studio(speech="murmur")
    return studio.make(studio.brief(BRIEF, **SMALL, **wishes), out=out)


def streams(film: Film) -> dict[str, float]:
    with av.open(film.path) as file:
        return {stream.type: float((stream.duration or 0) * (stream.time_base or 0)) for stream in file.streams}


def frames(film: Film) -> np.ndarray:
    with av.open(film.path) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_a_film_speaks_plays_and_reads_on_every_topology(topology: str, song: Path):
    film = make("film", topology=topology, narrate=True, captions=True, music=song)
    assert streams(film) == pytest.approx({"video": 9, "audio": 9}, abs=0.25)
    tracks = Studio().tracks("film")
    assert tracks is not None
    assert [one.shot for one in tracks.narration] == [shot.id for shot in film.storyboard.shots]
    assert [(one.start, one.seconds) for one in tracks.picture] == [(c.start, c.seconds) for c in film.timeline]
    manifest = json.loads(Path("film/manifest.json").read_text())
    assert manifest["tracks"] == tracks.model_dump(mode="json")
    for name in ("film.srt", "film.vtt"):
        read = pysubs2.load(f"film/{name}")
        assert [event.text.replace("\\N", " ") for event in read] == [one.words for one in tracks.narration]
        starts = [one.start * 1000 for one in tracks.captions]
        assert [event.start for event in read] == pytest.approx(starts, abs=1)
    heard = sound.read_mp4(Path(film.path))
    assert sound.loudness(heard).peak <= -1
    said = tracks.narration[1]
    during = heard[:, round(said.start * RATE) : round(said.end * RATE)]
    assert np.sqrt((during**2).mean()) > 0.02


def test_a_film_that_nobody_asked_for_more_is_as_it_was(song: Path):
    plain = make("plain")
    assert {path.name for path in Path("plain").iterdir()} == {
        ".kinograph", "film.mp4", "manifest.json", "contact_sheet.png", "shots",
    }  # fmt: skip
    assert list(streams(plain)) == ["video"]
    assert Studio().tracks("plain") is None
    assert "tracks" not in json.loads(Path("plain/manifest.json").read_text())
    rich = make("rich", narrate=True, music=song)
    assert [take.request for take in rich.takes] == [take.request for take in plain.takes]
    assert np.abs(frames(rich).astype(int) - frames(plain)).mean() < 0.5, "x264 itself is no more exact"
    assert not Path("rich/film.srt").exists()
    captions = make("captions", captions=True)
    assert list(streams(captions)) == ["video"]
    assert len(pysubs2.load("captions/film.srt")) == 3


def test_a_film_stopped_after_fusion_is_finished_without_saying_anything_again(song: Path, monkeypatch):
    said: list[str] = []
    speak = Murmur.speak
    monkeypatch.setattr(Murmur, "speak", lambda self, words, *rest: said.append(words) or speak(self, words, *rest))
    with monkeypatch.context() as broken:
        broken.setattr(mixing, "render", lambda *_: (_ for _ in ()).throw(StorageError("the disk is full")))
        with pytest.raises(StorageError):
            make("film", narrate=True, music=song)
    before = len(said)
    assert before
    film = Studio(speech="murmur").resume("film")
    assert len(said) == before
    assert list(streams(film)) == ["video", "audio"]
    again = Studio(speech="murmur").resume("film", rebuild=True)
    assert len(said) == before, "the tracks that are filed are of this very picture"
    for kept in (Path(Studio().settings.home) / "vault" / "sounds").rglob("*.flac"):
        if kept.stem != film.brief.music:
            kept.unlink()
    Studio(speech="murmur").resume("film", rebuild=True)
    assert len(said) > before, "what was lost is said again"
    assert np.abs(frames(again).astype(int) - frames(film)).mean() < 0.5


def test_words_without_a_place_are_told_and_listed():
    studio = Studio(speech="murmur")
    brief = studio.brief(BRIEF, width=96, height=54, fps=4, seconds=2, narrate=True, captions=True)
    warned = [event.words for event in studio.stream(brief, out="film") if isinstance(event, Warned)]
    tracks = studio.tracks("film")
    assert tracks is not None
    assert len(tracks.left) >= 3
    one = tracks.left[0]
    assert f"{one.track} of shot {one.shot}: {one.words!r} found no place ({one.why})" in warned


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--music", "nowhere.mp3"], "music 'nowhere.mp3' cannot be opened: No such file"),
        (["--music", "words.mp3"], "music 'words.mp3' is not a WAV"),
        (["--narrate"], "narration needs espeak-ng, which is not on this machine"),
        (["--narrate", "--language", "../x"], "language = '../x': string should match pattern"),
        (["--narrate", "--dry-run"], "narration needs espeak-ng"),
    ],
)
def test_what_cannot_be_heard_is_told_in_one_line_before_anything_is_made(
    arguments: list[str], complaint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    Path("words.mp3").write_text("a poem")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "argv", ["kinograph", "make", "A red ball rolls.", "--out", "film", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    err = capsys.readouterr().err
    assert end.value.code == 2
    assert complaint in err
    assert err.count("\n") == 1
    assert not Path("film").exists()


def test_the_command_line_makes_a_film_with_everything(
    song: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("KINOGRAPH_SPEECH", "murmur")
    words = ["A red ball rolls.", "--out", "film", "--size", "96x54", "--narrate", "--captions", "--music", str(song)]
    monkeypatch.setattr(sys, "argv", ["kinograph", "make", *words])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code in (0, None), capsys.readouterr().err
    with av.open("film/film.mp4") as file:
        assert [stream.type for stream in file.streams] == ["video", "audio"]
    assert "A red ball rolls." in Path("film/film.vtt").read_text()
    with pytest.raises(BadInput, match="unknown setting"):
        Studio().brief("A ball rolls.", narration=True)
