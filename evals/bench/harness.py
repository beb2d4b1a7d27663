"""What the harness itself costs a sample: one that does nothing, scored by nothing, logged and synced.

python -m kinograph.evals.bench.harness [samples]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from kinograph.evals.harness import run
from kinograph.evals.suites import Does, Sample, Suite
from kinograph.evals.systems import Made

SAMPLES = 200
MOST = 20.0
"""Milliseconds a sample."""


class Idle:
    """Makes nothing."""

    def names(self) -> Mapping[str, str]:
        return {"system": "idle"}

    def check(self, does: Does) -> None:
        """Can do nothing of any kind."""

    def make(self, sample: Sample, seed: int, folder: Path, does: Does) -> Made:
        return Made()

    def cancel(self) -> None:
        """Nothing runs."""


def overhead(samples: int, parallel: int = 1) -> float:
    """Milliseconds a sample."""
    suite = Suite(name="idle", samples=tuple(Sample(id=f"s{n}", brief="nothing") for n in range(samples)))
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        result = run(suite, Idle(), folder=Path(folder) / "run", parallel=parallel, metrics=())
        took = time.perf_counter() - began
    assert len(result.samples) == samples, "every sample is logged"
    return took / samples * 1000


def main() -> None:
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES
    overhead(min(samples, 20))
    for parallel in (1, 2):
        cost = overhead(samples, parallel)
        print(f"{samples} samples, {parallel} at a time: {cost:.2f} ms a sample (at most {MOST:g})")


if __name__ == "__main__":
    main()
