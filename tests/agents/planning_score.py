"""Scores the rules of planner, scene, motion and style against briefs whose shots a person wrote down.

The fields are those of `kinograph.evals.scorers.planned`. Run as a script: `python planning_score.py FILE` prints
percentages only.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from kinograph.agents.motion import Motion
from kinograph.agents.outline import Assignment
from kinograph.agents.planner import Planner
from kinograph.agents.scene import Scene
from kinograph.agents.storyboarding import storyboard
from kinograph.agents.style import Style
from kinograph.evals.scorers.planned import FIELDS, Judgement
from kinograph.evals.scorers.planned import judgements as planned_fields
from kinograph.evals.suites import Sample
from kinograph.film import Brief, Storyboard


def planned(text: str) -> Storyboard:
    """What the rules make of a brief."""
    outline = Planner().rules(Assignment(brief=Brief.model_validate({"text": text})))
    return storyboard(
        outline,
        Scene().rules(outline),
        Motion().rules(outline),
        Style().rules(outline),
        outline.wishes.seconds,
    )


def percentages(cases: list[dict[str, Any]]) -> dict[str, float]:
    """Percent right per field over all cases, and their "total"."""
    right, asked = Counter[str](), Counter[str]()
    for case in cases:
        for field, good in judgements(case):
            asked[field] += 1
            right[field] += good
    scores = {field: 100 * right[field] / asked[field] for field in FIELDS if asked[field]}
    return scores | {"total": 100 * right.total() / asked.total()}


def judgements(case: dict[str, Any]) -> list[Judgement]:
    """Every field of one case."""
    return planned_fields(planned(case["brief"]), Sample.model_validate(case))


def cases(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


if __name__ == "__main__":
    for field, percent in percentages(cases(Path(sys.argv[1]))).items():
        print(f"{field:12} {percent:5.1f} %")
