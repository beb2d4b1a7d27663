"""`kinograph memory`: what is remembered of films and series, looked at, held to the truth, and seen anew."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from kinograph.errors import BadInput, Cancelled, Damaged, ProductionBusy, UnknownName
from kinograph.output import Json, put

if TYPE_CHECKING:
    from kinograph.film import Film
    from kinograph.memory.contents import Entry
    from kinograph.memory.reembedding import Stale
    from kinograph.stage import Stage
    from kinograph.studio import Studio
    from kinograph.tools.gallery import Row

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


# ------------------------------------------------------------------------------------------ parts


def remembered(studio: Studio, production: str | None = None, series: str | None = None) -> list[Entry]:
    """What is remembered. Raises UnknownName for a production or series of which nothing is."""
    from kinograph.memory.contents import contents

    path = studio.keyframes_file
    found = contents(path, production, series)
    for what, name in (("production", production), ("series", series)):
        if name is not None and not any((one.of, one.whose) == (what, name) for one in found):
            known = dict.fromkeys(one.whose for one in contents(path) if one.of == what)
            raise UnknownName(f"{what} in memory", name, list(known)[:10])
    return found


def rows_of(found: Sequence[Entry], picture: Callable[[str], Path]) -> list[Row]:
    """A row for each thing that is remembered of a production or series; pictures that are lost are left out."""
    from kinograph.tools.gallery import Row

    things: dict[tuple[str, str, str], list[Entry]] = {}
    for one in found:
        things.setdefault((one.whose, one.keyframe.role, one.words or one.keyframe.about), []).append(one)
    rows = []
    for (whose, role, about), entries in things.items():
        files = [file for one in entries if (file := _file(one, picture)) is not None]
        shots = ", ".join(dict.fromkeys(one.keyframe.shot for one in entries))
        if files:
            rows.append(Row(f"{role} of {about}", f"{whose}: {shots}", files))
    return rows


def _file(one: Entry, picture: Callable[[str], Path]) -> Path | None:
    try:
        return picture(one.keyframe.picture)
    except Damaged:
        return None


class Seen(NamedTuple):
    """What looking anew came to."""

    embedder: str
    done: int
    lost: int
    busy: list[str]
    """Productions that another process makes; theirs are left alone."""


def reembedded(
    studio: Studio, production: str | None, series: str | None, on_progress: Callable[[int, int], None]
) -> Seen:
    """Has the settings' embedder look at what another one saw. Raises Cancelled at Ctrl-C, UnknownName."""
    from kinograph.memory import records
    from kinograph.memory.embedders import open_embedder
    from kinograph.memory.reembedding import reembed, stale

    embedder = open_embedder(studio.settings.embedder)
    if not remembered(studio, production, series):
        return Seen(embedder.name, 0, 0, [])
    done = lost = before = 0
    busy: list[str] = []
    with closing(records.connect(studio.keyframes_file)) as db:
        rows = stale(db, embedder.name, production, series)
        try:
            for owner, part in _by_owner(rows):
                with holding(studio, owner[1] if owner[0] == "keyframes" else None) as free:
                    if not free:
                        busy.append(owner[1])
                        continue
                    told = lambda seen, so_far=before: on_progress(so_far + seen, len(rows))  # noqa: E731
                    came = reembed(db, studio.keyframes_file, embedder, studio.remembered, part, told)
                done, lost, before = done + came.done, lost + came.lost, before + len(part)
        except KeyboardInterrupt:
            raise Cancelled("stopped; what was looked at is kept, the same command goes on") from None
    return Seen(embedder.name, done, lost, busy)


def _by_owner(rows: Sequence[Stale]) -> list[tuple[tuple[str, str], list[Stale]]]:
    parts: dict[tuple[str, str], list[Stale]] = {}
    for row in rows:
        parts.setdefault((row.table, row.whose), []).append(row)
    return list(parts.items())


def checked(studio: Studio, production: str | None = None) -> dict[str, Any]:
    """Holds records to how they were written, their pictures to the vault, and indexes to the records."""
    from kinograph.memory.contents import torn

    damaged = torn(studio.keyframes_file)
    found = [] if damaged else remembered(studio, production)
    lost = [
        f"the picture of {one.keyframe.words} of {one.whose} is lost"
        for one in found
        if one.counts and _file(one, studio.vault.picture) is None
    ]
    rebuilt, busy = list[str](), list[str]()
    for name in dict.fromkeys(one.whose for one in found if one.of == "production"):
        with holding(studio, name) as free:
            if not free:
                busy.append(name)
                continue
            with closing(studio.keyframes(name)) as keyframes:
                rebuilt += [name] if keyframes.check() else []
    return {
        "keyframes": len(found),
        "owners": len({(one.of, one.whose) for one in found}),
        "damaged": [f"{one.id or 'database'} of {one.whose or 'all'}: {one.why}" for one in damaged],
        "lost": lost,
        "rebuilt": rebuilt,
        "busy": busy,
    }


def pruned(studio: Studio, production: str | None = None) -> dict[str, int]:
    """Production -> how many keyframes of superseded versions were dropped. Kept is what a film shows or counts."""
    gone: dict[str, int] = {}
    old = [one for one in remembered(studio, production) if not one.counts]
    for name in dict.fromkeys(one.whose for one in old):
        with holding(studio, name) as free:
            film = _film(studio, name) if free else None
            shown = {cut.shot: cut.attempt for cut in film.timeline} if film else {}
            kept = [
                {one.keyframe.shot: one.keyframe.version}
                for one in old
                if one.whose == name and shown.get(one.keyframe.shot) == one.keyframe.take
            ]
            if free:
                with closing(studio.keyframes(name)) as keyframes:
                    gone[name] = keyframes.prune(kept)
    return gone


@contextmanager
def holding(studio: Stage, production: str | None) -> Iterator[bool]:
    """Holds a production, so that nobody else changes what it remembers; False where another process makes it now."""
    folder = _folder(studio, production) if production is not None else None
    with ExitStack() as held:
        try:
            if production is not None and folder is not None:
                held.enter_context(studio.owning(folder, production))
        except ProductionBusy:
            yield False
            return
        yield True


def _folder(studio: Stage, production: str) -> Path | None:
    """Where a production is made; None for one that the ledger does not know, or whose folder is gone."""
    if isinstance(studio.place, Path) and not studio.place.is_file():
        return None
    with studio.ledger() as ledger:
        known = ledger.production(production) if ledger.has_production(production) else None
    return known.folder if known is not None and known.folder.is_dir() else None


def _film(studio: Studio, production: str) -> Film | None:
    from kinograph.film import Film

    if isinstance(studio.place, Path) and not studio.place.is_file():
        return None
    with studio.ledger() as ledger:
        return ledger.paper(production, "film", Film)


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
