"""`kinograph vault`: the clips that are kept, looked over and rid of leftovers."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from kinograph.errors import Damaged
from kinograph.output import EPILOG, Json, put

vault = typer.Typer(help="Look after the clips that are kept.", rich_markup_mode=None)


@vault.command(name="audit", epilog=EPILOG)
def audit_vault(as_json: Json = False) -> None:
    """Decode every clip and compare its frames with what was rendered. Changes nothing; status 5 on damage."""
    from kinograph.studio import Studio
    from kinograph.upkeep import audit

    found = audit(Studio().vault)
    if as_json:
        put(found.model_dump(mode="json"))
    else:
        put(f"{found.clips} clips and {found.pictures} pictures looked at, {len(found.damaged)} damaged")
    if found.damaged:
        first = found.damaged[0]
        lines = [f"{one.what}: {one.words}" for one in found.damaged]
        print("\n".join(lines[:20]), file=sys.stderr)
        raise Damaged(f"{len(lines)} damaged, the first {first.what}; finishing a production that uses one mends it")


@vault.command(epilog=EPILOG)
def clean(
    days: Annotated[float, typer.Option(help="Nothing younger is touched, unless its process is dead.", min=0)] = 1.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, remove nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what killed processes left behind. Safe while others work; what a production uses is never touched."""
    from kinograph.studio import Studio
    from kinograph.upkeep import DAY, leftovers

    studio, gone = Studio(), []
    with studio.ledger() as ledger:
        for one in leftovers(studio.vault, ledger, days * DAY):
            if not dry_run:
                one.remove()
            gone.append({"kind": one.kind, "name": one.name, "bytes": one.bytes})
            if not as_json:
                print(f"{'would remove' if dry_run else 'removed'} {one.kind}: {one.name}")
    if as_json:
        put(gone)
    else:
        verb = "would be removed" if dry_run else "removed"
        print(f"{len(gone)} {verb}, {sum(one['bytes'] for one in gone) / 2**20:.1f} MB")
