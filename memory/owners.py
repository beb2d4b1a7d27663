"""Which process did something, and whether it still lives."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

import psutil

from kinograph.film import digest_of

SAME = 2.0
"""Seconds by which two readings of one process's start may differ: the system's clock is set now and then."""


@cache
def host() -> str:
    """This machine since it was started, or this container: where a process id means one process.

    A hostname alone would not do: containers on several machines may share one.
    """
    marks = []
    for place in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        path = Path(place)
        if path.is_symlink():
            marks.append(str(path.readlink()))
        elif path.is_file():
            marks.append(path.read_text())
    return f"{socket.gethostname()}/{digest_of(''.join(marks or [str(int(psutil.boot_time()))]).encode())[:8]}"


def whoami() -> str:
    """host:pid:start of this process: unique, and checkable for life by others on the same host."""
    return f"{host()}:{os.getpid()}:{psutil.Process().create_time():.2f}"


def gone(owner: str) -> bool:
    """True when the owner was a process of this host that no longer runs."""
    where, pid, born = owner.rsplit(":", 2)
    if where not in (host(), socket.gethostname()):  # the name alone: written by an earlier version
        return False
    try:
        process = psutil.Process(int(pid))
        return abs(process.create_time() - float(born)) > SAME or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
