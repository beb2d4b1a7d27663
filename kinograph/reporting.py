"""What the command line says of eval runs: kinograph eval report | compare | export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinograph.errors import BadInput
from kinograph.output import Json, put

if TYPE_CHECKING:
    from rich.console import RenderableType

    from kinograph.evals.statistics import Comparison, Difference

Folder = Annotated[Path, typer.Argument(help="Folder of an eval run.")]
Inline = Annotated[float, typer.Option(help="Megabytes of clips and pictures inside of the file.", min=0)]
Quality = Annotated[str | None, typer.Option(help="Metric that is held against costs; the first one without it.")]

Gallery = Annotated[int | None, typer.Option(help="Only so many samples in the gallery; all without it.", min=0)]


def attach(to: typer.Typer) -> None:
    """Adds the commands to a command-line application."""
    for command in (report, compare, export):
        to.command(epilog="Exit status: 0 done, 2 bad input, 4 disk full or not writable, 5 damaged file.")(command)


def report(
    folder: Folder,
    out: Annotated[Path | None, typer.Option(help="The file; report.html in the folder without it.")] = None,
    inline: Inline = 24.0,
    gallery: Gallery = None,
    quality: Quality = None,
) -> None:
    """Write the report of an eval run: one HTML file that opens offline. Prints where it is."""
    from kinograph.evals import report as reports
    from kinograph.evals.runs import load

    to = out or folder / "report.html"
    print(reports.write([load(folder)], to, inline=inline, quality=quality, most=gallery))


def compare(
    first: Folder,
    others: Annotated[list[Path], typer.Argument(help="Folders of runs that are compared with the first.")],
    metric: Annotated[list[str] | None, typer.Option(help="Only this metric; may be repeated.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report of the comparison there.")] = None,
    inline: Inline = 24.0,
    gallery: Gallery = None,
    quality: Quality = None,
    as_json: Json = False,
) -> None:
    """Compare eval runs of one suite with the first: pairs of the same sample and seed, with 95 % intervals."""
    from kinograph.evals import report as reports
    from kinograph.evals import statistics
    from kinograph.evals.runs import load

    if len({folder.resolve() for folder in (first, *others)}) <= len(others):
        raise BadInput("a run cannot be compared with itself; name folders of different runs")
    runs = [load(folder) for folder in (first, *others)]
    compared = statistics.compare(*runs, metrics=tuple(metric or ()))
    if html is not None:
        reports.write(runs, html, inline=inline, quality=quality, most=gallery, compared=compared)
    put(compared.model_dump(mode="json") if as_json else comparison(compared))


def export(
    folder: Folder, to: Annotated[Path, typer.Option(help="The file: .csv or .parquet, a row a sample and seed.")]
) -> None:
    """Write an eval run as a table. Prints where it is."""
    from kinograph.evals.runs import export as write

    print(write(folder, to))


def comparison(compared: Comparison) -> RenderableType:
    """A comparison as people read it: a row a metric and run, then costs, then what must be known."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    several = len(compared.labels) > 2
    table = Table("", *(("run",) if several else ()), "verdict", "difference [95 %]", "means", "n", "d_z", "wins", "p")
    table.add_column("needs")
    for rows in (compared.differences, compared.costs):
        for one in rows:
            table.add_row(*map(Text, (one.name, *((one.run,) if several else ()), *_cells(one))))
        table.add_section()
    head = f"{', '.join(compared.labels[1:])} against {compared.labels[0]}"
    reading = (
        "n: pairs of prompts; wins: share of pairs that are better; p: of metrics after Holm's correction; needs: "
        "prompts that would show such an effect with 80 % power"
    )
    notes = [f"{one.name} ({one.run}): {one.note}" for one in compared.differences if one.note]
    return Group(Text(head, style="bold"), table, Text(reading, style="dim"), *map(Text, (*compared.notes, *notes)))


def _cells(one: Difference) -> tuple[str, ...]:
    from kinograph.evals.figures import spoken, told

    if one.estimate is None or one.first is None or one.second is None or one.superior is None:
        return (one.shown,)
    return (
        one.shown,
        spoken(one.estimate),
        f"{told(one.first)} → {told(one.second)}",
        f"{one.estimate.n} of {one.estimate.clusters}",
        "" if one.effect is None else told(one.effect),
        f"{one.superior:.0%}",
        "" if one.corrected is None else "< 0.001" if one.corrected < 0.001 else f"{one.corrected:.3f}",
        "" if one.needed is None else str(one.needed),
    )
