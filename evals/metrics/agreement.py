"""Krippendorff's alpha: how far judges agree beyond chance (Krippendorff, Content Analysis, 2004, chapter 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

Rating = str | float | int | bool | None
"""What a judge says of a unit; None, or NaN, where it says nothing."""


def alpha(ratings: Sequence[Sequence[Rating]], level: Literal["nominal", "interval"] = "nominal") -> float:
    """1 for perfect agreement, 0 for what chance gives, below 0 for less. A row a judge, a column a unit.

    nominal: ratings are equal or not; interval: they differ by the square of their difference. Units with fewer than
    two ratings say nothing. Raises ValueError where alpha is not defined: rows of different lengths, no unit with two
    ratings, all ratings alike, or words on an interval scale.
    """
    if len({len(row) for row in ratings}) > 1:
        raise ValueError(f"judges rated {sorted({len(row) for row in ratings})} units; each has a place for every unit")
    units = [[value for value in unit if not _missing(value)] for unit in zip(*ratings, strict=True)]
    units = [unit for unit in units if len(unit) > 1]
    if not units:
        raise ValueError("no unit has two ratings")
    values, gaps = _gaps([value for unit in units for value in unit], level)
    places = {value: place for place, value in enumerate(values)}
    counts = np.array([np.bincount([places[value] for value in unit], minlength=len(values)) for unit in units])
    # A rating is never paired with itself, but its gap to itself is 0: nothing has to be taken out of the sums.
    observed = (np.einsum("uc,cd,ud->u", counts, gaps, counts) / (counts.sum(1) - 1)).sum()
    overall = counts.sum(0)
    expected = float(overall @ gaps @ overall) / (overall.sum() - 1)
    if expected == 0:
        raise ValueError("all ratings are alike: agreement beyond chance is not defined")
    return 1.0 - float(observed) / expected


def _missing(value: Rating) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _gaps(ratings: Sequence[Rating], level: str) -> tuple[list[Rating], np.ndarray]:
    """The different values, and how far each is from each other."""
    values = list(dict.fromkeys(ratings))
    if level == "nominal":
        return values, 1.0 - np.eye(len(values))
    if words := [value for value in values if isinstance(value, str)]:
        raise ValueError(f"{words[0]!r} is no number; words are rated on a nominal scale")
    numbers = np.array(values, float)
    return values, (numbers[:, None] - numbers) ** 2
