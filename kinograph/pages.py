"""What people read on a terminal: tables of films, plans, models and checks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from kinograph.errors import Damaged
from kinograph.film import Call, Usage
from kinograph.telling import conceded, cost_of, lacks, question

if TYPE_CHECKING:
    from kinograph.calibrating import Told
    from kinograph.desk import Plan
    from kinograph.doctor import Check
    from kinograph.events import Proposed
    from kinograph.film import Decision, Film, Review, Storyboard, Take
    from kinograph.memory.contents import Entry
    from kinograph.memory.ledger import Record
    from kinograph.memory.remedies import Tally
    from kinograph.memory.series import Known
    from kinograph.memory.sessions import Kept, Version
    from kinograph.models import Installed, Model
    from kinograph.tools.backends import ModelCard
    from kinograph.tools.backends.pulling import Offer, OnProgress
    from kinograph.tools.gallery import Row


def console() -> Console:
    """Standard output; wide enough for its tables when it is not a terminal."""
    plain = Console()
    return plain if plain.is_terminal else Console(width=140)


def plain(page: RenderableType) -> str:
    """A page as text without colours."""
    paper = Console(width=140, color_system=None, force_terminal=False)
    with paper.capture() as captured:
        paper.print(page)
    return captured.get()


def film(made: Film) -> RenderableType:
    """A finished film: storyboard, takes, files."""
    length = sum(cut.seconds for cut in made.timeline)
    lines = [
        f"film           {made.path}  ({length:.1f} s)",
        f"contact sheet  {made.folder}/contact_sheet.png",
        f"manifest       {made.folder}/manifest.json",
        f"seed           {made.brief.seed}",
    ]
    if made.missing:
        lines.append(f"missing        {', '.join(made.missing)}: no take could be rendered")
    if made.given_up:
        lines += ["", f"{lacks(made)}:", *(f"  {conceded(one)}" for one in made.given_up)]
    return Group(
        Text(f"{made.storyboard.title}  ·  {made.id}", style="bold"),
        reasons(made.decision),
        *(Text(f"topology {one.left} was left for {one.to}: {one.why}") for one in made.changes),
        storyboard(made.storyboard, made.takes),
        *([held(made)] if any(take.held for take in made.takes) else []),
        *([reviewed(made.reviews)] if made.reviews else []),
        *([shown(made)] if any(_evidence(made)) else []),
        *([usage(made.usage)] if made.usage.calls or made.usage.fallbacks else []),
        Text("\n".join(lines)),
    )


def plan(planned: Plan) -> RenderableType:
    """What a dry run found out."""
    requests = Table("shot", "frames", "seed", "prompt", title="first takes", title_justify="left")
    for shot, request in zip(planned.storyboard.shots, planned.requests, strict=True):
        requests.add_row(shot.id, str(request.frames), str(request.seed), Text(request.prompt))
    cost = (
        "unknown for this model" if planned.seconds is None else f"about {planned.seconds:.0f} s for one take of each"
    )
    return Group(
        reasons(planned.decision),
        storyboard(planned.storyboard),
        requests,
        Text(f"estimated render time: {cost}"),
    )


def reasons(decision: Decision) -> RenderableType:
    """The decision and why."""
    table = Table("choice", "why", show_header=False, box=None)
    for reason in decision.reasons:
        table.add_row(Text(reason.choice), Text(reason.why, style="dim"))
    return table


def storyboard(board: Storyboard, takes: Sequence[Take] = ()) -> RenderableType:
    """A row a shot."""
    table = Table("shot", "who", "where", "when", "camera", "s", "needs", *(("takes",) if takes else ()), "what")
    for shot in board.shots:
        who = "\n".join(f"{board.character(a.who).words}: {a.motion}" for a in shot.cast) or "nobody"
        done = [take for take in takes if take.shot == shot.id]
        mark = ("+" if any(take.accepted for take in done) else "!",) if takes else ()
        cells = [
            shot.id,
            who,
            shot.setting,
            shot.time,
            shot.camera,
            f"{shot.seconds:.1f}",
            " ".join(shot.needs),
        ]
        table.add_row(*map(Text, cells), *(Text(f"{len(done)} {m}") for m in mark), Text(shot.text))
    return table


def held(made: Film) -> RenderableType:
    """What the take that the film shows of each shot was held to, and why."""
    table = Table("shot", "picture", "held to", title="remembered", title_justify="left")
    shown = {(cut.shot, cut.attempt) for cut in made.timeline}
    for take in made.takes:
        for one in take.held if (take.shot, take.attempt) in shown else ():
            table.add_row(take.shot, one.picture[:12], Text(one.why))
    return table


def reviewed(reviews: Sequence[Review]) -> RenderableType:
    """What the quality agent said: a row a finding of its last look, and what became of the shots it sent back."""
    last, lines = reviews[-1], []
    table = Table("shot", "beside", "bad", "what", title="the whole film", title_justify="left")
    for one in last.findings:
        table.add_row(*map(Text, (one.shot or "", one.other or "", f"{one.severity:.1f}", one.words)))
    if back := [shot for review in reviews for shot in review.sent_back]:
        lines.append(f"sent back      {', '.join(back)}; better since: {', '.join(last.bettered) or 'none'}")
    if not last.findings:
        lines.append("whole film     of one piece: nothing disagrees between its shots")
    return Group(*([table] if last.findings else []), Text("\n".join(lines)))


def shown(made: Film) -> RenderableType:
    """Pictures of what was found, by their names in the vault."""
    table = Table("shot", "what", "picture in the vault", title="evidence", title_justify="left")
    for shot, words, digest in _evidence(made):
        table.add_row(Text(shot), Text(words), Text(f"pictures/{digest[:2]}/{digest}.png"))
    return table


def _evidence(made: Film) -> Iterator[tuple[str, str, str]]:
    """Shot, words and digest of every picture that shows a finding."""
    for take in made.takes:
        for finding in take.verdict.findings if take.verdict else ():
            yield from ((f"{take.shot} take {take.attempt}", finding.words, digest) for digest in finding.evidence)
    for one in made.reviews[-1].findings if made.reviews else ():
        yield from ((one.shot or "", one.words, digest) for digest in one.evidence)


def usage(used: Usage) -> RenderableType:
    """What thinking cost: a row for each role and model, and a last one for everything."""
    table = Table("role", "model", "calls", "prompt", "cached", "answer", "s", "money", "by rules", title="thinking")
    table.title_justify = "left"
    fallbacks = Counter(fallback.role for fallback in used.fallbacks)
    rows: dict[tuple[str, str], list[Call]] = {}
    for call in used.calls:
        rows.setdefault((call.role, call.model), []).append(call)
    for role in fallbacks.keys() - {role for role, _ in rows}:
        rows[role, ""] = []
    for (role, model), calls in rows.items():
        table.add_row(*map(Text, (role, model, *_cost(calls), str(fallbacks[role] or ""))))
    if len(rows) > 1:
        table.add_row(*map(Text, ("all", "", *_cost(used.calls), str(len(used.fallbacks) or ""))))
    return table


def _cost(calls: Sequence[Call]) -> tuple[str, ...]:
    """Calls, prompt, cached and completion tokens, seconds, money."""
    money = Usage(calls=tuple(calls)).money
    sums = (sum(c.prompt_tokens for c in calls), sum(c.cached_tokens for c in calls))
    about = "~" if any(call.estimated for call in calls) else ""
    return (
        str(len(calls)),
        *(f"{about}{total}" for total in (*sums, sum(c.completion_tokens for c in calls))),
        f"{sum(c.seconds for c in calls):.1f}",
        "" if money is None else f"{money:.4f}",
    )


def calibration(model: str, rows: Sequence[Told]) -> RenderableType:
    """A row a fault: from where on it is one for this model, and how well that tells faulty clips from clean ones."""
    table = Table("fault", "threshold", "before", "alarms", "AUC medium", "gross", "found medium", "gross")
    table.title, table.title_justify = Text(model), "left"
    for row in rows:
        areas = [f"{row.auc[one]:.3f}" for one in ("medium", "gross")]
        found = [f"{row.found[one]:.0%}" for one in ("medium", "gross")]
        table.add_row(row.fault, f"{row.threshold:g}", f"{row.before:g}", f"{row.alarms:.1%}", *areas, *found)
    return table


def productions(records: Sequence[Record]) -> RenderableType:
    """All productions, newest first."""
    table = Table("id", "state", "folder", "brief")
    for record in records:
        table.add_row(record.id, record.state, Text(str(record.folder)), Text(record.brief.text[:60]))
    return table if records else Text('no productions yet; begin with: kinograph make "…"')


def memory(found: Sequence[Entry]) -> RenderableType:
    """The keyframes that are remembered; superseded ones say so."""
    table = Table("of", "role", "what", "shot", "frame", "take", "version", "picture", "by")
    for one in found:
        keyframe = one.keyframe
        version = f"{keyframe.version}" if one.counts else f"{keyframe.version}, superseded"
        what = Text(one.words or keyframe.about)
        place = (keyframe.shot, str(keyframe.frame), str(keyframe.take or "-"), version, keyframe.picture[:12])
        table.add_row(Text(one.whose), keyframe.role, what, *place, one.embedder)
    return table


def series(name: str, rows: Sequence[Row]) -> RenderableType:
    """The cast and the places of a series."""
    table = Table("who and where", "from", "pictures", title=Text(name))
    for row in rows:
        table.add_row(Text(row.title), Text(row.told), str(len(row.pictures)))
    return Group(table, Text("draw them: kinograph show --series NAME FILE.png"))


def rows_of(known: Sequence[Known], picture: Callable[[str], Path]) -> list[Row]:
    """A row for each character and place that a series knows, characters first; pictures that are lost are left out.

    `picture` finds a picture's file by its digest.
    """
    from kinograph.tools.gallery import Row

    found: dict[tuple[str, ...], list[Known]] = {}
    for one in sorted(known, key=lambda one: not one.kind):
        found.setdefault(("cast", *one.figure) if one.kind else ("place", one.words, one.time, one.look), []).append(
            one
        )
    rows = []
    for (what, *more), pictures in found.items():
        files = []
        for one in pictures:
            with suppress(Damaged):
                files.append(picture(one.keyframe.picture))
        told = f"{', '.join(filter(None, more[1:]))}; " if what == "place" else ""
        told += f"from {', '.join(dict.fromkeys(one.keyframe.production for one in pictures))}"
        rows.append(Row(pictures[0].words, told, files))
    return rows


def proposal(proposed: Proposed) -> RenderableType:
    """A storyboard that waits for approval: a row a shot, with what becomes of it and why."""
    board, works = proposed.storyboard, {work.shot: work for work in proposed.works}
    table = Table("#", "who", "where and when", "s", *(("cost", "why") if works else ()))
    for number, shot in enumerate(board.shots, 1):
        who = "\n".join(f"{board.character(a.who).words}: {a.motion}" for a in shot.cast) or "nobody"
        camera = "" if shot.camera == "static" else shot.camera
        where = ", ".join(part for part in (shot.setting, shot.time, camera, shot.mood) if part)
        cells = [str(number), who, where, f"{round(shot.seconds, 2):g}"]
        if (work := works.get(shot.id)) is not None:
            time = "?" if work.seconds is None else f"{max(work.seconds, 0.1):.1f} s"
            cells += [time if work.does == "render" else "-", work.why]
        table.add_row(*map(Text, cells), style="" if work is None or work.does == "render" else "dim")
    asked = f"{cost_of(proposed)} {question(proposed)} (yes, or what to change)"
    end = f"filmed: {proposed.film}" if proposed.film else asked
    title = Text(f"{board.title}  ·  version {proposed.version} ({proposed.name})  ·  {board.look.name}", style="bold")
    return Group(*([Text(proposed.said)] if proposed.said else []), title, table, Text(end))


def takes(number: int, found: Sequence[Take], kept: str | None) -> RenderableType:
    """All takes of a shot, numbered as /keep counts them."""
    table = Table("take", "shows", "s", "seed", "verdict", "quality", "note")
    clips = []
    for place, take in enumerate(found, 1):
        verdict = take.verdict
        mark = "not judged" if verdict is None else "accepted" if verdict.accepted else "rejected"
        words = verdict.findings[0].words if verdict and verdict.findings else ""
        cells = [
            f"{number}.{place}{' (chosen)' if take.request.digest == kept else ''}",
            take.request.prompt,
            f"{round(take.request.seconds, 2):g}",
            str(take.request.seed),
            mark,
            "" if verdict is None else f"{verdict.quality:.2f}",
            words,
        ]
        table.add_row(*map(Text, cells))
        clips.append(f"{number}.{place}  {take.clip.path if take.clip else 'no clip'}")
    return Group(table, Text("\n".join(clips)))


def versions(found: Sequence[Version], head: int | None, filmed: Sequence[int]) -> RenderableType:
    """All versions of a session; the one at hand is marked."""
    table = Table("", "version", "name", "from", "film", "said")
    for one in found:
        state = "yes" if one.number in filmed else "begun" if one.approved else "-"
        mark, parent = "*" if one.number == head else "", "" if one.parent is None else str(one.parent)
        table.add_row(mark, str(one.number), Text(one.name), parent, state, Text(one.words[:60]))
    return table


def sessions(kept: Sequence[Kept]) -> RenderableType:
    """All conversations, the last touched first."""
    table = Table("session", "title", "versions", "last", "folder")
    for one in kept:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.touched))
        table.add_row(one.session.id, Text(one.title[:50]), str(one.versions), when, Text(one.session.folder))
    return table if kept else Text("no sessions yet; begin with: kinograph chat")


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


def remedies(found: Sequence[Tally]) -> RenderableType:
    """What has been learned: a row a remedy that was tried against a finding on a model."""
    if not found:
        return Text("nothing was learned yet: no rejected take has been made again")
    table = Table("finding", "model", "remedy", "tried", "worked")
    for one in found:
        table.add_row(one.finding, Text(one.model), one.remedy, str(one.tried), f"{one.worked / one.tried:.0%}")
    return table


def checks(found: Sequence[Check]) -> RenderableType:
    """What the doctor saw."""
    table = Table("check", "", "finding")
    for check in found:
        mark = "ok" if check.ok else "MISSING" if check.needed else "absent"
        table.add_row(check.name, mark, Text(check.finding))
    return table
