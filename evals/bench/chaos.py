"""Films that are shot at: kill -9 of workers and of the coordinator at random moments, and what is left of them.

    python -m kinograph.evals.bench.chaos --runs 200 --pool local|ray|here [--seed N]

A run is a film of five shots, three of which go on from others, whose renderer errs on purpose so that takes are
rejected. A coordinator process makes it, or resumes it, until a sitting ends by itself; while it works, it and its
workers are killed. Colours, faults and kills follow from the seed: which, how many, and how far into the time that an
undisturbed film takes, measured first. Every run is then held to:

    done        the film was made, within the deadline of the run
    twice       no clip that was committed was rendered again (ledger)
    lost        the clip of every accepted take is in the vault and whole
    damaged     what the vault says it has decodes to the pixels that were rendered
    left        no process of the run is left

Coordinators are forked from a server that has imported everything, has one thread and has opened no database: what is
killed is a real process, only its imports were paid before. One Ray cluster serves all runs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from kinograph.tools.workers.child import die_with

BRIEF = (
    "A {0} ball rolls across the meadow at sunset. Then it bounces over the sea at night. A {1} bird flies across the "
    "forest. The bird circles in the sky over the city. Finally the ball meets the bird in the snow."
)
COLOURS = ("red", "blue", "green", "yellow", "orange", "purple", "pink", "white")
SIZE: dict[str, Any] = {"width": 96, "height": 54, "frames": 8}
FAULTS = 0.3
SLOW = 0.3
"""Seconds that a render takes, for kills to fall into."""
DEADLINE = 300.0
"""Seconds after which a run counts as hanging, and ten times what an undisturbed film takes besides."""
MOST_KILLS = 6
"""Kills of a run: workers and coordinator together; one is certain."""
CHILD, ACTOR = "kinograph.tools.workers.child", "ray::Renderer"
"""How worker processes are called."""


class Held(NamedTuple):
    """A run, and what it was found to be."""

    seed: int
    seconds: float
    coordinators: int
    """Kills that struck the coordinator."""
    workers: int
    """Kills that struck a worker."""
    takes: int
    clips: int
    faults: tuple[str, ...]
    """What a run must not have; none is good."""


def coordinate(home: str, folder: str, pool: str, seed: int, address: str, done: str) -> None:
    """What a coordinator does: makes the film, or goes on with it, and says in the file `done` how that ended."""
    die_with(os.getppid())  # the server, which ends with this benchmark
    os.environ |= {"KINOGRAPH_HOME": home}
    from kinograph.settings import RaySettings, Settings
    from kinograph.studio import Studio

    settings = Settings.load(
        model="storyworld-render",
        embedder="pixels",
        pool=pool,
        workers=1 + seed % 2,
        ray=RaySettings(address=address or None),
        stall_seconds=DEADLINE / 2,
        backends={"storyworld-render": {"fault_rate": FAULTS, "slow": SLOW}},
    )
    studio, dice = Studio(settings), random.Random(seed)
    try:
        if (Path(folder) / ".kinograph" / "production.json").exists():
            studio.resume(folder)
        else:
            text = BRIEF.format(*dice.sample(COLOURS, 2))
            studio.make(studio.brief(text, references=(), music=None, seed=seed, **SIZE), out=folder)
        Path(done).write_text("")
    except Exception as error:
        Path(done).write_text(f"{type(error).__name__}: {error}")


def server(pool: str) -> Any:
    """The server that coordinators are forked from."""
    children = multiprocessing.get_context("forkserver")
    wanted = ["kinograph.studio", "kinograph.graphs.running", "kinograph.agents.validator", "chromadb", "av", "cv2"]
    children.set_forkserver_preload([*wanted, "ray"] if pool == "ray" else wanted)
    return children


def run(seed: int, pool: str, place: Path, children: Any, address: str, span: float) -> Held:
    """Makes the film of a seed under fire, below `place`. Undisturbed it takes `span` seconds; with 0 it is so."""
    dice = random.Random(f"{seed} {pool}")
    home, folder, done = place / "home", place / "film", place / "done"
    began, deadline = time.monotonic(), DEADLINE + 10 * span
    kills = dice.randint(1, MOST_KILLS) if span else 0
    lives = struck = hit = 0
    faults: list[str] = []
    while not faults:
        lives += 1
        child = children.Process(target=coordinate, args=(*map(str, (home, folder)), pool, seed, address, str(done)))
        child.start()
        shot = False
        while not shot and kills:
            kills -= 1
            child.join(dice.uniform(0.0, span))
            at_worker = pool != "here" and dice.random() < 0.6
            victim = someone(home, child, dice) if at_worker else child
            if child.exitcode is not None or victim is None:
                break
            if killed(victim.pid):
                hit, struck, shot = hit + at_worker, struck + (not at_worker), not at_worker
        child.join(max(0.1, deadline - (time.monotonic() - began)))
        if child.exitcode is None:
            killed(child.pid)
            child.join()
            faults.append(f"hang: not done after {deadline:.0f} s")
        elif done.exists():
            faults += [f"failed: {words}"] if (words := done.read_text()) else []
            break
        elif not shot:
            faults.append(f"failed: the coordinator ended with {child.exitcode}")
        elif folder.exists() and not (folder / ".kinograph" / "production.json").exists():
            folder = place / f"film-{lives}"  # killed before the production was opened: there is nothing to resume
    seconds = time.monotonic() - began
    if left := remaining(home):
        faults.append(f"left: {', '.join(left)}")
    takes, clips, found = audit(home, folder)
    return Held(seed, seconds, struck, hit, takes, clips, (*faults, *found))


def someone(home: Path, child: Any, dice: random.Random) -> psutil.Process | None:
    """A worker of the run once there is one; None when the coordinator ends first, or nobody comes for long."""
    until = time.monotonic() + 30.0
    while child.exitcode is None and time.monotonic() < until:
        if found := workers_of(home):
            return dice.choice(sorted(found, key=lambda one: one.pid))
        child.join(0.05)
    return None


def workers_of(home: Path) -> list[psutil.Process]:
    """The run's worker processes that live. Ray's are children of our own cluster, which one run has at a time."""
    found = []
    ours = {one.pid for one in psutil.Process().children(recursive=True)}
    for one in psutil.process_iter(["cmdline", "status"]):
        words = one.info["cmdline"] or [""]
        if one.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        try:
            if (one.pid in ours and words[0].startswith(ACTOR)) or (
                CHILD in words and one.environ().get("KINOGRAPH_HOME") == str(home)
            ):
                found.append(one)
        except psutil.Error:
            continue  # it ended just now
    return found


def killed(pid: int) -> bool:
    """Whether there was a process to kill."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def remaining(home: Path) -> list[str]:
    """Workers of the run that still live half a minute after it."""
    until = time.monotonic() + 30.0
    while left := workers_of(home):
        if time.monotonic() > until:
            return [f"{one.pid} {' '.join(one.info['cmdline'])[:60]}" for one in left]
        time.sleep(0.1)
    return []


