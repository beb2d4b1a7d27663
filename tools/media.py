"""The user's own pictures: a folder looked through by the words of its file names.

A folder is data that others wrote. Names are only ever read as words; links are not followed; a file is opened as PNG,
JPEG or WebP, whatever it is called, and only after its size and its header were found harmless.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kinograph.errors import BadReference, BadSetting
from kinograph.tools.footage import import_reference

PICTURES = {".png", ".jpg", ".jpeg", ".webp"}
MAX_FILES = 5000
"""Most files that are looked at, by name."""
MAX_DEPTH = 4
"""Folders below the media folder that are looked into."""
MAX_OPENED = 12
"""Most pictures that are opened."""


class Found(NamedTuple):
    """A picture whose name says something that was asked for."""

    words: tuple[str, ...]
    """The words of its name and of the folders that it lies in."""
    png: bytes


class Finds(NamedTuple):
    """What a media folder has."""

    pictures: tuple[Found, ...]
    named: int
    """Pictures in the folder, by their names."""
    refused: tuple[str, ...]
    """Why pictures that fit could not be opened."""


def search(folder: Path, wanted: frozenset[str]) -> Finds:
    """Pictures whose names share a word with `wanted`, those that share most first.

    Raises BadSetting for a folder that is none.
    """
    if not folder.is_dir():
        raise BadSetting(f"media = {str(folder)!r} is not a folder")
    named = [(path, words_of(path.relative_to(folder).with_suffix(""))) for path in _pictures(folder)]
    fitting = sorted(
        (-len(wanted.intersection(words)), str(path), path, words)
        for path, words in named
        if wanted.intersection(words)
    )
    pictures, refused = [], []
    for _, _, path, words in fitting[:MAX_OPENED]:
        try:
            pictures.append(Found(words, import_reference(path)))
        except BadReference as error:
            refused.append(str(error))
    return Finds(tuple(pictures), len(named), tuple(refused))


def words_of(name: Path) -> tuple[str, ...]:
    """The words in a name: "sea/Red_ball-02" is sea, red, ball."""
    return tuple(dict.fromkeys(re.findall(r"[a-z]+", str(name).lower())))


def _pictures(folder: Path) -> Iterator[Path]:
    """Files with a picture's name, in an order that is the same on every machine."""
    seen = 0
    for place, folders, files in os.walk(folder):
        here = Path(place)
        deep = len(here.relative_to(folder).parts) >= MAX_DEPTH
        folders[:] = [] if deep else sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            seen += 1
            if seen > MAX_FILES:
                return
            path = here / name
            if path.suffix.lower() in PICTURES and not name.startswith(".") and not path.is_symlink():
                yield path
