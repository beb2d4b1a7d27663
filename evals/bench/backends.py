"""What our adapter of diffusers costs, and gains, over diffusers called plainly: the same weights, by turns.

    python -m kinograph.evals.bench.backends [--models wan-2.1-1.3b,animatediff] [--runs 5] [--steps 10]
        [--tiny FOLDER | --real] [--compile] [--attention NAME] [--cache NAME] [--every 2] [--overlap 4]

With a graphics card (or `--real`) the architectures are the published ones in size, else small; weights are random, so
that frames are noise at the price of the real thing. `--tiny` takes a folder of any saved pipeline instead, whose card
is the one named by `--models`. After two warm-ups each way renders `--runs` times, in turn, with new words each time:
the adapter remembers what it encoded. Seconds are medians, of CPU time where the work is on the CPU, as others may keep
it busy. A clip is written losslessly by us and by `encode_video` as it comes; the comparison leaves both out. What
`overlap` is worth, with which a clip is written while the next is denoised, is told by the wall.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kinograph.errors import BadInput, told
from kinograph.evals.bench.architectures import ARCHITECTURES, built
from kinograph.evals.bench.overlapping import line, overlapped
from kinograph.evals.bench.renders import PARTS, Clock, Job, Run, ours, plain, stock
from kinograph.tools.backends import card
from kinograph.tools.backends.calling import arguments_of
from kinograph.tools.backends.families import kin_of, way
from kinograph.tools.backends.pipelines import class_of
from kinograph.tools.backends.speed import Speed

WARM = 2
ALIKE = {"cpu": 1e-5, "cuda": 1e-2}
"""By how much float frames of a batch may be off those of single calls: in 32 bits, and in 16 as cards render."""


class Compared(NamedTuple):
    """Both ways of one model."""

    plain: list[Run]
    ours: list[Run]

    @property
    def overhead(self) -> float:
        """Median of our seconds less those of the plain call beside it, as a share of the plain one's."""
        pairs = zip(self.ours, self.plain, strict=True)
        return statistics.median((one.seconds - other.seconds) / other.seconds for one, other in pairs)

    @property
    def outside(self) -> float:
        """The same of what is not spent in networks: the adapter's own work, without the networks' ups and downs."""
        pairs = zip(self.ours, self.plain, strict=True)
        gaps = [one.spent["rest"] - other.spent["rest"] for one, other in pairs]
        return statistics.median(gaps) / statistics.median(run.seconds for run in self.plain)

    @property
    def off(self) -> tuple[int, float]:
        """Levels of 255 by which frames differ, at most and in the mean."""
        pairs = zip(self.ours, self.plain, strict=True)
        gaps = [np.abs(one.frames.astype(int) - other.frames) for one, other in pairs]
        return max(int(gap.max()) for gap in gaps), float(np.mean([gap.mean() for gap in gaps]))


def compare(job: Job, runs: int, scratch: Path) -> Compared:
    """Renders by turns, whichever was second last time first."""
    ways = [plain(job, scratch), ours(job, scratch)]
    made: list[list[Run]] = [[], []]
    for number in range(WARM + runs):
        for which in (0, 1) if number % 2 else (1, 0):
            made[which].append(ways[which](number))
    return Compared(made[0][WARM:], made[1][WARM:])


class Together(NamedTuple):
    """Requests of one call beside one call each."""

    share: float
    """Seconds of the one call, of those of all single ones."""
    off: float
    """Largest difference of float frames in 0..1."""


def together(job: Job, many: int) -> Together | None:
    """`many` requests in one call, as the adapter would put them; None where it never does."""
    import torch

    kin = kin_of(class_of(job.folder))
    if job.pictures or kin.single or not card(job.model).batch:
        return None
    pipeline, found, clock = stock(job), way(kin.classes[0]), Clock(job.device)
    requests = [job.request(number) for number in range(many)]
    pipeline(**arguments_of(found, requests))
    began = clock.now()
    whole = pipeline(**arguments_of(found, requests)).frames
    between = clock.now()
    single = [pipeline(**arguments_of(found, [request])).frames for request in requests]
    share = (between - began) / (clock.now() - between)
    return Together(share, float((torch.stack(list(whole)) - torch.cat(single)).abs().max()))


def resident(job: Job, which: str) -> float:
    """GB of main memory at most of a process of its own that renders twice one way, libraries and all."""
    given = json.dumps([job.model, str(job.folder), job.size, job.speed.model_dump()])
    command = [sys.executable, "-m", "kinograph.evals.bench.backends", "--one", which, given]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def alone(which: str, given: str) -> None:
    """What `resident` starts."""
    model, folder, size, speed = json.loads(given)
    job = Job(model, Path(folder), tuple(size), Speed(**speed))
    with tempfile.TemporaryDirectory() as scratch:
        render = (ours if which == "ours" else plain)(job, Path(scratch))
        for number in range(2):
            render(number)
    held = re.search(
        r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text()
    )  # getrusage tells the parent's as well
    print(int(held[1]) / 2**20 if held else 0.0)


# --------------------------------------------------------------------------------------- the table

HEAD = f"{'model':14} {'way':8}" + "".join(f"{part:>9}" for part in ("total", *PARTS)) + f" {'GB':>6}"


