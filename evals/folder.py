"""A run's folder: its header, and a line for each finished sample, written so that a kill costs no other.

run.json · samples.jsonl · media/SAMPLE/SEED/ (film.mp4, sheet.png, shots) · work/ (what is under way, thrown away)
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from kinograph import disk
from kinograph.errors import BadInput, Damaged, ProductionBusy
from kinograph.evals.log import Run, SampleLog
from kinograph.settings import explain

HEADER, LINES = "run.json", "samples.jsonl"


class Key(NamedTuple):
    """What is run once."""

    sample: str
    seed: int


class RunFolder:
    """One run on disk. Appending is safe for threads, and for one process at a time: `held`."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser().absolute()
        self._lock = threading.Lock()

    @property
    def begun(self) -> bool:
        return (self.path / HEADER).is_file()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds the folder for this process alone; the lock dies with it. Raises ProductionBusy or StorageError."""
        from filelock import FileLock, Timeout

        disk.folder(self.path)
        lock = FileLock(self.path / ".lock")
        with disk.storage(self.path):
            try:
                lock.acquire(timeout=0)
            except Timeout as error:  # which is an OSError
                raise ProductionBusy(f"another process runs an evaluation in {str(self.path)!r}") from error
        try:
            yield
        finally:
            lock.release()

    def begin(self, header: Run) -> None:
        """Writes the header of a new run. Raises BadInput where something else is already."""
        with disk.storage(self.path):
            strangers = [one.name for one in self.path.iterdir() if one.name != ".lock"] if self.path.is_dir() else []
        if strangers:
            raise BadInput(f"folder {str(self.path)!r} is not empty: it has {strangers[0]!r}; name a new one")
        disk.write(self.path / HEADER, json.dumps(json.loads(header.model_dump_json()), indent=1, ensure_ascii=False))

    def header(self) -> Run:
        """Raises BadInput for a folder that holds no run, Damaged for one that cannot be read."""
        file = self.path / HEADER
        try:
            return Run.model_validate_json(file.read_text("utf-8"))
        except FileNotFoundError as error:
            raise BadInput(f"{str(self.path)!r} holds no run of an evaluation: there is no {HEADER}") from error
        except ValidationError as error:
            raise Damaged(f"{str(file)!r} is no header of a run: {explain(error)}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise Damaged(f"{str(file)!r} cannot be read: {error}") from error

    def logs(self) -> dict[Key, SampleLog]:
        """What is finished. A last line that a kill cut short is not there; any other that is no line is Damaged."""
        file = self.path / LINES
        try:
            lines = file.read_bytes().split(b"\n")
        except FileNotFoundError:
            return {}
        found: dict[Key, SampleLog] = {}
        if not _is_whole(lines[-1]):
            lines.pop()
        for number, line in enumerate(lines, 1):
            try:
                log = SampleLog.model_validate_json(line)
            except ValidationError as error:
                raise Damaged(f"line {number} of {str(file)!r} is no sample: {explain(error)}") from error
            found.setdefault(Key(log.sample, log.seed), log)
        return found

    def mend(self) -> None:
        """Cuts off what a kill left of a last line, so that the next one begins on a line of its own."""
        file = self.path / LINES
        data = file.read_bytes() if file.is_file() else b""
        if data and not data.endswith(b"\n"):
            whole = data + b"\n" if _is_whole(data.rpartition(b"\n")[2]) else data[: data.rfind(b"\n") + 1]
            disk.write(file, whole)

    def append(self, log: SampleLog) -> None:
        """Adds a line; once this returns the disk has it. Raises StorageError."""
        line = log.model_dump_json().encode() + b"\n"
        file = self.path / LINES
        with self._lock, disk.storage(file), file.open("ab") as lines:
            lines.write(line)
            lines.flush()
            os.fsync(lines.fileno())

    def rewrite(self, logs: Iterable[SampleLog]) -> None:
        """Replaces all lines. Raises StorageError."""
        with self._lock:
            disk.write(self.path / LINES, b"".join(log.model_dump_json().encode() + b"\n" for log in logs))

    def media(self, key: Key) -> Path:
        return self.path / "media" / key.sample / str(key.seed)

    def work(self, key: Key) -> Path:
        return self.path / "work" / f"{key.sample}@{key.seed}"


def _is_whole(line: bytes) -> bool:
    """Whether a last line lacks its newline alone."""
    try:
        SampleLog.model_validate_json(line)
    except ValidationError:
        return False
    return True
