"""What a command of evaluations tells while it runs and when it is done."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from kinograph.evals.harness import Progress, RunResult
    from kinograph.evals.studies.studying import Step


@contextmanager
def stoppable(stop: threading.Event) -> Iterator[None]:
    """In the main thread the first Ctrl-C sets `stop`."""
    from kinograph.watching import stopping

    if threading.current_thread() is threading.main_thread():
        with stopping(stop.set, "finished samples are kept"):
            yield
    else:
        yield


@contextmanager
def progress(enabled: bool) -> Iterator[Callable[[Progress], None]]:
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


@contextmanager
def stepping() -> Iterator[Callable[[Step], None]]:
    """A line on standard error for each film of a study, with the time left at the pace so far."""
    began = time.monotonic()
    first: list[int] = []

    def hear(now: Step) -> None:
        first.append(now.done)
        if now.log is None:
            print(f"kinograph: {now.of} films, {now.done} are there", file=sys.stderr)
            return
        pace = (time.monotonic() - began) / (now.done - first[0])
        told = f"{now.log.sample} seed {now.log.seed} {now.arm}: {now.log.state} {now.log.error}".rstrip()
        left = f"about {_spoken(pace * (now.of - now.done))} left" if now.done < now.of else "the last"
        print(f"kinograph: [{now.done}/{now.of}] {told}; {left}", file=sys.stderr, flush=True)

    yield hear


def _spoken(seconds: float) -> str:
    return (
        f"{seconds / 3600:.1f} h"
        if seconds > 5400
        else f"{seconds / 60:.0f} min"
        if seconds > 90
        else f"{seconds:.0f} s"
    )


def tell(result: RunResult, as_json: bool, report: Path | None = None) -> None:
    """The means, what was skipped, what it cost, and where it lies."""
    costs = spent(result)
    if as_json:
        counts = {state: sum(log.state == state for log in result.samples) for state in ("done", "crashed", "excluded")}
        told = {"folder": str(result.folder), "means": result.means, "skipped": result.skipped, "samples": counts}
        told |= {"sets": [one.model_dump(mode="json") for one in result.sets], "spent": costs}
        print(json.dumps(told | ({"report": str(report)} if report else {}), indent=1))
        return
    show(_means(result))
    money = "" if costs["money"] is None else f", {costs['money']:.4f} for thinking"
    print(
        f"{len(result.samples)} samples, {len(result.crashed)} crashed: {costs['renders']:g} renders, "
        f"{costs['reused']} reused, {costs['calls']} calls of {costs['tokens']} tokens{money}; "
        f"{costs['seconds']:.0f} s of making, {costs['judging']:.0f} s of judging"
    )
    print(report or result.folder)


def _means(result: RunResult) -> Table:
    """A row a metric: of samples, then of all clips together, and what was skipped."""
    rows = columns("metric", "mean", "of", "better")
    better = {one.metric: one.better for one in result.run.metrics}
    for name, mean in result.means.items():
        measured = sum(name in log.scores for log in result.samples) + sum(log.lost(name) for log in result.crashed)
        rows.add_row(name, f"{mean:.4f}", str(measured), better[name])
    for one in result.sets:
        if one.value is not None:
            rows.add_row(one.metric, f"{one.value:.4f}", "all clips", f"{better[one.metric]}; {one.note}".rstrip("; "))
    for name, why in (result.skipped | {one.metric: one.skipped for one in result.sets if one.value is None}).items():
        rows.add_row(name, "skipped", "", why)
    return rows


def spent(result: RunResult) -> dict[str, Any]:
    costs = [log.spent for log in result.samples]
    known = [one.money for one in costs if one.money is not None]
    names = ("seconds", "judging", "renders", "reused", "calls", "tokens")
    return {name: round(sum(getattr(one, name) for one in costs), 3) for name in names} | {
        "money": sum(known) if known else None
    }


def first_line(module: str) -> str:
    from importlib import import_module

    return (import_module(module).__doc__ or "").partition(":")[0]


def columns(*names: str) -> Table:
    """A table without rows: words to the left in its first and last column, numbers to the right between."""
    from rich.table import Table

    found = Table(box=None, pad_edge=False)
    for number, name in enumerate(names):
        found.add_column(name, justify="left" if number in (0, len(names) - 1) else "right")
    return found


def show(table: Table) -> None:
    from kinograph import pages

    pages.console().print(table)
