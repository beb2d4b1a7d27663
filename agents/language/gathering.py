"""Questions of one role that wait at the same time are gathered into one call.

Whoever stands first in line makes the call for all that have come; the others wait for what comes of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kinograph.agents.language.loop import PULSE
from kinograph.errors import Cancelled

WINDOW = 1.0
"""Most seconds that a question waits while others are being prepared, or a call of its role is under way."""
GRACE = 0.1
"""Seconds that it waits otherwise: those that finish together come within them."""


@dataclass(eq=False)
class Seat:
    """One question in line."""

    item: Any
    since: float
    """Monotonic time of arrival."""
    answer: Future[Any] = field(default_factory=Future)


class Gathering:
    """The questions of one role. Safe for threads; nobody waits longer than WINDOW and a call."""

    def __init__(self, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled
        self._changed = threading.Condition()
        self._line: list[Seat] = []
        self._coming = 0
        self._calls = 0
        """Calls that are under way."""
        self._moved = 0.0
        """Monotonic time at which somebody last came or went."""

    @contextmanager
    def coming(self) -> Generator[None]:
        """While a question is being prepared: those that are ready wait for it a little."""
        with self._changed:
            self._coming += 1
        try:
            yield
        finally:
            with self._changed:
                self._coming -= 1
                self._stir()

    def answer(self, item: Any, most: int, call: Callable[[Sequence[Any]], Sequence[Any]]) -> Any:
        """What `call` answers for `item`, asked together with at most `most - 1` others.

        Raises Cancelled, and to all of a call what `call` raises.
        """
        seat = Seat(item, time.monotonic())
        with self._changed:
            self._line.append(seat)
            self._stir()
            try:
                seats = self._seated(seat, most)
            finally:
                if seat in self._line:  # interrupted: nobody may wait for the one who is gone
                    self._line.remove(seat)
                    self._stir()
        if seats:
            self._make(call, seats)
        return seat.answer.result()

    def _stir(self) -> None:
        self._moved = time.monotonic()
        self._changed.notify_all()

    def _seated(self, seat: Seat, most: int) -> list[Seat]:
        """Those that `seat` makes a call for; none when another has made it."""
        while not seat.answer.done():
            first = bool(self._line) and self._line[0] is seat
            if first and (len(self._line) >= most or time.monotonic() >= self._closing(seat)):
                seats, self._line = self._line[:most], self._line[most:]
                self._calls += 1
                self._stir()
                return seats
            if self._cancelled() and seat in self._line:
                raise Cancelled("stopped before a language model was asked")
            self._changed.wait(GRACE / 4 if first else PULSE)
        return []

    def _closing(self, seat: Seat) -> float:
        """When the call is made, as things stand."""
        latest = seat.since + WINDOW
        return latest if self._coming or self._calls else min(latest, self._moved + GRACE)

    def _make(self, call: Callable[[Sequence[Any]], Sequence[Any]], seats: Sequence[Seat]) -> None:
        try:
            answers = call([seat.item for seat in seats])
            for seat, answer in zip(seats, answers, strict=True):
                seat.answer.set_result(answer)
        except BaseException as error:
            for seat in seats:
                if not seat.answer.done():
                    seat.answer.set_exception(error)
        with self._changed:
            self._calls -= 1
            self._stir()
