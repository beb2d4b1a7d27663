"""Metrics of clips by their names, shot by shot; a sample has the mean of the shots that they could be measured in."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from kinograph.evals.log import Shown
from kinograph.evals.scorers import Scored, mean
from kinograph.evals.suites import Sample, ShotTruth
from kinograph.evals.systems import Made, MadeShot
from kinograph.tools.metrics import Beside, Embedder, Measured, measure, metric


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
            Shown(metric=one.name, better=one.better, least=one.range[0], greatest=one.range[1], note=_note(one.vbench))
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

    def _beside(self, sample: Sample, shot: MadeShot, index: int, before: np.ndarray | None) -> Beside:
        truth = sample.shots[index] if index < len(sample.shots) else None
        first = truth.subjects[0] if truth and truth.subjects else None
        return Beside(
            words=said(truth) if truth else sample.brief if len(made_of(sample)) == 1 else shot.asked,
            embedder=self._embedder,
            before=before,
            motion=first.motion or "" if first else "",
            fps=shot.footage.fps if shot.footage else 8.0,
        )


def made_of(sample: Sample) -> tuple[ShotTruth | None, ...]:
    """The shots of a sample; one where nothing is known of them."""
    return sample.shots or (None,)


def said(truth: ShotTruth) -> str:
    """A shot's truth in words, the same for every system: what a prompt was rewritten to does not count."""
    subjects = " and ".join(
        f"a {one.color + ' ' if one.color else ''}{one.kind}{' that ' + one.motion if one.motion else ''}"
        for one in truth.subjects
    )
    where = f"in the {truth.setting}" if truth.setting else ""
    return " ".join(filter(None, (subjects or "nobody", where, f"at {truth.time}" if truth.time else "")))


def _note(vbench: str) -> str:
    return f"VBench's {vbench}, over this project's embedder and at its size" if vbench else ""
