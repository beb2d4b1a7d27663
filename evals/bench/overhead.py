"""What orchestration itself costs: time and bytes of each checkpointed step.

    python -m kinograph.evals.bench.overhead [shots]

A production whose renders, verdicts and memories take no time, so that all that is left is ours: the graph and its
checkpoints, the floor, the ledger. Wall time says what this machine makes of it; CPU time is the same when others
keep it busy.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from kinograph.agents.generation import Generation, Rendered
from kinograph.agents.memory import Memory
from kinograph.agents.overseeing import Oversight
from kinograph.agents.recalling import Recalled, Recollection
from kinograph.agents.validator import Validator
from kinograph.evals.bench.replay import DECISION, Ponderer
from kinograph.film import Brief, Clip, RenderRequest, Scene, Shot, Storyboard, Take
from kinograph.graphs import shooting, take
from kinograph.graphs.production import Carried, Crew
from kinograph.graphs.running import checkpointer
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.ledger import Ledger

RENDER = 30.0
"""Seconds of the render that a life's overhead is held against."""


class Ready(Generation):
    """Every clip is there at once."""

    def __init__(self) -> None:
        pass

    def render(
        self,
        request: RenderRequest,
        on_progress: Callable[[float], None],
        cancelled: Callable[[], bool],
        oversight: Oversight | None = None,
        freed: Callable[[], None] = lambda: None,
    ) -> Rendered:
        clip = Clip(
            request=request.digest,
            path="",
            frames=request.frames,
            fps=request.fps,
            width=request.width,
            height=request.height,
            pixels="",
            model=request.model,
            revision=request.revision,
            render_seconds=0.0,
        )
        return Rendered(clip, reused=False)


class Forgetful(Memory):
    """Remembers nothing, and recalls as much as a shot ever does."""

    def __init__(self) -> None:
        pass

    def recollection(self, shot: Shot, storyboard: Storyboard) -> Recollection:
        found = (
            Keyframe(production="film", shot=shot.id, role="identity", about=f"one {n}", picture="0" * 40, frame=n)
            for n in range(6)
        )
        return Recollection(shot=shot, storyboard=storyboard, found=tuple(found))

    def rules(self, question: Recollection) -> Recalled:
        return Recalled(keyframes=question.found)

    def remember(self, shot: Shot, storyboard: Storyboard, take: Take) -> tuple[Keyframe, ...]:
        return ()


class Blind(Validator):
    """Is never asked."""

    def __init__(self) -> None:
        pass


class Cost(NamedTuple):
    """What a production of so many shots cost."""

    shots: int
    steps: int
    """Checkpoints written."""
    wall: float
    cpu: float
    largest: int
    """Bytes of the largest checkpoint."""
    widest: int
    """Bytes of the largest write within a step."""


def board_of(shots: int) -> Storyboard:
    """Scenes of ten shots, each of which goes on from the one before."""
    scenes = []
    for scene in range(0, shots, 10):
        ids = [f"s{scene // 10}.{number}" for number in range(min(10, shots - scene))]
        chain = zip(ids, [(), *((id,) for id in ids)], strict=False)
        made = tuple(Shot(id=id, scene=ids[0], text=id, seconds=1.0, needs=needs) for id, needs in chain)
        scenes.append(Scene(id=ids[0], setting="", time="day", shots=made))
    return Storyboard(title="overhead", scenes=tuple(scenes))


def measure(shots: int, home: Path, workers: int = 4) -> Cost:
    """Shoots a storyboard below `home`."""
    ledger = Ledger(home / "ledger.sqlite")
    papers = {"storyboard": board_of(shots), "carried": Carried()}
    brief = Brief(text="overhead", topology="hierarchical")
    ledger.open_production("film", home / "film", brief, DECISION.changed(workers=workers), papers)
    path = home / "checkpoints.sqlite"
    with checkpointer(path, "") as saver:
        crew = Crew(
            id="film",
            folder=home / "film",
            brief=brief,
            mind=Ponderer(0.0, 0.0, lambda request: True),
            ledger=ledger,
            generation=Ready(),
            memory=Forgetful(),
            validator=Blind(),
            checkpoints=saver,
        )
        take.build().compile()  # what is loaded and built once is no cost of a step
        wall, cpu = time.perf_counter(), time.process_time()
        shooting.shoot(crew)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ledger.close()
    database = sqlite3.connect(path)
    steps, largest = database.execute("SELECT count(*), max(length(checkpoint)) FROM checkpoints").fetchone()
    (widest,) = database.execute("SELECT max(length(value)) FROM writes").fetchone()
    database.close()
    return Cost(shots, steps, wall, cpu, largest, widest)


def main() -> None:
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'shots':>6} {'steps':>6} {'wall/step':>10} {'CPU/step':>9} {'of a 30 s render':>17} {'largest state':>14}")
    for shots in [int(count) for count in sys.argv[1:]] or (10, 100):
        with tempfile.TemporaryDirectory() as home:
            cost = measure(shots, Path(home))
        share = 100 * cost.cpu / cost.shots / RENDER
        wall, cpu = 1000 * cost.wall / cost.steps, 1000 * cost.cpu / cost.steps
        state = max(cost.largest, cost.widest)
        print(f"{cost.shots:6} {cost.steps:6} {wall:7.2f} ms {cpu:6.2f} ms {share:15.2f} % {state:12} B", flush=True)


if __name__ == "__main__":
    main()
