"""The generation agent: resolves a shot into a request, and a request into a clip."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from kinograph import prompts
from kinograph.agents import remedies, strategy
from kinograph.agents.retreat import FAILED, failure_of
from kinograph.errors import Cancelled, Damaged, KinographError, LeaseLost, RenderFailed, Stopped, StorageError, told
from kinograph.film import (
    Brief,
    Camera,
    Character,
    Clip,
    Conditioning,
    Correction,
    Decision,
    Finding,
    Means,
    Motion,
    RenderRequest,
    Shot,
    Storyboard,
    TimeOfDay,
    canonical_json,
    digest_of,
)
from kinograph.memory.jobs import Claim
from kinograph.memory.keyframes import Keyframe
from kinograph.memory.ledger import Ledger
from kinograph.memory.vault import Vault
from kinograph.memory.watches import Halt
from kinograph.tools.backends import ModelCard, Preview, Progress, Watched
from kinograph.tools.footage import load
from kinograph.tools.workers import WorkerPool

MOTION_WORDS: dict[Motion, str] = {
    "stays": "staying in place",
    "moves left": "moving left",
    "moves right": "moving right",
    "rises": "rising",
    "falls": "falling",
    "bounces": "bouncing",
    "spins": "spinning",
    "grows": "growing bigger",
    "shrinks": "shrinking",
    "circles": "moving in a circle",
}
CAMERA_WORDS: dict[Camera, str] = {
    "static": "static camera",
    "pan left": "camera pans left",
    "pan right": "camera pans right",
    "tilt up": "camera tilts up",
    "tilt down": "camera tilts down",
    "zoom in": "camera zooms in",
    "zoom out": "camera zooms out",
}
TIME_WORDS: dict[TimeOfDay, str] = {
    "dawn": "at dawn",
    "day": "by day",
    "sunset": "at sunset",
    "night": "at night",
}


ALL = Means()
"""Everything that was asked for."""


def seed_for(seed: int, *names: object) -> int:
    """A 32-bit seed that follows from the film's seed and these names."""
    return int(digest_of(canonical_json([seed, *map(str, names)]))[:8], 16)


def resolve(
    shot: Shot,
    storyboard: Storyboard,
    decision: Decision,
    brief: Brief,
    card: ModelCard,
    attempt: int = 1,
    corrections: Sequence[Correction] = (),
    recalled: Sequence[Keyframe] = (),
    means: Means = ALL,
) -> RenderRequest:
    """The request of one attempt at a shot; the same inputs give the same digest anywhere.

    `attempt` counts takes that were rendered, from 1; decision and card are those of the model that renders. Fewer
    frames take as long as all would: they come at a lower rate.
    """
    whole = card.legal_frames(round(shot.seconds * decision.fps))
    share = means.frames * remedies.SHORT ** _count(corrections, "shorten")
    frames = whole if share == 1 else card.legal_frames(round(whole * share))
    shared = remedies.shared(_count(corrections, "share noise")) if card.shared_noise else 0.0
    steps = min(card.max_steps, round(decision.steps * 1.25 ** _count(corrections, "more steps")))
    stronger = _count(corrections, "raise guidance")
    return RenderRequest(
        model=decision.model,
        revision=decision.revision,
        prompt=_prompt(shot, storyboard, recalled, _words(corrections, "emphasize")),
        negative=", ".join(_words(corrections, "avoid")),
        seed=_seed(shot, brief, attempt, means.seeds),
        frames=frames,
        fps=decision.fps if frames == whole else max(1, round(decision.fps * frames / whole)),
        width=decision.width if means.size == 1 else card.legal_side(decision.width * means.size),
        height=decision.height if means.size == 1 else card.legal_side(decision.height * means.size),
        steps=steps if means.steps == 1 else max(card.min_steps, round(steps * means.steps)),
        guidance=min(card.max_guidance, decision.guidance * 1.2**stronger),
        conditioning=_conditioning(shot, storyboard, decision, brief, card, recalled, attempt, corrections),
        offloaded=means.offloaded,
        shared_noise=shared,
        scene_seed=seed_for(brief.seed, shot.scene) if shared else 0,
    )


def _count(corrections: Sequence[Correction], action: str) -> int:
    return sum(correction.action == action for correction in corrections)