def row(name: str, which: str, runs: Sequence[Run], gb: float) -> str:
    spent = [statistics.median(run.spent[part] for run in runs) for part in PARTS]
    seconds = statistics.median(run.seconds for run in runs)
    return f"{name:14} {which:8}" + "".join(f"{one:9.3f}" for one in (seconds, *spent)) + f" {gb:6.2f}"


def told_of(job: Job, options: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """The lines of one model."""
    made = compare(job, options.runs, scratch)
    if job.device == "cpu":
        held = [[resident(job, which) for _ in range(options.memory)] for which in ("plain", "ours")]
        gb = [statistics.median(one or [0.0]) for one in held]
    else:
        gb = [max(run.gb for run in runs) for runs in (made.plain, made.ours)]
    yield row(job.model, "plain", made.plain, gb[0])
    yield row("", "ours", made.ours, gb[1])
    most, mean = made.off
    grown = f"{gb[1] / gb[0] - 1:+.1%} of the memory, " if all(gb) else ""
    yield (
        f"  ours over plain: {made.overhead:+.2%} of the time ({made.outside:+.2%} outside the networks), {grown}"
        f"frames differ by {most} of 255 at most, {mean:.4f} in the mean; {made.ours[-1].how}"
    )
    if options.batch > 1 and (one := together(job, options.batch)):
        alike = ALIKE.get(job.device.partition(":")[0], ALIKE["cpu"])
        word = "as claimed" if one.off <= alike else f"NOT within {alike:g}"
        share = f"{one.share:.2f} of the time of one each"
        yield f"  {options.batch} in one call: {share}, frames off by {one.off:.1e} of 1: {word}"
    if options.overlap > 1:
        yield line(options.overlap, overlapped(job, options.overlap, options.runs, scratch))


def main(argv: Sequence[str] | None = None) -> None:
    os.environ.setdefault("TQDM_DISABLE", "1")
    options = parser().parse_args(argv)
    if options.one:
        alone(*options.one)
        return
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    size = "real" if options.real or device == "cuda" else "small"
    speed = Speed(compile=options.compile, attention=options.attention, cache=options.cache, cache_every=options.every)
    where = torch.cuda.get_device_name() if device == "cuda" else "CPU time"
    weights = options.tiny or f"{size} architectures at random weights"
    print(
        f"{where}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {weights}; {options.runs} runs; {speed!r}"
    )
    print(HEAD)
    for name in options.models.split(","):
        with tempfile.TemporaryDirectory() as home:
            try:
                job = job_of(name, options, size, device, speed, Path(home))
                for line in told_of(job, options, Path(home)):
                    print(line, flush=True)
            except Exception as error:  # the others go on
                print(f"{name:14} failed: {told(error)}", flush=True)


def job_of(name: str, options: argparse.Namespace, size: str, device: str, speed: Speed, home: Path) -> Job:
    """What to render of a model, which is saved in `home` first, as a hub would."""
    one = ARCHITECTURES.get(name)
    clip = options.clip or (one.clips[size] if one else None)
    if clip is None or not (one or options.tiny):
        raise BadInput(f"unknown architecture {name!r}; available: {', '.join(ARCHITECTURES)}, or --tiny with --clip")
    width, height, frames, steps = clip
    asked = (width, height, frames, options.steps or steps)
    if options.tiny:
        return Job(name, Path(options.tiny), asked, speed, device)
    save(name, size, device, home / "pipeline")
    if one and one.smaller and size == "real":
        print(f"{name}: smaller than published: {one.smaller}")
    return Job(name, home / "pipeline", asked, speed, device)


def save(name: str, size: str, device: str, folder: Path) -> None:
    """Nothing of it stays on the device."""
    import torch
    from diffusers.utils import logging
    from transformers.utils import logging as others

    for one in (logging, others):
        one.set_verbosity_error()
        one.disable_progress_bar()
    pipeline = built(name, size, device)
    if device != "cpu":
        pipeline.to(dtype=getattr(torch, kin_of(type(pipeline).__name__).half))
    pipeline.save_pretrained(folder)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m kinograph.evals.bench.backends")
    made.add_argument("--models", default=",".join(ARCHITECTURES))
    made.add_argument("--real", action="store_true", help="published sizes, whatever the device")
    made.add_argument("--tiny", default="", help="folder of a saved pipeline")
    made.add_argument("--clip", nargs=4, type=int, metavar=("WIDTH", "HEIGHT", "FRAMES", "STEPS"))
    made.add_argument("--runs", type=int, default=5)
    made.add_argument("--steps", type=int, default=0)
    made.add_argument("--batch", type=int, default=3, help="requests in one call; 1 leaves that out")
    made.add_argument("--overlap", type=int, default=4, help="requests one after the other; 1 leaves that out")
    made.add_argument("--memory", type=int, default=3, help="processes each in which main memory is measured; 0: none")
    made.add_argument("--compile", action="store_true")
    made.add_argument("--attention", default="")
    made.add_argument("--cache", default="none")
    made.add_argument("--every", type=int, default=2)
    made.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    return made


if __name__ == "__main__":
    main()
