"""kill -9 at seeded moments of a film: it resumes to the same film, and nothing accepted is rendered twice."""

from __future__ import annotations

import multiprocessing
import os
import random
import sqlite3
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import pytest

BRIEF = (
    "A red ball rolls across the meadow at sunset. Then it bounces over the sea at night. A green bird flies across "
    "the forest. The bird circles in the sky over the city. A yellow star spins in space. Finally the ball meets the "
    "star in the snow."
)
SIZE: dict[str, Any] = {"width": 192, "height": 108, "frames": 14, "seed": 5}
FAULTS = {"storyworld-render": {"fault_rate": 0.3}}
MOMENTS = int(os.environ.get("KILL_MOMENTS", "6"))
"""How many kills, spread over the whole production; a multiple of two."""
MOMENT = 0.3
"""Most seconds between an event and the kill."""


def work(home: Path, folder: Path, resume: bool, told: Connection) -> None:
    """What the child does: makes the film, or finishes it, and tells of every event."""
    os.environ |= {"KINOGRAPH_HOME": str(home)}
    from kinograph import Settings, Studio

    studio = Studio(Settings.load(backends=FAULTS))
    events = studio.resume_stream(folder) if resume else studio.stream(studio.brief(BRIEF, **SIZE), out=folder)
    for _ in events:
        told.send_bytes(b".")


# Children are forked from a server that has imported everything and holds no thread and no database.
children = multiprocessing.get_context("forkserver")
children.set_forkserver_preload(
    ["kinograph.studio", "kinograph.graphs.running", "kinograph.agents.validator", "chromadb", "av", "cv2"]
)


class Made(NamedTuple):
    """A film's identity."""

    requests: tuple[tuple[str, int, str], ...]
    pixels: tuple[str, ...]
    cuts: tuple[tuple[str, int, int, int], ...]


def made(home: Path, folder: Path) -> Made:
    from kinograph.film import Film

    film = Film.model_validate_json(
        sqlite3.connect(home / "ledger.sqlite").execute("SELECT noun FROM papers WHERE name = 'film'").fetchone()[0]
    )
    assert Path(folder / "film.mp4").exists()
    return Made(
        tuple((take.shot, take.attempt, take.request.digest) for take in film.takes),
        tuple(take.clip.pixels for take in film.takes if take.clip),
        tuple((cut.shot, cut.attempt, cut.first_frame, cut.last_frame) for cut in film.timeline),
    )


def frames_of(path: Path) -> np.ndarray:
    with av.open(str(path)) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


def run(home: Path, folder: Path, resume: bool = False, kill_after: int | None = None) -> int:
    """How many events the child told of; it is killed with SIGKILL within a moment of so many."""
    here, there = children.Pipe(duplex=False)
    child = children.Process(target=work, args=(home, folder, resume, there))
    child.start()
    there.close()
    heard = 0
    with here, suppress(EOFError):
        while heard != kill_after:
            here.recv_bytes()
            heard += 1
    if kill_after is not None and child.is_alive():
        child.join(random.Random(kill_after).uniform(0, MOMENT))
        child.kill()
    child.join()
    assert child.exitcode == 0 or kill_after is not None, f"the child ended with {child.exitcode}"
    return heard


def finished(home: Path) -> dict[str, int]:
    """Digest -> claims so far, of every clip that was rendered and accepted before the kill."""
    if not (home / "ledger.sqlite").exists():
        return {}
    database = sqlite3.connect(home / "ledger.sqlite")
    rows = database.execute(
        "SELECT j.digest, j.attempts FROM jobs j JOIN takes t ON t.take LIKE '%' || j.digest || '%' "
        "WHERE t.take LIKE '%\"accepted\":true%'"
    ).fetchall()
    return dict(rows)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, np.ndarray, int]:
    """The film that is never disturbed, and how many events tell of it."""
    place = tmp_path_factory.mktemp("whole")
    events = run(place / "home", place / "film")
    return made(place / "home", place / "film"), frames_of(place / "film" / "film.mp4"), events


@pytest.mark.parametrize("turn", range(2))
def test_resumes_to_the_same_film_after_kill_9_at_any_moment(whole, tmp_path: Path, turn: int):
    film, frames, events = whole
    killed = kept = 0
    for moment in range(turn, MOMENTS, 2):
        home, folder = tmp_path / f"home{moment}", tmp_path / f"film{moment}"
        share = (moment + random.Random(moment).random()) / MOMENTS
        run(home, folder, kill_after=int(share * events))
        killed += not (folder / "film.mp4").exists()
        before = finished(home)
        kept += bool(before)
        if not (folder / ".kinograph" / "production.json").exists():
            run(home, tmp_path / f"again{moment}")  # killed before the production was opened: nothing to resume
            folder = tmp_path / f"again{moment}"
        else:
            run(home, folder, resume=True)
        assert made(home, folder) == film, f"killed at {share:.2f}"
        assert np.abs(frames_of(folder / "film.mp4").astype(int) - frames).mean() < 0.5
        after = finished(home)
        assert {digest: after[digest] for digest in before} == before, "an accepted clip was rendered again"
        for database in (
            home / "ledger.sqlite",
            home / "keyframes.sqlite",
            folder / ".kinograph" / "checkpoints.sqlite",
        ):
            assert sqlite3.connect(database).execute("PRAGMA quick_check").fetchone() == ("ok",)
    assert killed >= max(1, MOMENTS // 8), "the kills must strike before the end"
    assert kept >= 1, "some kills must strike after a shot was accepted"
