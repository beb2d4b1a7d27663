"""The manifest: a finished production written down in full, with what made it."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from kinograph import disk
from kinograph.film import Concession, Decision, Film, Outcome, Storyboard, Take, Usage
from kinograph.soundtrack import Tracks
from kinograph.tools.editing import timeline

if TYPE_CHECKING:
    from kinograph.memory.ledger import Ledger, Record

PACKAGES = (
    "kinograph",
    "langgraph",
    "langchain-core",
    "chromadb",
    "diffusers",
    "torch",
    "transformers",
    "av",
    "numpy",
)


def publish(ledger: Ledger, record: Record, outcomes: Mapping[str, Outcome], seconds: float) -> Film:
    """Assembles the Film from the ledger, files it there and writes manifest.json. Raises StorageError."""
    from kinograph.graphs.reviewing import PAPER, Reviews
    from kinograph.graphs.studio import CHANGES, Changes, parts_of

    storyboard = ledger.paper(record.id, "storyboard", Storyboard)
    decision = ledger.paper(record.id, "decision", Decision)
    assert storyboard is not None, "publishing follows planning"
    assert decision is not None, "publishing follows the decision"
    takes = ledger.takes(record.id)
    film = Film(
        id=record.id,
        folder=str(record.folder),
        path=str(record.folder / "film.mp4"),
        brief=record.brief,
        decision=decision,
        storyboard=storyboard,
        takes=tuple(takes),
        timeline=timeline(parts_of(storyboard, takes, outcomes), decision.fps),
        missing=tuple(shot.id for shot in storyboard.shots if outcomes[shot.id].state == "failed"),
        given_up=given_up(ledger, record.id, storyboard, outcomes, takes, decision),
        seconds=round(seconds, 3),
        usage=ledger.paper(record.id, "usage", Usage) or Usage(),
        changes=(ledger.paper(record.id, CHANGES, Changes) or Changes()).changes,
        reviews=(ledger.paper(record.id, PAPER, Reviews) or Reviews()).reviews,
    )
    ledger.file(record.id, "film", film)
    tracks = ledger.paper(record.id, "tracks", Tracks)
    manifest = _manifest(film, record, outcomes, tracks)
    disk.write(record.folder / "manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False))
    return film


def given_up(
    ledger: Ledger,
    id: str,
    storyboard: Storyboard,
    outcomes: Mapping[str, Outcome],
    takes: Sequence[Take],
    decision: Decision,
) -> tuple[Concession, ...]:
    """Everything that was asked for and is not so: what concerns the whole film, then shot by shot."""
    from kinograph.agents.concessions import of_outcome
    from kinograph.graphs.boundaries import conceded

    found = list(conceded(ledger, id))
    for shot in storyboard.shots:
        outcome = outcomes[shot.id]  # settled before concessions were recorded, it tells them by itself
        found += outcome.given_up or of_outcome(outcome, [one for one in takes if one.shot == shot.id], decision)
    return tuple(found)


def _manifest(film: Film, record: Record, outcomes: Mapping[str, Outcome], tracks: Tracks | None) -> dict[str, Any]:
    opened = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.opened))
    return {
        **film.model_dump(mode="json"),
        "outcomes": [outcomes[shot.id].model_dump(mode="json", exclude={"given_up"}) for shot in film.storyboard.shots],
        **({"tracks": tracks.model_dump(mode="json")} if tracks else {}),
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "timings": {
            "opened": opened,
            "seconds": film.seconds,
            "film_seconds": round(sum(cut.seconds for cut in film.timeline), 4),
            "render_seconds": round(sum(t.clip.render_seconds for t in film.takes if t.clip and not t.reused), 3),
            "stopped_early": sum(take.stopped is not None for take in film.takes),
        },
    }


@cache
def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
