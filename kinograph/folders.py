"""A production's own folder: free before it is opened, signed with its id, whole once it is finished."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from kinograph import disk
from kinograph.errors import BadInput, Damaged
from kinograph.film import Film

if TYPE_CHECKING:
    from kinograph.memory.ledger import Ledger, Record

CARD = Path(".kinograph", "production.json")
"""In the folder: the id of its production."""


def check_free(folder: Path) -> None:
    """Raises BadInput for a folder that holds anything but what a `make` leaves that was killed at its very start."""
    with disk.storage(folder):
        if (folder / CARD).exists():
            raise BadInput(f"folder {str(folder)!r} already holds a production; finish it: kinograph resume {folder}")
        if folder.exists() and (not folder.is_dir() or any(entry.name != ".kinograph" for entry in folder.iterdir())):
            raise BadInput(f"folder {str(folder)!r} is not an empty folder; name a new one")


def sign(folder: Path, id: str) -> None:
    """Has the folder know which production's it is, wherever it is moved."""
    disk.write(folder / CARD, json.dumps({"id": id}))


def signed(folder: Path) -> str | None:
    """The id of the production whose folder it is; None for any other. Raises Damaged."""
    card = folder / CARD
    with disk.storage(card):
        if not card.is_file():
            return None
    try:
        return json.loads(card.read_text())["id"]
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{str(card)!r} is damaged; resume by id instead (kinograph show lists them)") from error


def is_whole(ledger: Ledger, record: Record) -> bool:
    """Whether everything that a finished production leaves is still there and the film can be played."""
    from kinograph.tools.footage import frames_in

    film = ledger.paper(record.id, "film", Film)
    if film is None:
        return False
    read = ["film.srt", "film.vtt"] if film.brief.captions else []
    files = ["film.mp4", "contact_sheet.png", *read, *(f"shots/{cut.shot}.mp4" for cut in film.timeline)]
    if not all((record.folder / file).is_file() for file in files):
        return False
    return frames_in(record.folder / "film.mp4") == sum(round(c.seconds * film.decision.fps) for c in film.timeline)
