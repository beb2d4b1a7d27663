"""A process that renders what it is told: a JSON message a line, in on standard input, out on standard output.

In: {"errand": n, …an Errand} and {"cancel": n}. Out, each with {"of": n}: {"at": [index, share]}, {"preview": …} where
asked for, {"freed": true} once the model may be asked for more while clips are written yet, then {"clips": […]} or
{"failure": …}. It ends when its parent does, however that ends, and when nothing was asked of it for a while.
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

IDLE_SECONDS = 600.0
"""Seconds without an errand after which the process ends and gives its memory back."""
PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Has the kernel kill this process when the thread that started it ends; nothing in it need answer for that."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.name == "posix" and os.getppid() != parent:
        os._exit(1)  # it ended before we asked


class Desk:
    """Reads what the parent says, on a thread of its own: also while this process renders."""

    def __init__(self, messages: IO[bytes]) -> None:
        self.errands: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.cancelled: set[int] = set()
        threading.Thread(target=self._read, args=(messages,), daemon=True).start()

    def _read(self, messages: IO[bytes]) -> None:
        for line in messages:
            message = json.loads(line)
            if "cancel" in message:
                self.cancelled.add(message["cancel"])
            else:
                self.errands.put(message)
        os._exit(0)  # nobody is there any more to take a clip


class Said:
    """What is said to the parent, by several threads: each message is a line."""

    def __init__(self, out: IO[str]) -> None:
        self._out, self._speaking = out, threading.Lock()

    def __call__(self, errand: int, **message: Any) -> None:
        with self._speaking:
            self._out.write(json.dumps({"of": errand, **message}) + "\n")


def main() -> None:
    """`python -m kinograph.tools.workers.child PARENT`"""
    die_with(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which cancels
    # What a library prints must not come between the messages.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    desk, say = Desk(sys.stdin.buffer), Said(out)
    with ThreadPoolExecutor(2) as hands:  # one writes clips, one renders; threads that stay keep what torch has on each
        while True:
            try:
                message = desk.errands.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                return
            free = threading.Event()
            hands.submit(_done, message, desk, say, free.set)
            free.wait()


def _done(message: dict[str, Any], desk: Desk, say: Said, free: Callable[[], None]) -> None:
    """Does an errand and tells of it; `free` hears when the next may begin."""
    number = message.pop("errand")
    try:
        last = _performed(number, message, desk, say, free)
    finally:
        free()
    say(number, **last)


def _performed(number: int, message: dict[str, Any], desk: Desk, say: Said, free: Callable[[], None]) -> dict[str, Any]:
    """The last message about an errand."""
    from kinograph.tools.backends import Preview, Watched
    from kinograph.tools.previews import packed
    from kinograph.tools.workers.errand import Errand, failure, perform

    def progress(index: int, share: float) -> None:
        say(number, at=[index, share])

    def see(index: int, preview: Preview) -> None:
        say(number, preview=packed(index, preview))

    def freed() -> None:
        free()
        say(number, freed=True)

    try:
        errand = Errand.model_validate(message)
        watched = Watched(progress, errand.previews, see, freed)
        clips = perform(errand, watched, lambda: number in desk.cancelled)
    except Exception as error:  # whatever a model may raise is told, and the process lives on
        return {"failure": failure(error).model_dump()}
    return {"clips": [clip.model_dump() for clip in clips]}


if __name__ == "__main__":
    main()
