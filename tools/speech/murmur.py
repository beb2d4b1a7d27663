"""A voice without words: a hummed tone for every syllable, as long as speech would be. Needs nothing installed.

For guide tracks, and for tests of everything that narration touches.
"""

from __future__ import annotations

import re

import numpy as np

from kinograph.tools.speech import Speech, trimmed

RATE = 22050
SYLLABLE, PAUSE = 0.2, 0.06
"""Seconds of a syllable, and of the pause after a word."""


class Murmur:
    """Hums."""

    def check(self, language: str) -> None:
        """It hums alike in every language."""

    def speak(self, words: str, language: str, pace: float = 1.0) -> Speech:
        hummed: list[np.ndarray] = []
        for word in words.split():
            for number, _ in enumerate(re.findall(r"[aeiouy]+", word.lower()) or [word]):
                hummed.append(_tone(110.0 * 2 ** ((len(word) + number) % 5 / 12), SYLLABLE / pace))
            hummed.append(np.zeros(round(PAUSE / pace * RATE), np.float32))
        return Speech(trimmed(np.concatenate(hummed)) if hummed else np.zeros(0, np.float32), RATE)


def _tone(pitch: float, seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    voiced = sum(np.sin(2 * np.pi * pitch * part * time) / part for part in (1, 2, 3, 5, 8))
    return (0.2 * voiced * np.sin(np.pi * time / seconds) ** 0.5).astype(np.float32)
