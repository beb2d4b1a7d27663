"""Where a video server is, how patient to be with it, and the waiting itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as await_all
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from kinograph.errors import RenderStalled
from kinograph.film import Noun

LOOK = 0.2
"""Seconds between looks at whether a render was cancelled."""

Answer = TypeVar("Answer")


class ServerOptions(Noun):
    """Where the server is and how patient to be with it. Its key is in the environment, never here."""

    base_url: str = ""
    """Address that /videos is added to, as http://localhost:8000/v1; empty: not set up."""
    model: str = Field(default="", max_length=200)
    """Name of the model on that server; empty leaves it to the server."""
    lengths: tuple[int, ...] = ()
    """Whole seconds that a video may have there, as [4, 8, 12]; a shot takes the next longer one and is cut. None:
    any."""
    deadline_seconds: float = Field(default=1800.0, gt=0, le=86_400)
    """Most wall seconds for one video, from the order to the file."""
    poll_seconds: float = Field(default=5.0, gt=0, le=300)
    """Seconds between two questions how far a video is."""
    connect_seconds: float = Field(default=10.0, gt=0, le=300)
    """Most seconds until the server takes a connection."""
    answer_seconds: float = Field(default=120.0, gt=0, le=3600)
    """Most seconds of silence within one request."""
    retries: int = Field(default=5, ge=0, le=20)
    """Most further attempts of one request after 408, 409, 429, 5xx or a lost connection."""

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("should be an http:// or https:// address")
        if parts.username or parts.password or parts.query:
            raise ValueError("should hold no user, password or query; the key belongs in the environment")
        return url.rstrip("/")

    @field_validator("lengths")
    @classmethod
    def _are_seconds(cls, lengths: tuple[int, ...]) -> tuple[int, ...]:
        if any(not 1 <= seconds <= 600 for seconds in lengths):
            raise ValueError("should be whole seconds from 1 to 600")
        return tuple(sorted(set(lengths)))


class Wait:
    """The time that one video has, and whether anybody still waits for it."""

    def __init__(self, options: ServerOptions, goes_on: Callable[[], None]) -> None:
        """`goes_on` raises Cancelled when nobody does; it is asked every LOOK seconds."""
        self._until = time.monotonic() + options.deadline_seconds
        self._options = options
        self._goes_on = goes_on

    @property
    def left(self) -> float:
        return self._until - time.monotonic()

    def look(self) -> None:
        """Raises Cancelled, and RenderStalled when the time is up."""
        self._goes_on()
        if self.left <= 0:
            raise RenderStalled(
                f"{self._options.base_url} gave no video within {self._options.deadline_seconds:g} s "
                "(deadline_seconds); what is ordered there stays noted, and the next try asks for it again"
            )

    def pause(self, seconds: float) -> None:
        """Waits, and looks meanwhile."""
        end = time.monotonic() + seconds
        self.look()
        while (rest := end - time.monotonic()) > 0:
            time.sleep(min(LOOK, rest))
            self.look()

    def during(self, call: Callable[[threading.Event], Answer]) -> Answer:
        """What a blocking call returns or raises; looks meanwhile. The call is left behind on its thread when nobody
        waits any more, which its argument tells it."""
        future: Future[Answer] = Future()
        left = threading.Event()

        def work() -> None:
            try:
                future.set_result(call(left))
            except BaseException as error:  # it rises again where the answer was asked for
                future.set_exception(error)

        threading.Thread(target=work, name="asks a video server", daemon=True).start()
        try:
            while not await_all([future], LOOK).done:
                self.look()
            return future.result()
        finally:
            left.set()
