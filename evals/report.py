"""The report of a run, or of several side by side: one HTML file that opens offline and asks nothing of the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from kinograph import disk
from kinograph.evals import charts, exhibits, figures, statistics
from kinograph.evals.exhibits import Exhibit, System
from kinograph.evals.inlining import Inlining
from kinograph.evals.runs import LoadedRun
from kinograph.evals.statistics import Comparison
from kinograph.evals.trajectory import steps
from kinograph.gantt import UNWRITABLE

if TYPE_CHECKING:
    from jinja2 import Environment

ROOM = 24.0
"""Megabytes of clips and pictures that a report holds by default."""


def write(
    runs: Sequence[LoadedRun],
    to: Path,
    *,
    inline: float = ROOM,
    quality: str | None = None,
    most: int | None = None,
    compared: Comparison | None = None,
) -> Path:
    """Writes the report of runs, several of one suite being compared with the first, to `to`; atomically.

    `inline` megabytes of clips and pictures go into the file, the rest is linked. `quality` is the metric that is held
    against costs, by default the first that was measured. The gallery has the first `most` samples; all without it.
    Raises BadInput, UnknownName and StorageError.
    """
    to = to.expanduser()
    return disk.write(to, page(runs, to, inline=inline, quality=quality, most=most, compared=compared))


def page(
    runs: Sequence[LoadedRun],
    to: Path,
    *,
    inline: float = ROOM,
    quality: str | None = None,
    most: int | None = None,
    compared: Comparison | None = None,
) -> str:
    """The report as text, with links as seen from the file `to`. The same runs give the same text."""
    if compared is None and len(runs) > 1:
        compared = statistics.compare(*runs)
    systems = [
        exhibits.system(label, n, run) for n, (label, run) in enumerate(zip(statistics.labels(runs), runs, strict=True))
    ]
    shown = list({one.metric: one for run in runs for one in run.header.metrics}.values())
    lacking = exhibits.lacking(systems, shown)
    told = [one for one in shown if one.metric not in lacking]
    every = exhibits.exhibits(systems)
    gallery = every[:most]
    media = Inlining(inline, to)
    media.ask(_wanted(gallery))
    text = (
        _environment()
        .get_template("report.html")
        .render(
            title=_title(systems),
            style=_environment().get_template("report.css").render(),
            systems=systems,
            shared=exhibits.shared(systems),
            shown=told,
            lacking=lacking,
            compared=compared,
            notes=exhibits.notes(systems),
            figures=charts.dimensions(systems, told),
            tags=(tagged := exhibits.tags(systems, told)),
            columns=[place for place in range(len(told)) if any(row.cells[place].estimate for row in tagged)],
            spent=exhibits.spent(systems),
            frontiers=list(charts.frontiers(systems, told, quality)),
            trajectories=exhibits.trajectories(systems),
            exhibits=gallery,
            hidden=len(every) - len(gallery),
            media=media,
            inline=inline,
        )
    )
    return UNWRITABLE.sub("\ufffd", text)


def _title(systems: Sequence[System]) -> str:
    suite = systems[0].run.header.suite
    if len(systems) > 3:
        return f"{suite}: {systems[0].label} against {len(systems) - 1} others"
    return f"{suite}: {' against '.join(system.label for system in systems)}"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader(__package__ or "kinograph.evals", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["told"] = figures.told
    found.filters["steps"] = lambda log: steps(log.path, log.expected)
    return found


def _wanted(gallery: Sequence[Exhibit]) -> Iterator[tuple[Path, str]]:
    """Files of the page, what tells most for its size first: strips, films, evidence, clips of shots."""
    cards = [(card.system.run.folder, card.log) for exhibit in gallery for card in exhibit.cards]
    yield from ((folder, log.sheet) for folder, log in cards)
    yield from ((folder, log.film) for folder, log in cards)
    for part in ("sheet", "evidence", "clip"):
        for folder, log in cards:
            for shot in log.shots:
                names = getattr(shot, part)
                yield from ((folder, name) for name in ((names,) if isinstance(names, str) else names))
