"""How a production went: every stretch of work beside what was expected, what decided its length, and who idled."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from kinograph.errors import BadInput
from kinograph.film import Sitting, Stint, Storyboard, Take
from kinograph.telling import spoken

if TYPE_CHECKING:
    from kinograph.memory.ledger import Ledger, Record

Kind = Literal["accepted", "rejected", "failed", "vault", "pending", "stopped", "verdict"]
"""A render by what became of it, or the making of a verdict. pending: rendering or not judged yet; vault: its clip was
there; stopped: cut short, or gone through again since."""


class Bar(NamedTuple):
    """A stretch of work."""

    shot: str
    attempt: int
    kind: Kind
    worker: int | None
    sitting: int
    """Which stretch of time it lies in, from 0."""
    begins: float
    ends: float
    """Seconds from the beginning of the sitting."""
    words: str = ""
    """What was found against the take."""

    @property
    def seconds(self) -> float:
        return self.ends - self.begins


class Timeline(NamedTuple):
    """A production as it went."""

    id: str
    folder: Path
    state: str
    storyboard: Storyboard
    sittings: tuple[Sitting, ...]
    lengths: tuple[float, ...]
    """Seconds of each sitting, to the end of its last work."""
    bars: tuple[Bar, ...]
    """In the order in which they began."""
    critical: tuple[int, ...]
    """Places in `bars`, the first first: each waited for the one before, and the last ended last."""

    @property
    def work(self) -> float:
        """Seconds that workers rendered."""
        return sum(bar.seconds for bar in self.bars if bar.worker is not None)

    @property
    def idle(self) -> float:
        """Seconds that workers were there and did not render."""
        there = sum(one.workers * length for one, length in zip(self.sittings, self.lengths, strict=True))
        return max(there - self.work, 0.0)

    @property
    def planned(self) -> float:
        """Seconds that all was expected to take when it began."""
        return max((due.ends for due in self.sittings[0].due), default=0.0)

    def words(self) -> list[str]:
        """What it came to, in sentences."""
        renders = sum(bar.worker is not None for bar in self.bars)
        took, workers = sum(self.lengths), max(one.workers for one in self.sittings)
        share = self.idle / (self.idle + self.work) if self.idle + self.work else 0.0
        told = [
            f"{count(len(self.storyboard.shots), 'shot')}, {count(renders, 'render')}: {spoken(took)} in all, "
            f"{spoken(self.planned)} were expected.",
            f"{count(workers, 'worker')} rendered for {spoken(self.work)} and idled for {spoken(self.idle)} "
            f"({share:.0%}).",
        ]
        chain = list(dict.fromkeys(self.bars[place].shot for place in self.critical))
        if chain:
            more = f" → … {len(chain) - 6} more" if len(chain) > 6 else ""
            told.append(f"What decided the end: {' → '.join(chain[:6])}{more}.")
        if len(self.sittings) > 1:
            away = sum(self.pause(number) for number in range(1, len(self.sittings)))
            times = "once" if len(self.sittings) == 2 else f"{len(self.sittings) - 1} times"
            told.append(f"Stopped {times}, for {spoken(away)}; that time is folded away.")
        return told

    def pause(self, number: int) -> float:
        """Seconds between a sitting and the one before it."""
        before, after = self.sittings[number - 1], self.sittings[number]
        return max(after.began - before.began - self.lengths[number - 1], 0.0)


def timeline_of(ledger: Ledger, record: Record) -> Timeline:
    """Reads how a production went. Raises BadInput when that was not recorded."""
    board = ledger.paper(record.id, "storyboard", Storyboard)
    sittings = ledger.sittings(record.id)
    if board is None or not sittings:
        raise BadInput(
            f"production {record.id} has no timeline: no shot of it was begun, or it was made before kinograph kept "
            "a record of that"
        )
    return arrange(record, board, sittings, ledger.stints(record.id), ledger.takes(record.id))


def arrange(
    record: Record,
    board: Storyboard,
    sittings: Sequence[Sitting],
    stints: Sequence[Stint],
    takes: Sequence[Take],
    now: float | None = None,
) -> Timeline:
    """Puts records together; `now` is the Unix time at which work that goes on is looked at."""
    now = time.time() if now is None else now
    places = [_sitting_of(stint, sittings) for stint in stints]
    known = [one.began for one in sittings]
    for stint, place in zip(stints, places, strict=True):
        end = stint.ended or (stint.began if stint.killed else now)
        known[place] = max(known[place], end, stint.began)
    last = {(stint.shot, stint.attempt): number for number, stint in enumerate(stints) if stint.what == "render"}
    by_name = {(take.shot, take.attempt): take for take in takes}
    bars = []
    for number, (stint, place) in enumerate(zip(stints, places, strict=True)):
        began, end = sittings[place].began, stint.ended or known[place]  # a kill came after the last thing we know
        take = by_name.get((stint.shot, stint.attempt))
        redone = stint.what == "render" and last[stint.shot, stint.attempt] != number
        bars.append(
            Bar(
                shot=stint.shot,
                attempt=stint.attempt,
                kind=_kind(stint, None if redone else take, redone),
                worker=stint.worker,
                sitting=place,
                begins=stint.began - began,
                ends=max(end, stint.began) - began,
                words=_against(take),
            )
        )
    lengths = tuple(end - one.began for one, end in zip(sittings, known, strict=True))
    needs = {shot.id: shot.needs for shot in board.shots}
    path = critical_path(bars, needs)
    return Timeline(record.id, record.folder, record.state, board, tuple(sittings), lengths, tuple(bars), path)


def _sitting_of(stint: Stint, sittings: Sequence[Sitting]) -> int:
    begun = [number for number, one in enumerate(sittings) if one.began <= stint.began]
    return begun[-1] if begun else 0


def _kind(stint: Stint, take: Take | None, redone: bool) -> Kind:
    if stint.killed or redone:
        return "stopped"
    if stint.what == "verdict":
        return "verdict"
    if take is None:
        return "pending" if stint.ended is None else "stopped"
    if take.stopped is not None:
        return "rejected"
    if take.clip is None:
        return "failed"
    if take.verdict is None:
        return "pending"
    if not take.accepted:
        return "rejected"
    return "vault" if take.reused else "accepted"


def _against(take: Take | None) -> str:
    if take is None:
        return ""
    findings = take.verdict.findings if take.verdict and not take.accepted else ()
    words = take.error or (findings[0].words if findings else "")
    return words if take.stopped is None else f"stopped at {take.stopped:.0%}: {words}"


def critical_path(bars: Sequence[Bar], needs: Mapping[str, Sequence[str]]) -> tuple[int, ...]:
    """Places of the bars that decided the end: back from the last one, each time to what ended last of all that the
    bar could have waited for: the shot's own work before, the shots that it needs, its worker's render before."""

    def awaited(place: int) -> list[int]:
        bar = bars[place]
        before = [other for other in range(place) if ended(other) <= (bar.sitting, bar.begins + 1e-6)]
        return [
            other
            for other in before
            if bars[other].shot == bar.shot
            or bars[other].shot in needs.get(bar.shot, ())
            or (bar.worker is not None and bars[other].worker == bar.worker)
        ]

    def ended(place: int) -> tuple[int, float]:
        return bars[place].sitting, bars[place].ends

    path = [max(range(len(bars)), key=ended)] if bars else []
    while path and (found := awaited(path[-1])):
        path.append(max(found, key=ended))
    return tuple(reversed(path))


def count(number: int, what: str) -> str:
    """1 shot, 2 shots."""
    return f"{number} {what}{'' if number == 1 else 's'}"
