"""Remedies: what may mend a take, by what is wrong with it, and which is chosen: what has worked before.

The table is data. Of what it has for a finding only that is offered which the shot's backend can take. With a record
of what was tried on that backend the choice is Thompson sampling over Beta posteriors (Thompson 1933; Chapelle and Li
2011), with dice that fall as the request's seed says: the same take and the same record give the same remedy.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple, get_args

from kinograph.film import Action, Conditioning, Correction, FindingKind, Noun, RenderRequest, Verdict
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.remedies import Tally, Trial
from kinograph.tools.backends import ModelCard


class Remedy(NamedTuple):
    """Changes of the next request that belong together."""

    name: str
    does: tuple[tuple[Action, str], ...]
    """Actions and their words, in which {who}, {does}, {place} and {kind} stand for the finding's. Another seed every
    retake has besides."""


def _words(words: str) -> Remedy:
    return Remedy("words", (("emphasize", words),))


def _with_guidance(words: str) -> Remedy:
    return Remedy("words and guidance", (("emphasize", words), ("raise guidance", "")))


def _with_steps(words: str) -> Remedy:
    return Remedy("words and steps", (("emphasize", words), ("more steps", "")))


def _held(words: str) -> Remedy:
    return Remedy("keyframe", (("emphasize", words), ("hold keyframe", "")))


SEED = Remedy("seed", ())
AVOID = Remedy("words to avoid", (("avoid", "{kind} frames"),))
STEPS = Remedy("steps", (("more steps", ""),))
NOISE = Remedy("shared noise", (("share noise", ""),))
SHORTER = Remedy("shorter", (("shorten", ""),))
ANEW = Remedy("anew in part", (("rework", ""),))
LOOSE = Remedy("no keyframe", (("loosen keyframe", ""),))
MODEL = Remedy("other model", (("other model", ""),))
BROKEN = (AVOID, STEPS, LOOSE, SHORTER, SEED, MODEL)
VIEW, COLOR, CLEARLY = "{who} in full view from beginning to end", "{who} in exactly this color", "clearly {who}"
MOVES, PLACE, BEFORE = "{who} clearly {does}", "unmistakably in the {place}", "{who} exactly as before"
SAME_COLOR, SAME_SHAPE, SAME_SIZE = (
    "{who} in the same color from beginning to end",
    "{who} with the same shape from beginning to end",
    "{who} with the same size from beginning to end",
)

TABLE: dict[FindingKind, tuple[Remedy, ...]] = {
    "unreadable": (SEED, MODEL),
    "black": BROKEN,
    "corrupt": BROKEN,
    "flicker": (AVOID, STEPS, NOISE, ANEW, SHORTER, SEED, MODEL),
    "frozen": BROKEN,
    "jump": BROKEN,
    "incoherent": (AVOID, STEPS, NOISE, ANEW, SHORTER, LOOSE, SEED, MODEL),
    "subject missing": (_with_guidance(VIEW), _words(VIEW), _held(VIEW), SHORTER, SEED, MODEL),
    "wrong color": (_with_guidance(COLOR), _words(COLOR), _held(COLOR), STEPS, SEED, MODEL),
    "wrong subject": (_with_guidance(CLEARLY), _words(CLEARLY), _held(CLEARLY), STEPS, SEED, MODEL),
    "wrong motion": (_with_guidance(MOVES), _words(MOVES), LOOSE, STEPS, SEED, MODEL),
    "color drift": (_with_steps(SAME_COLOR), _words(SAME_COLOR), SHORTER, _held(SAME_COLOR), NOISE, ANEW, SEED, MODEL),
    "shape drift": (_with_steps(SAME_SHAPE), _words(SAME_SHAPE), SHORTER, _held(SAME_SHAPE), NOISE, ANEW, SEED, MODEL),
    "size drift": (_with_steps(SAME_SIZE), _words(SAME_SIZE), SHORTER, _held(SAME_SIZE), NOISE, ANEW, SEED, MODEL),
    "wrong setting": (_words(PLACE), _with_guidance(PLACE), NOISE, _held(PLACE), SEED, MODEL),
    "off model": (_words(BEFORE), _with_guidance(BEFORE), _held(BEFORE), NOISE, SEED, MODEL),
    "cannot see": (SEED, LOOSE, STEPS),
}
"""What may help against a finding, what is thought best first."""

ACTIONS: tuple[Action, ...] = get_args(Action)
FIRST, OTHERS = (3.0, 1.0), (1.0, 1.0)
"""What is believed of a remedy before it was tried, as times that it worked and did not: more of the table's first."""


class Offer(Noun):
    """From what the remedies of a take are chosen."""

    model: str = ""
    """What rendered it."""
    able: tuple[Action, ...] = ACTIONS
    """What the next request can carry."""
    seed: int = 0
    """By which the dice fall."""
    learn: bool = False
    """Choose by the record; else the first of the table."""
    record: tuple[Tally, ...] = ()
    tried: tuple[tuple[FindingKind, str], ...] = ()
    """Findings and the remedies that have not helped against them in this very shot."""
    given: tuple[tuple[FindingKind, str], ...] = ()
    """What was chosen for this take before: a production that is resumed asks for the same again."""


