"""Words: what becomes of each shot of a proposed version, and what it takes; lengths of time."""

from __future__ import annotations

from collections import Counter

from kinograph.events import Forgot, Proposed, TakeStopped, Work
from kinograph.film import Concession, Film, Usage


def as_text(proposal: Proposed) -> str:
    """A proposal in plain text: a line a shot."""
    lines = [proposal.said] if proposal.said else []
    lines.append(f"{proposal.storyboard.title} (version {proposal.version})")
    works = {work.shot: work for work in proposal.works}
    for number, shot in enumerate(proposal.storyboard.shots, 1):
        who = (
            ", ".join(f"{proposal.storyboard.character(one.who).words}: {one.motion}" for one in shot.cast) or "nobody"
        )
        work = works.get(shot.id)
        cost = "" if work is None else f" [{told(work)}]"
        lines.append(f"{number}. {who}; {shot.setting}, {shot.time}, {shot.camera}, {round(shot.seconds, 2):g} s{cost}")
    if proposal.film:
        lines.append(f"Filmed: {proposal.film}")
    else:
        lines.append(f"{cost_of(proposal)} {question(proposal)}")
    return "\n".join(lines)


def told(work: Work) -> str:
    """What becomes of a shot, in words."""
    if work.does == "keep":
        return f"kept: {work.why}"
    if work.does == "vault":
        return f"rendered before: {work.why}"
    return f"render: {work.why}" + ("" if work.seconds is None else f", {about(work.seconds)}")


def about(seconds: float) -> str:
    """An estimated time; none is so short that it is nothing."""
    return f"about {max(seconds, 0.1):.1f} s"


def cost_of(proposal: Proposed) -> str:
    """How many shots will be rendered and what that takes."""
    count = sum(work.does == "render" for work in proposal.works)
    if not count:
        return "Nothing needs to be rendered, only cut."
    time = "unknown time" if proposal.seconds is None else about(proposal.seconds)
    return f"{count} of {len(proposal.works)} shots to render, {time}."


def question(proposal: Proposed) -> str:
    """What a proposal that is not filmed yet asks."""
    return "Render it?" if any(work.does == "render" for work in proposal.works) else "Make the film?"


def spoken(seconds: float) -> str:
    """A length of time as one says it: 0.4 s, 12 s, 3 min 5 s, 2 h 10 min, 3 days 4 h."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, small, minor in ((86400, "days", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // small
            name = "day" if unit == "days" and whole // size == 1 else unit
            return f"{whole // size} {name}" + (f" {rest} {minor}" if rest else "")
    return f"{whole} s"


def ended(event: TakeStopped) -> str:
    """A take that was ended midway, in one line."""
    return f"take {event.attempt} of {event.shot} stopped at {event.share:.0%}: {event.why}"


def forgotten(event: Forgot) -> str:
    """What the memory has forgotten, in one line."""
    more = f" and {len(event.films) - 3} more" if len(event.films) > 3 else ""
    of = f", of {', '.join(event.films[:3])}{more}" if event.films else ""
    return f"the memory forgot {event.thinned} keyframes that say least{of}, and {event.superseded} superseded ones"


GIVEN: dict[str, str] = {
    "smaller": "smaller",
    "fewer frames": "fewer frames",
    "fewer steps": "fewer steps",
    "other model": "another model",
    "placeholder": "not rendered",
    "missing": "missing",
    "not accepted": "no take was accepted",
    "trimmed": "no take was accepted as a whole",
    "fresh start": "not held to what came before",
    "not remembered": "not remembered",
    "default": "not done as it should",
    "left out": "left out",
}
"""Kinds of concessions as one says them."""


def conceded(concession: Concession) -> str:
    """A concession in one line."""
    what = GIVEN[concession.kind]
    if concession.shot:
        where = f"shot {concession.shot}"
        what = f"{what} ({concession.task})" if concession.kind == "default" else what
    else:
        where = concession.task
    return " ".join(f"{where}: {what}; {concession.instead} ({concession.why})".split())


def lacks(film: Film) -> str:
    """How much a film gives up, and how to try once more."""
    count = len(film.given_up)
    again = f"; try again what was not rendered: kinograph resume {film.id} --rebuild" if film.placeholders else ""
    return f"the film is finished, but {count} {'thing was' if count == 1 else 'things were'} given up{again}"


def fallen_back(usage: Usage) -> str:
    """One line on which roles' rules answered in place of a language model, and why; empty when none had to."""
    counts = Counter((fallback.role, fallback.why) for fallback in usage.fallbacks)
    told = [f"{role}{f' ({times} times)' if times > 1 else ''}: {why}" for (role, why), times in counts.items()]
    more = f"; {len(told) - 4} more in the manifest" if len(told) > 4 else ""
    return f"rules answered where {usage.mind} did not: {'; '.join(told[:4])}{more}" if told else ""
