"""Plays productions in real time, with renderers and judges that sleep: on the floor alone, or as whole films."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kinograph.agents.generation import Generation
from kinograph.agents.memory import Memory
from kinograph.agents.mind import Ask, Part, Rules
from kinograph.agents.requesting import resolve
from kinograph.agents.validator import Validator
from kinograph.evals.bench.traces import JUDGING, PACE, Trace
from kinograph.events import Event
from kinograph.film import Brief, Clip, Decision, Noun, RenderRequest, Scene, Shot, Storyboard, Verdict
from kinograph.graphs.floor import Floor
from kinograph.graphs.production import Carried, Crew
from kinograph.graphs.running import run
from kinograph.memory.embedders import PixelEmbedder
from kinograph.memory.keyframes import Keyframes
from kinograph.memory.ledger import Ledger
from kinograph.memory.vault import Vault
from kinograph.tools.backends import Progress, card
from kinograph.tools.footage import develop

MODEL = "storyworld-render"
DECISION = Decision(
    model=MODEL, revision="sleeps", topology="hierarchical", width=64, height=48, fps=8, takes=3, shot_seconds=1.0
)


def on_the_floor(trace: Trace, workers: int, scale: float) -> float:
    """Wall seconds of a trace whose lives only sleep, each second of theirs `scale` times shorter."""
    floor = Floor()

    def live(shot: str) -> None:
        for attempt in range(trace.takes[shot]):
            with floor.worker("film", shot):
                time.sleep(trace.renders[shot][attempt] / scale)
            time.sleep(JUDGING / scale)

    started = time.monotonic()
    floor.run("film", trace.graph, PACE, workers, live, threading.Event())
    return time.monotonic() - started


class Sleeper:
    """A worker pool that takes a request's time and gives noise."""

    revision = "sleeps"

    def __init__(self, scratch: Path, seconds: Callable[[RenderRequest], float]) -> None:
        self._scratch, self._seconds = scratch, seconds

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        return [self._one(request) for request in requests]

    def _one(self, request: RenderRequest) -> Clip:
        started, seconds = time.monotonic(), self._seconds(request)
        noise = np.random.default_rng(request.seed)
        frames = noise.integers(0, 256, (request.frames, request.height, request.width, 3), dtype=np.uint8)
        clip = develop(request, frames, self._scratch, seconds)
        time.sleep(max(seconds - (time.monotonic() - started), 0.0))
        return clip

    def close(self) -> None:
        """Holds nothing."""


class Ponderer(Rules):
    """Answers by rules after the time that a language model takes; judges without looking."""

    name = "ponderer"

    def __init__(self, thinking: float, judging: float, accepts: Callable[[RenderRequest], bool]) -> None:
        self._thinking, self._judging, self._accepts = thinking, judging, accepts

    def think(self, agent: Any, question: Any) -> Any:
        if agent.role == "validator":
            time.sleep(self._judging)
            return Verdict(accepted=self._accepts(question.request))
        asks = getattr(agent, "ask", None)  # which gives an answer at once where there is nothing to ask a model
        if asks is None or isinstance(asks(question), (Ask, Part)):
            time.sleep(self._thinking)
        return super().think(agent, question)


class Played(NamedTuple):
    """A production that was played in real time."""

    storyboard: Storyboard
    events: list[tuple[float, Event]]
    """With the second at which each was heard."""

    def last(self, kind: type[Event]) -> float:
        """Second of the last event of a kind."""
        return max(at for at, event in self.events if isinstance(event, kind))


def film(
    home: Path,
    brief: Brief,
    workers: int,
    mind: Ponderer,
    seconds: Callable[[RenderRequest], float],
    papers: Mapping[str, Noun] | None = None,
) -> Played:
    """A whole production below `home`, of a pool that sleeps: graph, checkpoints, ledger, vault, memory and cut."""
    ledger, vault = Ledger(home / "ledger.sqlite"), Vault(home / "vault")
    keyframes = Keyframes(home / "keyframes.sqlite", home / "index", "film", PixelEmbedder())
    folder = home / "film"
    with closing(ledger), closing(keyframes):
        ledger.open_production("film", folder, brief, DECISION.changed(workers=workers), papers)
        crew = Crew(
            id="film",
            folder=folder,
            brief=brief,
            mind=mind,
            ledger=ledger,
            generation=Generation(vault, ledger, Sleeper(vault.scratch("film"), seconds)),
            memory=Memory(keyframes, vault),
            validator=Validator(vault, keyframes),
        )
        started = time.monotonic()
        events = [(time.monotonic() - started, event) for event in run(crew)]
        return Played(crew.storyboard, events)


def film_of(trace: Trace, home: Path, workers: int, scale: float) -> Played:
    """The whole production of a trace, `scale` times faster than life."""
    shots = {
        id: Shot(id=id, scene=scene[0], text=id, extra=id, seconds=1.0, needs=trace.graph.tasks[id].needs)
        for scene in trace.scenes
        for id in scene
    }
    scenes = (
        Scene(id=scene[0], setting="", time="day", shots=tuple(shots[id] for id in scene)) for scene in trace.scenes
    )
    board, brief = Storyboard(title="trace", scenes=tuple(scenes)), Brief(text="trace", topology="hierarchical")
    takes = {
        resolve(shot, board, DECISION, brief, card(MODEL), attempt + 1).digest: (shot.id, attempt)
        for shot in shots.values()
        for attempt in range(DECISION.takes)
    }

    def seconds(request: RenderRequest) -> float:
        shot, attempt = takes[request.digest]
        return trace.renders[shot][attempt] / scale

    def accepts(request: RenderRequest) -> bool:
        shot, attempt = takes[request.digest]
        return attempt + 1 == trace.takes[shot]

    mind = Ponderer(0.0, JUDGING / scale, accepts)
    return film(home, brief, workers, mind, seconds, {"storyboard": board, "carried": Carried()})