def _seed(shot: Shot, brief: Brief, attempt: int, left: int = 0) -> int:
    if left:  # with the seeds before these, renders failed
        return seed_for(brief.seed if shot.seed is None else shot.seed, shot.id, attempt, "another", left)
    # First takes of a scene share their noise, which keeps the place alike from shot to shot.
    if attempt > 1:
        return seed_for(brief.seed if shot.seed is None else shot.seed, shot.id, attempt)
    return seed_for(brief.seed, shot.scene) if shot.seed is None else shot.seed


def _words(corrections: Sequence[Correction], action: str) -> list[str]:
    return list(dict.fromkeys(correction.words for correction in corrections if correction.action == action))


def _prompt(shot: Shot, storyboard: Storyboard, recalled: Sequence[Keyframe], emphasis: list[str]) -> str:
    return prompts.render(
        "shot",
        subjects=[
            {
                "words": as_seen(storyboard.character(appearance.who), recalled),
                "action": appearance.action,
                "motion": MOTION_WORDS[appearance.motion],
            }
            for appearance in shot.cast
        ],
        setting=shot.setting,
        time=TIME_WORDS[shot.time],
        camera=CAMERA_WORDS[shot.camera],
        mood=shot.mood,
        extra=shot.extra,
        look=storyboard.look,
        emphasis=emphasis,
    )


def as_seen(character: Character, recalled: Sequence[Keyframe]) -> str:
    """How a prompt names a character: one of whom no colour was told in the colour that it was first seen in."""
    seen = next((k.seen for k in recalled if k.shows(character) and k.seen), "")
    if character.color is not None or not seen:
        return character.words
    named = rf"(?:\b(an?)\s+)?((?:[\w'’-]+\s+){{0,3}}?)\b{re.escape(character.kind)}\b"
    match = re.search(named, character.words, re.I)
    if match is None:
        return f"{character.words}, {seen}"
    before = f"{match[2]}{seen} {character.kind}"
    article = f"{'an' if before[0] in 'aeiou' else 'a'} " if match[1] else ""
    return f"{character.words[: match.start()]}{article}{before}{character.words[match.end() :]}"


def follows(shot: Shot, board: Storyboard, model: ModelCard) -> str | None:
    """The shot whose last frame this one goes on from; None where the model, or the storyboard, has it begin afresh."""
    if "i2v" not in model.tasks:
        return None
    here = (board.shot(need) for need in shot.needs if board.shot(need).scene == shot.scene)
    return next((one.id for one in here if not board.changed_between(one, shot)), None)


def _conditioning(
    shot: Shot,
    storyboard: Storyboard,
    decision: Decision,
    brief: Brief,
    card: ModelCard,
    recalled: Sequence[Keyframe],
    attempt: int,
    corrections: Sequence[Correction],
) -> tuple[Conditioning, ...]:
    """The pictures that the model can take: how the cast looks, and what the shot begins with."""
    cast = [storyboard.character(one.who) for one in shot.cast]
    who = [found for one in cast if (found := _reference(one, recalled))][: card.references]
    first = _first(shot, storyboard, decision, brief, card, recalled, attempt)
    if first is None and _count(corrections, "hold keyframe") and "i2v" in card.tasks:
        first = next((k.picture for k in recalled if k.role == "setting"), None)
    begins = (Conditioning(keyframe=first, role="first"),) if first else ()
    if begins and first not in brief.references and (loose := _count(corrections, "loosen keyframe")):
        begins = remedies.loosened(begins[0], loose, card.graded)
    return (*begins, *(Conditioning(keyframe=picture, role="reference") for picture in who))


def _reference(character: Character, recalled: Sequence[Keyframe]) -> str | None:
    """The picture that a character is held to: of this look of it, else of who it is, unless in another colour."""
    views = [k for k in recalled if k.role == "identity" and k.about == character.identity]
    recolored = character.state and character.state == character.color
    own = [k for k in views if k.shows(character)]
    return next((k.picture for k in (own if recolored else [*own, *views])), None)


def _first(
    shot: Shot,
    storyboard: Storyboard,
    decision: Decision,
    brief: Brief,
    card: ModelCard,
    recalled: Sequence[Keyframe],
    attempt: int,
) -> str | None:
    """The first frame: the reference picture where the film begins, where the shot before ended, or an own picture."""
    if "i2v" not in card.tasks:
        return None
    if brief.references and shot.id == storyboard.shots[0].id:
        return brief.references[0]
    goes_on = next((keyframe.picture for keyframe in recalled if keyframe.role == "last"), None)
    return goes_on or strategy.begins_with(shot, storyboard, decision.visuals, decision.stock, attempt)


