"""Clips and pictures on disk, named by digest and written atomically."""

from __future__ import annotations

import shutil
from pathlib import Path

from pydantic import ValidationError

from kinograph import disk
from kinograph.errors import Damaged
from kinograph.film import Clip, Noun, digest_of


class Entry(Noun):
    """What stands beside a clip: written after it, so an entry vouches for a whole clip."""

    clip: Clip
    bytes: int


class Vault:
    """A folder that never loses and never renames what it was given.

    `clips/ab/abcdef….mkv` with `….json` beside it, `pictures/ab/abcdef….png` and `sounds/ab/abcdef….flac`.
    Many processes may share one vault.
    """

    def __init__(self, home: Path) -> None:
        self.home = home

    def _clip_file(self, digest: str) -> Path:
        return self.home / "clips" / digest[:2] / f"{digest}.mkv"

    def keep_clip(self, clip: Clip) -> Clip:
        """Moves the clip's file in and returns the clip at its new place. Raises StorageError."""
        file = disk.move(Path(clip.path), self._clip_file(clip.request))
        kept = clip.changed(path=str(file))
        entry = Entry(clip=kept, bytes=file.stat().st_size)
        disk.write(file.with_suffix(".json"), entry.model_dump_json(indent=1))
        return kept

    def clip(self, digest: str) -> Clip | None:
        """The clip that a request's digest names, if it is here and its file is whole."""
        file = self._clip_file(digest)
        try:
            entry = Entry.model_validate_json(file.with_suffix(".json").read_bytes())
            if file.stat().st_size == entry.bytes:
                return entry.clip.changed(path=str(file))
        except (FileNotFoundError, ValidationError):
            return None
        return None

    def drop_clip(self, digest: str) -> None:
        """Forgets a clip that turned out damaged, so that it is rendered again."""
        self._clip_file(digest).with_suffix(".json").unlink(missing_ok=True)

    def keep_picture(self, png: bytes) -> str:
        """Keeps an encoded picture and returns its digest. Raises StorageError."""
        digest = digest_of(png)
        path = self._picture_file(digest)
        if not path.exists():
            disk.write(path, png)
        return digest

    def _picture_file(self, digest: str) -> Path:
        return self.home / "pictures" / digest[:2] / f"{digest}.png"

    def picture(self, digest: str) -> Path:
        """The file of a kept picture. Raises Damaged when it is gone."""
        path = self._picture_file(digest)
        if not path.exists():
            raise Damaged(f"picture {digest} is missing from the vault {str(self.home)!r}")
        return path

    def keep_sound(self, flac: bytes) -> str:
        """Keeps encoded sound and returns its digest. Raises StorageError."""
        digest = digest_of(flac)
        if not (path := self._sound_file(digest)).exists():
            disk.write(path, flac)
        return digest

    def _sound_file(self, digest: str) -> Path:
        return self.home / "sounds" / digest[:2] / f"{digest}.flac"

    def sound(self, digest: str) -> Path:
        """The file of a kept sound. Raises Damaged when it is gone."""
        path = self._sound_file(digest)
        if not path.exists():
            raise Damaged(f"sound {digest} is missing from the vault {str(self.home)!r}")
        return path

    def scratch(self, owner: str) -> Path:
        """A folder on the vault's own disk for work in progress of one production."""
        return disk.folder(self.home / "scratch" / owner)

    def clear_scratch(self, owner: str) -> None:
        """Throws away what a production left unfinished."""
        shutil.rmtree(self.home / "scratch" / owner, ignore_errors=True)
