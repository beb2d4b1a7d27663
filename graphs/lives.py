"""What a shot's life has come to so far: the takes that count, what they ask of the next one, what it is held to."""

from __future__ import annotations

from kinograph.film import Concession, Correction, Held, Outcome, Take
from kinograph.graphs import rounds
from kinograph.graphs.production import Crew, TakeState
from kinograph.memory.keyframe import Keyframe


def attempt_of(state: TakeState) -> int:
    return state.get("attempt", 1)


def as_data(given_up: list[Concession]) -> list[dict[str, str]]:
    return [concession.model_dump() for concession in given_up]


def sent_back_with(crew: Crew, state: TakeState) -> rounds.SentBack | None:
    """What a shot that is made again was sent back with."""
    found = rounds.sent_back(crew, state["shot"]) if state.get("round", 1) > 1 else None
    return found[1] if found else None


def of_this_life(crew: Crew, state: TakeState, takes: list[Take]) -> list[Take]:
    """Those of a shot's takes that belong to this life of it: what failed before says nothing of a shot made again."""
    again = sent_back_with(crew, state)
    return [take for take in takes if again is None or take.attempt >= again.first]


def counted(takes: list[Take]) -> int:
    """Takes that count against those that the shot may cost: renders that failed do not."""
    return sum(take.failure is None and not take.placeholder for take in takes)


def corrections_of(takes: list[Take]) -> list[Correction]:
    """What the verdicts on earlier takes ask of the next request, oldest first."""
    return [correction for take in takes if take.verdict for correction in take.verdict.corrections]


def of_the_film(crew: Crew, state: TakeState) -> list[Correction]:
    """What the quality agent asks of the next request, where it sent the shot back."""
    again = sent_back_with(crew, state)
    return list(again.corrections) if again and crew.ablations.corrections else []


def sources_of(crew: Crew, earlier: list[Take]) -> list[Take]:
    """The takes whose verdicts a request after them carries: of candidates the best, once all are judged."""
    judged = [take for take in earlier if take.failure is None and not take.placeholder]
    if not judged or len(judged) < (candidates := crew.candidates(judged[0].shot)):
        return []
    first, later = judged[:candidates], judged[candidates:]
    best = choose(first[0].shot, first).attempt
    return ([take for take in first if take.attempt == best] or first[-1:]) + later  # all may have been stopped


def choose(shot: str, takes: list[Take]) -> Outcome:
    """The accepted take, else the one with the mildest findings, else a placeholder, which is yet to be drawn."""
    judged = [take for take in takes if take.clip is not None and take.verdict is not None]
    if not judged:
        return Outcome(shot=shot, state="placeholder")
    best = max(judged, key=lambda take: (take.accepted, take.verdict.quality if take.verdict else 0, -take.attempt))
    assert best.clip is not None
    state = "accepted" if best.accepted else "best"
    return Outcome(shot=shot, state=state, attempt=best.attempt, last=best.clip.frames - 1)


def recalled_of(state: TakeState) -> list[Keyframe]:
    return [Keyframe.model_validate(keyframe) for keyframe in state.get("recalled", [])]


def held_to(state: TakeState) -> tuple[Held, ...]:
    """The pictures that the takes of a shot are held to, as a take tells them."""
    told = zip(
        recalled_of(state), state.get("why", []), strict=False
    )  # lives begun before there were reasons have none
    return tuple(Held(picture=one.picture, shows=one.words, why=why) for one, why in told)
