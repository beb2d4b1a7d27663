"""How well the validator judges, and how many bad shots reach a film, by the storyworld's truth.

    python tests/bench/judging.py [clips] [shots] [embedder]

Prints false alarms on clean clips, recall and naming by kind of fault at three sizes, seconds a clip; then
the share of faulty shots in finished films when three of ten takes are drawn wrong and a shot may cost three.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "agents")]

import numpy as np
import test_validator as world_of  # pyright: ignore[reportMissingImports]
from scripted import script_of  # pyright: ignore[reportMissingImports]

from kinograph import Settings, Studio
from kinograph.agents.validator import Validator
from kinograph.memory.embedders import open_embedder
from kinograph.memory.keyframes import Keyframes
from kinograph.memory.vault import Vault
from kinograph.tools.backends import Workbench, open_backend
from kinograph.tools.storyworld.faults import FAULT_KINDS, OF_A_SUBJECT, FaultKind, draw_fault
from kinograph.tools.storyworld.world import sample

SIZES = ((36, 384, 216), (24, 256, 144), (17, 128, 128))


def judge_clips(validator: Validator, clips: int) -> None:
    """Clean clips and faulty ones, never seen while the thresholds were chosen."""
    for frames, width, height in SIZES:
        world_of.FRAMES, world_of.WIDTH, world_of.HEIGHT = frames, width, height
        rng, alarms, seconds = np.random.default_rng(9001), 0, 0.0
        for seed in range(clips):
            world = sample(rng)
            painted, started = world_of.film(world, 5000 + seed), time.perf_counter()
            alarms += not validator.judge(world_of.viewing_of(world), painted).accepted
            seconds += time.perf_counter() - started
        found, named, total = Counter[str](), Counter[str](), Counter[str]()
        for seed in range(clips):
            world = sample(rng)
            able: list[FaultKind] = [kind for kind in FAULT_KINDS if world.subjects or kind not in OF_A_SUBJECT]
            fault = draw_fault(able[seed % len(able)], world, frames, rng)
            verdict = validator.judge(world_of.viewing_of(world), world_of.film(world, 5000 + seed, fault))
            total[fault.kind] += 1
            found[fault.kind] += not verdict.accepted
            name = world_of.NAMES.get(fault.kind, fault.kind)
            named[fault.kind] += any(finding.kind == name for finding in verdict.findings)
        print(f"{frames} frames of {width}x{height}: {seconds / clips:.3f} s a clip")
        print(f"  false alarms {alarms}/{clips} = {100 * alarms / clips:.1f} %")
        print(f"  found {found.total()}/{total.total()} = {100 * found.total() / total.total():.1f} %")
        print("  " + ", ".join(f"{kind} {found[kind]} (named {named[kind]})/{total[kind]}" for kind in FAULT_KINDS))


def judge_films(shots: int) -> None:
    """Whole productions with 30 % faulty takes."""
    options = {"fault_rate": 0.3}
    rng, bad, made, takes = np.random.default_rng(777), 0, 0, 0
    for number in range(-(-shots // 25)):
        studio = Studio(
            Settings.load(model="storyworld-render", backends={"storyworld-render": options}),
            mind=script_of([sample(rng) for _ in range(25)]),
        )
        film = studio.make(studio.brief("Film.", width=192, height=108, frames=16, seed=1000 + number))
        backend = open_backend("storyworld-render", Workbench(Path(), Path), options)
        requests = {(take.shot, take.attempt): take.request for take in film.takes}
        for cut in film.timeline:
            faults = backend.paint(requests[cut.shot, cut.attempt]).truth.faults  # pyright: ignore
            bad += any(fault.first <= cut.last_frame and fault.last >= cut.first_frame for fault in faults)
        made, takes = made + len(film.timeline), takes + len(film.takes)
    print(f"films: {bad}/{made} = {100 * bad / made:.1f} % faulty shots, {takes / made:.2f} takes a shot")


def main() -> None:
    clips = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    shots = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    embedder = sys.argv[3] if len(sys.argv) > 3 else Settings().embedder
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        os.environ["KINOGRAPH_HOME"] = f"{place}/home"
        keyframes = Keyframes(Path("k.sqlite"), Path("index"), "p", open_embedder(embedder))
        judge_clips(Validator(Vault(Path("vault")), keyframes), clips)
        if shots:
            judge_films(shots)


if __name__ == "__main__":
    main()
