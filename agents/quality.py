"""The quality agent: looks at a whole film for what no single take can show, and says which shots are out of line.

Every finding between shots names the pair: the shot that is out of line and the one that it is held against. Out of
line is who differs from most; of two that differ, the later one, unless the place's own colours say otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from pydantic import Field

from kinograph.agents.evidence import row
from kinograph.agents.samples import Looks, Sample, sample
from kinograph.agents.verdicts import ACCEPTABLE
from kinograph.errors import Damaged
from kinograph.film import (
    Character,
    Correction,
    FilmFinding,
    FindingKind,
    Noun,
    Outcome,
    Review,
    Shot,
    Storyboard,
    Take,
)
from kinograph.memory.vault import Vault
from kinograph.tools.colors import hue_gap, name_of

HUE_GAP = 16.0
"""Degrees of CIELAB hue that a character may differ between shots; clean films stay below 1."""
SHAPE_MARGIN = 0.06
"""How much better another kind's silhouette may fit in one shot and worse in the other."""
PLACE_GAP = 6.0
"""Mean CIELAB distance between pictures of one place at one time of day; clean films stay at 5 and below."""
STYLE_MARGIN = 1.5
"""How much nearer a picture may be to its place in another look."""
CUT_GAP = 12.0
"""Mean CIELAB distance between the last frame of a shot and the first of the one that goes on from it."""
LENGTH_GAP = 0.15
"""Share by which a film may be longer or shorter than was asked."""
SENDABLE = 3
"""One shot of so many may be sent back, and one at least."""


LOST = ("failed", "placeholder")
"""What became of a shot that the film does not show."""


class Used(Noun):
    """What the film uses of a shot."""

    outcome: Outcome
    take: Take | None = None
    """None where the shot has failed."""
    fixed: bool = False
    """It may not be made again: chosen by hand, or taken over from an earlier version."""


class Screening(Noun):
    """What the quality agent is asked."""

    storyboard: Storyboard
    used: tuple[Used, ...]
    """In film order."""
    seconds: float | None = None
    """Length asked of the film."""
    round: int = 1
    because: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Shot -> shots without which nobody understands it."""


class Quality:
    """Compares what the film uses of its shots. With a vault, keeps pictures of pairs that do not go together."""

    role = "quality"
    answer = Review

    def __init__(self, vault: Vault | None = None) -> None:
        self._vault = vault
        self._samples: dict[tuple[str, int, int], Sample | str] = {}
        """What was looked at, or why it could not be, by clip and frames."""

    def ask(self, question: Screening) -> Review:
        """Measured pixels answer; a language model is not asked."""
        return self.rules(question)

    def rules(self, question: Screening) -> Review:
        board = question.storyboard
        shown = [one for one in question.used if one.take is not None]
        several = shown if len(shown) > 1 else []  # one alone was judged by the validator
        samples = {one.outcome.shot: self._sample(one, board) for one in several}
        seen = {shot: found for shot, found in samples.items() if isinstance(found, Sample)}
        shots = [shot for shot in board.shots if shot.id in seen]
        findings = [
            *_story(question, seen),
            *_identity(board, shots, seen),
            *_places(board.look.name, shots, seen),
            *_style(board, shots, seen),
            *_cuts(question, shots, seen),
            *_pacing(question),
        ]
        weight = sum(finding.severity for finding in findings)
        weight += sum(f.severity for one in shown if one.take and one.take.verdict for f in one.take.verdict.findings)
        return Review(
            round=question.round,
            score=round(1.0 / (1.0 + weight), 4),
            findings=tuple(self._shown(finding, seen) for finding in findings),
            unchecked=tuple(f"{shot}: {why}" for shot, why in samples.items() if isinstance(why, str)),
        )

    def _shown(self, finding: FilmFinding, seen: Mapping[str, Sample]) -> FilmFinding:
        """With where it is in the shot's clip and, of a severe one between two shots, with a picture of both."""
        mine, other = seen.get(finding.shot or ""), seen.get(finding.other or "")
        if mine is None:
            return finding
        first, last = mine.frames
        at = {"first_frame": first, "last_frame": first if finding.kind == "cut" else last}
        if other is None or self._vault is None or finding.severity < ACCEPTABLE:
            return finding.changed(**at)
        pair = [other.pictures[2], mine.pictures[0]] if finding.kind == "cut" else [other.pictures[1], mine.pictures[1]]
        return finding.changed(**at, evidence=(self._vault.keep_picture(row(pair)),))

    def _sample(self, one: Used, board: Storyboard) -> Sample | str:
        assert one.take is not None, "a shot that failed is not looked at"
        clip, outcome = one.take.clip, one.outcome
        if clip is None:
            return "no clip"
        key = (clip.request, outcome.first, outcome.last)
        if key not in self._samples:
            shot = board.shot(outcome.shot)
            try:
                cast = [board.character(a.who) for a in shot.cast]
                self._samples[key] = sample(clip, outcome.first, outcome.last, shot, cast)
            except Damaged as error:
                self._samples[key] = str(error)
        return self._samples[key]


