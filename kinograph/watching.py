"""Live progress on a terminal: a bar a shot, with the time left."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kinograph.events import (
    Changed,
    Decided,
    Event,
    Joined,
    Opened,
    Planned,
    Progressed,
    Reviewed,
    ShotSettled,
    TakeJudged,
    TakeProgress,
    TakeStarted,
    Waiting,
)
from kinograph.telling import spoken

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

MARKS = {
    "accepted": "[green]accepted[/]",
    "trimmed": "[yellow]bad frames cut away[/]",
    "best": "[yellow]best take kept[/]",
    "placeholder": "[red]not rendered: a placeholder[/]",
    "failed": "[red]failed[/]",
    "kept": "[dim]as it was[/]",
}


class Quiet:
    """Shows nothing; says only what must be said."""

    def show(self, event: Event) -> None:
        """Takes note of an event."""

    def say(self, words: str) -> None:
        """A line for the user, whatever is being drawn."""
        print(words, file=sys.stderr)


class Bars(Quiet):
    """A rich progress display fed by events."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._film: TaskID | None = None

    def say(self, words: str) -> None:
        self._progress.console.print(words, markup=False)

    def show(self, event: Event) -> None:
        if isinstance(event, Opened):
            self._progress.console.print(f"{event.id}  [dim]{event.folder}[/]")
        elif isinstance(event, Decided):
            chosen = event.decision
            self._progress.console.print(
                f"[dim]{chosen.model}, {chosen.topology}, {chosen.width}x{chosen.height} at {chosen.fps} fps[/]"
            )
        elif isinstance(event, Progressed):
            self._show_stage(event)
        elif isinstance(event, Joined):
            self._progress.console.print(f"[dim]other processes render {event.hands} at a time[/]")
        elif isinstance(event, Changed):
            change = event.change
            self._progress.console.print(
                f"{change.left} does not work out, {change.to} goes on: {change.why}", markup=False
            )
        elif isinstance(event, Reviewed):
            if back := event.review.sent_back:
                self._progress.console.print(f"made again for the whole film's sake: {', '.join(back)}", markup=False)
        elif isinstance(event, Planned):
            for shot in event.storyboard.shots:
                self._tasks[shot.id] = self._progress.add_task(shot.id, total=1.0, note="waiting", start=False)
        else:
            self._show_shot(event)

    def _show_stage(self, event: Progressed) -> None:
        if self._film is None:
            self._film = self._progress.add_task("film", total=event.steps, note="", left="")
        left = "" if event.seconds is None else f"about {spoken(event.seconds)} left"
        words = f"{event.stage} {event.step} of {event.steps}"
        self._progress.update(self._film, completed=event.step, total=event.steps, note=words, left=left)

    def _show_shot(self, event: Event) -> None:
        if isinstance(event, TakeStarted) and event.shot in self._tasks:
            task = self._tasks[event.shot]
            self._progress.start_task(task)
            self._progress.update(task, completed=0, note=f"take {event.attempt}")
        elif isinstance(event, TakeProgress) and event.shot in self._tasks:
            self._progress.update(self._tasks[event.shot], completed=event.done)
        elif isinstance(event, Waiting) and event.shot in self._tasks:
            note = f"[yellow]waits for room, {spoken(event.seconds)} by now[/]"
            self._progress.update(self._tasks[event.shot], note=note)
        elif isinstance(event, TakeJudged) and event.take.shot in self._tasks and not event.take.accepted:
            verdict = event.take.verdict
            why = event.take.error or (verdict.findings[0].words if verdict and verdict.findings else "rejected")
            self._progress.update(self._tasks[event.take.shot], note=f"[red]{why[:60]}[/]")
        elif isinstance(event, ShotSettled) and event.shot in self._tasks:
            self._progress.update(self._tasks[event.shot], completed=1.0, note=MARKS[event.outcome])


@contextmanager
def watching(enabled: bool) -> Iterator[Quiet]:
    """A display for events: bars on standard error when `enabled`."""
    if not enabled:
        yield Quiet()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.text import Text

    class Left(TimeRemainingColumn):
        """What the schedule expects where it does, else what the bar's own pace says."""

        def render(self, task: Task) -> Text:
            told = task.fields.get("left")
            return super().render(task) if told is None else Text(told, style="progress.remaining")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        Left(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield Bars(progress)


@contextmanager
def stopping(cancel: Callable[[], None], then: str = "") -> Iterator[None]:
    """The first Ctrl-C or SIGTERM asks what runs to stop by `cancel`; a second Ctrl-C stops at once."""

    def stop(number: int, _: Any) -> None:
        cancel()
        note = f"; {then}" if then else ""
        print(f"kinograph: stopping after the take at hand{note}; Ctrl-C again stops at once", file=sys.stderr)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
