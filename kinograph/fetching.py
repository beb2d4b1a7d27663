"""`kinograph models`: the model cards; their weights fetched and checked."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from kinograph.errors import Cancelled
from kinograph.output import EPILOG, Json, put

models = typer.Typer(
    help="List the model cards; fetch and check the weights of one.", rich_markup_mode=None, invoke_without_command=True
)


@models.callback(epilog=EPILOG)
def list_models(context: typer.Context, as_json: Json = False) -> None:
    """List the model cards: what each can do, needs and may be used for, and whether its weights are here."""
    if context.invoked_subcommand is not None:
        return
    from kinograph import pages
    from kinograph.agents.choosing import choose_model
    from kinograph.film import Brief
    from kinograph.models import installed, model_of
    from kinograph.settings import Settings
    from kinograph.tools.backends import cards, ready
    from kinograph.tools.machine import this_machine

    settings, known = Settings.load(), list(cards().values())
    able = ready(settings.backends)
    default = choose_model(Brief(text=""), this_machine(), able)[0].id
    found = [installed(model_of(card, settings)) for card in known]
    if not as_json:
        put(pages.models(known, default, able, found))
        return
    told = [{"available": card.id in able, "default": card.id == default} for card in known]
    rows = zip(known, told, found, strict=True)
    put([card.model_dump(mode="json") | more | here.data() for card, more, here in rows])


Name = Annotated[str, typer.Argument(help="Model card, or weights by their hub id (owner/name).")]


@models.command(epilog=EPILOG)
def pull(
    name: Name,
    to: Annotated[Path | None, typer.Option(help="A folder of their own; the hub's cache without it.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Fetch without asking.")] = False,
) -> None:
    """Fetch the weights of a model from the hub, after showing their licence and size.

    Prints the folder they are in. Ctrl-C keeps what was fetched, half a file too; the same command goes on with it.
    """
    from kinograph import pages
    from kinograph.models import fetch, named, offer
    from kinograph.settings import Settings

    settings = Settings.load()
    model = named(name, settings)
    if model.shipped:
        put(f"{name} ships with kinograph; there is nothing to fetch")
        return
    offered = offer(model, to, settings)
    if offered.here < offered.size:
        print(pages.offer(model, offered), file=sys.stderr)
        if not yes:
            _ask_to_fetch()
    with pages.fetching(offered) as on_progress:
        weights = fetch(model, offered, on_progress)
    if offered.own:
        section = json.dumps(name if model.card is not None else "MODEL")  # quoted: names have dots in them
        line = f"[backends.{section}] weights = {json.dumps(str(weights.folder), ensure_ascii=False)}"
        print(f"kinograph: use them with: {line}", file=sys.stderr)
    put(str(weights.folder))


@models.command(name="check", epilog=EPILOG)
def check_model(
    name: Annotated[str, typer.Argument(help="Model card, folder, file, or hub id of weights.")],
) -> None:
    """Look whether the weights of a model are here and whole, without loading them."""
    from kinograph.models import named, spoken, whole
    from kinograph.settings import Settings

    weights = whole(named(name, Settings.load()))
    if weights is None:
        put(f"{name} needs no weights")
    else:
        size = spoken(weights.gb * 2**30)
        put(f"{name} is whole: {weights.folder} ({size}, revision {weights.revision[:12]})")


def _ask_to_fetch() -> None:
    """Raises Cancelled unless the user says yes."""
    print("Fetch it? (yes or no) ", end="", file=sys.stderr, flush=True)
    if (sys.stdin.readline() if sys.stdin else "").strip().lower() not in ("y", "yes"):
        raise Cancelled("nothing was fetched; --yes fetches without asking")
