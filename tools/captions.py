"""Captions: words broken into what fits on the screen, and the files that players read."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from pathlib import Path

from kinograph import disk
from kinograph.soundtrack import LINE, LINES, Caption


def blocks(words: str) -> list[tuple[str, ...]]:
    """`words` as captions of at most LINES lines of LINE characters, lines of a caption about equally long."""
    rows = textwrap.wrap(" ".join(words.split()), LINE)
    found = [rows[at : at + LINES] for at in range(0, len(rows), LINES)]
    return [tuple(_even(" ".join(block), len(block)) or block) for block in found]


def _even(text: str, lines: int) -> list[str]:
    """The same words in as many lines, the longest as short as can be; nothing when that cannot be."""
    for width in range(max(1, len(text) // lines), LINE + 1):
        rows = textwrap.wrap(text, width, break_long_words=False)
        if len(rows) <= lines and all(len(row) <= LINE for row in rows):
            return rows
    return []


def write(captions: Sequence[Caption], film: Path) -> tuple[Path, Path]:
    """Writes FILM.srt and FILM.vtt beside a film and returns them. Written atomically. Raises StorageError.

    Words are data: what would be markup to a player is escaped in WebVTT, which pysubs2 leaves to us, and shown as it
    stands in SubRip, whose players know braces and angle brackets only as themselves or as tags.
    """
    srt, vtt = film.with_suffix(".srt"), film.with_suffix(".vtt")
    disk.write(srt, _subtitles(captions, _plain).to_string("srt"))
    disk.write(vtt, _subtitles(captions, lambda line: html.escape(_plain(line), quote=False)).to_string("vtt"))
    return srt, vtt


_LOOKALIKES = str.maketrans({"{": "❴", "}": "❵", "\\": "∖"})
"""Braces and backslashes are override codes to pysubs2 and to some players; these look alike and are none."""


def _plain(line: str) -> str:
    return line.translate(_LOOKALIKES)


def _subtitles(captions: Sequence[Caption], shown):
    import pysubs2

    file = pysubs2.SSAFile()
    for one in captions:
        event = pysubs2.SSAEvent(start=round(one.start * 1000), end=round(one.end * 1000))
        event.text = r"\N".join(shown(line) for line in one.lines)
        file.append(event)
    return file
