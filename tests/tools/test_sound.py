"""Sound: files are checked as they are decoded, the mix is measured as ears would, voices are programs or none."""

from __future__ import annotations

import html
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pysubs2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph.errors import BadInput, Damaged, UnknownName
from kinograph.soundtrack import Caption, Duck, Music, Picture, Spoken, Tracks
from kinograph.tools import captions, mixing, sound
from kinograph.tools.footage import join_mp4, write_mp4
from kinograph.tools.sound import RATE
from kinograph.tools.speech import Voice, open_voice


def tone(seconds: float, pitch: float = 330.0, level: float = 0.2, channels: int = 2) -> np.ndarray:
    wave = level * np.sin(2 * np.pi * pitch * np.arange(round(seconds * RATE)) / RATE)
    return np.repeat(wave[None].astype(np.float32), channels, axis=0)


# ----------------------------------------------------------------------------------------- import


@pytest.mark.parametrize(
    ("kind", "codec", "suffix"),
    [("wav", "pcm_s16le", "wav"), ("mp3", "libmp3lame", "mp3"), ("ogg", "libopus", "ogg"), ("mp4", "aac", "m4a")],
)
def test_music_is_taken_in_every_common_format_whatever_its_name(tmp_path: Path, kind: str, codec: str, suffix: str):
    path = tmp_path / "song.jpg"
    with av.open(str(path), "w", format=kind) as file:
        stream: Any = file.add_stream(codec, rate=RATE, layout="stereo")
        frame = av.AudioFrame.from_ndarray((tone(2.0) * 32767).astype(np.int16).T.reshape(1, -1).copy(), "s16")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(format=stream.format, layout="stereo", rate=RATE, frame_size=stream.frame_size)
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))
    kept = tmp_path / "kept.flac"
    kept.write_bytes(sound.import_music(path))
    assert sound.length(kept) == pytest.approx(2.0, abs=0.06)
    heard = sound.load(kept)[:, RATE // 2 : RATE]
    assert np.sqrt((heard**2).mean()) == pytest.approx(0.2 / 2**0.5, rel=0.1)


def test_flac_gives_back_what_it_was_given_the_same_bytes_each_time(tmp_path: Path):
    samples = tone(1.5)
    (file := tmp_path / "a.flac").write_bytes(sound.flac(samples))
    assert np.abs(sound.load(file) - samples).max() < 1e-4
    assert sound.load(file, most=0.5, channels=1).shape == (1, RATE // 2)
    assert sound.flac(samples) == file.read_bytes()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (None, "cannot be opened: No such file"),
        (b"not sound at all, but text", "is not a WAV, FLAC, MP3, Ogg, AAC or M4A file"),
        (b"", "is not a WAV"),
        (b"#EXTM3U\nfile:///etc/passwd", "is not a WAV"),
        (b"RIFF\x00\x00\x00\x00WAVE" + b"\x00" * 400, "cannot be decoded"),
        (b"fLaC" + b"\xff" * 4000, "cannot be decoded"),
        (sound.flac(tone(0.5)), "lasts 0.50 s; it should last a second at least"),
    ],
)
def test_what_is_no_music_is_refused_in_one_line_that_names_it(tmp_path: Path, data: bytes | None, complaint: str):
    path = tmp_path / "song.mp3"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(BadInput, match=re.escape(complaint)) as caught:
        sound.import_music(path)
    assert "song.mp3" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_music_that_goes_on_and_on_is_refused_before_it_is_decoded_to_the_end(tmp_path: Path, monkeypatch):
    (path := tmp_path / "long.flac").write_bytes(sound.flac(np.zeros((1, 30 * RATE), np.float32)))
    monkeypatch.setattr(sound, "MAX_SECONDS", 3.0)
    with pytest.raises(BadInput, match="lasts more than"):
        sound.import_music(path)
    monkeypatch.setattr(sound, "MAX_BYTES", 10_000)
    with pytest.raises(BadInput, match="at most 10000 are opened"):
        sound.import_music(path)
    with pytest.raises(BadInput, match="cannot be opened"):
        sound.import_music(tmp_path)


def test_a_kept_sound_that_is_damaged_is_told_so(tmp_path: Path):
    (path := tmp_path / "a.flac").write_bytes(b"fLaC but no more")
    for read in (sound.load, sound.length):
        with pytest.raises(Damaged, match=r"a\.flac"):
            read(path)


# --------------------------------------------------------------------------------------------- mix


@pytest.fixture
def film(tmp_path: Path):
    """Speech from 2 to 4 s and from 7 to 8 s, music throughout: the tracks, and where their sounds are."""
    files = {"said": tone(2.0, 200.0, channels=1), "song": tone(4.0, 3000.0, 0.05)}
    for name, samples in files.items():
        (tmp_path / name).write_bytes(sound.flac(samples))
    tracks = Tracks(
        picture=(Picture(start=0, seconds=10, shot="a", scene="s", clip="c"),),
        narration=(
            Spoken(start=2, seconds=2, shot="a", words="hm", sound="said"),
            Spoken(start=7, seconds=1, shot="a", words="hm", sound="said"),
        ),
        music=tuple(Music(start=at, seconds=min(4, 10 - at), sound="song") for at in (0, 4, 8)),
        fade_in=0.5,
        fade_out=1.0,
        ducks=(Duck(start=1.9, seconds=2.2), Duck(start=6.9, seconds=1.2)),
    )
    return tracks, lambda name: tmp_path / name


