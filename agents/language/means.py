"""By which means each model gives typed answers: found out once and remembered on disk."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from kinograph import disk
from kinograph.agents.language.replies import MEANS, Means
from kinograph.errors import StorageError


class MeansMemory:
    """A small JSON file, {"place model": means}; without a path it lasts as long as the process."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known = self._read()

    def _read(self) -> dict[str, Means]:
        try:
            found = json.loads(self._path.read_text("utf-8")) if self._path else {}
        except (OSError, ValueError):
            return {}  # not there yet, or damaged: it is found out again
        if not isinstance(found, dict):
            return {}
        return {key: means for key, means in found.items() if means in MEANS}

    def recall(self, place: str, model: str) -> Means | None:
        with self._lock:
            return self._known.get(f"{place} {model}")

    def remember(self, place: str, model: str, means: Means) -> None:
        """Writes down what is new; a disk that takes nothing costs only finding out again."""
        with self._lock:
            if self._known.get(f"{place} {model}") == means:
                return
            self._known[f"{place} {model}"] = means
            if self._path is not None:
                try:
                    disk.write(self._path, json.dumps(self._known, indent=1))
                except StorageError:
                    self._path = None
