"""What a new version costs: which shots are taken over as they are, which are rendered again, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from kinograph.agents.requesting import resolve
from kinograph.agents.ties import comes_out_of, follows, stands_on
from kinograph.events import Work
from kinograph.film import Film, Outcome, RenderRequest, Shot, Storyboard, Take
from kinograph.graphs.production import Carried
from kinograph.tools.backends import ModelCard, card

if TYPE_CHECKING:
    from kinograph.memory.sessions import Version
    from kinograph.memory.vault import Vault


NOT_YET = "not rendered yet"


class Filmed(NamedTuple):
    """A version with the film that was made of it."""

    version: Version
    film: Film


class Costs(NamedTuple):
    """What filming a version comes to."""

    works: tuple[Work, ...]
    carried: Carried
    takes: tuple[Take, ...]
    """Takes of the carried shots."""


def costs(
    version: Version, filmed: Sequence[Filmed], takes: Sequence[Take], before: Version | None, vault: Vault
) -> Costs:
    """Compares a version, by the digests of its requests, with those filmed before.

    `filmed` is in the order in which they are asked; `takes` are all takes of the session; `before` is the version
    that reasons are given against.
    """
    model = card(version.decision.model)
    requests = bare(version, model)
    sources: dict[str, _Shown] = {}
    found: list[Take] = []
    works: list[Work] = []
    known = [(one, bare(one.version, card(one.version.decision.model))) for one in filmed]
    for number, shot in enumerate(version.storyboard.shots, 1):
        request = requests[shot.id]
        carry = _chosen(shot, takes, vault, found) if shot.keep else None
        for one, theirs in known if carry is None else ():
            if theirs.get(shot.id) == request and (carry := _taken_over(shot, version, one, sources, model, vault)):
                found += [take for take in one.film.takes if take.shot == shot.id]
                break
        if carry is not None:
            sources[shot.id] = _Shown(carry, _clip(carry, found))
            why = "the take that you chose" if carry.state == "chosen" else "unchanged"
            works.append(Work(shot=shot.id, number=number, does="keep", why=why, seconds=0.0))
            continue
        ready = not stands_on(shot, version.storyboard, model) and vault.clip(request.digest) is not None
        why = reason(shot, version, before, model)
        works.append(
            Work(
                shot=shot.id,
                number=number,
                does="vault" if ready else "render",
                why="its clip is there" if ready and why == NOT_YET else why,
                seconds=0.0 if ready else pace(request, model),
            )
        )
    return Costs(tuple(works), Carried(shots=tuple(one.carry for one in sources.values())), tuple(found))


class _Shown(NamedTuple):
    """What a carried shot shows."""

    carry: Outcome
    clip: str
    """Digest of the clip's request."""


def _clip(carry: Outcome, takes: Sequence[Take]) -> str:
    return next(take.request.digest for take in takes if (take.shot, take.attempt) == (carry.shot, carry.attempt))


def bare(version: Version, model: ModelCard) -> dict[str, RenderRequest]:
    """The request of every shot's first take, without what it goes on from."""
    board = version.storyboard
    return {shot.id: resolve(shot, board, version.decision, version.brief, model) for shot in board.shots}


def pace(request: RenderRequest, model: ModelCard) -> float | None:
    """Estimated wall seconds of one take."""
    if model.seconds_per_frame is None:
        return None
    area = request.width * request.height / (model.width * model.height)
    return round(request.frames * model.seconds_per_frame * area, 2)


def _chosen(shot: Shot, takes: Sequence[Take], vault: Vault, found: list[Take]) -> Outcome | None:
    """The take that was chosen by hand, if its clip is still there."""
    for take in takes:
        if take.clip is not None and take.request.digest == shot.keep and vault.clip(take.request.digest):
            found.append(take.changed(shot=shot.id))
            return Outcome(shot=shot.id, state="chosen", attempt=take.attempt, first=0, last=take.clip.frames - 1)
    return None


