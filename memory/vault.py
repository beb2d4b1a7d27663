"""Clips and pictures named by digest, written atomically: in a folder, or in a store with a folder for a cache."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from uuid import uuid4

from pydantic import ValidationError

from kinograph import disk
from kinograph.errors import Damaged, LeaseLost
from kinograph.film import Clip, Noun, digest_of
from kinograph.memory.owners import gone, whoami
from kinograph.memory.store import Store


class Entry(Noun):
    """What stands beside a clip: written after it, so an entry vouches for a whole clip."""

    clip: Clip
    bytes: int
    checksum: str = ""
    """BLAKE2b-160 of the file; none was written by earlier versions."""
    object: str = ""
    """Name of the file in the store. No two commits share one, so nobody overwrites what an entry vouches for."""


def open_vault(place: str | None, home: Path) -> Vault:
    """The vault at a path or fsspec URL; by default the folder `home`, which is the cache of any that is far away.

    Raises BadSetting.
    """
    if place is None:
        return Vault(home)
    parts = urlsplit(place)
    if parts.scheme in ("", "file", "local"):
        return Vault(Path(unquote(parts.path)).expanduser().absolute())
    return Vault(home, Store(place))


class Vault:
    """A folder that never loses and never renames what it was given.

    `clips/ab/abcdef….mkv` with `….json` beside it, `pictures/ab/abcdef….png` and `sounds/ab/abcdef….flac`. Many
    processes may share one vault. With a store the folder holds copies, and what others kept is fetched from there.
    """

    def __init__(self, home: Path, store: Store | None = None) -> None:
        self.home = home
        self.store = store

    def _clip_file(self, digest: str) -> Path:
        return self.home / "clips" / digest[:2] / f"{digest}.mkv"

    def _entry_name(self, digest: str) -> str:
        return f"clips/{digest[:2]}/{digest}.json"

    def keep_clip(self, clip: Clip, fence: AbstractContextManager[None] | None = None) -> Clip:
        """Moves the clip's file in and returns the clip at its new place.

        What can take long is done before the fence, and within it the clip becomes known: all or nothing. Raises
        StorageError, or what the fence raises; then the file is gone.
        """
        digest, file = clip.request, self._clip_file(clip.request)
        with disk.drafting(file) as draft, disk.drafting(file.with_suffix(".json")) as entry_draft:
            shutil.move(clip.path, draft)
            entry = Entry(
                clip=clip.changed(path=str(file)),
                bytes=draft.stat().st_size,
                checksum=checksum(draft),
                object=f"clips/{digest[:2]}/{digest}.{uuid4().hex[:12]}.mkv" if self.store else "",
            )
            written = entry.model_dump_json(indent=1).encode()
            entry_draft.write_bytes(written)
            disk.flush(draft)
            disk.flush(entry_draft)
            if self.store is not None:
                self.store.put(draft, entry.object)
            try:
                with fence or nullcontext():
                    if self.store is not None:
                        self.store.write(written, self._entry_name(digest))
                    draft.replace(file)
                    entry_draft.replace(file.with_suffix(".json"))
            except LeaseLost:
                if self.store is not None:
                    self.store.delete(entry.object)
                raise
        return entry.clip

    def clip(self, digest: str) -> Clip | None:
        """The clip that a request's digest names, if it is kept and its file is whole."""
        here = self._here(digest)
        return self._fetched(digest) if here is None and self.store is not None else here

    def _here(self, digest: str) -> Clip | None:
        file = self._clip_file(digest)
        try:
            entry = Entry.model_validate_json(file.with_suffix(".json").read_bytes())
            if file.stat().st_size == entry.bytes:
                return entry.clip.changed(path=str(file))
        except (FileNotFoundError, ValidationError):
            return None
        return None

    def _fetched(self, digest: str) -> Clip | None:
        """The clip out of the store, now in the folder too; None when it is not there as its entry says."""
        assert self.store is not None
        entry = self.entry_of(self._entry_name(digest))
        if entry is None:
            return None
        file = self._clip_file(digest)
        with disk.drafting(file) as draft:
            if not self.store.fetch(entry.object, draft) or checksum(draft) != entry.checksum:
                return None
            disk.flush(draft)
            draft.replace(file)
        disk.write(file.with_suffix(".json"), entry.model_dump_json(indent=1))
        return entry.clip.changed(path=str(file))

    def drop_clip(self, digest: str, everywhere: bool = True) -> None:
        """Forgets a clip that turned out damaged, so that it is rendered again; or only the copy in the folder."""
        self._clip_file(digest).with_suffix(".json").unlink(missing_ok=True)
        if self.store is not None and everywhere:
            self.store.delete(self._entry_name(digest))

    # ------------------------------------------------------------------------------------- looking

    def clips(self) -> list[str]:
        """Digests of all clips that have an entry."""
        names = [found.name for found in self.store.all("clips")] if self.store is not None else []
        local = (self.home / "clips").glob("*/[0-9a-f]*.json")
        return sorted({Path(name).stem for name in names if name.endswith(".json")} | {path.stem for path in local})

    def inspected(self, digest: str) -> Clip:
        """The clip of an entry, its file held to size and checksum. Raises Damaged."""
        clip = self.clip(digest)
        if clip is None:
            raise Damaged(f"clip {digest} is not as its entry says: lost, torn or overwritten")
        entry = Entry.model_validate_json(Path(clip.path).with_suffix(".json").read_bytes())
        if entry.checksum and checksum(Path(clip.path)) != entry.checksum:
            raise Damaged(f"clip {digest} has not the checksum that it was kept with")
        if self.store is not None:
            with disk.drafting(Path(clip.path)) as draft:
                if not self.store.fetch(entry.object, draft) or checksum(draft) != entry.checksum:
                    raise Damaged(f"clip {digest} is lost or damaged in {self.store.url!r}")
        return clip

    def entry_of(self, name: str) -> Entry | None:
        """An entry of the store; None when it cannot be read."""
        try:
            return Entry.model_validate_json((self.store.read(name) if self.store is not None else None) or b"")
        except ValidationError:
            return None

    def pictures(self) -> list[str]:
        """Digests of all pictures."""
        return self._digests("pictures", ".png")

    def sounds(self) -> list[str]:
        """Digests of all sounds."""
        return self._digests("sounds", ".flac")

    def _digests(self, part: str, suffix: str) -> list[str]:
        names = [found.name for found in self.store.all(part)] if self.store is not None else []
        local = (self.home / part).glob(f"*/[0-9a-f]*{suffix}")
        whole = (Path(name) for name in names if not Path(name).name.startswith("."))
        return sorted({path.stem for path in (*whole, *local)})

    # ----------------------------------------------------------------------------------- pictures

    def keep_picture(self, png: bytes) -> str:
        """Keeps an encoded picture and returns its digest. Raises StorageError."""
        return self._kept(png, _picture_name)

    def picture(self, digest: str) -> Path:
        """The file of a kept picture. Raises Damaged when it is gone."""
        return self._named(digest, _picture_name, "picture")

    def material(self, digest: str) -> Path:
        """The file of what a request may be tied to: a kept picture, or the clip of another request. Raises Damaged."""
        if not (self.home / _picture_name(digest)).exists() and (clip := self.clip(digest)) is not None:
            return Path(clip.path)
        return self.picture(digest)

    def _kept(self, data: bytes, name: Callable[[str], str]) -> str:
        digest = digest_of(data)
        path = self.home / name(digest)
        if not path.exists():
            if self.store is not None:
                self.store.write(data, name(digest))
            disk.write(path, data)
        return digest

    def _named(self, digest: str, name: Callable[[str], str], what: str) -> Path:
        path = self.home / name(digest)
        if not path.exists():
            data = self.store.read(name(digest)) if self.store is not None else None
            if data is None or digest_of(data) != digest:
                place = self.store.url if self.store is not None else str(self.home)
                raise Damaged(f"{what} {digest} is missing from the vault {place!r}")
            disk.write(path, data)
        return path

    def keep_sound(self, flac: bytes) -> str:
        """Keeps encoded sound and returns its digest. Raises StorageError."""
        return self._kept(flac, _sound_name)

    def sound(self, digest: str) -> Path:
        """The file of a kept sound. Raises Damaged when it is gone."""
        return self._named(digest, _sound_name, "sound")

    # ------------------------------------------------------------------------------------ scratch

    def scratch(self, production: str) -> Path:
        """A folder on the vault's own disk for what this process has in work for a production."""
        return disk.folder(self.home / "scratch" / production / quote(whoami(), safe=""))

    def clear_scratch(self, production: str) -> None:
        """Throws away what this process, and processes that died, left unfinished for a production."""
        for folder in self.scratches(production):
            owner = unquote(folder.name)
            if owner == whoami() or abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)

    def scratches(self, production: str = "*") -> Iterator[Path]:
        """What is in work for a production, or for all: a folder for each process; files are of earlier versions."""
        yield from sorted((self.home / "scratch").glob(f"{production}/*"))


def _picture_name(digest: str) -> str:
    return f"pictures/{digest[:2]}/{digest}.png"


def _sound_name(digest: str) -> str:
    return f"sounds/{digest[:2]}/{digest}.flac"


def abandoned(folder: Path) -> bool:
    """Whether a scratch folder is of a process that died here."""
    owner = unquote(folder.name)
    return owner.count(":") >= 2 and gone(owner)


def checksum(file: Path) -> str:
    """BLAKE2b-160 of a file."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=20)).hexdigest()
