"""Several processes at one production: both render, nothing twice, and one goes on when the other is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kinograph import Settings, Studio
from kinograph.errors import Cancelled, KinographError
from kinograph.events import Joined, Lent, Warned
from kinograph.film import Decision, Film
from kinograph.memory.owners import gone
from kinograph.tools.backends import VideoBackend
from kinograph.tools.workers import WorkerPool

BRIEF = (
    "A red ball rolls across the meadow. A green bird flies over the sea. A yellow star spins in space. "
    "A blue fish jumps in the snow. A white cat walks in the city. An orange box falls in the forest."
)
SIZE: dict[str, Any] = {"width": 128, "height": 72, "frames": 10, "seed": 5, "takes": 2}
PATIENCE = 120.0
"""Seconds that anything here may take."""

children = multiprocessing.get_context("forkserver")
children.set_forkserver_preload(
    ["kinograph.studio", "kinograph.graphs.running", "kinograph.agents.validator", "chromadb", "av", "cv2"]
)


class Slow(Studio):
    """Renders as a large model does: for a while, and without the processor."""

    def _pool(self, backend: VideoBackend, decision: Decision) -> WorkerPool:
        pool = super()._pool(backend, decision)
        render = pool.render

        def slowly(requests: Any, on_progress: Any, cancelled: Callable[[], bool]) -> Any:
            for _ in range(8):
                if cancelled():
                    raise Cancelled("stopped")
                time.sleep(0.05)
            return render(requests, on_progress, cancelled)

        pool.render = slowly  # type: ignore[method-assign]
        return pool


def conduct(home: Path, url: str | None, folder: Path) -> None:
    """Makes the film and notes how many hands were lent."""
    studio = Slow(Settings.load(home=home, ledger=url, workers=1, strategy="parallel"))
    for event in studio.stream(studio.brief(BRIEF, **SIZE), out=folder):
        if isinstance(event, Joined):
            (folder.parent / "joined").write_text(str(event.hands))


def lend(home: Path, url: str | None, folder: Path) -> None:
    """Joins, and notes how many it rendered and that it took over."""
    for event in Slow(Settings.load(home=home, ledger=url, workers=1)).join_stream(folder):
        if isinstance(event, Lent):
            (folder.parent / "lent").write_text(str(event.count))
        elif isinstance(event, Warned):
            (folder.parent / "told").write_text(event.words)


def start(work: Callable[..., None], *args: Any) -> BaseProcess:
    child = children.Process(target=work, args=args)
    child.start()
    return child


def until(there: Callable[[], object], *alive: BaseProcess) -> None:
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < deadline, "it never came"
        assert all(child.is_alive() for child in alive), "a process ended before"
        time.sleep(0.02)


class Made(NamedTuple):
    """A film's identity."""

    requests: tuple[tuple[str, int, str], ...]
    pixels: tuple[str, ...]
    cuts: tuple[tuple[str, int, int, int], ...]


