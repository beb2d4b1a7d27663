"""A shot becomes a request: one attempt at it resolved for one model, with the seed that follows from the film's."""

from __future__ import annotations

from collections.abc import Sequence

from kinograph.agents import remedies
from kinograph.agents.ties import FREE, Ties, blend, conditioning
from kinograph.agents.wording import prompt_of
from kinograph.film import (
    Brief,
    Correction,
    Decision,
    Means,
    RenderRequest,
    Shot,
    Storyboard,
    canonical_json,
    digest_of,
)
from kinograph.memory.keyframe import Keyframe
from kinograph.tools.backends import ModelCard

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
    ties: Ties = FREE,
) -> RenderRequest:
    """The request of one attempt at a shot; the same inputs give the same digest anywhere.

    `attempt` counts takes that were rendered, from 1; decision and card are those of the model that renders. Fewer
    frames take as long as all would: they come at a lower rate. A take that is tied to nothing has the request that it
    had before there were ties.
    """
    whole = card.legal_frames(round(shot.seconds * decision.fps))
    share = means.frames * remedies.SHORT ** remedies.times(corrections, "shorten")
    frames = whole if share == 1 else card.legal_frames(round(whole * share))
    shared = remedies.shared(remedies.times(corrections, "share noise")) if card.shared_noise else 0.0
    steps = min(card.max_steps, round(decision.steps * 1.25 ** remedies.times(corrections, "more steps")))
    stronger = remedies.times(corrections, "raise guidance")
    return RenderRequest(
        model=decision.model,
        revision=decision.revision,
        prompt=prompt_of(shot, storyboard, recalled, _words(corrections, "emphasize")),
        negative=", ".join(_words(corrections, "avoid")),
        seed=_seed(shot, brief, attempt, means.seeds),
        frames=frames,
        fps=decision.fps if frames == whole else max(1, round(decision.fps * frames / whole)),
        width=decision.width if means.size == 1 else card.legal_side(decision.width * means.size),
        height=decision.height if means.size == 1 else card.legal_side(decision.height * means.size),
        steps=steps if means.steps == 1 else max(card.min_steps, round(steps * means.steps)),
        guidance=min(card.max_guidance, decision.guidance * 1.2**stronger),
        conditioning=conditioning(shot, storyboard, decision, brief, card, recalled, attempt, corrections, ties),
        offloaded=means.offloaded,
        shared_noise=shared,
        scene_seed=seed_for(brief.seed, shot.scene) if shared else 0,
        blend=blend(ties, card, attempt),
    )


def _seed(shot: Shot, brief: Brief, attempt: int, left: int = 0) -> int:
    if left:  # with the seeds before these, renders failed
        return seed_for(brief.seed if shot.seed is None else shot.seed, shot.id, attempt, "another", left)
    # First takes of a scene share their noise, which keeps the place alike from shot to shot.
    if attempt > 1:
        return seed_for(brief.seed if shot.seed is None else shot.seed, shot.id, attempt)
    return seed_for(brief.seed, shot.scene) if shot.seed is None else shot.seed


def _words(corrections: Sequence[Correction], action: str) -> list[str]:
    return list(dict.fromkeys(correction.words for correction in corrections if correction.action == action))