def audit(home: Path, folder: Path) -> tuple[int, int, list[str]]:
    """Takes, clips, and what is wrong with them."""
    from kinograph.film import Film
    from kinograph.memory.ledger import Ledger
    from kinograph.memory.vault import Vault
    from kinograph.tools.footage import frames_in, load

    if not (home / "ledger.sqlite").exists():
        return 0, 0, ["done: no ledger"]
    ledger, vault, faults = Ledger(home / "ledger.sqlite"), Vault(home / "vault"), list[str]()
    productions = [record for record in ledger.productions() if record.folder == folder]
    film = ledger.paper(productions[0].id, "film", Film) if productions else None
    if film is None:
        faults.append("done: no film")
    elif frames_in(folder / "film.mp4") != sum(cut.last_frame - cut.first_frame + 1 for cut in film.timeline):
        faults.append("done: the film is not as long as its timeline")
    renders = ledger.renders()
    faults += [f"twice: {digest} was rendered {count} times" for digest, count in renders.items() if count > 1]
    takes = ledger.takes(productions[0].id) if productions else []
    for take in takes:
        if take.clip is not None:
            kept = vault.clip(take.request.digest)
            if kept is None or kept.pixels != take.clip.pixels:
                faults.append(
                    f"lost: take {take.attempt} of {take.shot}, {'accepted' if take.accepted else 'rejected'}"
                )
    for digest in vault.clips():  # drafts of files that were being written are no clips
        clip = vault.clip(digest)
        try:
            if clip is None:
                faults.append(f"damaged: {digest} has an entry and no whole file")
            else:
                load(clip)  # raises when the pixels are not those that the entry names
        except Exception as error:
            faults.append(f"damaged: {error}")
    ledger.close()
    return len(takes), len(renders), faults


@contextmanager
def cluster(pool: str) -> Iterator[str]:
    """The address of a Ray cluster of this machine that outlives every coordinator; "" for other pools."""
    if pool != "ray":
        yield ""
        return
    from kinograph.tools.workers.cluster import QUIET

    os.environ |= QUIET
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 4, "include_dashboard": False})
    try:
        yield str(nodes.address)
    finally:
        nodes.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=200, help="seeds 0, 1, 2 … that are run")
    parser.add_argument("--pool", choices=("here", "local", "ray"), default="local")
    parser.add_argument("--seed", type=int, help="runs this seed only")
    asked = parser.parse_args()
    seeds = range(asked.runs) if asked.seed is None else [asked.seed]
    held = list[Held]()
    with cluster(asked.pool) as address:
        children = server(asked.pool)

        def once(seed: int, span: float) -> Held:
            with tempfile.TemporaryDirectory() as place:
                return run(seed, asked.pool, Path(place), children, address, span)

        once(seeds[0], 0.0)  # loads everything
        span = once(seeds[0], 0.0).seconds
        print(f"an undisturbed film takes {span:.1f} s\n seed  seconds  coordinator  worker  takes  clips", flush=True)
        for seed in seeds:
            one = once(seed, span)
            held.append(one)
            told = f"{one.seed:5} {one.seconds:8.1f} {one.coordinators:12} {one.workers:7} {one.takes:6} {one.clips:6}"
            print(f"{told}  {'; '.join(one.faults) or 'good'}", flush=True)
    sys.exit(report(held, asked.pool))


def report(held: list[Held], pool: str) -> int:
    """Prints what all runs came to; 1 when any has a fault."""
    bad = [one for one in held if one.faults]
    seconds = [one.seconds for one in held]
    kills = sum(one.coordinators for one in held), sum(one.workers for one in held)
    print(f"{len(held)} runs on {pool}: {kills[0]} kills of the coordinator and {kills[1]} of workers")
    print(f"{statistics.mean(seconds):.1f} s a run, {max(seconds):.1f} s the longest; load {os.getloadavg()[0]:.1f}")
    for fault in ("done", "hang", "failed", "twice", "lost", "damaged", "left"):
        print(f"  {fault:8} {sum(any(word.startswith(fault) for word in one.faults) for one in held)}")
    for one in bad:
        print(f"again: python -m kinograph.evals.bench.chaos --pool {pool} --seed {one.seed}")
    return 1 if bad else 0


if __name__ == "__main__":
    main()
