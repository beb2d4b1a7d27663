"""Dares: each should end in a film or in one clear error, as the sample says."""

from __future__ import annotations

from collections.abc import Mapping

from kinograph.evals.scorers import Scored, share
from kinograph.evals.suites import Sample
from kinograph.evals.systems import Made

LONGEST = 600
"""Most characters of an error that is still clear."""


class Ended:
    """What crashes is no end at all and counts as the worst."""

    shown = (
        share("ended well", "a film, or an error that one can read"),
        share("as expected", "and that of the two which the brief deserves"),
    )

    def __call__(self, sample: Sample, made: Made) -> Scored:
        end = "error" if made.error else "film"
        well = is_clear(made.error) if made.error else made.film is not None and made.film.is_file()
        return Scored({"ended well": float(well), "as expected": float(well and sample.ends in (end, "either"))})

    def beyond(self, sample: Sample) -> Mapping[str, str]:
        return {}


def is_clear(error: str) -> bool:
    """One line that can be read at a glance, and no traceback."""
    plain = error.isprintable() and len(error) <= LONGEST
    return plain and "Traceback" not in error and " object at 0x" not in error


SCORER = Ended()
