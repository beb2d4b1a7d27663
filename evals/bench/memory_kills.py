"""A keyframe memory that is shot at: kill -9 while keyframes are written, and what is left of them.

    python -m kinograph.evals.bench.memory_kills --runs 200 [--index chroma|exact] [--seed N]

A child process writes through the real `Keyframes`: shots that are made, made again, forgotten and rolled back, with
its index open. It says of every change when it has returned, and is killed at a random moment. RUNS_OF_ONE runs share
one production, as sittings of one film do. Then another process opens what is left, and every run is held to:

    lost      what was acknowledged counts, with the vector that was made of it; of the change at hand all or nothing
    torn      the database is whole, and every record in it is as it was written
    index     the index answers for exactly the records that count, and finds each of a sample

How often the index had to be made anew is told: it is no fault, it is what opening is for.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kinograph.tools.workers.child import die_with

RUNS_OF_ONE = 10
SHOTS, MOST = 8, 4
"""Shots of a production, and most keyframes that one leaves."""
LONGEST = 1.5
"""Most seconds between a child's first write and its end."""
SAMPLE = 5
"""Records of each run that the index must find."""

State = dict[str, list[str]]
"""Shot -> ids of what counts of it."""


class Held(NamedTuple):
    """A run, and what it was found to be."""

    seed: int
    changes: int
    """Acknowledged before the kill."""
    records: int
    rebuilt: bool
    seconds: float
    """Opening and holding the index to the records."""
    faults: tuple[str, ...]


def open_memory(place: Path, index: str) -> Any:
    from kinograph.memory.embedders import PixelEmbedder
    from kinograph.memory.keyframes import Keyframes

    return Keyframes(place / "keyframes.sqlite", place / "index", "p", PixelEmbedder(), index)


def frame(digest: str) -> np.ndarray:
    """The picture of a digest: coarse noise, [54,96,3] uint8."""
    rng = np.random.default_rng(int(digest, 16))
    return np.kron(rng.integers(0, 256, (9, 16, 3)), np.ones((6, 6, 1))).astype(np.uint8)


def counting(keyframes: Any) -> State:
    """What counts, as the records say."""
    state: State = {}
    for keyframe, _ in keyframes.records():
        state.setdefault(keyframe.shot, []).append(keyframe.id)
    return {shot: sorted(ids) for shot, ids in state.items()}


def write(place: str, index: str, seed: int, told: Connection) -> None:
    """What a child does until it is killed: changes, each announced, made and acknowledged."""
    die_with(os.getppid())
    dice = random.Random(seed)
    keyframes = open_memory(Path(place), index)
    keyframes.check()  # the index is open, so that it is written too
    told.send("begun")
    while True:
        change(keyframes, dice, told)


def change(keyframes: Any, dice: random.Random, told: Connection) -> None:
    """One change of one shot. What it may come to is said before, and what it came to after it."""
    from kinograph.memory.keyframe import Keyframe

    shot = f"s{dice.randrange(SHOTS)}"
    what = dice.choices(("replace", "remember", "forget", "rollback"), (5, 3, 1, 1))[0]
    digests = [f"{dice.getrandbits(64):016x}" for _ in range(dice.randint(1, MOST))]
    made = [
        Keyframe(production="p", shot=shot, role="identity", about=f"c{n}", picture=digest, frame=dice.randrange(99))
        for n, digest in enumerate(digests)
    ]
    versions = keyframes.versions(shot)
    before = next((len(left.keyframes) for left in versions if left.counts), 0)
    back = dice.choice(versions) if versions else None
    many = {"replace": len(made), "remember": before + 1, "forget": 0, "rollback": len(back.keyframes) if back else 0}
    told.send(("at", shot, many[what]))
    if what == "replace":
        keyframes.replace(shot, [(one, frame(one.picture)) for one in made])
    elif what == "remember":
        keyframes.remember(made[0], frame(made[0].picture))
    elif what == "forget":
        keyframes.forget_shot(shot)
    elif back is not None:
        keyframes.rollback(shot, back.version)
    now = next((left.keyframes for left in keyframes.versions(shot) if left.counts), ())
    told.send(("done", shot, sorted(one.id for one in now)))


