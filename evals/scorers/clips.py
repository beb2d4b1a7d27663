"""Metrics of clips by their names, shot by shot; a sample has the mean of the shots that they could be measured in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kinograph.evals.log import Shown
from kinograph.evals.scorers import Scored, mean
from kinograph.evals.suites import Sample, ShotTruth
from kinograph.evals.systems import Made, MadeShot
from kinograph.evals.targets import aimed
from kinograph.tools.metrics import Beside, Embedder, Measured, Metric, Need, measure, metric


class Clips:
    """Some of `kinograph.tools.metrics.METRICS`, with one embedder for those that need one. Raises UnknownName."""

    def __init__(self, metrics: tuple[str, ...], embedder: str) -> None:
        self.metrics = tuple(dict.fromkeys(metrics))
        self._embedder_name = embedder
        self._all = {name: metric(name) for name in self.metrics}

    def __getstate__(self) -> dict[str, Any]:
        return {"metrics": self.metrics, "_embedder_name": self._embedder_name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["metrics"], state["_embedder_name"])

    @property
    def shown(self) -> tuple[Shown, ...]:
        return tuple(
            aimed(Shown(metric=one.name, better=one.better, least=one.range[0], greatest=one.range[1], note=_note(one)))
            for one in self._all.values()
        )

    @cached_property
    def _embedder(self) -> Embedder | None:
        from kinograph.memory.embedders import open_embedder

        if any({"embedder", "reader"} & set(one.needs) for one in self._all.values()):
            return open_embedder(self._embedder_name)
        return None

    def __call__(self, sample: Sample, made: Made) -> Scored:
        by_shot: dict[str, dict[str, Measured]] = {}
        before: np.ndarray | None = None
        for index, shot in enumerate(made.shots):
            if shot.footage is not None:
                beside = self._beside(sample, shot, index, before)
                by_shot[shot.shot] = measure(self.metrics, shot.footage.frames, beside)
                before = shot.footage.frames
        scores, skipped = {}, {}
        for name in self.metrics:
            found = [one[name] for one in by_shot.values()]
            if values := [one.value for one in found if one.value is not None]:
                scores[name] = mean(values)
            else:
                skipped[name] = found[0].skipped if found else "needs a clip"
        shots = {
            shot: {name: round(one.value, 6) for name, one in found.items() if one.value is not None}
            for shot, found in by_shot.items()
        }
        return Scored(scores, shots, skipped)

    def beyond(self, sample: Sample) -> Mapping[str, str]:
        """Metrics whose needs the sample can never meet."""
        lacks = {need for need, there in _needs(sample).items() if not there}
        return {
            name: f"needs {' and '.join(need for need in one.needs if need in lacks)}"
            for name, one in self._all.items()
            if lacks & set(one.needs)
        }

    def _beside(self, sample: Sample, shot: MadeShot, index: int, before: np.ndarray | None) -> Beside:
        truth = sample.shots[index] if index < len(sample.shots) else None
        first = truth.subjects[0] if truth and truth.subjects else None
        return Beside(
            words=words_of(sample, index, shot.asked),
            embedder=self._embedder,
            reference=_read(Path(sample.clips[index])) if index < len(sample.clips) else None,
            cast=_pictures(sample, shot),
            before=before,
            motion=(first and first.motion) or "",
            fps=shot.footage.fps if shot.footage else 8.0,
        )


def _needs(sample: Sample) -> dict[Need, bool]:
    """What of a shot's surroundings a film of the sample could have; without truth it may have any number of shots."""
    met = [one.who for shot in sample.shots for one in shot.subjects if one.who]
    return {
        "reference": bool(sample.clips),
        "cast": bool(sample.references) or not sample.shots or len(set(met)) < len(met),
        "before": len(sample.shots) != 1,
        "motion": any(shot.subjects and shot.subjects[0].motion for shot in sample.shots),
        "faces": False,
    }


def words_of(sample: Sample, index: int, asked: str) -> str:
    """What a shot should show: its truth in words, the brief where no truth is known, else what was asked of it."""
    if index < len(sample.shots):
        return said(sample.shots[index])
    return asked if sample.shots else sample.brief


def _pictures(sample: Sample, shot: MadeShot) -> dict[str, list[np.ndarray]]:
    """Who should be in a shot: the sample's own pictures, else those that its film remembers out of other shots."""
    given = {Path(file).stem: (Path(file),) for file in sample.references} or shot.cast
    return {who: [_read(file)[0] for file in files] for who, files in given.items()}


def _read(file: Path) -> np.ndarray:
    from kinograph.tools.videos import read_video

    return read_video(file.expanduser()).frames


def said(truth: ShotTruth) -> str:
    """A shot's truth in words, the same for every system: what a prompt was rewritten to does not count."""
    subjects = " and ".join(
        f"a {one.color + ' ' if one.color else ''}{one.kind}{' that ' + one.motion if one.motion else ''}"
        for one in truth.subjects
    )
    where = f"in the {truth.setting}" if truth.setting else ""
    return " ".join(filter(None, (subjects or "nobody", where, f"at {truth.time}" if truth.time else "")))


def _note(one: Metric) -> str:
    vbench = f"VBench's {one.vbench}, over this project's embedder and at its size" if one.vbench else ""
    return "; ".join(filter(None, (vbench, one.note)))
