"""What thinking costs: calls, prompt tokens and wall time of films planned by a language model.

    python tests/bench/minds.py [scenes …]

A chat server on loopback that takes 0.5 s a call and a video model that takes 4 s a clip, both stubs, for 1, 3 and 6
scenes of 4 shots; then the same with a vision model that looks at every take, and planned act by act. Tokens are
counted as 4 bytes each, schemas and tools included, pictures as 750 pixels each. To beat, measured elsewhere with the
same times and 3 scenes: 33 calls, 58,000 prompt tokens, 51.6 s. How many takes share a call of the eyes depends on
whether they finish together, and so on what else the machine does: its load is printed with every row.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import types
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent)]

from server import serving  # pyright: ignore[reportMissingImports]

import kinograph.tools.backends as door
from kinograph import Settings, Studio
from kinograph.evals.bench.critical_path import brief_of
from kinograph.film import Clip, RenderRequest
from kinograph.tools.backends import Progress
from kinograph.tools.backends.storyworld import StoryworldBackend
from kinograph.tools.machine import Machine
from kinograph.tools.resources import Monitor, Snapshot

IDLE = Monitor(Machine(cores=32, ram_gb=64), lambda: Snapshot(cpu_percent=0, ram_percent=0, disk_free_gb=100))
"""Renders that only sleep need no room: they start whatever else this machine does."""
THINKING, RENDERING, SHOTS, WORKERS = 0.5, 4.0, 4, 12


class Slow(StoryworldBackend):
    """The renderer, with the pace of a video model that is quick."""

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        started = time.monotonic()
        clips = super().render(requests, on_progress, cancelled)
        time.sleep(max(0.0, RENDERING - (time.monotonic() - started)))
        return clips


def measure(scenes: int, eyes: bool, topology: str = "hierarchical") -> str:
    """One film, as a row."""
    with serving() as server, tempfile.TemporaryDirectory() as home:
        server.latency = THINKING
        os.chdir(home)
        mind = {"kind": "openai", "base_url": server.url, "model": "stub", "concurrency": WORKERS}
        mind |= {"models": {"validator": "stub-eyes"}} if eyes else {}
        studio = Studio(
            Settings.load(home=Path(home, "home"), mind=mind, workers=WORKERS, embedder="pixels"), monitor=IDLE
        )
        _ = studio.mind.name
        brief = studio.brief(
            brief_of(scenes).text, model="slow", topology=topology, width=96, height=54, frames=8, takes=1
        )
        started = time.monotonic()
        film = studio.make(brief)
        seconds = time.monotonic() - started
        assert len(film.storyboard.shots) == scenes * SHOTS, [shot.text for shot in film.storyboard.shots]
        assert not film.usage.fallbacks, film.usage.fallbacks
        used = film.usage
    load = os.getloadavg()[0]
    told = f"{len(used.calls):5} {used.prompt_tokens:14} {used.completion_tokens:14} {seconds:9.1f} s {load:8.1f}"
    return f"{scenes:6} {topology:13} {'with eyes' if eyes else 'no eyes':10} {told}"


def main() -> None:
    plain = door.cards()["storyworld-render"]
    known = {**door.cards(), "slow": plain.changed(id="slow", backend="bench_minds_slow:Slow")}
    module = types.ModuleType("bench_minds_slow")
    module.__dict__["Slow"] = Slow
    sys.modules["bench_minds_slow"] = module
    door.cards = lambda: known  # type: ignore[assignment]
    import kinograph.agents.choosing as choosing

    choosing.cards = door.cards
    print(f"{os.cpu_count()} cores; {THINKING} s a call, {RENDERING} s a clip")
    print(f"{'scenes':>6} {'':24} {'calls':>5} {'prompt tokens':>14} {'answer tokens':>14} {'wall':>11} {'load':>8}")
    measure(1, eyes=False)  # loads everything
    for scenes in [int(count) for count in sys.argv[1:]] or (1, 3, 6):
        for eyes in (False, True):
            print(measure(scenes, eyes), flush=True)
        print(measure(scenes, False, "distributed"), flush=True)


if __name__ == "__main__":
    main()
