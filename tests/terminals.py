"""Terminals for tests: a child on a pseudo-terminal that answers as kitty, a sixel terminal or a plain one would."""

from __future__ import annotations

import base64
import codecs
import fcntl
import io
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from PIL import Image

CELL = (10, 20)
"""Width and height of a character in pixels."""


class Terminal:
    """`python -m …` or `python -c …` on a pseudo-terminal. `speaks`: what it answers when asked: "kitty", "sixel"."""

    def __init__(
        self, *arguments: str, speaks: str = "", columns: int = 120, lines: int = 40, term: str = "xterm-256color"
    ) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            own = {"TERM": term, "COLORTERM": "truecolor", "OMP_NUM_THREADS": "1"}
            around = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
            os.execve(sys.executable, [sys.executable, *arguments], around | own)
        self.seen = ""
        self._at = 0
        self._speaks = speaks
        self._letters = codecs.getincrementaldecoder("utf-8")("replace")

    def until(self, pattern: str, seconds: float = 300) -> str:
        """Reads until `pattern` is seen after what was waited for before."""
        end = time.monotonic() + seconds
        while (match := re.search(pattern, self.seen[self._at :])) is None:
            left = end - time.monotonic()
            assert left > 0, f"{pattern!r} was not seen in {self.seen[self._at :][-2000:]!r}"
            if select.select([self._fd], [], [], min(left, 1))[0]:
                self._read()
        self._at += match.end()
        return match[0]

    def _read(self) -> None:
        data = self._letters.decode(os.read(self._fd, 65536))
        self.seen += data
        if "\x1b[6n" in data:  # where is the cursor?
            self.type("\x1b[1;1R")
        if "\x1b[c" in data and self._speaks:  # what can you do?
            self.type("\x1b[?62;4;22c" if self._speaks == "sixel" else "\x1b[?62c")
        if "\x1b[16t" in data:  # how large is a character?
            self.type(f"\x1b[6;{CELL[1]};{CELL[0]}t")
        if self._speaks == "kitty" and (asked := re.search(r"\x1b_Gi=(\d+),[^;]*a=q", data)):
            self.type(f"\x1b_Gi={asked[1]};OK\x1b\\")

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def end(self, seconds: float = 300) -> int:
        """Exit status, minus the signal for one that was killed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self._fd], [], [], 0.1)[0]:
                with suppress(OSError):  # the other end is closed
                    self._read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self._fd)
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"still running: {self.seen[-1000:]!r}")


def kitty_picture(stream: str) -> tuple[Image.Image, tuple[int, int]]:
    """The picture that kitty's protocol transmits, and the columns and rows that it is placed in."""
    payload, placed = "", None
    for keys, data in re.findall(r"\x1b_G([^;\x1b]*);?([^\x1b]*)\x1b\\", stream):
        told = dict(pair.split("=") for pair in keys.split(","))
        if told.get("a") == "p":
            assert told["U"] == "1"
            placed = (int(told["c"]), int(told["r"]))
        elif told.get("a") != "q":
            assert told["f"] == "100"
            assert len(data) <= 4096
            payload += data
    assert placed is not None
    assert stream.count("\U0010eeee") == placed[0] * placed[1]
    return Image.open(io.BytesIO(base64.b64decode(payload, validate=True))), placed


def sixel_picture(stream: str) -> np.ndarray:
    """The picture `[H,W,3]` uint8 that a sixel stream draws, after DEC's STD 070."""
    found = re.search(r"\x1bP[\d;]*q(.*?)\x1b\\", stream, re.S)
    assert found, "there is no sixel stream"
    palette: dict[int, Sequence[float]] = {}
    drawn: dict[tuple[int, int], int] = {}
    x = y = color = 0
    token = r'"[\d;]*|#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)([?-~])|([?-~])|([$-])|\s'
    at = 0
    while at < len(found[1]):
        part = re.compile(token).match(found[1], at)
        assert part, f"no sixel: {found[1][at : at + 20]!r}"
        at = part.end()
        if part[1] is not None:
            color = int(part[1])
            if part[2] is not None:
                palette[color] = [int(part[n]) * 2.55 for n in (2, 3, 4)]
        elif part[8] is not None:
            x, y = 0, y + (6 if part[8] == "-" else 0)
        elif mask := part[6] or part[7]:
            bits, wide = ord(mask) - 63, int(part[5] or 1)
            drawn |= {(y + row, x + n): color for row in range(6) for n in range(wide) if bits >> row & 1}
            x += wide
    picture = np.zeros((max(y for y, _ in drawn) + 1, max(x for _, x in drawn) + 1, 3), np.uint8)
    for place, color in drawn.items():
        picture[place] = np.rint(palette[color])
    return picture
