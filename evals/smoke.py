"""A small evaluation against a committed baseline: what got worse by more than its recorded interval fails.

    python -m kinograph.evals.smoke            compares with evals/baseline.json; status 1 on a regression
    python -m kinograph.evals.smoke --record   writes the baseline anew
    python -m kinograph.evals.smoke --faults 1 draws takes with faults: it has to fail

An interval is 95 % by the normal approximation over samples; shares that were all 0 or 1 may lose half a sample.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kinograph import disk
from kinograph.evals.harness import RunResult, run
from kinograph.evals.headers import versions
from kinograph.evals.log import SampleLog, Shown

BASELINE = Path(__file__).parent / "baseline.json"
RENDERER = {"model": "storyworld-render", "embedder": "pixels"}
DIFFUSION = {"model": "storyworld-diffusion", "embedder": "storyworld-clip"}
LEAST = 0.005
"""Half an interval at least: machines round differently."""


class Part(NamedTuple):
    """A slice of a suite on one system."""

    name: str
    suite: str
    every: int
    """Every so manieth sample."""
    most: int
    settings: Mapping[str, Any]
    wishes: Mapping[str, Any]


SMALL = {"width": 160, "height": 120, "frames": 17, "fps": 8}
"""The least at which the exact detectors get every attribute of these samples right, motion above all: at 128x96 and 9
frames they mistook one in six."""
PARTS = (
    Part("single shots, drawn", "storyworld-basic", 6, 12, RENDERER | {"topology": "chain"}, SMALL),
    Part("stories, drawn", "storyworld-story", 31, 4, RENDERER | {"topology": "hierarchical"}, SMALL),
    Part("plans", "planning", 3, 40, RENDERER, {}),
    Part("conversations", "editing-chat", 5, 7, RENDERER, {}),
    Part("dares", "robustness", 6, 7, RENDERER, {}),
    Part(
        "single shots, by diffusion",
        "storyworld-basic",
        9,
        8,
        DIFFUSION | {"topology": "chain"},
        {"steps": 8, "frames": 17},
    ),
)


class Level(NamedTuple):
    """Where a metric stood."""

    mean: float
    low: float
    high: float
    n: int


def measured(part: Part, folder: Path, faults: float = 0.0) -> RunResult:
    """Runs a part; of what the painter draws this share of takes has a fault."""
    from kinograph.evals.suites import open_suite
    from kinograph.evals.systems.studio import Crewed
    from kinograph.settings import Settings

    suite = open_suite(part.suite)
    ids = [sample.id for sample in suite.samples][:: part.every][: part.most]
    backends = {"storyworld-render": {"fault_rate": faults}} if faults else {}
    system = Crewed(Settings.load(**part.settings, backends=backends), part.wishes)
    return run(part.suite, system, folder=folder, sample_ids=ids)


def levels(result: RunResult) -> dict[str, Level]:
    """Each metric that was measured, and how many renders a sample took."""
    found = {}
    for one in result.run.metrics:
        if values := _values(one, result.samples):
            found[one.metric] = level(values)
    return found | {"renders": level([log.spent.generated() for log in result.samples])}


def _values(metric: Shown, samples: Sequence[SampleLog]) -> list[float]:
    """A crashed sample has the worst value."""
    worst = metric.least if metric.better == "higher" else metric.greatest
    there = any(metric.metric in log.scores for log in samples)
    found = [log.scores.get(metric.metric, worst if log.lost(metric.metric) else None) for log in samples]
    return [value for value in found if value is not None] if there else []


def level(values: Sequence[float]) -> Level:
    """The mean of at least one value with its interval."""
    n = len(values)
    mean = sum(values) / n
    error = math.sqrt(sum((value - mean) ** 2 for value in values) / max(1, n - 1) / n)
    half = max(1.96 * error, 0.5 / n if set(values) <= {0.0, 1.0} else LEAST)
    return Level(round(mean, 6), round(mean - half, 6), round(mean + half, 6), n)


def regressions(
    before: Mapping[str, Level], now: Mapping[str, Level], better: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """(metric, how it got worse) of those that left their interval on the bad side, or are not measured any more."""
    for name, old in before.items():
        new = now.get(name)
        if new is None:
            yield name, "is not measured any more"
        elif better.get(name, "lower") == "higher" and new.mean < old.low:
            yield name, f"{new.mean:.4f}, and was {old.mean:.4f} (at least {old.low:.4f})"
        elif better.get(name, "lower") == "lower" and new.mean > old.high:
            yield name, f"{new.mean:.4f}, and was {old.mean:.4f} (at most {old.high:.4f})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="write the baseline anew")
    parser.add_argument("--faults", type=float, default=0.0, help="share of drawn takes with a fault, to see it fail")
    parser.add_argument("--baseline", type=Path, default=BASELINE)
    parser.add_argument("--only", action="append", help="a part by its name; may be repeated")
    args = parser.parse_args()
    kept: dict[str, Any] = {} if args.record else json.loads(args.baseline.read_text("utf-8"))
    found, worse = dict[str, Any](), list[str]()
    began = time.monotonic()
    for name in [one for one in os.environ if one.startswith("KINOGRAPH_")]:
        del os.environ[name]  # the baseline is of what is written here alone
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for part in PARTS:
            if args.only and part.name not in args.only:
                continue
            started = time.monotonic()
            result = measured(part, Path(folder) / part.suite / part.name.replace(" ", "-"), args.faults)
            now = levels(result)
            found[part.name] = {"suite": result.run.suite_digest} | {key: value._asdict() for key, value in now.items()}
            worse += [f"{part.name}: {log.sample} crashed: {log.error}" for log in result.crashed]
            if not args.record:
                worse += _compared(part.name, result, kept.get("parts", {}).get(part.name), now)
            print(f"{part.name}: {len(result.samples)} samples, {time.monotonic() - started:.0f} s", flush=True)
    if args.record:
        disk.write(args.baseline, json.dumps({"versions": versions(), "parts": found}, indent=1) + "\n")
    print("\n".join(worse) if worse else f"nothing got worse ({time.monotonic() - began:.0f} s)")
    return 1 if worse else 0


def _compared(name: str, result: RunResult, kept: dict[str, Any] | None, now: Mapping[str, Level]) -> list[str]:
    if kept is None or kept.get("suite") != result.run.suite_digest:
        return [f"{name}: its samples are not those of the baseline; record it anew: make eval-baseline"]
    before = {key: Level(**value) for key, value in kept.items() if key != "suite"}
    better = {one.metric: one.better for one in result.run.metrics}
    return [f"{name}: {metric} got worse: {how}" for metric, how in regressions(before, now, better)]


if __name__ == "__main__":
    sys.exit(main())
