"""The command line: kinograph make | chat | resume | show | models | memory | remedies | measure | eval | vault …

Exit status: 0 done · 1 unexpected · 2 bad input · 3 production busy · 4 disk · 5 damaged file ·
6 nothing could be rendered · 7 finished, but something was given up · 8 a critical task failed ·
130 stopped (resumable).
"""

from __future__ import annotations

import errno
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from kinograph import measuring, reporting
from kinograph.errors import GAVE_UP, BadBrief, BadInput, Cancelled, Damaged, KinographError
from kinograph.evals.commands import app as evaluations
from kinograph.remembering import memory

if TYPE_CHECKING:
    from kinograph.events import Event
    from kinograph.film import Film
    from kinograph.studio import Studio

EPILOG = (
    "Exit status: 0 done, 1 unexpected, 2 bad input, 3 production busy, 4 disk full or not writable, "
    "5 damaged file, 6 nothing could be rendered, 7 finished but something was given up, 8 a critical task failed, "
    "130 stopped (resume it)."
)
app = typer.Typer(
    help="Turns a brief into a finished, consistent, multi-shot film.",
    epilog=EPILOG,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


# Numbers arrive as text: the brief's own fields check them and quote the bad value.
@app.command(epilog=EPILOG)
def make(
    brief: Annotated[str, typer.Argument(help="What to film: text, a text file, or - for standard input.")],
    out: Annotated[Path | None, typer.Option(help="The production's own folder; new or empty.")] = None,
    model: Annotated[str | None, typer.Option(help="Model card to render with; see kinograph models.")] = None,
    topology: Annotated[str | None, typer.Option(help="Who acts when: chain, hierarchical or distributed.")] = None,
    seed: Annotated[str, typer.Option(help="Same seed, same film. 0 to 4294967295.")] = "0",
    size: Annotated[str | None, typer.Option(help="Picture size, such as 384x216.")] = None,
    aspect: Annotated[str | None, typer.Option(help="wide, square or vertical.")] = None,
    fps: Annotated[str | None, typer.Option(help="Frames a second, 4 to 30.")] = None,
    seconds: Annotated[str | None, typer.Option(help="Length of the whole film, 0.5 to 600.")] = None,
    frames: Annotated[str | None, typer.Option(help="Frames of every shot, instead of a length.")] = None,
    steps: Annotated[str | None, typer.Option(help="Denoising steps, in the model's range.")] = None,
    guidance: Annotated[str | None, typer.Option(help="How closely words are followed, in the model's range.")] = None,
    look: Annotated[str | None, typer.Option(help="Style of the film: flat, ink, neon, noir, …")] = None,
    takes: Annotated[str | None, typer.Option(help="Most takes a shot may cost, 1 to 10.")] = None,
    reference: Annotated[list[Path] | None, typer.Option(help="Reference picture; may be repeated.")] = None,
    cast: Annotated[
        list[str] | None, typer.Option(help="NAME=PHOTO: how somebody of the film looks; may be repeated.")
    ] = None,
    fallback: Annotated[
        str | None, typer.Option(help="Other models for what the model cannot render: yes, no, or their names.")
    ] = None,
    narrate: Annotated[bool, typer.Option("--narrate", help="Have the brief's words spoken over the film.")] = False,
    language: Annotated[str | None, typer.Option(help="Language that is spoken: en, de, pt-br, …")] = None,
    captions: Annotated[bool, typer.Option("--captions", help="Write film.srt and film.vtt beside the film.")] = False,
    music: Annotated[Path | None, typer.Option(help="Audio file of your own that plays beneath.")] = None,
    series: Annotated[str | None, typer.Option(help="Films of a series know each other's cast and places.")] = None,
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
    width, height = _size(size)
    asked = studio.brief(
        _brief_text(brief),
        references=tuple(reference or ()),
        cast=_cast(cast or []),
        music=music,
        narrate=narrate,
        language=language,
        captions=captions,
        series=series,
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


@app.command(epilog=EPILOG)
def chat(
    words: Annotated[str | None, typer.Argument(help="What to film; with --resume the id of a session.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a session: the one named, or the last.")] = False,
    list_sessions: Annotated[bool, typer.Option("--list", help="List the sessions.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Render every storyboard without asking.")] = False,
    out: Annotated[Path | None, typer.Option(help="The session's own folder; new or empty.")] = None,
    model: Annotated[str | None, typer.Option(help="Model card to render with; see kinograph models.")] = None,
    topology: Annotated[str | None, typer.Option(help="Who acts when: chain, hierarchical or distributed.")] = None,
    seed: Annotated[str | None, typer.Option(help="Same seed, same film. 0 to 4294967295.")] = None,
    size: Annotated[str | None, typer.Option(help="Picture size, such as 384x216.")] = None,
    aspect: Annotated[str | None, typer.Option(help="wide, square or vertical.")] = None,
    fps: Annotated[str | None, typer.Option(help="Frames a second, 4 to 30.")] = None,
    frames: Annotated[str | None, typer.Option(help="Frames of every shot at first, instead of a length.")] = None,
    steps: Annotated[str | None, typer.Option(help="Denoising steps, in the model's range.")] = None,
    guidance: Annotated[str | None, typer.Option(help="How closely words are followed, in the model's range.")] = None,
    takes: Annotated[str | None, typer.Option(help="Most takes a shot may cost, 1 to 10.")] = None,
    reference: Annotated[list[Path] | None, typer.Option(help="Reference picture.")] = None,
    series: Annotated[str | None, typer.Option(help="Films of a series know each other's cast and places.")] = None,
    fallback: Annotated[
        str | None, typer.Option(help="Other models for what the model cannot render: yes, no, or their names.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a film in conversation: say what to see, approve the storyboard, change it in words.

    Only the shots that a change touches are rendered again. In a pipe each line of standard input is a turn.
    Ctrl-C stops a render, not the session; kinograph chat --resume goes on after anything, kill -9 included.
    """
    from kinograph import pages
    from kinograph.chat import Chat, mind_line, piped, typed
    from kinograph.studio import Studio

    studio = Studio()
    if list_sessions:
        kept = studio.sessions()
        rows = [
            {"id": k.session.id, "folder": k.session.folder, "title": k.title, "versions": k.versions} for k in kept
        ]
        _print(rows if as_json else pages.sessions(kept))
        return
    id = words if resume else None
    if resume and id is None:
        if not (kept := studio.sessions()):
            raise BadInput("there is no session to resume; begin with: kinograph chat")
        id = kept[0].session.id
    width, height = _size(size)
    wishes = {"model": model, "topology": topology, "seed": seed, "width": width, "height": height}
    wishes |= {"aspect": aspect, "fps": fps, "frames": frames, "steps": steps, "guidance": guidance, "takes": takes}
    wishes |= {"fallback": fallback, "series": series}
    if resume and (given := [name for name, value in wishes.items() if value is not None]):
        raise BadInput(f"a session that is resumed keeps its own {given[0]}; say what should be different instead")
    with studio.open(id, out=out, references=tuple(reference or ()), **wishes) as conversation:
        face = Chat(conversation, yes=yes, as_json=as_json)
        on_terminal = sys.stdin.isatty() and sys.stdout.isatty() and not as_json
        if not as_json:
            print(mind_line(conversation.mind), file=sys.stderr)
        if words and not resume:
            face.say(_brief_text(words))
        elif conversation.session is not None and not as_json and not conversation.unfinished:
            face.propose(conversation.session.proposal()) if conversation.session.record.head else None
        elif on_terminal:
            print("Say what to film; /help tells more.", file=sys.stderr)
        if on_terminal or not (words and not resume and sys.stdin.isatty()):
            face.run(typed(conversation, studio.settings.home / "chat_history") if on_terminal else piped())
        if conversation.id and not as_json:
            print(f"kinograph: go on with: kinograph chat --resume {conversation.id}", file=sys.stderr)
    if face.status:
        raise typer.Exit(face.status)


@app.command(epilog=EPILOG)
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


@app.command(epilog=EPILOG)
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
        _print(rows if as_json else pages.productions(records))
        return
    found = studio.show(production)
    if isinstance(found, Film):
        _print(found.model_dump(mode="json") if as_json else pages.film(found))
    else:
        facts = {"id": found.id, "state": found.state, "folder": str(found.folder), "brief": found.brief.text}
        _print(facts if as_json else f"{found.id} is {found.state}; go on with: kinograph resume {found.id}")


app.add_typer(memory, name="memory")
models = typer.Typer(
    help="List the model cards; fetch and check the weights of one.", rich_markup_mode=None, invoke_without_command=True
)
app.add_typer(models, name="models")


@models.callback(epilog=EPILOG)
def list_models(context: typer.Context, as_json: Json = False) -> None:
    """List the model cards: what each can do, needs and may be used for, and whether its weights are here."""
    if context.invoked_subcommand is not None:
        return
    from kinograph import pages
    from kinograph.agents.orchestrator import choose_model
    from kinograph.film import Brief
    from kinograph.models import installed, model_of
    from kinograph.settings import Settings
    from kinograph.tools.backends import cards, ready
    from kinograph.tools.machine import this_machine

    settings, known = Settings.load(), list(cards().values())
    able = ready(settings.backends)
    default = choose_model(Brief(text=""), this_machine(), able)[0].id
    found = [installed(model_of(card, settings)) for card in known]
    if not as_json:
        _print(pages.models(known, default, able, found))
        return
    told = [{"available": card.id in able, "default": card.id == default} for card in known]
    rows = zip(known, told, found, strict=True)
    _print([card.model_dump(mode="json") | more | here.data() for card, more, here in rows])


Name = Annotated[str, typer.Argument(help="Model card, or weights by their hub id (owner/name).")]


@models.command(epilog=EPILOG)
def pull(
    name: Name,
    to: Annotated[Path | None, typer.Option(help="A folder of their own; the hub's cache without it.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Fetch without asking.")] = False,
) -> None:
    """Fetch the weights of a model from the hub, after showing their licence and size.

    Prints the folder they are in. Ctrl-C keeps what was fetched, half a file too; the same command goes on with it.
    """
    from kinograph import pages
    from kinograph.models import fetch, named, offer
    from kinograph.settings import Settings

    settings = Settings.load()
    model = named(name, settings)
    if model.shipped:
        _print(f"{name} ships with kinograph; there is nothing to fetch")
        return
    offered = offer(model, to, settings)
    if offered.here < offered.size:
        print(pages.offer(model, offered), file=sys.stderr)
        if not yes:
            _ask_to_fetch()
    with pages.fetching(offered) as on_progress:
        weights = fetch(model, offered, on_progress)
    if offered.own:
        section = json.dumps(name if model.card is not None else "MODEL")  # quoted: names have dots in them
        line = f"[backends.{section}] weights = {json.dumps(str(weights.folder), ensure_ascii=False)}"
        print(f"kinograph: use them with: {line}", file=sys.stderr)
    _print(str(weights.folder))


@models.command(name="check", epilog=EPILOG)
def check_model(
    name: Annotated[str, typer.Argument(help="Model card, folder, file, or hub id of weights.")],
) -> None:
    """Look whether the weights of a model are here and whole, without loading them."""
    from kinograph.models import named, spoken, whole
    from kinograph.settings import Settings

    weights = whole(named(name, Settings.load()))
    if weights is None:
        _print(f"{name} needs no weights")
    else:
        size = spoken(weights.gb * 2**30)
        _print(f"{name} is whole: {weights.folder} ({size}, revision {weights.revision[:12]})")


@app.command(epilog=EPILOG)
def doctor(as_json: Json = False) -> None:
    """Check what works on this machine, before anything is rendered."""
    from kinograph import pages
    from kinograph.doctor import examine
    from kinograph.settings import Settings

    checks = examine(Settings.load())
    _print([check._asdict() for check in checks] if as_json else pages.checks(checks))
    if not all(check.ok for check in checks if check.needed):
        raise typer.Exit(1)


app.command(epilog=EPILOG)(measuring.measure)
reporting.attach(evaluations)
app.add_typer(evaluations, name="eval")


@app.command(name="remedies", epilog=EPILOG)
def list_remedies(
    model: Annotated[str | None, typer.Option(help="Of this model only; see kinograph models.")] = None,
    as_json: Json = False,
) -> None:
    """Show what has been learned: which remedy has helped against which finding, on which model."""
    from kinograph import pages
    from kinograph.studio import Studio

    found = Studio().remedies(model)
    _print([one.model_dump() for one in found] if as_json else pages.remedies(found))


@app.command(epilog=EPILOG)
def calibrate(
    model: Annotated[str, typer.Argument(help="Model card.")],
    clips: Annotated[int, typer.Option(min=5, help="Clips to render and measure.")] = 40,
    as_json: Json = False,
) -> None:
    """Set the validator's thresholds for one model, from its own clips with faults put into them."""
    from kinograph import pages
    from kinograph.calibrating import calibrate_model, told
    from kinograph.settings import Settings

    rows = told(*calibrate_model(model, clips, Settings.load()))
    _print([row._asdict() for row in rows] if as_json else pages.calibration(model, rows))


vault = typer.Typer(help="Look after the clips that are kept.", rich_markup_mode=None)
app.add_typer(vault, name="vault")


@vault.command(name="audit", epilog=EPILOG)
def audit_vault(as_json: Json = False) -> None:
    """Decode every clip and compare its frames with what was rendered. Changes nothing; status 5 on damage."""
    from kinograph.studio import Studio
    from kinograph.upkeep import audit

    found = audit(Studio().vault)
    if as_json:
        _print(found.model_dump(mode="json"))
    else:
        _print(f"{found.clips} clips and {found.pictures} pictures looked at, {len(found.damaged)} damaged")
    if found.damaged:
        first = found.damaged[0]
        lines = [f"{one.what}: {one.words}" for one in found.damaged]
        print("\n".join(lines[:20]), file=sys.stderr)
        raise Damaged(f"{len(lines)} damaged, the first {first.what}; finishing a production that uses one mends it")


@vault.command(epilog=EPILOG)
def clean(
    days: Annotated[float, typer.Option(help="Nothing younger is touched, unless its process is dead.", min=0)] = 1.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, remove nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what killed processes left behind. Safe while others work; what a production uses is never touched."""
    from kinograph.studio import Studio
    from kinograph.upkeep import DAY, leftovers

    studio, gone = Studio(), []
    with studio.ledger() as ledger:
        for one in leftovers(studio.vault, ledger, days * DAY):
            if not dry_run:
                one.remove()
            gone.append({"kind": one.kind, "name": one.name, "bytes": one.bytes})
            if not as_json:
                print(f"{'would remove' if dry_run else 'removed'} {one.kind}: {one.name}")
    if as_json:
        _print(gone)
    else:
        verb = "would be removed" if dry_run else "removed"
        print(f"{len(gone)} {verb}, {sum(one['bytes'] for one in gone) / 2**20:.1f} MB")


# ------------------------------------------------------------------------------------------ parts


def _brief_text(argument: str) -> str:
    """The brief itself, read from standard input or a file when the argument says so."""
    if argument == "-":
        try:
            return sys.stdin.read()
        except UnicodeDecodeError as error:
            raise BadBrief("standard input is not UTF-8 text") from error
    try:
        if len(argument) < 4096 and Path(argument).is_file():
            return Path(argument).read_text("utf-8")
    except UnicodeDecodeError as error:
        raise BadBrief(f"brief file {argument!r} is not UTF-8 text") from error
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:  # too long for a name: it is the brief itself
            raise BadBrief(f"brief file {argument[:80]!r} cannot be read: {error.strerror}") from error
    except ValueError:
        return argument  # a NUL byte: no file has such a name
    if re.fullmatch(r"\S+\.(txt|md)", argument):
        raise BadBrief(f"brief file {argument!r} does not exist")
    return argument


def _cast(told: list[str]) -> list[tuple[str, Path]]:
    """Names and photos. Raises BadInput."""
    pairs = [one.partition("=") for one in told]
    for one, (name, _, photo) in zip(told, pairs, strict=True):
        if not name.strip() or not photo:
            raise BadInput(f"--cast {one!r} should be NAME=PHOTO, such as --cast cat=cat.png")
    return [(name, Path(photo).expanduser()) for name, _, photo in pairs]


def _size(size: str | None) -> tuple[int | None, int | None]:
    if size is None:
        return None, None
    if not (match := re.fullmatch(r"(\d{1,6})x(\d{1,6})", size.strip().lower())):
        raise BadInput(f"size {size!r} is not WIDTHxHEIGHT, such as 384x216")
    return int(match[1]), int(match[2])


def _ask_to_fetch() -> None:
    """Raises Cancelled unless the user says yes."""
    print("Fetch it? (yes or no) ", end="", file=sys.stderr, flush=True)
    if (sys.stdin.readline() if sys.stdin else "").strip().lower() not in ("y", "yes"):
        raise Cancelled("nothing was fetched; --yes fetches without asking")


def _print(what: Any) -> None:
    """Text, a rich renderable, or plain data as JSON."""
    if isinstance(what, (dict, list)):
        print(json.dumps(what, indent=1, ensure_ascii=False))
    elif isinstance(what, str):
        print(what)
    else:
        from kinograph import pages

        pages.console().print(what)


def _show_plan(studio: Studio, asked: Any, as_json: bool) -> None:
    from kinograph import pages

    plan = studio.plan(asked)
    _print(plan.model_dump(mode="json") if as_json else pages.plan(plan))


def _draw(studio: Studio, production: str | None, file: Path | None, as_json: bool) -> None:
    """Writes a production's timeline and prints where."""
    from kinograph import disk
    from kinograph.gantt import svg

    if production is None:
        raise BadInput("--timeline needs the id or folder of a production; kinograph show lists them")
    timeline = studio.timeline(production)
    path = disk.write((file or timeline.folder / "timeline.svg").expanduser().absolute(), svg(timeline))
    _print({"timeline": str(path)} if as_json else str(path))


def _show_series(studio: Studio, name: str, file: str | None, as_json: bool) -> None:
    """Lists what a series knows, or draws it into a file and prints where."""
    from kinograph import pages
    from kinograph.tools import gallery

    known = studio.series(name)
    rows = pages.rows_of(known, studio.vault.picture)
    if file is not None:
        path = Path(file).expanduser().absolute()
        gallery.draw(rows, path)
        _print({"series": str(path)} if as_json else str(path))
    else:
        _print([one.model_dump(mode="json") for one in known] if as_json else pages.series(name, rows))


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


def main() -> None:
    """Runs the command line; every expected error becomes one line on standard error and its exit status."""
    try:
        status = app(sys.argv[1:] or ["--help"], standalone_mode=False, prog_name="kinograph")
    except KinographError as error:
        _fail(" ".join(str(error).split()), error.exit_code)
    except typer.TyperException as error:
        _fail(f"{' '.join(error.format_message().split())} (kinograph --help tells more)", 2)
    except (typer.Abort, KeyboardInterrupt):
        _fail("stopped; kinograph show lists what can be resumed", 130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except UnicodeError as error:
        _fail(f"text that cannot be written here: {error}", 2)
    except OSError as error:
        _fail(f"the system said no: {error}", 4)
    sys.exit(status or 0)


def _fail(message: str, status: int) -> NoReturn:
    print(f"kinograph: {message}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
