"""The generation agent: resolves a shot into a request, and a request into a clip."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from kinograph import prompts
from kinograph.agents import strategy
from kinograph.errors import Cancelled, Damaged, KinographError, LeaseLost, RenderFailed, StorageError
from kinograph.film import (
    Brief,
    Camera,
    Clip,
    Conditioning,
    Correction,
    Decision,
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
from kinograph.tools.backends import ModelCard
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
) -> RenderRequest:
    """The request of one attempt at a shot; the same inputs give the same digest anywhere."""
    stronger = sum(correction.action == "raise guidance" for correction in corrections)
    longer = sum(correction.action == "more steps" for correction in corrections)
    return RenderRequest(
        model=decision.model,
        revision=decision.revision,
        prompt=_prompt(shot, storyboard, _words(corrections, "emphasize")),
        negative=", ".join(_words(corrections, "avoid")),
        seed=_seed(shot, brief, attempt),
        frames=card.legal_frames(round(shot.seconds * decision.fps)),
        fps=decision.fps,
        width=decision.width,
        height=decision.height,
        steps=min(card.max_steps, round(decision.steps * 1.25**longer)),
        guidance=min(card.max_guidance, decision.guidance * 1.2**stronger),
        conditioning=_conditioning(shot, storyboard, decision, brief, card, recalled, attempt),
    )


def _seed(shot: Shot, brief: Brief, attempt: int) -> int:
    # First takes of a scene share their noise, which keeps the place alike from shot to shot.
    if attempt > 1:
        return seed_for(brief.seed if shot.seed is None else shot.seed, shot.id, attempt)
    return seed_for(brief.seed, shot.scene) if shot.seed is None else shot.seed


def _words(corrections: Sequence[Correction], action: str) -> list[str]:
    return list(dict.fromkeys(correction.words for correction in corrections if correction.action == action))


def _prompt(shot: Shot, storyboard: Storyboard, emphasis: list[str]) -> str:
    return prompts.render(
        "shot",
        subjects=[
            {
                "words": storyboard.character(appearance.who).words,
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


def _conditioning(
    shot: Shot,
    storyboard: Storyboard,
    decision: Decision,
    brief: Brief,
    card: ModelCard,
    recalled: Sequence[Keyframe],
    attempt: int,
) -> tuple[Conditioning, ...]:
    """The first frame: the reference picture where the film begins, where the shot before ended, or an own picture."""
    if "i2v" not in card.tasks:
        return ()
    if brief.references and shot.id == storyboard.shots[0].id:
        return (Conditioning(keyframe=brief.references[0], role="first"),)
    goes_on = [keyframe.picture for keyframe in recalled if keyframe.role == "last"]
    stock = strategy.begins_with(shot, storyboard, decision.visuals, decision.stock, attempt)
    first = goes_on[0] if goes_on else stock
    return (Conditioning(keyframe=first, role="first"),) if first else ()


class Rendered(NamedTuple):
    """A clip, and whether it had been rendered before."""

    clip: Clip
    reused: bool


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
    ) -> None:
        """At most `slots` renders at a time; what is asked beyond them waits for hands that others lend."""
        self._vault = vault
        self._jobs = ledger.jobs
        self._workers = workers
        self._production = production
        self._slots = threading.Semaphore(slots) if slots is not None else None

    def render(
        self, request: RenderRequest, on_progress: Callable[[float], None], cancelled: Callable[[], bool]
    ) -> Rendered:
        """The clip of a request: out of the vault when it is there and whole, else rendered under a lease.

        While no slot is free the request waits in the ledger, and whoever lends a hand may render it. Raises
        RenderFailed, StorageError or Cancelled.
        """
        if (clip := self._kept(request.digest)) is not None:
            return Rendered(clip, reused=True)
        asked = ours = False
        try:
            while True:
                if cancelled():
                    raise Cancelled("rendering was cancelled")
                with self._slot(LOOK if asked else 0.0) as free:
                    claim = self._jobs.claim(request) if free else None
                    if claim is not None:
                        if (made := self._made(request, claim, on_progress, cancelled)) is not None:
                            return made
                        continue
                job = self._jobs.job(request.digest)
                ended = job is None or job.state in ("done", "failed")
                if job is not None and job.state == "done" and (clip := self._kept(request.digest)) is not None:
                    return Rendered(clip, reused=not ours)
                if job is not None and job.state == "failed" and ours:
                    raise RenderFailed(job.error or f"{request.model} failed where it was rendered")
                if not free and (ended or not asked):
                    ours = self._jobs.announce(self._production, request) or ours
                    asked = True
                elif free:
                    time.sleep(LOOK)  # another living worker renders this very clip
        finally:
            if asked:
                self._jobs.withdraw(self._production, request.digest)

    def lend(self, request: RenderRequest, cancelled: Callable[[], bool]) -> bool:
        """Renders what somebody else waits for; False when another worker is at it. Raises StorageError, Cancelled."""
        claim = self._jobs.claim(request)
        if claim is None:
            return False
        try:
            made = self._made(request, claim, lambda _: None, cancelled)
        except RenderFailed:
            return True  # the ledger says why to those who wait
        return made is not None and not made.reused

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
    ) -> Rendered | None:
        """The clip of a claimed request, filed; None when another process took the job over meanwhile."""
        try:
            if (clip := self._kept(request.digest)) is not None:  # whoever had the job before came as far as that
                self._jobs.release(claim)
                return Rendered(clip, reused=True)
            clip = self._workers.render(
                [request], lambda _, share: on_progress(share), lambda: claim.lost.is_set() or cancelled()
            )[0]
            return Rendered(self._vault.keep_clip(clip, self._jobs.committing(claim)), reused=False)
        except LeaseLost:
            return None
        except (Cancelled, StorageError) as error:
            self._jobs.give_back(claim, str(error))
            if claim.lost.is_set() and isinstance(error, Cancelled) and not cancelled():
                return None
            raise
        except KinographError as error:
            self._jobs.settle(claim, str(error))
            raise
        except Exception as error:  # whatever a model may raise costs one take, never the film
            self._jobs.settle(claim, repr(error))
            raise RenderFailed(f"{request.model} failed: {type(error).__name__}: {error}") from error
        except BaseException:
            self._jobs.give_back(claim)
            raise
