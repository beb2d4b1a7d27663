"""The harness: runs a suite on a system, each sample with each seed once, and logs what came of it.

    result = run("storyworld-story", Studio(model="storyworld-render"), folder="chain", seeds=3)
    result.means["identity"], result.crashed

A folder that holds a run goes on with it: only what is missing is run. A kill costs the samples at hand, no others.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import secrets
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal, NamedTuple

from kinograph.errors import BadInput, Cancelled, UnknownName
from kinograph.evals.folder import Key, RunFolder
from kinograph.evals.log import Run, SampleLog, Shown
from kinograph.evals.sampling import Job, perform
from kinograph.evals.scorers import scorers_for
from kinograph.evals.suites import Suite, open_suite
from kinograph.evals.systems import System

METRICS = ("temporal coherence",)
"""Metrics of clips where none are named: those that cost next to nothing."""
PACKAGES = ("kinograph", "numpy", "torch", "diffusers", "transformers", "langgraph", "chromadb", "av", "opencv-python")
RUNS = "runs"
"""Folder that new runs are put in when none is named."""
JUDGE = "judging embedder"
POLL = 0.2
"""Seconds between looks at whether it was asked to stop."""


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

    @property
    def crashed(self) -> tuple[SampleLog, ...]:
        return tuple(log for log in self.samples if log.state == "crashed")

    @property
    def means(self) -> dict[str, float]:
        """Mean of each metric that was measured in any sample. What was skipped or excluded does not count; a sample
        that crashed has the worst value there is or, where that is without end, the worst that was measured."""
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
    values += [worst] * sum(log.state == "crashed" for log in samples)
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
    embedder: str = "storyworld-clip",
    exclude: Mapping[str, str] | None = None,
    parallel: int = 1,
    by: Literal["threads", "processes"] = "threads",
    retry_on_error: int = 0,
    keep: bool = False,
    stop: threading.Event | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> RunResult:
    """Runs a suite on a system: a Studio, a folder of videos, or any System.

    `seeds` are that many from 0, or these; `sample_ids` and `limit` choose samples; `exclude` leaves samples out
    aloud, by id, with the reason; `retry_on_error` is how often a sample that crashes is tried again; `parallel` are
    samples at the same time, in threads or processes; `keep` leaves the system's own files.
    Raises BadInput for what cannot be run, ProductionBusy, StorageError, and Cancelled once `stop` is set: what is
    finished stays, and the same call goes on.
    """
    source = suite if isinstance(suite, str) else ""
    suite = (open_suite(suite) if isinstance(suite, str) else suite).only(sample_ids, limit)
    system = system_of(system)
    numbers = tuple(range(seeds)) if isinstance(seeds, int) else tuple(dict.fromkeys(seeds))
    if not numbers or parallel < 1 or retry_on_error < 0 or (limit is not None and limit < 1):
        raise BadInput("seeds, parallel and limit should be at least 1, and retry_on_error at least 0")
    known = [sample.id for sample in suite.samples]
    if strangers := [id for id in exclude or {} if id not in known]:
        raise UnknownName("excluded sample", strangers[0], known[:8])
    scorers = scorers_for(suite, METRICS if metrics is None else metrics, embedder)
    header = header_of(suite, system, numbers, tuple(one for scorer in scorers for one in scorer.shown))
    header = header.changed(source=source, versions=header.versions | {JUDGE: embedder})
    place = RunFolder(folder or Path(RUNS) / header.id)
    if not place.begun:
        system.check(suite.does)
    with place.held():
        header = _agreed(place, header)
        place.mend()
        _excluded(place, header, exclude or {}, suite)
        done = place.logs()
        shutil.rmtree(place.path / "work", ignore_errors=True)
        jobs = [
            Job(sample, seed, suite.does, system, scorers, place.path, retry_on_error, keep)
            for sample in suite.samples
            for seed in numbers
            if Key(sample.id, seed) not in done
        ]
        total = len(known) * len(numbers)
        on_progress(Progress(total - len(jobs), total, None))
        for number, log in enumerate(_performed(jobs, system, parallel, by, stop or threading.Event()), 1):
            place.append(log)
            on_progress(Progress(total - len(jobs) + number, total, log))
        if not keep:
            shutil.rmtree(place.path / "work", ignore_errors=True)
        return result_of(place.path)


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
    return RunResult(place.path, header, tuple(logs[key] for key in keys if key in logs))


def header_of(suite: Suite, system: System, seeds: tuple[int, ...], metrics: tuple[Shown, ...]) -> Run:
    began = datetime.now(UTC)
    return Run(
        id=f"{suite.name}-{began:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        suite=suite.name,
        suite_digest=suite.digest,
        system=dict(system.names()),
        seeds=seeds,
        metrics=metrics,
        began=began.isoformat(timespec="seconds"),
        versions=versions(),
        samples=tuple(sample.id for sample in suite.samples),
    )


def versions() -> dict[str, str]:
    """Of Python, the machine, and the packages that pixels and scores depend on."""
    found = {"python": platform.python_version(), "machine": f"{platform.machine()}, {os.cpu_count()} cores"}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _agreed(place: RunFolder, header: Run) -> Run:
    """The header of the run that goes on, or, written, of a new one. Raises BadInput where they are not the same."""
    if not place.begun:
        place.begin(header)
        return header
    before = place.header()
    for what in ("suite", "suite_digest", "seeds", "system", "metrics"):
        was, now = getattr(before, what), getattr(header, what)
        if was != now:
            raise BadInput(f"{str(place.path)!r} holds a run of another {what}: {_told(was)}, not {_told(now)}")
    return before


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={one}" for key, one in value.items() if one)
    if isinstance(value, tuple):
        return ", ".join(one.metric if isinstance(one, Shown) else str(one) for one in value)
    return repr(value)


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


# ----------------------------------------------------------------------------------- samples in parallel


def _performed(
    jobs: Sequence[Job], system: System, parallel: int, by: str, stop: threading.Event
) -> Iterator[SampleLog]:
    """Logs as they finish. What runs when it is stopped ends by itself or is not logged; raises Cancelled then."""
    if not jobs:
        return
    waiting, running = list(reversed(jobs)), set[Future[SampleLog]]()
    with _hands(parallel, by) as hands:
        try:
            while waiting or running:
                while waiting and len(running) < parallel and not stop.is_set():
                    running.add(hands.submit(perform, waiting.pop()))
                if stop.is_set():
                    waiting.clear()
                    system.cancel()
                finished, running = wait(running, timeout=POLL, return_when=FIRST_COMPLETED)
                for one in finished:
                    if not (stop.is_set() and isinstance(one.exception(), Cancelled)):
                        yield one.result()
        except BaseException:
            system.cancel()
            raise
    if stop.is_set():
        raise Cancelled("stopped; what is finished stays, and the same run goes on with what is missing")


@contextmanager
def _hands(parallel: int, by: str) -> Iterator[Executor]:
    """Threads, or processes that die with this one and leave Ctrl-C to it."""
    if by == "threads":
        with ThreadPoolExecutor(parallel, thread_name_prefix="sample") as threads:
            yield threads
        return
    if by != "processes":
        raise BadInput(f"samples run by threads or processes, not by {by!r}")
    with ProcessPoolExecutor(
        parallel, mp_context=get_context("spawn"), initializer=_begin_process, initargs=(os.getpid(),)
    ) as processes:
        yield processes


def _begin_process(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: int) -> None:
    """Ends this process once its parent is gone, however that went."""
    while os.getppid() == parent:
        threading.Event().wait(0.5)
    os._exit(1)
