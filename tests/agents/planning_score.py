"""Scores the rules of planner, scene, motion and style against briefs whose shots a person wrote down.

Shots are matched by position, so a wrong number of shots makes every field of the unmatched ones wrong.
"subject" is the share of expected subjects that are in their shot, "nobody else" the share of planned subjects
that were expected; `null` in a case is not scored. Run as a script: `python planning_score.py FILE` prints
percentages only.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from kinograph.agents.motion import Motion
from kinograph.agents.planner import Assignment, Planner, storyboard, wishes
from kinograph.agents.scene import Scene
from kinograph.agents.style import Style
from kinograph.film import Brief, Shot, Storyboard

FIELDS = (
    "shots",
    "subject",
    "nobody else",
    "color",
    "setting",
    "time",
    "action",
    "camera",
    "seconds",
    "aspect",
    "look",
)


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


def judgements(case: dict[str, Any]) -> list[tuple[str, bool]]:
    """Every (field, right or wrong) of one case."""
    board = planned(case["brief"])
    found: list[tuple[str, bool]] = [("shots", len(board.shots) == len(case["shots"]))]
    for index, expected in enumerate(case["shots"]):
        shot = board.shots[index] if index < len(board.shots) else None
        found += _shot(board, shot, expected)
    for shot in board.shots[len(case["shots"]) :]:
        found += [("nobody else", False) for _ in shot.cast]
    asked, said = wishes(case["brief"]), case.get("film") or {}
    for field in ("seconds", "aspect", "look"):
        if said.get(field) is not None:
            found.append((field, getattr(asked, field) == said[field]))
    return found


def _shot(board: Storyboard, shot: Shot | None, expected: dict[str, Any]) -> list[tuple[str, bool]]:
    found = _subjects(board, shot, expected["subjects"])
    for field in ("setting", "time", "camera"):
        if expected[field] is not None:
            found.append((field, shot is not None and getattr(shot, field) == expected[field]))
    return found


def _subjects(board: Storyboard, shot: Shot | None, expected: list[dict[str, Any]]) -> list[tuple[str, bool]]:
    left = list(shot.cast) if shot else []
    found: list[tuple[str, bool]] = []
    for subject in expected:
        fits = [one for one in left if same_kind(board.character(one.who).kind, subject["kind"])]
        fits.sort(key=lambda one: board.character(one.who).color != subject["color"])
        match = fits[0] if fits else None
        if match:
            left.remove(match)
        found.append(("subject", match is not None))
        if subject["color"] is not None:
            found.append(("color", match is not None and board.character(match.who).color == subject["color"]))
        if subject["motion"] is not None:
            found.append(("action", match is not None and _same_motion(match.motion, subject["motion"])))
    shown = len(shot.cast) if shot else 0
    return found + [("nobody else", number >= len(left)) for number in range(shown)]


def same_kind(said: str, expected: str) -> bool:
    """A kind may name its noun alone: "keeper" is right for "lighthouse keeper"."""
    return said.split()[-1] == expected.split()[-1]


def _same_motion(said: str, expected: str) -> bool:
    return said.startswith("moves") if expected == "moves" else said == expected


def cases(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


if __name__ == "__main__":
    for field, percent in percentages(cases(Path(sys.argv[1]))).items():
        print(f"{field:12} {percent:5.1f} %")
