"""Writing files so that a reader sees the old one or the whole new one, whatever is killed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kinograph.errors import Damaged, KinographError, StorageError

WHY = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EEXIST: "a file stands where a folder is needed",
    errno.EFBIG: "the file would be larger than allowed here",
    errno.ENAMETOOLONG: "the name is too long",
}


def storage_error(path: str | os.PathLike[str], error: OSError) -> StorageError:
    """The one-line story of an OSError met while writing `path`."""
    why = WHY.get(error.errno or 0, error.strerror or str(error))
    return StorageError(f"cannot write {os.fspath(path)!r}: {why}")


@contextmanager
def storage(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turns what the disk and SQLite complain about while working on `path` into our own errors."""
    try:
        with database(path):
            yield
    except KinographError:
        raise
    except OSError as error:
        raise storage_error(path, error) from error


@contextmanager
def database(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turns what SQLite complains about while working on `path` into our own errors."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StorageError(f"cannot write {os.fspath(path)!r}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise Damaged(f"{os.fspath(path)!r} is damaged: {error}") from error


def folder(path: Path) -> Path:
    """`path`, created with its parents. Raises StorageError."""
    with storage(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def drafting(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; gone after the block unless it was renamed. Raises StorageError."""
    folder(path.parent)
    draft = path.with_name(f".{uuid.uuid4().hex[:12]}.{path.name}")
    try:
        with storage(path):
            yield draft
    finally:
        draft.unlink(missing_ok=True)


DRAFT = re.compile(r"\.[0-9a-f]{12}\..+")
"""Names of drafts."""


def flush(path: Path) -> None:
    """Has the disk take what was written to `path`."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; when the block ends well it becomes `path`, otherwise it is gone.

    The data is flushed to the disk before the rename. Raises StorageError.
    """
    with drafting(path) as draft:
        yield draft
        flush(draft)
        draft.replace(path)


def write(path: Path, data: bytes | str) -> Path:
    """Writes `data` to `path` atomically. Raises StorageError."""
    with replacing(path) as draft:
        draft.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def move(source: Path, path: Path) -> Path:
    """Moves a finished file to `path` atomically, across file systems too. Raises StorageError."""
    with replacing(path) as draft:
        shutil.move(source, draft)
    return path


def set_aside(database: Path) -> None:
    """Renames a SQLite database that cannot be used any more, with its journals."""
    for suffix in ("", "-wal", "-shm"):
        file = Path(f"{database}{suffix}")
        if file.exists():
            file.rename(f"{file}.set-aside-{int(time.time())}")


SEAL = "checksums.json"
"""File of a sealed folder: SHA-256 of each other file by its path inside."""


def seal(path: Path, besides: Sequence[str] = ()) -> Path:
    """Writes down the checksums of all files below `path` but those of the entries `besides`."""
    entries = (entry for entry in path.iterdir() if entry.name not in (SEAL, *besides))
    files = sorted(file for entry in entries for file in (entry, *entry.rglob("*")) if file.is_file())
    return write(
        path / SEAL, json.dumps({file.relative_to(path).as_posix(): _sha256(file) for file in files}, indent=1)
    )


def verify(path: Path) -> None:
    """Holds the files of a sealed folder to their checksums.

    Raises Damaged, naming the file, when one is missing or is not what was sealed.
    """
    for name, wanted in sealed(path).items():
        file = path / name
        if not file.is_file():
            raise Damaged(f"{str(file)!r} is missing; install kinograph anew")
        if (found := _sha256(file)) != wanted:
            raise Damaged(
                f"{str(file)!r} is damaged: its SHA-256 is {found[:12]}…, not {wanted[:12]}…; install kinograph anew"
            )


def sealed(path: Path) -> dict[str, str]:
    """The checksums of a sealed folder. Raises Damaged when it has none."""
    try:
        return json.loads((path / SEAL).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Damaged(f"{str(path / SEAL)!r} cannot be read: {error}; install kinograph anew") from error


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def connect(path: Path, schema: str) -> sqlite3.Connection:
    """A SQLite database in WAL mode with `schema` applied, to be used under the caller's own lock.

    Raises StorageError, or Damaged when `path` is not a database.
    """
    folder(path.parent)
    with storage(path):
        connection = sqlite3.connect(path, timeout=30, check_same_thread=False, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(schema)
    return connection