def power(samples: np.ndarray, pitch: float, start: float, end: float) -> float:
    """Decibels of what is heard within 100 Hz of a pitch."""
    part = samples[0, round(start * RATE) : round(end * RATE)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2 / len(part) ** 2
    near = np.abs(np.fft.rfftfreq(len(part), 1 / RATE) - pitch) < 100
    return float(10 * np.log10(spectrum[near].sum() + 1e-20))


def test_the_music_is_12_decibels_lower_while_somebody_speaks(film):
    tracks, find = film
    mixed = mixing.mix(tracks, find)
    assert mixed.shape == (2, 10 * RATE)
    bed = power(mixed, 3000, 5.0, 6.5)
    for start, end in ((2.1, 3.9), (7.1, 7.9)):
        assert bed - power(mixed, 3000, start, end) == pytest.approx(12, abs=0.3)
        assert power(mixed, 200, start, end) > power(mixed, 3000, start, end) + 12, "speech stands well above it"
    assert power(mixed, 200, 5.0, 6.5) < bed - 40
    assert power(mixed, 3000, 9.9, 10.0) < bed - 15, "it goes out at the end"
    assert power(mixed, 3000, 0.0, 0.1) < bed - 15, "and comes in at the beginning"
    alone = mixing.mix(tracks.changed(narration=(), ducks=()), find)
    assert power(alone, 3000, 2.1, 3.9) == pytest.approx(power(alone, 3000, 5.0, 6.5), abs=0.3)


@pytest.mark.parametrize("wild", [False, True])
def test_what_players_hear_stays_a_decibel_below_full_scale(film, tmp_path: Path, wild: bool):
    tracks, find = film
    if wild:  # clicks between loud noise: the worst for a codec
        rng = np.random.default_rng(1)
        noise = np.clip(rng.normal(0, 0.5, (2, 4 * RATE)) * (rng.random((1, 4 * RATE)) < 0.01), -1, 1)
        (tmp_path / "song").write_bytes(sound.flac(noise.astype(np.float32)))
    told = mixing.render(tracks, find, tmp_path / "mix.mp4")
    heard = sound.loudness(sound.read_mp4(tmp_path / "mix.mp4"))
    assert heard == told
    assert heard.peak <= -1.0
    assert wild or heard.lufs == pytest.approx(-16, abs=1)


def test_a_sound_joins_the_picture_in_time_and_to_the_frame(film, tmp_path: Path):
    tracks, find = film
    hiss = np.random.default_rng(2).normal(0, 0.1, (1, 2 * RATE)).astype(np.float32)
    (tmp_path / "said").write_bytes(sound.flac(hiss))
    grey = np.full((60, 36, 64, 3), 90, np.uint8)
    for name in ("one.mp4", "two.mp4"):
        write_mp4(tmp_path / name, grey, 12, (64, 36), {})
    mixing.render(tracks, find, tmp_path / "mix.mp4")
    parts = [tmp_path / "one.mp4", tmp_path / "two.mp4"]
    join_mp4(tmp_path / "silent.mp4", parts, {})
    join_mp4(tmp_path / "film.mp4", parts, {}, tmp_path / "mix.mp4")
    with av.open(str(tmp_path / "film.mp4")) as file:
        assert [stream.type for stream in file.streams] == ["video", "audio"]
        lengths = [float((stream.duration or 0) * (stream.time_base or 0)) for stream in file.streams]
        assert lengths == pytest.approx([10, 10], abs=1 / 12)
        assert [stream.start_time for stream in file.streams] == [0, 0]
        kinds = [packet.stream.type for packet in file.demux() if packet.size]
        longest = max(len(run) for run in re.findall("v+", "".join(kind[0] for kind in kinds)))
        assert longest < 40, "picture and sound lie side by side, so that a player need not jump"
    heard, meant = sound.read_mp4(tmp_path / "film.mp4")[0], mixing.mix(tracks, find)[0]
    lag = np.argmax(np.correlate(heard[2 * RATE : 3 * RATE], meant[2 * RATE + 2400 : 3 * RATE - 2400], "valid")) - 2400
    assert abs(lag) < RATE / 1000, f"the sound is {lag} samples late"
    with av.open(str(tmp_path / "silent.mp4")) as one, av.open(str(tmp_path / "film.mp4")) as two:
        packets = [[bytes(packet) for packet in file.demux(video=0)] for file in (one, two)]
    assert packets[0] == packets[1], "the picture is untouched"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 8).map(lambda at: Duck(start=at, seconds=1.5)), max_size=4))
