"""The event loop that HTTP requests run on, in a thread of its own: a caller waits, and may stop waiting at once."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, TypeVar

from kinograph.errors import Cancelled

Result = TypeVar("Result")
PULSE = 0.05
"""Seconds between two looks at whether the caller was told to stop."""


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="kinograph-language", daemon=True).start()
    return loop


def run(coroutine: Coroutine[Any, Any, Result], seconds: float, cancelled: Callable[[], bool]) -> Result:
    """What the coroutine returns, within `seconds`.

    Raises TimeoutError when they have passed, and Cancelled soon after `cancelled` says so; in both cases
    the request that is under way is closed.
    """
    future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(coroutine, seconds), _loop())
    try:
        while not concurrent.futures.wait([future], timeout=PULSE).done:
            if cancelled():
                raise Cancelled("stopped while a language model was thinking")
        return future.result()
    finally:
        future.cancel()
