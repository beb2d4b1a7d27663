"""A system for tests of the harness: it paints the truth of its samples, and notes each time that it is asked.

python tests/painted.py FOLDER NOTES SAMPLES SECONDS     runs it in a process that can be killed
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kinograph.errors import KinographError
from kinograph.evals.harness import RunResult, run
from kinograph.evals.log import Spent
from kinograph.evals.suites import Does, Sample, ShotTruth, SubjectTruth, Suite
from kinograph.evals.systems import Footage, Made, MadeShot
from kinograph.tools.storyworld.painter import paint
from kinograph.tools.storyworld.world import Subject, World


class Painted:
    """Paints the truth of a sample; fails as often as its wish `fails` says."""

    def __init__(self, notes: Path, seconds: float = 0.0, name: str = "painted") -> None:
        self.notes, self.seconds, self.name = notes, seconds, name

    def names(self) -> Mapping[str, str]:
        return {"system": self.name}

    def check(self, does: Does) -> None:
        """Can do anything."""

    def cancel(self) -> None:
        """Ends by itself."""

    def made(self) -> list[str]:
        """Sample and seed of each time that it was asked."""
        return self.notes.read_text().split() if self.notes.exists() else []

    def make(self, sample: Sample, seed: int, folder: Path, does: Does) -> Made:
        with self.notes.open("a") as notes:
            notes.write(f"{sample.id}@{seed}\n")
        time.sleep(self.seconds)
        if self.made().count(f"{sample.id}@{seed}") <= sample.wishes.get("fails", 0):
            raise KinographError("the paint is dry")
        if "bug" in sample.wishes:
            raise ZeroDivisionError("a bug")
        shots = tuple(painted(str(number), truth, seed) for number, truth in enumerate(sample.shots, 1))
        return Made(shots=shots, spent=Spent(renders=len(shots)), path=("paint",) * len(shots))


def painted(name: str, truth: ShotTruth, seed: int = 0, **otherwise: str) -> MadeShot:
    """A shot with exactly this truth, or with a world that is otherwise."""
    actors = tuple(
        Subject.model_validate({"kind": one.kind, "color": one.color or "red", "motion": one.motion or "stays"})
        for one in truth.subjects
    )
    plain = {"setting": truth.setting or "meadow", "time": truth.time or "day", "camera": truth.camera or "static"}
    world = World.model_validate(plain | {"subjects": actors} | otherwise)

    def draw() -> np.ndarray:
        return paint(world, frames=9, width=128, height=96, fps=8, seed=seed).frames

    return MadeShot(shot=name, asked="", footage=Footage(draw, 8.0), accepted=True)


def ball(color: str | None = "red", motion: str = "rises", who: str = "") -> SubjectTruth:
    return SubjectTruth(kind="ball", color=color, motion=motion, who=who)


def suite_of(samples: int, **wishes: object) -> Suite:
    """Samples of one shot each, all alike."""
    shot = ShotTruth(subjects=(ball(),), setting="sea", time="day")
    return Suite(
        name="small",
        samples=tuple(Sample(id=f"s{n}", brief=f"ball {n}", shots=(shot,), wishes=wishes) for n in range(samples)),
    )


def evaluated(folder: Path, notes: Path, samples: int, seconds: float) -> RunResult:
    return run(suite_of(samples), Painted(notes, seconds), folder=folder, seeds=2, metrics=())


if __name__ == "__main__":
    evaluated(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
