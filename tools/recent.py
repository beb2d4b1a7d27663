"""Clips that were decoded last, as a film looks at each of its clips half a dozen times."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np

KEPT = 256 * 2**20
"""Bytes of frames that are kept at most; a clip that is larger is decoded each time."""


class Recent:
    """Arrays by key, those not asked for longest let go of first. May be used from many threads."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._kept = OrderedDict[Hashable, np.ndarray]()
        self._lock = threading.Lock()

    @property
    def held(self) -> int:
        """Bytes."""
        return sum(one.nbytes for one in self._kept.values())

    def get(self, key: Hashable, made: Callable[[], np.ndarray]) -> np.ndarray:
        """The array of a key, read-only, made anew where it is not kept; two that ask at once may both make it."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        new = made()
        new.flags.writeable = False
        with self._lock:
            self._kept[key] = new
            while self._kept and self.held > self._most:
                self._kept.popitem(last=False)
        return new
