"""One sample with one seed: the system makes it, the scorers judge it, and a line for the log comes of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kinograph import disk
from kinograph.errors import Cancelled, KinographError, told
from kinograph.evals.folder import Key, RunFolder
from kinograph.evals.log import SampleLog, ShotLog
from kinograph.evals.scorers import Scorer
from kinograph.evals.suites import Does, Sample
from kinograph.evals.systems import Made, MadeShot, System

STRIP, TALL = 6, 96
"""Frames of a shot's strip, and its height in pixels."""


class Job(NamedTuple):
    """What is to be run once."""

    sample: Sample
    seed: int
    does: Does
    system: System
    scorers: tuple[Scorer, ...]
    folder: Path
    """Of the run."""
    retries: int = 0
    keep: bool = False
    """Leave what the system worked with."""


def perform(job: Job) -> SampleLog:
    """Runs one job. A system that fails is a sample that crashed; a scorer that does is an error of the evaluation.

    Raises Cancelled, StorageError, and whatever a scorer raises that is not about what the system made.
    """
    folder, key = RunFolder(job.folder), Key(job.sample.id, job.seed)
    work, media = folder.work(key), folder.media(key)
    plain = SampleLog(
        sample=key.sample, seed=key.seed, state="crashed", asked=job.sample.brief[:20_000], tags=job.sample.tags
    )
    for attempt in range(job.retries + 1):
        for place in (work, media):
            shutil.rmtree(place, ignore_errors=True)
        disk.folder(work)
        began = time.monotonic()
        try:
            made = job.system.make(job.sample, job.seed, work, job.does)
        except Cancelled:
            raise
        except Exception as error:  # whatever a system raises is its failure, and counts against it
            failed = _crashed(job, plain, error).changed(spent=plain.spent.changed(seconds=_since(began)))
            if attempt == job.retries:
                return _left(job, work, failed)
            continue
        try:
            return _left(job, work, _judged(job, made, plain, media))
        except KinographError as error:  # what it made cannot be read
            return _left(job, work, _crashed(job, plain, error).changed(spent=made.spent))
    raise AssertionError("the last attempt returns")


def _crashed(job: Job, plain: SampleLog, error: Exception) -> SampleLog:
    """The failure, with what it costs nothing in."""
    beyond = {name: why for scorer in job.scorers for name, why in scorer.beyond(job.sample).items()}
    return plain.changed(error=told(error), skipped=beyond)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)


def _left(job: Job, work: Path, log: SampleLog) -> SampleLog:
    if not job.keep:
        shutil.rmtree(work, ignore_errors=True)
    return log


def _judged(job: Job, made: Made, plain: SampleLog, media: Path) -> SampleLog:
    began = time.monotonic()
    scores: dict[str, float] = {}
    skipped: dict[str, str] = {}
    tokens = 0
    by_shot: dict[str, dict[str, float]] = {shot.shot: {} for shot in made.shots}
    for scorer in job.scorers:
        found = scorer(job.sample, made)
        scores |= found.scores
        skipped |= found.skipped
        tokens += found.tokens
        for shot, values in found.shots.items():
            by_shot[shot] |= values
    judging = _since(began)
    return plain.changed(
        state="done",
        scores=scores,
        skipped=skipped,
        shots=_shots(made.shots, by_shot, media, job.folder),
        spent=made.spent.changed(judging=judging, judging_tokens=tokens),
        path=made.path,
        expected=made.expected,
        film=_kept(made.film, media / "film", job.folder),
        sheet=_kept(made.sheet, media / "sheet", job.folder),
        error=made.error,
    )


def _shots(
    shots: Sequence[MadeShot], scores: Mapping[str, Mapping[str, float]], media: Path, run: Path
) -> tuple[ShotLog, ...]:
    return tuple(
        ShotLog(
            shot=shot.shot,
            asked=shot.asked[:2000],
            accepted=bool(shot.accepted),
            takes=shot.takes,
            scores=dict(scores[shot.shot]),
            findings=shot.findings,
            clip=_kept(shot.clip, media / f"shot-{number}", run),
            sheet=_strip(shot, media / f"shot-{number}.png", run),
            evidence=_evidence(shot, media, number, run),
        )
        for number, shot in enumerate(shots, 1)
    )


def _evidence(shot: MadeShot, media: Path, number: int, run: Path) -> tuple[str, ...]:
    kept = [_kept(file, media / f"shot-{number}-evidence-{place}", run) for place, file in enumerate(shot.evidence, 1)]
    return tuple(filter(None, kept))


def _kept(file: Path | None, to: Path, run: Path) -> str:
    """Copies a file beside the log and names it from there; "" for one that is not."""
    if file is None or not file.is_file():
        return ""
    target = to.with_name(to.name + file.suffix)
    disk.folder(target.parent)
    with disk.storage(target):
        shutil.copyfile(file, target)
    return target.relative_to(run).as_posix()


def _strip(shot: MadeShot, to: Path, run: Path) -> str:
    """Draws frames of a shot, evenly spaced, side by side."""
    from PIL import Image

    from kinograph.tools.footage import png

    if shot.footage is None:
        return ""
    frames = shot.footage.frames
    picks = np.unique(np.linspace(0, len(frames) - 1, STRIP).round().astype(int))
    wide = max(1, round(TALL * frames.shape[2] / frames.shape[1]))
    pictures = [np.asarray(Image.fromarray(frames[i]).resize((wide, TALL))) for i in picks]
    disk.write(to, png(np.concatenate(pictures, axis=1)))
    return to.relative_to(run).as_posix()
