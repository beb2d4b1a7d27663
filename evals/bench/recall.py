"""How fast keyframes are recalled, and how truly: against comparing all of them, at ten thousand to a million.

    python -m kinograph.evals.bench.recall [--counts 10000 100000 1000000] [--index exact|chroma|chroma-server://host:port]

The vectors are those of a film as a memory has them: 128 numbers, things of which each has a look of its own that its
pictures stray from, four roles, shots of 24 keyframes. Asked through the real `Keyframes` is, of one role: one thing in
all shots; everything in the 24 shots that a shot stands on; everything; and all there is. Times are of one question in
milliseconds, with the records that are handed back read from SQLite. `adds` is how many keyframes a second one writer
makes (vector to hand), `beside` what three readers' questions of one thing take meanwhile. Opening is reading the
truth, holding the index to it and answering once: `first` without an index there, `again` with what that left. Memory
is what the process has grown by since before it was opened.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kinograph.memory import records
from kinograph.memory.indexes import Where
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.keyframes import Keyframes

SIZE = 128
ROLES = ("identity", "setting", "look", "last")
OF_A_SHOT = 24
THINGS = 60
"""Characters of a film, and places, looks and ends as many: of them are asked those that a role has."""
STRAY = 0.6
"""How far pictures are from what they show, of its length."""
QUESTIONS, BEST = 200, 4
WRITES = 400
READERS = 3


class Given:
    """An embedder of frames that are vectors already: what is timed is the memory."""

    name = "given"
    size = SIZE

    def embed(self, frames: np.ndarray) -> np.ndarray:
        return frames[:, 0, :SIZE, 0]


class Spread(NamedTuple):
    """Milliseconds of one question."""

    p50: float
    p95: float
    recall: float = 1.0
    """Of the nearest, the share that was found."""


class Measured(NamedTuple):
    """One size of memory."""

    size: int
    """Keyframes."""
    first: float
    """Seconds to open it and be answered."""
    again: float
    grown: float
    """MB."""
    asked: dict[str, Spread]
    adds: float
    beside: Spread


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def looks(seed: int = 0) -> np.ndarray:
    """[roles, THINGS, SIZE]: what each thing looks like."""
    return unit(np.random.default_rng(seed).normal(size=(len(ROLES), THINGS, SIZE)))


def filled(path: Path, count: int) -> np.ndarray:
    """Writes so many keyframes as the memory has them; their vectors `[count,SIZE]`, by number."""
    rng, seen = np.random.default_rng(1), looks()
    vectors = np.empty((count, SIZE), np.float32)
    with records.connect(path) as db:
        for start in range(0, count, 20_000):
            numbers = np.arange(start, min(count, start + 20_000))
            stray = unit(rng.normal(size=(len(numbers), SIZE)))
            part = unit(seen[numbers % 4, thing(numbers)] + STRAY * stray)
            vectors[numbers] = part
            with records.transaction(db, path):
                db.executemany(
                    "INSERT INTO keyframes VALUES (?, 'p', 'given', ?, ?, ?, ?, ?, 1)",
                    (row(int(number), vector) for number, vector in zip(numbers, part, strict=True)),
                )
    db.close()
    return vectors


def thing(numbers: Any) -> Any:
    """Which thing of its role a keyframe shows."""
    return (numbers // 4) % THINGS


def keyframe(number: int) -> Keyframe:
    return Keyframe.model_construct(
        production="p",
        shot=f"s{number // OF_A_SHOT}",
        role=ROLES[number % 4],
        about=f"c{thing(number)}",
        picture=f"{number:040x}",
        frame=number,
        take=1,
        version=1,
    )


def row(number: int, vector: np.ndarray) -> tuple[str, str, str, str, str, bytes]:
    one = keyframe(number)
    return one.picture, one.shot, one.role, one.about, one.model_dump_json(), vector.tobytes()


def questions(count: int) -> dict[str, Callable[[np.random.Generator], tuple[Where, np.ndarray]]]:
    """What is asked -> a question of that kind: where, and which of the numbers that asks about."""
    numbers = np.arange(count)
    shot, what, role = numbers // OF_A_SHOT, thing(numbers), numbers % 4

    def one(rng: np.random.Generator) -> tuple[Where, np.ndarray]:
        at = int(rng.integers(THINGS))
        return Where("identity", f"c{at}"), (role == 0) & (what == at)

    def stood_on(rng: np.random.Generator) -> tuple[Where, np.ndarray]:
        first = int(rng.integers(max(1, count // OF_A_SHOT - 24)))
        return Where("identity", None, [f"s{first + n}" for n in range(24)]), (role == 0) & (shot - first < 24) & (
            shot >= first
        )

    everything = np.ones(count, bool)
    return {
        "thing": one,
        "24 shots": stood_on,
        "role": lambda rng: (Where("identity"), role == 0),
        "all": lambda rng: (Where(), everything),
    }


def asked(keyframes: Keyframes, vectors: np.ndarray, kind: str, times: int) -> Spread:
    rng, ask = np.random.default_rng(2), questions(len(vectors))[kind]
    seen, took, found = looks()[0], list[float](), list[float]()
    for _ in range(times):
        where, about = ask(rng)
        vector = unit(seen[rng.integers(THINGS)] + STRAY * unit(rng.normal(size=SIZE)))
        began = time.perf_counter()
        matches = keyframes.search(vector, where, BEST)
        took.append(1000 * (time.perf_counter() - began))
        chosen = np.flatnonzero(about)
        scores = vectors[chosen] @ vector
        nearest = set(chosen[np.argsort(-scores)[:BEST]].tolist())
        found.append(len(nearest & {match.keyframe.frame for match in matches}) / max(1, len(nearest)))
    return spread(took, float(np.mean(found)))


def spread(took: Sequence[float], recall: float = 1.0) -> Spread:
    return Spread(float(np.percentile(took, 50)), float(np.percentile(took, 95)), recall)


def beside(keyframes: Keyframes, count: int, writes: int) -> tuple[float, Spread]:
    """Keyframes a second of one writer, and what readers' questions take meanwhile."""
    over, took = threading.Event(), list[float]()
    seen = looks()[0]

    def read(seed: int) -> None:
        rng = np.random.default_rng(seed)
        while not over.is_set():
            at = int(rng.integers(THINGS))
            began = time.perf_counter()
            keyframes.search(seen[at], Where("identity", f"c{at}"), BEST)
            took.append(1000 * (time.perf_counter() - began))

    frames = unit(np.random.default_rng(3).normal(size=(writes, SIZE)))
    readers = [threading.Thread(target=read, args=(seed,)) for seed in range(READERS)]
    for reader in readers:
        reader.start()
    began = time.perf_counter()
    for number in range(writes):
        one = keyframe(count + number)
        keyframes.remember(one, np.repeat(frames[number][None, :, None], 3, axis=2))
    adds = writes / (time.perf_counter() - began)
    over.set()
    for reader in readers:
        reader.join()
    return adds, spread(took)


