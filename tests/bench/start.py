"""How long the beginning takes: `import kinograph`, `kinograph --help`, and a whole film, in fresh processes.

    python tests/bench/start.py [runs]

Prints the median, least and most wall seconds. Targets on 2 idle cores: import 0.3, help 0.6.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import kinograph": [sys.executable, "-c", "import kinograph"],
    "from kinograph import Studio, Brief": [sys.executable, "-c", "from kinograph import Studio, Brief"],
    "kinograph --help": [sys.executable, "-m", "kinograph.cli", "--help"],
    "a film of three shots": [
        sys.executable, "-m", "kinograph.cli", "make",
        "A red ball rolls across a green meadow at sunset. Then it bounces over the sea at night while the camera "
        "zooms in. Finally the ball meets a yellow star in the snow.",
    ],
}  # fmt: skip


def measure(command: list[str], runs: int) -> list[float]:
    """Wall seconds of each run after one to warm up, each in an empty home."""
    taken = []
    for _ in range(runs + 1):
        with tempfile.TemporaryDirectory() as home:
            started = time.perf_counter()
            subprocess.run(
                command,
                check=True,
                capture_output=True,
                cwd=home,
                env=os.environ | {"KINOGRAPH_HOME": f"{home}/home"},
            )
            taken.append(time.perf_counter() - started)
    return taken[1:]


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    for name, command in COMMANDS.items():
        taken = measure(command, runs if "film" not in name else 3)
        print(f"{name:38} median {statistics.median(taken):.3f} s   {min(taken):.3f} to {max(taken):.3f}")


if __name__ == "__main__":
    main()
