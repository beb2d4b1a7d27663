"""The strategy of a production: how many shots at a time and where pictures come from, with the reasons.

A table decides from complexity and from what the machine has left; recorded outcomes may overrule it.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from kinograph.agents.english.lexicon import lexicon
from kinograph.agents.english.wishes import lengths, story
from kinograph.film import Brief, Shot, Stock, Storyboard, Strategy, Trial, Visuals
from kinograph.tools.backends import ModelCard
from kinograph.tools.machine import Machine, Tier
from kinograph.tools.resources import CPU_BANDS, RAM_BANDS, Snapshot, recommended_concurrency

FAST = re.compile(
    r"\b(?:fast[- ]paced|(?:quick|rapid|fast|jump) cuts?|rapid[- ]fire|hectic|frantic|frenetic|breakneck|montage"
    r"|action[- ]packed)\b",
    re.I,
)
TECHNICAL = re.compile(
    r"\b(?:technical|scientific|engineering|algorithms?|circuits?|diagrams?|schematics?|equations?|molecules?|proteins?"
    r"|dna|atoms?|physics|chemistry|anatomy|software|microchips?|processors?|gearbox(?:es)?|turbines?|cutaway"
    r"|exploded view|how (?:an? |the )?[\w -]{1,40} works)\b",
    re.I,
)
FAST_SECONDS = 2.0
"""A film with less than so many seconds for each sentence is fast."""
DENSE_WORDS = 25
"""Sentences of more words than this on average are dense."""
STRENGTH: dict[Tier, float] = {"A": 1.0, "B": 0.8, "C": 0.6, "D": 0.4}
"""What a machine of a tier has when it is idle."""
EVIDENCE = 8
"""Trials of both strategies, with the model at hand, before one may overrule the other."""
AS_GOOD = 0.05
"""A success rate or quality that is lower by no more than this counts as equal."""


class Complexity(NamedTuple):
    """How demanding content is, 0..1, and what makes it so."""

    value: float
    technical: bool
    why: str


def complexity(brief: Brief) -> Complexity:
    """0.5; more for a long film, fast pacing, dense sentences and technical matter."""
    said = story(brief.text) or brief.text
    sentences = [part for part in re.split(r"[.!?;\n]+", said) if part.strip()]
    asked = [remark.value for remark in lengths(brief.text) if isinstance(remark.value, float)]
    seconds = brief.seconds or (asked[0] if asked else None)
    dense = len(said.split()) / max(1, len(sentences)) > DENSE_WORDS
    fast = bool(FAST.search(brief.text)) or (seconds is not None and seconds / max(1, len(sentences)) < FAST_SECONDS)
    technical = bool(TECHNICAL.search(brief.text))
    parts = [
        (0.5, "base", True),
        (0.2, "over 10 minutes", (seconds or 0) > 600),
        (0.1, "over 5 minutes", 300 < (seconds or 0) <= 600),
        (0.1, "fast pacing", fast),
        (0.15, "dense sentences", dense),
        (0.1, "technical", technical),
    ]
    counted = [(much, name) for much, name, holds in parts if holds]
    why = " + ".join(f"{much:g} {name}" for much, name in counted)
    return Complexity(min(1.0, round(sum(much for much, _ in counted), 2)), technical, why)


# -------------------------------------------------------------------------------------- how many at a time


class Chosen(NamedTuple):
    """A strategy and why."""

    strategy: Strategy
    why: str


def strength(machine: Machine, load: Snapshot) -> float:
    """What the machine has left, 0..1: its tier's strength, less by the same shares of load as the workers."""
    left = STRENGTH[machine.tier]
    for percent, bands in ((load.others_percent, CPU_BANDS), (load.ram_percent, RAM_BANDS)):
        left *= next((float(share) for above, share in bands if percent > above), 1.0)
    return round(left, 2)


def by_table(machine: Machine, load: Snapshot, complexity: float, offline: bool) -> Chosen:
    """Sequential offline or where little is left; adaptive where much is left for complex content; else parallel."""
    if offline:
        return Chosen("sequential", "offline")
    left = strength(machine, load)
    measured = f"others at {load.others_percent:.0f} % CPU, memory {load.ram_percent:.0f} % full"
    resources = f"resources {left:g} on tier {machine.tier} with {measured}, complexity {complexity:g}"
    if left > 0.7 and complexity > 0.6:
        return Chosen("adaptive", f"{resources}: over 0.7 and over 0.6")
    if left > 0.5:
        return Chosen("parallel", f"{resources}: over 0.5")
    return Chosen("sequential", f"{resources}: 0.5 or less")


class Standing(NamedTuple):
    """What the trials of one strategy come to."""

    strategy: Strategy
    runs: int
    rate: float
    """Share that succeeded."""
    worst: float
    best: float
    """What the rate may truly be: Wilson's interval, 95 %."""
    quality: float
    seconds: tuple[float, float, float]
    """Quartiles of the seconds a take."""

    def __str__(self) -> str:
        return (
            f"{self.strategy} succeeded in {self.rate:.0%} of {self.runs}, {self.seconds[1]:.3g} s a take, "
            f"quality {self.quality:.2f}"
        )


