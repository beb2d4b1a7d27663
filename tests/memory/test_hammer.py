"""Eight processes hammer one ledger while some are killed and some are stopped: nothing is lost or done twice."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

from kinograph.errors import LeaseLost
from kinograph.film import RenderRequest, Take
from kinograph.memory.database import Server
from kinograph.memory.ledger import Ledger

JOBS = 480
WORKERS = 8
KILLS = 6
LEASE = 0.8
"""Seconds; a worker that the system stops for longer loses what it holds."""

children = multiprocessing.get_context("forkserver")
children.set_forkserver_preload(["kinograph.memory.ledger", "psycopg"])


def request(seed: int) -> RenderRequest:
    return RenderRequest(model="m", revision="1", prompt="a ball", seed=seed, frames=8, fps=8, width=64, height=48)


def work(place: Path | Server, clips: Path, seed: int) -> None:
    """Renders and files whatever is left to do, in an order of its own; fails and gives back now and then."""
    ledger, chance = Ledger(place, lease=LEASE), random.Random(seed)
    jobs, todo = ledger.jobs, list(range(JOBS))
    while todo:
        number = chance.choice(todo)
        one, clip = request(number), clips / str(number)
        if clip.exists() and (job := jobs.job(one.digest)) is not None and job.state == "done":
            todo.remove(number)
            continue
        if (claim := jobs.claim(one)) is None:
            time.sleep(0.005)
            continue
        if clip.exists():  # whoever had it before was killed between filing and saying so
            jobs.release(claim)
            continue
        time.sleep(chance.random() * 0.01)
        fate = chance.random()
        if fate < 0.05:
            jobs.settle(claim, "out of memory")
        elif fate < 0.1:
            jobs.give_back(claim)
        else:
            try:
                with jobs.committing(claim):
                    os.close(os.open(clip, os.O_CREAT | os.O_EXCL))
            except LeaseLost:
                continue
            except FileExistsError:
                (clips / f"twice-{number}-{os.getpid()}").touch()
                raise
            ledger.record_take("film", Take(shot=str(number), attempt=1, request=one))
            todo.remove(number)
    ledger.close()


def test_no_job_is_lost_and_none_is_done_twice(ledger_place: Path | str, tmp_path: Path):
    place = ledger_place if isinstance(ledger_place, Path) else Server(ledger_place)
    clips = tmp_path / "clips"
    clips.mkdir()
    ledger, chance, started = Ledger(place), random.Random(7), time.monotonic()

    def start(seed: int) -> BaseProcess:
        child = children.Process(target=work, args=(place, clips, seed))
        child.start()
        return child

    alive, killed, stopped = [start(seed) for seed in range(WORKERS)], 0, 0
    try:
        while any(child.is_alive() for child in alive):
            assert time.monotonic() - started < 100, "they do not come to an end"
            done = sum(count > 0 for count in ledger.renders().values())
            if killed < KILLS and done >= (killed + 1) * JOBS // (2 * KILLS):
                victim = chance.choice([child for child in alive if child.is_alive()])
                assert victim.pid is not None
                if killed % 3 == 1:  # a machine that hangs, and comes back to find its work taken over
                    os.kill(victim.pid, signal.SIGSTOP)
                    time.sleep(1.5 * LEASE)
                    os.kill(victim.pid, signal.SIGCONT)
                    stopped += 1
                else:
                    os.kill(victim.pid, signal.SIGKILL)
                    victim.join(10)
                    alive.remove(victim)
                    alive.append(start(100 + killed))
                killed += 1
            time.sleep(0.01)
    finally:
        for child in alive:
            child.kill()
            child.join(10)
    assert (killed, stopped) == (KILLS, 2), "the blows must fall before the end"
    assert [child.exitcode for child in alive] == [0] * WORKERS
    assert sorted(path.name for path in clips.iterdir()) == sorted(str(number) for number in range(JOBS))
    renders = ledger.renders()
    assert renders == {request(number).digest: 1 for number in range(JOBS)}
    assert {job.state for digest in renders if (job := ledger.jobs.job(digest))} == {"done"}
    assert ledger.jobs.collect() == []
    taken = {take.shot for take in ledger.takes("film")}
    assert len(taken) >= JOBS - KILLS, "a take is recorded after its clip: a kill may come between"
    ledger.close()
