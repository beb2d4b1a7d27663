"""Pages of models: their cards, their weights and how these are fetched; and what works on this machine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from kinograph.calibrating import Told
    from kinograph.doctor import Check
    from kinograph.models import Installed, Model
    from kinograph.tools.backends import ModelCard
    from kinograph.tools.backends.pulling import Offer, OnProgress


def models(
    cards: Sequence[ModelCard], default: str, able: Collection[str], weights: Sequence[Installed]
) -> RenderableType:
    """All model cards, those that can run first, with their weights; `default` is used when no model is asked for."""
    table = Table()
    table.add_column("model", no_wrap=True)
    for title in ("runs", "weights", "does", "clip", "GPU", "licence"):
        table.add_column(title)
    table.add_column("good for", min_width=34)
    for card, found in zip(cards, weights, strict=True):
        table.add_row(
            card.id,
            "default" if card.id == default else "yes" if card.id in able else "no",
            Text(_kept(found)),
            " ".join(card.tasks),
            f"{card.width}x{card.height}\n{card.frames} at {card.fps}",
            f"{card.vram_gb:g} GB" if card.vram_gb else "-",
            Text(card.license + ("" if card.commercial else " (non-commercial)")),
            Text(card.summary),
        )
    return table


def _kept(found: Installed) -> str:
    """Where a model's weights are, and how much disk they take."""
    from kinograph.models import spoken

    model, weights = found.model, found.weights
    if model.shipped:
        return "damaged" if found.problem else "ships with kinograph"
    if weights is None:
        return "not to be read" if found.problem else "not here" if model.source else "-"
    where = "hub cache" if weights.folder.parent.name == "snapshots" else str(weights.folder)
    return f"{where}, {spoken(weights.gb * 2**30)}" + (", not whole" if found.problem else "")


def models_in_brief(cards: Sequence[ModelCard], chosen: str, able: Collection[str]) -> RenderableType:
    """The models that run here, the names of the others, and which one films this session."""
    table = Table(show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column()
    for card in cards:
        if card.id in able:
            does = f"{' '.join(card.tasks)}, {card.width}x{card.height}, {card.frames} frames"
            used = "films this session; " if card.id == chosen else ""
            table.add_row(Text(card.id, style="bold"), Text(f"{used}{does}. {card.summary}"))
    others = ", ".join(card.id for card in cards if card.id not in able)
    return Group(table, Text(f"not set up here: {others} (kinograph models tells more)"))


def offer(model: Model, offered: Offer) -> str:
    """What fetching a model's weights would take, and under which licence they come."""
    from kinograph.models import spoken

    card, here = model.card, f", {spoken(offered.here)} of them are here" if offered.here else ""
    told = offered.license or "the repo names none; read its page"
    if card is not None:
        hub = f"; the repo says {told}" if offered.license.lower() not in ("", card.license.lower()) else ""
        told = f"{card.license}{'' if card.commercial else ' (non-commercial)'}{hub}"
    lines = [
        f"model    {model.name}{f': {card.name}' if card is not None else ''}",
        f"licence  {told}{'; its terms are to be accepted on the hub first' if offered.gated else ''}",
        f"from     {offered.repo} at {offered.commit[:12]}",
        f"size     {spoken(offered.size)} in {len(offered.files)} files{here}",
        f"to       {offered.folder} ({spoken(offered.free)} free)",
    ]
    return "\n".join(lines)


@contextmanager
def fetching(offered: Offer) -> Iterator[OnProgress]:
    """Takes the progress of a download: a bar on a terminal, a line a file elsewhere, both on standard error."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    paper, told = Console(stderr=True), set[str]()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bars = Progress(*columns, TimeRemainingColumn(), console=paper, disable=not paper.is_terminal)

    def show(name: str, done: int) -> None:
        bars.update(task, description=name[-40:], completed=done)
        if not paper.is_terminal and name not in told:
            told.add(name)
            paper.print(f"fetching {name}", markup=False, highlight=False)

    with bars:
        task = bars.add_task("", total=offered.size, completed=offered.here)
        yield show


def calibration(model: str, rows: Sequence[Told]) -> RenderableType:
    """A row a fault: from where on it is one for this model, and how well that tells faulty clips from clean ones."""
    table = Table("fault", "threshold", "before", "alarms", "AUC medium", "gross", "found medium", "gross")
    table.title, table.title_justify = Text(model), "left"
    for row in rows:
        areas = [f"{row.auc[one]:.3f}" if one in row.auc else "" for one in ("medium", "gross")]
        found = [f"{row.found[one]:.0%}" if one in row.found else "" for one in ("medium", "gross")]
        table.add_row(row.fault, f"{row.threshold:g}", f"{row.before:g}", f"{row.alarms:.1%}", *areas, *found)
    return table


def checks(found: Sequence[Check]) -> RenderableType:
    """What the doctor saw."""
    table = Table("check", "", "finding")
    for check in found:
        mark = "ok" if check.ok else "MISSING" if check.needed else "absent"
        table.add_row(check.name, mark, Text(check.finding))
    return table
