"""When to ask a server again: as it says, else after waits that grow."""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Mapping

FIRST_WAIT, LONGEST_WAIT = 0.4, 20.0
"""Seconds that may pass before the second attempt, and at most before any."""


def backoff(attempt: int) -> float:
    """Seconds after the attempt of that number, from 1. Exponential, with jitter in its upper half: clients that failed
    together do not return together."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: a number, or a date."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
