"""`kinograph show`: a production, all of them, a production's timeline, or what a series knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinograph.errors import BadInput
from kinograph.output import Json, put

if TYPE_CHECKING:
    from kinograph.studio import Studio


def show(
    production: Annotated[str | None, typer.Argument(help="Id or folder; none lists all productions.")] = None,
    file: Annotated[
        Path | None, typer.Argument(help="Where --timeline goes; timeline.svg in the production's folder without it.")
    ] = None,
    timeline: Annotated[
        bool, typer.Option("--timeline", help="Draw when each shot was made, by whom, and how it was planned.")
    ] = False,
    series: Annotated[
        str | None, typer.Option(help="Show what a series knows: its cast and places; with a file, draw them there.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a production: its storyboard, its takes and where the film lies.

    kinograph show my-film --timeline [FILE.svg]
    kinograph show --series NAME [FILE.png]
    """
    from kinograph import pages
    from kinograph.film import Film
    from kinograph.studio import Studio

    studio = Studio()
    if series is not None:
        _show_series(studio, series, production, as_json)
        return
    if timeline:
        _draw(studio, production, file, as_json)
        return
    if file is not None:
        raise BadInput(f"{str(file)!r} is one name too many; a file is written with --timeline only")
    if production is None:
        records = studio.productions()
        rows = [{"id": r.id, "state": r.state, "folder": str(r.folder), "brief": r.brief.text} for r in records]
        put(rows if as_json else pages.productions(records))
        return
    found = studio.show(production)
    if isinstance(found, Film):
        put(found.model_dump(mode="json") if as_json else pages.film(found))
    else:
        facts = {"id": found.id, "state": found.state, "folder": str(found.folder), "brief": found.brief.text}
        put(facts if as_json else f"{found.id} is {found.state}; go on with: kinograph resume {found.id}")


def _draw(studio: Studio, production: str | None, file: Path | None, as_json: bool) -> None:
    """Writes a production's timeline and prints where."""
    from kinograph import disk
    from kinograph.gantt import svg

    if production is None:
        raise BadInput("--timeline needs the id or folder of a production; kinograph show lists them")
    timeline = studio.timeline(production)
    path = disk.write((file or timeline.folder / "timeline.svg").expanduser().absolute(), svg(timeline))
    put({"timeline": str(path)} if as_json else str(path))


def _show_series(studio: Studio, name: str, file: str | None, as_json: bool) -> None:
    """Lists what a series knows, or draws it into a file and prints where."""
    from kinograph import pages
    from kinograph.tools import gallery

    known = studio.series(name)
    rows = pages.rows_of(known, studio.vault.picture)
    if file is not None:
        path = Path(file).expanduser().absolute()
        gallery.draw(rows, path)
        put({"series": str(path)} if as_json else str(path))
    else:
        put([one.model_dump(mode="json") for one in known] if as_json else pages.series(name, rows))
