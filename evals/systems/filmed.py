"""A film that a Studio made, as a harness sees it: its shots with their footage, what was found, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kinograph.agents.verdicts import ACCEPTABLE
from kinograph.errors import Damaged
from kinograph.evals.log import Spent
from kinograph.evals.systems import Footage, Made, MadeShot
from kinograph.evals.trajectory import without_retakes
from kinograph.film import Character, Cut, Film, FindingKind, Shot, Storyboard, Take, Usage, Verdict
from kinograph.studio import Studio

Portraits = Mapping[tuple[str, str], Sequence[tuple[str, Path]]]
"""Identity and state of a character -> pictures of it that were remembered, each with the shot it was cut out of."""


OF_SUBJECT: tuple[frozenset[FindingKind], ...] = (
    frozenset({"wrong subject", "shape drift"}),
    frozenset({"wrong motion", "size drift"}),
    frozenset({"wrong color", "color drift"}),
)
"""Findings against each thing that a subject is asked for; colours, which may be left open, last."""


def filmed(studio: Studio, film: Film, seconds: float, shots: int = 0) -> Made:
    """What was made in these wall seconds, of as many shots as were asked for, where that is known.

    Raises StorageError or Damaged.
    """
    from kinograph.graphs.passed import passed
    from kinograph.graphs.running import checkpoints_of

    place = Path(film.folder)
    path = passed(checkpoints_of(studio.place, place), film.id)
    return Made(
        shots=shots_of(studio, film),
        film=Path(film.path),
        sheet=place / "contact_sheet.png",
        boards=(film.storyboard,),
        spent=spent_on(film.usage, film.takes, seconds),
        path=path,
        expected=without_retakes(path, shots or len(film.storyboard.shots)),
    )


def shots_of(studio: Studio, film: Film) -> tuple[MadeShot, ...]:
    """The shots of a film as it shows them."""
    portraits = _portraits(studio, film)
    return tuple(_shot(studio, film, cut, portraits) for cut in film.timeline)


def _shot(studio: Studio, film: Film, cut: Cut, portraits: Portraits) -> MadeShot:
    """A shot as it was cut; one that the film shows a card for has no footage, which no metric likes."""
    takes = [take for take in film.takes if take.shot == cut.shot and not take.placeholder]
    used = next((take for take in takes if take.request.digest == cut.clip and take.clip is not None), None)
    shot = film.storyboard.shot(cut.shot)
    return MadeShot(
        shot=cut.shot,
        asked=shot.text,
        footage=None if used is None else _footage(used, cut),
        clip=Path(film.folder) / "shots" / f"{cut.shot}.mp4",
        digest="" if used is None else cut.clip,
        accepted=used is not None and used.accepted,
        found_right=found_right(used.verdict, shot, film.storyboard) if used and used.verdict else None,
        takes=len(takes),
        findings=tuple(words for take in takes for words in _found(take)),
        evidence=tuple(_evidence(studio, takes)),
        cast={
            one.who: pictures
            for one in shot.cast
            if (pictures := _beside(film.storyboard.character(one.who), cut.shot, portraits))
        },
    )


def found_right(verdict: Verdict, shot: Shot, board: Storyboard) -> float | None:
    """The share of what a shot was asked for that a validator has nothing severe against; None for broken frames, of
    which it judged nothing else. Of each subject its kind, what it does and, where it was said, its colour; the place.
    """
    if any(note.startswith("everything else") for note in verdict.unchecked):
        return None
    severe = [one for one in verdict.findings if one.severity >= ACCEPTABLE]
    found = [all(one.kind != "wrong setting" for one in severe)]
    for who in shot.cast:
        against = {one.kind for one in severe if one.subject == who.who}
        asked = OF_SUBJECT if board.character(who.who).color else OF_SUBJECT[:-1]
        found += ["subject missing" not in against and against.isdisjoint(kinds) for kinds in asked]
    return round(sum(found) / len(found), 6)


def _beside(who: Character, shot: str, portraits: Portraits) -> tuple[Path, ...]:
    """The pictures of a character in this look of it that other shots left."""
    return tuple(file for home, file in portraits.get((who.identity, who.state), ()) if home != shot)


def _footage(take: Take, cut: Cut) -> Footage:
    from kinograph.tools.footage import load

    clip = take.clip
    assert clip is not None, "a take that is used has a clip"
    return Footage(lambda: load(clip)[cut.first_frame : cut.last_frame + 1], clip.fps)


def _found(take: Take) -> list[str]:
    if take.error:
        return [f"take {take.attempt}: {take.error}"]
    return [f"take {take.attempt}: {one.kind}: {one.words}" for one in (take.verdict.findings if take.verdict else ())]


def _evidence(studio: Studio, takes: Sequence[Take]) -> list[Path]:
    """Pictures of findings that are still in the vault, each once."""
    findings = [one for take in takes if take.verdict for one in take.verdict.findings]
    return _there(studio, [digest for one in findings for digest in one.evidence])


def _there(studio: Studio, digests: Sequence[str]) -> list[Path]:
    files = []
    for digest in dict.fromkeys(digests):
        try:
            files.append(studio.vault.picture(digest))
        except Damaged:  # a picture that was cleared away shows nothing, and costs the sample nothing
            continue
    return files


def _portraits(studio: Studio, film: Film) -> Portraits:
    """The identity pictures that the film's memory keeps."""
    from kinograph.memory.contents import contents

    found: dict[tuple[str, str], list[tuple[str, Path]]] = {}
    for one in contents(studio.keyframes_file, film.id):
        if one.counts and one.keyframe.role == "identity":
            for file in _there(studio, [one.keyframe.picture]):
                found.setdefault((one.keyframe.about, one.keyframe.state), []).append((one.keyframe.shot, file))
    return found


def spent_on(usage: Usage, takes: Sequence[Take] = (), seconds: float = 0.0) -> Spent:
    """What thinking and these takes cost. A render that failed was a call of the generator, one that was stopped is
    the share of it that was done, and a reused clip is none."""
    real = [take for take in takes if not take.placeholder]
    renders = sum(1.0 if take.stopped is None else take.stopped for take in real if not take.reused)
    return Spent(
        seconds=round(seconds, 3),
        renders=round(renders, 6),
        reused=sum(take.reused for take in real),
        calls=len(usage.calls),
        tokens=usage.prompt_tokens + usage.completion_tokens,
        money=usage.money,
    )
