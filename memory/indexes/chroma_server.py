"""A Chroma server: the same collections on another machine, or in a process of their own (`chroma run`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kinograph.errors import BadSetting, Damaged, KinographError, Unreachable
from kinograph.memory.indexes import Site
from kinograph.memory.indexes.chroma import ChromaIndex, Parts


class ChromaServerIndex(ChromaIndex):
    """As ChromaIndex, by host and port. What the server has survives this process; collections are cleared by name."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        parts = urlsplit(f"//{site.address}")
        try:
            self._host, self._port = parts.hostname, parts.port
        except ValueError:
            self._host = self._port = None
        if not self._host or not self._port:
            raise BadSetting(f"index = 'chroma-server://{site.address}' should be chroma-server://host:port")
        self._client: Any = None

    def clear(self) -> bool:
        with self._lock, self._told() as opened:
            return opened.emptied()

    def close(self) -> None:
        with self._lock:
            self._opened = self._client = None

    def _open(self, place: Path | None) -> Parts:
        import chromadb
        from chromadb.config import Settings

        if self._client is None:
            plain = Settings(anonymized_telemetry=False)
            self._client = chromadb.HttpClient(str(self._host), int(self._port or 0), settings=plain)
        return Parts(self._client, self._site)

    def _complaint(self, error: BaseException) -> KinographError:
        words = " ".join(str(error).split())[:200]
        lost = isinstance(error, OSError) or "connect" in words.lower() or type(error).__module__.startswith("httpx")
        at = f"the Chroma server at {self._host}:{self._port}"
        return Unreachable(f"{at} does not answer: {words}") if lost else Damaged(f"{at} says no: {words}")