class Rendered(NamedTuple):
    """A clip, and whether it had been rendered before."""

    clip: Clip
    reused: bool


class Oversight(Protocol):
    """Whoever looks at a render under way and may have it ended."""

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the denoising, after each of which a look is wanted."""
        ...

    def against(self, preview: Preview) -> tuple[Finding, ...]:
        """What makes it hopeless; nothing lets it go on."""
        ...

    @property
    def question(self) -> str:
        """All that another process needs to look in its place; empty where only this one can."""
        ...


class Stopping:
    """A render's progress, which its oversight hears too and may have end."""

    def __init__(self, on_progress: Callable[[float], None], oversight: Oversight | None) -> None:
        self._tell, self._oversight = on_progress, oversight
        self.findings: tuple[Finding, ...] = ()
        self.share = 0.0
        """How far the render is, as far as is known."""

    @property
    def asked(self) -> bool:
        """Whether the render is to end."""
        return bool(self.findings)

    @property
    def watched(self) -> Progress:
        if self._oversight is None:
            return self._heard
        return Watched(self._heard, self._oversight.shares, self._see)

    def _heard(self, _: int, share: float) -> None:
        self.share = max(self.share, share)
        self._tell(share)

    def _see(self, _: int, preview: Preview) -> None:
        self.share = max(self.share, preview.share)
        if self._oversight is not None and not self.asked:
            self.findings = self._oversight.against(preview)


LOOK = 0.1
"""Seconds between looks at what others render."""