def _taken_over(
    shot: Shot, version: Version, one: Filmed, carried: dict[str, _Shown], model: ModelCard, vault: Vault
) -> Outcome | None:
    """What an earlier film used of a shot with the same request, if that still holds."""
    cut = next((cut for cut in one.film.timeline if cut.shot == shot.id), None)
    if cut is None or vault.clip(cut.clip) is None:
        return None
    if one.version.storyboard.shot(shot.id).keep:
        return None  # that film shows a take that was chosen, and this version does not choose it
    sources = stands_on(shot, version.storyboard, model)
    if sources != stands_on(one.version.storyboard.shot(shot.id), one.version.storyboard, model):
        return None
    for source in sources:
        theirs = next((cut for cut in one.film.timeline if cut.shot == source), None)
        mine = carried.get(source)
        if theirs is None or mine is None or mine.clip != theirs.clip or mine.carry.last != theirs.last_frame:
            return None
    take = next(take for take in one.film.takes if (take.shot, take.attempt) == (cut.shot, cut.attempt))
    if take.placeholder:
        return None
    whole = take.clip is not None and cut.last_frame - cut.first_frame + 1 == take.clip.frames
    return Outcome(
        shot=shot.id,
        state="accepted" if take.accepted else "best" if whole else "trimmed",
        attempt=cut.attempt,
        first=cut.first_frame,
        last=cut.last_frame,
        given_up=tuple(given for given in one.film.given_up if given.shot == shot.id),
    )


# ------------------------------------------------------------------------------------------- reasons


def reason(shot: Shot, version: Version, before: Version | None, model: ModelCard) -> str:
    """Why a shot is rendered: what is different from the version before, in words."""
    if before is None:
        return NOT_YET
    old = next((one for one in before.storyboard.shots if one.id == shot.id), None)
    if old is None:
        return "new shot"
    said = [*_whole(version, before), *_own(shot, old, version.storyboard, before.storyboard, version.brief.seed)]
    if not said and (source := follows(shot, version.storyboard, model)):
        place = [one.id for one in version.storyboard.shots].index(source) + 1
        said = [f"goes on from shot {place}"]
    if not said and (source := comes_out_of(shot, version.storyboard)):
        place = [one.id for one in version.storyboard.shots].index(source) + 1
        said = [f"comes out of shot {place}"]
    return ", ".join(said) or NOT_YET


def _whole(version: Version, before: Version) -> list[str]:
    new, old = version.decision, before.decision
    said = []
    if (new.model, new.revision) != (old.model, old.revision):
        said.append(f"model {new.model}" if new.model != old.model else f"{new.model} changed")
    if (new.width, new.height, new.fps) != (old.width, old.height, old.fps):
        said.append(f"size {new.width}x{new.height} at {new.fps} fps")
    if version.brief.seed != before.brief.seed:
        said.append(f"seed {version.brief.seed}")
    if version.storyboard.look != before.storyboard.look:
        said.append(f"look {version.storyboard.look.name}")
    return said


def _own(shot: Shot, old: Shot, board: Storyboard, was: Storyboard, seed: int) -> list[str]:
    said = [
        f"{name}: {getattr(old, name) or 'none'} → {getattr(shot, name) or 'none'}"
        for name in ("setting", "time", "camera", "mood", "transition")
        if getattr(shot, name) != getattr(old, name)
    ]
    if shot.seconds != old.seconds:
        said.append(f"{round(old.seconds, 2):g} s → {round(shot.seconds, 2):g} s")
    if shot.seed != old.seed:
        said.append(f"seed {seed if shot.seed is None else shot.seed}")
    if old.keep and not shot.keep:
        said.append("a take of its own again")
    then = {one.who: one for one in old.cast}
    for one in shot.cast:
        words = board.character(one.who).words
        if one.who not in then:
            said.append(f"with {words}")
        elif one != then[one.who]:
            said.append(f"{words} {one.motion}")
        elif (before := was.character(one.who).words) != words:
            said.append(f"{before} → {words}")
    gone = set(then) - {one.who for one in shot.cast}
    return [*said, *(f"without {was.character(who).words}" for who in sorted(gone))]
