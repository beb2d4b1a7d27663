"""kinograph eval run | suites: evaluations from the command line."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinograph.errors import GAVE_UP, BadInput, Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from kinograph.evals.harness import Progress, RunResult
    from kinograph.evals.systems import System

EPILOG = (
    "Exit status: 0 done, 2 bad input, 3 another process runs in that folder, 4 disk full or not writable, "
    "5 damaged file, 7 done but samples crashed, 130 stopped (go on with --resume)."
)
app = typer.Typer(help="Measure how good films are, with numbers that can be believed.", rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


@app.command(epilog=EPILOG)
def run(
    suite: Annotated[
        str | None, typer.Argument(help="Name (see kinograph eval suites), IMPORTER:PATH, or a .jsonl or .yaml file.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model card to render with; see kinograph models.")] = None,
    topology: Annotated[str | None, typer.Option(help="Who acts when: chain, hierarchical or distributed.")] = None,
    mind: Annotated[str | None, typer.Option(help="How agents think: rules, or llm as the settings name it.")] = None,
    takes: Annotated[int | None, typer.Option(help="Most takes a shot may cost.", min=1, max=10)] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any setting, as NAME=VALUE; may be repeated. For ablations.")
    ] = None,
    size: Annotated[str | None, typer.Option(help="Picture size, such as 192x108.")] = None,
    frames: Annotated[int | None, typer.Option(help="Frames of every shot.", min=1)] = None,
    fps: Annotated[int | None, typer.Option(help="Frames a second.", min=1)] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps.", min=1)] = None,
    guidance: Annotated[float | None, typer.Option(help="Guidance scale.", min=0)] = None,
    videos: Annotated[
        Path | None, typer.Option(help="Judge a folder of videos instead: ID-SEED.mp4, or ID-SEED/1.mp4, 2.mp4, …")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="The first so many samples.", min=1)] = None,
    sample_id: Annotated[list[str] | None, typer.Option(help="Only this sample; may be repeated.")] = None,
    seeds: Annotated[str, typer.Option(help="How many seeds a sample has, from 0; or these: 0,7,9.")] = "1",
    metrics: Annotated[
        list[str] | None, typer.Option(help="Metric of clips besides truth: a name, all or none; may be repeated.")
    ] = None,
    embedder: Annotated[str, typer.Option(help="Embedder of the metrics that need one.")] = "storyworld-clip",
    exclude: Annotated[
        list[str] | None, typer.Option(help="Leave a sample out, aloud: ID=REASON; may be repeated.")
    ] = None,
    retry: Annotated[int, typer.Option(help="How often a sample that crashes is tried again.", min=0)] = 0,
    parallel: Annotated[int, typer.Option(help="Samples at the same time.", min=1, max=256)] = 1,
    by: Annotated[str, typer.Option(help="By threads or processes.")] = "threads",
    out: Annotated[Path | None, typer.Option(help="The run's own folder; new or empty, or one that goes on.")] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with a run: its own suite, system and seeds, what is missing only.")
    ] = None,
    shared_home: Annotated[
        bool, typer.Option("--shared-home", help="Use the settings' home, and clips that it has already.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep what the productions worked with.")] = False,
    as_json: Json = False,
) -> None:
    """Run a suite on a system and log every sample.

    kinograph eval run storyworld-basic --model storyworld-render --limit 5
    kinograph eval run storyworld-story --model storyworld-diffusion --topology hierarchical --seeds 3 --parallel 2
    kinograph eval run storyworld-story --set takes=1 --set embedder=pixels --out runs/one-take
    kinograph eval run vbench:~/VBench/VBench_full_info.json --videos samples --metrics all
    kinograph eval run --resume runs/one-take

    The run's folder gets run.json, samples.jsonl (a line a sample and seed) and media/. Every sample is made in a home
    of its own, so that none profits from another. A sample that crashes counts as the worst, unless it is excluded.
    """
    from kinograph.evals import harness

    wishes = {"frames": frames, "fps": fps, "steps": steps, "guidance": guidance} | _size(size)
    asked = {"model": model, "topology": topology, "takes": takes}
    if resume is not None:
        given = [name for name, value in (asked | wishes | {"mind": mind, "suite": suite}).items() if value is not None]
        given += ["videos"] * (videos is not None) + ["settings"] * bool(set_)
        if given:
            raise BadInput(f"a run that is resumed keeps its own {given[0]}; begin a new one with --out instead")
        options: dict[str, Any] = _as_before(resume, exclude)
    else:
        if suite is None:
            raise BadInput("name a suite (kinograph eval suites lists them), or --resume a run's folder")
        system = _videos(videos) if videos else _crew(asked, mind, set_ or (), wishes, shared_home)
        options = {
            "suite": suite,
            "system": system,
            "folder": out,
            "limit": limit,
            "sample_ids": tuple(sample_id or ()),
            "seeds": _seeds(seeds),
            "metrics": _metrics(metrics),
            "embedder": embedder,
            "exclude": _pairs(exclude or (), "exclude"),
        }
    options["folder"] = options["folder"] or Path(harness.RUNS) / _name(options["suite"])
    stop = threading.Event()
    with _stoppable(stop), _progress(enabled=sys.stderr.isatty() and not as_json) as hear:
        try:
            result = harness.run(
                **options,
                parallel=parallel,
                by="processes" if by == "processes" else "threads" if by == "threads" else _neither(by),
                retry_on_error=retry,
                keep=keep,
                stop=stop,
                on_progress=hear,
            )
        except Cancelled as error:
            raise Cancelled(f"stopped; go on with: kinograph eval run --resume {options['folder']}") from error
    _tell(result, as_json)
    if result.crashed:
        raise typer.Exit(GAVE_UP)


@app.command()
def suites(as_json: Json = False) -> None:
    """List the suites: how many samples each has, what a system does with them, and what is measured.

    Suites that others publish are read from your own copy, by IMPORTER:PATH.
    """
    from kinograph.evals.suites import IMPORTERS, SUITES, open_suite

    shipped = [open_suite(name) for name in SUITES]
    if as_json:
        rows = [{"name": s.name, "samples": len(s.samples), "does": s.does, "about": s.about} for s in shipped]
        print(json.dumps(rows + [{"name": f"{name}:PATH"} for name in IMPORTERS], indent=1))
        return
    table = _table("suite", "samples", "does", "measures")
    for one in shipped:
        table.add_row(one.name, str(len(one.samples)), one.does, one.about)
    for name, module in IMPORTERS.items():
        table.add_row(f"{name}:PATH", "", "film", _first_line(module))
    _print(table)


# ------------------------------------------------------------------------------------------ options


def _crew(
    asked: Mapping[str, Any], mind: str | None, given: Sequence[str], wishes: Mapping[str, Any], shared: bool
) -> System:
    from kinograph.evals.systems.studio import Crewed, minded
    from kinograph.settings import Settings

    settings = _settings(given) | {name: value for name, value in asked.items() if value is not None}
    return Crewed(minded(Settings.load(**settings), mind or ""), wishes, fresh=not shared)


def _settings(given: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE as arguments of Settings; mind.NAME and backends.MODEL.NAME reach into their tables."""
    found: dict[str, Any] = {}
    for name, value in _pairs(given, "set").items():
        try:
            plain = json.loads(value)
        except ValueError:
            plain = value
        table, _, rest = name.partition(".")
        if table == "backends" and "." in rest:
            model, _, option = rest.rpartition(".")
            found.setdefault("backends", {}).setdefault(model, {})[option] = plain
        elif rest:
            found.setdefault(table, {})[rest] = plain
        else:
            found[name] = plain
    return found