class Generation:
    """Turns requests into clips. Never renders the same request twice."""

    def __init__(
        self,
        vault: Vault,
        ledger: Ledger,
        workers: WorkerPool,
        production: str = "",
        slots: int | None = None,
        others: Callable[[str], WorkerPool | None] = lambda model: None,
    ) -> None:
        """At most `slots` renders at a time; what is asked beyond them waits for hands that others lend. `others`
        opens the workers of a model that is not the production's own; None for that one.
        """
        self._vault = vault
        self._jobs = ledger.jobs
        self._watches = ledger.watches
        self._workers = workers
        self._production = production
        self._slots = threading.Semaphore(slots) if slots is not None else None
        self._open = others
        self._others: dict[str, WorkerPool] = {}
        self._opening = threading.Lock()

    def revision(self, model: str) -> str:
        """The revision of a model as it renders here. Raises RenderFailed when it cannot be opened."""
        return self._pool(model).revision

    def _pool(self, model: str) -> WorkerPool:
        with self._opening:
            if model not in self._others:
                try:
                    self._others[model] = self._open(model) or self._workers
                except Exception as error:  # one model that cannot be opened leaves others to try
                    raise RenderFailed(f"{model} cannot be opened: {told(error)}") from error
            return self._others[model]

    def close(self) -> None:
        """Ends the workers of the production's own model and of all others that were opened."""
        for pool in {id(pool): pool for pool in (self._workers, *self._others.values())}.values():
            pool.close()

    def render(
        self,
        request: RenderRequest,
        on_progress: Callable[[float], None],
        cancelled: Callable[[], bool],
        oversight: Oversight | None = None,
    ) -> Rendered:
        """The clip of a request: out of the vault when it is there and whole, else rendered under a lease.

        While no slot is free the request waits in the ledger, and whoever lends a hand may render it. Waits for another
        worker that renders the same as long as that one's claim lives. `oversight` may look at the render and end it,
        and whoever lends a hand looks as it would. Raises RenderFailed, StorageError, Cancelled, or Stopped where it
        was ended.
        """
        if (clip := self._kept(request.digest)) is not None:
            return Rendered(clip, reused=True)
        asked = ours = False
        try:
            while True:
                if cancelled():
                    raise Cancelled("rendering was cancelled")
                if asked and (halt := self._watches.halted(self._production, request.digest)) is not None:
                    raise Stopped(halt.share, halt.findings)
                with self._slot(LOOK if asked else 0.0) as free:
                    claim = self._jobs.claim(request) if free else None
                    if claim is not None:
                        if (made := self._made(request, claim, on_progress, cancelled, oversight)) is not None:
                            return made
                        continue
                job = self._jobs.job(request.digest)
                ended = job is None or job.state in ("done", "failed")
                if job is not None and job.state == "done" and (clip := self._kept(request.digest)) is not None:
                    return Rendered(clip, reused=not ours)
                if job is not None and job.state == "failed" and ours:
                    raise RenderFailed(job.error or f"{request.model} failed where it was rendered")
                if not free and (ended or not asked):
                    self._ask(request.digest, oversight)
                    ours = self._jobs.announce(self._production, request) or ours
                    asked = True
                elif free:
                    time.sleep(LOOK)  # another living worker renders this very clip
        finally:
            if asked:
                self._jobs.withdraw(self._production, request.digest)
                self._watches.close(self._production, request.digest)

    def lend(
        self,
        request: RenderRequest,
        cancelled: Callable[[], bool],
        oversee: Callable[[str], Oversight | None] = lambda question: None,
    ) -> bool:
        """Renders what the process that conducts waits for; False when another worker is at it, and when it was ended.

        `oversee` opens who looks at the render as that process asks; what they find goes back to it. Raises
        StorageError, Cancelled.
        """
        question = self._watches.question(self._production, request.digest)
        oversight = oversee(question) if question is not None else None
        claim = self._jobs.claim(request)
        if claim is None:
            return False

        def stopped(error: Stopped) -> None:
            halt = Halt(share=error.share, findings=error.findings)
            self._watches.halt(self._production, request.digest, halt)

        try:
            made = self._made(request, claim, lambda _: None, cancelled, oversight, stopped)
        except Stopped:
            return False  # those who wait have read why
        except RenderFailed:
            return True  # the ledger says why to those who wait
        return made is not None and not made.reused

    def _ask(self, digest: str, oversight: Oversight | None) -> None:
        """Has whoever lends a hand look as `oversight` would, or not at all."""
        if oversight is not None and oversight.question:
            self._watches.ask(self._production, digest, oversight.question)
        else:
            self._watches.close(self._production, digest)  # that of a process that was killed may be there

    @contextmanager
    def _slot(self, patience: float) -> Iterator[bool]:
        """Whether a slot is free, which is taken for the block."""
        if self._slots is None:
            yield True
            return
        free = self._slots.acquire(timeout=patience) if patience else self._slots.acquire(blocking=False)
        try:
            yield free
        finally:
            if free:
                self._slots.release()

    def _kept(self, digest: str) -> Clip | None:
        for everywhere in (False, True):  # a copy that is damaged may be whole where it was fetched from
            clip = self._vault.clip(digest)
            if clip is None:
                return None
            try:
                load(clip)
            except Damaged:
                self._vault.drop_clip(digest, everywhere)
            else:
                return clip
        return None

    def _made(
        self,
        request: RenderRequest,
        claim: Claim,
        on_progress: Callable[[float], None],
        cancelled: Callable[[], bool],
        oversight: Oversight | None = None,
        stopped: Callable[[Stopped], None] = lambda error: None,
    ) -> Rendered | None:
        """The clip of a claimed request, filed; None when another process took the job over meanwhile.

        `stopped` hears that it was ended before others may claim it.
        """
        ended = Stopping(on_progress, oversight)
        try:
            if (clip := self._kept(request.digest)) is not None:  # whoever had the job before came as far as that
                self._jobs.release(claim)
                return Rendered(clip, reused=True)
            clip = self._pool(request.model).render(
                [request], ended.watched, lambda: claim.lost.is_set() or ended.asked or cancelled()
            )[0]
            return Rendered(self._vault.keep_clip(clip, self._jobs.committing(claim)), reused=False)
        except LeaseLost:
            return None
        except (Cancelled, StorageError) as error:
            own = isinstance(error, Cancelled) and not cancelled()
            why = Stopped(ended.share, ended.findings) if own and ended.asked and not claim.lost.is_set() else None
            try:
                if why is not None:
                    stopped(why)
            finally:
                self._jobs.give_back(claim, str(error))
            if own and claim.lost.is_set():
                return None
            if why is not None:
                raise why from error
            raise
        except KinographError as error:
            self._jobs.settle(claim, str(error))
            raise
        except Exception as error:  # whatever a model may raise costs one take, never the film
            self._jobs.settle(claim, repr(error))
            raise FAILED[failure_of(error)](f"{request.model} failed: {told(error)}") from error
        except BaseException:
            self._jobs.give_back(claim)
            raise
