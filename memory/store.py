"""Objects on another machine, through fsspec: S3 and its like, or any file system that fsspec knows."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kinograph.errors import BadSetting, KinographError, StorageError

WHOLE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "memory"}
"""Protocols under which an object is there whole or not at all; for others it is written beside and renamed."""


class Found(NamedTuple):
    """An object of a store."""

    name: str
    bytes: int


class Store:
    """Objects by name below a URL. Raises StorageError for whatever the other side complains about."""

    def __init__(self, url: str) -> None:
        """Raises BadSetting for a protocol that is unknown or needs a package that is not installed."""
        import fsspec

        self.url = url.rstrip("/")
        self.protocol = urlsplit(url).scheme
        try:
            self._fs, root = fsspec.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise BadSetting(f"vault = {url!r} cannot be used: {' '.join(str(error).split())}") from error
        self._root = root.rstrip("/")

    @contextmanager
    def _told(self, name: str, may_miss: bool = False) -> Iterator[None]:
        try:
            yield
        except KinographError:
            raise
        except Exception as error:  # every protocol has errors of its own
            if may_miss and isinstance(error, FileNotFoundError):
                raise
            why = " ".join(str(error).split()) or type(error).__name__
            raise StorageError(f"the vault {self.url!r} says no to {name!r}: {why}") from error

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def put(self, file: Path, name: str) -> None:
        """Copies a file there: whole, or not at all."""
        with self._told(name), self._replacing(name) as path:
            self._fs.put_file(str(file), path)

    def write(self, data: bytes, name: str) -> None:
        """Writes an object: whole, or not at all."""
        with self._told(name), self._replacing(name) as path:
            self._fs.pipe_file(path, data)

    @contextmanager
    def _replacing(self, name: str) -> Iterator[str]:
        path = self._path(name)
        if self.protocol in WHOLE:
            yield path
            return
        folder, _, last = path.rpartition("/")
        draft = f"{folder}/.{uuid.uuid4().hex[:12]}.{last}"
        self._fs.makedirs(folder, exist_ok=True)
        yield draft
        self._fs.mv(draft, path)

    def read(self, name: str) -> bytes | None:
        """An object's bytes; None when there is none."""
        try:
            with self._told(name, may_miss=True):
                return self._fs.cat_file(self._path(name))
        except FileNotFoundError:
            return None

    def fetch(self, name: str, file: Path) -> bool:
        """Copies an object to a file; False when there is none."""
        try:
            with self._told(name, may_miss=True):
                self._fs.get_file(self._path(name), str(file))
        except FileNotFoundError:
            return False
        return True

    def delete(self, name: str) -> None:
        """Deletes an object, if it is there."""
        try:
            with self._told(name, may_miss=True):
                self._fs.rm_file(self._path(name))
        except FileNotFoundError:
            return

    def all(self, below: str) -> list[Found]:
        """The objects below a name."""
        with self._told(below):
            self._fs.invalidate_cache()
            found: dict[str, Any] = self._fs.find(self._path(below), detail=True)
        return [Found(path.removeprefix(f"{self._root}/"), info["size"] or 0) for path, info in sorted(found.items())]

    def age(self, name: str) -> float:
        """Seconds since an object was written; 0 for one that is not there any more."""
        try:
            with self._told(name, may_miss=True):
                written: datetime = self._fs.modified(self._path(name))
        except FileNotFoundError:
            return 0.0
        return time.time() - (written if written.tzinfo else written.replace(tzinfo=UTC)).timestamp()

    def uploads(self, older: float) -> list[dict[str, Any]]:
        """Uploads in parts, below this URL, that were begun so many seconds ago and never ended: S3 keeps them."""
        if self.protocol not in ("s3", "s3a"):
            return []
        bucket, _, prefix = self._root.partition("/")
        with self._told(prefix):
            found: list[dict[str, Any]] = self._fs.list_multipart_uploads(bucket)
        limit = datetime.now(UTC) - timedelta(seconds=older)
        return [
            one for one in found if one["Key"].startswith(f"{prefix}/" if prefix else "") and one["Initiated"] < limit
        ]

    def abort(self, upload: dict[str, Any]) -> None:
        """Ends an upload in parts: what came of it is gone."""
        bucket = self._root.partition("/")[0]
        with self._told(upload["Key"]):
            self._fs.call_s3("abort_multipart_upload", Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
