"""The harness: runs a suite on a system, each sample with each seed once, and logs what came of it.

    result = run("storyworld-story", Studio(model="storyworld-render"), folder="chain", seeds=3)
    result.means["identity"], result.crashed

A folder that holds a run goes on with it: only what is missing is run. A kill costs the samples at hand, no others.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from kinograph.errors import BadInput, UnknownName
from kinograph.evals.folder import Key, RunFolder
from kinograph.evals.headers import EYES, JUDGE, agreed, header_of
from kinograph.evals.log import Run, SampleLog, SetScore, Shown
from kinograph.evals.performing import By, performed
from kinograph.evals.runs import sets_of
from kinograph.evals.sampling import Job
from kinograph.evals.scorers import Scorer, scorers_for
from kinograph.evals.suites import Suite, open_suite
from kinograph.evals.systems import System
from kinograph.settings import MindSettings

METRICS = ("temporal coherence",)
"""Metrics of clips where none are named: those that cost next to nothing."""
RUNS = "runs"
"""Folder that new runs are put in when none is named."""


class Progress(NamedTuple):
    """How far a run is: `on_progress` hears one after every sample."""

    done: int
    of: int
    log: SampleLog | None
    """What just finished; None at the beginning."""


class RunResult(NamedTuple):
    """A finished run."""

    folder: Path
    run: Run
    samples: tuple[SampleLog, ...]
    """In the order of the header, seed by seed."""
    sets: tuple[SetScore, ...] = ()
    """Metrics of all clips together."""

    @property
    def crashed(self) -> tuple[SampleLog, ...]:
        return tuple(log for log in self.samples if log.state == "crashed")

    @property
    def means(self) -> dict[str, float]:
        """Mean of each metric that was measured in any sample. What was skipped or excluded does not count; a sample
        that crashed has the worst value there is or, where that is without end, the worst that was measured, in every
        metric that it could have had a number in."""
        found = {one.metric: _mean(one, self.samples) for one in self.run.metrics}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def skipped(self) -> dict[str, str]:
        """Metrics that were measured nowhere, and what they need."""
        said = {name: why for log in self.samples for name, why in log.skipped.items()}
        return {name: why for name, why in said.items() if not any(name in log.scores for log in self.samples)}


def _mean(metric: Shown, samples: Sequence[SampleLog]) -> float | None:
    values = [log.scores[metric.metric] for log in samples if log.state == "done" and metric.metric in log.scores]
    if not values:
        return None
    pick = min if metric.better == "higher" else max
    bound = metric.least if metric.better == "higher" else metric.greatest
    worst = bound if abs(bound) != float("inf") else pick(values)
    values += [worst] * sum(log.lost(metric.metric) for log in samples)
    return sum(values) / len(values)


def run(
    suite: Suite | str,
    system: Any,
    *,
    folder: str | Path | None = None,
    limit: int | None = None,
    sample_ids: Sequence[str] = (),
    seeds: int | Sequence[int] = 1,
    metrics: Sequence[str] | None = None,
    set_metrics: Sequence[str] = (),
    embedder: str = "storyworld-clip",
    eyes: MindSettings | None = None,
    exclude: Mapping[str, str] | None = None,
    parallel: int = 1,
    by: By = "threads",
    retry_on_error: int = 0,
    keep: bool = False,
    stop: threading.Event | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> RunResult:
    """Runs a suite on a system: a Studio, a folder of videos, or any System.

    `seeds` are that many from 0, or these; `sample_ids` and `limit` choose samples; `set_metrics` are of all clips
    together, once all are there; `eyes` name a vision model for the validator, which judges the shots as well, apart
    from the system; `exclude` leaves samples out aloud, by id, with the reason; `retry_on_error` is how
    often a sample that crashes is tried again; `parallel` are samples at the same time, in threads or processes;
    `keep` leaves the system's own files.
    Raises BadInput for what cannot be run, ProductionBusy, StorageError, and Cancelled once `stop` is set: what is
    finished stays, and the same call goes on.
    """
    numbers = tuple(range(seeds)) if isinstance(seeds, int) else tuple(dict.fromkeys(seeds))
    if not numbers or parallel < 1 or retry_on_error < 0 or (limit is not None and limit < 1):
        raise BadInput("seeds, parallel and limit should be at least 1, and retry_on_error at least 0")
    source = suite if isinstance(suite, str) else ""
    suite = (open_suite(suite) if isinstance(suite, str) else suite).only(sample_ids, limit)
    asked = Asked(
        suite, source, system_of(system), numbers, metrics, tuple(set_metrics), embedder, dict(exclude or {}), eyes
    )
    with opened(asked, folder) as begun:
        jobs = begun.jobs(retry_on_error, keep)
        total = len(begun.header.samples) * len(numbers)
        on_progress(Progress(total - len(jobs), total, None))
        waiting = [lambda job=job: job for job in jobs]
        for number, one in enumerate(performed(waiting, parallel, by, stop or threading.Event()), 1):
            begun.place.append(one.log)
            on_progress(Progress(total - len(jobs) + number, total, one.log))
        begun.finish(keep)
        return result_of(begun.place.path)


class Asked(NamedTuple):
    """What a run is to be of."""

    suite: Suite
    source: str
    """What the suite was opened by."""
    system: System
    seeds: tuple[int, ...]
    metrics: Sequence[str] | None
    """Of clips; None has those that cost next to nothing."""
    set_metrics: tuple[str, ...]
    """Of all clips together."""
    embedder: str
    exclude: dict[str, str]
    eyes: MindSettings | None = None
    """Of a vision model that judges the shots."""


class Begun(NamedTuple):
    """A run that this process holds: a new one, or one that goes on."""

    asked: Asked
    place: RunFolder
    header: Run
    scorers: tuple[Scorer, ...]

    def jobs(self, retries: int = 0, keep: bool = False) -> list[Job]:
        """What is missing, sample by sample."""
        done, suite = self.place.logs(), self.asked.suite
        return [
            Job(sample, seed, suite.does, self.asked.system, self.scorers, self.place.path, retries, keep)
            for sample in suite.samples
            for seed in self.asked.seeds
            if Key(sample.id, seed) not in done
        ]

    def finish(self, keep: bool = False) -> None:
        """Measures all clips together, and clears up."""
        from kinograph.evals.sets import write

        write(self.place, self.asked.suite, self.header, self.asked.set_metrics, self.asked.embedder)
        if not keep:
            shutil.rmtree(self.place.path / "work", ignore_errors=True)


@contextmanager
def opened(asked: Asked, folder: str | Path | None = None) -> Iterator[Begun]:
    """Holds the folder of a run, which is begun or goes on. Raises BadInput, UnknownName, ProductionBusy, Damaged."""
    from kinograph.evals.sets import shown_of

    suite, known = asked.suite, [sample.id for sample in asked.suite.samples]
    if strangers := [id for id in asked.exclude if id not in known]:
        raise UnknownName("excluded sample", strangers[0], known[:8])
    scorers = scorers_for(suite, METRICS if asked.metrics is None else asked.metrics, asked.embedder, asked.eyes)
    shown = (*(one for scorer in scorers for one in scorer.shown), *shown_of(asked.set_metrics, suite.does))
    header = header_of(suite, asked.system, asked.seeds, shown)
    judges = {JUDGE: asked.embedder} | ({EYES: asked.eyes.models["validator"]} if asked.eyes else {})
    header = header.changed(source=asked.source, versions=header.versions | judges)
    place = RunFolder(folder or Path(RUNS) / header.id)
    if not place.begun:
        asked.system.check(suite.does)
    with place.held():
        header = agreed(place, header)
        place.mend()
        _excluded(place, header, asked.exclude, suite)
        shutil.rmtree(place.path / "work", ignore_errors=True)
        yield Begun(asked, place, header, scorers)


def system_of(given: Any) -> System:
    """A Studio, the path of a folder of videos, or a System, as a System. Raises BadInput."""
    from kinograph.evals.systems.studio import Crewed
    from kinograph.evals.systems.videos import Videos
    from kinograph.studio import Studio

    if isinstance(given, Studio):
        return Crewed.of(given)
    if isinstance(given, (str, Path)):
        return Videos(Path(given).expanduser())
    if isinstance(given, System):
        return given
    raise BadInput(f"{given!r:.80} is no system; give a Studio, a folder of videos, or something with names and make")


def result_of(folder: str | Path) -> RunResult:
    """What a run has by now. Raises BadInput or Damaged."""
    place = RunFolder(folder)
    header, logs = place.header(), place.logs()
    keys = [Key(sample, seed) for sample in header.samples for seed in header.seeds]
    return RunResult(place.path, header, tuple(logs[key] for key in keys if key in logs), sets_of(place.path))


def _excluded(place: RunFolder, header: Run, reasons: Mapping[str, str], suite: Suite) -> None:
    """Logs what is left out, in place of what was logged of it before."""
    if not reasons:
        return
    logs = place.logs()
    by_id = {sample.id: sample for sample in suite.samples}
    for id, why in reasons.items():
        for seed in header.seeds:
            logs[Key(id, seed)] = SampleLog(
                sample=id, seed=seed, state="excluded", error=why, asked=by_id[id].brief, tags=by_id[id].tags
            )
    place.rewrite(logs.values())