# ------------------------------------------------------------------------------------- between shots


def _identity(board: Storyboard, shots: Sequence[Shot], seen: Mapping[str, Sample]) -> Iterator[FilmFinding]:
    """A character that has another colour or shape than in the other shots."""
    for one in board.cast:
        looks = {shot.id: seen[shot.id].who[one.id] for shot in shots if one.id in seen[shot.id].who}
        yield from _colors(one, {shot: look.hue for shot, look in looks.items() if look.hue is not None})
        yield from _shapes(one, {shot: look for shot, look in looks.items() if look.alike})


def _colors(one: Character, hues: Mapping[str, float]) -> Iterator[FilmFinding]:
    for shot, other in _outliers(list(hues), lambda a, b: float(hue_gap(hues[a], hues[b])) <= HUE_GAP):
        words = f"{one.words} is {name_of(hues[shot])} in {shot} and {name_of(hues[other])} in {other}"
        severity = min(1.0, 0.5 + float(hue_gap(hues[shot], hues[other])) / 120)
        yield _finding("identity", words, shot, other, severity, one.id, name_of(hues[other]))


def _shapes(one: Character, looks: Mapping[str, Looks]) -> Iterator[FilmFinding]:
    for shot, other in _outliers(list(looks), lambda a, b: _one_shape(looks[a], looks[b])):
        mine, theirs = (max(looks[id].alike, key=looks[id].alike.__getitem__) for id in (shot, other))
        words = f"{one.words} has the shape of a {mine} in {shot} and of a {theirs} in {other}"
        yield _finding("shape", words, shot, other, 0.7, one.id)


def _one_shape(one: Looks, other: Looks) -> bool:
    mine, theirs = (max(look.alike, key=look.alike.__getitem__) for look in (one, other))
    apart = min(one.alike[mine] - one.alike[theirs], other.alike[theirs] - other.alike[mine])
    return mine == theirs or apart <= SHAPE_MARGIN


def _places(look: str, shots: Sequence[Shot], seen: Mapping[str, Sample]) -> Iterator[FilmFinding]:
    """A place that does not look as it does at the same time of day in other shots."""
    groups: dict[tuple[str, str], list[str]] = {}
    for shot in shots:
        groups.setdefault((shot.setting, shot.time), []).append(shot.id)
    for (setting, time), ids in groups.items():
        for shot, other in _outliers(ids, lambda a, b: _distance(seen[a].layout, seen[b].layout) <= PLACE_GAP):
            if len(ids) == 2 and _strays(seen[other], look) > _strays(seen[shot], look):
                shot, other = other, shot
            words = f"{setting or 'the place'} at {time} looks different in {shot} and {other}"
            yield _finding("place", words, shot, other, 0.6)


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(((one - other) ** 2).mean()))


def _strays(found: Sample, look: str) -> float:
    """How far a picture is from its place in a look; 0 where they are not known."""
    return found.styles.get(look, 0.0)


def _style(board: Storyboard, shots: Sequence[Shot], seen: Mapping[str, Sample]) -> Iterator[FilmFinding]:
    """A shot in another look than the others."""
    judged = {shot.id: seen[shot.id].styles for shot in shots if board.look.name in seen[shot.id].styles}
    looks = {shot: _look(styles, board.look.name) for shot, styles in judged.items()}
    for shot, other in _outliers(list(looks), lambda a, b: looks[a] == looks[b]):
        words = f"{shot} looks {looks[shot]}, {other} {looks[other]}"
        yield _finding("style", words, shot, other, 0.6)


def _look(styles: Mapping[str, float], asked: str) -> str:
    """The look of a picture: the one asked for, unless another is clearly nearer."""
    nearest = min(styles, key=styles.__getitem__)
    return nearest if styles[asked] - styles[nearest] > STYLE_MARGIN else asked


def _cuts(question: Screening, shots: Sequence[Shot], seen: Mapping[str, Sample]) -> Iterator[FilmFinding]:
    """A shot that was to go on from the last frame of the one before, and does not."""
    takes = {one.outcome.shot: one.take for one in question.used}
    for before, after in pairwise(shots):
        take = takes[after.id]
        goes_on = take is not None and any(one.role == "first" for one in take.request.conditioning)
        if goes_on and before.id in after.needs and before.scene == after.scene:
            last, first = seen[before.id].ends[1], seen[after.id].ends[0]
            gap = _distance(last, first) if last.shape == first.shape else 0.0
            if gap > CUT_GAP:
                words = f"{after.id} does not begin where {before.id} ends"
                yield _finding("cut", words, after.id, before.id, 0.5)


