"""Trains pixels and embedder at once, on one machine with many cores and a GPU, within a given time.

    python -m kinograph.tools.storyworld.training.whole --run runs --minutes 9

Cores paint clips and encode them; meanwhile the GPU learns from what there is so far: the image UNet and the video
UNet, the decoder, a little later the embedder. `--run` has the parts that these stand on: words/,
draft/ and autoencoder/, whose encoder is set from the start. All processes are the commands of this package, their
output in logs/.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PACKAGE = "kinograph.tools.storyworld.training"
BEGIN = 10
"""Encoded shards at which training begins."""
KEPT = 40
"""Painted shards of each size that are kept for decoder and embedder."""
ENCODERS = 3
SIZES = {"image": 1.0, "video": 1.0, "autoencoder": 0.25, "embedder": 2.0}
"""Examples a step, over those of a UNet."""
DECODER = 0.45
"""Share of the training time that the decoder has."""
PICTURES = 0.25
"""Share of all time after which there are enough clips for the embedder, which takes its pictures out of them."""


class Crew:
    """Processes of this package's commands, with a log each."""

    def __init__(self, run: Path, batch: int) -> None:
        self.run, self.logs, self.batch = run, run / "logs", batch
        self.logs.mkdir(parents=True, exist_ok=True)
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: str, *arguments: object, gpu: bool = True) -> None:
        hidden = {} if gpu else {"CUDA_VISIBLE_DEVICES": ""}
        single = {"OMP_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "1", "TOKENIZERS_PARALLELISM": "false"}
        with (self.logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", f"{PACKAGE}.{command}", *map(str, arguments)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | single | hidden,
            )

    def train(self, name: str, minutes: float, *arguments: object) -> None:
        command = "unets" if name in ("image", "video") else name
        common = ("--out", self.run / name, "--minutes", f"{minutes:.2f}", "--batch", round(self.batch * SIZES[name]))
        self.start(name, command, *common, *arguments)

    def check(self) -> None:
        """Raise for a process that failed."""
        for name, process in self.running.items():
            if process.poll():
                tail = (self.logs / f"{name}.log").read_text(errors="replace")[-2000:]
                raise SystemExit(f"{name} failed with exit code {process.returncode}:\n{tail}")

    def stop(self) -> None:
        """Trainers write their checkpoints first."""
        for name, process in self.running.items():
            if process.poll() is None:
                process.send_signal(signal.SIGINT if name in SIZES else signal.SIGTERM)
        for process in self.running.values():
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()


def tell(run: Path, started: float) -> None:
    """One line: how far everything is."""
    last = []
    for log in sorted((run / "logs").glob("*.log")):
        lines = log.read_text(errors="replace").splitlines()
        if lines and log.stem in SIZES:
            last.append(f"{log.stem}: {lines[-1][:90]}")
    encoded = len(list((run / "latents").glob("*.jsonl")))
    print(f"{time.monotonic() - started:.0f} s: {encoded} shards; " + " | ".join(last), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder with words/, draft/ and autoencoder/")
    parser.add_argument("--minutes", type=float, default=9, help="wall time of everything")
    parser.add_argument("--paint", type=float, default=0.6, help="share of it in which clips are painted")
    parser.add_argument("--painters", type=int, default=max(1, (os.cpu_count() or 1) - 4), help="processes that paint")
    parser.add_argument(
        "--batch", type=int, default=512, help="examples a step of the UNets; of the others in proportion"
    )
    args = parser.parse_args()
    started = time.monotonic()
    ends = started + 60 * args.minutes
    run, painting = args.run, args.minutes * args.paint
    crew = Crew(run, args.batch)
    data = run / "clips"

    def left() -> float:
        return (ends - time.monotonic()) / 60

    try:
        for i in range(args.painters):
            order = ("--out", data, "--share", 3, "--part", f"{i}/{args.painters}", "--minutes", f"{painting:.2f}")
            crew.start(f"clips-{i}", "clips", *order, gpu=False)
        for i in range(ENCODERS):
            order = ("--data", data, "--run", run, "--part", f"{i}/{ENCODERS}", "--keep", KEPT)
            crew.start(f"latents-{i}", "latents", *order, "--follow", f"{painting + 0.3:.2f}")
        while len(list((run / "latents").glob("*.jsonl"))) < BEGIN or not (run / "latents/statistics.json").exists():
            crew.check()
            time.sleep(0.5)
        tell(run, started)
        crew.train("autoencoder", left() * DECODER, "--data", data)
        for part in ("image", "video"):
            crew.train(part, left(), "--run", run, "--part", part)
        while any(process.poll() is None for name, process in crew.running.items() if name in SIZES):
            crew.check()
            if "embedder" not in crew.running and left() < args.minutes * (1 - PICTURES):
                crew.train("embedder", left(), "--data", data, "--shards", KEPT)
            tell(run, started)
            time.sleep(10)
        crew.check()
        tell(run, started)
    finally:
        crew.stop()


if __name__ == "__main__":
    main()
