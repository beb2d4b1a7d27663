"""`kinograph make | resume`: a film from a brief, watched while it is made, and one gone on with."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinograph.arguments import (
    Aspect,
    Fallback,
    Fps,
    Guidance,
    Model,
    Series,
    Size,
    Steps,
    Takes,
    Topology,
    brief_text,
    cast_of,
    size_of,
)
from kinograph.errors import GAVE_UP, BadInput
from kinograph.output import Json, put

if TYPE_CHECKING:
    from kinograph.events import Event
    from kinograph.film import Film
    from kinograph.studio import Studio


# Numbers arrive as text: the brief's own fields check them and quote the bad value.
def make(
    brief: Annotated[str, typer.Argument(help="What to film: text, a text file, or - for standard input.")],
    out: Annotated[Path | None, typer.Option(help="The production's own folder; new or empty.")] = None,
    model: Model = None,
    topology: Topology = None,
    seed: Annotated[str, typer.Option(help="Same seed, same film. 0 to 4294967295.")] = "0",
    size: Size = None,
    aspect: Aspect = None,
    fps: Fps = None,
    seconds: Annotated[str | None, typer.Option(help="Length of the whole film, 0.5 to 600.")] = None,
    frames: Annotated[str | None, typer.Option(help="Frames of every shot, instead of a length.")] = None,
    steps: Steps = None,
    guidance: Guidance = None,
    look: Annotated[str | None, typer.Option(help="Style of the film: flat, ink, neon, noir, …")] = None,
    takes: Takes = None,
    reference: Annotated[list[Path] | None, typer.Option(help="Reference picture; may be repeated.")] = None,
    cast: Annotated[
        list[str] | None, typer.Option(help="NAME=PHOTO: how somebody of the film looks; may be repeated.")
    ] = None,
    fallback: Fallback = None,
    narrate: Annotated[bool, typer.Option("--narrate", help="Have the brief's words spoken over the film.")] = False,
    language: Annotated[str | None, typer.Option(help="Language that is spoken: en, de, pt-br, …")] = None,
    captions: Annotated[bool, typer.Option("--captions", help="Write film.srt and film.vtt beside the film.")] = False,
    music: Annotated[Path | None, typer.Option(help="Audio file of your own that plays beneath.")] = None,
    series: Series = None,
    transitions: Annotated[
        str | None, typer.Option(help="How all shots follow each other: cut, or smooth where the model can.")
    ] = None,
    as_json: Json = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan, show what it would cost, render nothing.")] = False,
) -> None:
    """Make a film from a brief.

    kinograph make "A red ball rolls across a meadow at sunset. Then it bounces over the sea at night."

    The folder gets film.mp4, manifest.json, contact_sheet.png and shots/. Ctrl-C stops after the take at
    hand; kinograph resume goes on from there, and nothing finished is rendered again. What could not be
    done as asked is listed at the end, and the exit status is then 7.
    """
    from kinograph.studio import Studio

    studio = Studio()
    width, height = size_of(size)
    asked = studio.brief(
        brief_text(brief),
        references=tuple(reference or ()),
        cast=cast_of(cast or []),
        music=music,
        narrate=narrate,
        language=language,
        captions=captions,
        series=series,
        transitions=transitions,
        seed=seed,
        model=model,
        topology=topology,
        width=width,
        height=height,
        aspect=aspect,
        fps=fps,
        seconds=seconds,
        frames=frames,
        steps=steps,
        guidance=guidance,
        look=look,
        takes=takes,
        fallback=fallback,
    )
    if dry_run:
        _show_plan(studio, asked, as_json)
    else:
        _watch(studio, lambda: studio.stream(asked, out=out), as_json)


def resume(
    production: Annotated[str, typer.Argument(help="Id or folder of a production.")],
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Set damaged checkpoints aside and go through all steps again.")
    ] = False,
    join: Annotated[
        bool, typer.Option("--join", help="Render along with the process that is at it, and go on if it dies.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Finish a production that was stopped, killed or failed; or help to.

    With --join several processes make one film, on one machine, or on several with a ledger in Postgres.
    """
    from kinograph.studio import Studio

    if join and rebuild:
        raise BadInput("--rebuild needs a production that nobody works on; give it without --join")
    studio = Studio()
    if join:
        _watch(studio, lambda: studio.join_stream(production), as_json)
        return
    _watch(studio, lambda: studio.resume_stream(production, rebuild=rebuild), as_json)


def _show_plan(studio: Studio, asked: Any, as_json: bool) -> None:
    from kinograph import pages

    plan = studio.plan(asked)
    put(plan.model_dump(mode="json") if as_json else pages.plan(plan))


def _watch(studio: Studio, start: Callable[[], Iterator[Event]], as_json: bool) -> None:
    """Runs a production: bars on a terminal, quiet in a pipe, events as JSON lines with --json."""
    from kinograph.events import Finished, Forgot, Lent, TakeStopped, Waiting, Warned
    from kinograph.telling import conceded, ended, forgotten, lacks, spoken
    from kinograph.watching import stopping, watching

    film: Film | None = None
    with stopping(studio.cancel), watching(enabled=sys.stderr.isatty() and not as_json) as bars:
        for event in start():
            bars.show(event)
            if as_json:
                print(json.dumps({"event": type(event).__name__} | event.model_dump(mode="json")), flush=True)
            elif isinstance(event, Warned):
                bars.say(f"kinograph: {event.words}")
            elif isinstance(event, TakeStopped):
                bars.say(f"kinograph: {ended(event)}")
            elif isinstance(event, Forgot) and event.thinned:
                bars.say(f"kinograph: {forgotten(event)}")
            elif isinstance(event, Lent):
                bars.say(f"kinograph: lent a hand: {event.count} rendered")
            elif isinstance(event, Waiting):
                bars.say(f"kinograph: shot {event.shot} waits for the machine to have room ({spoken(event.seconds)})")
            film = event.film if isinstance(event, Finished) else film
    if film is None:
        return
    if not as_json:
        _tell(film)
    if film.given_up:
        if not (as_json or sys.stdout.isatty()):  # on a terminal the page has them
            lines = [f"{lacks(film)}:", *map(conceded, film.given_up)]
            print("\n".join(f"kinograph: {line}" for line in lines), file=sys.stderr)
        raise typer.Exit(GAVE_UP)


def _tell(film: Film) -> None:
    if sys.stdout is not None and sys.stdout.isatty():
        from kinograph import pages

        pages.console().print(pages.film(film))
    else:
        print(film.path)
