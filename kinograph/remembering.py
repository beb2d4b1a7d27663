"""`kinograph memory`: what is remembered of films and series, looked at, held to the truth, and seen anew."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from kinograph.errors import BadInput, Damaged
from kinograph.memory_care import checked, pruned, reembedded, remembered, rows_of
from kinograph.output import Json, put

memory = typer.Typer(help="Look at what is remembered, check it, see it anew.", rich_markup_mode=None)

Production = Annotated[str | None, typer.Argument(help="Id of a production; none means all productions and series.")]
Series = Annotated[str | None, typer.Option(help="Name of a series, instead of a production.")]


@memory.command(name="list")
def list_memory(
    production: Production = None,
    series: Series = None,
    everything: Annotated[bool, typer.Option("--all", help="Superseded versions too.")] = False,
    as_json: Json = False,
) -> None:
    """List the keyframes that are remembered: of what, from which shot, frame, take and version."""
    from kinograph import pages
    from kinograph.studio import Studio

    found = [one for one in remembered(Studio(), production, series) if everything or one.counts]
    put([one.model_dump(mode="json") for one in found] if as_json else pages.memory(found))


@memory.command(name="show")
def show_memory(
    production: Production = None,
    series: Series = None,
    out: Annotated[Path, typer.Option(help="Where the sheet goes.")] = Path("memory.png"),
    as_json: Json = False,
) -> None:
    """Draw the keyframes that are remembered on one sheet, a row for each character, place and look; print its path."""
    from kinograph.studio import Studio
    from kinograph.tools import gallery

    studio = Studio()
    rows = rows_of([one for one in remembered(studio, production, series) if one.counts], studio.vault.picture)
    if not rows:
        raise BadInput("nothing is remembered that could be drawn")
    path = out.expanduser().absolute()
    gallery.draw(rows, path)
    print(json.dumps({"sheet": str(path)}) if as_json else path)


@memory.command(name="reembed")
def reembed_memory(
    production: Production = None,
    series: Series = None,
    everything: Annotated[bool, typer.Option("--all", help="All productions and series.")] = False,
    as_json: Json = False,
) -> None:
    """Look anew, with the embedder of the settings, at what another one saw.

    Needed before a series goes on with another embedder; a production does so by itself when it is resumed. Ctrl-C and
    kills keep what is done: the same command goes on.
    """
    from kinograph.studio import Studio

    if everything == ((production, series) != (None, None)):
        raise BadInput("name a production, or a series with --series, or give --all")
    studio = Studio()
    with _bar(enabled=sys.stderr.isatty() and not as_json) as on_progress:
        seen = reembedded(studio, production, series, on_progress)
    if as_json:
        print(json.dumps(seen._asdict()))
        return
    print(f"{seen.done} keyframes are remembered by {seen.embedder} now", end="")
    print(f"; of {seen.lost} the picture is lost" if seen.lost else "")
    for busy in seen.busy:
        print(f"kinograph: {busy} is being made; when that is done: kinograph memory reembed {busy}", file=sys.stderr)


@memory.command(name="check")
def check_memory(production: Production = None, as_json: Json = False) -> None:
    """Hold every record to how it was written, and the index to the records; an index that is wrong is made anew.

    Status 5 for damaged records.
    """
    from kinograph.studio import Studio

    found = checked(Studio(), production)
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        print(f"{found['keyframes']} keyframes of {found['owners']} productions and series looked at")
        for name in found["rebuilt"]:
            print(f"kinograph: the index of {name} was damaged or behind and is made anew", file=sys.stderr)
        for name in found["busy"]:
            print(f"kinograph: {name} is being made; its index is not looked at", file=sys.stderr)
        for line in found["lost"][:20]:
            print(f"kinograph: {line}", file=sys.stderr)
    if found["damaged"]:
        raise Damaged(f"{len(found['damaged'])} records are damaged, the first {found['damaged'][0]}")


@memory.command(name="prune")
def prune_memory(production: Production = None, as_json: Json = False) -> None:
    """Drop what shots left that were made again, but for the takes that a finished film shows."""
    from kinograph.studio import Studio

    gone = pruned(Studio(), production)
    print(json.dumps(gone, indent=1) if as_json else f"{sum(gone.values())} keyframes dropped")


Folder = Annotated[Path, typer.Argument(help="Folder with pictures and cast.json.")]


@memory.command(name="export-cast")
def export_cast(folder: Folder, production: Production = None, series: Series = None, as_json: Json = False) -> None:
    """Write the cast of a production or a series into a new folder: pictures, and cast.json that says who they show."""
    from kinograph.casts import exported
    from kinograph.studio import Studio

    if (production is None) == (series is None):
        raise BadInput("name a production, or a series with --series")
    shown = exported(Studio(), folder.expanduser(), production, series)
    _told([(one.member.words, len(one.pictures)) for one in shown], as_json)


@memory.command(name="import-cast")
def import_cast(
    folder: Folder,
    series: Annotated[str, typer.Option(help="Name of the series whose films shall know them.")],
    as_json: Json = False,
) -> None:
    """Have a series know a cast: your own photos, or what export-cast wrote; its films are held to how they look."""
    from kinograph.casts import imported
    from kinograph.studio import Studio

    shown = imported(Studio(), folder.expanduser(), series)
    _told([(one.member.words, len(one.pictures)) for one in shown], as_json)


def _told(cast: Sequence[tuple[str, int]], as_json: bool) -> None:
    if as_json:
        print(json.dumps([{"words": words, "pictures": count} for words, count in cast], ensure_ascii=False))
        return
    for words, count in cast:
        print(f"{words}: {count} picture{'s' if count != 1 else ''}")


@contextmanager
def _bar(enabled: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal."""
    if not enabled:
        yield lambda seen, of: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from kinograph import pages

    columns = (TextColumn("looking anew"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=pages.console(), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda seen, of: bar.update(task, completed=seen, total=of)
