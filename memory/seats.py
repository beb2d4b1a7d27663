"""Who conducts a production or holds a session: one process at a time, and a lock that dies with it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from kinograph import disk
from kinograph.errors import ProductionBusy, StorageError
from kinograph.memory.database import Place, Server, connected, told

What = Literal["production", "session"]
WATCH = 5.0
"""Seconds between looks whether the database still knows of our lock."""
KEY = "hashtextextended(current_schema() || %s, 0)"


def busy(what: What, id: str, pid: str) -> ProductionBusy:
    hint = f"; lend it a hand with: kinograph resume {id} --join" if what == "production" else ""
    return ProductionBusy(f"{what} {id} is owned by another process (pid {pid}){hint}")


@contextmanager
def seat(place: Place, folder: Path, id: str, what: What, lost: Callable[[], None]) -> Iterator[None]:
    """Holds a production or a session for this process alone. Raises ProductionBusy.

    Where the ledger is a file the lock is one in the folder. Where it is a Postgres database the lock is the
    database's own, for processes on any host; `lost` is called if the connection that carries it breaks.
    """
    if isinstance(place, Server):
        with _in_database(place, id, what, lost):
            yield
    else:
        with _in_folder(folder, id, what):
            yield


@contextmanager
def _in_folder(folder: Path, id: str, what: What) -> Iterator[None]:
    own = disk.folder(folder / ".kinograph")
    lock = FileLock(own / "lock", timeout=0)
    with disk.storage(folder):
        try:
            lock.acquire()
        except Timeout as error:
            pid = (own / "owner").read_text() if (own / "owner").exists() else "unknown"
            raise busy(what, id, pid) from error
    try:
        disk.write(own / "owner", str(os.getpid()))
        yield
    finally:
        lock.release()


@contextmanager
def _in_database(server: Server, id: str, what: What, lost: Callable[[], None]) -> Iterator[None]:
    connection = connected(server, f"{os.getpid()} on {socket.gethostname()}"[:63])
    over, name = threading.Event(), f" {what} {id}"

    def watch() -> None:
        while not over.wait(WATCH):
            try:
                with told(server.url):
                    connection.execute("SELECT 1")
            except StorageError:
                lost()
                return

    watcher = threading.Thread(target=watch, name=f"seat of {id}", daemon=True)
    try:
        with told(server.url):
            for what_for, seconds in (("idle", 10), ("interval", 5), ("count", 3)):  # a host that is silent is dropped
                connection.execute(f"SET tcp_keepalives_{what_for} = {seconds}".encode())
            got = connection.execute(f"SELECT pg_try_advisory_lock({KEY}) AS got".encode(), (name,)).fetchone()
            if not got or not got["got"]:
                holder = connection.execute(
                    "SELECT application_name AS name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE "
                    "locktype = 'advisory' AND granted AND pg_locks.database = "
                    "(SELECT oid FROM pg_database WHERE datname = current_database()) AND "
                    f"(classid::bigint << 32 | objid::bigint) = {KEY}".encode(),
                    (name,),
                ).fetchone()
                raise busy(what, id, holder["name"] if holder else "unknown")
        watcher.start()
        yield
    finally:
        over.set()
        if watcher.ident is not None:
            watcher.join()
        connection.close()
