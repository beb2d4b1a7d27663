"""What a vision model says of the shots, by itself: one more judge beside the system's validator and the truth.

It judges for the evaluation, as the judging embedder does, and is no part of the system: what it costs is logged apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from kinograph.agents.language.mind import LanguageMind
from kinograph.evals.eyewitness import Exhibit, testify
from kinograph.evals.scorers import Scored, mean, share
from kinograph.evals.suites import Sample, ShotTruth, SubjectTruth
from kinograph.evals.systems import Made, MadeShot
from kinograph.film import Shot, Storyboard
from kinograph.settings import MindSettings, Settings

RIGHT, ATTRIBUTES = "eyes right", "eyes attributes"


class Eyes:
    """The model that `settings.models` names for the validator; each sample has the settings' budgets for itself."""

    shown = (
        share(RIGHT, "shots that a vision model calls right, of those that it is sure about"),
        share(ATTRIBUTES, "what a shot was asked for that a vision model calls right, of what it is sure about"),
    )

    def __init__(self, settings: MindSettings) -> None:
        self.settings = settings

    def __getstate__(self) -> dict[str, Any]:
        return {"settings": self.settings}

    @cached_property
    def _mind(self) -> LanguageMind:
        from kinograph.agents.language import open_mind

        mind = open_mind(self.settings, Settings.load().home)
        assert isinstance(mind, LanguageMind), "settings of eyes name a model"
        return mind

    def __call__(self, sample: Sample, made: Made) -> Scored:
        from kinograph.agents.language.accounts import Accounts

        seen = [(shot, truth) for index, shot in enumerate(made.shots) if (truth := asked_of(sample, made, index))]
        exhibits = [Exhibit(truth, one.frames, one.fps) for shot, truth in seen if (one := shot.footage) is not None]
        if not exhibits:
            return self._skipped("needs a clip, and to know what it should show")
        mind = self._mind.anew(Accounts(self._mind.name, self.settings.budgets, self.settings.prices))
        said = testify(mind, exhibits)
        usage = mind.accounts.usage
        tokens = usage.prompt_tokens + usage.completion_tokens
        if said.silent:
            return self._skipped(f"needs a vision model that answers: {said.silent}")._replace(tokens=tokens)
        names = [shot.shot for shot, _ in seen if shot.footage is not None]
        found = {
            name: {
                metric: float(value)
                for metric, value in ((RIGHT, one.right), (ATTRIBUTES, one.attributes))
                if value is not None
            }
            for name, one in zip(names, said.sightings, strict=True)
        }
        measured = {name: [one[name] for one in found.values() if name in one] for name in (RIGHT, ATTRIBUTES)}
        unsure = {name: "needs a shot that the vision model is sure about" for name in measured if not measured[name]}
        return Scored({name: mean(each) for name, each in measured.items() if each}, found, unsure, tokens)

    def beyond(self, sample: Sample) -> Mapping[str, str]:
        return {}

    def _skipped(self, why: str) -> Scored:
        return Scored(skipped={one.metric: why for one in self.shown})


def asked_of(sample: Sample, made: Made, index: int) -> ShotTruth | None:
    """What a shot should show: the sample's truth or, where it has none, the system's own storyboard."""
    if sample.shots:
        return sample.shots[index] if index < len(sample.shots) else None
    board = made.boards[-1] if made.boards else None
    return None if board is None else _planned(board, made.shots[index])


def _planned(board: Storyboard, shot: MadeShot) -> ShotTruth:
    found: Shot = board.shot(shot.shot)
    cast = [(board.character(one.who), one.motion) for one in found.cast]
    subjects = tuple(SubjectTruth(kind=who.kind, color=who.color, motion=motion) for who, motion in cast)
    return ShotTruth(subjects=subjects, setting=found.setting or None, time=found.time, camera=found.camera)
