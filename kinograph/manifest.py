"""The manifest: a finished production written down in full, with what made it."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kinograph import disk
from kinograph.film import Decision, Film, Outcome, Storyboard, Usage
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
    from kinograph.graphs.studio import parts_of

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
        timeline=timeline(parts_of(storyboard, takes, outcomes)),
        missing=tuple(shot.id for shot in storyboard.shots if outcomes[shot.id].state == "failed"),
        seconds=round(seconds, 3),
        usage=ledger.paper(record.id, "usage", Usage) or Usage(),
    )
    ledger.file(record.id, "film", film)
    tracks = ledger.paper(record.id, "tracks", Tracks)
    disk.write(
        record.folder / "manifest.json", json.dumps(_manifest(film, record, tracks), indent=1, ensure_ascii=False)
    )
    return film


def _manifest(film: Film, record: Record, tracks: Tracks | None) -> dict[str, Any]:
    opened = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.opened))
    return {
        **film.model_dump(mode="json"),
        **({"tracks": tracks.model_dump(mode="json")} if tracks else {}),
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "timings": {
            "opened": opened,
            "seconds": film.seconds,
            "film_seconds": round(sum(cut.seconds for cut in film.timeline), 4),
            "render_seconds": round(sum(t.clip.render_seconds for t in film.takes if t.clip and not t.reused), 3),
        },
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
