"""kinograph eval run | suites: evaluations from the command line."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from kinograph.errors import GAVE_UP, BadInput, Cancelled
from kinograph.evals import options, telling

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
    set_metrics: Annotated[
        list[str] | None, typer.Option(help="Metric of all clips together: a name, all or none; may be repeated.")
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
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.html into the folder.")] = False,
    as_json: Json = False,
) -> None:
    """Run a suite on a system and log every sample.

    kinograph eval run storyworld-basic --model storyworld-render --limit 5
    kinograph eval run storyworld-story --model storyworld-diffusion --topology hierarchical --seeds 3 --parallel 2
    kinograph eval run storyworld-story --set takes=1 --set embedder=pixels --out runs/one-take
    kinograph eval run vbench:~/VBench/VBench_full_info.json --videos samples --metrics all
    kinograph eval run --resume runs/one-take

    The run's folder gets run.json, samples.jsonl (a line a sample and seed), sets.json (metrics of all clips together),
    media/ and report.html. Every sample is made in a home of its own, so that none profits from another. A sample that
    crashes counts as the worst, unless it is excluded.
    """
    from kinograph.evals import harness

    wishes = {"frames": frames, "fps": fps, "steps": steps, "guidance": guidance} | options.size_of(size)
    asked = {"model": model, "topology": topology, "takes": takes}
    if resume is not None:
        given = [name for name, value in (asked | wishes | {"mind": mind, "suite": suite}).items() if value is not None]
        given += ["videos"] * (videos is not None) + ["settings"] * bool(set_)
        if given:
            raise BadInput(f"a run that is resumed keeps its own {given[0]}; begin a new one with --out instead")
        of: dict[str, Any] = options.as_before(resume, exclude)
    else:
        if suite is None:
            raise BadInput("name a suite (kinograph eval suites lists them), or --resume a run's folder")
        system = options.videos_of(videos) if videos else options.crew(asked, mind, set_ or (), wishes, shared_home)
        of = {
            "suite": suite,
            "system": system,
            "folder": out,
            "limit": limit,
            "sample_ids": tuple(sample_id or ()),
            "seeds": options.seeds_of(seeds),
            "metrics": options.metrics_of(metrics),
            "set_metrics": options.set_metrics_of(set_metrics),
            "embedder": embedder,
            "exclude": options.pairs(exclude or (), "exclude"),
        }
    of["folder"] = of["folder"] or Path(harness.RUNS) / options.name_of(of["suite"])
    stop = threading.Event()
    with telling.stoppable(stop), telling.progress(enabled=sys.stderr.isatty() and not as_json) as hear:
        try:
            result = harness.run(
                **of,
                parallel=parallel,
                by=options.by_of(by),
                retry_on_error=retry,
                keep=keep,
                stop=stop,
                on_progress=hear,
            )
        except Cancelled as error:
            raise Cancelled(f"stopped; go on with: kinograph eval run --resume {of['folder']}") from error
    telling.tell(result, as_json, None if no_report else _reported(result.folder))
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
    table = telling.columns("suite", "samples", "does", "measures")
    for one in shipped:
        table.add_row(one.name, str(len(one.samples)), one.does, one.about)
    for name, module in IMPORTERS.items():
        table.add_row(f"{name}:PATH", "", "film", telling.first_line(module))
    telling.show(table)


@app.command()
def study(
    name: Annotated[str | None, typer.Argument(help="Name, or a .toml file; without it all are listed.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first so many samples.", min=1)] = None,
    seeds: Annotated[int | None, typer.Option(help="How many seeds a sample has.", min=1)] = None,
    arm: Annotated[list[str] | None, typer.Option(help="Only this arm; may be repeated.")] = None,
    size: Annotated[str | None, typer.Option(help="Picture size, such as 192x108.")] = None,
    frames: Annotated[int | None, typer.Option(help="Frames of every shot.", min=1)] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps.", min=1)] = None,
    retry: Annotated[int, typer.Option(help="How often a sample that crashes is tried again.", min=0)] = 0,
    parallel: Annotated[int, typer.Option(help="Films at the same time, of different samples.", min=1, max=256)] = 1,
    by: Annotated[str, typer.Option(help="By threads or processes.")] = "threads",
    gallery: Annotated[int, typer.Option(help="Samples in the report's gallery.", min=0)] = 6,
    inline: Annotated[float, typer.Option(help="Megabytes of clips and pictures in the report.", min=0)] = 8.0,
    out: Annotated[Path | None, typer.Option(help="The study's folder; one that is there goes on.")] = None,
) -> None:
    """Compare several systems on the same samples and seeds: what is missing is run, then compared.

    kinograph eval study agents --out studies/agents --parallel 2 --by processes

    Every arm makes a film before the next one begins, so that what is there at any time is paired. The folder gets
    report.html, study.json with the numbers, and a run for each arm in arms/. The same command goes on after a stop.
    """
    from kinograph.evals.studies import open_study, studies, studying

    if name is None:
        table = telling.columns("study", "arms", "about")
        for one in map(open_study, studies()):
            table.add_row(one.name, str(len(one.arms)), one.about)
        telling.show(table)
        return
    plan = open_study(name).only(tuple(arm or ()))
    wishes = options.size_of(size) | {"frames": frames, "steps": steps}
    plan = plan.changed(
        wishes=plan.wishes | {key: value for key, value in wishes.items() if value is not None},
        limit=limit or plan.limit,
        seeds=seeds or plan.seeds,
    )
    folder, stop = out or Path("studies") / plan.name, threading.Event()
    with telling.stoppable(stop), telling.stepping() as hear:
        try:
            studying.study(
                plan,
                folder,
                parallel=parallel,
                by=options.by_of(by),
                retry_on_error=retry,
                stop=stop,
                gallery=gallery,
                inline=inline,
                on_progress=hear,
            )
        except Cancelled as error:
            raise Cancelled(f"stopped; the same command goes on in {folder}") from error
    print(folder / studying.REPORT)
    print(folder / studying.NUMBERS)


def _reported(folder: Path) -> Path:
    from kinograph.evals import report
    from kinograph.evals.runs import load

    return report.write([load(folder)], folder / "report.html")