def _outliers(ids: Sequence[str], alike: Callable[[str, str], bool]) -> list[tuple[str, str]]:
    """Pairs of one that is out of line and the first of those that are not.

    In line are those that are like the one that most are like; of several such the one that was seen first.
    """
    if len(ids) < 2:
        return []
    fans = {one: [other for other in ids if alike(one, other)] for one in ids}
    middle = max(ids, key=lambda one: (len(fans[one]), -ids.index(one)))
    return [(one, fans[middle][0]) for one in ids if one not in fans[middle]]


# -------------------------------------------------------------------------------------- the whole film


def _story(question: Screening, seen: Mapping[str, Sample]) -> Iterator[FilmFinding]:
    """Shots that are missing, and characters that are not in theirs."""
    board, states = question.storyboard, {one.outcome.shot: one.outcome.state for one in question.used}
    for one in question.used:
        shot = one.outcome.shot
        if one.take is None:
            lost = [other for other, needs in question.because.items() if shot in needs and states[other] not in LOST]
            why = f"; {' and '.join(lost)} happens because of it" if lost else ""
            yield _finding("missing", f"{shot} is not in the film{why}", shot, lost[0] if lost else None, 1.0)
        elif one.outcome.state == "best":
            yield _finding("story", f"no take of {shot} was accepted", shot, None, 0.3)
        for who, look in seen[shot].who.items() if shot in seen else ():
            if not look.seen:  # how long somebody is seen the validator says, who looks at every frame
                words = f"{board.character(who).words} is not to be seen in {shot}"
                severity = 0.6 if one.outcome.state == "accepted" else 0.3
                yield _finding("story", words, shot, None, severity, who)


def _pacing(question: Screening) -> Iterator[FilmFinding]:
    """A film, or a shot, that is much shorter or longer than was asked."""
    lengths = {}
    for one in question.used:
        if one.take is not None:
            lengths[one.outcome.shot] = (one.outcome.last - one.outcome.first + 1) / one.take.request.fps
            if one.outcome.state == "trimmed" and lengths[one.outcome.shot] < 0.6 * one.take.request.seconds:
                words = f"only {lengths[one.outcome.shot]:.1f} of {one.take.request.seconds:.1f} s are left of it"
                yield _finding("pacing", f"{one.outcome.shot}: {words}", one.outcome.shot, None, 0.2)
    total = sum(lengths.values())
    if question.seconds and abs(total - question.seconds) > LENGTH_GAP * question.seconds:
        yield _finding("pacing", f"the film is {total:.1f} s long, not {question.seconds:g}", None, None, 0.3)


def _finding(
    kind: str,
    words: str,
    shot: str | None,
    other: str | None,
    severity: float,
    subject: str | None = None,
    wanted: str = "",
) -> FilmFinding:
    fields = {"kind": kind, "words": words, "shot": shot, "other": other, "subject": subject, "wanted": wanted}
    return FilmFinding.model_validate(fields | {"severity": round(severity, 3)})


# ------------------------------------------------------------------------------------------ sent back


def to_send_back(question: Screening, review: Review, takes: int) -> list[str]:
    """Shots worth making again, in film order: those with the worst findings, while they have takes left.

    `takes` is the most a shot may cost; one that has no accepted take has used them up.
    """
    weight: dict[str, float] = {}
    for finding in review.findings:
        if finding.shot is not None and finding.severity >= ACCEPTABLE:
            weight[finding.shot] = weight.get(finding.shot, 0.0) + finding.severity
    able = [
        one.outcome.shot
        for one in question.used
        if one.outcome.shot in weight
        and one.outcome.state == "accepted"
        and one.outcome.attempt < takes
        and not one.fixed
    ]
    most = max(1, len(question.used) // SENDABLE)
    worst = sorted(able, key=lambda shot: -weight[shot])[:most]
    return [shot for shot in able if shot in worst]


def corrections(board: Storyboard, review: Review, shot: str) -> tuple[Correction, ...]:
    """What the new requests of a shot carry because of what was found between it and others."""
    found: list[Correction] = []
    for finding in review.findings:
        if finding.shot == shot and finding.severity >= ACCEPTABLE:
            because, words = _asked(board, finding)
            found.append(Correction(action="reseed", because=because))
            found += [Correction(action="emphasize", words=words, because=because)] if words else []
    return tuple(dict.fromkeys(found))


def _asked(board: Storyboard, finding: FilmFinding) -> tuple[FindingKind, str]:
    who = board.character(finding.subject).words if finding.subject else ""
    shot = board.shot(str(finding.shot))
    asked: dict[str, tuple[FindingKind, str]] = {
        "identity": ("off model", f"{who} as in every other shot, {finding.wanted}"),
        "shape": ("off model", f"{who} with the same shape as in every other shot"),
        "place": ("wrong setting", f"unmistakably in the {shot.setting}"),
        "style": ("off model", f"{board.look.name} look throughout"),
        "cut": ("jump", ""),
        "story": ("subject missing", f"{who} in full view from beginning to end"),
    }
    return asked.get(finding.kind, ("cannot see", ""))
