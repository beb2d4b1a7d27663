"""Clips and pictures of a run inside of a page, up to a budget; the others as links beside it."""

from __future__ import annotations

import base64
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote

KINDS = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
}
"""Endings of files that a page may hold or name; others, SVG with its scripts among them, are not shown."""


class Medium(NamedTuple):
    """A file as a page shows it."""

    kind: Literal["picture", "clip", "nothing"]
    source: str = ""
    """data: URI; empty where the file is not inside of the page."""
    link: str = ""
    """Where it lies, as seen from the page."""
    why: str = ""
    """Why it is not shown."""


class Inlining:
    """Decides which files a page holds: those that are asked for first, as long as there is room."""

    def __init__(self, megabytes: float, page: Path) -> None:
        self._room = int(megabytes * 2**20)
        self._page = page.expanduser().resolve().parent
        self._inside: set[Path] = set()
        self._outside: dict[Path, int] = {}

    @property
    def left_out(self) -> int:
        """Files that are there and had no room."""
        return len(self._outside)

    @property
    def left_out_bytes(self) -> int:
        return sum(self._outside.values())

    def ask(self, files: Iterable[tuple[Path, str]]) -> None:
        """Gives files, as a run's folder and a name in it, room in the order given; a file is as big as it is often."""
        uses = Counter(path for folder, name in files if name and (path := _inner(folder, name)) and path.is_file())
        for path, times in uses.items():
            size = path.stat().st_size
            needed = times * (4 * -(-size // 3) + 32)
            if needed <= self._room:
                self._room -= needed
                self._inside.add(path)
            else:
                self._outside[path] = size

    def of(self, folder: Path, name: str) -> Medium:
        """A file of a run's folder as the page shows it."""
        path = _inner(folder, name)
        if path is None:
            return Medium("nothing", why="it lies outside of the run's folder, or is no clip and no picture")
        kind: Literal["picture", "clip"] = "clip" if KINDS[path.suffix.lower()].startswith("video") else "picture"
        link = quote(Path(os.path.relpath(path, self._page)).as_posix())
        if not path.is_file():
            return Medium("nothing", why="the file is not there")
        if path not in self._inside:
            return Medium(kind, link=link, why="left out for its size")
        data = base64.b64encode(path.read_bytes()).decode()
        return Medium(kind, f"data:{KINDS[path.suffix.lower()]};base64,{data}", link)


def _inner(folder: Path, name: str) -> Path | None:
    """The file of that name below the folder; None for one that lies elsewhere, or is no medium."""
    root = folder.resolve()
    try:
        path = (root / name).resolve()
    except (OSError, ValueError):
        return None
    return path if path.is_relative_to(root) and path.suffix.lower() in KINDS else None
