"""Renders in processes of this machine, one a device: what hangs, leaks or crashes there costs a worker, not the film.

Own code on `subprocess`, because what is at hand gives up what is needed: `multiprocessing` with spawn runs the user's
script again, `concurrent.futures` breaks the whole pool when one process dies, and loky, pebble and torch's know
neither progress nor a cancellation that keeps the loaded model: they kill the process, and with it the model.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from kinograph.errors import Cancelled, WorkerLost
from kinograph.film import Clip, RenderRequest
from kinograph.tools.backends import ModelCard, Progress, VideoBackend, once_freed, wanted
from kinograph.tools.gpus import gpus
from kinograph.tools.workers import Terms
from kinograph.tools.workers.errand import MOST_DEATHS, backoff, errand, leaks
from kinograph.tools.workers.process import LOOK, Died, Held, Process


class Slot(NamedTuple):
    """A place for one worker process."""

    device: str
    environment: tuple[tuple[str, str], ...]
    """Variables that hold the process to its device."""


def slots(card: ModelCard, device: str, workers: int) -> tuple[Slot, ...]:
    """Where workers of a model may be: on every graphics card that carries it, each with one to itself; on the device
    that its options name; or else as many as may render at a time, which share the processor."""
    if card.weights and device == "auto":
        cards = [gpu for gpu in gpus() if gpu.uuid and gpu.vram_gb >= card.least_gb]
        if cards:
            return tuple(Slot(gpu.uuid, (("CUDA_VISIBLE_DEVICES", gpu.uuid),)) for gpu in cards)
    if card.weights and device not in ("auto", "cpu"):
        return (Slot(device, ()),)
    # Each with all threads, as in this process: how sums are split among threads shows in a network's pixels.
    return tuple(Slot(f"cpu {number}", ()) for number in range(workers))


class Lent(NamedTuple):
    """A process, for one render."""

    process: Process
    hand_on: Callable[[], None]
    """Has others use it already, while this render's clips are written there."""


class Bench:
    """The worker processes of this process, lent or idle. Idle ones keep their model for the next production."""

    def __init__(self) -> None:
        self._idle: dict[str, tuple[Process, str]] = {}
        """Device -> the process there, and the model that it rendered last."""
        self._busy: set[str] = set()
        self._readings: dict[int, list[Held]] = {}
        """Process id -> what it held after each render with its model."""
        self._changed = threading.Condition()

    @contextmanager
    def lend(self, slots: Sequence[Slot], model: str, waiting: Callable[[], None], leak_gb: float) -> Iterator[Lent]:
        """A process in one of the slots, for this thread alone; rather one that has the model. `waiting` is called
        often meanwhile, and may raise."""
        while (slot := self._taken(slots, model)) is None:
            waiting()
        process: Process | None = None
        handed = False

        def hand_on() -> None:
            nonlocal handed
            assert process is not None, "it was lent"
            if not handed and process.alive and not self._leaks(process, leak_gb):
                handed = True
                self._returned(slot, process, model)

        try:
            process = self._process(slot, model)
            yield Lent(process, hand_on)
        finally:
            if not handed:
                keep = process is not None and process.alive and not self._leaks(process, leak_gb)
                if process is not None and not keep:
                    self._end(process)
                self._returned(slot, process if keep else None, model)

    def _returned(self, slot: Slot, process: Process | None, model: str) -> None:
        with self._changed:
            self._busy.discard(slot.device)
            if process is not None:
                self._idle[slot.device] = process, model
            self._changed.notify_all()

    def _taken(self, slots: Sequence[Slot], model: str) -> Slot | None:
        with self._changed:
            free = [slot for slot in slots if slot.device not in self._busy]
            if not free:
                self._changed.wait(LOOK)
                return None
            held = {device: had for device, (process, had) in self._idle.items() if process.alive}
            best = max(free, key=lambda slot: (held.get(slot.device) == model, slot.device in held))
            self._busy.add(best.device)
            return best

    def _process(self, slot: Slot, model: str) -> Process:
        """The one that is there if it can go on, else a new one."""
        with self._changed:
            process, had = self._idle.pop(slot.device, (None, ""))
            if process is not None and had != model:
                self._readings.pop(process.pid, None)  # another model is no leak
        if process is not None and process.alive and process.environment == dict(slot.environment):
            return process
        if process is not None:
            self._end(process)
        return Process(dict(slot.environment))

    def _leaks(self, process: Process, limit: float) -> bool:
        readings = self._readings.setdefault(process.pid, [])
        readings.append(process.held())
        return any(leaks([getattr(one, kind) for one in readings], limit) for kind in Held._fields)

    def _end(self, process: Process) -> None:
        self._readings.pop(process.pid, None)
        process.kill()

    def dismiss(self) -> None:
        """Ends every idle process."""
        with self._changed:
            for process, _ in self._idle.values():
                self._end(process)
            self._idle.clear()


BENCH = Bench()
atexit.register(BENCH.dismiss)


class Local:
    """Worker processes of this machine.

    A render whose worker dies is begun once more on a new one: a kill from outside, for lack of memory say, is not the
    request's fault, and the same request gives the same clip. When that dies too it may well be the request's, and
    WorkerLost is raised. One that stands still is killed and not begun again: that has cost `stall_seconds` already.
    Workers that die one after the other are started again after a growing pause, and in the end not at all.
    """

    def __init__(self, backend: VideoBackend, terms: Terms, bench: Bench = BENCH) -> None:
        self._backend = backend
        self._terms = terms
        self._bench = bench
        self._slots = slots(backend.card, str(getattr(backend.options, "device", "auto")), terms.workers)
        self._deaths = 0
        """One after the other, with no clip between."""
        self._last = ""
        self.revision = backend.revision

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        job, model = errand(self._backend, requests, wanted(on_progress)), self._backend.card.id
        told = [0.0]

        def waiting() -> None:
            if cancelled():
                raise Cancelled("stopped while waiting for a worker")
            if time.monotonic() - told[0] > 1.0:
                told[0] = time.monotonic()
                on_progress(0, 0.0)  # whoever waits says that it lives

        first = ""
        while True:
            self._pause(waiting)
            try:
                with self._bench.lend(self._slots, model, waiting, self._terms.leak_gb) as (process, hand_on):
                    # What died beside another's render is made again with none beside it: then it is its own fault.
                    heard = on_progress if first else once_freed(on_progress, hand_on)
                    clips = process.render(job, heard, cancelled, self._terms.stall_seconds)
            except Died as error:
                self._deaths, self._last = self._deaths + 1, str(error)
                if first:
                    raise WorkerLost(
                        f"two workers died over one request of {model}: one {first}, one {error}"
                    ) from None
                first = str(error)
            else:
                self._deaths = 0
                return clips

    def _pause(self, waiting: Callable[[], None]) -> None:
        """Raises WorkerLost when no worker is started any more."""
        deaths, since = self._deaths, time.monotonic()
        if deaths >= MOST_DEATHS:
            raise WorkerLost(f"{deaths} workers died one after the other, the last {self._last}; no more are started")
        while time.monotonic() - since < backoff(deaths):
            waiting()
            time.sleep(LOOK)

    def close(self) -> None:
        """Idle workers stay for the next production, each until it has had nothing to do for ten minutes."""