def resident() -> float:
    """MB that this process holds."""
    import psutil

    return psutil.Process().memory_info().rss / 1e6


def opened(place: Path, index: str) -> tuple[Keyframes, float]:
    """The memory after its first answer, and the seconds until then."""
    began = time.perf_counter()
    keyframes = Keyframes(place / "keyframes.sqlite", place / "index", "p", Given(), index)
    keyframes.search(looks()[0, 0], Where("identity"), 1)
    return keyframes, time.perf_counter() - began


def measure(count: int, index: str, times: int = QUESTIONS, writes: int = WRITES) -> Measured:
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as home:
        vectors, before = filled(Path(home) / "keyframes.sqlite", count), resident()
        keyframes, first = opened(Path(home), index)
        grown = resident() - before
        spreads = {kind: asked(keyframes, vectors, kind, times) for kind in questions(count)}
        adds, meanwhile = beside(keyframes, count, writes)
        keyframes.close()
        keyframes, again = opened(Path(home), index)
        keyframes.close()
    return Measured(count, first, again, grown, spreads, adds, meanwhile)


def table(found: Sequence[Measured], index: str) -> str:
    kinds = list(found[0].asked)
    lines = [f"index {index}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"]
    head = "".join(f"{kind + ' p50/p95 recall':>26}" for kind in kinds)
    lines.append(f"{'size':>8} {'first':>7} {'again':>7} {'MB':>6}{head} {'adds/s':>7} {'beside':>13}")
    for one in found:
        cells = "".join(f"{s.p50:11.2f}/{s.p95:.2f} {s.recall:.3f}".rjust(26) for s in one.asked.values())
        opening = f"{one.first:6.2f}s {one.again:6.2f}s {one.grown:6.0f}"
        lines.append(f"{one.size:8} {opening}{cells} {one.adds:7.0f} {one.beside.p50:6.2f}/{one.beside.p95:.2f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--counts", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--index", default="exact", help="as the setting of that name")
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="of each kind")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    given = parser.parse_args()
    found = [measure(count, given.index, given.questions) for count in given.counts]
    if given.json:
        rows = [one._asdict() | {"asked": {k: s._asdict() for k, s in one.asked.items()}} for one in found]
        print(json.dumps([row | {"beside": one.beside._asdict()} for row, one in zip(rows, found, strict=True)]))
    else:
        print(table(found, given.index))


if __name__ == "__main__":
    main()
