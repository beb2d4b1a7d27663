"""kinograph eval run | suites: evaluations from the command line."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinograph.errors import GAVE_UP, Cancelled
from kinograph.evals import flags, options, telling

if TYPE_CHECKING:
    from kinograph.evals.harness import RunResult

EPILOG = (
    "Exit status: 0 done, 2 bad input, 3 another process runs in that folder, 4 disk full or not writable, "
    "5 damaged file, 7 done but samples crashed, 130 stopped (go on with --resume)."
)
app = typer.Typer(help="Measure how good films are, with numbers that can be believed.", rich_markup_mode=None)


@app.command(epilog=EPILOG)
def run(
    suite: flags.Suite = None,
    model: flags.Model = None,
    topology: flags.Topology = None,
    mind: flags.Mind = None,
    takes: flags.Takes = None,
    set_: flags.Set = None,
    size: flags.Size = None,
    frames: flags.Frames = None,
    fps: flags.Fps = None,
    steps: flags.Steps = None,
    guidance: flags.Guidance = None,
    render: flags.Render = False,
    videos: flags.Videos = None,
    limit: flags.Limit = None,
    sample_id: flags.SampleId = None,
    seeds: flags.Seeds = "1",
    metrics: flags.Metrics = None,
    set_metrics: flags.SetMetrics = None,
    embedder: flags.Embedder = "storyworld-clip",
    eyes: flags.Eyes = None,
    exclude: flags.Exclude = None,
    retry: flags.Retry = 0,
    parallel: flags.Parallel = 1,
    by: flags.By = "threads",
    out: flags.RunOut = None,
    resume: flags.Resume = None,
    shared_home: flags.SharedHome = False,
    keep: flags.Keep = False,
    no_report: flags.NoReport = False,
    as_json: flags.Json = False,
) -> None:
    """Run a suite on a system and log every sample.

    kinograph eval run storyworld-basic --model storyworld-render --limit 5
    kinograph eval run storyworld-story --model storyworld-diffusion --topology hierarchical --seeds 3 --parallel 2
    kinograph eval run storyworld-story --set takes=1 --set embedder=pixels --out runs/one-take
    kinograph eval run vbench:~/VBench/VBench_full_info.json --videos samples --metrics all
    kinograph eval run editing-chat --render --model storyworld-render --size 192x108 --frames 9
    kinograph eval run storyworld-basic --eyes gpt-4.1-mini
    kinograph eval run --resume runs/one-take

    The run's folder gets run.json, samples.jsonl (a line a sample and seed), sets.json (metrics of all clips together),
    media/ and report.html. Every sample is made in a home of its own, so that none profits from another. A sample that
    crashes counts as the worst, unless it is excluded.
    """
    wishes = {"frames": frames, "fps": fps, "steps": steps, "guidance": guidance} | options.size_of(size)
    asked = {"model": model, "topology": topology, "takes": takes}
    if resume is not None:
        given = {"mind": mind, "suite": suite, "videos": videos, "settings": set_, "rendering": render or None}
        options.check_resumed(asked | wishes | given)
        of = options.as_before(resume, exclude)
    else:
        crew = options.Crew(asked, mind, set_ or (), wishes, shared_home, render)
        of = options.Chosen(suite, limit, sample_id or (), seeds, metrics, set_metrics, embedder, eyes, exclude or ())
        of = of.run_of(options.videos_of(videos) if videos else crew.system(), out)
    how = {"parallel": parallel, "by": options.by_of(by), "retry_on_error": retry, "keep": keep}
    result = _performed(of | how, quiet=as_json)
    telling.tell(result, as_json, None if no_report else _reported(result.folder))
    if result.crashed:
        raise typer.Exit(GAVE_UP)


def _performed(of: dict[str, Any], quiet: bool) -> RunResult:
    """Runs what the harness takes. Raises Cancelled, which says how it goes on."""
    from kinograph.evals import harness

    stop = threading.Event()
    with telling.stoppable(stop), telling.progress(enabled=sys.stderr.isatty() and not quiet) as hear:
        try:
            return harness.run(**of, stop=stop, on_progress=hear)
        except Cancelled as error:
            raise Cancelled(f"stopped; go on with: kinograph eval run --resume {of['folder']}") from error


@app.command()
def suites(as_json: flags.Json = False) -> None:
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
    limit: flags.Limit = None,
    seeds: Annotated[int | None, typer.Option(help="How many seeds a sample has.", min=1)] = None,
    arm: Annotated[list[str] | None, typer.Option(help="Only this arm; may be repeated.")] = None,
    size: flags.Size = None,
    frames: flags.Frames = None,
    steps: flags.Steps = None,
    retry: flags.Retry = 0,
    parallel: Annotated[int, typer.Option(help="Films at the same time, of different samples.", min=1, max=256)] = 1,
    by: flags.By = "threads",
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
