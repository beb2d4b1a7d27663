"""Pages of films: finished ones, planned ones, and the list of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kinograph.pages.spending import usage
from kinograph.telling import conceded, lacks

if TYPE_CHECKING:
    from kinograph.desk import Plan
    from kinograph.film import Decision, Film, Review, Storyboard, Take
    from kinograph.memory.ledger import Record


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


def productions(records: Sequence[Record]) -> RenderableType:
    """All productions, newest first."""
    table = Table("id", "state", "folder", "brief")
    for record in records:
        table.add_row(record.id, record.state, Text(str(record.folder)), Text(record.brief.text[:60]))
    return table if records else Text('no productions yet; begin with: kinograph make "…"')
