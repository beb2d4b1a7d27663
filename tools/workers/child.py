"""A process that renders what it is told: a JSON message a line, in on standard input, out on standard output.

In: {"errand": n, …an Errand} and {"cancel": n}. Out: {"at": [index, share]}, {"preview": …} where
asked for, then {"clips": […]} or {"failure": …}.
It ends when its parent does, however that ends, and when nothing was asked of it for a while.
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import signal
import sys
import threading
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


def main() -> None:
    """`python -m kinograph.tools.workers.child PARENT`"""
    die_with(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which cancels
    # What a library prints must not come between the messages.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    desk = Desk(sys.stdin.buffer)
    while True:
        try:
            message = desk.errands.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            return
        out.write(json.dumps(_done(message, desk, out)) + "\n")


def _done(message: dict[str, Any], desk: Desk, out: IO[str]) -> dict[str, Any]:
    """Does an errand, tells progress, and returns the last message about it."""
    from kinograph.tools.backends import Preview, Watched
    from kinograph.tools.previews import packed
    from kinograph.tools.workers.errand import Errand, failure, perform

    number = message.pop("errand")

    def progress(index: int, share: float) -> None:
        out.write(json.dumps({"at": [index, share]}) + "\n")

    def see(index: int, preview: Preview) -> None:
        out.write(json.dumps({"preview": packed(index, preview)}) + "\n")

    try:
        errand = Errand.model_validate(message)
        clips = perform(errand, Watched(progress, errand.previews, see), lambda: number in desk.cancelled)
    except Exception as error:  # whatever a model may raise is told, and the process lives on
        return {"failure": failure(error).model_dump()}
    return {"clips": [clip.model_dump() for clip in clips]}


if __name__ == "__main__":
    main()
