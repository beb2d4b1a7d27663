"""How near a whole film comes to its critical path.

    python -m kinograph.evals.bench.critical_path [scenes]

Scenes of four shots that each go on from one before, a video model of 4 s a clip and a language model of 0.5 s an
answer, both asleep; everything else is real: graph, checkpoints, ledger, vault, memory. No film can be there before
its two rounds of planning and its longest chain of renders and verdicts; twelve workers are there, so that nothing else
need be waited for. Seconds are from the beginning of the graph to the last shot settled; joining the film follows.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from kinograph.evals.bench.replay import Played, Ponderer, film
from kinograph.events import Planned, ShotSettled, TakeStarted
from kinograph.film import Brief, Storyboard
from kinograph.graphs.dependencies import tasks_of

RENDERING, THINKING, WORKERS = 4.0, 0.5, 12
CALLS = 2
"""Calls one after the other before the first render: planner, then scene, motion and style at once."""
SCENES = (
    ("a red ball", "the meadow by day"), ("a blue fish", "the sea at sunset"), ("a green car", "the city at night"),
    ("a yellow star", "space"), ("a pink bird", "the snow at dawn"), ("a purple robot", "the desert by day"),
)  # fmt: skip
ACTS = ("moves to the right", "moves to the left", "grows", "spins")


def brief_of(scenes: int) -> Brief:
    """Scenes of four shots, each with a subject of its own."""
    sentences = []
    for who, where in SCENES[:scenes]:
        first, *others = ACTS
        sentences.append(f"In {where} {who} {first}.")
        sentences += [f"Then the {who.split(' ', 1)[1]} {act}." for act in others]
    return Brief(text=" ".join(sentences), takes=1, topology="hierarchical")


def chain(board: Storyboard) -> int:
    """Shots of the longest chain."""
    return len(tasks_of(board).of("shot").batches)


def play(scenes: int, faster: float = 1.0) -> Played:
    """A film of so many scenes, of models that are so much faster."""
    thinking = THINKING / faster
    with tempfile.TemporaryDirectory() as home:
        mind = Ponderer(thinking, thinking, lambda request: True)
        return film(Path(home), brief_of(scenes), WORKERS, mind, lambda request: RENDERING / faster)


def main() -> None:
    play(1, 100.0)  # loads everything
    scenes = int(sys.argv[1]) if sys.argv[1:] else 3
    busy = time.process_time()
    played = play(scenes)
    busy = time.process_time() - busy
    links = chain(played.storyboard)
    path = CALLS * THINKING + links * (RENDERING + THINKING)
    seconds = played.last(ShotSettled)
    begun = min(at for at, event in played.events if isinstance(event, TakeStarted))
    print(f"{len(played.storyboard.shots)} shots, the longest chain {links}, load {os.getloadavg()[0]:.1f}")
    print(f"planned at {played.last(Planned):.2f} s, first render at {begun:.2f} s")
    print(f"critical path {path:.2f} s, film {seconds:.2f} s: {seconds / path:.3f} of it; own CPU {busy:.2f} s")


if __name__ == "__main__":
    main()
