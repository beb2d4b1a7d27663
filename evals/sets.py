"""Metrics of all clips of a run together, at its end: sets.json.

The clips are those in the run's folder, so that a run which goes on has the numbers of one that was not stopped. Real
clips, for Fréchet distances, are painted from the truth of samples that have one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pydantic import TypeAdapter

from kinograph import disk
from kinograph.errors import UnknownName
from kinograph.evals.folder import RunFolder
from kinograph.evals.log import Run, SampleLog, SetScore, Shown
from kinograph.evals.metrics import SET_METRICS, Gallery, SetMeasured, measure_set, sampled, set_metric
from kinograph.evals.runs import SETS
from kinograph.evals.suites import Does, Sample, ShotTruth, Suite
from kinograph.evals.targets import aimed
from kinograph.tools.metrics import Unmeasurable

if TYPE_CHECKING:
    from kinograph.tools.storyworld.world import World

MOST = 256
"""Most clips that are looked at, evenly spread over the run: they are all held in memory."""


def names() -> tuple[str, ...]:
    """All metrics of sets."""
    from kinograph.evals.metrics.of_logs import LOG_METRICS

    return (*SET_METRICS, *LOG_METRICS)


def shown_of(metrics: Sequence[str], does: Does = "film") -> tuple[Shown, ...]:
    """How these are to be read; none where no films are made. Raises UnknownName."""
    from kinograph.evals.metrics.of_logs import LOG_METRICS

    if unknown := [name for name in metrics if name not in names()]:
        raise UnknownName("metric of sets", unknown[0], names())
    found = [LOG_METRICS.get(name) or set_metric(name) for name in metrics] if does == "film" else []
    shown = [Shown(metric=one.name, better=one.better, least=one.range[0], greatest=one.range[1]) for one in found]
    return tuple(aimed(one) for one in shown)


def write(place: RunFolder, suite: Suite, header: Run, metrics: Sequence[str], embedder: str) -> tuple[SetScore, ...]:
    """Measures and writes sets.json; nothing where no such metric is asked for. Raises BadSetting and StorageError."""
    if suite.does != "film" or not metrics:
        return ()
    logs = [log for log in place.logs().values() if log.state == "done"]
    order = {sample: number for number, sample in enumerate(header.samples)}
    logs.sort(key=lambda log: (order.get(log.sample, 0), log.seed))
    found = tuple(_told(name, one) for name, one in measured(place.path, suite, logs, metrics, embedder).items())
    disk.write(place.path / SETS, TypeAdapter(tuple[SetScore, ...]).dump_json(found, indent=1))
    return found


def _told(name: str, one: SetMeasured) -> SetScore:
    return SetScore(metric=name, value=one.value, skipped=one.skipped, note=one.note)


def measured(
    folder: Path, suite: Suite, logs: Sequence[SampleLog], metrics: Sequence[str], embedder: str
) -> dict[str, SetMeasured]:
    """These metrics of what is finished, in this order."""
    from kinograph.evals.metrics.of_logs import LOG_METRICS

    found = {}
    if of_clips := [name for name in metrics if name in SET_METRICS]:
        found = measure_set(of_clips, gallery_of(folder, suite, logs, embedder))
    for name in metrics:
        if name in LOG_METRICS:
            try:
                found[name] = LOG_METRICS[name].measure(logs)
            except Unmeasurable as error:
                found[name] = SetMeasured(None, str(error))
    return {name: found[name] for name in metrics}


class Piece(NamedTuple):
    """A clip of a run, and what it should be."""

    file: Path
    words: str
    truth: ShotTruth | None
    seed: int


def gallery_of(folder: Path, suite: Suite, logs: Sequence[SampleLog], embedder: str) -> Gallery:
    """Clips by at most eight frames each, their words, and real ones of the same size and length."""
    from kinograph.evals.systems.videos import decode
    from kinograph.memory.embedders import open_embedder

    pieces = list(_pieces(folder, suite, logs))
    picks = np.unique(np.linspace(0, len(pieces) - 1, MOST).round().astype(int)) if len(pieces) > MOST else None
    pieces = pieces if picks is None else [pieces[pick] for pick in picks]
    clips, references = [], []
    for piece in pieces:
        reel = decode(piece.file)
        clips.append(sampled(reel.frames))
        if (world := world_of(piece.truth, piece.seed) if piece.truth else None) is not None:
            references.append(sampled(_true(world, reel.frames.shape, reel.fps, piece.seed)))
    return Gallery(clips, [one.words for one in pieces], references, open_embedder(embedder) if pieces else None)


def _pieces(folder: Path, suite: Suite, logs: Sequence[SampleLog]) -> Iterator[Piece]:
    from kinograph.evals.scorers.clips import words_of

    by_id: dict[str, Sample] = {sample.id: sample for sample in suite.samples}
    for log in logs:
        sample = by_id[log.sample]
        for place, shot in enumerate(log.shots):
            if shot.clip and shot.sheet:  # what the film shows a card for has no strip
                truth = sample.shots[place] if place < len(sample.shots) else None
                yield Piece(folder / shot.clip, words_of(sample, place, shot.asked), truth, 1000 * log.seed + place)


def world_of(truth: ShotTruth, seed: int) -> World | None:
    """A world of which this is true; what is left open is drawn. None where the storyworld has no such world."""
    from pydantic import ValidationError

    from kinograph.tools.storyworld.world import COLORS, MOTIONS, World

    rng = np.random.default_rng(seed)
    subjects = [
        {
            "kind": one.kind,
            "color": one.color or str(rng.choice(COLORS)),
            "motion": {None: "stays", "moves": "moves right"}.get(one.motion, one.motion or MOTIONS[0]),
        }
        for one in truth.subjects
    ]
    told = {name: value for name in ("setting", "time", "camera") if (value := getattr(truth, name)) is not None}
    try:
        return World.model_validate({"subjects": subjects} | told)
    except ValidationError:
        return None


def _true(world: World, shape: tuple[int, ...], fps: float, seed: int) -> np.ndarray:
    from kinograph.tools.storyworld.painter import paint

    frames, height, width = shape[:3]
    return paint(world, frames=frames, width=width, height=height, fps=max(1, round(fps)), seed=seed).frames