def standings(trials: Sequence[Trial], model: str) -> dict[Strategy, Standing]:
    """The strategies of which there is enough evidence with a model."""
    found: dict[Strategy, Standing] = {}
    for strategy in ("sequential", "parallel", "adaptive"):
        ours = [trial for trial in trials if (trial.strategy, trial.model) == (strategy, model)]
        seconds = [trial.seconds for trial in ours if trial.seconds is not None]
        if len(ours) < EVIDENCE:
            continue
        succeeded = sum(trial.succeeded for trial in ours)
        quarters = statistics.quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else [math.inf] * 3
        qualities = [trial.quality for trial in ours if trial.quality is not None]
        found[strategy] = Standing(
            strategy,
            len(ours),
            succeeded / len(ours),
            *_wilson(succeeded, len(ours)),
            statistics.fmean(qualities) if qualities else 0.0,
            (quarters[0], quarters[1], quarters[2]),
        )
    return found


def _wilson(successes: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927)."""
    share = successes / count
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (middle - spread) / (1 + z * z / count), (middle + spread) / (1 + z * z / count)


def by_record(table: Chosen, trials: Sequence[Trial], model: str) -> Chosen:
    """What the table chose, unless recorded outcomes with the model are clearly for another strategy.

    Clearly: its success rate is higher even when it was lucky and the other was not; or it is as good in success and
    quality, and three quarters of its films took less time a take than three quarters of the other's.
    """
    known = standings(trials, model)
    mine = known.pop(table.strategy, None)
    if mine is None:
        return table
    better = [one for one in known.values() if one.worst > mine.best or _faster(one, mine)]
    if not better:
        return table
    one = max(better, key=lambda one: (one.rate, -one.seconds[1]))
    return Chosen(one.strategy, f"{one}; {mine}, which is what the table says ({table.why})")


def _faster(one: Standing, other: Standing) -> bool:
    as_good = one.rate >= other.rate - AS_GOOD and one.quality >= other.quality - AS_GOOD
    return as_good and one.seconds[2] < other.seconds[0]


class Workers(NamedTuple):
    """Shots at a time, and why."""

    number: int
    why: str


def workers(strategy: Strategy, model: ModelCard, machine: Machine, load: Snapshot, complexity: float) -> Workers:
    """One; as many as is recommended now; or as many as ever would be, to be asked again before each render."""
    if model.vram_gb and strategy != "sequential" and (cards := machine.carrying(model.least_gb)) > 1:
        return Workers(cards, f"one on each of {cards} graphics cards")
    if model.vram_gb:
        return Workers(1, "the model has the graphics card to itself")
    if strategy == "sequential":
        return Workers(1, "sequential")
    now = recommended_concurrency(machine, load, complexity)
    if strategy == "parallel":
        return Workers(now.workers, f"{now.why}; {load}")
    idle = load.changed(cpu_percent=0, ours_percent=0, ram_percent=0)
    most = recommended_concurrency(machine, idle, complexity)
    return Workers(most.workers, f"at most, {most.why}; {now.workers} now, asked again before each render; {load}")


# ------------------------------------------------------------------------------------ where pictures come from


class Shown(NamedTuple):
    """Where pictures come from, and why."""

    visuals: Visuals
    why: str


def visuals(content: Complexity, offline: bool, model: ModelCard, stock: Sequence[Stock], media: bool) -> Shown:
    """The table's choice as far as there are pictures that fit, and a model that takes them.

    `media` says whether a media folder is set at all.
    """
    if not media:
        return Shown("AI only", "no media folder is set")
    if not stock:
        return Shown("AI only", "no picture in the media folder is named after anything in the brief")
    if "i2v" not in model.tasks:
        return Shown("AI only", f"{model.id} takes no pictures (it does {', '.join(model.tasks)})")
    fitting = f"{len(stock)} fitting picture{'s' if len(stock) > 1 else ''} in the media folder"
    if offline:
        lack = "stock only would be the table's choice, but this version cannot film a still picture by itself"
        return Shown("hybrid stock first", f"offline, {fitting}; {lack}")
    if content.value > 0.6 or content.technical:
        why = "technical" if content.technical else f"complexity {content.value:g} is over 0.6"
        return Shown("hybrid AI first", f"{why}; {fitting} for retakes")
    return Shown("hybrid stock first", f"{fitting}; complexity {content.value:g}")


def subjects(brief: Brief) -> frozenset[str]:
    """Words by which a picture for the brief may be named: those of the brief that not every text has."""
    common = {word for words in lexicon().data["closed"].values() for word in words}
    words = set(re.findall(r"[a-z]+", brief.text.lower())) - common
    return frozenset(words | {word.removesuffix("s") for word in words})


def picture_for(shot: Shot, board: Storyboard, stock: Sequence[Stock]) -> str | None:
    """Digest of the picture that is named after everyone in the shot, and its place; None when there is none.

    Of several the one that names most else of the shot, such as colours and the time of day.
    """
    cast = [board.character(one.who) for one in shot.cast]
    place = frozenset(re.findall(r"[a-z]+", shot.setting.lower()))
    kinds = frozenset(who.kind for who in cast)
    more = frozenset(re.findall(r"[a-z]+", " ".join(who.words for who in cast).lower())) | place | {shot.time}
    fitting = [
        (-len(more.intersection(one.words)), number, one.picture)
        for number, one in enumerate(stock)
        if kinds <= set(one.words) and (not place or place & set(one.words)) and (kinds or place)
    ]
    return min(fitting)[2] if fitting else None


def begins_with(shot: Shot, board: Storyboard, chosen: Visuals, stock: Sequence[Stock], attempt: int) -> str | None:
    """Digest of the stock picture that an attempt at a shot begins with.

    Stock first shows it to the first take and leaves retakes to the model alone; AI first does the reverse.
    """
    if chosen == "AI only" or (chosen == "hybrid stock first" and attempt > 1):
        return None
    if chosen == "hybrid AI first" and attempt == 1:
        return None
    return picture_for(shot, board, stock)