def able(
    card: ModelCard,
    request: RenderRequest,
    recalled: Sequence[Keyframe],
    own: Collection[str],
    models: int,
    rendered: bool = True,
) -> tuple[Action, ...]:
    """The actions that a request after this one can carry.

    `own` are the pictures that the user gave, which are not let go of; `models` is how many others may be tried;
    `rendered` says whether this one has a clip, which could be made anew in part.
    """
    first = [one for one in request.conditioning if one.role == "first" and one.keyframe not in own]
    given = any(one.keyframe in own for one in request.conditioning)
    holds = "i2v" in card.tasks and not request.conditioning and any(one.role == "setting" for one in recalled)
    can: dict[Action, bool] = {
        "reseed": True,
        "emphasize": True,
        "avoid": card.negative,
        "raise guidance": 0 < request.guidance < card.max_guidance,
        "more steps": 0 < request.steps < card.max_steps,
        "hold keyframe": holds,
        "loosen keyframe": bool(first) and "t2v" in card.tasks,
        "share noise": card.shared_noise,
        "shorten": card.legal_frames(round(request.frames * SHORT)) < request.frames,
        "rework": rendered and reworks(card) and not given,
        "other model": models > 0,
    }
    return tuple(action for action in ACTIONS if can[action])


def chosen(kind: FindingKind, offer: Offer) -> Remedy:
    """The remedy for a finding."""
    offered = [one for one in TABLE[kind] if all(action in offer.able for action, _ in one.does)]
    before = dict(offer.given).get(kind)
    if kept := [one for one in TABLE[kind] if one.name == before]:
        return kept[0]
    if not offer.learn:
        return offered[0]
    new = [one for one in offered if (kind, one.name) not in offer.tried] or offered
    known = {one.remedy: one for one in offer.record if (one.finding, one.model) == (kind, offer.model)}
    dice = random.Random(f"{offer.seed} {offer.model} {kind}")

    def luck(one: Remedy) -> float:
        worked, not_worked = FIRST if one == TABLE[kind][0] else OTHERS
        tally = known.get(one.name)
        if tally is not None:
            worked, not_worked = worked + tally.worked, not_worked + tally.tried - tally.worked
        return dice.betavariate(worked, not_worked)

    return max(new, key=luck)


def corrections(kind: FindingKind, offer: Offer, **names: str) -> Iterator[Correction]:
    """What the next request carries because of a finding; `names` stand for what its words leave open."""
    remedy = chosen(kind, offer)
    yield Correction(action="reseed", because=kind, remedy=remedy.name)
    for action, words in remedy.does:
        yield Correction(action=action, words=words.format(kind=kind, **names), because=kind, remedy=remedy.name)


def given(verdict: Verdict | None) -> tuple[tuple[FindingKind, str], ...]:
    """The findings of a verdict that a remedy was chosen for, and which."""
    found = verdict.corrections if verdict else ()
    return tuple(dict.fromkeys((one.because, one.remedy) for one in found if one.remedy))


# --------------------------------------------------------------------------------- what a request takes

SHORT = 0.75
"""Share of the frames that is left each time that a clip is made shorter."""
LOOSER = 0.35
"""How much less a first frame counts each time, where that can be said; else it is left out at once."""
APART = 0.6
"""Share of what shots do not have in common that stays so each time that they are to share noise."""


KEPT = 0.5
"""How much of a take is left where it is made anew in part (SDEdit, Meng et al. 2022): enough that what is seen stays,
not so much that what was wrong does."""


def reworks(card: ModelCard) -> bool:
    """Whether a model makes a whole clip anew in part. Those that paint by masks keep all of a clip without one."""
    return "v2v" in card.tasks and "inpaint" not in card.tasks


def times(corrections: Sequence[Correction], action: Action) -> int:
    """How often corrections ask for an action."""
    return sum(correction.action == action for correction in corrections)


def shared(times: int) -> float:
    """How much of a shot's noise is the scene's after so many times: 0, 0.4, 0.64, …"""
    return round(1.0 - APART**times, 4)


def loosened(first: Conditioning, times: int, graded: bool) -> tuple[Conditioning, ...]:
    """A first frame that counts for less, or for nothing."""
    left = round(first.strength - LOOSER * times, 4) if graded or not times else 0.0
    return (first.changed(strength=left),) if left > 0 else ()


# --------------------------------------------------------------------------------------- what came of it

DEFECTS: frozenset[FindingKind] = frozenset(("black", "corrupt", "flicker", "frozen", "jump", "incoherent"))
"""Findings that end the judging: behind them nothing else was looked for."""
UNSEEN: frozenset[FindingKind] = frozenset(("unreadable", "cannot see"))


def outcomes(before: Verdict | None, after: Verdict, severe: float, model: str) -> list[Trial]:
    """Whether what a verdict asked for has helped, as the verdict on the next take tells; nothing of findings that it
    could not look for."""
    bad = {one.kind for one in after.findings if one.severity >= severe}
    found = []
    for kind, remedy in given(before):
        blind = bad & (UNSEEN if kind in DEFECTS else UNSEEN | DEFECTS) if kind not in bad else set()
        if not blind:
            found.append(Trial(finding=kind, model=model, remedy=remedy, worked=kind not in bad))
    return found