def made(film: Film) -> Made:
    return Made(
        tuple((take.shot, take.attempt, take.request.digest) for take in film.takes),
        tuple(take.clip.pixels for take in film.takes if take.clip),
        tuple((cut.shot, cut.attempt, cut.first_frame, cut.last_frame) for cut in film.timeline),
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The film as one process makes it."""
    place = tmp_path_factory.mktemp("alone")
    studio = Studio(Settings.load(home=place / "home", workers=1))
    return made(studio.make(studio.brief(BRIEF, **SIZE), out=place / "film"))


class Shared:
    """A production that two processes work on."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self.home, self.url, self.folder = folder / "home", url, folder / "film"
        self.studio = Studio(Settings.load(home=self.home, ledger=url))
        self.conductor = start(conduct, self.home, url, self.folder)
        until((self.folder / ".kinograph" / "production.json").exists, self.conductor)
        self.helper = start(lend, self.home, url, self.folder)

    def note(self, name: str) -> str:
        path = self.folder.parent / name
        return path.read_text() if path.exists() else ""

    def renders(self) -> dict[str, int]:
        with self.studio.ledger() as ledger:
            return ledger.renders()

    def nothing_is_held(self) -> bool:
        with self.studio.ledger() as ledger:
            held = [ledger.jobs.job(digest) for digest in ledger.renders()]
            (record,) = ledger.productions()
            # What a killed process was about to give back is nobody's: the next who wants it takes it over.
            free = all(job is None or job.state != "leased" or (job.owner and gone(job.owner)) for job in held)
            return free and not ledger.jobs.hands(record.id)


@pytest.fixture
def shared(ledger_place: Path | str, tmp_path: Path):
    one = Shared(tmp_path, None if isinstance(ledger_place, Path) else ledger_place)
    yield one
    for child in (one.conductor, one.helper):
        child.kill()
        child.join(10)


def test_two_processes_make_one_film_and_render_nothing_twice(shared: Shared, alone: Made):
    for child in (shared.conductor, shared.helper):
        child.join(PATIENCE)
        assert child.exitcode == 0
    assert shared.note("joined")[:1] in ("0", "1")
    assert 1 <= int(shared.note("lent")) < len(shared.renders())
    assert set(shared.renders().values()) == {1}
    film = shared.studio.show(shared.folder)
    assert isinstance(film, Film)
    assert made(film) == alone
    assert shared.nothing_is_held()
    assert not list((shared.home / "vault" / "scratch").glob("*/*"))


def test_whoever_joined_finishes_the_film_when_the_conductor_is_killed(shared: Shared, alone: Made):
    until(lambda: shared.note("lent"), shared.conductor, shared.helper)
    assert shared.conductor.pid is not None
    os.kill(shared.conductor.pid, signal.SIGKILL)
    shared.conductor.join(10)
    shared.helper.join(PATIENCE)
    assert shared.helper.exitcode == 0
    assert "goes on with it" in shared.note("told")
    film = shared.studio.show(shared.folder)
    assert isinstance(film, Film)
    assert made(film) == alone
    assert set(shared.renders().values()) == {1}
    assert shared.nothing_is_held()


def test_a_helper_that_is_killed_costs_the_film_nothing(shared: Shared, alone: Made):
    until(lambda: shared.note("joined") == "1", shared.conductor, shared.helper)
    assert shared.helper.pid is not None
    os.kill(shared.helper.pid, signal.SIGKILL)
    shared.helper.join(10)
    shared.conductor.join(PATIENCE)
    assert shared.conductor.exitcode == 0
    film = shared.studio.show(shared.folder)
    assert isinstance(film, Film)
    assert made(film) == alone
    assert set(shared.renders().values()) == {1}
    assert shared.nothing_is_held()


def test_ctrl_c_gives_back_what_a_helper_has_begun(tmp_path: Path):
    home, folder = tmp_path / "home", tmp_path / "film"
    conductor = start(conduct, home, None, folder)
    until((folder / ".kinograph" / "production.json").exists, conductor)
    command = [sys.executable, "-m", "kinograph.cli", "resume", str(folder), "--join"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as helper:
        until(lambda: (tmp_path / "joined").exists(), conductor)
        helper.send_signal(signal.SIGINT)
        out, err = helper.communicate(timeout=PATIENCE)
    assert (helper.returncode, out) == (130, b"")
    assert b"stopped" in err
    conductor.join(PATIENCE)
    assert conductor.exitcode == 0
    with Studio(Settings.load(home=home)).ledger() as ledger:
        assert set(ledger.renders().values()) == {1}
        assert ledger.jobs.collect(dry=True) == []


def test_joining_what_nobody_conducts_is_resuming_it(tmp_path: Path, alone: Made):
    studio = Studio(Settings.load(home=tmp_path / "home", workers=1))
    events = studio.stream(studio.brief(BRIEF, **SIZE), out=tmp_path / "film")
    next(events)
    with pytest.raises(KinographError, match="--join") as busy:
        Studio(Settings.load(home=tmp_path / "home")).resume(tmp_path / "film")
    assert busy.value.exit_code == 3
    events.close()
    assert made(studio.join(tmp_path / "film")) == alone