def _pairs(given: Iterable[str], option: str) -> dict[str, str]:
    pairs = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not (equals and name.strip() and value.strip()):
            raise BadInput(f"--{option} {one!r} is not {'ID=REASON' if option == 'exclude' else 'NAME=VALUE'}")
        pairs[name.strip()] = value.strip()
    return pairs


def _videos(folder: Path) -> System:
    from kinograph.evals.systems.videos import Videos

    return Videos(folder.expanduser())


def _as_before(resume: Path, exclude: Sequence[str] | None) -> dict[str, Any]:
    """What a run was begun with."""
    from kinograph.evals.folder import RunFolder
    from kinograph.evals.harness import JUDGE
    from kinograph.evals.systems.studio import Crewed
    from kinograph.tools.metrics import METRICS

    header = RunFolder(resume).header()
    known = header.system.get("system")
    if known not in ("studio", "videos") or header.system.get("mind") == "given" or not header.source:
        raise BadInput(
            f"{str(resume)!r} was begun from Python, by what a command cannot name; go on with it from there"
        )
    return {
        "suite": header.source,
        "system": _videos(Path(header.system["folder"])) if known == "videos" else Crewed.named(header.system),
        "folder": resume,
        "sample_ids": header.samples,
        "seeds": header.seeds,
        "metrics": tuple(one.metric for one in header.metrics if one.metric in METRICS),
        "embedder": header.versions.get(JUDGE, "storyworld-clip"),
        "exclude": _pairs(exclude or (), "exclude"),
    }


