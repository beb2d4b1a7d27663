"""espeak-ng: a small robot voice of a hundred languages, as a program that may be on the machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import wave
from functools import cache
from pathlib import Path

import numpy as np

from kinograph.errors import BadInput
from kinograph.tools.speech import Speech, trimmed

PROGRAM = "espeak-ng"
WORDS_A_MINUTE = 160
PATIENCE = 60.0
"""Seconds that a sentence may take to be spoken."""
MISSING = (
    "narration needs espeak-ng, which is not on this machine; install it (apt install espeak-ng, brew install "
    "espeak-ng), or set another voice as `speech`"
)


class Espeak:
    """Speaks with espeak-ng."""

    def check(self, language: str) -> None:
        known = _languages(_program())
        if language.lower() not in known:
            some = ", ".join(sorted({one.partition("-")[0] for one in known}))
            raise BadInput(f"language {language!r} is none that espeak-ng speaks; some that it does: {some}")

    def speak(self, words: str, language: str, pace: float = 1.0) -> Speech:
        # Double brackets would begin phoneme codes; words come by standard input and are never an argument.
        plain = re.sub(r"[\[\]]", " ", words)
        with tempfile.TemporaryDirectory(prefix="kinograph-") as folder:
            file = Path(folder) / "said.wav"
            command = [_program(), "-v", language, "-s", str(round(WORDS_A_MINUTE * pace)), "-z", "--stdin", "-w", file]
            _run(command, plain)
            with wave.open(str(file)) as sound:
                data, rate = sound.readframes(sound.getnframes()), sound.getframerate()
        return Speech(trimmed(np.frombuffer(data, "<i2").astype(np.float32) / 32768), rate)


def _program() -> str:
    if (found := shutil.which(PROGRAM)) is None:
        raise BadInput(MISSING)
    return found


@cache
def _languages(program: str) -> frozenset[str]:
    rows = _run([program, "--voices"], "").splitlines()[1:]
    told = [row.split()[1].lower() for row in rows if len(row.split()) > 1]
    return frozenset((*told, *(one.partition("-")[0] for one in told)))  # "en" is its default kind of English


def _run(command: list[str | Path], said: str) -> str:
    try:
        done = subprocess.run(command, input=said.encode(), capture_output=True, timeout=PATIENCE, check=True)
    except subprocess.TimeoutExpired as error:
        raise BadInput(f"espeak-ng took more than {PATIENCE:g} s to say {said[:60]!r}") from error
    except (subprocess.CalledProcessError, OSError) as error:
        why = getattr(error, "stderr", b"") or str(error).encode()
        raise BadInput(f"espeak-ng failed: {' '.join(why.decode('utf-8', 'replace').split())[:200]}") from error
    return done.stdout.decode("utf-8", "replace")
