"""One worker process as its parent sees it: started, told what to render, watched, and killed where it must be."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, NamedTuple

import psutil

from kinograph.errors import Cancelled, RenderStalled
from kinograph.film import Clip
from kinograph.tools.backends import Progress, Watched
from kinograph.tools.gpus import held_gb
from kinograph.tools.previews import unpacked
from kinograph.tools.workers.errand import BEAT, Errand, Failure, error_of

LOOK = 0.1
"""Seconds between looks at whether a render was cancelled."""
GRACE = 10.0
"""Seconds that a worker has to stop at its next step before it is killed."""


class Died(Exception):
    """The process ended while it rendered; the message says how."""


class Held(NamedTuple):
    """GB of memory that a process has."""

    ram: float
    vram: float


class Keeper:
    """One thread for as long as this process lives, because the kernel kills a child when the *thread* that started it
    ends. Not an executor of `concurrent.futures`: those end with the main thread, and other threads may go on."""

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="kinograph-keeper", daemon=True).start()

    def _work(self) -> None:
        while True:
            future, call = self._asked.get()
            try:
                future.set_result(call())
            except BaseException as error:  # it rises again where the call was asked for
                future.set_exception(error)

    def submit(self, call: Callable[[], Any]) -> Future[Any]:
        """Has the thread make a call."""
        future: Future[Any] = Future()
        self._asked.put((future, call))
        return future


_KEEPERS: dict[int, Keeper] = {}
_FIRST = threading.Lock()


def keeper() -> Keeper:
    """This process's keeper; a fork gets its own, for it has no such thread."""
    with _FIRST:
        if os.getpid() not in _KEEPERS:
            _KEEPERS[os.getpid()] = Keeper()
        return _KEEPERS[os.getpid()]


class Process:
    """A worker process. One thread at a time uses it, and another once the render of the one before has freed it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self._popen = keeper().submit(self._start).result()
        self._heard: dict[int, queue.SimpleQueue[dict[str, Any] | None]] = {}
        """Errand -> what is said of it; nothing more after None."""
        self._silent = False
        self._hearing, self._speaking = threading.Lock(), threading.Lock()
        self._last_words: deque[str] = deque(maxlen=5)
        self._errands = 0
        self._listeners = [threading.Thread(target=one, daemon=True) for one in (self._listen, self._overhear)]
        for listener in self._listeners:
            listener.start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "kinograph.tools.workers.child", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **self.environment},
        )

    def _listen(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            try:
                message = json.loads(line)
                number = message["of"]
            except (ValueError, KeyError):
                break  # killed in the middle of a line, or no worker of ours
            with self._hearing:
                if (heard := self._heard.get(number)) is not None:
                    heard.put(message)
        with self._hearing:
            self._silent = True
            for heard in self._heard.values():
                heard.put(None)

    @contextmanager
    def _listening(self) -> Iterator[tuple[int, queue.SimpleQueue[dict[str, Any] | None]]]:
        """The number of a new errand, and what is said of it."""
        heard = queue.SimpleQueue[dict[str, Any] | None]()
        with self._hearing:
            self._errands += 1
            number = self._errands
            self._heard[number] = heard
            if self._silent:
                heard.put(None)
        try:
            yield number, heard
        finally:
            with self._hearing:
                del self._heard[number]

    def _overhear(self) -> None:
        assert self._popen.stderr is not None
        for line in self._popen.stderr:
            if text := line.decode("utf-8", "replace").strip():
                self._last_words.append(text[:200])

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def held(self) -> Held:
        """What it holds now; nothing once it is gone."""
        try:
            return Held(psutil.Process(self.pid).memory_info().rss / 2**30, held_gb(self.pid))
        except psutil.Error:
            return Held(0.0, 0.0)

    def render(
        self, errand: Errand, on_progress: Progress, cancelled: Callable[[], bool], stall_seconds: float
    ) -> list[Clip]:
        """Raises Died when the process ends, RenderStalled when it had to be killed for standing still, Cancelled, and
        what the backend raises."""
        ended = False
        try:
            with self._listening() as (number, heard):
                last = self._conversed(number, heard, errand, on_progress, cancelled, stall_seconds)
            ended = True
        finally:
            if not ended:
                self.kill()  # it may still be rendering, for nobody
        if "failure" in last:
            raise error_of(Failure.model_validate(last["failure"]), errand.card.id)
        return [Clip.model_validate(clip) for clip in last["clips"]]

    def _conversed(
        self,
        number: int,
        heard: queue.SimpleQueue[dict[str, Any] | None],
        errand: Errand,
        on_progress: Progress,
        cancelled: Callable[[], bool],
        stall_seconds: float,
    ) -> dict[str, Any]:
        """The last message about an errand."""
        self._say({"errand": number, **errand.model_dump(mode="json")})
        began = time.monotonic()
        moved, told, asked, at = began, began, None, (0, 0.0)
        while True:
            try:
                message = heard.get(timeout=LOOK)
            except queue.Empty:
                message = {}
            now = time.monotonic()
            if message is None:
                raise Died(self._how())
            if "clips" in message or "failure" in message:
                return message
            if "at" in message:
                moved, at = now, (int(message["at"][0]), float(message["at"][1]))
            if "preview" in message and isinstance(on_progress, Watched):
                moved = now
                on_progress.see(*unpacked(message["preview"]))
            if "freed" in message and isinstance(on_progress, Watched):
                moved = now
                on_progress.freed()
            if "at" in message or now - told >= BEAT:
                told = now
                on_progress(*at)
            if asked is None and cancelled():
                asked = now
                self._say({"cancel": number})
            if asked is not None and now - asked > GRACE:
                raise Cancelled(f"rendering was cancelled; its worker did not answer for {GRACE:g} s and was killed")
            if now - moved > stall_seconds:
                raise RenderStalled(
                    f"{errand.card.id} made no progress for {stall_seconds:g} s (stall_seconds); its worker was killed"
                )

    def _say(self, message: dict[str, Any]) -> None:
        assert self._popen.stdin is not None
        try:
            with self._speaking:
                self._popen.stdin.write(json.dumps(message).encode() + b"\n")
                self._popen.stdin.flush()
        except (OSError, ValueError) as error:  # its end of the pipe is gone, or ours
            raise Died(self._how()) from error

    def _how(self) -> str:
        """How the process ended, with the last it said."""
        self.kill()
        code = self._popen.returncode
        how = f"ended with status {code}" if code >= 0 else f"was killed by {signal.Signals(-code).name}"
        return f"{how}: {self._last_words[-1]}" if self._last_words else how

    def kill(self) -> None:
        """Ends the process and waits until it is gone, pipes and all."""
        self._popen.kill()
        self._popen.wait()
        for listener in self._listeners:
            listener.join(1.0)  # a grandchild may still hold the pipes
        for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            try:
                with self._speaking:
                    pipe.close()  # type: ignore[union-attr]
            except OSError:
                continue  # what was not sent yet goes nowhere
