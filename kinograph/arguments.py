"""What the command line is told of a film: options, and briefs, casts and sizes read from its words."""

from __future__ import annotations

import errno
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from kinograph.errors import BadBrief, BadInput

Model = Annotated[str | None, typer.Option(help="Model card to render with; see kinograph models.")]
Topology = Annotated[str | None, typer.Option(help="Who acts when: chain, hierarchical or distributed.")]
Size = Annotated[str | None, typer.Option(help="Picture size, such as 384x216.")]
Aspect = Annotated[str | None, typer.Option(help="wide, square or vertical.")]
Fps = Annotated[str | None, typer.Option(help="Frames a second, 4 to 30.")]
Steps = Annotated[str | None, typer.Option(help="Denoising steps, in the model's range.")]
Guidance = Annotated[str | None, typer.Option(help="How closely words are followed, in the model's range.")]
Takes = Annotated[str | None, typer.Option(help="Most takes a shot may cost, 1 to 10.")]
Series = Annotated[str | None, typer.Option(help="Films of a series know each other's cast and places.")]
Fallback = Annotated[
    str | None, typer.Option(help="Other models for what the model cannot render: yes, no, or their names.")
]


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
