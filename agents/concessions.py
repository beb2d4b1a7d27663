"""What a film gives up, put down by name: what was asked for, why it is not so, and what is so instead."""

from __future__ import annotations

from collections.abc import Sequence

from kinograph.agents.verdicts import ACCEPTABLE
from kinograph.film import Concession, Decision, Failure, Outcome, RenderRequest, Shot, Storyboard, Take, Verdict

PLACEHOLDER = "placeholder"
"""The model that a placeholder's request names: a card that is drawn, not rendered."""
SHORTLY: dict[Failure, str] = {
    "memory": "not enough memory to render it",
    "time": "rendering it did not end in time",
    "worker": "its renderer died",
    "other": "rendering it failed",
}
"""What a placeholder says to those who see the film; the manifest has the errors themselves."""


def card_request(shot: Shot, board: Storyboard, decision: Decision, frames: int, reason: str) -> RenderRequest:
    """The request for a shot's placeholder: as long as the shot, as large as the film."""
    number = [one.id for one in board.shots].index(shot.id) + 1
    words = (f"Shot {number}", shot.text, reason)
    return RenderRequest(
        model=PLACEHOLDER,
        revision="1",
        prompt="\n".join(" ".join(one.split()) for one in words),
        seed=0,
        frames=frames,
        fps=decision.fps,
        width=decision.width,
        height=decision.height,
    )


def failures(takes: Sequence[Take]) -> str:
    """Why renders failed, each reason once."""
    return "; ".join(dict.fromkeys(take.error for take in takes if take.error)) or "no take was rendered"


def of_means(take: Take, decision: Decision, takes: Sequence[Take]) -> list[Concession]:
    """What a take was rendered without, and the failures that led to that."""
    means, request, before = take.means, take.request, [one for one in takes if one.attempt < take.attempt]
    why = failures(before) if any(one.error for one in before) or not before else against(before[-1].verdict)
    found: list[Concession] = []

    def note(kind: str, instead: str) -> None:
        found.append(Concession.model_validate(_render(take.shot, kind, why, instead)))

    if means.model:
        size = f"{request.frames} frames of {request.width}x{request.height} at {request.fps} fps"
        note("other model", f"rendered with {means.model} instead of {decision.model}: {size}")
    elif means.size < 1:
        wanted = f"{decision.width}x{decision.height}"
        note("smaller", f"rendered at {request.width}x{request.height} and enlarged to {wanted}")
    if means.frames < 1 or (not means.model and request.fps < decision.fps):
        note("fewer frames", f"{request.frames} frames at {request.fps} fps, each shown for longer")
    if means.steps < 1:
        note("fewer steps", f"{request.steps} denoising steps")
    return found


def _render(shot: str, kind: str, why: str, instead: str) -> dict[str, str]:
    return {"task": "render", "shot": shot, "kind": kind, "why": why, "instead": instead}


def left_out(shot: str, why: str, instead: str) -> Concession:
    """Something that a take lacks, however good it is."""
    return Concession.model_validate(_render(shot, "left out", why, instead))


def of_outcome(outcome: Outcome, takes: Sequence[Take], decision: Decision) -> tuple[Concession, ...]:
    """What an outcome gives up by itself; `takes` are the shot's."""
    shot, take = outcome.shot, next((one for one in takes if one.attempt == outcome.attempt), None)
    if outcome.state == "failed":
        why, instead = failures(takes), "the film is cut without it"
        return (Concession(task="render", shot=shot, kind="missing", why=why, instead=instead),)
    if outcome.state == "placeholder":
        why, instead = failures(takes), "a placeholder card stands in its place"
        return (Concession(task="render", shot=shot, kind="placeholder", why=why, instead=instead),)
    if take is None or outcome.state == "chosen":
        return ()
    found = of_means(take, decision, takes)
    why = against(take.verdict)
    if outcome.state == "trimmed":
        instead = f"frames {outcome.first} to {outcome.last} of one of its takes"
        found.append(Concession(task="render", shot=shot, kind="trimmed", why=why, instead=instead))
    elif outcome.state == "best":
        found.append(
            Concession(task="render", shot=shot, kind="not accepted", why=why, instead="its best take is used")
        )
    return tuple(found)


def against(verdict: Verdict | None) -> str:
    """Why a take was not accepted."""
    severe = [one.words for one in verdict.findings if one.severity >= ACCEPTABLE] if verdict else []
    return severe[0] if severe else "no take was accepted"
