"""Looking after the vault: whether every clip is what was rendered, and what kills have left behind."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import unquote

from kinograph import disk
from kinograph.errors import Damaged
from kinograph.film import Noun

if TYPE_CHECKING:
    from kinograph.memory.ledger import Ledger
    from kinograph.memory.vault import Vault

DAY = 24 * 3600.0
"""Seconds after which what nobody vouches for is taken to be left behind: no render and no upload takes as long."""


class Finding(Noun):
    """Something in the vault that is not as it was written."""

    what: str
    """The digest of a clip or a picture."""
    words: str


class Audit(Noun):
    """What a look at everything in the vault came to."""

    clips: int
    """How many were decoded."""
    pictures: int
    damaged: tuple[Finding, ...] = ()


class Leftover(NamedTuple):
    """Something that a kill left behind."""

    kind: Literal["draft", "scratch", "clip without entry", "entry without clip", "upload", "job"]
    name: str
    bytes: int
    remove: Callable[[], object]


def audit(vault: Vault) -> Audit:
    """Decodes every clip and holds its pixels to what was rendered, and every picture to its name."""
    from kinograph.film import digest_of
    from kinograph.tools.footage import pixels_digest, read

    found, clips, pictures = list[Finding](), 0, 0
    for digest in vault.clips():
        clips += 1
        try:
            clip = vault.inspected(digest)
            if pixels_digest(read(Path(clip.path))) != clip.pixels:
                found.append(Finding(what=digest, words="its frames are not those that were rendered"))
        except Damaged as error:
            found.append(Finding(what=digest, words=str(error)))
    kept = [("picture", digest, vault.picture) for digest in vault.pictures()]
    for what, digest, file in kept + [("sound", digest, vault.sound) for digest in vault.sounds()]:
        pictures += what == "picture"
        try:
            if digest_of(file(digest).read_bytes()) != digest:
                found.append(Finding(what=digest, words=f"the {what} is not the one that was kept"))
        except Damaged as error:
            found.append(Finding(what=digest, words=str(error)))
    return Audit(clips=clips, pictures=pictures, damaged=tuple(found))


def leftovers(vault: Vault, ledger: Ledger, age: float = DAY) -> Iterator[Leftover]:
    """What may be removed while others work: no ledger speaks of it, and its owner is dead or it is older than `age`.

    Whatever the ledger speaks of stays, damaged or not: finishing the production mends it.
    """
    yield from _drafts(vault, age)
    yield from _scratch(vault, age)
    yield from _unpaired(vault, ledger, age)
    if vault.store is not None:
        yield from _remote(vault, ledger, age)
    for digest in ledger.jobs.collect(dry=True):
        yield Leftover("job", digest, 0, ledger.jobs.collect)


def _old(path: Path, age: float) -> bool:
    try:
        return time.time() - path.stat().st_mtime > age
    except FileNotFoundError:
        return False  # somebody else took it away or finished it


def _drafts(vault: Vault, age: float) -> Iterator[Leftover]:
    for part in ("clips", "pictures", "sounds"):
        for path in sorted((vault.home / part).glob("*/.*")):
            if disk.DRAFT.fullmatch(path.name) and _old(path, age):
                yield _file("draft", path, vault.home)


def _file(kind: Literal["draft", "clip without entry", "entry without clip"], path: Path, home: Path) -> Leftover:
    return Leftover(kind, str(path.relative_to(home)), path.stat().st_size, lambda: path.unlink(missing_ok=True))


def _scratch(vault: Vault, age: float) -> Iterator[Leftover]:
    from kinograph.memory.owners import gone, host
    from kinograph.memory.vault import abandoned

    for path in vault.scratches():
        owner = unquote(path.name)
        lives = owner.startswith(f"{host()}:") and not gone(owner)
        if abandoned(path) or (not lives and _old(path, age)):
            size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else 0
            remove = _remover(path)
            yield Leftover("scratch", str(path.relative_to(vault.home)), size, remove)


def _remover(path: Path) -> Callable[[], object]:
    if path.is_dir():
        return lambda: shutil.rmtree(path, ignore_errors=True)
    return lambda: path.unlink(missing_ok=True)


def _unpaired(vault: Vault, ledger: Ledger, age: float) -> Iterator[Leftover]:
    for path in sorted((vault.home / "clips").glob("*/[0-9a-f]*")):
        other = path.with_suffix(".json" if path.suffix == ".mkv" else ".mkv")
        alone = path.suffix in (".mkv", ".json") and not other.exists()
        if alone and _old(path, age) and not ledger.speaks_of(path.stem):
            yield _file("clip without entry" if path.suffix == ".mkv" else "entry without clip", path, vault.home)


def _remote(vault: Vault, ledger: Ledger, age: float) -> Iterator[Leftover]:
    """Objects no entry names, entries whose object is gone, drafts, and uploads that never ended."""
    store = vault.store
    assert store is not None
    objects = {found.name: found for found in store.all("clips")}
    entries = {name: vault.entry_of(name) for name in objects if name.endswith(".json")}
    vouched = {entry.object for entry in entries.values() if entry is not None}
    for name, found in objects.items():
        last = name.rpartition("/")[2]
        if name in vouched or (name in entries and (entry := entries[name]) is not None and entry.object in objects):
            continue
        if store.age(name) > age and not ledger.speaks_of(last.lstrip(".").partition(".")[0]):
            unpaired = "entry without clip" if name in entries else "clip without entry"
            kind = "draft" if last.startswith(".") else unpaired
            yield Leftover(kind, name, found.bytes, lambda name=name: store.delete(name))
    for upload in store.uploads(age):
        yield Leftover("upload", upload["Key"], 0, lambda upload=upload: store.abort(upload))
