"""The mix: narration and music of a timeline as one sound, as loud as films on the web are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kinograph.soundtrack import Duck, Entry, Tracks
from kinograph.tools import sound
from kinograph.tools.sound import RATE

TARGET = -16.0
"""LUFS of the whole film."""
BED = -20.0
"""LUFS of what is beneath something else, before it steps back; narration stands at TARGET."""
CEILING = -1.0
"""dBTP that nothing in the finished file goes beyond."""
MARGIN = 0.5
"""Decibels below the ceiling that the mix is made to: AAC rings a little higher than what it was given."""
RAMP = 0.25
"""Seconds in which the music steps back, and comes forward again."""
JOINT = 0.02
"""Seconds of fading where music begins anew, so that nothing clicks."""
SILENT = -60.0
"""LUFS below which a sound is not made louder."""


def mix(tracks: Tracks, find: Callable[[str], Path]) -> np.ndarray:
    """Everything that is heard, [2,N], exactly as long as the picture. `find` knows a sound's file by its digest.

    Raises Damaged for a sound that is lost.
    """
    whole = _narration(tracks, find)
    if tracks.music:
        whole += _music(tracks, find)
    if tracks.own:
        whole += _own(tracks, find)
    level = sound.loudness(whole)
    if level.lufs > SILENT:
        whole *= _factor(min(TARGET - level.lufs, CEILING - MARGIN - level.peak))
    return whole


def render(tracks: Tracks, find: Callable[[str], Path], path: Path) -> sound.Loudness:
    """Mixes into an AAC file and makes sure of it: what players will hear stays below the ceiling."""
    mixed = mix(tracks, find)
    while True:  # each round is lower by MARGIN at least, so there is a last one
        sound.write_aac(path, mixed)
        heard = sound.loudness(sound.read_mp4(path))
        if heard.peak <= CEILING:
            return heard
        mixed *= _factor(CEILING - heard.peak - MARGIN)


def _factor(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def _samples(seconds: float) -> int:
    return round(seconds * RATE)


def _narration(tracks: Tracks, find: Callable[[str], Path]) -> np.ndarray:
    whole = np.zeros((2, _samples(tracks.seconds)), np.float32)
    for one in tracks.narration:
        _lay(whole, one, _levelled(sound.load(find(one.sound), one.seconds, channels=1), TARGET))
    return whole


def _music(tracks: Tracks, find: Callable[[str], Path]) -> np.ndarray:
    whole = np.zeros((2, _samples(tracks.seconds)), np.float32)
    for one in tracks.music:
        _lay(whole, one, _faded(sound.load(find(one.sound), one.seconds), JOINT, JOINT))
    whole = _levelled(whole, BED if tracks.narration else TARGET)
    whole = _faded(whole, tracks.fade_in, tracks.fade_out)
    whole *= envelope(tracks.ducks, whole.shape[1])
    return whole


def _own(tracks: Tracks, find: Callable[[str], Path]) -> np.ndarray:
    """The shots' own sounds, which keep how loud they are beside each other."""
    whole = np.zeros((2, _samples(tracks.seconds)), np.float32)
    for one in tracks.own:
        _lay(whole, one, _faded(sound.load(find(one.sound), one.seconds), JOINT, JOINT))
    whole = _levelled(whole, BED if tracks.narration or tracks.music else TARGET)
    whole *= envelope(tracks.ducks, whole.shape[1])
    return whole


def _lay(whole: np.ndarray, entry: Entry, piece: np.ndarray) -> None:
    start = _samples(entry.start)
    end = min(start + piece.shape[1], whole.shape[1])
    whole[:, start:end] += piece[:, : end - start]


def _levelled(samples: np.ndarray, target: float) -> np.ndarray:
    """As loud as asked for, unless it is silence. The meter wants 400 ms: shorter sounds are heard three times."""
    known = samples if samples.shape[1] >= RATE else np.tile(samples, (1, 3))
    level = sound.loudness(known).lufs
    return samples * np.float32(_factor(target - level)) if level > SILENT else samples


def _faded(samples: np.ndarray, rise: float, fall: float) -> np.ndarray:
    """`samples`, which come in and go out in that many seconds; changed in place."""
    ups, downs = (min(_samples(seconds), samples.shape[1]) for seconds in (rise, fall))
    samples[:, :ups] *= np.linspace(0, 1, ups, dtype=np.float32)
    samples[:, samples.shape[1] - downs :] *= np.linspace(1, 0, downs, dtype=np.float32)
    return samples


def envelope(ducks: Sequence[Duck], length: int) -> np.ndarray:
    """The gain of the music, sample by sample: down before a duck begins, up after it has ended."""
    decibels = np.zeros(length, np.float32)
    time = np.arange(length, dtype=np.float32) / RATE
    for duck in ducks:
        depth = np.interp(
            time, (duck.start - RAMP, duck.start, duck.end, duck.end + 2 * RAMP), (0, duck.decibels, duck.decibels, 0)
        )
        np.minimum(decibels, depth, out=decibels, casting="unsafe")
    return 10 ** (decibels / 20)
