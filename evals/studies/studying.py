"""Runs a study: every arm on each sample and seed before the next one, so that whatever is there by now is paired.

STUDY/arms/ARM is an ordinary run; STUDY/vault has every clip once, for all arms that end renders early and for all that
do not; STUDY/report.html compares the arms with the first, and STUDY/study.json has the numbers.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from kinograph import disk
from kinograph.errors import BadInput, Cancelled
from kinograph.evals.folder import Key
from kinograph.evals.harness import Asked, Begun, opened
from kinograph.evals.log import SampleLog
from kinograph.evals.performing import By, performed
from kinograph.evals.sampling import Job
from kinograph.evals.studies import Arm, StudyPlan
from kinograph.evals.suites import Suite, open_suite
from kinograph.evals.systems.studio import Crewed
from kinograph.film import digest_of
from kinograph.settings import Settings

REPORT, NUMBERS = "report.html", "study.json"


class Step(NamedTuple):
    """How far a study is: heard after every film of an arm."""

    done: int
    of: int
    arm: str
    log: SampleLog | None
    """What just finished; None at the beginning."""


def study(
    plan: StudyPlan,
    folder: Path,
    *,
    parallel: int = 1,
    by: By = "threads",
    retry_on_error: int = 0,
    stop: threading.Event | None = None,
    gallery: int = 6,
    inline: float = 8.0,
    on_progress: Callable[[Step], None] = lambda _: None,
) -> Path:
    """Runs what is missing and writes the report and the numbers; returns the folder.

    The report's gallery has `gallery` samples, and `inline` megabytes of clips and pictures are in it.
    Raises BadInput, UnknownName, ProductionBusy, StorageError, and Cancelled once `stop` is set: the same call goes on,
    and the report is of what is there until then.
    """
    if parallel < 1 or retry_on_error < 0:
        raise BadInput("parallel should be at least 1, and retry_on_error at least 0")
    folder = folder.expanduser().absolute()
    suite = open_suite(plan.suite).only((), plan.limit)
    with ExitStack() as held:
        arms = {
            arm.name: held.enter_context(opened(_asked(plan, suite, arm, folder), _place(folder, arm)))
            for arm in plan.arms
        }
        films = _Films(plan, arms, retry_on_error)
        total = len(suite.samples) * plan.seeds * len(arms)
        waiting = list(films.waiting())
        on_progress(Step(total - len(waiting), total, "", None))
        try:
            for number, one in enumerate(performed(waiting, parallel, by, stop or threading.Event()), 1):
                arm = films.took(one.job, one.log)
                on_progress(Step(total - len(waiting) + number, total, arm, one.log))
        except Cancelled:
            if films.begun:
                write(plan, folder, gallery, inline)
            raise
        for begun in arms.values():
            begun.finish()
    write(plan, folder, gallery, inline)
    return folder


class _Films:
    """Which films there are, and which may be made next."""

    def __init__(self, plan: StudyPlan, arms: dict[str, Begun], retries: int) -> None:
        self._plan, self._arms, self._retries = plan, arms, retries
        self._logs = {name: begun.place.logs() for name, begun in arms.items()}

    @property
    def begun(self) -> bool:
        """Whether each arm has a film."""
        return all(self._logs.values())

    def waiting(self) -> Iterator[Callable[[], Job | None]]:
        """What is missing: seed by seed, sample by sample, arm by arm."""
        jobs = {
            name: {Key(job.sample.id, job.seed): job for job in begun.jobs(self._retries)}
            for name, begun in self._arms.items()
        }
        first = next(iter(self._arms.values()))
        for seed in first.asked.seeds:
            for sample in first.asked.suite.samples:
                for arm in self._plan.arms:
                    key = Key(sample.id, seed)
                    if key in jobs[arm.name]:
                        yield lambda arm=arm, key=key, job=jobs[arm.name][key]: self._ready(arm, key, job)

    def _ready(self, arm: Arm, key: Key, job: Job) -> Job | None:
        """The job, once the arms before it have made this film: so none renders what another is at."""
        before = [one.name for one in self._plan.arms][: [one.name for one in self._plan.arms].index(arm.name)]
        if any(key not in self._logs[name] for name in before):
            return None
        if arm.budget_of is None:
            return job
        assert isinstance(job.system, Crewed), "arms are crews"
        return job._replace(system=job.system.limited(budget(self._logs[arm.budget_of][key])))

    def took(self, job: Job, log: SampleLog) -> str:
        """Writes down what came of a job, and says whose it was."""
        name = next(name for name, begun in self._arms.items() if begun.place.path == job.folder)
        self._arms[name].place.append(log)
        self._logs[name][Key(log.sample, log.seed)] = log
        return name


def budget(log: SampleLog) -> int:
    """Takes that equal what a film cost. Part of one, where a render was stopped, is given whole as often as it is
    large: over many films as many takes are given as were spent. The same film is given the same."""
    spent = log.spent.generated() + 1e-6
    whole, part = int(spent), spent % 1
    return max(1, whole + (int(digest_of(f"{log.sample} {log.seed}".encode())[:8], 16) / 2**32 < part))


def _place(folder: Path, arm: Arm) -> Path:
    return folder / "arms" / arm.name.replace(" ", "-")


def _asked(plan: StudyPlan, suite: Suite, arm: Arm, folder: Path) -> Asked:
    """The run of an arm. Where renders are ended early a clip that is there already would not be: such arms share a
    vault of their own."""
    settings = Settings.load(**plan.settings_of(arm))
    vault = folder / "vault" / ("whole" if settings.early_stop is False else "stopped early")
    named = {"arm": arm.name} | ({"budget_of": arm.budget_of} if arm.budget_of else {})
    system = Crewed(settings.model_copy(update={"vault": str(vault)}), plan.wishes, named=named)
    return Asked(suite, plan.suite, system, tuple(range(plan.seeds)), plan.metrics, plan.set_metrics, plan.embedder, {})


def write(plan: StudyPlan, folder: Path, gallery: int = 6, inline: float = 8.0) -> None:
    """Writes report and numbers of what is there by now. Raises BadInput, Damaged and StorageError."""
    from kinograph.evals import report, statistics
    from kinograph.evals.runs import load

    runs = [load(_place(folder, arm)) for arm in plan.arms]
    compared = statistics.compare(*runs, metrics=plan.primary) if len(runs) > 1 else None
    quality = plan.primary[0] if plan.primary else None
    report.write(runs, folder / REPORT, inline=inline, quality=quality, most=gallery, compared=compared)
    arms = [_numbers(arm, run) for arm, run in zip(plan.arms, runs, strict=True)]
    told: dict[str, Any] = {"study": plan.name, "about": plan.about, "suite": plan.suite}
    told |= {"suite_digest": runs[0].header.suite_digest, "versions": runs[0].header.versions, "arms": arms}
    told["compared"] = compared.model_dump(mode="json") if compared else None
    disk.write(folder / NUMBERS, json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def _numbers(arm: Arm, run: Any) -> dict[str, Any]:
    from kinograph.evals import statistics

    logs: Sequence[SampleLog] = run.samples
    means = {one.shown.metric: one.estimate for one in statistics.means(run)}
    return {
        "name": arm.name,
        "about": arm.about,
        "system": run.header.system,
        "films": len(logs),
        "crashed": len(run.those("crashed")),
        "generator calls": round(sum(log.spent.generated() for log in logs), 3),
        "renders": round(sum(log.spent.renders for log in logs), 3),
        "means": {name: one.model_dump(mode="json") if one else None for name, one in means.items()},
        "costs": {name: one.model_dump(mode="json") for name, one in statistics.costs(run).items()},
    }
