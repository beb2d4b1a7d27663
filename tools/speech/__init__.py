"""Voices. Adding one is one file and one line in VOICES."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple, Protocol

import numpy as np

from kinograph.errors import UnknownName

VOICES = {
    "espeak": "kinograph.tools.speech.espeak:Espeak",
    "murmur": "kinograph.tools.speech.murmur:Murmur",
}


class Speech(NamedTuple):
    """Words spoken."""

    samples: np.ndarray
    """[N] float32, -1..1, mono."""
    rate: int
    """Samples a second."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


class Voice(Protocol):
    """Speaks words. The same words in the same language at the same pace sound the same."""

    def check(self, language: str) -> None:
        """Raises BadInput when it cannot speak here, or not this language."""
        ...

    def speak(self, words: str, language: str, pace: float = 1.0) -> Speech:
        """`pace` times as fast as usual. Silence at either end is cut away. Raises BadInput."""
        ...


def open_voice(name: str) -> Voice:
    """The voice of that name. Raises UnknownName."""
    if name not in VOICES:
        raise UnknownName("voice", name, VOICES)
    module, _, attribute = VOICES[name].partition(":")
    return getattr(import_module(module), attribute)()


def trimmed(samples: np.ndarray, quiet: float = 0.003) -> np.ndarray:
    """`samples` without the silence at either end."""
    loud = np.flatnonzero(np.abs(samples) > quiet)
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples[:0]