def test_the_envelope_is_down_during_every_duck_and_up_elsewhere(ducks: list[Duck]):
    gain = mixing.envelope(ducks, 10 * RATE)
    assert gain.max() <= 1
    time = np.arange(10 * RATE) / RATE
    inside = np.any([(time >= d.start) & (time <= d.end) for d in ducks] or [time < 0], axis=0)
    near = np.any([(time > d.start - 0.26) & (time < d.end + 0.52) for d in ducks] or [time < 0], axis=0)
    assert np.allclose(gain[inside], 10 ** (-12 / 20), atol=1e-3)
    assert np.allclose(gain[~near], 1)
    assert np.abs(np.diff(gain)).max(initial=0) < 1e-3, "it never clicks"


# ---------------------------------------------------------------------------------------- captions


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=42), min_size=1, max_size=2))
def test_captions_say_the_same_to_every_player_whatever_they_say(lines: list[str]):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        one = Caption(start=1.5, seconds=3, shot="a", lines=tuple(lines))
        srt, vtt = captions.write([one, one.changed(start=61.25)], Path(folder) / "film.mp4")
        told = srt.read_text("utf-8")
        assert "00:00:01,500 --> 00:00:04,500" in told
        assert "00:01:01,250 --> 00:01:04,250" in told
        body = told.split("\n\n")[0].split("\n", 2)[2]
        assert body == "\n".join(lines).translate(str.maketrans("{}\\", "❴❵∖"))
        web = vtt.read_text("utf-8").split("\n\n")[1].split("\n", 2)[2]
        assert "<" not in web
        assert ">" not in web
        assert html.unescape(web) == html.unescape("\n".join(lines).translate(str.maketrans("{}\\", "❴❵∖"))) or (
            html.unescape(web) == body
        )
        assert [(event.start, event.end) for event in pysubs2.load(str(srt))] == [(1500, 4500), (61250, 64250)]
        assert [(event.start, event.end) for event in pysubs2.load(str(vtt))] == [(1500, 4500), (61250, 64250)]


@given(st.text(st.sampled_from("ab é漢 ,.-"), max_size=300))
def test_captions_are_broken_into_lines_that_fit_and_keep_every_letter(words: str):
    pages = captions.blocks(words)
    assert all(1 <= len(page) <= 2 and all(0 < len(line) <= 42 for line in page) for page in pages)
    assert "".join("".join(page) for page in pages).replace(" ", "") == "".join(words.split())


# ------------------------------------------------------------------------------------------ voices

PRETENDER = f"""#!{sys.executable}
import sys, wave
if "--voices" in sys.argv:
    print("Pty Language Age/Gender VoiceName File\\n 5  en-gb  --/M  English  gmw/en\\n 5  de  --/M  German  gmw/de")
    sys.exit()
assert not any("meadow" in word for word in sys.argv), "words are no arguments"
said = sys.stdin.read()
if "fail" in said:
    sys.exit("cannot speak")
assert "[" not in said
at = sys.argv.index
pace = int(sys.argv[at("-s") + 1])
with wave.open(sys.argv[at("-w") + 1], "wb") as file:
    file.setparams((1, 2, 22050, 0, "NONE", ""))
    file.writeframes(b"\\x00\\x00" * 5000 + b"\\x00\\x20" * (len(said) * 160000 // pace) + b"\\x00\\x00" * 5000)
"""


@pytest.fixture(params=["pretender", "espeak-ng", "murmur"])
def voice(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Voice:
    """A program that obeys espeak-ng's command line, the real one where it is installed, and the voice without any."""
    if request.param == "murmur":
        return open_voice("murmur")
    if request.param == "pretender" or not shutil.which("espeak-ng"):
        program = tmp_path / "bin" / "espeak-ng"
        program.parent.mkdir()
        program.write_text(PRETENDER)
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return open_voice("espeak")


def test_a_voice_speaks_faster_when_asked_and_the_same_each_time(voice: Voice):
    voice.check("en")
    words = "[[A]] red ball rolls across a meadow; --version -w /etc/passwd"
    speech, again, faster = (voice.speak(words, "en", pace) for pace in (1.0, 1.0, 1.2))
    assert np.array_equal(speech.samples, again.samples)
    assert 1.5 < speech.seconds < 8
    assert speech.seconds / faster.seconds == pytest.approx(1.2, abs=0.08)
    assert 0.01 < np.abs(speech.samples).max() <= 1
    assert np.abs(speech.samples[[0, -1]]).min() > 0, "no silence at either end"


def test_without_espeak_the_words_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match="needs espeak-ng, which is not on this machine; install it"):
        open_voice("espeak").check("en")
    with pytest.raises(UnknownName, match="unknown voice 'robot'; available: espeak, murmur"):
        open_voice("robot")


@pytest.mark.parametrize("voice", ["pretender"], indirect=True)
def test_a_language_that_nobody_speaks_and_a_failing_program_are_told_in_a_line(voice: Voice):
    with pytest.raises(BadInput, match="language 'xx' is none that espeak-ng speaks; some that it does: de, en"):
        voice.check("xx")
    with pytest.raises(BadInput, match="espeak-ng failed: cannot speak"):
        voice.speak("fail", "en")