def _size(size: str | None) -> dict[str, int | None]:
    if size is None:
        return {"width": None, "height": None}
    if not (match := re.fullmatch(r"(\d{1,6})x(\d{1,6})", size.strip().lower())):
        raise BadInput(f"size {size!r} is not WIDTHxHEIGHT, such as 192x108")
    return {"width": int(match[1]), "height": int(match[2])}


def _seeds(told: str) -> int | tuple[int, ...]:
    numbers = told.replace(" ", "").split(",")
    if not all(number.isdecimal() and int(number) < 2**32 for number in numbers) or numbers == ["0"]:
        raise BadInput(f"seeds {told!r} is neither a number of seeds, such as 3, nor a list of them, such as 0,7,9")
    return int(numbers[0]) if len(numbers) == 1 else tuple(map(int, numbers))


def _metrics(named: Sequence[str] | None) -> tuple[str, ...] | None:
    from kinograph.tools.metrics import METRICS

    names = [name.strip() for one in named or () for name in one.split(",") if name.strip()]
    if names == ["none"]:
        return ()
    return tuple(METRICS) if names == ["all"] else tuple(names) or None


def _neither(by: str) -> Any:
    raise BadInput(f"--by {by!r} is neither threads nor processes")


def _name(suite: str) -> str:
    """Of a new run's folder."""
    from datetime import UTC, datetime

    slug = re.sub(r"[^a-z0-9]+", "-", suite.partition(":")[0].lower()).strip("-")[:40]
    return f"{slug}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


# ----------------------------------------------------------------------------------------- telling


@contextmanager
def _stoppable(stop: threading.Event) -> Iterator[None]:
    """In the main thread the first Ctrl-C sets `stop`."""
    from kinograph.watching import stopping

    if threading.current_thread() is threading.main_thread():
        with stopping(stop.set, "finished samples are kept"):
            yield
    else:
        yield


@contextmanager
def _progress(enabled: bool) -> Iterator[Callable[[Progress], None]]:
    """A bar over samples with the time left, and a line for each that crashed."""
    if not enabled:
        yield _note_crash
        return
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(bar_width=30),
        rich.MofNCompleteColumn(),
        rich.TimeElapsedColumn(),
        rich.TimeRemainingColumn(),
        rich.TextColumn("{task.fields[note]}"),
    )
    with rich.Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task("samples", total=None, note="")

        def hear(now: Progress) -> None:
            note = f"{now.log.sample} {now.log.state}" if now.log else ""
            bars.update(task, completed=now.done, total=now.of, note=note)
            if now.log and now.log.state == "crashed":
                bars.console.print(f"{now.log.sample} with seed {now.log.seed} crashed: {now.log.error}", markup=False)

        yield hear


def _note_crash(now: Progress) -> None:
    if now.log and now.log.state == "crashed":
        print(f"kinograph: {now.log.sample} with seed {now.log.seed} crashed: {now.log.error}", file=sys.stderr)


def _tell(result: RunResult, as_json: bool) -> None:
    """The means, what was skipped, what it cost, and where it lies."""
    if as_json:
        counts = {state: sum(log.state == state for log in result.samples) for state in ("done", "crashed", "excluded")}
        told = {"folder": str(result.folder), "means": result.means, "skipped": result.skipped, "samples": counts}
        print(json.dumps(told | {"spent": _spent(result)}, indent=1))
        return
    table = _table("metric", "mean", "of", "better")
    for one in result.run.metrics:
        if one.metric in result.means:
            measured = sum(one.metric in log.scores for log in result.samples) + len(result.crashed)
            table.add_row(one.metric, f"{result.means[one.metric]:.4f}", str(measured), one.better)
    for name, why in result.skipped.items():
        table.add_row(name, "skipped", "", why)
    _print(table)
    spent = _spent(result)
    money = "" if spent["money"] is None else f", {spent['money']:.4f} for thinking"
    print(
        f"{len(result.samples)} samples, {len(result.crashed)} crashed: {spent['renders']:g} renders, "
        f"{spent['reused']} reused, {spent['calls']} calls of {spent['tokens']} tokens{money}; "
        f"{spent['seconds']:.0f} s of making, {spent['judging']:.0f} s of judging"
    )
    print(result.folder)


def _spent(result: RunResult) -> dict[str, Any]:
    costs = [log.spent for log in result.samples]
    known = [one.money for one in costs if one.money is not None]
    names = ("seconds", "judging", "renders", "reused", "calls", "tokens")
    return {name: round(sum(getattr(one, name) for one in costs), 3) for name in names} | {
        "money": sum(known) if known else None
    }


def _first_line(module: str) -> str:
    from importlib import import_module

    return (import_module(module).__doc__ or "").partition(":")[0]


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number in (0, len(columns) - 1) else "right")
    return table


def _print(table: Table) -> None:
    from kinograph import pages

    pages.console().print(table)
