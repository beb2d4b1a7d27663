"""How surely the validator tells faulty clips from clean ones: ROC of every kind of fault at three severities.

    python -m kinograph.evals.bench.faults [--clips N] [--kinds KIND…] [--jobs N] [--write]

Random storyworlds of 16 frames of 192x108; each is drawn clean and with every fault. The validator measures frames in
memory and is told what was asked for, never what was drawn. Seeds are fixed: the same clip number gives the same clip.
What was measured is kept in a folder in parts of a few clips, so that a run that was stopped goes on. With --write the
thresholds that validators use are set anew from what was measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import kinograph.tools
from kinograph import disk
from kinograph.agents import symptoms
from kinograph.agents.calibration import Measured, any_alarm, auc, calibrate, caught, combined, told_by
from kinograph.agents.symptoms import BROKEN
from kinograph.agents.thresholds import SHIPPED, Thresholds, keep
from kinograph.agents.validator import EVERY, Validator
from kinograph.agents.verdicts import Viewing
from kinograph.film import Appearance, Character, Clip, Look, RenderRequest, Shot, digest_of
from kinograph.memory.embedders import open_embedder
from kinograph.memory.keyframes import Keyframes
from kinograph.memory.vault import Vault
from kinograph.settings import Settings
from kinograph.tools.storyworld.faults import (
    EVERY_KIND,
    SEVERITIES,
    FaultKind,
    damage,
    draw_fault,
    possible,
)
from kinograph.tools.storyworld.painter import backdrop_of, paint
from kinograph.tools.storyworld.world import World, sample

FRAMES, WIDTH, HEIGHT, FPS = 16, 192, 108, 8
SEED = 71
PART = 10
"""Clips in a part."""
TARGETS = {"gross": 0.97, "medium": 0.90}
"""Least area under the ROC."""


@cache
def _code() -> str:
    """Name of what measures and paints: what another version measured is not gone on with."""
    package = Path(next(iter(kinograph.tools.__path__)))
    files = [*package.glob("*.py"), *(package / "storyworld").glob("*.py"), Path(symptoms.__file__)]
    return digest_of(b"".join(file.read_bytes() for file in sorted(files)))


class Row(NamedTuple):
    """What was measured in one clip."""

    clip: int
    fault: str
    """Empty for a clean one."""
    severity: str
    values: dict[str, float]
    seconds: float
    """Measuring."""


def viewing_of(world: World, frames: int = FRAMES, width: int = WIDTH, height: int = HEIGHT) -> Viewing:
    """What a validator is asked about a clip that should show this world."""
    cast = tuple(
        Character(id=f"c{n}", kind=one.kind, color=one.color, words=f"a {one.color} {one.kind}")
        for n, one in enumerate(world.subjects)
    )
    acts = tuple(Appearance(who=f"c{n}", motion=one.motion) for n, one in enumerate(world.subjects))
    place = {"setting": world.setting, "time": world.time, "camera": world.camera}
    size = {"frames": frames, "fps": FPS, "width": width, "height": height}
    made: dict[str, Any] = {"model": "storyworld-render", "revision": "1", **size}
    return Viewing(
        shot=Shot.model_validate({"id": "s1.1", "scene": "s1", "text": "", "cast": acts, **place}),
        cast=cast,
        look=Look(name=world.look),
        request=RenderRequest(prompt="", seed=0, **made),
        clip=Clip(request="", path="", pixels="", render_seconds=0, **made),
    )


def measure_clip(validator: Validator, number: int, kinds: Sequence[FaultKind]) -> Iterable[Row]:
    """One world, clean and with each fault that it can have."""
    world = sample(np.random.default_rng([SEED, number]))
    asked, scenery = viewing_of(world), backdrop_of(world, WIDTH, HEIGHT, number)
    draw = partial(paint, world, frames=FRAMES, width=WIDTH, height=HEIGHT, fps=FPS, seed=number, backdrop=scenery)
    clean = draw().frames

    def row(fault: str, severity: str, frames: np.ndarray) -> Row:
        started = time.perf_counter()
        wanted = frozenset(told_by(fault)) if fault in EVERY_KIND else EVERY  # pyright: ignore[reportArgumentType]
        found = validator.measure(asked, frames, wanted)
        values = {kind: round(value, 5) for kind, value in found.items()}
        return Row(number, fault, severity, values, round(time.perf_counter() - started, 4))

    yield row("", "", clean)
    for kind in kinds:
        for severity in SEVERITIES if possible(kind, world, FRAMES) else ():
            # A generator of its own for each, so that fewer kinds draw the same faults.
            rng = np.random.default_rng([SEED, number, EVERY_KIND.index(kind), SEVERITIES.index(severity)])
            fault = draw_fault(kind, world, FRAMES, rng, severity)
            if kind in BROKEN and kind != "jump":
                hurt = clean.copy()
                damage(hurt, fault, number)
            else:
                hurt = draw(faults=(fault,)).frames
            yield row(kind, severity, hurt)


def measure_part(part: int, clips: int, kinds: Sequence[FaultKind], folder: Path) -> list[Row]:
    """The rows of a part of the clips: those that are kept, else measured now and kept."""
    numbers = range(part * PART, min(clips, (part + 1) * PART))
    about = {"code": _code(), "clips": [numbers[0], numbers[-1]], "kinds": list(kinds)}
    file = folder / f"{part:04d}.json"
    try:
        kept = json.loads(file.read_bytes())
        if kept["about"] == about:
            return [Row(*row) for row in kept["rows"]]
    except (FileNotFoundError, json.JSONDecodeError, KeyError, TypeError):
        pass  # it is measured now
    rows = [row for number in numbers for row in measure_clip(_validator(), number, kinds)]
    disk.write(file, json.dumps({"about": about, "rows": rows}))
    return rows


@cache
def _validator() -> Validator:
    """One for each process, with a memory that is empty."""
    import cv2

    cv2.setNumThreads(1)
    place = Path(tempfile.mkdtemp(prefix="kinograph-faults-"))
    keyframes = Keyframes(place / "k.sqlite", place / "index", "p", open_embedder(Settings().embedder))
    return Validator(Vault(place / "vault"), keyframes)


def measure_all(clips: int, kinds: Sequence[FaultKind], jobs: int, folder: Path) -> list[Row]:
    """All rows, in the order of the clips."""
    from rich.console import Console
    from rich.progress import track

    parts = range(-(-clips // PART))
    one = partial(measure_part, clips=clips, kinds=kinds, folder=folder)
    paper = Console(stderr=True)
    if jobs == 1:
        done: Iterable[list[Row]] = map(one, parts)
        return [row for rows in track(done, "measuring", len(parts), console=paper) for row in rows]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return [row for rows in track(pool.map(one, parts), "measuring", len(parts), console=paper) for row in rows]


def sorted_out(rows: Sequence[Row]) -> tuple[list[Measured], dict[tuple[FaultKind, str], list[Measured]]]:
    """Clean clips, and faulty ones by fault and severity."""
    clean: list[Measured] = []
    faulty: dict[tuple[FaultKind, str], list[Measured]] = {}
    for row in rows:
        bag = faulty.setdefault((row.fault, row.severity), []) if row.fault else clean  # pyright: ignore
        bag.append(row.values)  # pyright: ignore[reportArgumentType]
    return clean, faulty


def report(rows: Sequence[Row], limits: Thresholds) -> bool:
    """Prints the table; whether all targets are met."""
    clean, faulty = sorted_out(rows)
    ms = {kind: 1e3 * float(np.mean([row.seconds for row in rows if row.fault == kind])) for kind, _ in faulty}
    print(f"{'fault':14} {'clips':>6} {'AUC  mild':>10} {'medium':>7} {'gross':>7} {'found mild':>12} {'medium':>7}"
          f" {'gross':>7} {'ms':>6}")  # fmt: skip
    good = True
    kinds: dict[FaultKind, None] = dict.fromkeys(kind for kind, _ in faulty)
    for kind in kinds:
        sound = combined(clean, kind, limits)
        bad = {one: faulty[kind, one] for one in SEVERITIES}
        areas = {one: auc(sound, combined(clips, kind, limits)) for one, clips in bad.items()}
        found = {one: 100 * caught(clips, kind, limits) for one, clips in bad.items()}
        good &= all(areas[one] >= least for one, least in TARGETS.items())
        print(f"{kind:14} {len(bad['gross']):6} {areas['mild']:10.4f} {areas['medium']:7.4f} {areas['gross']:7.4f}"
              f" {found['mild']:10.1f} % {found['medium']:5.1f} % {found['gross']:5.1f} % {ms[kind]:5.0f}")  # fmt: skip
    alarms, whole = any_alarm(clean, limits.kinds), [row.seconds for row in rows if not row.fault]
    print(
        f"false alarms: {100 * alarms:.2f} % of {len(clean)} clean clips; {1e3 * float(np.mean(whole)):.0f} ms a clip"
    )
    return good and alarms <= 0.03


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1000, help="clean ones, and as many of each fault and severity")
    parser.add_argument("--kinds", nargs="+", choices=EVERY_KIND, default=EVERY_KIND, metavar="KIND")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "kinograph-faults")
    parser.add_argument("--write", action="store_true", help="set the thresholds that validators use")
    asked = parser.parse_args(arguments)
    if asked.clips < 10 or asked.jobs < 1:
        parser.error(f"{asked.clips} clips in {asked.jobs} jobs; at least 10 clips and 1 job")
    rows = measure_all(asked.clips, asked.kinds, asked.jobs, disk.folder(asked.folder / f"{asked.clips}"))
    command = shlex.join(["python", "-m", "kinograph.evals.bench.faults", "--clips", str(asked.clips), "--write"])
    limits = calibrate(*sorted_out(rows), command)
    good = report(rows, limits)
    if asked.write:
        keep(limits, SHIPPED)
        print(f"written: {SHIPPED}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
