"""The generation agent: resolves a shot into a request, and a request into a clip."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kinograph import prompts
from kinograph.agents import strategy
from kinograph.errors import Cancelled, Damaged, KinographError, RenderFailed
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


class Generation:
    """Turns requests into clips. Never renders the same request twice."""

    def __init__(self, vault: Vault, ledger: Ledger, workers: WorkerPool) -> None:
        self._vault = vault
        self._ledger = ledger
        self._workers = workers

    def render(
        self, request: RenderRequest, on_progress: Callable[[float], None], cancelled: Callable[[], bool]
    ) -> Rendered:
        """The clip of a request: out of the vault when it is there and whole, else rendered under a lease.

        Raises RenderFailed, StorageError or Cancelled.
        """
        while (clip := self._kept(request.digest)) is None:
            if cancelled():
                raise Cancelled("rendering was cancelled")
            if self._ledger.claim(request):
                if self._vault.clip(request.digest) is None:
                    return Rendered(self._render(request, on_progress, cancelled), reused=False)
                self._ledger.release(request.digest)  # another worker finished between our look and our claim
                continue
            time.sleep(0.2)  # another living worker renders this very clip
        return Rendered(clip, reused=True)

    def _kept(self, digest: str) -> Clip | None:
        clip = self._vault.clip(digest)
        if clip is None:
            return None
        try:
            load(clip)
        except Damaged:
            self._vault.drop_clip(digest)
            return None
        return clip

    def _render(
        self, request: RenderRequest, on_progress: Callable[[float], None], cancelled: Callable[[], bool]
    ) -> Clip:
        digest = request.digest

        def progress(_: int, share: float) -> None:
            self._ledger.renew(digest)
            on_progress(share)

        try:
            clip = self._vault.keep_clip(self._workers.render([request], progress, cancelled)[0])
        except KinographError as error:
            self._ledger.settle(digest, str(error))
            raise
        except Exception as error:  # whatever a model may raise costs one take, never the film
            self._ledger.settle(digest, repr(error))
            raise RenderFailed(f"{request.model} failed: {type(error).__name__}: {error}") from error
        self._ledger.settle(digest)
        return clip
