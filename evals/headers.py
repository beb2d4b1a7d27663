"""The header of a run: what is run and with which versions; a run goes on only as what it was begun as."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import secrets
from datetime import UTC, datetime
from typing import Any

from kinograph.errors import BadInput
from kinograph.evals.folder import RunFolder
from kinograph.evals.log import Run, Shown
from kinograph.evals.suites import Suite
from kinograph.evals.systems import System

PACKAGES = ("kinograph", "numpy", "torch", "diffusers", "transformers", "langgraph", "chromadb", "av", "opencv-python")
JUDGE = "judging embedder"
"""Name, among the versions, of the embedder that the scorers look with."""
EYES = "judging eyes"
"""Name, among the versions, of the vision model that judges the shots."""


def header_of(suite: Suite, system: System, seeds: tuple[int, ...], metrics: tuple[Shown, ...]) -> Run:
    began = datetime.now(UTC)
    return Run(
        id=f"{suite.name}-{began:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        suite=suite.name,
        suite_digest=suite.digest,
        system=dict(system.names()),
        seeds=seeds,
        metrics=metrics,
        began=began.isoformat(timespec="seconds"),
        versions=versions(),
        samples=tuple(sample.id for sample in suite.samples),
    )


def versions() -> dict[str, str]:
    """Of Python, the machine, and the packages that pixels and scores depend on."""
    found = {"python": platform.python_version(), "machine": f"{platform.machine()}, {os.cpu_count()} cores"}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def agreed(place: RunFolder, header: Run) -> Run:
    """The header of the run that goes on, or, written, of a new one. Raises BadInput where they are not the same."""
    if not place.begun:
        place.begin(header)
        return header
    before = place.header()
    for what in ("suite", "suite_digest", "seeds", "system", "metrics"):
        was, now = getattr(before, what), getattr(header, what)
        if was != now:
            raise BadInput(f"{str(place.path)!r} holds a run of another {what}: {_told(was)}, not {_told(now)}")
    return before


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={one}" for key, one in value.items() if one)
    if isinstance(value, tuple):
        return ", ".join(one.metric if isinstance(one, Shown) else str(one) for one in value)
    return repr(value)
