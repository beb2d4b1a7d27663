"""What the command line is told: briefs, casts and sizes, read from its words."""

from __future__ import annotations

import errno
import re
import sys
from pathlib import Path

from kinograph.errors import BadBrief, BadInput


def brief_text(argument: str) -> str:
    """The brief itself, read from standard input or a file when the argument says so."""
    if argument == "-":
        try:
            return sys.stdin.read()
        except UnicodeDecodeError as error:
            raise BadBrief("standard input is not UTF-8 text") from error
    try:
        if len(argument) < 4096 and Path(argument).is_file():
            return Path(argument).read_text("utf-8")
    except UnicodeDecodeError as error:
        raise BadBrief(f"brief file {argument!r} is not UTF-8 text") from error
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:  # too long for a name: it is the brief itself
            raise BadBrief(f"brief file {argument[:80]!r} cannot be read: {error.strerror}") from error
    except ValueError:
        return argument  # a NUL byte: no file has such a name
    if re.fullmatch(r"\S+\.(txt|md)", argument):
        raise BadBrief(f"brief file {argument!r} does not exist")
    return argument


def cast_of(told: list[str]) -> list[tuple[str, Path]]:
    """Names and photos. Raises BadInput."""
    pairs = [one.partition("=") for one in told]
    for one, (name, _, photo) in zip(told, pairs, strict=True):
        if not name.strip() or not photo:
            raise BadInput(f"--cast {one!r} should be NAME=PHOTO, such as --cast cat=cat.png")
    return [(name, Path(photo).expanduser()) for name, _, photo in pairs]


def size_of(size: str | None) -> tuple[int | None, int | None]:
    if size is None:
        return None, None
    if not (match := re.fullmatch(r"(\d{1,6})x(\d{1,6})", size.strip().lower())):
        raise BadInput(f"size {size!r} is not WIDTHxHEIGHT, such as 384x216")
    return int(match[1]), int(match[2])