def audit(place: str, index: str, seed: int, wanted: State, at: tuple[str, int] | None, told: Connection) -> None:
    """Looks at what is left, in a process of its own: Chroma may take its process down with it."""
    from kinograph.memory.contents import torn

    faults = [f"torn: {one.id} {one.why}" for one in torn(Path(place) / "keyframes.sqlite")]
    began = time.perf_counter()
    with closing(open_memory(Path(place), index)) as keyframes:
        rebuilt = keyframes.check()
        seconds = time.perf_counter() - began
        records, found = keyframes.records(), counting(keyframes)
        for shot in sorted(wanted.keys() | found.keys()):
            mine, theirs = found.get(shot, []), wanted.get(shot, [])
            if mine != theirs and (shot, len(mine)) != at:
                faults.append(f"lost: {shot} has {mine}, not {theirs}")
        ids = keyframes._index.open().ids()
        if ids != {keyframe.id for keyframe, _ in records}:
            faults.append(f"index: it answers for {len(ids)} records, not the {len(records)}")
        for keyframe, vector in random.Random(seed).sample(records, min(SAMPLE, len(records))):
            if not np.array_equal(vector, keyframes.embedder.embed(frame(keyframe.picture)[None])[0]):
                faults.append(f"torn: {keyframe.id} has the vector of another picture")
            best = keyframes.nearest(frame(keyframe.picture), "identity", [keyframe.shot], n=1)
            if not best or best[0].similarity < 0.999:
                faults.append(f"index: {keyframe.id} is not found")
    told.send((len(records), rebuilt, seconds, found, faults))


def run(seed: int, index: str, place: Path, children: Any, wanted: State) -> tuple[Held, State]:
    """Kills a writer of a seed; what counted before is `wanted`. Returns what counts now too."""
    dice = random.Random(f"{seed} {index}")
    mine, theirs = children.Pipe()
    child = children.Process(target=write, args=(str(place), index, seed, theirs))
    child.start()
    theirs.close()
    faults = list[str]()
    at: tuple[str, int] | None = None
    """The change at hand: its shot, and how many keyframes that has after it."""
    changes, wanted = 0, dict(wanted)
    try:
        if mine.recv() == "begun":
            child.join(dice.uniform(0.0, LONGEST))
        child.kill()
        while True:  # what it said until then is in the pipe
            match mine.recv():
                case ("at", shot, many):
                    at = shot, many
                case ("done", shot, ids):
                    wanted[shot], at, changes = ids, None, changes + 1
    except (EOFError, OSError):
        child.join()  # all was heard; what it was saying when it died is the change at hand
    if child.exitcode != -9:
        faults.append(f"lost: the writer ended with {child.exitcode}")
    told, others = children.Pipe()
    auditor = children.Process(target=audit, args=(str(place), index, seed, wanted, at, others))
    auditor.start()
    others.close()
    try:
        records, rebuilt, seconds, found, more = told.recv()
    except EOFError:
        auditor.join()
        return Held(seed, changes, 0, False, 0.0, (*faults, f"index: opening it ended with {auditor.exitcode}")), {}
    auditor.join()
    return Held(seed, changes, records, rebuilt, seconds, (*faults, *more)), found


def server() -> Any:
    """The server that writers and auditors are forked from: imports are paid once."""
    children = multiprocessing.get_context("forkserver")
    children.set_forkserver_preload(["kinograph.memory.keyframes", "kinograph.memory.contents", "chromadb", "cv2"])
    return children


def runs(seeds: range | list[int], index: str) -> list[Held]:
    """Runs these seeds, RUNS_OF_ONE at one production, and prints a line for each."""
    held, children = list[Held](), server()
    print(" seed  changes  records  index  seconds", flush=True)
    with tempfile.TemporaryDirectory() as home:
        place, wanted = Path(home) / "0", State()
        for number, seed in enumerate(seeds):
            if number and number % RUNS_OF_ONE == 0:
                shutil.rmtree(place)
                place, wanted = Path(home) / str(number), State()
            one, wanted = run(seed, index, place, children, wanted)
            held.append(one)
            told = f"{one.seed:5} {one.changes:8} {one.records:8} {'anew' if one.rebuilt else 'whole':>6}"
            print(f"{told} {one.seconds:8.2f}  {'; '.join(one.faults) or 'good'}", flush=True)
    return held


def report(held: list[Held], index: str) -> int:
    """Prints what all runs came to; 1 when any has a fault."""
    anew, changes = sum(one.rebuilt for one in held), sum(one.changes for one in held)
    print(f"{len(held)} kills of a writer with the index {index}: {changes} acknowledged changes")
    print(f"the index was made anew {anew} times, opened in {max(one.seconds for one in held):.2f} s at most")
    counts = {what: sum(any(word.startswith(what) for word in one.faults) for one in held) for what in FAULTS}
    print(json.dumps(counts))
    return 1 if any(counts.values()) else 0


FAULTS = ("lost", "torn", "index")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=200, help="seeds 0, 1, 2 … that are run")
    parser.add_argument("--index", choices=("chroma", "exact"), default="chroma")
    parser.add_argument("--seed", type=int, help="runs this seed only")
    asked = parser.parse_args()
    seeds = range(asked.runs) if asked.seed is None else [asked.seed]
    sys.exit(report(runs(seeds, asked.index), asked.index))


if __name__ == "__main__":
    main()
